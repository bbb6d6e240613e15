#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# A trace beside calls of every class at a steady rate for SOAK_SECONDS (150), while rehearsals begin and
# end: a while after, when it keeps none of the processes any more, it has the memory that it had before
# the first call, and no entry in its maps; and every count is right.
# What stands in single quotes is for jq, or expanded where it runs.
# shellcheck disable=SC2016
set -u
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/../e2e/lib.sh"
# shellcheck source=tests/e2e/bounds.sh
. "$here/bounds.sh"

seconds=${SOAK_SECONDS:-150}
rate=${SOAK_RATE:-1000}
lingering=100 # seconds by which a process that is gone is noticed (30) and forgotten (60)
PATIENCE=$((2 * seconds)) # a slow machine makes as many calls, in more time
export seconds rate

# The code and the buffers of the first call and the first save, and pages that are not quite empty.
MEMORY_SLACK=2048 # KiB

soak() {
	"$WIRE" --soak "$seconds" --rate "$rate" >"$work/counts"
}

# A program of its own, so that the report tells it apart.
rehearse_until_end() {
	local round=0
	cp "$WIRE" "$work/rehearsed"
	while [ ! -e "$work/over" ]; do
		round=$((round + 1))
		timeout 60 "$IMDSTRACE" rehearse -q -o "$work/rehearsal.json" -- "$work/rehearsed" --soak 5 --rate 20 \
			>>"$work/rehearsals" 2>>"$work/rehearsals.err" </dev/null
		local status=$?
		[ $status = 1 ] || echo "rehearsal $round: status $status, not 1, though its calls without a token were rejected" >>"$work/failures"
		rm -f "$work/rehearsal.json"
		sleep 3
	done
}
export -f soak rehearse_until_end

all_of_it() {
	rehearse_until_end &
	soak
	local status=$?
	touch "$work/over"
	wait
	return $status
}
export -f all_of_it

nothing_in_maps() {
	entries "$work/entries"
	[ -s "$work/entries" ] && awk '$2 > 0 { exit 1 }' "$work/entries"
}

maps >"$work/before"
trace soak --quiet --output "$work/soak.json"
need_traces soak
sleep 2
resident "${started[soak]}" >"$work/resident.first"
maps | comm -13 "$work/before" - >"$work/maps"
: >"$work/failures"
serve optional all_of_it 2>"$work/said" &
started['traffic']=$!
until_so is_over "${started[traffic]}"
wait "${started[traffic]}"
echo $? >"$work/traffic.status"
unset 'started[traffic]'
resident "${started[soak]}" >"$work/resident.busy"
sleep "$lingering"
# What the kernel ends late, such as a socket in FIN_WAIT2, is counted and forgotten once more.
PATIENCE=60 until_so nothing_in_maps
echo $? >"$work/left.status"
resident "${started[soak]}" >"$work/resident.last"
stop soak

maps_are_empty() {
	cat "$work/entries"
	[ "$(cat "$work/left.status")" = 0 ]
}

all_were_answered() {
	cat "$work/said"
	[ "$(cat "$work/traffic.status")" = 0 ]
}

rehearsals_went_well() {
	cat "$work/failures" "$work/rehearsals.err"
	[ ! -s "$work/failures" ] && [ "$(wc -l <"$work/rehearsals")" -ge 1 ]
}

no_more_memory() {
	echo "KiB before: $(cat "$work/resident.first"), at the last call: $(cat "$work/resident.busy"), a minute after: $(cat "$work/resident.last")"
	[ "$(cat "$work/resident.last")" -le $(($(cat "$work/resident.first") + MEMORY_SLACK)) ]
}

every_count_is_right() {
	local counts
	counts=$(cat "$work/counts")
	holds "$work/soak.json" '[.callers[] | select(.exe == $wire or (.name // "" | startswith("soak-")))]
		| [.[].calls] | {v1: map(.v1) | add, v2: map(.v2) | add, token: map(.token) | add, foreign: map(.foreign) | add,
			unknown: map(.unknown) | add} | . == $counts' \
		--arg wire "$WIRE" --argjson counts "$counts" && return
	echo "called: $counts"
	jq -c '.totals, (.callers[] | [.name, .exe, .calls])' "$work/soak.json" | head -n 20
	return 1
}

check 'every call was answered' all_were_answered
check 'rehearsals begin and end beside it' rehearsals_went_well
check 'the trace ends well' ended_with soak 0
check 'every count is right' every_count_is_right
check 'nothing was lost' holds "$work/soak.json" '.totals.lost == 0 and .totals.missed == 0'
check 'the memory is that of before' no_more_memory
check 'nothing is left in the maps' maps_are_empty
echo "calls $(cat "$work/counts"), rehearsals $(wc -l <"$work/rehearsals")"
no_more_memory
maps_are_empty
finish
