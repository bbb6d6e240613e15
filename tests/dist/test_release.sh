#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Traces nothing.
#
# What `make release` has put into $RELEASE: whether another folder gives the same bytes, and what is in
# the files.
set -u
export LC_ALL=C
top=$(realpath "$(dirname "$0")/../..")
release=$(realpath "${RELEASE:-$top/build/release}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# shellcheck source=tests/checks.sh
. "$top/tests/checks.sh"
version=$(sed -n 's/^VERSION := //p' "$top/Makefile")
native=$(dpkg --print-architecture)
spdx=$release/imdstrace-$version.spdx.json

files_of() {
	find "$1" -mindepth 1 -printf '%P\n' | sort
}

has_everything() {
	local arch rpm_arch
	for arch in amd64:x86_64 arm64:aarch64; do
		rpm_arch=${arch#*:} arch=${arch%:*}
		printf '%s\n' "imdstrace-$version-linux-$arch.tar.gz" "imdstrace-$version-linux-$arch-debug.tar.gz" \
			"imdstrace_$version-1_$arch.deb" "imdstrace-dbgsym_$version-1_$arch.deb" \
			"imdstrace-$version-1.$rpm_arch.rpm" "imdstrace-debuginfo-$version-1.$rpm_arch.rpm"
	done >"$work/wanted"
	printf '%s\n' "imdstrace-$version-oci.tar" "imdstrace-$version.spdx.json" install.sh SHA256SUMS >>"$work/wanted"
	sort "$work/wanted" | diff - <(files_of "$release")
}

sums() {
	(cd "$release" && sha256sum -c --quiet SHA256SUMS) && equal files "$(files_of "$release" | wc -l)" $(($(wc -l <"$release/SHA256SUMS") + 1))
}

# The sources as they are, in a folder with another name and at another depth, built by someone with
# other settings.
built_elsewhere() {
	local folder=$work/another.place/sources
	mkdir -p "$folder"
	(cd "$top" && git ls-files -z --cached --others --exclude-standard | tar -c --null -T - | tar -xC "$folder") &&
		(
			umask 077
			cd "$folder" && env -u LC_ALL -u MAKEFLAGS -u MAKELEVEL TZ=Asia/Tokyo LANG=C.UTF-8 \
				SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-$(git -C "$top" log -1 --format=%ct)}" make release
		) && diff "$release/SHA256SUMS" "$folder/build/release/SHA256SUMS" && (cd "$folder/build/release" && sha256sum -c --quiet SHA256SUMS)
}

unpack() {
	local arch
	for arch in amd64 arm64; do
		mkdir "$work/$arch" && tar -C "$work/$arch" --strip-components=1 -xzf "$release/imdstrace-$version-linux-$arch.tar.gz" || return
	done
	mkdir "$work/image" && tar -C "$work/image" -xf "$release/imdstrace-$version-oci.tar"
}

machine_of() {
	readelf -h "$1" | sed -n 's/^ *Machine: *//p'
}

tarballs() {
	local arch file
	for arch in amd64 arm64; do
		for file in bin/imdstrace lib/systemd/system/imdstrace.service share/man/man8/imdstrace.8.gz \
			share/man/man5/imdstrace-report.5.gz share/bash-completion/completions/imdstrace share/zsh/site-functions/_imdstrace \
			share/fish/vendor_completions.d/imdstrace.fish share/doc/imdstrace/LICENSE share/doc/imdstrace/third-party/libbpf-dev \
			share/imdstrace/schema/report.json share/imdstrace/fleet/README.md; do
			[ -s "$work/$arch/$file" ] || { echo "$arch: no $file" && return 1; }
		done
		grep -q '^ExecStart=/usr/local/bin/imdstrace ' "$work/$arch/lib/systemd/system/imdstrace.service" || return
	done
	equal amd64 'Advanced Micro Devices X86-64' "$(machine_of "$work/amd64/bin/imdstrace")" &&
		equal arm64 AArch64 "$(machine_of "$work/arm64/bin/imdstrace")" &&
		equal version "imdstrace $version" "$("$work/$native/bin/imdstrace" --version)"
}

# The packages, the archive and the image hold one and the same program.
one_program() {
	local arch sum
	for arch in amd64 arm64; do
		sum=$(sha256sum <"$work/$arch/bin/imdstrace")
		equal "$arch: .deb" "$sum" "$(dpkg-deb --fsys-tarfile "$release/imdstrace_$version-1_$arch.deb" | tar -xO ./usr/bin/imdstrace | sha256sum)" &&
			equal "$arch: SPDX" "${sum%% *}" "$(jq -r --arg id "SPDXRef-imdstrace-$arch" \
				'.packages[] | select(.SPDXID == $id).checksums[0].checksumValue' "$spdx")" &&
			equal "$arch: image" "$sum" "$(tar -xzOf "$(blob "$(layer_of "$arch")")" ./imdstrace | sha256sum)" || return
	done
}

blob() {
	echo "$work/image/blobs/${1/://}"
}

# manifest_of ARCH, layer_of ARCH
manifest_of() {
	blob "$(jq -r --arg arch "$1" '.manifests[] | select(.platform.architecture == $arch).digest' \
		"$(blob "$(jq -r '.manifests[0].digest' "$work/image/index.json")")")"
}

layer_of() {
	jq -r '.layers[0].digest' "$(manifest_of "$1")"
}

# Each blob is what its name says; the configuration has the layer's sum and names the machine.
image() {
	local arch file config
	equal layout 1.0.0 "$(jq -r .imageLayoutVersion "$work/image/oci-layout")" || return
	for file in "$work"/image/blobs/sha256/*; do
		equal blob "$(basename "$file")" "$(sha256sum "$file" | cut -d' ' -f1)" || return
	done
	for arch in amd64 arm64; do
		config=$(blob "$(jq -r .config.digest "$(manifest_of "$arch")")")
		equal machine "$arch" "$(jq -r .architecture "$config")" &&
			equal diff "sha256:$(gzip -dc "$(blob "$(layer_of "$arch")")" | sha256sum | cut -d' ' -f1)" "$(jq -r '.rootfs.diff_ids[0]' "$config")" &&
			equal sizes "$(stat -c %s "$config" "$(blob "$(layer_of "$arch")")" | paste -sd' ')" \
				"$(jq -r '"\(.config.size) \(.layers[0].size)"' "$(manifest_of "$arch")")" || return
	done
}

# By a program that others load images with.
image_is_understood() {
	local arch
	for arch in amd64 arm64; do
		equal "$arch" "$arch $version" "$(skopeo inspect --override-arch $arch "oci-archive:$release/imdstrace-$version-oci.tar" |
			jq -r '"\(.Architecture) \(.Labels["org.opencontainers.image.version"])"')" || return
	done
	skopeo copy -q --all "oci-archive:$release/imdstrace-$version-oci.tar" "dir:$work/copied"
}

# What SPDX 2.3 demands of a document, and the versions that are pinned.
spdx_document() {
	jq -e '.spdxVersion == "SPDX-2.3" and .dataLicense == "CC0-1.0" and .SPDXID == "SPDXRef-DOCUMENT" and (.creationInfo.creators | length > 0)
		and (.creationInfo.created | test("^[0-9-]{10}T[0-9:]{8}Z$")) and (.documentNamespace | test("^https://[^#]+$"))
		and all(.packages[]; .name and .versionInfo and .downloadLocation and .licenseDeclared and (.SPDXID | test("^SPDXRef-[A-Za-z0-9.-]+$")))
		and ([.packages[].SPDXID] | length == (unique | length))
		and ([.relationships[] | .spdxElementId, .relatedSpdxElement] - [.packages[].SPDXID, .SPDXID] == [])
		and ([.packages[].SPDXID] - [.relationships[].relatedSpdxElement] == [])' "$spdx" >/dev/null || return
	jq -r '.packages[].externalRefs[]?.referenceLocator' "$spdx" | sed -E 's|pkg:deb/debian/([^@]*)@([^?]*)\?arch=([a-z0-9]*).*|bookworm \3 sysroot \1 \2|
		s/%3A/:/g; s/%2B/+/g' | sort >"$work/said"
	grep -E '^bookworm (amd64|arm64) sysroot ' "$top/dist/debian.pins" | grep -v linux-libc-dev | sort | diff - "$work/said"
}

# archives MAP: the libraries that the linker was given.
archives() {
	sed -n 's|^LOAD .*/\(lib[a-z_+-]*\)\.a$|\1|p' "$1" | sort -u
}

# What was linked in, by the linker's own account, stands in the document.
complete() {
	local library
	archives "$top/build/imdstrace-static.map" >"$work/archives"
	[ -s "$work/archives" ] || return
	while read -r library; do
		case $library in
		libc) library=glibc ;;
		libz) library=zlib ;;
		libjansson) library=jansson ;;
		libgcc_eh) library=libgcc ;;
		esac
		jq -e --arg name "$library" 'any(.packages[]; .name == $name)' "$spdx" >/dev/null || { echo "$library" && return 1; }
	done <"$work/archives"
}

