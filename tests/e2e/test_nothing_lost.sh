#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What happens to a trace, and takes nothing with it: standard streams that are closed, a reader that is
# slow, a disk that becomes read-only, and kill -9 at any moment (KILLS of them, 6).
# What stands in single quotes is for jq, or expanded where it runs.
# shellcheck disable=SC2016
set -u
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
need_private_mounts

KILLS=${KILLS:-6}
calls() {
	for _ in $(seq "$1"); do
		v1 || return
	done
}
export -f calls

# --- Closed streams, a slow reader -----------------------------------------------------------------

# closed NAME STREAMS OPTION...: a trace that was started with these standard streams closed.
closed() {
	local name=$1 streams=$2
	shift 2
	(
		exec 2>"$work/$name.err" >"$work/$name.out"
		for each in $streams; do
			eval "exec $each>&-"
		done
		exec "$IMDSTRACE" trace --all --output "$work/$name.json" --interval 1s "$@"
	) </dev/null &
	started[$name]=$!
}
# No faster than a line in 10 ms.
slowly() {
	local line
	while read -r line; do
		echo "$line"
		sleep 0.01
	done
}

# A disk of its own, in a mount namespace of its own.
on_read_only_disk() {
	mkdir -p "$work/disk"
	mount -t tmpfs tmpfs "$work/disk" || return
	"$IMDSTRACE" trace --quiet --output "$work/disk/report.json" --interval 1s 2>"$work/disk.err" &
	until_so grep -q '"v1":1,' "$work/disk/report.json"
	mount -o remount,ro "$work/disk" || return
	cp "$work/disk/report.json" "$work/before.json"
	touch "$work/read-only"
	until_so grep -q report.json "$work/disk.err"
	cp "$work/disk/report.json" "$work/meanwhile.json"
	touch "$work/said"
	until_so test -e "$work/writable"
	mount -o remount,rw "$work/disk" || return
	until_so grep -q '"v1":2,' "$work/disk/report.json"
	kill -TERM $!
	wait $!
	echo $? >"$work/disk.status"
	ls -A "$work/disk" >"$work/disk.files"
}
export -f on_read_only_disk until_so
export PATIENCE

closed no-stdout '1' --json
closed no-streams '0 1 2'
mkfifo "$work/slow.pipe"
slowly <"$work/slow.pipe" >"$work/slow.out" &
started[reader]=$!
"$IMDSTRACE" trace --json --output "$work/slow.json" >"$work/slow.pipe" 2>"$work/slow.err" </dev/null &
started[slow]=$!
unshare --mount --propagation private bash -c on_read_only_disk >"$work/disk.said" 2>&1 &
started[disk]=$!
env --block-signal "$IMDSTRACE" trace --quiet --output "$work/blocked.json" 2>"$work/blocked.err" </dev/null &
started[blocked]=$!
mkfifo "$work/full.pipe"
exec 8<>"$work/full.pipe"
dd if=/dev/zero of="$work/full.pipe" bs=64K count=1 oflag=nonblock status=none
trace full --quiet --output "$work/full.pipe"
need_traces no-stdout slow blocked full
until_so test -s "$work/no-streams.json"
until_so test -s "$work/disk/report.json" -o -s "$work/disk.err"
sleep 1
serve optional calls 1 || exit 1
until_so test -e "$work/read-only"
serve optional calls 1 || exit 1
until_so test -e "$work/said"
touch "$work/writable"
serve optional calls 98 || exit 1
stop no-stdout
stop no-streams
stop slow
stop blocked
stop full
exec 8>&-
ended reader
ended disk

counted() {
	holds "$work/$1.json" '[.callers[] | select(any(.paths[]; .path | contains(env.tag))).calls.v1] | add == 100'
}
check 'a trace without standard output counts every call, and ends well' all 'ended_with no-stdout 0' 'counted no-stdout'
check 'a trace without any standard stream counts every call, and ends well' all 'equal status 0 "$(cat "$work/no-streams.status")"' 'counted no-streams'
check 'a slow reader gets every call, and the report has it' all 'ended_with slow 0' 'counted slow' \
	'holds <(jq -s . "$work/slow.out") "[.[] | select(.path // \"\" | contains(env.tag))] | length == 100"'
