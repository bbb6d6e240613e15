#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Neighbours that use up what a tracer has room for: 100,000 connections, heads that never end, 10,000
# programs within seconds, arguments of 128 KiB. Memory stays bounded, the calls of others are still
# seen, and what there is no room for is counted.
# What stands in single quotes is for jq, or expanded where it runs.
# shellcheck disable=SC2016
set -u
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/bounds.sh
. "$here/bounds.sh"

CROWD=100000
SWARM=10000
ENDLESS=24 # four of each kind
CALLS=20
export CROWD SWARM ENDLESS CALLS

# What a trace may take more than when it was idle, for what it keeps of the processes that are gone
# (16,384) and of callers (4,096), with their report in the making.
MEMORY_MAX=$((96 * 1024)) # KiB
# For what has no caller.
MEMORY_SLACK=$((4 * 1024))

CURL=$(realpath "$(command -v curl)")
# Each a program of its own, so that the report tells it apart.
for each in during after; do
	cp "$CURL" "$work/$each"
done
mkdir "$work/swarm" && cp "$WIRE" "$work/swarm/wire"

# calls_of NAME: CALLS calls, each by a process and over a connection of its own.
calls_of() {
	for _ in $(seq "$CALLS"); do
		"$work/$1" -sS -o /dev/null --max-time 20 "$target" || return
	done
}
target=$(target neighbour)
export target

# beside KIND OPTION...: neighbours stay for as long as others call. A connection that was there
# before calls meanwhile, too.
cat >"$work/kept.py" <<'SCRIPT'
import http.client, os, sys, time
endpoint = http.client.HTTPConnection("169.254.169.254", timeout=20)
endpoint.connect()
open(sys.argv[1] + ".open", "w").close()
while not os.path.exists(sys.argv[1] + ".call"):
    time.sleep(0.02)
for _ in range(int(sys.argv[2])):
    endpoint.request("GET", "/latest/meta-data/ami-id")
    endpoint.getresponse().read()
SCRIPT
beside() {
	local kind=$1 kept=$work/$1.kept neighbours
	shift
	mkfifo "$work/$kind.go"
	python3 "$work/kept.py" "$kept" "$CALLS" &
	until_so test -e "$kept.open" || return
	"$WIRE" "$@" <"$work/$kind.go" >"$work/$kind.count" &
	neighbours=$!
	exec 9>"$work/$kind.go"
	until_so test -s "$work/$kind.count" && calls_of during && touch "$kept.call" || return
	wait %1 || return
	exec 9>&-
	wait "$neighbours" && calls_of after
}
swarm() {
	cd "$work/swarm" && ./wire --swarm "$SWARM" && calls_of after
}
crowd_passes() {
	"$WIRE" --crowd "$CROWD" </dev/null >"$work/passed.count" && calls_of after
}
export -f calls_of beside swarm crowd_passes until_so
export PATIENCE

# traced NAME MODE FUNCTION [ARGUMENT...]: a trace of that, and what it holds before, then and once it is quiet.
traced() {
	local name=$1 mode=$2
	shift 2
	maps >"$work/maps.before"
	trace "$name" --quiet --output "$work/$name.json" --interval 1s
	need_traces "$name"
	maps | comm -13 "$work/maps.before" - >"$work/maps"
	resident "${started[$name]}" >"$work/$name.idle"
	prepare "$name: all of it is sent" serve "$mode" "$@"
	resident "${started[$name]}" >"$work/$name.resident"
	check "$name: what is closed and read leaves nothing in the maps" until_so gone_from_maps
	stop "$name"
	check "$name: the trace ends well" ended_with "$name" 0
}
gone_from_maps() {
	entries "$work/now" && awk '($1 == "connections" || $1 == "identities") && $2 > 0 { exit 1 }' "$work/now"
}

