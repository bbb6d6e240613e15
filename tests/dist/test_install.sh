#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Traces nothing.
#
# dist/install.sh, from a web server on the loopback interface that has the files of $RELEASE. Everything
# is installed below a directory of the test's own.
set -u
export LC_ALL=C
top=$(realpath "$(dirname "$0")/../..")
release=$(realpath "${RELEASE:-$top/build/release}")
# Not where tests/run keeps what others may not read: one case is another user's.
work=$(mktemp -d -p /tmp)
server=
trap '[ -z "$server" ] || kill "$server"; rm -rf "$work"' EXIT
# shellcheck source=tests/checks.sh
. "$top/tests/checks.sh"
script=$release/install.sh
prefix=$work/prefix
version=$(sed -n 's/^VERSION := //p' "$top/Makefile")
arch=$(dpkg --print-architecture)
archive=imdstrace-$version-linux-$arch.tar.gz

# A release with some change: copies NAME of the one above, which the server has as well.
mkdir "$work/www"
ln -s "$release" "$work/www/release"
changed_release() {
	mkdir "$work/www/$1" && cp "$release/SHA256SUMS" "$release/$archive" "$work/www/$1/"
}

# What the script finds: these, and a package manager that has no such package.
mkdir "$work/bin"
for tool in sh bash dash busybox cat chmod cp cut grep head id mkdir mktemp mv readlink rm rmdir sed sha256sum sort tar gzip tr \
	uname wc touch ls; do
	found=$(command -v $tool) && ln -s "$found" "$work/bin/$tool"
done
mkdir "$work/curl" "$work/wget" "$work/packaged" "$work/rpm-packaged"
ln -s "$(command -v curl)" "$work/curl/"
ln -s "$(command -v wget)" "$work/wget/"
printf '#!/bin/sh\necho "ii "\n' >"$work/packaged/dpkg-query"
printf '#!/bin/sh\necho imdstrace-0.1.0-1\n' >"$work/rpm-packaged/rpm"
chmod +x "$work"/*packaged/*

# A port that is free when the server asks for it.
python3 -c '
import functools, http.server, sys
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=sys.argv[1])
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
print(server.server_address[1], flush=True)
server.serve_forever()' "$work/www" >"$work/port" 2>/dev/null &
server=$!
for _ in $(seq 300); do
	[ ! -s "$work/port" ] || break
	sleep 0.1
done
web=http://127.0.0.1:$(cat "$work/port")

# piped SHELL TOOLS ARGUMENT...: the script on a shell's standard input, as people do.
piped() {
	local shell tools=$2
	read -ra shell <<<"$1"
	shift 2
	env -i PATH="$work/$tools:$work/bin" HOME="$work" "${shell[@]}" -s -- "$@" <"$script" >"$work/out" 2>"$work/err"
}

# refused STATUS PATTERN [TOOLS] ARGUMENT...: one sentence says so, and nothing is there.
refused() {
	local status=$1 pattern=$2 tools=$3
	shift 3
	piped sh "$tools" --prefix "$prefix" "$@"
	equal status "$status" $? && grep -qE "^install.sh: .*$pattern" "$work/err" && [ ! -e "$prefix" ] && equal output '' "$(cat "$work/out")" && return
	cat "$work/err"
	find "$prefix" 2>/dev/null | head
	return 1
}

installed() {
	equal version "imdstrace $version" "$("$prefix/bin/imdstrace" --version)" &&
		grep -q "^ExecStart=$prefix/bin/imdstrace " "$prefix/lib/systemd/system/imdstrace.service" &&
		[ -s "$prefix/share/man/man8/imdstrace.8.gz" ] && [ -s "$prefix/share/imdstrace/schema/report.json" ] &&
		[ -s "$prefix/share/doc/imdstrace/LICENSE" ] &&
		equal 'what is listed' "$(find "$prefix" -type f | sed "s|^$prefix/||" | grep -v /installed | sort)" \
			"$(grep -v '/$' "$prefix/share/imdstrace/installed")"
}

installs() {
	piped "$1" "$2" --url "$3" --prefix "$prefix" && installed && grep -q 'nothing is enabled' "$work/out" && equal stderr '' "$(cat "$work/err")" && return
	cat "$work/out" "$work/err"
	return 1
}

uninstalls() {
	piped "${1:-sh}" curl --uninstall --prefix "$prefix" || { cat "$work/err" && return 1; }
	equal left '' "$(find "$prefix" -mindepth 1)"
}

for shell in dash bash 'bash --posix' 'busybox sh'; do
	for tool in curl wget; do
		check "$shell and $tool: installs" installs "$shell" $tool "$web/release"
		check "$shell: removes all of it" uninstalls "$shell"
		rm -rf "$prefix"
	done
done
check 'installs from a directory' installs sh bin "file://$release/"
prepare 'installs over an installation' installs sh bin "file://$release"

# A file of an earlier version that this one does not have; a file of somebody else's.
upgrades() {
	echo old >"$prefix/share/imdstrace/old.json" && echo share/imdstrace/old.json >>"$prefix/share/imdstrace/installed" &&
		mkdir -p "$prefix/share/doc/other" && touch "$prefix/share/doc/other/README" &&
		installs sh bin "file://$release" 2>&1 | grep -v other/README
	[ ! -e "$prefix/share/imdstrace/old.json" ] && [ -e "$prefix/share/doc/other/README" ]
}
prepare 'an upgrade removes what the new version lacks, and nothing else' upgrades

keeps_others() {
	piped sh bin --uninstall --prefix "$prefix" && equal left "$prefix/share/doc/other/README" "$(find "$prefix" -type f)"
}
check 'the removal leaves what others put there' keeps_others
rm -rf "$prefix"

check 'refuses to remove what it did not install' refused 1 'nothing that this script installed' curl --uninstall
check 'asks where the release is' refused 2 'where is the release' curl
check 'an address that is none' refused 2 'is no URL' curl --url example
check 'an address where nothing answers' refused 1 'could not download' curl --url http://127.0.0.1:9
check 'wget, and an address where nothing answers' refused 1 'could not download' wget --url http://127.0.0.1:9
check 'an address without a release' refused 1 'could not download .*/SHA256SUMS' curl --url "$web"
check 'neither curl nor wget' refused 1 'neither curl nor wget' bin --url "$web/release"
check 'an unknown option' refused 2 'unknown: --force' curl --force
check 'an option without its value' refused 2 'needs a value' curl --url
check 'a prefix with a space' refused 2 'a prefix has' curl --url "$web/release" --prefix "$work/a b"
check 'a relative prefix' refused 2 'a prefix begins' curl --url "$web/release" --prefix prefix
check 'a version that is not there' refused 1 'has no imdstrace 9' curl --url "$web/release" --version 9
check 'another sum than the one that was asked for' refused 1 'has the sum' curl --url "$web/release" --sum "$(printf '%064d' 0)"
check 'a package of Debian' refused 1 'installed as a Debian package' packaged --url "file://$release"
check 'a package of RPM' refused 1 'installed as an RPM package' rpm-packaged --url "file://$release"

