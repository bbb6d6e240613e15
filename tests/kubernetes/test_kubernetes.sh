#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# dist/kubernetes: what kustomize renders is valid, the image holds what it should, and the container
# with the DaemonSet's privileges and mounts traces the calls of others and tells their pods by the
# cgroups. The containers are crun's, the node's network is one of the test's own. test_node.sh has the
# pods' names.
# What stands in single quotes is for jq, or expanded where it runs.
# shellcheck disable=SC2016
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/../e2e/lib.sh"
# shellcheck source=tests/kubernetes/lib.sh
. "$here/../kubernetes/lib.sh"
static=$top/build/imdstrace-static

# --- The manifests ---------------------------------------------------------------------------------

rendered_is_valid() {
	render "$1" "$work/${1##*/}.yaml" && manifests "$work/${1##*/}.yaml"
}

# spoiled NAME EXPRESSION PATTERN: a manifest that was changed is refused, and the test with it.
spoiled() {
	sed "$2" "$work/base.yaml" >"$work/spoiled.yaml"
	not cmp -s "$work/base.yaml" "$work/spoiled.yaml" && not manifests "$work/spoiled.yaml" >"$work/refused" 2>&1 &&
		grep -q "$3" "$work/refused"
}

# --- The image ---------------------------------------------------------------------------------------

pod_man() {
	podman --root "$work/store" --runroot "$work/run" --storage-driver vfs --cgroup-manager cgroupfs "$@"
}

# Its files, as a runtime unpacks them.
unpack_image() {
	local id
	pod_man build --quiet --isolation chroot -f "$top/dist/kubernetes/Containerfile" -t imdstrace:test "$top" &&
		id=$(pod_man create --network none imdstrace:test) && mkdir -p "$work/tracer/rootfs" &&
		pod_man export "$id" | tar -C "$work/tracer/rootfs" -xf - && pod_man rm "$id"
}

holds_the_program_alone() {
	equal files '/LICENSE /imdstrace' "$(cd "$work/tracer/rootfs" && find . -type f -size +0 | sed 's/^\.//' | sort | xargs)" &&
		cmp "$static" "$work/tracer/rootfs/imdstrace" &&
		equal entrypoint '["/imdstrace"]' "$(pod_man image inspect imdstrace:test | jq -c '.[0].Config.Entrypoint')"
}

# --- Containers --------------------------------------------------------------------------------------

# run_container BUNDLE NAME: crun takes no machine with both versions of cgroups, and is shown the second
# alone. It leaves the container in the cgroup that it is in itself.
run_container() {
	unshare --mount --propagation private sh -c 'mount -t cgroup2 cgroup2 /sys/fs/cgroup &&
		exec crun --root "$work/crun" --cgroup-manager=disabled run -b "$1" "$2"' sh "$@"
}
export -f run_container

# bundle_of OVERLAY NAME [WITHOUT]: of the DaemonSet's container.
bundle_of() {
	mkdir -p "$work/$2" && { [ -d "$work/$2/rootfs" ] || cp -a "$work/tracer/rootfs" "$work/$2/"; } &&
		manifests "$work/$1.yaml" bundle "$work/$2" "$work/$2/node" ${3:+"$3"} && xargs mkdir -p <"$work/$2/directories"
}

# As a runtime writes it: the annotations say whose the container is.
pod_uid=0f1c2d3e-4b5a-6978-8796-$(printf %012d $$)
pod_container=$(printf '%064d' "1$$")
host_container=$(printf '%064d' "2$$")
bundle=/run/containerd/io.containerd.runtime.v2.task/k8s.io/$pod_container
log=/var/log/containers/agent-x7x2k_monitoring_agent-$host_container.log
export pod_uid pod_container host_container bundle log

# caller_bundle DIRECTORY URL [ANNOTATIONS]: a container that calls once, with busybox.
caller_bundle() {
	mkdir -p "$1/rootfs/bin" "$1/rootfs/proc" "$1/rootfs/dev" && cp "$(command -v busybox)" "$1/rootfs/bin/busybox" &&
		jq -n --arg url "$2" --argjson annotations "${3:-null}" '{ociVersion: "1.0.2", annotations: $annotations,
			process: {args: ["/bin/busybox", "wget", "-q", "-O", "/proc/self/fd/1", $url], cwd: "/", user: {uid: 0, gid: 0}},
			root: {path: "rootfs", readonly: true},
			mounts: [{destination: "/proc", type: "proc", source: "proc"}],
			linux: {namespaces: [{type: "mount"}, {type: "pid"}, {type: "ipc"}, {type: "uts"}]}}' >"$1/config.json"
}

