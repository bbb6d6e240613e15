#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The manual's table of exit statuses: each command is made to end with each status that it has there, and
# with no other one; its --help names the same.
# What stands in single quotes is for jq, or expanded where it runs.
# shellcheck disable=SC2016
. "$(dirname "$0")/lib.sh"
manual=$here/../../dist/imdstrace.8

# "COMMAND|STATUS" for each cell of the table that has a word.
awk -F ' Ta ' '/^\.Sh EXIT STATUS/ { inside = 1 } inside && /^\.El/ { exit }
	inside && /^\.It [a-z]/ {
		sub(/^\.It /, "", $1); gsub(/\\/, "", $1)
		for (i = 2; i <= NF; i++) if ($i != "\\-") print $1 "|" i - 2
	}' "$manual" | sort >"$work/manual"

# in_network COMMAND OPTION... -- FUNCTION: traces or rehearses while that function runs in a private network.
in_network() {
	local function=${*: -1}
	run case "${@:1:$#-1}" "$WIRE" --serve optional bash -c "set -u; require_private && $function"
}

# No capability, and no way to one.
powerless() {
	timeout -k 5 $PATIENCE setpriv --bounding-set=-all --inh-caps=-all "$IMDSTRACE" "$@" >"$work/case.out" 2>"$work/case.err" </dev/null
	echo $? >"$work/case.status"
}

# interrupted SIGNAL: a trace that is told to end.
interrupted() {
	trace case --quiet
	traces case && stop case "$1"
}

# ends COMMAND STATUS RUN...: and notes that this cell of the table is so.
ends() {
	local command=$1 status=$2
	shift 2
	"$@"
	ended_with case "$status" && echo "$command|$status" >>"$work/seen"
}

# metric SUM: as CloudWatch has it of the five minutes from 00:05 on.
metric() {
	jq -n --argjson sum "$1" '{Label: "MetadataNoToken", Datapoints: [range(4) |
		{Timestamp: (1772409600 + . * 300 | todate), Sum: (if . == 1 then $sum else 0 end), Unit: "Count"}]}'
}

# report V1: a report of an hour with so many calls in it.
report() {
	jq -n --argjson v1 "$1" '{schema: "imdstrace.report/1", version: "0.1.0",
		hosts: [{hostname: "web-1", machine_id: "0123456789abcdef0123456789abcdef", kernel: "6.1.0", instance_id: "i-0123456789abcdef0"}],
		windows: [{host: "0123456789abcdef0123456789abcdef", boot_id: "b", start: "2026-03-02T00:00:00Z", end: "2026-03-02T01:00:00Z", hooks: "fentry", responses: true}],
		verdict: "blocked", reasons: [], totals: {v1: $v1, v2: 0, token: 0, foreign: 0, unknown: 0, lost: 0},
		callers: [if $v1 > 0 then {name: "curl", comm: "curl", exe: "/usr/bin/curl", script: null, uid: 0, args: ["curl"], pids: [1], processes: 1,
			unit: "tag.service", container: null, pod: null, user_agents: [], calls: {v1: $v1, v2: 0, token: 0, foreign: 0, unknown: 0},
			outcomes: {v1: {ok: $v1, rejected: 0, other: 0, none: 0}},
			paths: [{method: "GET", path: "/", class: "v1", count: $v1, first: "2026-03-02T00:06:00Z", last: "2026-03-02T00:06:00Z"}],
			first: "2026-03-02T00:06:00Z", last: "2026-03-02T00:06:00Z"} else empty end],
		timeline: [if $v1 > 0 then {start: "2026-03-02T00:06:00Z", seconds: 60, v1: $v1, v2: 0, token: 0, foreign: 0, unknown: 0} else empty end], next_steps: []}'
}

report 0 >"$work/ready.json"
report 3 >"$work/blocked.json"
metric 3 >"$work/metric.json"
metric 4 >"$work/more.json"
jq '.Datapoints = []' "$work/metric.json" >"$work/empty.json"
jq '.windows[0].end = "2026-03-02T00:03:00Z"' "$work/ready.json" >"$work/short.json"
echo '{}' >"$work/none.json"

