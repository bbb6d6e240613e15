#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Every way to put a request on the wire, and what the tracer makes of it: the table of wire cases,
# the same on connections that were open before the tracer, and made-up ones (WIRE_SEED, WIRE_COUNT).
. "$(dirname "$0")/lib.sh"

seed=${WIRE_SEED:-$((RANDOM * 32768 + RANDOM))}

# judge NAME: each case is a check of its own, under the name of the run.
judge() {
	stop "$1"
	"$WIRE" --compare "$work/$1.out" "$work/$1.expected" >"$work/$1.verdict" 2>&1
	add_cases "$1: " "$work/$1.verdict"
	check "$1: all were judged" grep -Eq '^[1-9][0-9]* passed, [0-9]+ failed, [0-9]+ skipped$' "$work/$1.verdict"
}

trace cases --all --json
need_traces cases
prepare "cases: all were sent" "$WIRE" --run all --out "$work/cases.expected"
judge cases

# The connections are there first; then the tracer; then what is sent on them.
mkfifo "$work/go"
"$WIRE" --run all --hold --out "$work/held.expected" <"$work/go" >"$work/held.says" 2>&1 &
started[sender]=$!
exec 3>"$work/go"
until_so grep -q connected "$work/held.says"
trace held --all --json
need_traces held
echo go >&3
exec 3>&-
ended sender
check "held: all were sent" equal "exit status" 0 "$(cat "$work/sender.status")"
judge held

trace random --all --json
need_traces random
echo "made up from seed $seed"
prepare "random: all were sent" "$WIRE" --random "$seed" --count "${WIRE_COUNT:-3000}" --out "$work/random.expected"
judge random

finish
