#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# suite.sh WAY: what has to hold on every kernel; runs in the virtual machine of boot.sh, with
# busybox. WAY is the way in that this kernel is known to offer first.
set -u
first=$1
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
	name=$1
	shift
	if "$@" >/tmp/check 2>&1; then
		verdict ok "$name"
	else
		cat /tmp/check
		verdict FAILED "$name"
	fi
}

# add NAME FILE: FILE ends with the sum of a program that counts for itself.
add() {
	set -- "$1" "$2" "$(sed -nE 's/^([0-9]+) passed, ([0-9]+) failed, ([0-9]+) skipped$/\1 \2 \3/p' "$2" | tail -n 1)"
	grep -v '^ok' "$2"
	if [ -z "$3" ]; then
		verdict FAILED "$1: no sum"
		return
	fi
	name=$1
	# shellcheck disable=SC2086
	set -- $3
	echo "$name: $1 passed, $2 failed, $3 skipped"
	passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3))
}

# Starts a tracer and waits until it says that it traces; else its status.
start() {
	rm -f /tmp/said
	"$IMDSTRACE" trace --all --json "$@" >/tmp/events 2>/tmp/said &
	tracer=$!
	while ! grep -qs '^imdstrace: tracing' /tmp/said; do
		if ! kill -0 $tracer 2>/dev/null; then
			wait $tracer
			return $?
		fi
		sleep 0.2
	done
}

stop() {
	kill -TERM $tracer
	wait $tracer
}

used() {
	cat /tmp/said
	grep -q "^imdstrace: tracing.*$1" /tmp/said
}

# Every way of sending, seen by the tracer that has been started.
compare() {
	"$WIRE" --run all --out /tmp/expected >/tmp/wire 2>&1 || cat /tmp/wire
	check "$1: the tracer ends well" stop
	"$WIRE" --compare /tmp/events /tmp/expected >/tmp/compared 2>&1
	add "$1" /tmp/compared
}

# The same for another way in than the first, if doctor says that this kernel has it.
compare_by() {
	if ! grep -q "^  $1  *yes" /tmp/doctor; then
		verdict SKIP "$1: $(sed -n "s/^  $1  *//p" /tmp/doctor)"
	elif start --hooks "$1"; then
		compare "$1"
	else
		verdict FAILED "$1: $(tail -n 1 /tmp/said)"
	fi
}

doctor() {
	"$IMDSTRACE" doctor >/tmp/doctor 2>&1
	status=$?
	cat /tmp/doctor
	return $status
}

# A demo is the whole way from a client to a report. Where a hook was skipped, which newer kernels
# do (recursion_misses), a fallback may lack its token request, and the report has to say so.
demo() {
	"$IMDSTRACE" demo >/tmp/demo 2>&1
	status=$?
	cat /tmp/demo
	[ $status = 0 ] && grep -q '^BLOCKED' /tmp/demo && grep -q legacy-backup /tmp/demo &&
		grep -q cloud-detector /tmp/demo && grep -qE 'fallback$|could not be read' /tmp/demo
}

check "doctor says that this kernel can be traced" doctor
start
check "$first is the first way that attaches" used "$first"
compare "$first"
for way in fentry tracepoint kprobe; do
	[ $way = "$first" ] || compare_by $way
done
check "the demo runs" demo

echo "$passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ]
