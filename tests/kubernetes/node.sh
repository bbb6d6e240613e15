#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# In a virtual machine, as on a node of Kubernetes: the container of the DaemonSet, which /bundles holds as
# manifests.mjs made it, traces containers of pods. The line "report" has what it kept.
# shellcheck source=tests/kernels/lib.sh
. /lib.sh
report=/var/lib/imdstrace/report.json
uid=0f1c2d3e-4b5a-6978-8796-a5b4c3d2e10
slices=/kubepods.slice/kubepods-burstable.slice/kubepods-burstable

# id_of NAME: 64 digits, as runtimes have them.
id_of() {
	echo "$1" | sha256sum | cut -d' ' -f1
}

# cgroup_of NAME NUMBER: as the kubelet and a runtime make it, by systemd, which wants "_" for "-", or without it.
cgroup_of() {
	pod=$uid$2
	systemd_pod=$slices-pod$(echo "$pod" | tr - _).slice
	case $1 in
	web) echo "$systemd_pod/cri-containerd-$(id_of web).scope" ;;
	agent) echo "/kubepods/besteffort/pod$pod/$(id_of agent)" ;;
	nightly) echo "$systemd_pod/crio-$(id_of nightly).scope" ;;
	cache) echo "/kubepods/pod$pod/$(id_of cache)" ;;
	esac
}

container() {
	crun --cgroup-manager=cgroupfs run --no-pivot -b "$1" "$2"
}

# pod_calls DIRECTORY NAME NUMBER [ANNOTATIONS]: a container that calls once, in the network that it is started in.
pod_calls() {
	mkdir -p "$1/rootfs/bin" "$1/rootfs/proc" "$1/rootfs/dev" && cp /bin/busybox "$1/rootfs/bin/" &&
		cat >"$1/config.json" <<-JSON &&
			{"ociVersion": "1.0.2", "annotations": {${4-}},
			"process": {"args": ["/bin/busybox", "wget", "-q", "-O", "/proc/self/fd/1", "http://169.254.169.254/latest/meta-data/ami-id?$2"],
			"cwd": "/", "user": {"uid": 0, "gid": 0}},
			"root": {"path": "rootfs", "readonly": true},
			"mounts": [{"destination": "/proc", "type": "proc", "source": "proc"}],
			"linux": {"cgroupsPath": "$(cgroup_of "$2" "$3")",
			"namespaces": [{"type": "mount"}, {"type": "pid"}, {"type": "ipc"}, {"type": "uts"}]}}
		JSON
		container "$1" "$2" && return
	echo "$2 ended with $?"
	return 1
}

# containerd keeps the annotations with the container's configuration.
web() {
	pod_calls "/run/containerd/io.containerd.runtime.v2.task/k8s.io/$(id_of web)" web 1 '"io.kubernetes.cri.container-name": "web",
		"io.kubernetes.cri.sandbox-name": "orders-5d8c7f9b6c-x7x2k", "io.kubernetes.cri.sandbox-namespace": "shop"'
}

# The kubelet links each container's log.
agent() {
	mkdir -p /var/log/containers "/var/log/pods/monitoring_agent-x7x2k_${uid}2/agent" &&
		ln -s "/var/log/pods/monitoring_agent-x7x2k_${uid}2/agent/0.log" "/var/log/containers/agent-x7x2k_monitoring_agent-$(id_of agent).log" &&
		pod_calls /run/agent agent 2
}

# cri-o keeps the annotations where podman does.
nightly() {
	pod_calls "/run/containers/storage/overlay-containers/$(id_of nightly)/userdata" nightly 3 '"io.kubernetes.container.name": "load",
		"io.kubernetes.pod.name": "nightly-28471-abcde", "io.kubernetes.pod.namespace": "batch"'
}

# The directory of a pod's logs has the pod's names alone.
cache() {
	mkdir -p "/var/log/pods/shop_cache-0_${uid}4" && pod_calls /run/cache cache 4
}

# In a network of the pod's own, which the traffic program has made and serves.
in_own_network() {
	"$WIRE" --serve optional sh /node.sh call "$1"
}

# With hostNetwork: in the machine's network, which has no other interface than lo.
in_host_network() {
	equal lo "$(ls /sys/class/net)" || return
	ip link set lo up
	ip address add 169.254.169.254/32 dev lo
	mkdir -p /tmp/www/latest/meta-data && echo ami-1 >/tmp/www/latest/meta-data/ami-id
	httpd -p 169.254.169.254:80 -h /tmp/www && "$1"
}

begin() {
	while read -r directory; do
		mkdir -p "$directory"
	done <"/bundles/$1/directories"
	container "/bundles/$1" "$1" >/tmp/said 2>&1 &
	tracer=$!
	while ! grep -q 'imdstrace: tracing' /tmp/said; do
		kill -0 "$tracer" || { cat /tmp/said && return 1; }
		sleep 0.2
	done
}

end() {
	crun kill "$1" TERM && wait "$tracer"
}

# The image has no other place that could be written to, so that it ends at once and says so.
no_place() {
	container /bundles/without-volumeMounts without-volumeMounts >/tmp/said 2>&1
	equal 2 $? && equal 1 "$(wc -l </tmp/said)" && grep -q '/var/lib/imdstrace/report.json' /tmp/said && return
	cat /tmp/said
	return 1
}

no_pod() {
	imdstrace report --format json $report >/tmp/unnamed
	grep -q '"exe":"[^"]*busybox"' /tmp/unnamed && ! grep -q cache-0 /tmp/unnamed && return
	cat /tmp/unnamed
	return 1
}

limited() {
	cgroup=$(sed -n 's/^0:://p' "/proc/$(crun state node | sed -n 's/.*"pid": \([0-9]*\).*/\1/p')/cgroup")
	equal 536870912 "$(cat "/sys/fs/cgroup$cgroup/memory.max")" && equal '100000 100000' "$(cat "/sys/fs/cgroup$cgroup/cpu.max")" &&
		equal 'oom_kill 0' "$(grep '^oom_kill ' "/sys/fs/cgroup$cgroup/memory.events")"
}

memory() {
	awk '{ printf "memory of the container: %d MiB of 512\n", $1 / 1048576 }' /sys/fs/cgroup/kubepods.slice/*/*/cri-containerd-imdstrace.scope/memory.current
}

if [ "${1-}" = call ]; then
	equal lo "$(ls /sys/class/net)" && "$2"
	exit
fi

uname -r
check 'the container of the DaemonSet traces' begin node
check 'a pod is answered in its own network' in_own_network web
check 'a pod is answered in the host'"'"'s network' in_host_network agent
check 'a job is answered' in_own_network nightly
check 'a pod of which there is a log alone is answered' in_own_network cache
check 'the limits hold, and are enough' limited
memory
check 'the container ends well' end node
check 'it complains of nothing' equal 1 "$(wc -l </tmp/said)"
echo "report $(imdstrace report --format json $report | tr -d '\n')"

rm -r /var/lib/imdstrace /run/cache
check 'without hostPID it traces' begin without-hostPID
check 'the pod is answered again' in_own_network cache
check 'without hostPID it ends well' end without-hostPID
check 'without hostPID it says that names are missing' grep -q "share the host's pid namespace" /tmp/said
check 'without hostPID no pod is named' no_pod
check 'without the mount there is no place for the report' no_place
finish
