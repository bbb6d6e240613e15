#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# lint_lines.sh FILE...: no source and no header has more than 550 lines. The list names those that still
# have more; a file that is split leaves it.
set -u
cd "$(dirname "$0")/.." || exit 1

MOST=550
declare -A longer=()
while read -r file; do
	longer[$file]=1
done <<'FILES'
tests/unit/test_advice_field.c
tests/wire/cases_socket.c
FILES

status=0
for file; do
	lines=$(wc -l <"$file")
	if [ "$lines" -gt $MOST ]; then
		[ -n "${longer[$file]-}" ] || { echo "$file has $lines lines; the most is $MOST" && status=1; }
		unset "longer[$file]"
	fi
done
for file in "${!longer[@]}"; do
	echo "$file has no more than $MOST lines: take it off the list in tests/lint_lines.sh"
	status=1
done
exit $status