# Neither in what is built nor beside it.
no_paths() {
	local file
	for file in "$work"/*/bin/imdstrace "$work"/amd64/share/doc/imdstrace/*.json; do
		! grep -qaF -e "$top" -e "${XDG_CACHE_HOME:-$HOME/.cache}" "$file" || { echo "$file" && return 1; }
	done
}

# With a command of the caller's; what it writes is published with the rest, and a failure is one.
signature() {
	(cd "$top" && SOURCE_DATE_EPOCH=0 SIGN='openssl dgst -sha256 -out SHA256SUMS.sig' dist/release.sh "$version" "$work/signed" \
		amd64="$(tree_of amd64)" arm64="$(tree_of arm64)") &&
		equal signature "$(openssl dgst -sha256 -r "$work/signed/SHA256SUMS" | cut -d' ' -f1)" "$(sed 's/.*= //' "$work/signed/SHA256SUMS.sig")" &&
		! (cd "$top" && SOURCE_DATE_EPOCH=0 SIGN=false dist/release.sh "$version" "$work/unsigned" \
			amd64="$(tree_of amd64)" arm64="$(tree_of arm64)") && [ ! -e "$work/unsigned" ]
}

tree_of() {
	case $1 in
	"$native") echo build ;;
	*) echo "build/$1" ;;
	esac
}

check 'everything is there, and nothing else' has_everything
check 'the sums' sums
prepare 'the archives can be unpacked' unpack
check 'the archives have all that an installation carries' tarballs
check 'one program in each' one_program
check 'the image is an OCI layout of both machines' image
check 'skopeo reads the image' image_is_understood
check 'the SPDX document has the pinned versions' spdx_document
check 'the SPDX document has what the linker took' complete
check 'no path of this machine is in it' no_paths
check 'a signature by a command' signature
check 'another folder gives the same bytes' built_elsewhere
sum_up
