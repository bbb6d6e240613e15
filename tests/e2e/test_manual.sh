#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The manual pages: rendered without a warning, with the options that --help has and the fields that
# dist/schema has. The schemas: what the unit tests' reports are.
set -u
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
dist=$(realpath "$here/../../dist")
docs=$(realpath "$here/../docs")

renders() {
	MANROFFSEQ='' MAN_KEEP_FORMATTING='' MANWIDTH=80 man --warnings -E UTF-8 -l -Tutf8 -Z "$1" >"$work/page" 2>"$work/warnings"
	equal "status of man" 0 $? && equal warnings '' "$(cat "$work/warnings")" && test -s "$work/page"
}

commands=$("$IMDSTRACE" --help | sed -nE '/^Commands:/,/^$/s/^  ([a-z]+) .*/\1/p')

has_the_options() {
	"$docs/manual.py" options "$dist/imdstrace.8" "$1" >"$work/page.options" &&
		"$IMDSTRACE" "$1" --help | "$docs/manual.py" help >"$work/help.options" &&
		diff "$work/help.options" "$work/page.options"
}

has_the_fields() {
	cp "$dist/imdstrace-report.5" "$work/written.5"
	"$docs/manual.py" write "$work/written.5" && diff "$work/written.5" "$dist/imdstrace-report.5" && return
	echo "tests/docs/manual.py write dist/imdstrace-report.5 brings it up to date"
	return 1
}

# A table of kernels as tests/kernels/test_kernels.sh writes it becomes a part of the page, in place of the last.
takes_kernels() {
	cp "$dist/imdstrace.8" "$work/kernels.8"
	cat >"$work/kernels.md" <<-'TABLE'
		| kernel | machine | attach mode | wire cases right | most verified instructions of a program | seconds of the boot, emulated |
		|---|---|---|---|---|---|
		| 9.9.9-1-cloud-amd64 | amd64 | `fentry` | 295 of 296 | 12345 | 99 |
	TABLE
	"$docs/manual.py" kernels "$work/kernels.8" "$work/kernels.md" && renders "$work/kernels.8" &&
		MANWIDTH=80 man -l "$work/kernels.8" | grep -E '^ +9\.9\.9-1-cloud-amd64 +fentry +295 of 296 +12345$' && not grep -q '^\.It [5-8]\.' "$work/kernels.8"
}

# So does what tests/bench/run printed.
takes_costs() {
	cp "$dist/imdstrace.8" "$work/costs.8"
	printf '%s\n' 'A machine with 99 processors' '' 'a send                     9999 ns   9.999' '' 'Merging reports' 'merge' >"$work/bench.txt"
	"$docs/manual.py" bench "$work/costs.8" "$work/bench.txt" && renders "$work/costs.8" &&
		MANWIDTH=80 man -l "$work/costs.8" | grep -E '^ +a send {21}9999 ns   9\.999$' && equal "ratios" 1 "$(grep -c '^a send .*ns' "$work/costs.8")"
}

# names SECTION WORD...: each word has an entry in that section of the page of reports.
names() {
	local section=$1 word
	shift
	sed -n "/^\.Sh $section/,/^\.Sh/p" "$dist/imdstrace-report.5" | sed 's/\\-/-/g' >"$work/section"
	[ $# -gt 2 ] || { echo "the schema has too few words" && return 1; }
	for word; do
		grep -qxF ".It Sy $word" "$work/section" || { echo "not in $section: $word" && return 1; }
	done
}

# values FIELD: what the schema of reports allows a caller's field to be.
values() {
	jq -r ".properties.callers.items.properties.$1.enum[] | values" "$dist/schema/report.json"
}

# Several words each.
# shellcheck disable=SC2046
enumerations() {
	names PATTERNS $(values pattern) && names ADVICE $(values advice) && names REASONS $(values fallback_cause) &&
		names CLASSES $(jq -r '.oneOf[0].properties.class.enum[]' "$dist/schema/event.json") &&
		names REASONS $(jq -r '.oneOf[0].properties.reason.enum[]' "$dist/schema/event.json")
}

for page in "$dist"/*.[1-8]; do
	check "$(basename "$page") renders without a warning" renders "$page"
done
check 'the help names commands' test "$(wc -w <<<"$commands")" -ge 7
for command in $commands; do
	check "the manual and --help have the same options of $command" has_the_options "$command"
done
check 'the manual has the fields of the schemas' has_the_fields
check 'the manual has every class, reason, pattern and advice' enumerations

check 'the manual takes a table of kernels' takes_kernels
check 'the manual takes a table of costs' takes_costs

cp "$here"/../unit/golden/report.{json,ndjson} "$work/"
"$IMDSTRACE" software --json >"$work/software.json"
"$IMDSTRACE" doctor --json >"$work/doctor.json"
check 'the validator finds the documents' test "$("$docs/validate.py" "$work" | sed -n '$s/ documents.*//p')" -ge 4

# A field that the schema does not have, or of another kind, is found.
wrong_documents_are_found() {
	local change
	mkdir -p "$work/wrong"
	for change in '/^"callers"/i "wrong": 1,' 's/"uid":[0-9]*/"uid":"x"/' 's/"pattern":"v1-only"/"pattern":"often"/' 's/"pids"/"tids"/'; do
		sed "$change" "$here/../unit/golden/report.json" >"$work/wrong/report.json"
		not "$docs/validate.py" "$work/wrong" >/dev/null || { echo "not found: $change" && return 1; }
	done
	rm -r "$work/wrong"
}
check 'the validator finds what is wrong' wrong_documents_are_found

finish
