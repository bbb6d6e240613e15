#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# stress.sh SECONDS: threads that send on shared connections in and out of a scope, where memory is
# short, while rehearsals of it begin and end in every way and a trace runs beside them. Each answer has to
# be right, and the kernel must not complain.
# shellcheck source=tests/kernels/lib.sh
. /lib.sh
# shellcheck source=tests/kernels/rehearse.sh
. /rehearse.sh
seconds=$1
groups=/sys/fs/cgroup
complaints='WARNING: |BUG: |BUG |Oops|KASAN|refcount_t|SLUB: |slab error|rcu: INFO: .*stall|soft lockup|INFO: task .* blocked|general protection'

# The log rolls over, because who runs out of memory is told in it at length.
keep_log() {
	dmesg -c | grep -A40 -E "$complaints" >>/tmp/complaints
}

phase() {
	echo "$*" >/tmp/phase.new && mv /tmp/phase.new /tmp/phase
}

# hog NAME MEGABYTES: in that cgroup; whoever runs out of memory there, it is the one that ends.
hog() {
	(
		echo 0 >"$groups/$1/cgroup.procs"
		while [ ! -e /tmp/enough ]; do
			sh -c 'echo 1000 >/proc/self/oom_score_adj && exec "$WIRE" --hog "$0"' "$2" 2>/dev/null
			sleep 2
		done
	) &
}

sender() {
	(
		echo -1000 >/proc/self/oom_score_adj # the hog is who ends
		in_group "$groups/imdstrace-$1" "$WIRE" --stress "$1" --state /tmp/phase
	) >"/tmp/stress.$1" 2>"/tmp/stress.$1.err" &
}

# What went through unchanged during a rehearsal that told its end is on a connection that was not covered,
# or could not be read.
admits() {
	[ "$(grep -c "^let through: on $1$" /tmp/stress.in)" = 0 ] && return
	for field in not_covered unread; do
		said $field '[1-9][0-9]*' >/dev/null && return
	done
	echo "rehearsal $1: $(grep -c "^let through: on $1$" /tmp/stress.in) calls went through, and it does not say so"
	tr -d '\n' </tmp/rehearsal.json | cut -c 1-3000
	false
}

# cycle NUMBER: one rehearsal, and some time without one.
cycle() {
	phase changing
	span=10m
	[ $(($1 % 4)) != 3 ] || span=15s
	start_rehearsal --cgroup /imdstrace-in -q -d $span || { echo "rehearsal $1 did not begin" && cat /tmp/rehearse.said && return 1; }
	phase "on $1"
	sleep $((3 + $1 % 6))
	phase changing
	case $(($1 % 4)) in
	0) kill -KILL $rehearsal && wait $rehearsal ;;
	1) kill -TERM $rehearsal && wait $rehearsal ;;
	2) kill -INT $rehearsal && wait $rehearsal ;;
	3) wait $rehearsal ;;
	esac 2>/dev/null
	ended=$?
	phase "off $1"
	case $(($1 % 4)):$ended in
	0:137) ;;
	[123]:[014]) admits "$1" || return ;;
	*) echo "rehearsal $1 ended with $ended" && cat /tmp/rehearse.said && return 1 ;;
	esac
	sleep $((2 + $1 % 3))
}

# Until the time is over. A failure ends it, and what it says is shown.
cycles() {
	cycled=0
	begun=$(cut -d. -f1 /proc/uptime)
	while [ $(($(cut -d. -f1 /proc/uptime) - begun)) -lt "$seconds" ]; do
		cycled=$((cycled + 1))
		cycle $cycled || return
		keep_log
		kill -0 "$in" && kill -0 "$out" || return
		echo "cycle $cycled, $(wc -l </tmp/complaints) lines of complaints" >/dev/console
	done
}

# ends NAME PID: all its threads have ended, and no answer was wrong.
ends() {
	wait "$2"
	set -- "$1" $?
	cat "/tmp/stress.$1.err"
	equal "status 0" "status $2" && grep "^$1: answers [1-9]" "/tmp/stress.$1"
}

in_scope_was_rejected() {
	grep -q '^in: .* rejected [1-9]' /tmp/stress.in
}

no_complaint() {
	keep_log
	[ ! -s /tmp/complaints ] || { head -n 200 /tmp/complaints && false; }
}

uname -srvm
echo "+memory" >"$groups/cgroup.subtree_control"
mkdir "$groups/imdstrace-in" "$groups/imdstrace-out"
echo 32M >"$groups/imdstrace-in/memory.max"
echo 32M >"$groups/imdstrace-out/memory.max"
# In pages: TCP is short of memory from the second on.
echo "256 512 4096" >/proc/sys/net/ipv4/tcp_mem
dmesg -c >/dev/null
: >/tmp/complaints
phase changing
hold_service
"$IMDSTRACE" trace -q --output /tmp/report.json 2>/tmp/said &
tracer=$!
until grep -qs '^imdstrace: tracing' /tmp/said || ! kill -0 $tracer; do
	sleep 0.1
done
phase off 0
sender in
in=$!
sender out
out=$!
hog imdstrace-in 27
hog imdstrace-out 27
check "rehearsals begin and end for $seconds seconds" cycles
phase end
touch /tmp/enough # the last hogs are ended below
check "in the scope, every answer is right, and all threads end" ends in "$in"
check "calls of the scope were rejected" in_scope_was_rejected
check "outside of it, every answer is right, and all threads end" ends out "$out"
check "a new connection of the scope is answered" fetches "$groups/imdstrace-in"
cat "$groups"/imdstrace-in/cgroup.procs "$groups"/imdstrace-out/cgroup.procs | xargs -r kill -KILL
check "the trace beside it ends well" stop
check "the kernel does not complain" no_complaint
grep -h ' answers ' /tmp/stress.in /tmp/stress.out
echo "rehearsals $cycled, let through $(grep -c '^let through' /tmp/stress.in)"
"$IMDSTRACE" report --format json /tmp/report.json | tr -d ' \n' | grep -o '"totals":{[^}]*}'
kill "$server"
finish
