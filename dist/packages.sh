#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# packages.sh VERSION ARCH DIRECTORY: makes the packages of DIRECTORY/package, which is laid out as they
# install it, and DIRECTORY/package-debug, which has the debug symbols: a .deb and an .rpm of each in
# DIRECTORY. The same files and SOURCE_DATE_EPOCH give the same bytes.
set -eu
umask 022
export LC_ALL=C TZ=UTC
version=$1 arch=$2 out=$(realpath "$3")
here=$(realpath "$(dirname "$0")")
revision=$version-1
case $arch in
amd64) rpm_arch=x86_64 ;;
arm64) rpm_arch=aarch64 ;;
esac
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# The day of the release as date prints it in that form.
day() {
	date -u -d "@$SOURCE_DATE_EPOCH" "+$1"
}

# What dpkg shows: each file rounded up to a KiB, and one for all else.
installed_size() {
	(cd "$1" && find . -path ./DEBIAN -prune -o -printf '%y %s\n') |
		awk '{ size += $1 == "f" ? int(($2 + 1023) / 1024) : 1 } END { print size }'
}


# pack NAME TREE CONTROL: the .deb of a tree.
pack() {
	tree=$2
	mkdir -p "$tree/DEBIAN"
	(cd "$tree" && find usr -type f | sort | xargs -d '\n' md5sum) >"$tree/DEBIAN/md5sums"
	if [ -d "$tree/etc" ]; then
		(cd "$tree" && find etc -type f | sort | sed 's|^|/|') >"$tree/DEBIAN/conffiles"
	fi
	sed "s/@version@/$revision/; s/@arch@/$arch/; s/@maintainer@/$MAINTAINER/
		s/@size@/$(installed_size "$tree")/; s/@build-id@/$build_id/" "$3" >"$tree/DEBIAN/control"
	find "$tree" -newermt "@$SOURCE_DATE_EPOCH" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
	dpkg-deb --root-owner-group -Zxz --build "$tree" "$out/$1_${revision}_$arch.deb" >/dev/null
}

deb() {
	tree=$scratch/deb
	cp -a "$out/package" "$tree"
	doc=$tree/usr/share/doc/imdstrace
	# Where Debian's zsh looks.
	mv "$tree/usr/share/zsh/site-functions" "$tree/usr/share/zsh/vendor-completions"
	rm "$doc/LICENSE"
	install -m 0644 "$here/deb/copyright" "$doc/copyright"
	gzip -9nc "$doc/CHANGELOG.md" >"$doc/changelog.gz"
	rm "$doc/CHANGELOG.md"
	gzip -9nc >"$doc/changelog.Debian.gz" <<-CHANGES
		imdstrace ($revision) unstable; urgency=medium

		  * What this version changes is in changelog.gz.

		 -- $MAINTAINER  $(day '%a, %d %b %Y %H:%M:%S +0000')
	CHANGES
	install -D -m 0644 "$here/deb/lintian-overrides" "$tree/usr/share/lintian/overrides/imdstrace"
	mkdir "$tree/DEBIAN"
	install -m 0755 "$here/deb/postinst" "$here/deb/prerm" "$here/deb/postrm" "$tree/DEBIAN/"
	pack imdstrace "$tree" "$here/deb/control"

	tree=$scratch/dbgsym
	cp -a "$out/package-debug" "$tree"
	mkdir -p "$tree/usr/share/doc"
	ln -s imdstrace "$tree/usr/share/doc/imdstrace-dbgsym"
	pack imdstrace-dbgsym "$tree" "$here/deb/control-dbgsym"
}

rpm() {
	tree=$scratch/rpm
	cp -a "$out/package" "$tree"
	cp -a "$out/package-debug/." "$tree/"
	{
		cat "$here/imdstrace.spec"
		printf '\n%%changelog\n* %s %s - %s\n- What this version changes is in CHANGELOG.md.\n' \
			"$(day '%a %b %d %Y')" "$MAINTAINER" "$revision"
	} >"$scratch/imdstrace.spec"
	rpmbuild -bb --quiet --target "$rpm_arch" --define "_topdir $scratch/rpmbuild" --define "release_version $version" \
		--define "tree $tree" --define "maintainer $MAINTAINER" "$scratch/imdstrace.spec"
	mv "$scratch"/rpmbuild/RPMS/*/*.rpm "$out/"
}

: "${SOURCE_DATE_EPOCH:?}" "${MAINTAINER:?}"
export SOURCE_DATE_EPOCH
build_id=$(cd "$out/package-debug/usr/lib/debug/.build-id" && find . -type f | tr -d './' | sed 's/debug$//')
rm -f "$out"/imdstrace*.deb "$out"/imdstrace*.rpm
deb
rpm
