#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# boot.sh KERNEL ARCH COMMANDS [FILE...]: boots one of Debian's kernels in a virtual machine without
# a network, runs COMMANDS there in a shell as root, shows their output and ends with their status.
#
# KERNEL: 5.10, 6.1, 6.12 or newest; ARCH: amd64 or arm64. The machine holds busybox, the static
# tool as $IMDSTRACE and imdstrace, the traffic program of the tests as $WIRE and wire, and verify (each
# if it has been built for ARCH), and the FILEs in /. A hang (BOOT_TIMEOUT seconds, 300), a panic and a
# warning in the kernel's log are failures. With BOOT_LOG=FILE the console is kept there.
# An emulated processor may wait for its own for longer than the 21 s after which RCU complains.
# BOOT_APPEND holds more parameters of the boot (imdstrace.cgroups=v1 and =hybrid: see init).
# BOOT_ROOT=DIRECTORY holds a system of its own, which is copied and whose init is started: it has to run
# /run_commands.sh (tests/systemd). BOOT_MEMORY is what the machine has (1G).
set -eu
export LC_ALL=C

fail() {
	echo "$*" >&2
	exit 1
}

[ $# -ge 3 ] || fail "usage: boot.sh 5.10|6.1|6.12|newest amd64|arm64 COMMANDS [FILE...]"
kernel=$1 arch=$2 commands=$3
shift 3

case $kernel in
5.10) suite=bullseye ;;
6.1) suite=bookworm ;;
6.12) suite=trixie ;;
newest) suite=sid ;;
*) fail "boot.sh knows no kernel \"$kernel\"" ;;
esac
# Emulating arm64's own cipher for signed pointers would take most of the time (pauth-impdef). The
# verdict's serial line is a PCI one on arm64, where the machine itself has only the console's.
case $arch in
amd64) machine=q35 cpu=max console=ttyS0 port=ttyS1 serial="-serial chardev:verdict" ;;
arm64) machine=virt cpu=max,pauth-impdef=on console=ttyAMA0 port=ttyS0 serial="-device pci-serial,chardev=verdict" ;;
*) fail "boot.sh knows no machine \"$arch\"" ;;
esac

here=$(dirname "$0")
top=$here/../..
"$top/dist/deps.sh" debian kernels
qemu=$("$here/qemu.sh" "$arch")
kernels=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/imdstrace/kernels

scratch=$(mktemp -d)
machine_pid=
trap 'rm -rf "$scratch"' EXIT
trap '[ -z "$machine_pid" ] || kill "$machine_pid"; exit 130' INT TERM HUP

# The images that may be booted, the best first: the one that the meta package leads to, then others
# of that release, because an archive may list what it no longer has.
candidates() {
	newest=$("$top/dist/debian.sh" depends $suite "$arch" "linux-image-cloud-$arch" |
		grep '^linux-image-[0-9]' | tail -n 1)
	[ -n "$newest" ] || return 0
	series=$(echo "$newest" | sed -E 's/^(linux-image-[0-9]+\.[0-9]+).*/\1/')
	echo "$newest"
	"$top/dist/debian.sh" names $suite "$arch" "$series" |
		grep -E "^$series.*[0-9]-cloud-$arch\$" | grep -vxF "$newest" | sort -rV
}

# download PACKAGE: puts its kernel and its veth, which is a module, into the cache; newer ones keep the
# image and the modules in packages of their own.
download() {
	# One word for each package.
	# shellcheck disable=SC2046
	"$top/dist/debian.sh" unpack $suite "$arch" "$scratch/image" "$1" \
		$("$top/dist/debian.sh" depends $suite "$arch" "$1" | grep -E '^linux-(binary|modules)-[0-9]') \
		2>"$scratch/refused" || return
	mkdir -p "$kernels"
	find "$scratch/image" -type f \( -name 'vmlinuz-*' -o -name vmlinuz \) -exec cp {} "$scratch/vmlinuz" \;
	find "$scratch/image" -name 'veth.ko*' -exec cp {} "$scratch/" \;
	[ ! -e "$scratch/veth.ko.xz" ] || xz -d "$scratch/veth.ko.xz"
	rm -rf "$scratch/image"
	touch "$scratch/veth.ko" # a kernel may have it built in
	mv "$scratch/veth.ko" "$kernels/$1.$kernel.veth"
	mv "$scratch/vmlinuz" "$kernels/$1.$kernel"
}

