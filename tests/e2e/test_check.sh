#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Traces nothing.
#
# From reports to a verdict: what is ready, blocked or inconclusive, and how files are merged. The
# reports are written here, with the fields that DESIGN promises and no others.
# What stands in single quotes is for jq, or expanded where it runs.
# shellcheck disable=SC2016
set -u
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

# report FILE HOST FILTER: a report of one host that was watched for 25 hours and called v2 only,
# changed by the filter. In it, window(HOUR; HOUR) is a window, and calls(CLASS; COUNT) a change
# that adds calls of a class to the caller and to the totals.
report() {
	jq -nc --arg host "$2" '
		def window($from; $to): {host: $host, boot_id: "0c1d2e3f-0000-4000-8000-000000000001", hooks: "fentry",
			start: (1767225600 + $from * 3600 | todate), end: (1767225600 + $to * 3600 | todate)};
		def calls($class; $count): .totals[$class] += $count | .callers[0].calls[$class] += $count
			| (.callers[0].outcomes | select(has($class)) | .[$class].ok) += $count
			| .callers[0].paths += [{method: "GET", path: "/latest/meta-data/\($class)", class: $class, count: $count,
				first: .windows[0].start, last: .windows[0].start}];
		{schema: "imdstrace.report/1", version: "0.1.0",
		hosts: [{hostname: "\($host).internal", machine_id: $host, kernel: "6.1.0", instance_id: null}],
		windows: [window(0; 25)], verdict: "ready", reasons: [],
		totals: {v1: 0, v2: 0, token: 0, foreign: 0, unknown: 0, lost: 0},
		callers: [{name: "agent", comm: "agent", exe: "/opt/agent", script: null, uid: 0, args: ["agent"],
			parent: "systemd", pids: [381], processes: 1, unit: "agent.service", container: null, pod: null,
			user_agents: [], client: {name: null, version: null, min_version: null},
			pattern: "v2-only", advice: "none", advice_text: "", calls: {v1: 0, v2: 0, token: 0, foreign: 0, unknown: 0},
			outcomes: {v1: {ok: 0, rejected: 0, other: 0, none: 0}, token: {ok: 0, rejected: 0, other: 0, none: 0}},
			paths: [], first: "2026-01-01T00:00:00Z", last: "2026-01-01T00:00:00Z"}],
		timeline: [], next_steps: []} | calls("v2"; 5) | '"$3" >"$work/$1"
}

# ruled STATUS WORD ARGUMENT...: check says that word, in one line, with that status.
ruled() {
	local status=$1 word=$2 arguments=() each
	shift 2
	for each; do
		case $each in -* | *[0-9]s | *[0-9]h) arguments+=("$each") ;; *) arguments+=("$work/$each") ;; esac
	done
	run check check "${arguments[@]}"
	ended_with check "$status" && equal stderr '' "$(cat "$work/check.err")" &&
		equal 'lines on stdout' 1 "$(wc -l <"$work/check.out")" && grep -qw "^$word" "$work/check.out" && return
	cat "$work/check.out"
	return 1
}
ready() {
	ruled 0 ready "$@"
}
blocked() {
	ruled 1 blocked "$@"
}
inconclusive() {
	ruled 4 inconclusive "$@"
}
export -f ready blocked inconclusive

# --- The verdict of one report -----------------------------------------------------------------

report v2 alpha .
report short alpha '.windows = [window(0; 23)]'
report v1 alpha 'calls("v1"; 3)'
report v1-short alpha '.windows = [window(0; 1)] | calls("v1"; 3)'
report foreign alpha 'calls("foreign"; 2)'
report unknown alpha 'calls("unknown"; 1)'
report v1-unknown alpha 'calls("unknown"; 1) | calls("v1"; 1)'
report lost alpha '.totals.lost = 1'
report unnamed alpha '.totals.v1 = 1'
report nobody alpha '.callers = [] | .totals.v2 = 0'
report unwatched alpha '.windows = []'
report halves alpha '.windows = [window(0; 13), window(20; 32)]'
report overlap alpha '.windows = [window(0; 13), window(1; 14)]'
report nested alpha '.windows = [window(0; 23), window(2; 12)]'

check 'v2 alone for 25 hours is ready' ready v2
check 'v2 alone for 23 hours is inconclusive' inconclusive short
check 'v2 alone for 23 hours is ready where --min-window asks for 23' ready --min-window 23h short
check 'v2 alone for 23 hours is ready where --min-window is turned off' ready --min-window 0s short
check 'v1 is blocked' blocked v1
check 'v1 is blocked however short the window' blocked v1-short
check 'foreign is ready' ready foreign
check 'foreign is blocked with --strict' blocked --strict foreign
check '--strict makes nothing else worse' ready --strict v2
check 'unknown is inconclusive' inconclusive unknown
check 'unknown is inconclusive without a shortest window, too' inconclusive --min-window 0s unknown
check 'v1 and unknown together are blocked' blocked v1-unknown
check 'lost is inconclusive' inconclusive --min-window 0s lost
check 'v1 that has no caller is blocked' blocked unnamed
check 'a report without a caller is ready after 25 hours' ready nobody
check 'a report without a window is inconclusive' inconclusive unwatched
report served alpha '.callers[0].outcomes.foreign = {ok: 0, rejected: 0, other: 0, none: 0} | calls("foreign"; 2)'
report probes alpha '.callers[0].outcomes.foreign = {ok: 0, rejected: 0, other: 0, none: 0} | calls("foreign"; 2)
	| .callers[0].paths |= map(select(.class == "foreign").path = "/")'
