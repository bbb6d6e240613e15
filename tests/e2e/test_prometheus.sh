#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Traces nothing.
#
# What the Prometheus format prints, read by Prometheus' own checker.
#
# The variables in single quotes are jq's.
# shellcheck disable=SC2016
set -u
imdstrace=${IMDSTRACE:-build/imdstrace}
rich=$(dirname "$0")/../unit/golden/report.json
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP

for command in promtool jq; do
	command -v $command >/dev/null && continue
	echo "skipped the metrics # there is no $command"
	echo "0 passed, 0 failed, 1 skipped"
	exit 0
done

passed=0 failed=0

# case NAME JQ-FILTER: the rich report, changed so, is what promtool takes without a remark.
case_() {
	name=$1
	# shellcheck disable=SC2254
	case $name in ${CASE:-*}) ;; *) return ;; esac
	if jq "$2" "$rich" >"$work/report.json" 2>"$work/said" &&
		"$imdstrace" report --format prometheus "$work/report.json" >"$work/metrics" 2>>"$work/said" &&
		promtool check metrics <"$work/metrics" >>"$work/said" 2>&1; then
		echo "ok      $name"
		passed=$((passed + 1))
	else
		echo "FAILED  $name"
		sed 's/^/        /' "$work/said" | head -n 30
		failed=$((failed + 1))
	fi
}

# hostile TEXT: each name in the report is TEXT, a jq expression.
hostile() {
	cat <<-FILTER
		$1 as \$text |
		(.hosts[] | .hostname, .kernel, .instance_id, .region) = \$text |
		(.callers[] | .name, .comm, .exe, .script, .parent, .unit, .user_agents[], .paths[].path) |= (if . then \$text else . end)
	FILTER
}

case_ "a rich report" '.'
case_ "an empty report" '.hosts = [] | .windows = [] | .callers = [] | .timeline = []'
case_ "names that would be another metric" "$(hostile '"\"} 1\nevil{a=\""')"
case_ "names of backslashes and quotes" "$(hostile '"\\\"\\"')"
case_ "names of control characters" "$(hostile '"\u001b[31m\r\t\u007f\u009b\u2028\u202e"')"
case_ "names that are nothing" "$(hostile '""')"
case_ "names of 60,000 bytes" "$(hostile '("x" * 60000)')"
case_ "more callers than have a series of their own" \
	'.callers = [range(300) as $i | .callers[0] | .exe = "/bin/\($i)"]'
case_ "callers that look alike" \
	'.callers = [range(50) as $i | .callers[0] | .parent = "\($i)"]'
case_ "more hosts than have a series of their own" \
	'.hosts = [range(300) as $i | .hosts[0] | .machine_id = "m\($i)"]'

echo "$passed passed, $failed failed, 0 skipped"
[ $failed = 0 ]
