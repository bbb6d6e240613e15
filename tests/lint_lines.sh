#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# lint_lines.sh FILE...: no source and no header has more than 550 lines.
set -u
cd "$(dirname "$0")/.." || exit 1

MOST=550

status=0
for file; do
	lines=$(wc -l <"$file")
	[ "$lines" -le $MOST ] || { echo "$file has $lines lines; the most is $MOST" && status=1; }
done
exit $status
