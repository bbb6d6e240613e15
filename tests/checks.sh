# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Named checks. To be sourced by bash: prints a line for each, and sum_up() their sum. $work is a directory
# of the test's own.
#
# CASE='a name' runs the checks of that name (or pattern) alone, and all that prepares them. So a check
# leaves nothing behind that another one needs: prepare() is for these.
work=${work:?}

# wanted NAME: whether $CASE, if it is set, is that name or a pattern that fits it.
wanted() {
	# shellcheck disable=SC2053
	[ -z "${CASE-}" ] || [[ $1 == "$CASE" || $1 == $CASE ]]
}

# prepare NAME COMMAND...: a check on which others build. It is run whatever $CASE is.
prepare() {
	local name=$1
	shift
	if ("$@") >"$work/check" 2>&1; then
		! wanted "$name" || echo "ok      $name"
	else
		echo "FAILED  $name"
		sed 's/^/        /' "$work/check" | cut -c 1-2000 | head -n 60
	fi | tee -a "$work/results"
}

# check NAME COMMAND...: passes if the command does; what it prints is shown if it fails.
check() {
	! wanted "$1" || prepare "$@"
}

# skip NAME REASON: a reason in a few words, which tests/run adds up over all programs.
skip() {
	! wanted "$1" || echo "skipped $1 # $2" | tee -a "$work/results"
}

# The last line of a test program, and its status.
sum_up() {
	if [ ! -s "$work/results" ]; then
		echo "no check is called \"${CASE-}\"" >&2
		echo '0 passed, 0 failed, 0 skipped'
		return 1
	fi
	awk '/^(ok|FAILED|skipped) / { count[$1]++ } END {
		printf "%d passed, %d failed, %d skipped\n", count["ok"], count["FAILED"], count["skipped"]
		exit count["FAILED"] > 0
	}' "$work/results"
}

# equal WHAT WANTED GOT
equal() {
	[ "$2" = "$3" ] && return
	printf '%s:\n  wanted: %s\n  got:    %s\n' "$1" "$2" "$3"
	return 1
}

not() {
	! "$@"
}
