#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# suite.sh WAY: what has to hold on every kernel, by every way in that it offers. WAY is the one that
# it is known to offer first. Lines for the table of test_kernels.sh: "cases WAY RIGHT OF" and
# "verified WAY PROGRAM INSTRUCTIONS".
# shellcheck source=tests/kernels/lib.sh
. /lib.sh
# shellcheck source=tests/kernels/witness.sh
. /witness.sh
# shellcheck source=tests/kernels/rehearse.sh
. /rehearse.sh
first=$1

used() {
	cat /tmp/said
	grep -q "^imdstrace: tracing.*$1" /tmp/said
}

# Whether a case comes out right when it is sent on its own.
right_alone() {
	start --hooks "$1" && "$WIRE" --run "$2" --out /tmp/alone && stop && "$WIRE" --compare /tmp/events /tmp/alone
}

# A preemptible kernel now and then skips a program, and the case's request is unknown, as it has to
# be. That does not happen to one case twice in a row, and an error does: what failed is sent again,
# up to three cases. Prints how many are right then.
count_right_alone() {
	sed -n 's/^FAILED \([^:]*\): .*/\1/p' "$2" | head -n 3 >/tmp/failed
	right=0
	while read -r case; do
		right_alone "$1" "$case" >/tmp/alone.said 2>&1 </dev/null && right=$((right + 1))
	done </tmp/failed
	echo $right
}

# add WAY FILE: FILE ends with the sum of a program that counts for itself.
add() {
	set -- "$1" "$2" "$(sed -nE 's/^([0-9]+) passed, ([0-9]+) failed, ([0-9]+) skipped$/\1 \2 \3/p' "$2" | tail -n 1)"
	grep -v '^ok' "$2"
	if [ -z "$3" ]; then
		verdict FAILED "$1: no sum"
		return
	fi
	name=$1
	right=0
	[ "${3#* 0 }" != "$3" ] || right=$(count_right_alone "$1" "$2")
	[ "$right" = 0 ] || echo "$right of these came out right when they were sent again"
	# shellcheck disable=SC2086
	set -- $3
	set -- $(($1 + right)) $(($2 - right)) "$3"
	echo "cases $name $1 $(($1 + $2))"
	passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3))
}

