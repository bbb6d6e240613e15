#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# deps.sh GROUP...: installs, through apt-get or dnf, what those groups of targets need and this
# machine does not have. Looks only at commands and files, so that a complete machine pays a few
# milliseconds, needs no root and hears nothing. With --missing before the groups it says what it would
# install, and does not.
set -eu

# group  what proves that it is there  Debian's package  Fedora's package
table='
build	cmd:cc			gcc			gcc
build	inc:stdio.h		libc6-dev		glibc-devel
build	cmd:clang		clang			clang
build	cmd:bpftool		bpftool			bpftool
build	inc:bpf/libbpf.h	libbpf-dev		libbpf-devel
build	inc:libelf.h		libelf-dev		elfutils-libelf-devel
build	inc:zlib.h		zlib1g-dev		zlib-devel
build	inc:jansson.h		libjansson-dev		jansson-devel
debian	cmd:apt-get		apt			apt
debian	cmd:dpkg-deb		dpkg			dpkg
debian	file:/usr/share/keyrings/debian-archive-keyring.gpg	debian-archive-keyring	debian-keyring
unit	inc:cmocka.h		libcmocka-dev		libcmocka-devel
unit	gcc:libasan.so		gcc			libasan
unit	gcc:libubsan.so		gcc			libubsan
analyze	cmd:clang-tidy		clang-tidy		clang-tools-extra
analyze	cmd:cppcheck		cppcheck		cppcheck
valgrind	cmd:valgrind		valgrind		valgrind
fuzz	clang:libclang_rt.fuzzer-*.a	libclang-rt-dev	compiler-rt
fuzz	inc:http_parser.h	libhttp-parser-dev	http-parser-devel
e2e	cmd:jq			jq			jq
e2e	cmd:curl		curl			curl
e2e	cmd:wget		wget			wget
e2e	cmd:busybox		busybox-static		busybox
e2e	cmd:python3		python3			python3
e2e	file:/usr/bin/python3	python3			python3
e2e	glob:/usr/lib/python3*/*-packages/fastjsonschema	python3-fastjsonschema	python3-fastjsonschema
e2e	glob:/usr/lib/python3*/*-packages/yaml	python3-yaml	python3-pyyaml
e2e	cmd:man			man-db			man-db
e2e	cmd:zsh			zsh			zsh
e2e	cmd:fish		fish			fish
e2e	cmd:ip			iproute2		iproute
e2e	cmd:iptables		iptables		iptables
e2e	cmd:tmux		tmux			tmux
bench	cmd:wrk			wrk			wrk
bench	cmd:nginx		nginx-light		nginx-core
bench	cmd:taskset		util-linux		util-linux
report	cmd:chromium		chromium		chromium
report	cmd:node		nodejs			nodejs
report	cmd:promtool		prometheus		golang-github-prometheus
report	cmd:prometheus		prometheus		golang-github-prometheus
client-python	file:/usr/bin/python3	python3			python3
client-python	glob:/usr/lib/python3*/*-packages/urllib3	python3-urllib3	python3-urllib3
client-python	glob:/usr/lib/python3*/*-packages/requests	python3-requests	python3-requests
client-boto2	glob:/usr/lib/python3*/*-packages/boto	python3-boto	python3-boto
client-boto3	glob:/usr/lib/python3*/*-packages/boto3	python3-boto3	python3-boto3
client-awscli	file:/usr/bin/aws	awscli			awscli2
client-cloud-init	glob:/usr/lib/python3*/*-packages/configobj*	python3-configobj	python3-configobj
client-cloud-init	glob:/usr/lib/python3*/*-packages/jinja2	python3-jinja2	python3-jinja2
client-cloud-init	glob:/usr/lib/python3*/*-packages/jsonpatch.py	python3-jsonpatch	python3-jsonpatch
client-cloud-init	glob:/usr/lib/python3*/*-packages/jsonschema	python3-jsonschema	python3-jsonschema
client-cloud-init	glob:/usr/lib/python3*/*-packages/netifaces*	python3-netifaces	python3-netifaces
client-cloud-init	glob:/usr/lib/python3*/*-packages/oauthlib	python3-oauthlib	python3-oauthlib
client-cloud-init	glob:/usr/lib/python3*/*-packages/requests	python3-requests	python3-requests
client-cloud-init	glob:/usr/lib/python3*/*-packages/serial	python3-serial	python3-pyserial
client-cloud-init	glob:/usr/lib/python3*/*-packages/yaml	python3-yaml	python3-pyyaml
client-ec2metadata	file:/usr/bin/ec2metadata	cloud-guest-utils	cloud-utils
client-perl	file:/usr/bin/lwp-request	libwww-perl	perl-libwww-perl
client-ruby	file:/usr/bin/ruby	ruby			ruby
client-ruby-sdk1	file:/usr/lib/ruby/vendor_ruby/aws-sdk-v1.rb	ruby-aws-sdk	-
client-ruby-sdk3	glob:/usr/share/rubygems-integration/all/gems/aws-sdk-core-3*	ruby-aws-sdk-core	-
client-php	file:/usr/bin/php	php-cli			php-cli
client-php	glob:/usr/lib*/php/*/curl.so	php-curl	php-common
client-java	file:/usr/bin/javac	default-jdk-headless	java-devel
client-node	file:/usr/bin/node	nodejs			nodejs
client-npm	file:/usr/bin/npm	npm			npm
client-go	file:/usr/bin/go	golang-go		golang
client-go-sdk	file:/usr/share/gocode/src/github.com/aws/aws-sdk-go	golang-github-aws-aws-sdk-go-dev	-
client-go-sdk-v2	file:/usr/share/gocode/src/github.com/aws/aws-sdk-go-v2	golang-github-aws-aws-sdk-go-v2-dev	-
packages	cmd:rpmbuild		rpm			rpm-build
packages	cmd:dpkg-deb		dpkg			dpkg
check-release	cmd:lintian		lintian			lintian
check-release	cmd:rpmlint		rpmlint			rpmlint
check-release	cmd:dnf			dnf			dnf
check-release	cmd:createrepo_c	createrepo-c		createrepo_c
check-release	cmd:cpio		cpio			cpio
check-release	cmd:readelf		binutils		binutils
check-release	cmd:openssl		openssl			openssl
check-release	cmd:skopeo		skopeo			skopeo
check-release	cmd:jq			jq			jq
check-release	cmd:git			git			git
check-release	cmd:curl		curl			curl
check-release	cmd:wget		wget			wget
check-release	cmd:busybox		busybox-static		busybox
check-release	cmd:python3		python3			python3
kubernetes	cmd:podman		podman			podman
kubernetes	cmd:crun		crun			crun
kubernetes	cmd:node		nodejs			nodejs
kubernetes	cmd:npm			npm			npm
distros	cmd:debootstrap		debootstrap		debootstrap
distros	cmd:git			git			git
kernels	cmd:cpio		cpio			cpio
kernels	cmd:qemu-system-x86_64	qemu-system-x86		qemu-system-x86-core
kernels	cmd:qemu-system-aarch64	qemu-system-arm		qemu-system-aarch64-core
'

PATH=$PATH:/usr/sbin:/sbin
machine=$(uname -m)

# Succeeds if what proves a package's presence is there.
there() {
	case $1 in
	cmd:*) command -v "${1#cmd:}" >/dev/null ;;
	inc:*) first_of "/usr/include/${1#inc:}" "/usr/include/$machine-linux-gnu/${1#inc:}" ;;
	gcc:*) first_of /usr/lib/gcc/"$machine"-*/*/"${1#gcc:}" ;;
	clang:*) # A pattern, and meant to be one.
		# shellcheck disable=SC2086
		first_of /usr/lib*/clang/*/lib/*/${1#clang:} /usr/lib/llvm-*/lib/clang/*/lib/*/${1#clang:} ;;
	file:*) first_of "${1#file:}" ;;
	glob:*) # shellcheck disable=SC2086
		first_of ${1#glob:} ;;
	esac
}

