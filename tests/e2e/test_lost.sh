#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# More calls than the ring buffer holds while nobody reads it: their details are lost, and every
# count is right all the same, at each moment and in the timeline too.
# What stands in single quotes is for jq, or expanded where it runs.
# shellcheck disable=SC2016
set -u
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

# The ring buffer holds some 4,000 records of long requests.
rounds=1500
export rounds

# One request of each class a round, one after the other, on one connection.
send_rounds() {
	python3 - "$rounds" <<-'PYTHON'
		import http.client, sys
		kinds = [
		    ("GET", "/latest/meta-data/ami-id", {}),
		    ("GET", "/latest/meta-data/ami-id", {"X-aws-ec2-metadata-token": "x"}),
		    ("PUT", "/latest/api/token", {"X-aws-ec2-metadata-token-ttl-seconds": "60"}),
		    ("GET", "/computeMetadata/v1/", {"Metadata-Flavor": "Google"}),
		]
		long = "1" * 240
		endpoint = http.client.HTTPConnection("169.254.169.254", 80, timeout=30)
		for _ in range(int(sys.argv[1])):
		    for method, path, headers in kinds:
		        endpoint.request(method, path + "?" + long, headers={"User-Agent": "rounds/" + long, **headers})
		        endpoint.getresponse().read()
	PYTHON
}
export -f send_rounds

timeline_sums_up='. as $report | ["v1", "v2", "token", "foreign", "unknown"]
	| all(. as $class | ([$report.timeline[][$class]] | add // 0) == $report.totals[$class])'

trace lost --quiet --output "$work/lost.json" --interval 1s
need_traces lost
# So that there is a caller, and the loss is not the first that is heard.
prepare 'calls are sent while the tracer reads' serve optional client early curl -sS "$(target early)"
kill -STOP "${started[lost]}"
prepare 'more calls are sent than the ring buffer holds' serve optional send_rounds
kill -CONT "${started[lost]}"

in_file() {
	jq -e ".totals.v2 >= $rounds" "$work/lost.json"
}
until_so in_file
cp "$work/lost.json" "$work/running.json"
check 'details are lost' holds "$work/running.json" '.totals.lost > 1000'
check 'while it runs, the timeline sums up to the totals' holds "$work/running.json" "$timeline_sums_up"
prepare 'a call is sent after the loss' serve optional client late curl -sS "$(target late)"
stop lost
check 'a trace that lost events ends well' ended_with lost 0
check 'every call is counted where details are lost' holds "$work/lost.json" \
	'[.callers[] | select(.user_agents | any(startswith("rounds/")))] | map(.calls) | length == 1 and .[0].v1 == '"$rounds"' and .[0].v2 == '"$rounds"' and .[0].token == '"$rounds"' and .[0].foreign == '"$rounds"
check 'at its end, the timeline sums up to the totals' holds "$work/lost.json" "$timeline_sums_up"
check 'no call is at a time when nobody watched' holds "$work/lost.json" '. as $report
	| def seconds: .[:19] + "Z" | fromdate;
	.timeline | all((.start | seconds) + .seconds > ($report.windows[0].start | seconds) and
		(.start | seconds) <= ($report.windows[0].end | seconds))'
check 'lost events are a reason of the verdict' holds "$work/lost.json" '.reasons | any(test("events were lost"))'

finish
