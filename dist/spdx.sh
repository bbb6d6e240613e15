#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# spdx.sh VERSION ARCH=PROGRAM...: prints what is inside the static programs, as an SPDX 2.3 document.
set -eu
export LC_ALL=C
version=$1
shift
here=$(dirname "$0")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# Debian's package with what is linked in, its name, and its licence.
libraries='
libbpf-dev	libbpf	LGPL-2.1-only OR BSD-2-Clause
libelf-dev	libelf	GPL-2.0-or-later OR LGPL-3.0-or-later
zlib1g-dev	zlib	Zlib
libjansson-dev	jansson	MIT
libc6-dev	glibc	LGPL-2.1-or-later
libgcc-12-dev	libgcc	GPL-3.0-or-later WITH GCC-exception-3.1
'

# package ID NAME VERSION LICENCE PURPOSE SUPPLIER MORE: one object of the list.
package() {
	cat <<-JSON
		{"SPDXID":"SPDXRef-$1","name":"$2","versionInfo":"$3","supplier":"Organization: $6","downloadLocation":"NOASSERTION",
		 "filesAnalyzed":false,"licenseConcluded":"$4","licenseDeclared":"$4","copyrightText":"NOASSERTION",
		 "primaryPackagePurpose":"$5",$7},
	JSON
}

relation() {
	echo "{\"spdxElementId\":\"SPDXRef-$1\",\"relationshipType\":\"$2\",\"relatedSpdxElement\":\"SPDXRef-$3\"},"
}

# In a URL of a package, ":" and "+" have meanings of their own.
in_url() {
	echo "$1" | sed 's/:/%3A/g; s/+/%2B/g'
}

program() {
	arch=$1 sum=$(sha256sum "$2" | cut -d' ' -f1)
	package "imdstrace-$arch" imdstrace "$version" "GPL-2.0-only OR BSD-2-Clause" APPLICATION "the imdstrace authors" \
		"\"packageFileName\":\"imdstrace-linux-$arch\",\"checksums\":[{\"algorithm\":\"SHA256\",\"checksumValue\":\"$sum\"}]"
	relation DOCUMENT DESCRIBES "imdstrace-$arch" >&3
	"$here/debian.sh" versions bookworm "$arch" sysroot >"$scratch/versions"
	echo "$libraries" | while IFS='	' read -r debian name licence; do
		[ -n "$debian" ] || continue
		has=$(sed -n "s/^$debian //p" "$scratch/versions")
		[ -n "$has" ] || { echo "dist/debian.pins has no $debian for $arch" >&2 && exit 1; }
		package "$name-$arch" "$name" "$has" "$licence" LIBRARY Debian \
			"\"externalRefs\":[{\"referenceCategory\":\"PACKAGE-MANAGER\",\"referenceType\":\"purl\",\"referenceLocator\":\"pkg:deb/debian/$debian@$(in_url "$has")?arch=$arch&distro=debian-12\"}]"
		relation "imdstrace-$arch" STATIC_LINK "$name-$arch" >&3
	done
}

for each; do
	program "${each%%=*}" "${each#*=}"
done >"$scratch/packages" 3>"$scratch/relations"

# What is in it gives the document its name.
digest=$(cat "$scratch/packages" "$scratch/relations" | sha256sum | cut -c 1-32)
cat <<JSON
{"spdxVersion":"SPDX-2.3","dataLicense":"CC0-1.0","SPDXID":"SPDXRef-DOCUMENT","name":"imdstrace-$version",
"documentNamespace":"https://spdx.org/spdxdocs/imdstrace-$version-$digest",
"creationInfo":{"created":"$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y-%m-%dT%H:%M:%SZ)","creators":["Organization: the imdstrace authors","Tool: dist/spdx.sh-$version"]},
"packages":[
$(sed '$s/,$//' "$scratch/packages")
],
"relationships":[
$(sed '$s/,$//' "$scratch/relations")
]}
JSON
