# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What the tests of packages and releases share. To be sourced by bash. Prints a line
# for each check, and their sum last; $work is theirs.
passed=0 failed=0
work=${work:?}

# check NAME COMMAND...: its output is shown when it fails.
check() {
	local name=$1
	shift
	if "$@" >"$work/check" 2>&1; then
		echo "ok      $name"
		passed=$((passed + 1))
	else
		echo "FAILED  $name"
		sed 's/^/        /' "$work/check" | tail -n 40
		failed=$((failed + 1))
	fi
}

# equal WHAT WANTED GOT
equal() {
	[ "$2" = "$3" ] && return
	printf '%s:\n  wanted: %s\n  got:    %s\n' "$1" "$2" "$3"
	return 1
}

finish() {
	echo "$passed passed, $failed failed, 0 skipped"
	[ $failed = 0 ]
}
