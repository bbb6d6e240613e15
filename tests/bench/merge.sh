#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What it costs to merge the reports of a fleet: 100, then COUNT (10,000) of them, each of one host
# with 13 callers; and of 2,000 what jq takes that only parses them. A line for
# each has time and peak memory.
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
# parse COUNT: the same of jq, which only parses them.
parse() {
	find "$work/reports" -name '*.json' | sort | head -n "$1" >"$work/files"
	# shellcheck disable=SC2046
	"$work/measure" jq .schema $(cat "$work/files")
}

few=$(merge 100)
many=$(merge "$count")
if command -v jq >/dev/null; then
	echo "$(merge 2000) $(parse 2000)" | awk '{
		printf "merge %7d reports: %6.2f s of CPU, %.2f times what jq .schema takes (%.2f s)\n", 2000, $2, $2 / ($5 > 0 ? $5 : 0.01), $5
	}'
fi
size=$(du -sk "$work/reports" | cut -f 1)
echo "$few $many" | awk -v count="$count" -v size="$size" '{
	printf "merge %7d reports: %6.2f s, %6.2f s of CPU, %7.1f MiB at most\n", 100, $1, $2, $3 / 1024
	printf "merge %7d reports: %6.2f s, %6.2f s of CPU, %7.1f MiB at most, for %.1f MiB of files\n",
		count, $4, $5, $6 / 1024, size / 1024
	printf "      %.1f times the reports, %.1f times the time, %.1f times the memory\n",
		count / 100, $4 / ($1 > 0 ? $1 : 0.01), $6 / $3
}'