check 'a slow reader holds nothing up that would have to be said' equal 'lines on stderr' 1 "$(lines_said "$work/slow.err")"
check 'SIGTERM ends a trace that was started with signals blocked' all 'ended_with blocked 0' 'counted blocked'
check 'SIGTERM ends a trace whose report goes to a pipe that nobody reads' all 'ended_with full 2' \
	'grep -q "its reader takes nothing" "$work/full.err"'
disk_goes_on() {
	cat "$work/disk.said"
	equal 'exit status' 0 "$(cat "$work/disk.status")" && equal files report.json "$(cat "$work/disk.files")"
}
check 'a disk that becomes read-only: the report keeps its last state' cmp "$work/before.json" "$work/meanwhile.json"
check 'a disk that becomes read-only: it is said once' all 'equal "lines on stderr" 2 "$(lines_said "$work/disk.err")"' \
	'grep -q "^imdstrace: .*report.json.*Read-only file system" "$work/disk.err"'
check 'a disk that becomes read-only: the report goes on once it can be written' disk_goes_on

# --- kill -9 -----------------------------------------------------------------------------------

killed=$work/killed/report.json
mkdir "$work/killed"

call_until_end() {
	until [ -e "$work/end" ]; do
		v1
		sleep 0.02
	done
}
export -f call_until_end

# The counts of the file: nothing of it may ever be taken back.
kept() {
	[ ! -s "$killed" ] || jq -r '"\(.totals.v1) \(.windows | length)"' "$killed"
}
# kill_at MOMENT: a trace that continues the file, killed before it has begun, while it traces, or while
# it saves.
kill_at() {
	local name=killed before after status
	before=$(kept)
	trace $name --quiet --output "$killed" --interval 1s
	case $1 in
	beginning) sleep "0.$((RANDOM % 5))" ;;
	tracing) traces $name && sleep "$((RANDOM % 2)).$((RANDOM % 10))" ;;
	saving) traces $name && sleep 0.5 && kill -HUP "${started[$name]}" && sleep "0.00$((RANDOM % 10))" ;;
	esac
	kill -KILL "${started[$name]}"
	wait "${started[$name]}" 2>/dev/null
	unset "started[$name]"
	# Made before the hooks were attached, and not written to yet: the next trace begins there.
	[ -s "$killed" ] || [ -n "$before" ] || return 0
	"$IMDSTRACE" check --min-window 0s "$killed" >"$work/check.said" 2>&1
	status=$?
	after=$(kept)
	echo "$1: before $before, after $after, check $status"
	# Where nobody called before the kill, nothing blocks.
	[ $status = 1 ] || { [[ $status = [04] ]] && [ "${after% *}" = 0 ]; } || { cat "$work/check.said" && return 1; }
	[ -z "$before" ] || { [ "${after% *}" -ge "${before% *}" ] && [ "${after#* }" -ge "${before#* }" ]; }
}

serve optional call_until_end >"$work/calling" 2>&1 &
started[calling]=$!
for round in $(seq $((KILLS / 3))); do
	for moment in beginning tracing saving; do
		check "kill -9 while $moment, time $round: the file is a report that lacks nothing that it had" kill_at $moment
	done
done
touch "$work/end"
ended calling
before=$(kept)
trace resumed --quiet --output "$killed"
need_traces resumed
serve optional calls 5 || exit 1
stop resumed
resumes() {
	equal 'exit status' 0 "$(cat "$work/resumed.status")" && echo "before: $before, now: $(kept)" &&
		[ "$(kept)" = "$((${before% *} + 5)) $((${before#* } + 1))" ]
}
check 'after kill -9 the next trace continues the file, exactly' resumes

# One that is whole may be left: the kill came between its two names.
no_part_left() {
	local each
	for each in "$work"/killed/.imdstrace-*; do
		[ ! -e "$each" ] || "$IMDSTRACE" report --format json "$each" >/dev/null || return
	done
}
if python3 -c 'import os, sys; os.open(sys.argv[1], os.O_TMPFILE | os.O_WRONLY)' "$work/killed" 2>"$work/unnamed"; then
	check 'kill -9 leaves no part of a file behind' no_part_left
else
	skip 'kill -9 leaves no part of a file behind' 'this file system has no files without a name'
fi

finish
