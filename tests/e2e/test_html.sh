#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Traces nothing.
#
# The HTML report in a real browser, which has no network. What is tested
# stands in tests/html/test_page.mjs; this only finds what it needs.
set -u
imdstrace=$(realpath -e "${IMDSTRACE:-build/imdstrace}") || exit 1
tests=$(realpath "$(dirname "$0")/..")

skip() {
	echo "skipped the page in a browser # $1"
	echo "0 passed, 0 failed, 1 skipped"
	exit 0
}

chromium=
for candidate in chromium chromium-browser google-chrome; do
	[ -z "$chromium" ] && chromium=$(command -v "$candidate")
done
[ -n "$chromium" ] || skip "there is no chromium"
command -v node >/dev/null || skip "there is no node"
unshare --net true 2>/dev/null || skip "this user may not make a network namespace for it"

node "$tests/html/test_page.mjs" "$imdstrace" "$chromium" "$tests/unit/golden/report.json"
