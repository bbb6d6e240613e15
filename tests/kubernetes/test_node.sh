#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Traces nothing.
#
# The DaemonSet on a node: in a virtual machine, the container with its privileges, mounts and limits names
# the pods that call. On a machine that is a container itself, the node's files may not be seen.
# What stands in single quotes is for jq, or expanded where it runs.
# shellcheck disable=SC2016
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/../e2e/lib.sh"
# shellcheck source=tests/kubernetes/lib.sh
. "$here/../kubernetes/lib.sh"
arch=$(dpkg --print-architecture)

# crun with its libraries, as Debian 12 has it.
runtime_into() {
	local needed
	mapfile -t needed < <("$top/dist/debian.sh" needs bookworm "$arch" crun) &&
		"$top/dist/debian.sh" unpack bookworm "$arch" "$work/crun" "${needed[@]}" && mkdir -p "$1" &&
		tar -C "$work/crun" --exclude=./usr/share -c . | tar -C "$1" -x
}

# bundle NAME [WITHOUT]
bundle() {
	mkdir -p "$work/machine/bundles/$1/rootfs" && cp "$top/build/imdstrace-static" "$work/machine/bundles/$1/rootfs/imdstrace" &&
		manifests "$work/node.yaml" bundle "$work/machine/bundles/$1" '' ${2:+"$2"}
}

# on_the_node: boots it; what it kept is in $work/node.json.
on_the_node() {
	BOOT_TIMEOUT=600 "$top/tests/kernels/boot.sh" 6.1 "$arch" 'PATH=$PATH:/usr/bin sh /node.sh' "$work/machine/"* \
		"$here/../kubernetes/node.sh" "$here/../kernels/lib.sh" >"$work/said" 2>&1
	status=$?
	sed -n 's/^report //p' "$work/said" >"$work/node.json"
	[ $status = 0 ] || { grep -v '^report ' "$work/said" && return 1; }
}

# is_named NAME NETWORK RUNTIME CONTAINER NAMESPACE POD
is_named() {
	holds "$work/node.json" '[.callers[] | select(.paths[].path | endswith("?" + $name))] | length == 1 and (.[0] |
		.network == $network and .container.runtime == $runtime and .container.name == (if $container == "" then null else $container end)
		and .pod.namespace == $namespace and .pod.name == $pod)' \
		--arg name "$1" --arg network "$2" --arg runtime "$3" --arg container "$4" --arg namespace "$5" --arg pod "$6"
}

need_tools
prepare 'a runtime for the machine' runtime_into "$work/machine"
prepare 'the manifest' render overlays/node-exporter "$work/node.yaml"
prepare 'the container of the DaemonSet' bundle node
for without in hostPID volumeMounts; do
	prepare "the same without $without" bundle "without-$without" $without
done
prepare 'the machine ends well' on_the_node
sed -nE 's/^(ok|FAILED|SKIP): (.*)/\1 \2: /p' "$work/said" >"$work/cases"
add_cases '' "$work/cases"
check 'containerd: the pod is named' is_named web own containerd web shop orders-5d8c7f9b6c-x7x2k
check 'with hostNetwork, below the cgroups of the kubelet itself: the pod is named' is_named agent host containerd agent monitoring agent-x7x2k
check 'cri-o: the pod is named' is_named nightly own cri-o load batch nightly-28471-abcde
check 'by its logs alone: the pod is named' is_named cache own containerd '' shop cache-0
finish
