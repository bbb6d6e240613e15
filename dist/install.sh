#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Installs imdstrace from a release, upgrades it, or removes it. URL is where the release is:
#
#     curl -fsSL URL/install.sh | sudo sh -s -- --url URL
#
# It checks the sum of what it downloads, enables and starts nothing, and writes down what it puts
# where. Nothing runs before the last line has been read, so that a cut download does nothing.

usage() {
	cat <<-'USAGE'
		usage: install.sh [--url URL] [--version VERSION] [--sum SHA256] [--prefix DIRECTORY]
		       install.sh --uninstall [--purge] [--prefix DIRECTORY]

		  --url URL            where the release is: https://, http:// or file:// (IMDSTRACE_URL)
		  --version VERSION    which one, where there are several
		  --sum SHA256         the sum that the archive has to have, if you have it from elsewhere
		  --prefix DIRECTORY   where to install: /usr/local
		  --uninstall          stop and disable what was installed there, and remove it
		  --purge              with --uninstall: also remove the reports in /var/lib/imdstrace
	USAGE
}

say() {
	echo "install.sh: $*" >&2
}

fail() {
	say "$*"
	exit 1
}

wrong_usage() {
	say "$*"
	usage >&2
	exit 2
}

# download FILE TO: a file of the release.
download() {
	case $url in
	file://*) cp "${url#file://}/$1" "$2" ;;
	http://* | https://*)
		if command -v curl >/dev/null; then
			curl -fsSL --retry 2 -o "$2" "$url/$1"
		elif command -v wget >/dev/null; then
			wget -q -O "$2" "$url/$1"
		else
			fail "neither curl nor wget is here to download with"
		fi
		;;
	esac || fail "could not download $url/$1"
}

# The machine's name in a release, and what is needed on it.
machine() {
	[ "$(uname -s)" = Linux ] || fail "imdstrace is for Linux, and this is $(uname -s)"
	case $(uname -m) in
	x86_64) arch=amd64 ;;
	aarch64) arch=arm64 ;;
	*) fail "imdstrace is built for x86_64 and aarch64, and this machine is $(uname -m)" ;;
	esac
	for tool in tar gzip sha256sum; do
		command -v $tool >/dev/null || fail "$tool is needed, and is not here; nothing was changed"
	done
}

no_package() {
	if command -v dpkg-query >/dev/null; then
		# What dpkg-query expands.
		# shellcheck disable=SC2016
		case $(dpkg-query -W -f '${db:Status-Abbrev}' imdstrace 2>/dev/null) in
		?i*) fail "imdstrace is installed as a Debian package here: upgrade that (or apt remove imdstrace first); nothing was changed" ;;
		esac
	fi
	if command -v rpm >/dev/null && rpm -q imdstrace >/dev/null 2>&1; then
		fail "imdstrace is installed as an RPM package here: upgrade that (or rpm -e imdstrace first); nothing was changed"
	fi
}

# Sets $archive and $expected to the one archive that the sums have for this machine.
choose() {
	download SHA256SUMS "$scratch/SHA256SUMS"
	sed -nE "s/^([0-9a-f]{64}) [ *](imdstrace-[0-9][0-9A-Za-z.+~]*-linux-$arch\.tar\.gz)$/\1 \2/p" "$scratch/SHA256SUMS" |
		{ [ -z "$version" ] && cat || grep -F " imdstrace-$version-linux-"; } >"$scratch/choice" || :
	case $(wc -l <"$scratch/choice") in
	1) read -r expected archive <"$scratch/choice" ;;
	0) fail "$url has no imdstrace ${version:+$version }for $arch" ;;
	*) fail "$url has several versions; choose one with --version:$(sed -E 's/.* imdstrace-(.*)-linux.*/ \1/' "$scratch/choice" | tr -d '\n')" ;;
	esac
	[ -z "$sum" ] || [ "$sum" = "$expected" ] || fail "$archive has the sum $expected there, and not $sum; nothing was changed"
}

fetch() {
	download "$archive" "$scratch/$archive"
	got=$(sha256sum "$scratch/$archive" | cut -d' ' -f1)
	[ "$got" = "$expected" ] || fail "$archive is damaged: its sum is $got, and not $expected; nothing was changed"
	tar -tzf "$scratch/$archive" | sed -n 's|^[^/]*/\(.*[^/]\)$|\1|p' | sort >"$scratch/files"
	tar -C "$scratch" -xzf "$scratch/$archive" || fail "$archive could not be unpacked; nothing was changed"
	tree=$scratch/${archive%.tar.gz}
	sed "s|/usr/local/bin/imdstrace|$prefix/bin/imdstrace|" "$tree/lib/systemd/system/imdstrace.service" >"$scratch/unit"
	cat "$scratch/unit" >"$tree/lib/systemd/system/imdstrace.service"
}

