#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# cgroups.sh LAYOUT HIERARCHY: units and containers on a machine of that layout of cgroups (v1, hybrid
# or v2), where systemd's own hierarchy is HIERARCHY; the tool in a container of that machine; and
# rehearsals.
# shellcheck source=tests/kernels/lib.sh
. /lib.sh
# shellcheck source=tests/kernels/rehearse.sh
. /rehearse.sh
layout=$1 hierarchy=$2

# in_container COMMAND...: in a root of its own that holds the tool, /proc, /sys, /tmp and no more, with
# the host's pids.
cat >/tmp/container.sh <<'SCRIPT'
mkdir -p /run/container && mount -t tmpfs tmpfs /run/container && cd /run/container &&
	mkdir bin proc sys tmp && cp /bin/busybox bin && cp "$IMDSTRACE" bin/imdstrace &&
	mount -t proc proc proc && mount -t sysfs sysfs sys && mount -o bind /tmp tmp &&
	mount -o move . / && exec chroot . "$@"
SCRIPT
in_container() {
	unshare -m sh /tmp/container.sh "$@"
}

# The same with pids of its own.
in_container_alone() {
	unshare -m -p -f sh /tmp/container.sh "$@"
}

# Without /sys, too.
sed 's/ && mount -t sysfs sysfs sys//' /tmp/container.sh >/tmp/bare.sh
in_bare_container() {
	unshare -m sh /tmp/bare.sh "$@"
}

who() {
	check "$1: a script is named" event script '"comm":"wget"' "$2"
	check "$1: a unit is told" event unit '"unit":"etl.service"'
	check "$1: a container is told" event container '"runtime":"docker"' '"id":"0123456789abcdef'
}

uname -srvm
check "doctor tells the layout" doctor_says 0 "cgroups\"?:? +\"?$layout"
check "responses are watched" grep -q '"responses": true' /tmp/doctor.json

start_in exec
check "clients are served" clients "$hierarchy" 2
check "the tracer ends well" stop
who "$layout" '"script":"/tmp/etl.sh"'

for container in in_container in_container_alone; do
	start_in $container
	check "$container: clients are served" clients "$hierarchy" 2
	check "$container: the tracer ends well" stop
	case $container in
	in_container)
		who "$container" '"script":"/tmp/etl.sh"'
		check "$container: nothing is lacking" equal 1 "$(wc -l </tmp/said)"
		;;
	*)
		who "$container" '"class":"v1"'
		check "$container: trace says what is lacking" grep -q "share the host's pid namespace" /tmp/said
		;;
	esac
done
rehearse_by fentry "$hierarchy" beside
check "without /sys doctor says so" doctor_says 3 '/sys is not mounted' in_bare_container

finish
