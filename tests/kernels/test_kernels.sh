#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Runs suite.sh in a virtual machine for each of these kernels, two at a time, and holds each to the
# way in that its kernel is known to offer. KERNELS="6.1-amd64 6.1-arm64" takes these alone.
set -u
here=$(dirname "$0")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'kill $running 2>/dev/null; exit 130' INT TERM HUP

# kernel  machine  the first way in that attaches
table='
5.10	amd64	fentry
6.1	amd64	fentry
6.12	amd64	fentry
newest	amd64	fentry
6.1	arm64	kprobe
6.12	arm64	fentry
'

# One row, in the background; its output ends with the sum that suite.sh prints.
boot() {
	BOOT_TIMEOUT=600 "$here/boot.sh" "$1" "$2" "sh /suite.sh $3" "$here/suite.sh" >"$scratch/$1-$2" 2>&1 &
	running="$running $!"
}

passed=0 failed=0 skipped=0 running=

# Waits for the oldest one and adds its sum; a machine that did not get as far is one failure.
collect() {
	# shellcheck disable=SC2086
	set -- $running
	wait "$1"
	status=$?
	shift
	running="$*"
	# shellcheck disable=SC2086
	set -- $names
	output=$scratch/$1
	echo "=== $1"
	shift
	names="$*"
	cat "$output"
	sum=$(sed -nE 's/^([0-9]+) passed, ([0-9]+) failed, ([0-9]+) skipped$/\1 \2 \3/p' "$output" | tail -n 1)
	# shellcheck disable=SC2086
	set -- ${sum:-0 1 0}
	[ $status = 0 ] || [ "$2" != 0 ] || set -- "$1" 1 "$3"
	passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3))
}

names=
while read -r kernel arch way; do
	[ -n "$kernel" ] || continue
	case " ${KERNELS:-$kernel-$arch} " in *" $kernel-$arch "*) ;; *) continue ;; esac
	case $running in *[0-9]\ [0-9]*) collect ;; esac
	boot "$kernel" "$arch" "$way"
	names="$names $kernel-$arch"
done <<ROWS
$table
ROWS
while [ -n "$running" ]; do
	collect
done

echo "$passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ]