# make_directory PATH: and write down which of the directories above it were not there.
make_directory() {
	[ ! -d "$prefix/$1" ] || return 0
	case $1 in */*) make_directory "${1%/*}" ;; esac
	mkdir "$prefix/$1" || fail "could not make $prefix/$1"
	echo "$1/" >>"$scratch/made"
}

# The list of an earlier installation holds what this one may no longer have.
put() {
	mkdir -p "$prefix" 2>/dev/null || :
	[ -w "$prefix" ] || fail "$prefix cannot be written: run this as root, or choose another --prefix"
	: >"$scratch/made"
	make_directory share/imdstrace
	list=$prefix/share/imdstrace/installed
	cat "$list" "$scratch/files" "$scratch/made" 2>/dev/null | sort -u >"$scratch/all"
	cp "$scratch/all" "$list" || fail "could not write $list"
	while read -r file; do
		make_directory "${file%/*}"
		{ cp "$tree/$file" "$prefix/$file.new" && chmod "$(mode "$file")" "$prefix/$file.new" && mv -f "$prefix/$file.new" "$prefix/$file"; } ||
			{ rm -f "$prefix/$file.new"; fail "could not write $prefix/$file; run this again, or with --uninstall"; }
	done <"$scratch/files"
	grep -v '/$' "$scratch/all" | grep -vxFf "$scratch/files" | while read -r file; do
		rm -f "$prefix/$file"
	done
	{ grep '/$' "$scratch/all"; cat "$scratch/files" "$scratch/made"; } | sort -u >"$list"
}

mode() {
	case $1 in bin/*) echo 755 ;; *) echo 644 ;; esac
}

systemd_runs() {
	[ "$(id -u)" = 0 ] && [ -d /run/systemd/system ] && command -v systemctl >/dev/null
}

# What systemd starts under that name may be another installation's.
unit_is_ours() {
	systemd_runs && [ "$(systemctl show --property FragmentPath imdstrace.service)" = "FragmentPath=$unit" ]
}

install() {
	case $url in
	'' | @*) wrong_usage "where is the release? say --url URL" ;;
	file://* | http://* | https://*) ;;
	*) wrong_usage "\"$url\" is no URL that begins with https://, http:// or file://" ;;
	esac
	machine
	no_package
	choose
	fetch
	put
	! systemd_runs || systemctl daemon-reload || :
	if unit_is_ours; then
		case $(systemctl is-active imdstrace.service) in
		active | activating | reloading) systemctl restart imdstrace.service || say "imdstrace.service did not start again: systemctl status imdstrace" ;;
		esac
	fi
	has=$("$prefix/bin/imdstrace" --version) || fail "$prefix/bin/imdstrace does not run on this machine"
	echo "$has is installed below $prefix, and nothing is enabled or started."
	case :$PATH: in
	*:"$prefix/bin":*) echo "Can this machine be traced: imdstrace doctor; manual: man imdstrace" ;;
	*) echo "Can this machine be traced: $prefix/bin/imdstrace doctor; manual: man -l $prefix/share/man/man8/imdstrace.8.gz" ;;
	esac
	case $prefix in
	/usr/local | /usr) echo "Trace from each boot on: systemctl enable --now imdstrace" ;;
	*) echo "Trace from each boot on: systemctl enable --now $unit" ;;
	esac
}

uninstall() {
	list=$prefix/share/imdstrace/installed
	[ -f "$list" ] || fail "nothing that this script installed is below $prefix"
	[ -w "$prefix/share/imdstrace" ] || fail "$prefix cannot be written: run this as root"
	! unit_is_ours || systemctl stop imdstrace.service || fail "imdstrace.service could not be stopped; nothing was removed"
	for link in /etc/systemd/system/*.wants/imdstrace.service /etc/systemd/system/imdstrace.service; do
		[ "$(readlink "$link")" != "$unit" ] || rm -f "$link"
	done
	cp "$list" "$scratch/installed"
	while read -r file; do
		case $file in */) ;; *) rm -f "${prefix:?}/$file" ;; esac
	done <"$scratch/installed"
	rm -f "$list"
	# The deepest first; what others have put there since stays.
	grep '/$' "$scratch/installed" | sort -r | while read -r directory; do
		rmdir "$prefix/$directory" 2>/dev/null || :
	done
	! systemd_runs || systemctl daemon-reload || :
	echo "imdstrace is removed from $prefix."
	if [ -n "$purge" ]; then
		rm -rf /var/lib/imdstrace /var/lib/private/imdstrace
	elif [ -d /var/lib/imdstrace ]; then
		echo "Its reports are still in /var/lib/imdstrace."
	fi
}

main() {
	set -eu
	umask 022
	export LC_ALL=C
	url=${IMDSTRACE_URL:-@url@} version='' sum='' prefix=/usr/local action=install purge=''
	while [ $# -gt 0 ]; do
		case $1 in
		--url=* | --version=* | --sum=* | --prefix=*)
			option=$1
			shift
			set -- "${option%%=*}" "${option#*=}" "$@"
			;;
		--url | --version | --sum | --prefix)
			[ $# -gt 1 ] || wrong_usage "$1 needs a value"
			case $1 in
			--url) url=${2%/} ;;
			--version) version=${2#v} ;;
			--sum) sum=$2 ;;
			--prefix) prefix=${2%/} ;;
			esac
			shift 2
			;;
		--uninstall) action=uninstall && shift ;;
		--purge) purge=yes && shift ;;
		-h | --help) usage && exit ;;
		*) wrong_usage "unknown: $1" ;;
		esac
	done
	case $prefix in
	*[!A-Za-z0-9/._+~-]*) wrong_usage "a prefix has letters, digits and /._+~- alone" ;;
	/?*) ;;
	*) wrong_usage "a prefix begins with / and names a directory" ;;
	esac
	[ -z "$purge" ] || [ $action = uninstall ] || wrong_usage "--purge goes with --uninstall"
	unit=$prefix/lib/systemd/system/imdstrace.service
	scratch=$(mktemp -d)
	trap 'rm -rf "$scratch"' EXIT
	trap 'exit 130' INT TERM HUP
	case $action in
	install) install ;;
	uninstall) uninstall ;;
	esac
}

# In braces, so that not even this line is run when it is cut; the rest is no input for anything.
{
	main "$@" </dev/null
	exit
}
