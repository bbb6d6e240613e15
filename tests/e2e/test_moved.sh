#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# A machine that becomes another instance while it is traced, as a resumed snapshot does: another
# window begins, of another host. The tracer has a /run of its own, which says which instance it is.
# What stands in single quotes is for jq, or expanded where it runs.
# shellcheck disable=SC2016
set -u
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
need_private_mounts
if [ -s /sys/devices/virtual/dmi/id/board_asset_tag ] && grep -q '^i-' /sys/devices/virtual/dmi/id/board_asset_tag; then
	skip_all "this is an instance, whose board says which"
fi

instance_data() {
	mkdir -p "$2/run/cloud-init"
	echo "{\"v1\": {\"cloud_name\": \"aws\", \"region\": \"eu-west-1\", \"instance_id\": \"$1\"}}" >"$2/run/cloud-init/new"
	mv "$2/run/cloud-init/new" "$2/run/cloud-init/instance-data.json"
}
on_instance() {
	mount -t tmpfs tmpfs /run && instance_data i-0000000000000001 "" || return
	exec "$IMDSTRACE" trace --quiet --output "$work/moved.json" --interval 1s 2>"$work/moved.err" </dev/null
}
export -f instance_data on_instance

unshare --mount --propagation private --pid --fork --mount-proc --kill-child bash -c on_instance &
started[moved]=$!
need_traces moved
tracer=$(pgrep -P "${started[moved]}")
prepare 'a call is sent on the first instance' serve optional client before curl -sS "$(target before)"
in_file() {
	jq -e "$1" "$work/moved.json"
}
until_so in_file '.totals.v1 >= 1'
instance_data i-0000000000000002 "/proc/$tracer/root"
kill -HUP "$tracer"
until_so in_file '.windows | length == 2'
prepare 'a call is sent on the second instance' serve optional client after curl -sS "$(target after)"
kill -TERM "$tracer"
ended moved

check 'a trace goes on when the machine becomes another instance, and ends well' ended_with moved 0
check 'each instance that the machine was is a host' holds "$work/moved.json" '[.hosts[].instance_id] == ["i-0000000000000001", "i-0000000000000002"]'
check 'each instance that the machine was has a window of its own' holds "$work/moved.json" '.windows | length == 2 and .[0].id != .[1].id and .[0].boot_id == .[1].boot_id
	and (map(.instance_id) == ["i-0000000000000001", "i-0000000000000002"]) and .[0].end <= .[1].start'
check 'no call is lost between two instances' holds "$work/moved.json" '[.callers[].paths[] | select(.path | endswith("-before") or endswith("-after"))] | length == 2'
check 'each instance that the machine was has to be watched for long enough' holds "$work/moved.json" '[.reasons[] | select(test("was watched for"))] | length == 2'

finish
