#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Debian packages of another release or architecture, unpacked and never installed:
#
#   debian.sh unpack SUITE ARCH DIRECTORY PACKAGE...   makes DIRECTORY of their files
#   debian.sh pinned SUITE ARCH DIRECTORY GROUP...     of those that debian.pins has in GROUP, in the
#                                                      versions that it has
#   debian.sh pins SUITE ARCH GROUP                    prints the lines of GROUP with the versions
#                                                      that the mirror has
#   debian.sh versions SUITE ARCH GROUP...             prints "PACKAGE VERSION" of what pinned takes
#   debian.sh depends SUITE ARCH PACKAGE               prints what PACKAGE depends on
#   debian.sh needs SUITE ARCH PACKAGE                 prints PACKAGE and all that it needs
#   debian.sh search SUITE ARCH PATTERN                prints the packages whose names match
#   debian.sh sources SUITE ARCH                       prints where apt finds SUITE
#   debian.sh names SUITE ARCH PREFIX                  prints the packages whose names begin with PREFIX
#
# SUITE "-" is the release that this machine runs. The mirror is the one that apt uses here (or
# DEBIAN_MIRROR), the signatures are checked, and apt's own lists and state stay as they are:
# everything that is kept lies under $XDG_CACHE_HOME/imdstrace.
#
# A mirror has the last version of a package alone. Where it has a newer one than is pinned, that one
# is taken and a warning says so; with DEBIAN_PINNED=strict it is an error. Mirrors that keep every
# version, as DEBIAN_MIRROR, have the pinned ones for good.
set -eu
export LC_ALL=C

fail() {
	echo "$*" >&2
	exit 1
}

# The mirrors that apt is configured with: Debian's own, and that of its security updates.
mirrors() {
	if [ -n "${DEBIAN_MIRROR:-}" ]; then
		echo "Debian $DEBIAN_MIRROR"
	else
		# apt's own words, not the shell's.
		# shellcheck disable=SC2016
		apt-get indextargets --format '$(LABEL) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
			grep -E '^Debian(-Security)? ' | sort -u
	fi
}

sources() {
	mirrors | while read -r label uri; do
		case $label:$suite in
		Debian:*) suites=$suite ;;
		*:sid) continue ;;
		*) suites=$suite-security ;;
		esac
		echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $uri $suites main"
	done
}

# apt with lists and state of its own. The machine's settings, such as a proxy, still hold; its
# hooks do not. A release that is no longer maintained has a Release file that has expired.
prepare() {
	cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/imdstrace
	debs=$cache/debs
	state=$cache/apt/$suite-$arch
	mkdir -p "$state/lists/partial" "$state/archives/partial"
	exec 9>"$state/lock"
	flock 9
	sources >"$state/sources.list"
	[ -s "$state/sources.list" ] ||
		fail "apt knows no Debian mirror here; name one in DEBIAN_MIRROR"
	: >"$state/status"
	cat >"$state/apt.conf" <<-CONF
		#clear APT::Update;
		#clear DPkg::Post-Invoke;
		#clear APT::Architectures;
		APT::Architecture "$arch";
		APT::Architectures { "$arch"; };
		APT::Sandbox::User "root";
		Acquire::Check-Valid-Until "false";
		Acquire::Languages "none";
		Acquire::Retries "3";
		Dir::Etc::SourceList "$state/sources.list";
		Dir::Etc::SourceParts "/dev/null";
		Dir::Etc::Preferences "/dev/null";
		Dir::Etc::PreferencesParts "/dev/null";
		Dir::State "$state";
		Dir::State::status "$state/status";
		Dir::Cache "$state";
		Dir::Cache::archives "$state/archives";
	CONF
	[ -n "$(find "$state/updated" -mtime -1 2>/dev/null)" ] || update
}

# One of the sources may be gone, as the security updates of an old release: what is missing then
# shows when a package is asked for.
update() {
	apt-get -q -c "$state/apt.conf" update >"$state/log" 2>&1 || :
	touch "$state/updated"
}

# The lists may name a version that the mirror has replaced since.
download() {
	(
		cd "$1"
		shift
		apt-get -q -c "$state/apt.conf" download "$@" >"$state/log" 2>&1 ||
			{ update && apt-get -q -c "$state/apt.conf" download "$@" >"$state/log" 2>&1; }
	)
}

