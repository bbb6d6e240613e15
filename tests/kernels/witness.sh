#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# For suites that have sourced lib.sh: the machine passes packets on between a guest and a service,
# each in a network namespace of its own, and the guest brings a network stack of its own along. The
# machine itself has no other network.

guest='' service=''

# make_namespace NAME: a network namespace, held by a process, behind a device NAME of this one.
make_namespace() {
	unshare -n sh -c 'echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad; exec sleep 1000' >/dev/null 2>&1 &
	eval "$1=$!"
	while [ "$(readlink "/proc/$!/ns/net")" = "$(readlink /proc/self/ns/net)" ]; do
		sleep 0.1
	done
	ip link add "$1" type veth
	other=$(basename "$(ls -d /sys/class/net/veth*)")
	[ "$1" != guest ] || ip link set guest address 02:00:00:00:00:01
	ip link set "$1" up
	ip link set "$other" netns "$!"
	inside "$!" sh -c "ip link set lo up; ip link set $other name eth0; ip link set eth0 up"
}

# inside PID COMMAND...
inside() {
	namespace=$1
	shift
	nsenter -t "$namespace" -n "$@"
}

build_network() {
	equal lo "$(ls /sys/class/net)" || return
	[ ! -e /veth.ko ] || grep -q '^veth ' /proc/modules || insmod /veth.ko || return
	# addresses take part at once, so that nothing has to wait
	echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad
	echo 1 >/proc/sys/net/ipv4/ip_forward
	echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
	make_namespace guest && make_namespace service || return
	ip address add 10.0.1.1/24 dev guest
	ip address add 10.0.2.1/24 dev service
	ip -6 address add fd00:1::1/64 dev guest
	ip -6 address add fd00:2::1/64 dev service
	ip route add 169.254.169.254/32 via 10.0.2.2
	ip -6 route add fd00:ec2::254/128 via fd00:2::2
	inside "$guest" sh -c 'ip address add 10.0.1.2/24 dev eth0; ip -6 address add fd00:1::2/64 dev eth0
		ip route add default via 10.0.1.1; ip -6 route add default via fd00:1::1'
	inside "$service" sh -c 'ip address add 10.0.2.2/24 dev eth0; ip -6 address add fd00:2::2/64 dev eth0
		ip address add 169.254.169.254/32 dev lo; ip -6 address add fd00:ec2::254/128 dev lo
		ip route add default via 10.0.2.1; ip -6 route add default via fd00:2::1'
	mkdir -p /tmp/www/latest/meta-data && echo ami-1 >/tmp/www/latest/meta-data/ami-id
	inside "$service" httpd -f -p '[::]:80' -h /tmp/www >/dev/null 2>&1 &
	served=$!
}

remove_network() {
	kill "$served" "$guest" "$service"
	ip link delete guest
	ip link delete service
}

# fetch NAME HOST: from the guest, through a socket of this kernel.
fetch() {
	printf 'GET /latest/meta-data/ami-id?%s HTTP/1.0\r\n\r\n' "$1" |
		inside "$guest" nc -w 5 "$2" 80 | grep -q ami-1
}

served_in_rooms() {
	for _ in 1 2 3 4 5; do
		fetch "$1-ipv4" 169.254.169.254 && fetch "$1-ipv6" fd00:ec2::254 && return
		sleep 1
	done
	return 1
}

# The same network stack twice: a second connection from the same port begins with the same number, as
# a repeated packet does, and counts once.
bring_stacks() {
	for source in 10.0.1.9 fd00:1::9; do
		inside "$guest" "$WIRE" --inject $source --device eth0 &&
			inside "$guest" "$WIRE" --inject $source --device eth0 || return
	done
	for source in 10.0.2.1 fd00:2::1; do
		"$WIRE" --inject $source || return
	done
}

unknown_of() {
	equal "$2" "$(grep -cF "\"comm\":\"$1\"" /tmp/unknown)"
}

# Each kind once for each connection; what the guest's own sockets sent is v1 and nothing else.
witnessed() {
	grep '"class":"unknown"' /tmp/events >/tmp/unknown
	cut -c 1-300 /tmp/unknown
	unknown_of '10.0.1.9 through guest' 1 && unknown_of 'fd00:1::9 through guest' 1 &&
		unknown_of wire 2 && equal 4 "$(wc -l </tmp/unknown)" &&
		equal 4 "$(total unknown)" && equal 2 "$(total v1)"
}

# A network namespace of its own, as the service unit has it.
own_network() {
	exec unshare -n "$@"
}

# witness MODE, which has to see packets that the machine passes on.
witness() {
	build_network || return
	start_in own_network --hooks "$1" || { cat /tmp/said && return 1; }
	served_in_rooms "$1" && bring_stacks
	set -- "$1" $?
	stop
	remove_network
	equal 0 "$2" && witnessed
}

# What is told of a kernel that has no way to see them.
witness_or_limit() {
	if grep -q 'calls that this machine forwards are not seen' /tmp/said; then
		verdict ok "$1: what is forwarded is said not to be seen"
	else
		check "$1: what no socket here sent is counted, once" witness "$1"
	fi
}
