#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# A trace beside calls of every class at a steady rate for SOAK_SECONDS (150), while rehearsals begin and
# end: at the end it has no more memory and no more map entries than after its first 90 seconds, by
# when the first of the processes that it keeps for a minute are gone; and every count is right.
# What stands in single quotes is for jq, or expanded where it runs.
# shellcheck disable=SC2016
set -u
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/../e2e/lib.sh"
# shellcheck source=tests/e2e/bounds.sh
. "$here/bounds.sh"

seconds=${SOAK_SECONDS:-150}
rate=${SOAK_RATE:-1000}
settling=90
PATIENCE=$((seconds + 60))
export seconds rate

# What an allocator keeps from one moment to the next.
MEMORY_SLACK=512 # KiB

# What the connections that are closed leave behind goes within seconds.
measure() {
	resident "${started[soak]}" >"$work/resident.$1"
	entries "$work/entries.$1"
}

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

maps >"$work/before"
trace soak --quiet --output "$work/soak.json"
need_traces soak
maps | comm -13 "$work/before" - >"$work/maps"
: >"$work/failures"
serve optional all_of_it 2>"$work/said" &
started['traffic']=$!
sleep "$settling"
measure first
until_so is_over "${started[traffic]}"
wait "${started[traffic]}"
echo $? >"$work/traffic.status"
unset 'started[traffic]'
sleep 5
measure last
stop soak

all_were_answered() {
	cat "$work/said"
	[ "$(cat "$work/traffic.status")" = 0 ]
}

rehearsals_went_well() {
	cat "$work/failures" "$work/rehearsals.err"
	[ ! -s "$work/failures" ] && [ "$(wc -l <"$work/rehearsals")" -ge 1 ]
}

no_more_memory() {
	echo "KiB after 90 seconds: $(cat "$work/resident.first"), at the end: $(cat "$work/resident.last")"
	[ "$(cat "$work/resident.last")" -le $(($(cat "$work/resident.first") + MEMORY_SLACK)) ]
}

no_more_entries() {
	paste "$work/entries.first" "$work/entries.last"
	[ -s "$work/entries.first" ] && paste "$work/entries.first" "$work/entries.last" | awk '$4 > $2 { exit 1 }'
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
check 'memory does not grow' no_more_memory
check 'maps do not grow' no_more_entries
echo "calls $(cat "$work/counts"), rehearsals $(wc -l <"$work/rehearsals")"
no_more_memory
no_more_entries
finish