# The programs of the ways that attach, and of a rehearsal, from doctor's JSON, which has a line for each member.
verified() {
	awk '
	{ gsub(/[",]/, "") }
	$1 == "name:" { name = $2 }
	$1 == "rehearsal_programs:" { way = "rehearse" }
	$1 == "attaches:" { way = name }
	$1 == "verified_instructions:" { print "verified", way, name, $2 }' /tmp/doctor.json
}

# --- Who sends ---------------------------------------------------------------------------------

CROWD=200

# Each of them is seen. One whose send a kernel hid by skipping programs is unknown; only where it
# skipped the connect and the send, too, that one has no name.
crowd_is_named() {
	nameless=$(grep '"class":"unknown"' /tmp/events | grep -c '"args":\[\]')
	grep -F '"args":["wget","-q","-O","/dev/null","http://169.254.169.254/latest/meta-data/ami-id?crowd-' /tmp/events |
		grep -F '"comm":"wget"' | grep -F '"exe":"/bin/busybox"' |
		grep -E '"class":"v1".*\?crowd-|"class":"unknown"' | sed -nE 's/.*"pid":([0-9]+),"tid".*/\1/p' | sort -u | wc -l >/tmp/named
	equal $CROWD $(($(cat /tmp/named) + nameless)) && [ "$nameless" -lt $((CROWD / 20)) ] && return
	grep -F '?crowd-' /tmp/events | grep -vF '"args":["wget"' | cut -c 1-300
	grep -E '"class":"unknown"|"type":"lost"' /tmp/events | cut -c 1-300
	grep -oE '"(v1|unknown|lost)": ?[0-9]+' /tmp/report.json | head -n 3
	return 1
}

networks() {
	event script '"network":"own"' && event hosted '"network":"host"' '"exe":"/tmp/host/wget"' &&
		tr -d ' ' </tmp/report.json | grep '"exe":"/tmp/host/wget"' | grep -q '"network":"host"'
}

who() {
	check "$1: a script is named" event script '"class":"v1"' '"comm":"wget"' '"script":"/tmp/etl.sh"' '"uid":0'
	check "$1: a program that is gone is named" event gone '"exe":"/tmp/wget"'
	check "$1: a User-Agent is told" event agent '"user_agent":"aws-sdk-go/1.25.0 (go1.12; linux; amd64)"'
	check "$1: a token is masked" event masked '"X-aws-ec2-metadata-token: ********************************************************"'
	check "$1: a network namespace is told from the machine's own" networks
	check "$1: a user is told" event user '"uid":65534'
	check "$1: a unit is told" event unit '"unit":"etl.service"'
	check "$1: a container is told" event container '"runtime":"docker"' '"id":"0123456789abcdef'
	check "$1: $CROWD short-lived processes are named" crowd_is_named
}

# --- The report --------------------------------------------------------------------------------

# What was kept can be read, is the same when it is read again, blocks, and says what was seen.
round_trip() {
	"$IMDSTRACE" report --format json /tmp/report.json >/tmp/once.json &&
		"$IMDSTRACE" report --format json /tmp/once.json >/tmp/twice.json &&
		cmp /tmp/once.json /tmp/twice.json || return
	"$IMDSTRACE" check /tmp/report.json >/tmp/checked
	equal 1 $? && grep -q blocked /tmp/checked && grep -q '"etl.service"' /tmp/once.json &&
		"$IMDSTRACE" report /tmp/once.json | grep -q '^BLOCKED'
}

# The service answers 200.
answers_are_told() {
	tr -d ' \n' </tmp/once.json | grep -qE '"outcomes":\{"v1":\{"ok":[1-9]'
}

# --- One way after the other -------------------------------------------------------------------

trace_by() {
	"$WIRE" --run all --out /tmp/expected >/tmp/wire 2>&1 || cat /tmp/wire
	check "$1: clients are served" clients /sys/fs/cgroup $CROWD
	check "$1: a client in the machine's own network is served" hosted
	check "$1: the tracer ends well" stop
	"$WIRE" --compare /tmp/events /tmp/expected >/tmp/compared 2>&1
	who "$1"
	check "$1: the report survives the round trip" round_trip
	check "$1: what came back is told" answers_are_told
	add "$1" /tmp/compared # starts other tracers
	case $1 in
	"$first" | tracepoint) witness_or_limit "$1" ;; # each of the hooks on what is forwarded
	esac
	beside "$1" 100 10,0 0,12
}

# The same for another way in than the first, if doctor says that this kernel has it.
trace_by_other() {
	if ! grep -q "^  $1  *yes" /tmp/doctor.txt; then
		verdict SKIP "$1: $(sed -n "s/^  $1  *no: //p" /tmp/doctor.txt)"
	elif start --hooks "$1"; then
		trace_by "$1"
	else
		verdict FAILED "$1: $(tail -n 1 /tmp/said)"
	fi
}

# --- Who may not, and where nothing is described ---------------------------------------------------

without_privileges() {
	su nobody -c "$*"
}

# What else the kernel's types might be read from is not in this machine.
without_btf() {
	unshare -m sh -c 'mount -t tmpfs tmpfs /sys/kernel/btf && exec "$@"' sh "$@"
}

# Of the tracer or its helper: no capability but CAP_BPF, which maps ask for before 5.19 as Debian sets
# them, and the helper's two.
without_rights() {
	for pid in $(pidof imdstrace imds-lookup); do
		rights=$(awk '/^Name:/ { name = $2 } /^CapPrm:/ { capabilities = $2 } /^NoNewPrivs:/ { none = $2 }
			/^Seccomp:/ { filter = $2 } END { print name, capabilities, none, filter }' "/proc/$pid/status")
		echo "$rights"
		case $rights in
		'imdstrace 0000000000000000 1 2' | 'imdstrace 0000008000000000 1 2' | 'imds-lookup 0000000000080004 1 2') ;;
		*) return 1 ;;
		esac
	done
}

# --- As others build it ------------------------------------------------------------------------

# The objects of every clang (make compilers) get past this kernel's verifier. verify counts for itself.
by_every_compiler() {
	if [ ! -d /compilers ]; then
		verdict SKIP "the objects of other compilers: make compilers has not made any"
		return
	fi
	verify /compilers/*.o >/tmp/verify 2>&1
	grep -v ' passed, ' /tmp/verify
	# shellcheck disable=SC2046
	set -- $(sed -nE 's/^([0-9]+) passed, ([0-9]+) failed, .*$/\1 \2/p' /tmp/verify | tail -n 1)
	passed=$((passed + ${1:-0})) failed=$((failed + ${2:-1}))
}

# --- All of it ---------------------------------------------------------------------------------

# A demo is the whole way from a client to a report. Where a hook was skipped, which newer kernels
# do (recursion_misses), a fallback may lack its token request, and the report has to say so.
demo() {
	"$IMDSTRACE" demo >/tmp/demo 2>&1
	status=$?
	cat /tmp/demo
	[ $status = 0 ] && grep -q '^BLOCKED' /tmp/demo && grep -q legacy-backup /tmp/demo &&
		grep -q cloud-detector /tmp/demo && grep -q '^\* legacy-backup: 5 calls refused' /tmp/demo &&
		grep -q '^\* frugal-agent: 1 call refused, then it asked for a token' /tmp/demo && grep -qE 'fallback$|could not be read' /tmp/demo
}

uname -srvm
check "doctor says that this kernel can be traced" doctor_says 0 "$first" ""
check "responses are watched" grep -q '"responses": true' /tmp/doctor.json
sed -n '/^Attach modes/,$p' /tmp/doctor.txt
verified
start
check "$first is the first way that attaches" used "$first"
check "a trace has given up its rights" without_rights
trace_by "$first"
for way in fentry tracepoint kprobe; do
	[ $way = "$first" ] || trace_by_other $way
done
# Emulated, arm64 takes several times as long.
case $(uname -m) in
x86_64) rehearse_by "$first" /sys/fs/cgroup bytes ;;
*) rehearse_by "$first" /sys/fs/cgroup '' ;;
esac
check "the demo runs" demo

check "without privileges doctor says so" doctor_says 3 CAP_BPF without_privileges
check "without privileges trace says so" refused CAP_BPF without_privileges
check "without BTF doctor says so" doctor_says 3 CONFIG_DEBUG_INFO_BTF without_btf
check "without BTF trace says so" refused CONFIG_DEBUG_INFO_BTF without_btf

by_every_compiler

finish