check 'trace: 0 after --duration' ends trace 0 run case trace --quiet --duration 1s
check 'trace: 0 after Ctrl-C' ends trace 0 interrupted INT
check 'trace: 0 after SIGTERM' ends trace 0 interrupted TERM
check 'trace: 0 whatever was called' ends trace 0 in_network trace -q -- v1
check 'trace: 0 whatever its command ended with' ends trace 0 run case trace -q -- false
check 'trace: 2 for wrong usage' ends trace 2 run case trace --no-such
check 'trace: 2 where the report cannot be kept' ends trace 2 run case trace --duration 1s --output "$work/no/report.json"
check 'trace: 2 where the command cannot be run' ends trace 2 run case trace -- "$work/no-such"
check 'trace: 3 without capabilities' ends trace 3 powerless trace
check 'trace --check: 0 ready' ends 'trace --check' 0 in_network trace --check -- v2
check 'trace --check: 1 blocked' ends 'trace --check' 1 in_network trace --check -- v1
check 'trace --check: 2 for wrong usage' ends 'trace --check' 2 run case trace --check --strict --require-calls x
check 'trace --check: 3 without capabilities' ends 'trace --check' 3 powerless trace --check -- true
check 'trace --check: 4 where too little was seen' ends 'trace --check' 4 run case trace --check --require-calls 1 -- true
check 'trace --check: 4 where the command failed' ends 'trace --check' 4 run case trace --check -- false

check 'report: 0' ends report 0 run case report "$work/blocked.json"
check 'report: 2 for what is no report' ends report 2 run case report "$work/none.json"
check 'report: 2 where one of several is no report' ends report 2 run case report "$work/blocked.json" "$work/none.json"
check 'report: 2 where its output cannot be written' ends report 2 run case report -o /dev/full "$work/blocked.json"
check 'check: 0 ready' ends check 0 run case check --min-window 1h "$work/ready.json"
check 'check: 1 blocked' ends check 1 run case check "$work/blocked.json"
check 'check: 2 for what is no report' ends check 2 run case check "$work/none.json"
check 'check: 4 where the window is short' ends check 4 run case check "$work/ready.json"

if "$IMDSTRACE" doctor | grep -q '^  rehearsal  *possible$'; then
	check 'rehearse: 0 survives' ends rehearse 0 in_network rehearse -- v2
	check 'rehearse: 1 breaks' ends rehearse 1 in_network rehearse -- v1
	check 'rehearse: 4 where nothing was called' ends rehearse 4 run case rehearse -- true
else
	for status in 0 1 4; do
		skip "rehearse: $status" 'this machine cannot rehearse'
		echo "rehearse|$status" >>"$work/seen"
	done
fi
check 'rehearse: 2 without a scope' ends rehearse 2 run case rehearse
check 'rehearse: 3 without capabilities' ends rehearse 3 powerless rehearse --pid $$ -d 1s

check 'reconcile: 0 the same counts' ends reconcile 0 run case reconcile "$work/blocked.json" "$work/metric.json"
check 'reconcile: 1 CloudWatch counts more' ends reconcile 1 run case reconcile "$work/blocked.json" "$work/more.json"
check 'reconcile: 1 CloudWatch counts fewer' ends reconcile 1 run case reconcile "$work/blocked.json" <(metric 2)
check 'reconcile: 2 for what is no metric' ends reconcile 2 run case reconcile "$work/blocked.json" "$work/none.json"
check 'reconcile: 4 where there is no period to compare' ends reconcile 4 run case reconcile "$work/short.json" "$work/metric.json"

check 'software: 0' ends software 0 run case software boto3
check 'software: 2 where nothing is known' ends software 2 run case software no-such-program
check 'doctor: 0' ends doctor 0 run case doctor
check 'doctor: 2 for wrong usage' ends doctor 2 run case doctor surplus
check 'doctor: 3 without capabilities' ends doctor 3 powerless doctor
check 'demo: 0' ends demo 0 run case demo
check 'demo: 2 for wrong usage' ends demo 2 run case demo surplus
check 'demo: 3 without capabilities' ends demo 3 powerless demo

# What is in the table is so, and what is so is in the table.
[ -n "${CASE-}" ] || check 'the manual has these statuses and no other' diff "$work/manual" <(sort -u "$work/seen")

# named COMMAND: the numbers in its --help are those in the manual.
named() {
	equal 'statuses in --help' "$(grep -E "^$1( --check)?\|" "$work/manual" | cut -d'|' -f2 | sort -u | xargs)" \
		"$("$IMDSTRACE" "$1" --help | sed -n '/^Exit status:/,$p' | tr '\n' ' ' | grep -oE '(^|[:;,.] *)[0-4] ' | tr -dc '0-4\n' | sort -u | xargs)"
}
for command in trace report check rehearse reconcile software doctor; do
	check "$command --help names them" named $command
done
finish
