#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# image.sh VERSION FILE ARCH=TREE...: makes FILE an OCI archive of one image for all these machines: the
# program and its licences from trees as packages install them, and nothing else.
set -eu
umask 022
export LC_ALL=C
version=$1 file=$2
shift 2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
layout=$scratch/layout
blobs=$layout/blobs/sha256
mkdir -p "$blobs"
created=$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y-%m-%dT%H:%M:%SZ)

sum() {
	sha256sum "$1" | cut -d' ' -f1
}

# blob FILE TYPE [MORE]: takes the file into the layout, and prints what refers to it.
blob() {
	digest=$(sum "$1")
	echo "{\"mediaType\":\"application/vnd.oci.image.$2\",\"digest\":\"sha256:$digest\",\"size\":$(stat -c %s "$1")${3:-}}"
	mv "$1" "$blobs/$digest"
}

packed() {
	tar -C "$1" --sort=name --format=gnu --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX \
		--mtime="@$SOURCE_DATE_EPOCH" -c .
}

# image ARCH TREE: prints what refers to its manifest.
image() {
	mkdir "$scratch/$1"
	cp -R "$2/usr/bin/imdstrace" "$2/usr/share/doc/imdstrace/LICENSE" "$2/usr/share/doc/imdstrace/third-party" "$scratch/$1/"
	packed "$scratch/$1" >"$scratch/layer.tar"
	diff=$(sum "$scratch/layer.tar")
	gzip -9n "$scratch/layer.tar"
	layer=$(blob "$scratch/layer.tar.gz" layer.v1.tar+gzip)
	cat >"$scratch/config" <<-JSON
		{"created":"$created","architecture":"$1","os":"linux",
		"config":{"Entrypoint":["/imdstrace"],"Labels":{
		"org.opencontainers.image.title":"imdstrace","org.opencontainers.image.version":"$version",
		"org.opencontainers.image.licenses":"GPL-2.0-only OR BSD-2-Clause"}},
		"rootfs":{"type":"layers","diff_ids":["sha256:$diff"]},
		"history":[{"created":"$created","created_by":"make release"}]}
	JSON
	config=$(blob "$scratch/config" config.v1+json)
	cat >"$scratch/manifest" <<-JSON
		{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":$config,"layers":[$layer]}
	JSON
	blob "$scratch/manifest" manifest.v1+json ",\"platform\":{\"os\":\"linux\",\"architecture\":\"$1\"}"
}

manifests=
for each; do
	manifests=$manifests${manifests:+,}$(image "${each%%=*}" "${each#*=}")
done
cat >"$scratch/index" <<JSON
{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[$manifests]}
JSON
index=$(blob "$scratch/index" index.v1+json ",\"annotations\":{\"org.opencontainers.image.ref.name\":\"imdstrace:$version\"}")
cat >"$layout/index.json" <<JSON
{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[$index]}
JSON
echo '{"imageLayoutVersion":"1.0.0"}' >"$layout/oci-layout"
packed "$layout" >"$file"
