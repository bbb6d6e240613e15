#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# imdstrace.service under a real systemd, as lib.sh boots it.
# shellcheck source=tests/systemd/lib.sh
. "$(dirname "$0")/lib.sh"

# As the packages install it.
install_into() {
	emulated "$1"
	make --no-print-directory -s -C "$top" install-carried DESTDIR="$1" PREFIX=/usr >/dev/null &&
		install -m 0755 "$top/build/imdstrace-static" "$1/usr/bin/imdstrace" &&
		ln -s /usr/lib/systemd/system/imdstrace.service "$1/etc/systemd/system/multi-user.target.wants/"
}

one() {
	"$here/root.sh" "$1" "$scratch/$1" && install_into "$scratch/$1" && boot_root "$1" suite.sh
}

on_each one
