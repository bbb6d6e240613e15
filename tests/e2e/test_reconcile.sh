#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Traces nothing.
#
# `reconcile`: a report held against what CloudWatch counted, as the AWS CLI prints it.
# What stands in single quotes is for jq, or expanded where it runs.
# shellcheck disable=SC2016
set -u
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

# A report of one hour, watched from 10:02:30 to 11:00: four calls at 10:12, two at 10:31, one of
# them by another cloud's library at the root, and nothing else.
report() {
	jq -n '{
		schema: "imdstrace.report/1", version: "0.1.0",
		hosts: [{hostname: "web-1", machine_id: "0123456789abcdef0123456789abcdef", kernel: "6.1.0", instance_id: "i-0123456789abcdef0"}],
		windows: [{host: "0123456789abcdef0123456789abcdef", boot_id: "b", start: "2026-03-02T10:02:30Z", end: "2026-03-02T11:00:00Z", hooks: "fentry", responses: true}],
		verdict: "blocked", reasons: [],
		totals: {v1: 6, v2: 0, token: 0, foreign: 0, unknown: 0, lost: 0},
		callers: [{name: "curl", comm: "curl", exe: "/usr/bin/curl", script: null, uid: 0, args: ["curl"], pids: [1], processes: 1,
			unit: "tag.service", container: null, pod: null, user_agents: ["curl/8"],
			calls: {v1: 6, v2: 0, token: 0, foreign: 0, unknown: 0}, outcomes: {v1: {ok: 6, rejected: 0, other: 0, none: 0}},
			paths: [{method: "GET", path: "/latest/meta-data/", class: "v1", count: 6, first: "2026-03-02T10:12:00Z", last: "2026-03-02T10:31:00Z"}],
			first: "2026-03-02T10:12:00Z", last: "2026-03-02T10:31:00Z"}],
		timeline: [
			{start: "2026-03-02T10:12:00Z", seconds: 60, v1: 4, v2: 0, token: 0, foreign: 0, unknown: 0},
			{start: "2026-03-02T10:31:00Z", seconds: 60, v1: 2, v2: 0, token: 0, foreign: 0, unknown: 0}],
		next_steps: []}'
}
# metric SUM-AT-10:10 SUM-AT-10:30 [FILTER]: datapoints each five minutes from 10:00 to 11:05, in no order.
metric() {
	jq -n --argjson a "$1" --argjson b "$2" "{Label: \"MetadataNoToken\", Datapoints: [range(12; -1; -1) |
		{Timestamp: (1772445600 + . * 300 | todate), Sum: (if . == 2 then \$a elif . == 6 then \$b else 0 end), Unit: \"Count\"}]}
		| ${3:-.}"
}
report >"$work/report.json"

# reconciles NAME STATUS [ARGUMENT...], for check: with $work/NAME.json as the metric.
reconciles() {
	local name=$1 status=$2
	shift 2
	run "$name" reconcile "$@" "$work/report.json" "$work/$name.json"
	ended_with "$name" "$status"
}
said() {
	grep -qE "$2" "$work/$1.out" && return
	cat "$work/$1.out" "$work/$1.err"
	return 1
}

metric 4 2 >"$work/equal.json"
prepare 'the same counts are equal' reconciles equal 0
check 'equal counts: it says how many calls and periods' said equal '^equal: CloudWatch and the report count the same 6 calls in 11 periods of 5m$'
check 'a period that was watched in part is not compared, and it says so' said equal '1 period was not compared, because it was only partly watched'
check 'a period that nobody watched is not compared, and it says so' said equal '1 period was not compared, because imdstrace was not running then'

metric 5 2 >"$work/more.json"
prepare 'CloudWatch counts more: the status is 1' reconciles more 1
check 'CloudWatch counts more: it says in which period' all 'said more "^more: .* in 1 of 11 periods"' 'said more "2026-03-02 10:10:00 UTC  CloudWatch 5  report 4  more by 1"'
metric 4 0 >"$work/fewer.json"
prepare 'CloudWatch counts fewer: the status is 1' reconciles fewer 1
check 'CloudWatch counts fewer: it says in which period, and that the metric may be late' all 'said fewer "10:30:00 UTC  CloudWatch 0  report 2  fewer by 2"' 'said fewer late'
metric 5 1 >"$work/both.json"
prepare 'the same sum in other periods is not equal' reconciles both 1
check 'the same sum in other periods: more comes first, and that the metric may be late' all 'said both "^more:"' 'said both "next period"'

metric 5 1 >"$work/json.json"
check '--json is one document' all 'reconciles json 1 --json' 'holds "$work/json.out" "
	.schema == \"imdstrace.reconcile/1\" and .result == \"more\" and .period_seconds == 300 and .more == 1 and .fewer == 1
	and .equal == 9 and .partial == 1 and .unwatched == 1 and .report == 6 and .cloudwatch == 6 and .start == \"2026-03-02T10:05:00.000000000Z\"
	and (.periods | length == 11) and ([.periods[] | select(.result == \"more\")] == [{start: \"2026-03-02T10:10:00.000000000Z\", seconds: 300,
	cloudwatch: 5, report: 4, unknown: 0, datapoint: true, result: \"more\"}])"'

metric 4 2 'del(.Datapoints[] | select(.Sum == 0 and (.Timestamp | endswith("10:15:00Z"))))' >"$work/hole.json"
check 'a period without a datapoint counts as none' reconciles hole 0
metric 4 2 '.Datapoints[].Timestamp |= sub("Z$"; "+00:00")' >"$work/offset.json"
check 'times with an offset are the same times' reconciles offset 0
metric 4 2 '.Datapoints |= map(select(.Sum > 0))' >"$work/sparse.json"
check 'a period that the datapoints do not tell is given' all 'reconciles sparse 0 --period 5m' 'said sparse "same 6 calls in 5 periods of 5m"'
metric 4 2 '.Datapoints[] |= (.Average = .Sum / 5 | .SampleCount = 5 | del(.Sum))' >"$work/average.json"
check 'average and number of samples are a sum' reconciles average 0
metric 4 2 '.Datapoints[] |= (.SampleCount = 5)' >"$work/samples.json"
check 'the number of samples beside the sum is ignored' reconciles samples 0
metric 4 2 'del(.Datapoints[].Sum)' >"$work/sumless.json"
check 'without a sum nothing can be compared, which it says' all 'reconciles sumless 4' 'said sumless "without a Sum"'
metric 4 2 '.Datapoints = []' >"$work/empty.json"
check 'without a datapoint nothing can be compared, which it says' all 'reconciles empty 4' 'said empty "no datapoints"'
metric 4 2 '.Datapoints[].Timestamp |= sub("03-02"; "04-02")' >"$work/later.json"
check 'datapoints of another day are not compared, which it says' all 'reconciles later 4' 'said later "imdstrace was not running then"'

one() {
	reconciles "$1" 2 && one_sentence "$work/$1"
}
echo '{"MetricDataResults": []}' >"$work/other.json"
echo 'no JSON' >"$work/text.json"
metric 4 2 '.Label = "MetadataNoTokenRejected"' >"$work/rejected.json"
metric 4 2 '.Datapoints[0].Sum = -1' >"$work/negative.json"
metric 4 2 '.Datapoints[0].Timestamp = "yesterday"' >"$work/time.json"
metric 4 2 '.Datapoints[0].Unit = "Percent"' >"$work/unit.json"
metric 4 2 '.Datapoints += [.Datapoints[0] | .Sum = 9]' >"$work/twice.json"
metric 4 2 '.Datapoints |= .[:1]' >"$work/single.json"
for bad in other text rejected negative time unit twice single; do
	check "refused with one sentence: $bad" one "$bad"
done
run nothing reconcile "$work/equal.json"
check 'refused with one sentence: a metric without a report' all 'ended_with nothing 2' 'one_sentence "$work/nothing"'
run missing reconcile "$work/report.json" "$work/none.json"
check 'refused with one sentence: a metric that is not there' all 'ended_with missing 2' 'one_sentence "$work/missing"'
run swapped reconcile "$work/equal.json" "$work/report.json"
check 'refused: the files the other way round' ended_with swapped 2

# Probes of the root, which EC2 answers: CloudWatch counts them though they block no switch.
report | jq '.totals.foreign = 3 | .callers[0].calls.foreign = 3 | .callers[0].outcomes.foreign = {ok: 3, rejected: 0, other: 0, none: 0}
	| .callers[0].paths += [{method: "GET", path: "/", class: "foreign", count: 3, first: "2026-03-02T10:31:00Z", last: "2026-03-02T10:31:00Z"}]
	| .timeline[1].foreign = 3' >"$work/report.json"
metric 4 5 >"$work/root.json"
check 'answered probes of the root are counted as CloudWatch does' all 'reconciles root 0' 'said root "3 of the report.s calls are other clouds"'
metric 4 2 >"$work/rootless.json"
check 'answered probes of the root that CloudWatch does not have: it counts fewer' reconciles rootless 1

# A timeline of long steps, as a report of many days has it.
report | jq '.timeline = [{start: "2026-03-02T10:08:00Z", seconds: 480, v1: 4, v2: 0, token: 0, foreign: 0, unknown: 0},
	{start: "2026-03-02T10:24:00Z", seconds: 480, v1: 2, v2: 0, token: 0, foreign: 0, unknown: 0}]
	| .windows[0].end = "2026-03-02T14:00:00Z" | .windows[0].start = "2026-03-02T08:00:00Z"' >"$work/report.json"
jq -n '{Label: "MetadataNoToken", Datapoints: [range(48) | {Timestamp: (1772438400 + . * 300 | todate), Sum: (if . == 26 then 4 elif . == 30 then 2 else 0 end), Unit: "Count"}]}' >"$work/coarse.json"
check 'a coarse timeline is compared in steps that both have' all 'reconciles coarse 0' 'said coarse "in 6 periods of 40m"'

finish
