#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# qemu.sh amd64|arm64: prints the path of a QEMU that emulates such a machine.
#
# One before 8.1 may translate code while another processor changes it, and then runs what stood there
# before: a kernel that changes its own code ends at a breakpoint of its own ("Oops: int3"), within
# seconds where its function tracer is switched on and off beside traffic. Where the distribution's is as
# old, Debian 13's is unpacked into the cache, and never installed.
set -eu
export LC_ALL=C
suite=trixie

fail() {
	echo "$*" >&2
	exit 1
}

case $1 in
amd64) program=qemu-system-x86_64 package=qemu-system-x86 ;;
arm64) program=qemu-system-aarch64 package=qemu-system-arm ;;
*) fail "qemu.sh knows no machine \"$1\"" ;;
esac
debian=$(dirname "$0")/../../dist/debian.sh
native=$(uname -m | sed 's/x86_64/amd64/; s/aarch64/arm64/')
kept=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/imdstrace/qemu/$suite-$package

is_new() {
	$program --version | sed -n 's/^QEMU emulator version \([0-9]*\)\.\([0-9]*\).*/\1 \2/p' |
		awk '{ exit !($1 > 8 || $1 == 8 && $2 >= 1) }'
}

# With a loader and libraries of its own.
unpack() {
	rm -rf "$kept"
	# One word for each package.
	# shellcheck disable=SC2046
	"$debian" unpack $suite "$native" "$kept" $("$debian" needs $suite "$native" $package) || return
	loader=$(find "$kept/usr/lib64" "$kept/usr/lib" -maxdepth 1 -name 'ld-linux-*.so.*' 2>/dev/null | head -n 1)
	[ -n "$loader" ] || return
	cat >"$kept/start.new" <<-START
		#!/bin/sh
		exec "$loader" --library-path "$(echo "$kept"/usr/lib/*-linux-gnu)" "$kept/usr/bin/$program" \\
			-L "$kept/usr/share/qemu" -L "$kept/usr/share/seabios" "\$@"
	START
	chmod 755 "$kept/start.new"
	"$kept/start.new" --version >&2 && mv "$kept/start.new" "$kept/start"
}

if is_new; then
	command -v $program
	exit
fi
mkdir -p "$(dirname "$kept")"
exec 9>"$kept.lock"
flock 9
if [ -x "$kept/start" ] || unpack >"$kept.log" 2>&1; then
	echo "$kept/start"
else
	tail -n 3 "$kept.log" >&2
	echo "Debian 13's QEMU cannot be had: this machine's own may run code that is no longer there" >&2
	command -v $program
fi
