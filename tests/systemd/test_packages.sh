#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The packages under a real systemd: Debian 12 and 13 in virtual machines, each with its own kernel. The
# .deb is installed and enabled in the root, as images are made; the machine boots, and packages.sh goes
# on there. $OLD and $NEW hold the packages of two versions. SYSTEMD="bookworm" takes that one, and
# BOOT=PROGRAM boots in place of boot.sh.
set -u
export LC_ALL=C
here=$(realpath "$(dirname "$0")")
top=$(realpath "$here/../..")
boot=${BOOT:-$top/tests/kernels/boot.sh}
scratch=$(mktemp -d)
trap 'rm -rf --one-file-system "$scratch"' EXIT
running=()
trap 'kill "${running[@]}" 2>/dev/null; exit 130' INT TERM HUP
declare -A kernels=([bookworm]=6.1 [trixie]=6.12)
arch=$(dpkg --print-architecture) || exit

# version_in DIRECTORY: of the one package there.
version_in() {
	dpkg-deb -f "$1"/imdstrace_*_"$arch".deb Version | sed 's/-1$//'
}

packages_into() {
	local directory name version
	mkdir "$1/packages"
	for name in old new; do
		directory=$OLD
		[ $name = old ] || directory=$NEW
		version=$(version_in "$directory") && echo "$version" >"$1/packages/$name" &&
			cp "$directory/imdstrace_$version-1_$arch.deb" "$1/packages/imdstrace_$version-1.deb" &&
			cp "$directory/imdstrace-$version-1".*.rpm "$1/packages/imdstrace-$version-1.rpm" || return
	done
}

# rpm_into SUITE ROOT: rpm, with what it needs that is not there.
rpm_into() {
	local needed=() package
	while read -r package; do
		[ -e "$2/var/lib/dpkg/info/$package.list" ] || [ -e "$2/var/lib/dpkg/info/$package:$arch.list" ] || needed+=("$package")
	done < <("$top/dist/debian.sh" needs "$1" "$arch" rpm)
	"$top/dist/debian.sh" unpack "$1" "$arch" "$scratch/rpm.$1" "${needed[@]}" && mkdir -p "$2/var/lib/rpm" &&
		tar -C "$scratch/rpm.$1" --exclude=./usr/share/doc --exclude=./usr/share/man --exclude=./usr/share/locale -c . |
		tar -C "$2" --keep-directory-symlink -x
}

# A metadata service on lo, and a unit in cloud-init's place that calls it while the machine boots.
callers_into() {
	local units=$1/etc/systemd/system
	cat >"$1/imds.sh" <<-'SERVE'
		[ "$(ls /sys/class/net)" = lo ] || exit
		/bin/busybox ip link set lo up
		/bin/busybox ip address add 169.254.169.254/32 dev lo
		mkdir -p /run/www/latest/meta-data
		echo ami-1 >/run/www/latest/meta-data/ami-id
		/bin/busybox httpd -p 169.254.169.254:80 -h /run/www
	SERVE
	cat >"$units/imds.service" <<-'UNIT'
		[Unit]
		DefaultDependencies=no
		[Service]
		Type=oneshot
		RemainAfterExit=yes
		ExecStart=/bin/sh /imds.sh
	UNIT
	cat >"$units/cloud-init-local.service" <<-'UNIT'
		[Unit]
		DefaultDependencies=no
		Requires=imds.service
		After=imds.service
		[Service]
		Type=oneshot
		RemainAfterExit=yes
		ExecStart=/bin/busybox wget -q -O /run/boot.answer http://169.254.169.254/latest/meta-data/ami-id?boot
	UNIT
	ln -s ../cloud-init-local.service "$units/multi-user.target.wants/"
	# An emulated processor takes longer than a real one to check the programs.
	mkdir "$units/imdstrace.service.d"
	printf '[Service]\nTimeoutStartSec=300\n' >"$units/imdstrace.service.d/emulated.conf"
}

# Where no systemd runs.
installed_and_enabled() {
	local name
	name=$(cat "$1/packages/old")
	chroot "$1" dpkg -i "/packages/imdstrace_$name-1.deb" && [ ! -e "$1/etc/systemd/system/multi-user.target.wants/imdstrace.service" ] &&
		chroot "$1" systemctl enable imdstrace.service
}

one() {
	"$here/root.sh" "$1" "$scratch/$1" && packages_into "$scratch/$1" && rpm_into "$1" "$scratch/$1" && callers_into "$scratch/$1" &&
		installed_and_enabled "$scratch/$1" && BOOT_ROOT=$scratch/$1 BOOT_MEMORY=2G BOOT_TIMEOUT=${BOOT_TIMEOUT:-600} "$boot" "${kernels[$1]}" "$arch" \
		'sh /packages.sh' "$here/packages.sh" "$top/tests/kernels/lib.sh"
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