# in_pod_cgroup ID COMMAND...: in the cgroup that the kubelet and containerd make.
in_pod_cgroup() {
	local path=$work/unified/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${pod_uid//-/_}.slice/cri-containerd-$1.scope
	shift
	mkdir -p "$path" && (echo $BASHPID >"$path/cgroup.procs" && "$@")
}

# The kernel refuses to remove a cgroup of which a process is left.
remove_cgroups() {
	local slice=$work/unified/kubepods.slice
	rmdir "$slice"/*/*"${pod_uid//-/_}".slice/*.scope "$slice"/*/*"${pod_uid//-/_}".slice "$slice"/kubepods-burstable.slice "$slice"
	true
} 2>/dev/null

# In the node's network: a pod with hostNetwork. In a network of the pod's own, another one.
callers() {
	mkdir -p "$work/unified" && mount -t cgroup2 cgroup2 "$work/unified" || return
	caller_bundle "$work/agent" "$(target host-network)" && in_pod_cgroup "$host_container" run_container "$work/agent" "agent-$$" &&
		caller_bundle "$bundle" "$(target pod)" '{"io.kubernetes.cri.container-name": "web", "io.kubernetes.cri.sandbox-name": "orders-5d8c7f9b6c-x7x2k",
			"io.kubernetes.cri.sandbox-namespace": "shop"}' &&
		"$WIRE" --serve optional bash -c 'require_private && in_pod_cgroup "$pod_container" run_container "$bundle" "web-$$"'
	status=$?
	remove_cgroups
	return $status
}
export -f caller_bundle in_pod_cgroup remove_cgroups callers

remove_traces_of_it() {
	rm -rf --one-file-system "$bundle"
	rm -f "$log"
	rmdir -p "${bundle%/*}" "${log%/*}" 2>/dev/null
	clean_up
}
trap remove_traces_of_it EXIT

# contained NAME: starts the tracer of the bundle in $work/NAME.
contained() {
	run_container "$work/$1" "$1-$$" >"$work/$1.out" 2>"$work/$1.err" </dev/null &
	started[$1]=$!
}

end_contained() {
	kill -TERM "$(jq .pid "$work/crun/$1-$$/status")"
	ended "$1"
}

# lacks CAPABILITY STATUS PATTERN: what doctor says in the same container without it.
lacks() {
	bundle_of base "without_$1" "$1" && jq '.process.args = ["/imdstrace", "doctor"]' "$work/without_$1/config.json" >"$work/config" &&
		mv "$work/config" "$work/without_$1/config.json"
	run_container "$work/without_$1" "without-$1-$$" >"$work/lacks" 2>&1
	equal status "$2" $? && grep -qE "$3" "$work/lacks" && return
	cat "$work/lacks"
	return 1
}

# is_told NAME ID: by its cgroup.
is_told() {
	holds "$work/node.json" "[.callers[] | select(.paths[].path | endswith(\"?$tag-$1\"))]
		| length == 1 and .[0].container.runtime == \"containerd\" and .[0].container.id == \"$2\" and .[0].pod.uid == \"$pod_uid\""
}

node_files() {
	equal 'mode of the report' 600 "$(stat -c %a "$reports/report.json")" &&
		equal 'mode of the metrics' 644 "$(stat -c %a "$reports/report.json.prom")" &&
		grep -q '^imdstrace_calls_total' "$reports/report.json.prom"
}

# --- All of it ---------------------------------------------------------------------------------------

need_tools
for overlay in base overlays/node-exporter overlays/selinux; do
	check "$overlay is what the Kubernetes API takes" rendered_is_valid $overlay
done
check 'a field that the API does not know would be found' spoiled hidden 's/hostPID:/hostPid:/' hostPid
check 'and a value of another type' spoiled typed 's/terminationGracePeriodSeconds: .*/terminationGracePeriodSeconds: long/' terminationGracePeriodSeconds

check 'the image is built' unpack_image
check 'it holds the program and the licence alone' holds_the_program_alone

mkdir -p "${log%/*}" && : >"$log"
check 'the container of the DaemonSet' bundle_of node-exporter node
reports=$work/node/node/var/lib/imdstrace
contained node
need_traces node
check 'callers in pods are answered' serve optional unshare --mount --propagation private bash -c callers
end_contained node
check 'the container ends with 0' ended_with node 0
check 'it complains of nothing' equal lines 1 "$(lines_said "$work/node.err")"
"$IMDSTRACE" report --format json -o "$work/node.json" "$reports/report.json"
check 'the pod is told' is_told pod "$pod_container"
check 'a pod with hostNetwork is told, too' is_told host-network "$host_container"
check 'the report and the metrics are on the node' node_files

check 'without BPF nothing is traced' lacks BPF 3 CAP_BPF
check 'without PERFMON nothing is traced' lacks PERFMON 3 CAP_PERFMON
check 'without NET_ADMIN responses are not seen' lacks NET_ADMIN 0 'esponses.*(no|not)'
check 'without SYS_PTRACE names would be missing' lacks SYS_PTRACE 0 'names'
finish