first_of() {
	for candidate; do
		[ ! -e "$candidate" ] || return 0
	done
	return 1
}

# The packages of one column that the groups need and that are not there, each once.
missing() {
	column=$1
	shift
	packages=
	while read -r group proof debian fedora; do
		case " $* " in *" $group "*) ;; *) continue ;; esac
		there "$proof" && continue
		case $column in debian) package=$debian ;; *) package=$fedora ;; esac
		[ "$package" != - ] || package=${proof#*:}
		case " $packages " in *" $package "*) ;; *) packages="$packages $package" ;; esac
	done <<-ROWS
		$table
	ROWS
	echo "$packages"
}

# Debian's packaging would otherwise ask, on a terminal that a build machine does not have. The
# lock is waited for: another target, or the machine's own upgrade, may hold it.
apt() {
	DEBIAN_FRONTEND=noninteractive apt-get -qy -o DPkg::Lock::Timeout=300 "$@" </dev/null
}

# The lists may be absent, or too old to name a version that the mirror still serves.
install_apt() {
	apt install --no-install-recommends "$@" >"$log" 2>&1 ||
		{ apt update >"$log" 2>&1 && apt install --no-install-recommends "$@" >"$log" 2>&1; }
}

install_dnf() {
	dnf -q -y install "$@" >"$log" 2>&1 </dev/null
}

mode=install
if [ "${1-}" = --missing ]; then
	mode=say
	shift
fi
column=debian
command -v apt-get >/dev/null || column=fedora
packages=$(missing $column "$@")
[ -n "$packages" ] || exit 0
if [ $mode = say ]; then
	echo "$packages"
	exit
fi

install=
! command -v dnf >/dev/null || install=install_dnf
! command -v apt-get >/dev/null || install=install_apt
if [ -z "$install" ]; then
	echo "This machine has neither apt-get nor dnf; please install:$packages" >&2
	exit 1
fi
if [ "$(id -u)" != 0 ]; then
	echo "Only root can install what is missing here:$packages" >&2
	exit 1
fi

# Targets that run side by side wait for each other here, and often find that nothing is left.
exec 9<"$0"
flock 9
packages=$(missing $column "$@")
[ -n "$packages" ] || exit 0

echo "installing:$packages"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# The list of packages is meant to be split.
# shellcheck disable=SC2086
if ! $install $packages; then
	cat "$log" >&2
	echo "Could not install:$packages" >&2
	exit 1
fi
packages=$(missing $column "$@")
if [ -n "$packages" ]; then
	echo "Still missing after the installation:$packages" >&2
	exit 1
fi
