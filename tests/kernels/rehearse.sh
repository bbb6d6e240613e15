#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# rehearse.sh: a rehearsal, by every way in that this kernel offers. All that the traffic program
# sends goes out as before, but for the line that every v1 request must have got.
# shellcheck source=tests/kernels/lib.sh
. /lib.sh

# start_rehearsal [OPTION...]: as start().
start_rehearsal() {
	rm -f /tmp/said
	"$IMDSTRACE" rehearse --json "$@" >/tmp/events 2>/tmp/said &
	tracer=$!
	while ! grep -qs '^imdstrace: rehearsing' /tmp/said; do
		if ! kill -0 $tracer 2>/dev/null; then
			wait $tracer
			return $?
		fi
		sleep 0.1
	done
}

# What the service got without a rehearsal, but for whether it had a token and what it answered: the
# line changes nothing else.
received_alike() {
	sed -E 's/ (none|token) [0-9]+$//' /tmp/received.before >/tmp/wanted
	sed -E 's/ (none|token) [0-9]+$//' /tmp/received >/tmp/got
	cmp /tmp/wanted /tmp/got && return
	diff /tmp/wanted /tmp/got | head -n 40
	false
}

# Each v1 request got the line but those that no rehearsal covers: MPTCP's, and those of Fast Open.
marked() {
	grep '"class":"v1"' /tmp/events | grep -v '"rehearsed":true' |
		grep -o '"path":"[^"]*"\|"comm":"[^"]*"' | sort | uniq -c
}

by() {
	if ! start_rehearsal --all -d 30m --hooks "$1"; then
		verdict FAILED "$1: $(tail -n 1 /tmp/said)"
		return
	fi
	"$WIRE" --received /tmp/received --run all --out /tmp/expected >/tmp/wire 2>&1 || cat /tmp/wire
	stop
	status=$?
	check "$1: a rehearsal that breaks callers says so" equal 1 $status
	tail -n 2 /tmp/said
	"$WIRE" --compare /tmp/events /tmp/expected >/tmp/compared 2>&1
	grep -v '^ok' /tmp/compared
	marked
	check "$1: the service got what was sent, and the line" received_alike
}

uname -srvm
"$WIRE" --received /tmp/received.before --run all --out /tmp/expected >/tmp/wire 2>&1 || cat /tmp/wire
"$IMDSTRACE" doctor >/tmp/doctor.txt
for way in fentry tracepoint kprobe; do
	grep -q "^  $way  *yes" /tmp/doctor.txt && by $way
done
finish
