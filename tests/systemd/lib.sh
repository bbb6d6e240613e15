# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Roots of Debian 12 and 13 with a real systemd, booted in virtual machines beside each other, each with
# its own kernel. To be sourced by bash. SYSTEMD="bookworm" takes that one, BOOT=PROGRAM boots in place
# of boot.sh, and BOOT_TIMEOUT=SECONDS (600) ends what hangs.
set -u
export LC_ALL=C
here=$(realpath "$(dirname "$0")")
top=$(realpath "$here/../..")
boot=${BOOT:-$top/tests/kernels/boot.sh}
suites=${SYSTEMD:-bookworm trixie}
scratch=$(mktemp -d)
trap 'rm -rf --one-file-system "$scratch"' EXIT
running=()
trap 'kill "${running[@]}" 2>/dev/null; exit 130' INT TERM HUP
declare -A kernels=([bookworm]=6.1 [trixie]=6.12)
arch=$(dpkg --print-architecture) || exit

# emulated ROOT: an emulated processor takes longer than a real one to check the programs.
emulated() {
	mkdir -p "$1/etc/systemd/system/imdstrace.service.d"
	printf '[Service]\nTimeoutStartSec=300\n' >"$1/etc/systemd/system/imdstrace.service.d/emulated.conf"
}

# boot_root SUITE PROGRAM: boots $scratch/SUITE, where PROGRAM, a file beside this one, runs.
boot_root() {
	BOOT_ROOT=$scratch/$1 BOOT_MEMORY=2G BOOT_TIMEOUT=${BOOT_TIMEOUT:-600} "$boot" "${kernels[$1]}" "$arch" \
		"sh /$2" "$here/$2" "$top/tests/kernels/lib.sh"
}

# on_each COMMAND: COMMAND SUITE for all of them at once, then what each said and their sum.
on_each() {
	local suite p f s passed=0 failed=0 skipped=0
	for suite in $suites; do
		"$1" "$suite" >"$scratch/said.$suite" 2>&1 &
		running+=($!)
	done
	wait
	for suite in $suites; do
		sed "s/^\(ok\|FAILED\|SKIP\): /&$suite: /" "$scratch/said.$suite"
		read -r p f s < <(sed -nE 's/^([0-9]+) passed, ([0-9]+) failed, ([0-9]+) skipped$/\1 \2 \3/p' "$scratch/said.$suite" | tail -n 1)
		passed=$((passed + ${p:-0})) failed=$((failed + ${f:-1})) skipped=$((skipped + ${s:-0}))
	done
	echo "$passed passed, $failed failed, $skipped skipped"
	[ "$failed" = 0 ]
}