check 'a foreign call that was answered with success is inconclusive' inconclusive --min-window 0s served
check 'a foreign call of the root that was answered is ready, because EC2 has a root as well' ready probes
report by-path alpha '.callers[0].paths = [{method: "GET", path: "/latest", class: "v1", count: 1}]'
report by-outcome alpha '.callers[0].outcomes.v1.ok = 1'
report by-time alpha '.timeline = [{start: "2026-01-01T00:00:00Z", seconds: 60, v1: 1, v2: 5}]'
report by-reason alpha '.totals.unknown_by_reason = {not_http: 1}'
check 'where the numbers of a report differ, the one that blocks counts' all 'blocked by-path' 'blocked by-outcome' 'blocked by-time' 'inconclusive by-reason'
check 'windows of one host add up' ready halves
check 'what two windows share counts once' inconclusive overlap
check 'a window that lies within another one counts once' inconclusive nested

says_why() {
	blocked v1 && grep -q '3 calls' "$work/check.out" && inconclusive short && grep -q '24h' "$work/check.out"
}
check 'the line of check says why' says_why
quiet() {
	run quiet check --quiet "$work/v1"
	ended_with quiet 1 && equal stdout '' "$(cat "$work/quiet.out")"
}
check '--quiet says nothing and rules all the same' quiet
from_stdin() {
	"$IMDSTRACE" check - <"$work/v1" >"$work/stdin.out"
	equal 'exit status' 1 $?
}
check 'a report may come from standard input' from_stdin
same_word() {
	"$IMDSTRACE" report --format json "$work/$1" >"$work/as.json" && holds "$work/as.json" ".verdict == \"$2\" and (.reasons | length > 0)"
}
check 'report says the same as check' all 'same_word v2 ready' 'same_word v1 blocked' 'same_word lost inconclusive'
check 'what a report says of itself is not believed' all 'jq -c ".verdict = \"ready\" | .reasons = []" "$work/v1" >"$work/liar"' 'blocked liar'

# --- Many reports ------------------------------------------------------------------------------

report beta beta .
report beta-v1 beta 'calls("v1"; 4)'
report beta-short beta '.windows = [window(0; 2)]'
report later alpha '.windows = [window(30; 56)] | calls("v1"; 2)'
report first-half alpha '.windows = [window(0; 13)]'
report second-half alpha '.windows = [window(20; 33)]'

# The same trace, one hour after it began, and at its end.
report old alpha '.windows = [window(0; 1)] | calls("v1"; 1)'
report new alpha 'calls("v1"; 3)'

check 'two hosts that are ready are ready' ready v2 beta
check 'one blocked host of two blocks both' blocked v2 beta-v1
check 'each of two hosts has to be watched for long enough' inconclusive v2 beta-short
check 'two reports of one host add up' ready first-half second-half

# merged FILTER FILE...: what holds for the merged report.
merged() {
	local filter=$1 each files=()
	shift
	for each; do files+=("$work/$each"); done
	run merged report --format json "${files[@]}"
	ended_with merged 0 && equal stderr '' "$(cat "$work/merged.err")" && holds "$work/merged.out" "$filter"
}
check 'totals of different traces add up' merged '.totals.v1 == 5 and .totals.v2 == 10 and (.windows | length == 2)
	and (.hosts | length == 1) and (.callers | length == 1) and .callers[0].calls.v1 == 5' v1 later
check 'the same caller on two hosts is named for both' merged '.totals.v1 == 7 and (.hosts | length == 2)
	and ([.callers[].calls.v1] | add) == 7' v1 beta-v1
check 'the same report given twice counts once' merged '.totals.v1 == 3 and .totals.v2 == 5 and (.windows | length == 1)' v1 v1
check 'a copy of a report counts once' all 'cp "$work/v1" "$work/copy"' 'merged ".totals.v1 == 3" v1 copy'
check 'an older state of a report counts once, in either order' all \
	'merged ".totals.v1 == 3 and (.windows | length == 1)" old new' 'merged ".totals.v1 == 3 and (.windows | length == 1)" new old'
