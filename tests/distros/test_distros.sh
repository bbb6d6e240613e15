#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What a user finds who has nothing but Debian and a clone: in a bare root of each release, without a
# network, the committed sources are built, tested, and traced with. DISTROS="trixie" takes that one.
#
# A root is what debootstrap makes (minbase); it is kept, for a week, and so are the packages that
# the targets will ask for. What they install comes from there: nothing else is in reach.
set -u
export LC_ALL=C
here=$(realpath "$(dirname "$0")")
top=$(realpath "$here/../..")
cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/imdstrace
scratch=$(mktemp -d)
trap 'rm -rf --one-file-system "$scratch"' EXIT
trap 'kill "${roots[@]}" 2>/dev/null; exit 130' INT TERM HUP
arch=$(dpkg --print-architecture) || exit

roots=() # the processes that work in one each

# check NAME STATUS LOG
check() {
	if [ "$2" = 0 ]; then
		echo "ok      $1"
	else
		echo "FAILED  $1"
		tail -n 40 "$3" | sed 's/^/        /'
	fi
}

debian() {
	"$top/dist/debian.sh" "$@"
}

# Prints the tar file of a bare root of that release.
bare_root() {
	local suite=$1 kept=$cache/roots/$1-$arch.tar mirror
	if [ -z "$(find "$kept" -mtime -7 2>/dev/null)" ]; then
		mirror=$(debian sources "$suite" "$arch" | sed -n "s/^deb \[.*\] \([^ ]*\) $suite main$/\1/p" | head -n 1)
		mkdir -p "$cache/roots"
		debootstrap --variant=minbase --arch="$arch" "$suite" "$scratch/$suite.new" "$mirror" >"$scratch/debootstrap.$suite" 2>&1 &&
			tar -C "$scratch/$suite.new" -cf "$scratch/$suite.tar" . && mv "$scratch/$suite.tar" "$kept"
		rm -rf "$scratch/$suite.new"
	fi
	[ -s "$kept" ] || { cat "$scratch/debootstrap.$suite" >&2 && return 1; }
	echo "$kept"
}

# What the targets will find missing in a root, and where apt is to look for it.
packages_of() {
	chroot "$1" /src/dist/deps.sh --missing build unit debian
}

# Hard links where both are on one file system.
link_or_copy() {
	cp -al "$1" "$2" 2>/dev/null || cp -a "$1" "$2"
}

# Gives the root a mirror that holds just these packages, with all that they need.
furnish() {
	local suite=$1 root=$2 state=$cache/apt/$1-$arch kept=$cache/roots/$1-$arch.debs
	local apt=(apt-get -q -c "$state/apt.conf" -o "Dir::State::status=$root/var/lib/dpkg/status" -o "Dir::Cache::archives=$kept")
	debian sources "$suite" "$arch" >"$root/etc/apt/sources.list" || return
	mkdir -p "$kept/partial"
	# One word for each package.
	# shellcheck disable=SC2046
	"${apt[@]}" -y --no-install-recommends --download-only install $(packages_of "$root") make || return
	link_or_copy "$kept/." "$root/var/cache/apt/archives/"
	cp -a "$state/lists/." "$root/var/lib/apt/lists/"
	# nothing in here is to survive a loss of power
	echo force-unsafe-io >"$root/etc/dpkg/dpkg.cfg.d/unsafe-io"
	mkdir -p "$root/root/.cache/imdstrace"
	link_or_copy "$cache/debs" "$root/root/.cache/imdstrace/"
}

# What runs in the root; the lines that it prints are NAME STATUS, the rest goes to /log.NAME.
in_root() {
	cat <<-'SCRIPT'
		cd /src || exit
		export HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive CI=true
		step() {
			name=$1
			shift
			"$@" >"/log.$name" 2>&1 </dev/null
			echo "$name $?"
		}
		demo() {
			"$@" >/demo.out 2>&1
			status=$?
			cat /demo.out
			[ $status = 0 ] && grep -q '^BLOCKED' /demo.out && grep -qE 'legacy-backup +v1-only' /demo.out &&
				grep -qE 'container-sdk +fallback' /demo.out && grep -q modern-agent /demo.out
		}
		apt-get -qy --no-install-recommends install make >/log.make 2>&1 </dev/null || exit
		step demo demo make demo
		step unit make check-unit
		step static make static
		step static-traces demo build/imdstrace-static demo
		sha256sum build/imdstrace-static | cut -d' ' -f1 >/static.sum
	SCRIPT
}

# Makes DIRECTORY the root of a mount namespace of its own, and of a network that has nothing but lo.
enter() {
	# What is expanded there, and not here.
	# shellcheck disable=SC2016
	unshare --mount --net --propagation private sh -c '
		set -e
		root=$1
		mount --bind "$root" "$root"
		mount -t proc proc "$root/proc"
		mount --rbind /sys "$root/sys"
		mount --rbind /dev "$root/dev"
		mkdir -p "$root/run/lock" "$root/old"
		! [ -d /run/lock ] || mount --bind /run/lock "$root/run/lock"
		cd "$root"
		pivot_root . old
		umount -l /old
		exec chroot . sh /in_root
	' enter "$1"
}

one() {
	local suite=$1 root=$scratch/$1 said=$scratch/said.$1 tar name status started=$SECONDS
	if ! tar=$(bare_root "$suite" 2>"$said"); then
		check "$suite: a bare root" 1 "$said"
		return
	fi
	mkdir "$root" && tar -C "$root" -xf "$tar"
	mkdir "$root/src" && git -C "$top" archive HEAD | tar -C "$root/src" -xf -
	furnish "$suite" "$root" >"$said" 2>&1
	status=$?
	[ $status = 0 ] || check "$suite: the packages" 1 "$said"
	in_root >"$root/in_root"
	enter "$root" >"$scratch/steps.$suite" 2>"$said"
	status=$?
	[ -s "$scratch/steps.$suite" ] || status=1
	[ $status = 0 ] || check "$suite: the root" 1 "$said"
	while read -r name status; do
		check "$suite: $name" "$status" "$root/log.$name"
	done <"$scratch/steps.$suite"
	cp "$root/static.sum" "$scratch/sum.$suite" 2>/dev/null
	rm -rf --one-file-system "$root"
	echo "        $suite took $((SECONDS - started)) s"
}

"$top/dist/deps.sh" distros debian || exit
debian pinned bookworm "$arch" "$scratch/sysroot" sysroot && debian pinned bookworm "$arch" "$scratch/toolchain" gcc llvm clang || exit
# Side by side: much of it is waiting for dpkg. A demo sees the clients of another root's as well, which
# have the same names.
for suite in ${DISTROS:-bookworm trixie sid}; do
	one "$suite" >"$scratch/results.$suite" &
	roots+=($!)
done
wait
for sum in "$scratch"/sum.*; do
	[ ! -e "$sum" ] || echo "static program of ${sum##*.}: $(cat "$sum")"
done >"$scratch/sums"
[ "$(cut -d: -f2 "$scratch/sums" | sort -u | wc -l)" = 1 ]
check "every release makes the same static program" $? "$scratch/sums" >"$scratch/results.all"

cat "$scratch"/results.* "$scratch/sums"
passed=$(cat "$scratch"/results.* | grep -c '^ok ')
failed=$(cat "$scratch"/results.* | grep -c '^FAILED ')
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