# Prints the path of the kernel, downloaded when the release has a newer one than the cache. What
# could not be downloaded is not asked for again on that day.
image() {
	: >"$scratch/refused"
	for candidate in $(candidates); do
		kept=$kernels/$candidate.$kernel
		gone=$kernels/$candidate.gone
		[ -z "$(find "$gone" -mtime -1 2>/dev/null)" ] || continue
		if [ -s "$kept" ] && [ -e "$kept.veth" ] || download "$candidate"; then
			echo "$kept"
			return
		fi
		mkdir -p "$kernels"
		touch "$gone"
	done
	cat "$scratch/refused" >&2
	find "$kernels" -name "*-cloud-$arch.$kernel" | sort -V | tail -n 1
}

busybox() {
	kept=$kernels/busybox-$arch
	if [ ! -x "$kept" ]; then
		"$top/dist/debian.sh" unpack bookworm "$arch" "$scratch/busybox" busybox-static
		mkdir -p "$kernels"
		mv "$scratch/busybox/bin/busybox" "$kept"
	fi
	echo "$kept"
}

# The first of several builds that is there, under the name that it has in the machine.
carry() {
	name=$1
	shift
	for built; do
		[ -x "$built" ] || continue
		cp "$built" "$scratch/root/bin/$name"
		return
	done
}

initramfs() {
	if [ -n "${BOOT_ROOT:-}" ]; then
		cp -a "$BOOT_ROOT" "$scratch/root"
	else
		mkdir -p "$scratch/root/bin"
		cp "$here/init" "$scratch/root/init"
		chmod 755 "$scratch/root/init"
	fi
	cp "$(busybox)" "$scratch/root/bin/busybox"
	cp "$here/run_commands.sh" "$scratch/root/"
	printf '%s\n' "$commands" >"$scratch/root/commands"
	[ $# = 0 ] || cp -R "$@" "$scratch/root/"
	native=
	case $(uname -m):$arch in x86_64:amd64 | aarch64:arm64) native=yes ;; esac
	[ ! -s "$vmlinuz.veth" ] || cp "$vmlinuz.veth" "$scratch/root/veth.ko"
	# A system may have it installed.
	[ -e "$scratch/root/bin/imdstrace" ] || carry imdstrace ${native:+"$top/build/imdstrace-static"} "$top/build/$arch/imdstrace-static"
	carry wire ${native:+"$top/build/tests/wire"} "$top/build/$arch/tests/wire"
	carry verify ${native:+"$top/build/tests/verify"} "$top/build/$arch/tests/verify"
	(cd "$scratch/root" && find . | cpio --quiet -o -H newc | gzip -1) >"$scratch/initramfs"
}

vmlinuz=$(image)
[ -n "$vmlinuz" ] || fail "Could not find a kernel $kernel for $arch"
initramfs "$@"

console_log=${BOOT_LOG:-$scratch/console}

# Boots once; $ended is how qemu ended.
boot() {
	: >"$scratch/verdict"
	# Several options.
	# shellcheck disable=SC2086
	timeout -k 5 "${BOOT_TIMEOUT:-300}" $qemu -machine $machine -accel tcg,thread=multi -cpu "$cpu" -m "${BOOT_MEMORY:-1G}" -smp 2 \
		-nodefaults -no-reboot -display none -chardev "file,id=verdict,path=$scratch/verdict" \
		-serial "file:$console_log" $serial -kernel "$vmlinuz" -initrd "$scratch/initramfs" \
		-append "console=$console panic=-1 oops=panic quiet imdstrace.port=$port \
			rcupdate.rcu_cpu_stall_timeout=300 ${BOOT_APPEND:-}" </dev/null &
	machine_pid=$!
	ended=0
	wait "$machine_pid" || ended=$?
	machine_pid=
}

# An emulated machine whose clock stands still for too long may panic while it boots. What has not
# begun yet is no fault of what would have run.
for attempt in 1 2 3; do
	boot
	! grep -q '^start of commands$' "$scratch/verdict" || break
	echo "Kernel $kernel on $arch did not come up (attempt $attempt):" >&2
	tail -n 20 "$console_log" >&2
done

status=$(sed -n '$s/^end of commands: //p' "$scratch/verdict")
sed -e '1 { /^start of commands$/d; }' -e '$ { /^end of commands: /d; }' "$scratch/verdict"
if [ -z "$status" ]; then
	tail -n 40 "$console_log" >&2
	case $ended in
	124 | 137) fail "Kernel $kernel on $arch did not end within ${BOOT_TIMEOUT:-300} seconds" ;;
	*) fail "Kernel $kernel on $arch did not reach the end of the commands" ;;
	esac
fi
exit "$status"
