#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Traces nothing.
#
# The .rpm by dnf, from a repository into an empty root: what it needs, its scripts, and what it leaves. No
# distribution is in that root but a shell, and a systemctl that writes down what it is told; a real
# systemd runs the same scripts in check-packages. The packages are in the directory $PACKAGES.
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
root=$work/root

in_dnf() {
	dnf -y --installroot="$root" --releasever=1 --repofrompath="local,file://$work/repository" --repo=local --nogpgcheck \
		--setopt=reposdir=/nonexistent --setopt=cachedir="$work/cache" --setopt=metadata_expire=0 "$@"
}

# The shell that the scripts ask for, with a systemctl that finds the unit active.
shell_package() {
	cat >"$work/systemctl" <<-'SCRIPT'
		#!/bin/sh
		echo "$*" >>/told
		[ "$1" != is-active ] || echo active
	SCRIPT
	cat >"$work/shell.spec" <<-SPEC
		Name: shell
		Version: 1
		Release: 1
		Summary: A shell
		License: none
		AutoReqProv: no
		Provides: /bin/sh
		%define _build_id_links none
		%define __os_install_post %{nil}
		%description
		A shell.
		%install
		mkdir -p %{buildroot}/bin %{buildroot}/run/systemd/system
		install $(command -v busybox) %{buildroot}/bin/busybox
		install $work/systemctl %{buildroot}/bin/systemctl
		ln -s busybox %{buildroot}/bin/sh
		%files
		/bin/*
		/run/systemd/system
	SPEC
	rpmbuild -bb --quiet --define "_topdir $work/rpmbuild" --define 'debug_package %{nil}' "$work/shell.spec" &&
		cp "$work"/rpmbuild/RPMS/*/shell-1-1.*.rpm "$work/repository/"
}

# add DIRECTORY VERSION: to the repository.
add() {
	cp "$1"/imdstrace-"$2"-1.*.rpm "$1"/imdstrace-debuginfo-"$2"-1.*.rpm "$work/repository/" && createrepo_c -q "$work/repository"
}

repository() {
	mkdir -p "$work/repository" "$root/dev" && : >"$root/dev/null" && shell_package && add "$packages" "$version"
}

# The same files under a later version.
next_version() {
	mkdir "$work/next" && cp -a "$packages/package" "$packages/package-debug" "$work/next/" &&
		SOURCE_DATE_EPOCH=0 MAINTAINER='nobody <nobody@packages.invalid>' "$top/dist/packages.sh" "$version.1" "$arch" "$work/next" &&
		add "$work/next" "$version.1"
}

# told LINE...: what systemctl has been told since it was last looked at.
told() {
	equal systemctl "$(printf '%s\n' "$@")" "$(cat "$root/told" 2>/dev/null)"
	local status=$?
	rm -f "$root/told"
	return $status
}

# has VERSION: and all its files are as they were packed.
has() {
	equal package "imdstrace-$1-1" "$(rpm --root "$root" -q --qf '%{NAME}-%{VERSION}-%{RELEASE}' imdstrace)" &&
		equal 'changed files' '' "$(rpm --root "$root" -V imdstrace)" && equal version "imdstrace $version" "$(chroot "$root" /usr/bin/imdstrace --version)"
}

installed() {
	in_dnf install imdstrace && has "$version" && told daemon-reload
}

needs_a_shell_alone() {
	equal packages "imdstrace shell" "$(rpm --root "$root" -qa --qf '%{NAME}\n' | sort | xargs)" &&
		equal needs '/bin/sh' "$(rpm --root "$root" -qR imdstrace | grep -v '^rpmlib(' | sort -u)"
}

upgraded() {
	in_dnf upgrade && has "$version.1" && told daemon-reload 'is-active imdstrace.service' 'restart imdstrace.service'
}

debug_symbols() {
	in_dnf install imdstrace-debuginfo && equal files 1 "$(find "$root/usr/lib/debug" -name '*.debug' | wc -l)"
}

removed() {
	in_dnf --setopt=clean_requirements_on_remove=0 remove imdstrace &&
		told 'stop imdstrace.service' '--quiet disable imdstrace.service' daemon-reload 'reset-failed imdstrace.service' &&
		equal left '' "$(cd "$root" && find . -name '*imdstrace*' -not -path './var/l*/dnf/*' -not -path './var/log/*')"
}

prepare 'a repository' repository
prepare 'dnf installs it, and it enables nothing' installed
check 'it needs a shell, and nothing else' needs_a_shell_alone
prepare 'a later version' next_version
prepare 'dnf upgrades it, and what ran is restarted' upgraded
prepare 'its debug symbols' debug_symbols
check 'dnf removes it, and it is stopped and disabled before' removed
sum_up
