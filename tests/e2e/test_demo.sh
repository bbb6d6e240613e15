#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The demo: what it shows, that another trace sees the same, and that nothing of it is left.
# What stands in single quotes is for jq, or expanded where it runs.
# shellcheck disable=SC2016
set -u
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

report=$work/report.json
mkdir "$work/tmp"

# In a cgroup of its own, in which whatever it started would still be found.
demo() {
	mkdir -p "$work/cgroup"
	if mount -t cgroup2 cgroup2 "$work/cgroup" 2>/dev/null; then
		mkdir "$work/cgroup/imdstrace-e2e-$$"
		(
			echo $BASHPID >"$work/cgroup/imdstrace-e2e-$$/cgroup.procs"
			TMPDIR=$work/tmp exec "$IMDSTRACE" demo
		)
		echo $? >"$work/demo.status"
		cp "$work/cgroup/imdstrace-e2e-$$/cgroup.procs" "$work/left"
		rmdir "$work/cgroup/imdstrace-e2e-$$"
	else
		TMPDIR=$work/tmp "$IMDSTRACE" demo
		echo $? >"$work/demo.status"
	fi
}
export -f demo

# Where the demo's clients live, and where temporary files do. What others put there meanwhile has
# other names.
leftovers() {
	find /opt /srv /mnt /tmp "$work/tmp" -xdev -maxdepth 1 \( -name '*imdstrace*' -o -name legacy-backup -o \
		-name modern-agent -o -name container-sdk -o -name cloud-detector \) 2>/dev/null | sort
	find "$work/tmp" -mindepth 1
}

leftovers >"$work/before"
trace beside --quiet --output "$report"
need_traces beside
# Whoever starts it may have ignored SIGCHLD.
env --ignore-signal=CHLD "$IMDSTRACE" demo --json >"$work/json.out" 2>"$work/json.err" </dev/null &
started[json]=$!
if may_mount; then
	unshare=(unshare --mount --propagation private)
else
	unshare=()
fi
"${unshare[@]}" bash -c demo >"$work/demo.out" 2>"$work/demo.err" </dev/null
ended json
stop beside
leftovers >"$work/after"

check 'the demo ends well' ended_with demo 0
check "the demo's verdict is BLOCKED" grep -q '^BLOCKED ' "$work/demo.out"
check 'the demo names its four callers, each with its pattern' all \
	'grep -qE "legacy-backup .*v1-only" "$work/demo.out"' 'grep -qE "container-sdk .*fallback" "$work/demo.out"' \
	'grep -q modern-agent "$work/demo.out"' 'grep -q cloud-detector "$work/demo.out"'
check 'the demo ends with a rehearsal, of a client that breaks and one that goes on' all \
	'tr -s " \n" " " <"$work/demo.out" | grep -q "legacy-backup: 5 calls refused, and it did not go on with a token[^:]*: breaks at the switch"' \
	'tr -s " \n" " " <"$work/demo.out" | grep -q "frugal-agent: 1 call refused, then it asked for a token and went on[^:]*: survives the switch"'
check 'who survives the rehearsal has nothing to change' all \
	'tr -s " \n" " " <"$work/demo.out" | grep -q "Nothing has to change before the switch: frugal-agent survives it"' \
	'not grep -q EMPTY "$work/demo.out"'
check 'the demo says what to do next' grep -q -- '--http-tokens required' "$work/demo.out"
check 'the demo prints no escape codes into a pipe' not grep -q $'\e' "$work/demo.out"

# caller NAME FILTER: what holds for each caller of that name in the other trace, which saw both demos.
caller() {
	jq --arg name "$1" '.callers | map(select(.name == $name)) | if length == 0 then error("nobody") else .[] end' \
		"$report" >"$work/callers" && jq -se "all($2)" "$work/callers" >/dev/null && return
	cat "$work/callers"
	return 1
}
check 'legacy-backup never asks for a token, and is answered' caller legacy-backup '.pattern == "v1-only"
	and .calls.v1 == .outcomes.v1.ok and .calls.v1 > 0 and .calls.token == 0 and .advice == "upgrade-client"
	and .client.name == "boto3" and (.exe | endswith("/legacy-backup"))'
check 'modern-agent speaks IMDSv2 alone' caller modern-agent '.pattern == "v2-only" and .advice == "none"
	and .outcomes.token.ok == .calls.token and .calls.token > 0 and .calls.v2 > 0'
check 'container-sdk gets no token and falls back' caller container-sdk '.pattern == "fallback"
	and .outcomes.token.none == .calls.token and .calls.token > 0 and .outcomes.v1.ok == .calls.v1 and .calls.v1 > 0'
check 'cloud-detector looks for another cloud' caller cloud-detector '.pattern == "foreign-only"
	and .calls.foreign > 0 and .advice == "none"'

json() {
	ended_with json 0 && jq -se 'map(select(.type == "request")) as $lines
		| ["legacy-backup", "modern-agent", "container-sdk", "cloud-detector"] | all(. as $name | $lines | any(.comm == $name))' "$work/json.out"
}
check 'demo --json is lines of JSON and nothing else' json

check 'no process of the demo is left' equal processes '' "$(cat "$work/left" 2>/dev/null)"
check 'no file of the demo is left' diff "$work/before" "$work/after"
no_mounts() {
	not grep -E '^imdstrace ' /proc/self/mounts
}
check 'no mount of the demo is left' no_mounts

# In a chroot that is no mount point, on a machine that shares its mounts, as systemd does it.
chrooted() {
	local root=$work/chroot library
	mkdir -p "$root"/{proc,sys,opt,tmp}
	cp "$IMDSTRACE" "$root/imdstrace"
	for library in $(ldd "$IMDSTRACE" | grep -o '/[^ ]*'); do
		cp -L --parents "$library" "$root"
	done
	mount --make-rshared / && mount -t proc proc "$root/proc" && mount --rbind /sys "$root/sys" || return
	grep -c . /proc/self/mounts >"$work/mounts-before"
	chroot "$root" /imdstrace demo >"$work/chroot.out" 2>&1
	echo $? >"$work/chroot.status"
	grep -c . /proc/self/mounts >"$work/mounts-after"
}
export -f chrooted
chroot_demo() {
	unshare --mount --propagation private bash -c chrooted &&
		equal 'exit status' 0 "$(cat "$work/chroot.status")" && grep -q '^BLOCKED ' "$work/chroot.out" &&
		diff "$work/mounts-before" "$work/mounts-after" && return
	cat "$work/chroot.out"
	return 1
}
if may_mount; then
	check 'the demo works in a chroot that is no mount point, and leaves no mount' chroot_demo
else
	skip 'the demo works in a chroot that is no mount point' 'this is one'
fi

finish
