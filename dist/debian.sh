#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Debian packages of another release or architecture, unpacked and never installed:
#
#   debian.sh unpack SUITE ARCH DIRECTORY PACKAGE...   makes DIRECTORY of their files
#   debian.sh depends SUITE ARCH PACKAGE               prints what PACKAGE depends on
#
# SUITE "-" is the release that this machine runs. The mirror is the one that apt uses here (or
# DEBIAN_MIRROR), the signatures are checked, and apt's own lists and state stay as they are:
# everything that is kept lies under $XDG_CACHE_HOME/imdstrace/apt.
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
	state=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/imdstrace/apt/$suite-$arch
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

unpack() {
	directory=$1
	shift
	mkdir -p "$(dirname "$directory")"
	part=$(mktemp -d "$directory.XXXXXX")
	trap 'rm -rf "$part"' EXIT
	if ! download "$part" "$@"; then
		sed 's/^/  /' "$state/log" >&2
		fail "Could not download for $arch from Debian $suite: $*"
	fi
	mkdir "$part/root"
	for deb in "$part"/*.deb; do
		dpkg-deb -x "$deb" "$part/root"
	done
	chmod 755 "$part/root"
	rm -rf "$directory"
	mv "$part/root" "$directory"
}

depends() {
	apt-cache -c "$state/apt.conf" depends --no-recommends --no-suggests "$1" |
		sed -n 's/^  Depends: //p'
}

[ $# -ge 4 ] || fail "usage: debian.sh unpack SUITE ARCH DIRECTORY PACKAGE... | depends SUITE ARCH PACKAGE"
verb=$1 suite=$2 arch=$3
shift 3
# shellcheck source=/dev/null
[ "$suite" != - ] || suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
prepare
case $verb in
unpack) unpack "$@" ;;
depends) depends "$@" ;;
*) fail "debian.sh knows no \"$verb\"" ;;
esac
