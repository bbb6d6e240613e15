#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Traces nothing.
#
# The alert rules and the dashboard of dist/fleet, read by a real Prometheus over two states of a
# generated fleet. It listens on the loopback alone and scrapes nobody.
# What stands in single quotes is for jq and awk, or expanded where it runs.
# shellcheck disable=SC2016
set -u
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
fleet=$here/../fleet
dist=$here/../../dist/fleet
HOSTS=120

for command in promtool prometheus cc; do
	command -v $command >/dev/null && continue
	skip_all "there is no $command"
done

cp "$dist/prometheus/imdstrace.rules.yml" "$fleet/alerts.test.yml" "$work/"
check 'promtool takes the alert rules' promtool check rules "$work/imdstrace.rules.yml"
check 'each alert fires when it should, and not else' promtool test rules "$work/alerts.test.yml"

cc -O1 -o "$work/make_fleet" "$fleet/make_fleet.c" || exit 1
"$work/make_fleet" "$work/now" $HOSTS
"$work/make_fleet" "$work/before" $HOSTS before
before=$(date -u -d '2026-03-06T00:00:00Z' +%s)
now=$(date -u -d '2026-03-16T00:00:00Z' +%s)

# state NAME TIME: each host's metrics as its target's, in OpenMetrics.
state() {
	local file
	for file in "$work/$1"/reports/*.json; do
		"$IMDSTRACE" report --format prometheus "$file" |
			awk -v host="$(basename "$file" .json)" -v time="$2" '!/^#/ {
				if (!sub(/\{/, "{instance=\"" host "\",")) sub(/ /, "{instance=\"" host "\"} ")
				print $0, time }' || return
	done
}
{
	state before "$before" && state now "$now" && echo '# EOF'
} >"$work/metrics" || exit 1
prepare 'the metrics of the fleet are OpenMetrics' promtool tsdb create-blocks-from openmetrics "$work/metrics" "$work/data"

: >"$work/prometheus.yml"
port=$((20000 + RANDOM % 10000))
prometheus --config.file="$work/prometheus.yml" --storage.tsdb.path="$work/data" --storage.tsdb.retention.time=100y \
	--web.listen-address=127.0.0.1:$port >"$work/prometheus.log" 2>&1 </dev/null &
started[prometheus]=$!
until_so curl -sfS "http://127.0.0.1:$port/-/ready" || { cat "$work/prometheus.log" && exit 1; }

# ask TIME EXPRESSION: the answer.
ask() {
	curl -sS "http://127.0.0.1:$port/api/v1/query" --data-urlencode "time=$1" --data-urlencode "query=$2"
}
# panel TITLE [REF]: the expression, with what Grafana puts in.
panel() {
	jq -r --arg title "$1" --arg ref "${2:-A}" '.panels[] | select(.title == $title) | .targets[] | select(.refId == $ref) | .expr
		| gsub("\\$__rate_interval"; "15d") | gsub("\\$instance"; ".*")' "$dist/grafana/imdstrace.json"
}
# value STATE-TIME TITLE: the one number that a panel shows.
value() {
	ask "$1" "$(panel "$2")" | jq -r '.data.result[0].value[1] // 0'
}
truth() {
	jq -r "$2" "$work/$1/truth.json"
}
verdicts() {
	local verdict
	for verdict in ready blocked inconclusive; do
		equal "$verdict in $1" "$(truth "$1" "[.hosts[] | select(.verdict == \"$verdict\")] | length")" \
			"$(value "$2" "${verdict^}")" || return
	done
	equal hosts $HOSTS "$(value "$2" Hosts)"
}
check 'hosts by verdict are the truth, of the earlier state' verdicts before "$before"
check 'hosts by verdict are the truth, of the later state' verdicts now "$now"

callers_as() {
	local reference=$1 field=$2
	equal "$field" "$(truth now ".callers[] | select(.name and .calls.v1 > 0) | [.name, .parent, .$field] | @tsv" | sort)" \
		"$(ask "$now" "$(panel 'Callers of IMDSv1, by the hosts they block' "$reference")" |
			jq -r '.data.result[] | select(.metric.caller | startswith("python3 /srv/") | not)
				| [.metric.caller, .metric.parent, .value[1]] | @tsv' | sort)"
}
check 'hosts by caller are the truth' callers_as A hosts_v1
check "callers' calls are the truth" callers_as B calls.v1

ready_hosts() {
	equal 'ready hosts' "$(truth now '.hosts[] | select(.verdict == "ready") | "\(.instance_id) \(.region)"' | sort)" \
		"$(ask "$now" "$(panel 'Hosts that are ready')" | jq -r '.data.result[].metric | "\(.instance_id) \(.region)"' | sort)"
}
check 'the ready hosts are the truth, with instance id and Region' ready_hosts
advice() {
	ask "$now" "$(panel 'What to do')" >"$work/advice"
	holds "$work/advice" '[.data.result[] | select(.metric.advice == "raise-hop-limit") | .value[1] | tonumber] | add == $want' \
		--argjson want "$(truth now '.callers[] | select(.key == "orders") | .hosts_v1')"
}
check 'where a hop limit is advised is the truth' advice
every_query() {
	local number=0 expression
	while IFS= read -r expression; do
		number=$((number + 1))
		ask "$now" "$expression" >"$work/answer"
		holds "$work/answer" '.status == "success" and (.data.result | length > 0)' || { echo "$expression" && return 1; }
	done < <(jq -r '.panels[].targets[].expr | gsub("\\$__rate_interval"; "15d") | gsub("\\$instance"; ".*")
		| gsub("> 3600"; "> -1")' "$dist/grafana/imdstrace.json")
	[ $number -ge 12 ]
}
check 'every query of the dashboard is answered' every_query
stop prometheus

finish
