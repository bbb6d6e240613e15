#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# clients.sh HIERARCHY CROWD: clients whose names the tracer has to find, for suite.sh and cgroups.sh.
# Runs beside a metadata service in a private network of the virtual machine. HIERARCHY is a directory
# in which cgroups are made; CROWD is how many short-lived processes there are.
set -u
hierarchy=$1 crowd=$2
container=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef

# get NAME [OPTION...]: a request that no other client sends.
get() {
	name=$1
	shift
	wget -q "$@" -O /dev/null "http://169.254.169.254/latest/meta-data/ami-id?$name"
}

# get_in CGROUP NAME: the same from a process in a cgroup.
get_in() {
	mkdir -p "$hierarchy$1"
	sh -c 'echo $$ >"$1/cgroup.procs" && exec wget -q -O /dev/null "http://169.254.169.254/latest/meta-data/ami-id?$2"' \
		sh "$hierarchy$1" "$2"
}

# A shell that outlives its client, and is its script's name.
cat >/tmp/etl.sh <<'SCRIPT'
wget -q -O /dev/null "http://169.254.169.254/latest/meta-data/ami-id?script"
sleep 0.5
SCRIPT
sh /tmp/etl.sh

# A program that is gone when its request is told.
cp /bin/busybox /tmp/wget
/tmp/wget -q -O /dev/null "http://169.254.169.254/latest/meta-data/ami-id?gone"
rm /tmp/wget

# No token that the service has given: it answers 401.
get masked --header "X-aws-ec2-metadata-token: AQAEAJx7-kQ2mVbnTq0yRzLw_5sUhPdGo3XcEfKi8tZ1aYvNe4MluA==" 2>/dev/null
get agent -U 'aws-sdk-go/1.25.0 (go1.12; linux; amd64)'
su nobody -c 'wget -q -O /dev/null "http://169.254.169.254/latest/meta-data/ami-id?user"'
get_in /system.slice/etl.service unit
get_in "/system.slice/docker-$container.scope" container

for each in $(seq "$crowd"); do
	get "crowd-$each" &
done
wait
