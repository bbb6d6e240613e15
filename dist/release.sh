#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# release.sh VERSION DIRECTORY ARCH=BUILT...: puts everything that is published into DIRECTORY. BUILT is
# where `make packages` has left that machine's packages and trees. SIGN is a command that signs the
# file that it is given, RELEASE_URL where DIRECTORY will be found by those who use install.sh.
set -eu
umask 022
export LC_ALL=C TZ=UTC
version=$1 release=$2
shift 2
here=$(dirname "$0")
: "${SOURCE_DATE_EPOCH:?}"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
out=$scratch/release
mkdir "$out"

# tarball DIRECTORY: in $scratch; the same files give the same bytes.
tarball() {
	tar -C "$scratch" --sort=name --format=gnu --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX \
		--mtime="@$SOURCE_DATE_EPOCH" -c "$1" | gzip -9n >"$out/$1.tar.gz"
}

# tarballs ARCH BUILT: what install.sh unpacks below /usr/local, and the debug symbols.
tarballs() {
	name=imdstrace-$version-linux-$1
	cp -R "$2/package/usr" "$scratch/$name"
	sed -i 's|/usr/bin/imdstrace|/usr/local/bin/imdstrace|' "$scratch/$name/lib/systemd/system/imdstrace.service"
	for directory in fleet kubernetes; do
		[ ! -d "$here/$directory" ] || cp -R "$here/$directory" "$scratch/$name/share/imdstrace/"
	done
	cp "$here/../README.md" "$out/imdstrace-$version.spdx.json" "$scratch/$name/share/doc/imdstrace/"
	tarball "$name"
	cp -R "$2/package-debug/usr" "$scratch/$name-debug"
	tarball "$name-debug"
}

programs=''
trees=''
for each; do
	programs="$programs $each/package/usr/bin/imdstrace"
	trees="$trees $each/package"
done
# One word each.
# shellcheck disable=SC2086
"$here/spdx.sh" "$version" $programs >"$out/imdstrace-$version.spdx.json"
# shellcheck disable=SC2086
"$here/image.sh" "$version" "$out/imdstrace-$version-oci.tar" $trees
for each; do
	tarballs "${each%%=*}" "${each#*=}"
	cp "${each#*=}"/imdstrace*_"$version"-1_*.deb "${each#*=}"/imdstrace*-"$version"-1.*.rpm "$out/"
done
sed "s|@url@|${RELEASE_URL:-}|" "$here/install.sh" >"$out/install.sh"
chmod 755 "$out/install.sh"

cd "$out"
sha256sum -- * >"$scratch/SHA256SUMS"
mv "$scratch/SHA256SUMS" .
# A command with its options.
# shellcheck disable=SC2086
[ -z "${SIGN:-}" ] || $SIGN SHA256SUMS
cd "$OLDPWD"
rm -rf "$release"
mkdir -p "$release"
cp "$out"/* "$release/"