changed_release damaged
printf 'x' | dd of="$work/www/damaged/$archive" bs=1 seek=5000 conv=notrunc status=none
check 'a damaged archive' refused 1 'is damaged' curl --url "$web/damaged"
changed_release cut
truncate -s 5000 "$work/www/cut/$archive"
check 'a cut archive' refused 1 'is damaged' wget --url "$web/cut"
changed_release other
sed -i "s/linux-$arch/linux-other/" "$work/www/other/SHA256SUMS"
check 'no archive for this machine' refused 1 "has no imdstrace for $arch" curl --url "$web/other"
changed_release several
sed -n "s/$version\(-linux-$arch.tar.gz\)/9.9.9\1/p" "$release/SHA256SUMS" >>"$work/www/several/SHA256SUMS"
check 'several versions' refused 1 "several versions.* $version 9.9.9" curl --url "$web/several"
prepare 'one of several versions' piped sh curl --url "$web/several" --version "$version" --prefix "$prefix"
check 'is the one' installed
check 'the sum that was asked for' piped sh curl --url="$web/release" --sum="$(sha256sum "$release/$archive" | cut -d' ' -f1)" --prefix="$prefix"
rm -rf "$prefix"

# Someone who is not root, where that is theirs, and where it is not.
without_root() {
	chmod 755 "$work" && cp -R "$release" "$work/readable" && chmod -R a+rX "$work/readable" || return
	mkdir "$work/theirs" && chown 65534 "$work/theirs" || return
	as_nobody "$work/theirs" && equal owner 65534 "$(stat -c %u "$work/theirs/bin/imdstrace")" && ! as_nobody /usr/imdstrace &&
		equal lines 1 "$(wc -l <"$work/out")" && grep -q 'cannot be written: run this as root' "$work/out" && return
	cat "$work/out"
	return 1
}

as_nobody() {
	setpriv --reuid 65534 --clear-groups -- env -i PATH="$work/bin" sh -s -- --url "file://$work/readable" --prefix "$1" \
		<"$script" >"$work/out" 2>&1
}
check "without root, below a directory of one's own" without_root

# Wherever the download is cut, nothing is done: neither with the arguments nor without them.
cut_anywhere() {
	local size length shell shells=(dash 'busybox sh')
	size=$(wc -c <"$script")
	for length in $(seq 100 250 "$size") $(seq $((size - 60)) $((size - 3))); do
		for shell in "${shells[@]}"; do
			read -ra shell <<<"$shell"
			head -c "$length" "$script" | env -i PATH="$work/bin" IMDSTRACE_URL="file://$release" \
				"${shell[@]}" -s -- --prefix "$prefix" >"$work/out" 2>"$work/err"
			if [ -e "$prefix" ] || [ -s "$work/out" ]; then
				echo "$length of $size bytes:" && cat "$work/out" "$work/err" && return 1
			fi
		done
	done
}
check 'a cut download does nothing' cut_anywhere

help() {
	piped sh bin --help && [ "$(wc -l <"$work/out")" -ge 8 ] && equal stderr '' "$(cat "$work/err")"
}
check 'the help' help
sum_up
