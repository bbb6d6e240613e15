#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What it costs to merge the reports of a fleet: 100, then COUNT (10,000) of them, each of one host
# with 13 callers, with time and peak memory. Then what commands take for 2,000 of them, beside jq,
# which only parses them: each in turn five times, and the medians of the processor's time, because
# a machine that does something else meanwhile delays all of them.
set -eu
imdstrace=${IMDSTRACE:-build/imdstrace}
count=${COUNT:-10000}
here=$(dirname "$0")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP

for program in make_reports measure; do
	${CC:-cc} -std=gnu11 -O2 -o "$work/$program" "$here/$program.c"
done
mkdir "$work/reports"
"$work/make_reports" "$work/reports" "$count"

# merge COUNT: "SECONDS CPU-SECONDS KIBIBYTES" for the first so many reports.
merge() {
	find "$work/reports" -name '*.json' | sort | head -n "$1" >"$work/files"
	# Names of ours, without blanks.
	# shellcheck disable=SC2046
	"$work/measure" "$imdstrace" report --format json $(cat "$work/files")
}
# against_jq NAME COMMAND...: a line with its time for 2,000 reports and its ratio to jq's.
against_jq() {
	name=$1
	shift
	find "$work/reports" -name '*.json' | sort | head -n 2000 >"$work/files"
	for _ in 1 2 3 4 5; do
		# shellcheck disable=SC2046
		echo "$("$work/measure" "$@" $(cat "$work/files")) $("$work/measure" jq .schema $(cat "$work/files"))"
	done | awk -v name="$name" '
		function median(values, i, j, swap) {
			for (i = 2; i <= NR; i++)
				for (j = i; j > 1 && values[j] < values[j - 1]; j--) {
					swap = values[j]; values[j] = values[j - 1]; values[j - 1] = swap
				}
			return values[int((NR + 1) / 2)]
		}
		{ ours[NR] = $2; jq[NR] = $5 }
		END {
			printf "%-20s of 2000 reports: %6.2f s of CPU, %.2f times what jq .schema takes (%.2f s)\n",
				name, median(ours), median(ours) / (median(jq) > 0 ? median(jq) : 0.01), median(jq)
		}'
}

few=$(merge 100)
many=$(merge "$count")
if command -v jq >/dev/null; then
	against_jq check "$imdstrace" check
	against_jq report "$imdstrace" report
	against_jq "report --format json" "$imdstrace" report --format json
fi
size=$(du -sk "$work/reports" | cut -f 1)
echo "$few $many" | awk -v count="$count" -v size="$size" '{
	printf "merge %7d reports: %6.2f s, %6.2f s of CPU, %7.1f MiB at most\n", 100, $1, $2, $3 / 1024
	printf "merge %7d reports: %6.2f s, %6.2f s of CPU, %7.1f MiB at most, for %.1f MiB of files\n",
		count, $4, $5, $6 / 1024, size / 1024
	printf "      %.1f times the reports, %.1f times the time, %.1f times the memory\n",
		count / 100, $4 / ($1 > 0 ? $1 : 0.01), $6 / $3
}'
