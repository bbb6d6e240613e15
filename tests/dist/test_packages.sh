#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Traces nothing.
#
# What `make packages` has built: what the packages hold, and what lintian and rpmlint say of them.
# They are in the directory $PACKAGES.
set -u
export LC_ALL=C
top=$(realpath "$(dirname "$0")/../..")
packages=$(realpath "${PACKAGES:-$top/build}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# shellcheck source=tests/checks.sh
. "$top/tests/checks.sh"

version=$(sed -n 's/^VERSION := //p' "$top/Makefile")
arch=$(dpkg --print-architecture)
deb=$packages/imdstrace_$version-1_$arch.deb
dbgsym=$packages/imdstrace-dbgsym_$version-1_$arch.deb
rpm=$(ls "$packages/imdstrace-$version-1".*.rpm)
debuginfo=$(ls "$packages/imdstrace-debuginfo-$version-1".*.rpm)

unpack() {
	dpkg-deb -x "$deb" "$work/deb" && dpkg-deb -e "$deb" "$work/control" && dpkg-deb -x "$dbgsym" "$work/dbgsym" &&
		mkdir "$work/rpm" && (cd "$work/rpm" && rpm2cpio "$rpm" | cpio -idm --quiet && rpm2cpio "$debuginfo" | cpio -idm --quiet)
}

no_error_of_lintian() {
	lintian --allow-root --fail-on error,warning "$deb" "$dbgsym"
}

no_error_of_rpmlint() {
	rpmlint -r "$top/dist/imdstrace.rpmlintrc" "$rpm" "$debuginfo" "$top/dist/imdstrace.spec" >"$work/rpmlint"
	grep ': [EW]: ' "$work/rpmlint" >"$work/found"
	! grep ': E: ' "$work/found" && grep -q ' 0 errors' "$work/rpmlint"
}

# What the sums leave out is not checked when it is installed.
sums_of_everything() {
	(cd "$work/deb" && md5sum -c --quiet ../control/md5sums) &&
		equal files "$(cd "$work/deb" && find . -type f | wc -l)" "$(wc -l <"$work/control/md5sums")"
}

installed_size() {
	local said
	said=$(dpkg-deb -f "$deb" Installed-Size)
	[ "$said" -gt $(($(stat -c %s "$work/deb/usr/bin/imdstrace") / 1024)) ]
}

works() {
	equal version "imdstrace $version" "$("$1/usr/bin/imdstrace" --version)"
}

# symbols TREE PROGRAM: main() is found for the stripped program.
symbols() {
	local id
	id=$(readelf -n "$2" | sed -n 's/.*Build ID: //p')
	! readelf -S "$2" | grep -qE '\.(debug_info|symtab)' &&
		readelf -sW "$1/usr/lib/debug/.build-id/${id:0:2}/${id:2}.debug" | grep -q ' FUNC .* main$' &&
		readelf -S "$1/usr/lib/debug/.build-id/${id:0:2}/${id:2}.debug" | grep -q '\.debug_info'
}

# The same program, pages and completions in each.
both_are_alike() {
	local file
	for file in bin/imdstrace lib/systemd/system/imdstrace.service share/man/man8/imdstrace.8.gz \
		share/man/man5/imdstrace-report.5.gz share/bash-completion/completions/imdstrace \
		share/fish/vendor_completions.d/imdstrace.fish share/imdstrace/schema/report.json; do
		cmp "$work/deb/usr/$file" "$work/rpm/usr/$file" || return
	done
	cmp "$work/deb/usr/share/zsh/vendor-completions/_imdstrace" "$work/rpm/usr/share/zsh/site-functions/_imdstrace"
}

manual_pages() {
	local page
	for page in man8/imdstrace.8 man5/imdstrace-report.5; do
		gzip -dc "$work/deb/usr/share/man/$page.gz" | cmp - "$top/dist/${page#*/}" || return
		# neither a name nor a time
		equal "flags of gzip" 00 "$(od -An -tx1 -j3 -N1 "$work/deb/usr/share/man/$page.gz" | tr -d ' ')"
	done
}

changelog() {
	gzip -dc "$work/deb/usr/share/doc/imdstrace/changelog.gz" | cmp - "$top/CHANGELOG.md" &&
		cmp "$work/rpm/usr/share/doc/imdstrace/CHANGELOG.md" "$top/CHANGELOG.md"
}

# The sentence that allows it, of each library in the program.
notices() {
	local tree library
	for tree in deb rpm; do
		for library in libbpf-dev libelf-dev zlib1g-dev libjansson-dev libc6-dev; do
			grep -qi copyright "$work/$tree/usr/share/doc/imdstrace/third-party/$library" || { echo "$tree: $library" && return 1; }
		done
	done
	[ "$(wc -l <"$work/deb/usr/share/doc/imdstrace/copyright")" -lt 60 ] && cmp "$work/rpm/usr/share/doc/imdstrace/LICENSE" "$top/LICENSE"
}

# Where there is no systemd, as in an image that is being made.
scripts_without_systemd() {
	local script argument
	for script in 'postinst configure' 'prerm remove' 'postrm remove'; do
		read -r script argument <<<"$script"
		env -i PATH="$work/empty" /bin/sh "$work/control/$script" "$argument" || { echo "$script $argument" && return 1; }
	done
}

# The scriptlets of the .rpm, each as a file.
scripts_of_rpm() {
	local script
	for script in POSTIN PREUN POSTUN; do
		rpm -qp --qf "%{$script}" "$rpm" >"$work/$script" && sh -n "$work/$script" && test -s "$work/$script" || return
		env -i PATH="$work/empty" /bin/sh "$work/$script" 0 || { echo "$script" && return 1; }
	done
}

# The unit is where the program says it is.
unit() {
	grep -q '^ExecStart=/usr/bin/imdstrace ' "$work/deb/usr/lib/systemd/system/imdstrace.service"
}

spec_alone() {
	(cd / && rpmspec -P "$top/dist/imdstrace.spec") >"$work/spec" && rpmspec -q "$top/dist/imdstrace.spec"
}

mkdir "$work/empty"
prepare 'the packages can be unpacked' unpack
check 'lintian finds nothing' no_error_of_lintian
check 'rpmlint finds no error' no_error_of_rpmlint
check 'the spec file parses alone' spec_alone
check 'md5sums of all files of the .deb' sums_of_everything
check 'the installed size' installed_size
check 'the program of the .deb' works "$work/deb"
check 'the program of the .rpm' works "$work/rpm"
check 'the debug symbols of the .deb' symbols "$work/dbgsym" "$work/deb/usr/bin/imdstrace"
check 'the debug symbols of the .rpm' symbols "$work/rpm" "$work/rpm/usr/bin/imdstrace"
check 'the packages hold the same' both_are_alike
check 'the unit starts the packaged program' unit
check 'the manual pages' manual_pages
check 'the changelog' changelog
check 'the copyright, and the notices of the libraries' notices
check 'the scripts of the .deb do without systemd' scripts_without_systemd
check 'the scripts of the .rpm do without systemd' scripts_of_rpm
sum_up
