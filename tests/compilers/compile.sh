#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# compile.sh ARCH DIRECTORY: the newest and the oldest kernels' BPF objects for ARCH by every clang from 14 to the newest that Debian
# 12, 13 and sid carry, in DIRECTORY as clang-VERSION.o and clang-VERSION-rounds.o. A compiler is taken
# from the oldest of them that has it, with the libraries of its own release.
set -u
export LC_ALL=C
here=$(dirname "$0")
top=$here/../..
target=$1 directory=$2
cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/imdstrace/compilers
native=$(dpkg --print-architecture) || exit
case $native in
amd64) triple=x86_64-linux-gnu ;;
arm64) triple=aarch64-linux-gnu ;;
esac

# "VERSION SUITE", each version once.
versions() {
	local suite
	for suite in bookworm trixie sid; do
		"$top/dist/debian.sh" search $suite "$native" '^clang-[0-9]+$' | sed -n "s/^clang-\([0-9]*\)$/\1 $suite/p"
	done | sort -n -k1,1 -s | awk '$1 >= 14 && !seen[$1]++'
}

# compiler VERSION SUITE: prints the directory of a compiler, which is kept for a week.
compiler() {
	local kept=$cache/clang-$1-$2-$native libraries
	if [ -z "$(find "$kept" -maxdepth 0 -mtime -7 2>/dev/null)" ]; then
		libraries=$("$top/dist/debian.sh" needs "$2" "$native" "libclang-cpp$1" | grep -vE '^(gcc-.*-base|libc-bin|debconf)$')
		# One word for each package.
		# shellcheck disable=SC2086
		"$top/dist/debian.sh" unpack "$2" "$native" "$kept" $libraries "clang-$1" "libclang-common-$1-dev" >&2 || [ -d "$kept" ] || return
		# usr/lib/clang has links to the headers; the rest is for other targets than BPF
		rm -rf "${kept:?}/usr/share" "$kept/usr/lib/llvm-$1/lib/clang"/*/lib
		touch "$kept"
	fi
	echo "$kept"
}

# run ROOT VERSION ARGUMENT...: that clang, by the loader and the libraries of its release.
run() {
	local root=$1 version=$2 loader
	shift 2
	loader=$(find "$root/lib" "$root/lib64" "$root/usr/lib" "$root/usr/lib64" -name 'ld-linux-*' 2>/dev/null | head -n 1)
	"$loader" --library-path "$root/lib/$triple:$root/usr/lib/$triple:$root/usr/lib/llvm-$version/lib" \
		"$root/usr/lib/llvm-$version/bin/clang" -resource-dir "$(find "$root/usr/lib/llvm-$version/lib/clang" -mindepth 1 -maxdepth 1 | sort | head -n 1)" "$@"
}

# $BPF_FLAGS is a list of words, as make has them.
compile() {
	local root flags new=$directory/clang-$1.new
	root=$(compiler "$1" "$2") || return
	flags=()
	eval "flags=($BPF_FLAGS)"
	run "$root" "$1" "${flags[@]}" -DLOOP_BY_HELPER -DPREEMPT_KFUNCS -c "$top/bpf/imdstrace.bpf.c" -o "$new" &&
		$BPFTOOL gen object "$directory/clang-$1.o" "$new" &&
		run "$root" "$1" "${flags[@]}" -c "$top/bpf/imdstrace.bpf.c" -o "$new" &&
		$BPFTOOL gen object "$directory/clang-$1-rounds.o" "$new"
}

tell() {
	if compile "$1" "$2"; then
		echo "  BPF	clang-$1 ($2) for $target"
	else
		echo "clang-$1 of $2 does not compile the BPF objects" >&2
		return 1
	fi
}

# One more than there are processors: one of them downloads.
mkdir -p "$directory" && rm -f "$directory"/*.o
failed=0 running=0
while read -r version suite; do
	if ((running > $(nproc))); then
		wait -n || failed=1
		running=$((running - 1))
	fi
	tell "$version" "$suite" </dev/null &
	running=$((running + 1))
done < <(versions)
for ((; running > 0; running--)); do
	wait -n || failed=1
done
rm -f "$directory"/*.new
exit $failed