# Makes a directory of the files of all packages in $part.
unpack_part() {
	mkdir "$part/root"
	for deb in "$part"/*.deb; do
		dpkg-deb -x "$deb" "$part/root"
	done
	chmod 755 "$part/root"
	rm -rf "$directory"
	mv "$part/root" "$directory"
}

begin_part() {
	directory=$1
	mkdir -p "$(dirname "$directory")"
	part=$(mktemp -d "$directory.XXXXXX")
	trap 'rm -rf "$part"' EXIT
}

download_or_fail() {
	download "$@" && return
	shift
	sed 's/^/  /' "$state/log" >&2
	fail "Could not download for $arch from Debian $suite: $*"
}

unpack() {
	begin_part "$1"
	shift
	download_or_fail "$part" "$@"
	exec 9>&- # apt's state is not needed any more
	unpack_part
}

# "PACKAGE VERSION" of the groups, on this architecture.
pins() {
	awk -v suite="$suite" -v arch="$arch" -v groups=" $* " '
		$1 == suite && $2 == arch && index(groups, " " $3 " ") { print $4, $5 }' "$(dirname "$0")/debian.pins"
}

candidate() {
	apt-cache -c "$state/apt.conf" policy "$1" | sed -n 's/^  Candidate: //p'
}

# kept_deb PACKAGE VERSION: the file of it, if it was downloaded before, under the name that apt gives it.
kept_deb() {
	for kept in "$debs/$1_$(echo "$2" | sed 's/:/%3a/')_"*.deb; do
		case $kept in *_"$arch".deb | *_all.deb) [ ! -e "$kept" ] || echo "$kept" ;; esac
	done
}

# Fills $part with the packages "NAME VERSION" of standard input: what was downloaded before, and what
# is downloaded now, and kept.
collect_debs() {
	wanted=
	while read -r package version; do
		kept=$(kept_deb "$package" "$version")
		if [ -n "$kept" ]; then
			cp "$kept" "$part/"
		else
			wanted="$wanted $package=$version"
		fi
	done
	[ -n "$wanted" ] || return 0
	mkdir "$part/new"
	# One word for each package.
	# shellcheck disable=SC2086
	download_or_fail "$part/new" $wanted
	mkdir -p "$debs"
	cp "$part"/new/*.deb "$debs/"
	mv "$part"/new/*.deb "$part/"
}

# The pins of some groups, or what the mirror has instead, one a line.
available_pins() {
	newer=
	while read -r package version; do
		has=$version
		[ -n "$(kept_deb "$package" "$version")" ] || has=$(candidate "$package")
		if [ "$has" != "$version" ] && [ -n "$has" ]; then
			newer="$newer $package=$has"
			version=$has
		fi
		echo "$package $version"
	done
	[ -n "$newer" ] || return 0
	echo "Debian $suite has moved on from the versions in dist/debian.pins:$newer" >&2
	[ "${DEBIAN_PINNED:-}" != strict ] || fail "DEBIAN_PINNED=strict forbids to take these"
	echo "What is made with these is not what other machines make; make pins takes them over" >&2
}

# DIRECTORY becomes a link to what was unpacked once for all clones of the project.
pinned() {
	link=$1
	shift
	versions=$(pins "$@" | available_pins) || exit
	mkdir -p "$(dirname "$link")"
	unpacked=$cache/unpacked/$suite-$arch-$(echo "$*" | tr ' ' '-')-$(echo "$versions" | sha256sum | cut -c 1-16)
	if [ ! -d "$unpacked" ]; then
		begin_part "$unpacked"
		collect_debs <<-PINS
			$versions
		PINS
		unpack_part
	fi
	ln -sfn "$unpacked" "$link"
}

print_pins() {
	pins "$1" | while read -r package _; do
		echo "$suite $arch $1 $package $(candidate "$package")"
	done
}

depends() {
	apt-cache -c "$state/apt.conf" depends --no-recommends --no-suggests "$1" |
		sed -n 's/^  Depends: //p'
}

# All that apt would install on a machine that has nothing.
needs() {
	apt-get -q -c "$state/apt.conf" -s install --no-install-recommends "$@" | sed -n 's/^Inst \([^ ]*\) .*/\1/p'
}

names() {
	apt-cache -c "$state/apt.conf" pkgnames "$1"
}

[ $# -ge 3 ] || fail "usage: debian.sh unpack|pinned|pins|versions|depends|needs|names|sources SUITE ARCH ARGUMENT..."
verb=$1 suite=$2 arch=$3
shift 3
# shellcheck source=/dev/null
[ "$suite" != - ] || suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
prepare
case $verb in
unpack) unpack "$@" ;;
pinned) pinned "$@" ;;
pins) print_pins "$1" ;;
versions) pins "$@" | available_pins ;;
depends) depends "$@" ;;
needs) needs "$@" ;;
search) apt-cache -c "$state/apt.conf" search --names-only "$1" | cut -d' ' -f1 ;;
sources) cat "$state/sources.list" ;;
names) names "$@" ;;
*) fail "debian.sh knows no \"$verb\"" ;;
esac
