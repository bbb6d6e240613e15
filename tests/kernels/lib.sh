#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What the suites share that run in the virtual machine of boot.sh, with busybox. To be sourced.
# A suite's last line is the sum that finish() prints.
set -u
passed=0 failed=0 skipped=0

verdict() {
	echo "$1: $2"
	case $1 in
	ok) passed=$((passed + 1)) ;;
	FAILED) failed=$((failed + 1)) ;;
	SKIP) skipped=$((skipped + 1)) ;;
	esac
}

# check NAME COMMAND...: its output is shown when it fails.
check() {
	check_name=$1
	shift
	if "$@" >/tmp/check 2>&1; then
		verdict ok "$check_name"
	else
		cat /tmp/check
		verdict FAILED "$check_name"
	fi
}

finish() {
	echo "$passed passed, $failed failed, $skipped skipped"
	[ $failed = 0 ]
}

# equal WANTED GOT
equal() {
	[ "$1" = "$2" ] || { echo "wanted $1, got $2" && false; }
}

# start [OPTION...]: a tracer; waits until it says that it traces; else its status.
start() {
	start_in exec "$@"
}

# start_in COMMAND [OPTION...]: the same, started by a command.
start_in() {
	rm -f /tmp/said /tmp/report.json
	(
		command=$1
		shift
		"$command" "$IMDSTRACE" trace --all --json --output /tmp/report.json "$@"
	) >/tmp/events 2>/tmp/said &
	tracer=$!
	while ! grep -qs '^imdstrace: tracing' /tmp/said; do
		if ! kill -0 $tracer 2>/dev/null; then
			wait $tracer
			return $?
		fi
		sleep 0.1
	done
}

# The tracer's own process, which a command may have started in its turn.
tracer_pid() {
	set -- "$tracer"
	while [ -n "$1" ] && ! grep -qsx imdstrace "/proc/$1/comm"; do
		set -- "$(sed -n "s/^\([0-9]*\) (.*) [A-Z] $1 .*/\1/p" /proc/[0-9]*/stat 2>/dev/null | head -n 1)"
	done
	[ -n "$1" ] && echo "$1"
}

# Whatever stands between this shell and the tracer passes its status on.
stop() {
	tracing=$(tracer_pid) && kill -TERM "$tracing" || return
	wait "$tracer"
}

# event NAME PATTERN...: one request for ?NAME was told, and each pattern (fixed text) is in it.
event() {
	grep -F "?$1\"" /tmp/events >/tmp/event
	shift
	equal 1 "$(wc -l </tmp/event)" || return
	for pattern; do
		grep -qF -- "$pattern" /tmp/event && continue
		echo "not in it: $pattern"
		cat /tmp/event
		return 1
	done
}

# clients HIERARCHY CROWD: runs clients.sh beside a metadata service, in a private network.
clients() {
	"$WIRE" --serve optional sh /clients.sh "$@" >/tmp/clients 2>&1 || { cat /tmp/clients && return 1; }
}

# hosted: the same of a client in the machine's own network, which has no other interface than lo.
hosted() {
	equal lo "$(ls /sys/class/net)" || return
	ip link set lo up
	ip address add 169.254.169.254/32 dev lo
	mkdir -p /tmp/www/latest/meta-data && echo ami-1 >/tmp/www/latest/meta-data/ami-id
	httpd -f -p 169.254.169.254:80 -h /tmp/www &
	served=$!
	mkdir -p /tmp/host && cp /bin/busybox /tmp/host/wget
	for _ in 1 2 3 4 5; do
		/tmp/host/wget -q -O /tmp/got 'http://169.254.169.254/latest/meta-data/ami-id?hosted' && break
		sleep 1
	done
	kill $served
	ip address del 169.254.169.254/32 dev lo
	equal ami-1 "$(cat /tmp/got)"
}

# doctor_says STATUS PATTERN [COMMAND...]: doctor, started by a command, as text and as JSON.
doctor_says() {
	wanted=$1 pattern=$2
	shift 2
	[ -n "${1-}" ] || set --
	"$@" "$IMDSTRACE" doctor >/tmp/doctor.txt 2>&1
	if ! equal "$wanted" $? || ! grep -qE "$pattern" /tmp/doctor.txt; then
		cat /tmp/doctor.txt
		return 1
	fi
	"$@" "$IMDSTRACE" doctor --json >/tmp/doctor.json 2>&1
	if ! equal "$wanted" $? || ! grep -qE "$pattern" /tmp/doctor.json; then
		cat /tmp/doctor.json
		return 1
	fi
}

# refused PATTERN [COMMAND...]: trace, started by a command, ends with 3 and one sentence.
refused() {
	pattern=$1
	shift
	"$@" "$IMDSTRACE" trace --duration 1s >/tmp/refused 2>&1
	equal 3 $? && equal 1 "$(wc -l </tmp/refused)" && grep -qE "$pattern" /tmp/refused && return
	cat /tmp/refused
	return 1
}

# How this kernel preempts tasks inside the kernel: as it was booted, else as it was built.
preemption() {
	mkdir -p /tmp/debug
	[ -d /tmp/debug/sched ] || mount -t debugfs debugfs /tmp/debug 2>/dev/null
	sed -n 's/.*(\(.*\)).*/\1/p' /tmp/debug/sched/preempt 2>/dev/null | grep . && return
	case $(uname -v) in
	*PREEMPT*) echo built-in ;;
	*) echo no ;;
	esac
}

# total CLASS: in the report's totals.
total() {
	"$IMDSTRACE" report --format json /tmp/report.json | tr -d ' \n' |
		sed -n "s/.*\"totals\":{[^}]*\"$1\":\([0-9]*\).*/\1/p"
}

# seen_beside MODE CALLS BLOCKED SPINNING: the load has ended when the tracer is detached.
seen_beside() {
	start --hooks "$1" || { cat /tmp/said && return 1; }
	"$WIRE" --serve optional "$WIRE" --calls "$2" --blocked "$3" --spinning "$4"
	set -- "$@" $?
	stop
	set -- "$@" "$(total v1)" "$(total unknown)"
	echo "load $1 $3 $4 ${6:-0} $2 $(preemption)" >/tmp/load
	cat /tmp/said
	grep '"class":"unknown"' /tmp/events | cut -c 1-220 | head -n 3
	equal "0 $2 0" "$5 $6 $7"
}

# beside MODE CALLS LOAD...: LOAD is "BLOCKED,SPINNING".
beside() {
	mode=$1 calls=$2
	shift 2
	for load; do
		check "$mode: $calls calls are seen beside ${load%,*} threads blocked in sends and ${load#*,} that send" \
			seen_beside "$mode" "$calls" "${load%,*}" "${load#*,}"
		cat /tmp/load
	done
}
