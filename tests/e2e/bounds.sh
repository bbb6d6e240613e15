# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# How much a trace holds: memory, and entries of its maps. To be sourced behind lib.sh.
work=${work:?}

# processes PID: it and its children.
processes() {
	echo "$1"
	pgrep -P "$1"
}

# resident PID: KiB of the trace and of its helper.
resident() {
	local pid
	for pid in $(processes "$1"); do
		sed -n 's/^VmRSS:[[:space:]]*\([0-9]*\) kB$/\1/p' "/proc/$pid/status"
	done | awk "{ sum += \$1 } END { print sum }"
}

# Not those that forget what is oldest when they are full.
maps() {
	bpftool -j map show | jq -r '.[] | select(.type == "hash") | "\(.id) \(.name)"' | sort
}

# entries FILE: "NAME COUNT" of each map of the trace, which $work/maps names as maps() does.
entries() {
	local id name
	while read -r id name; do
		echo "$name $(bpftool -j map dump id "$id" | jq length)"
	done <"$work/maps" | sort >"$1"
}
