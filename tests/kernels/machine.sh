#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# machine.sh: what happens to the machine while a trace runs: a processor goes and comes back, the clock
# is set forward and back, all is suspended. No call may be missed by it, and the report stays right.
# shellcheck source=tests/kernels/lib.sh
. /lib.sh
# shellcheck source=tests/kernels/rehearse.sh
. /rehearse.sh

CALLS=20
alarm=/sys/class/rtc/rtc0/wakealarm
called=0

# call TIMES: one after the other, each by a process of its own.
call() {
	for _ in $(seq "$1"); do
		fetches /sys/fs/cgroup || return
		called=$((called + 1))
	done
}

# totals: what the trace has kept, once it has ended.
totals() {
	tr -d ' \n' </tmp/report.json | grep -o '"totals":{[^}]*}' | head -n 1
}

all_calls() {
	totals
	totals | grep -q "\"v1\":$called,.*\"unknown\":0,\"lost\":0,\"missed\":0"
}

# Whoever reads it again finds the same, and no window ends before it begins.
is_readable() {
	"$IMDSTRACE" report --format json /tmp/report.json >/tmp/once.json &&
		"$IMDSTRACE" report --format json /tmp/once.json >/tmp/twice.json && cmp /tmp/once.json /tmp/twice.json || return
	tr -d ' \n' </tmp/once.json | grep -o '"start":"[^"]*","end":"[^"]*"' >/tmp/windows
	[ -s /tmp/windows ] || return
	awk -F'"' '$4 > $8 { print; wrong = 1 } END { exit wrong }' /tmp/windows
}

# online NUMBER 0|1: processor.
online() {
	echo "$2" >"/sys/devices/system/cpu/cpu$1/online"
}

a_processor_goes() {
	call $CALLS && online 1 0 && call $CALLS && online 1 1 && call $CALLS
}

# set_clock SECONDS: by so many.
set_clock() {
	date -s "@$(($(date +%s) + $1))" >/dev/null
}

the_clock_is_set() {
	call $CALLS && set_clock 86400 && call $CALLS && sleep 3 && set_clock -172800 && call $CALLS && sleep 3 &&
		set_clock 86400 && call $CALLS
}

# Suspends all to memory, until the clock of the board wakes it: monotonic time stands still meanwhile.
sleep_deeply() {
	echo 0 >$alarm && echo +5 >$alarm && echo mem >/sys/power/state
}

all_is_suspended() {
	call $CALLS && sleep_deeply && call $CALLS && sleep_deeply && call $CALLS
}

# during NAME COMMAND...: within a trace, of which every call is there at the end.
during() {
	name=$1
	shift
	called=0
	check "$name: the trace begins" start
	check "$name: calls are answered" "$@"
	check "$name: the trace ends well" stop
	check "$name: every call is counted" all_calls
	check "$name: the report can be read" is_readable
	check "$name: no line is said twice" equal '' "$(grep '^imdstrace: ' /tmp/said | sort | uniq -d)"
}

uname -srvm
hold_service
during 'a processor goes and comes back' a_processor_goes
during 'the clock is set' the_clock_is_set
if [ -w $alarm ] && grep -qw deep /sys/power/mem_sleep; then
	during 'all is suspended' all_is_suspended
else
	verdict SKIP "all is suspended: this kernel cannot be, or nothing would wake it"
fi
kill "$server"
finish
