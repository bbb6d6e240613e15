#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# root.sh SUITE DIRECTORY [PACKAGE...]: makes DIRECTORY a small Debian with systemd and these packages, as
# boot.sh boots it (BOOT_ROOT). What debootstrap made is kept for a week.
set -eu
export LC_ALL=C
suite=$1 directory=$2
shift 2
set -- systemd systemd-sysv "$@"
packages=$(printf ',%s' "$@")
top=$(dirname "$0")/../..
"$top/dist/deps.sh" debian distros
arch=$(dpkg --print-architecture)
kept=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/imdstrace/roots/$suite-$arch-with$(printf -- '-%s' "$@").tar
scratch=$(mktemp -d)
trap 'rm -rf --one-file-system "$scratch"' EXIT

if [ -z "$(find "$kept" -mtime -7 2>/dev/null)" ]; then
	mirror=$("$top/dist/debian.sh" sources "$suite" "$arch" | sed -n "s/^deb \[.*\] \([^ ]*\) $suite main$/\1/p" | head -n 1)
	mkdir -p "$(dirname "$kept")"
	if ! debootstrap --variant=minbase --include="${packages#,}" --arch="$arch" "$suite" "$scratch/root" "$mirror" >"$scratch/log" 2>&1; then
		tail -n 20 "$scratch/log" >&2
		exit 1
	fi
	# All of it is memory in the machine.
	tar -C "$scratch/root" --exclude='./usr/share/doc/*' --exclude='./usr/share/man/*' --exclude='./usr/share/locale/*' \
		--exclude='./usr/share/info/*' --exclude='./usr/share/zoneinfo/*' --exclude='./usr/lib/*/gconv/*' \
		--exclude='./usr/lib/*/perl/*' --exclude='./usr/share/perl/*' --exclude='./var/cache/apt/*' \
		--exclude='./var/lib/apt/lists/*' --exclude='./usr/lib/udev/hwdb*' --exclude='./dev/*' \
		-cf "$scratch/root.tar" .
	mv "$scratch/root.tar" "$kept"
fi
mkdir -p "$directory"
tar -C "$directory" -xf "$kept"

ln -s lib/systemd/systemd "$directory/init"
mkdir -p "$directory/etc/systemd/system/multi-user.target.wants"
cat >"$directory/etc/systemd/system/commands.service" <<'UNIT'
[Unit]
After=multi-user.target

[Service]
ExecStart=/bin/sh /run_commands.sh
StandardOutput=null
UNIT
ln -s ../commands.service "$directory/etc/systemd/system/multi-user.target.wants/"
# Nobody logs in, and nothing looks for devices.
for unit in systemd-udevd.service systemd-udev-trigger.service getty.target systemd-timesyncd.service systemd-logind.service \
	apt-daily.timer apt-daily-upgrade.timer; do
	ln -sf /dev/null "$directory/etc/systemd/system/$unit"
done
