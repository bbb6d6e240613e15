#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Why tests were skipped.
#
# skips.sh note PROGRAM: from what a test program printed (standard input), "PROGRAM: REASON" for each
#     skip that says why: "skipped NAME # REASON" in scripts, "# skipped: REASON" in cmocka's programs,
#     "SKIP NAME: REASON" in the traffic program and in virtual machines.
# skips.sh list: such lines (standard input), each once and how often it was there.
set -eu
case $1 in
note)
	sed -nE -e 's/^skipped .* # (.*)/\1/p' -e 's/^# skipped: (.*)/\1/p' -e 's/^SKIP:? [^:]*: (.*)/\1/p' |
		while read -r reason; do echo "$2: $reason"; done
	;;
list)
	sort | uniq -c | sed '1i Skipped:'
	;;
esac
