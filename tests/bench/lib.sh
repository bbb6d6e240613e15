# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What the measurements in bash share. To be sourced.
work=$(mktemp -d)
beside=

# cpu first|last: a processor that this process may run on.
cpu() {
	local list
	list=$(sed -n 's/^Cpus_allowed_list:\t//p' /proc/self/status)
	case $1 in
	first) echo "${list%%[-,]*}" ;;
	last) echo "${list##*[-,]}" ;;
	esac
}

# beside COMMAND...: runs it until stop_beside, and waits until its hooks are attached.
beside() {
	: >"$work/beside"
	"$@" >"$work/beside" 2>&1 &
	beside=$!
	until grep -qE '^imdstrace: (tracing|rehearsing)' "$work/beside"; do
		kill -0 "$beside" || { cat "$work/beside" >&2 && exit 1; }
		sleep 0.1
	done
}

stop_beside() {
	[ -n "$beside" ] || return 0
	kill "$beside" || true
	wait "$beside" || true
	beside=
}

# median EXPRESSION FILE: of what awk makes of each line.
median() {
	awk "{ print $1 }" "$2" | sort -g | awk '{ value[NR] = $1 } END { print value[int((NR + 1) / 2)] }'
}