# Sanitizers keep memory that was freed.
memory() {
	local name=$1 most=$2 what
	what="$name: memory stays bounded"
	if grep -qa __asan_init "$IMDSTRACE"; then
		skip "$what" 'a sanitizer keeps memory that was freed'
	else
		check "$what" within "$(cat "$work/$name.resident")" $(($(cat "$work/$name.idle") + most))
	fi
}
within() {
	echo "$1 KiB, of $2"
	[ "$1" -le "$2" ]
}

# exactly PROGRAM: its calls are each v1, and nothing of it is unknown.
exactly() {
	echo "[.callers[] | select(.exe == \"$work/$1\").calls] | (map(.v1) | add) == $CALLS and (map(.unknown) | add) == 0"
}
kept_exactly='[.callers[] | select(.script == env.work + "/kept.py").calls] | length == 1 and .[0].v1 == (env.CALLS | tonumber) and .[0].unknown == 0'

# --- Connections -------------------------------------------------------------------------------

traced passed optional crowd_passes
check 'passed: 100,000 connections come and go' equal opened $CROWD "$(cat "$work/passed.count")"
check 'passed: every call behind them is seen' holds "$work/passed.json" "$(exactly after)"
check 'passed: nothing is unknown, and none is missed' holds "$work/passed.json" '.totals | .unknown == 0 and .missed == 0 and .lost == 0'
memory passed $MEMORY_SLACK

traced crowd optional beside crowd --crowd "$CROWD" --hold
echo "$(cat "$work/crowd.count") connections were open at once"
check 'crowd: what does not fit the table is counted' holds "$work/crowd.json" \
	'.totals.missed_by_kind.connections >= ($held | tonumber) - 1024 and (.reasons | any(test("not tracked")))' --arg held "$(cat "$work/crowd.count")"
check 'crowd: every call meanwhile is counted for who sent it' holds "$work/crowd.json" \
	"[.callers[] | select(.exe == \"$work/during\").calls] | (map(.v1 + .unknown) | add) == $CALLS"
check 'crowd: a call that could not be read is unknown for that reason alone' holds "$work/crowd.json" '.totals.unknown == .totals.unknown_by_reason.untracked'
check 'crowd: every call of a connection that was there before is seen' holds "$work/crowd.json" "$kept_exactly"
check 'crowd: every call afterwards is seen' holds "$work/crowd.json" "$(exactly after)"
memory crowd $MEMORY_SLACK

# --- Heads that never end ----------------------------------------------------------------------

traced endless optional beside endless --endless "$ENDLESS"
# Empty lines are the beginning of no head: only an answer to them tells that the service saw one.
check 'endless: each head that does not end is unknown once, for its reason' holds "$work/endless.json" '
	(env.ENDLESS | tonumber / 6) as $each | (if .windows[0].responses then $each else 0 end) as $unasked
	| .totals | .unknown == 5 * $each + $unasked
	and (.unknown_by_reason | .oversized == 4 * $each and .incomplete == $each and .unasked == $unasked)'
check 'endless: every call meanwhile is seen' holds "$work/endless.json" "$(exactly during)"
check 'endless: every call of a connection that was there before is seen' holds "$work/endless.json" "$kept_exactly"
check 'endless: every call afterwards is seen' holds "$work/endless.json" "$(exactly after)"
memory endless $MEMORY_SLACK

# --- Processes ---------------------------------------------------------------------------------

traced swarm optional swarm
check 'swarm: each call is counted, as what it is' holds "$work/swarm.json" ".totals | .v1 == $SWARM + $CALLS and .unknown == 0"
# A slow machine identifies fewer, and says so.
check 'swarm: the callers are as many as there may be, and one for the rest' holds "$work/swarm.json" \
	'. as $report | (.callers | length == 4097 or (length < 4097 and $report.totals.missed_by_kind.processes > 0)) and ([.callers[].calls.v1] | add) == .totals.v1'
check 'swarm: a process that was not identified is counted' holds "$work/swarm.json" \
	'([.callers[] | select(.name == "?").processes] | add // 0) <= .totals.missed_by_kind.processes'
memory swarm $MEMORY_MAX

finish
