#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# imdstrace.service under a real systemd: Debian 12 and 13 in virtual machines, each with its own
# kernel. SYSTEMD="bookworm" takes that one. BOOT=PROGRAM boots in place of boot.sh.
set -u
here=$(realpath "$(dirname "$0")")
top=$(realpath "$here/../..")
boot=${BOOT:-$top/tests/kernels/boot.sh}
scratch=$(mktemp -d)
trap 'rm -rf --one-file-system "$scratch"' EXIT
trap 'kill "${running[@]}" 2>/dev/null; exit 130' INT TERM HUP
running=()
declare -A kernels=([bookworm]=6.1 [trixie]=6.12)
arch=$(dpkg --print-architecture) || exit

# As the packages install it.
install_into() {
	make --no-print-directory -s -C "$top" install-carried DESTDIR="$1" PREFIX=/usr >/dev/null &&
		install -m 0755 "$top/build/imdstrace-static" "$1/usr/bin/imdstrace" &&
		ln -s /usr/lib/systemd/system/imdstrace.service "$1/etc/systemd/system/multi-user.target.wants/"
}

one() {
	"$here/root.sh" "$1" "$scratch/$1" && install_into "$scratch/$1" &&
		BOOT_ROOT=$scratch/$1 BOOT_MEMORY=2G BOOT_TIMEOUT=600 "$boot" "${kernels[$1]}" "$arch" \
			'sh /suite.sh' "$here/suite.sh" "$top/tests/kernels/lib.sh"
}

for suite in ${SYSTEMD:-bookworm trixie}; do
	one "$suite" >"$scratch/said.$suite" 2>&1 &
	running+=($!)
done
wait
passed=0 failed=0 skipped=0
for suite in ${SYSTEMD:-bookworm trixie}; do
	sed "s/^\(ok\|FAILED\|SKIP\): /&$suite: /" "$scratch/said.$suite"
	read -r p f s < <(sed -nE 's/^([0-9]+) passed, ([0-9]+) failed, ([0-9]+) skipped$/\1 \2 \3/p' "$scratch/said.$suite" | tail -n 1)
	passed=$((passed + ${p:-0})) failed=$((failed + ${f:-1})) skipped=$((skipped + ${s:-0}))
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