merged_again() {
	"$IMDSTRACE" report --format json "$work/v1" "$work/beta-v1" >"$work/both" &&
		merged '.totals.v1 == 7 and (.windows | length == 2)' both v1 && merged '.totals.v1 == 7' v1 both beta-v1
}
check 'a merged report and a part of it count once' merged_again

# A snapshot of the running machine, resumed twice: one of the two goes on with v1.
report resumed alpha '.windows = [window(0; 26)]'
report resumed-v1 alpha 'calls("v1"; 3) | .totals.v2 = 4 | .callers[0].calls.v2 = 4'
check 'of two copies of a machine neither hides the other' all 'blocked resumed resumed-v1' 'blocked resumed-v1 resumed'
check 'two copies of a machine are counted as two' merged '.totals.v1 == 3 and .totals.v2 == 9 and (.windows | length == 2)
	and (.windows | map(.copy // 0) | sort == [0, 1])' resumed resumed-v1
short_copy() {
	report resumed-short alpha '.windows = [window(0; 2)] | .callers[0].comm = "other" | .callers[0].name = "other" | .callers[0].exe = "/opt/other"'
	inconclusive resumed resumed-short && inconclusive resumed-short resumed
}
check 'each of two copies of a machine has to be watched for long enough' short_copy
left_out() {
	echo '{' >"$work/broken"
	run check check "$work/v2" "$work/broken"
	ended_with check 2 && grep -q '^inconclusive: 1 report given could not be counted' "$work/check.out"
}
check 'beside a report that cannot be read nothing is ready' left_out

# --- What is no report -------------------------------------------------------------------------

echo 'no JSON at all' >"$work/text"
head -c 700 "$work/v1" >"$work/truncated"
echo '{"schema": "somebody.else/1"}' >"$work/others"
jq -c '.schema = "imdstrace.report/99"' "$work/v1" >"$work/newer"
: >"$work/empty"
mkdir "$work/directory"
gzip -c "$work/v1" >"$work/compressed"
# A file that nobody may read needs somebody who has to ask.
cp "$work/v1" "$work/unreadable"
chmod 000 "$work/unreadable"

# named FILE COMMAND: the status is 2, and one sentence names the file.
named() {
	local powerless=(setpriv --bounding-set=-all --inh-caps=-all)
	timeout 60 "${powerless[@]}" "$IMDSTRACE" "$2" "$work/$1" >"$work/named.out" 2>"$work/named.err"
	equal 'exit status' 2 $? && one_sentence "$work/named" && grep -qF "$work/$1" "$work/named.err"
}
for each in text truncated others newer empty compressed directory absent unreadable; do
	check "$each: check names it" named $each check
	check "$each: report names it" named $each report
done
among_others() {
	run among check "$work/v1" "$work/text" "$work/absent"
	ended_with among 2 && grep -qF "$work/text" "$work/among.err" && grep -qF "$work/absent" "$work/among.err"
}
check 'among good files each bad one is named, and the status is 2' among_others

# 200 callers of 256 paths each, with long texts, which CSV and rows repeat for each path.
report crowd gamma '
	(.windows[0].start) as $at | ("long" * 300) as $long | .totals = {v1: 51200, v2: 0, token: 0, foreign: 0, unknown: 0, lost: 0}
	| .callers[0].calls = {v1: 256, v2: 0, token: 0, foreign: 0, unknown: 0}
	| .callers[0].paths = [range(256) | {method: "GET", path: "/latest/\(.)", class: "v1", count: 1, first: $at, last: $at}]
	| .callers[0] += {script: $long, parent: $long, unit: $long, user_agents: [$long],
		container: {runtime: "docker", id: $long, name: $long, image: $long}}
	| .callers = [.callers[0] as $one | range(200) | $one + {name: "\(.)\($long)", exe: "/\(.)\($long)"}]'
# bounded FORMAT ROWS: all rows are there, in no more than 112 MiB.
bounded() {
	"$IMDSTRACE" report --format "$1" "$work/crowd" >"$work/crowd.out"
	equal "lines of $1" "$2" "$(wc -l <"$work/crowd.out")" && [ "$(stat -c %s "$work/crowd.out")" -lt $((112 << 20)) ]
}
check 'CSV repeats no text of a caller without bound' bounded csv 51201
check 'rows repeat no text of a caller without bound' bounded rows 51200

# unwritten COMMAND: what it says went nowhere, so the status is 2 and one sentence says why.
unwritten() {
	for where in '>&-' '>/dev/full' ">\"\$work/limited\""; do
		# the limit would be that of a file for standard error, too
		sh -c "ulimit -f 0; { \"\$IMDSTRACE\" $1 \"\$work/v1\" $where; } 2>&3" 3>&1 >/dev/null | cat >"$work/unwritten.err"
		equal "exit status of $1 $where" 2 "${PIPESTATUS[0]}" && one_sentence "$work/unwritten" || return
	done
}
for each in check report 'report --format rows'; do
	check "$each fails when nobody can read it" unwritten "$each"
done

finish
