#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The packages under a real systemd, as lib.sh boots it. The .deb is installed and enabled in the root, as
# images are made; the machine boots, and packages.sh goes on there, also with install.sh. $OLD and $NEW
# hold the packages of two versions.
# shellcheck source=tests/systemd/lib.sh
. "$(dirname "$0")/lib.sh"

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

# What install.sh installs from, of this machine alone.
releases_into() {
	local directory name
	mkdir "$1/releases" && ln -s /bin/busybox "$1/usr/bin/wget" || return
	for name in old new; do
		directory=$OLD
		[ $name = old ] || directory=$NEW
		(cd "$top" && SOURCE_DATE_EPOCH=0 dist/release.sh "$(version_in "$directory")" "$1/releases/$name" "$arch=$directory") &&
			rm -f "$1/releases/$name"/*.deb "$1/releases/$name"/*.rpm "$1/releases/$name"/*debug* "$1/releases/$name"/*.tar || return
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
	emulated "$1"
}

# Where no systemd runs.
installed_and_enabled() {
	local name
	name=$(cat "$1/packages/old")
	chroot "$1" dpkg -i "/packages/imdstrace_$name-1.deb" && [ ! -e "$1/etc/systemd/system/multi-user.target.wants/imdstrace.service" ] &&
		chroot "$1" systemctl enable imdstrace.service
}

one() {
	"$here/root.sh" "$1" "$scratch/$1" && packages_into "$scratch/$1" && releases_into "$scratch/$1" && rpm_into "$1" "$scratch/$1" && callers_into "$scratch/$1" &&
		installed_and_enabled "$scratch/$1" && boot_root "$1" packages.sh
}

on_each one
