#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What a request takes inside the scope of a rehearsal, outside of it, beside a trace and without any of
# them: the best of ROUNDS (5), in turns, over one connection that the client keeps. Comes in:
# $IMDSTRACE, $WIRE, $CALLS.
set -u
rounds=${ROUNDS:-5} count=${COUNT:-2000}
declare -A best=()
work=$(mktemp -d)
beside=
sleep 10000 &
somebody=$! # who is in the scope, where the client is not
trap 'kill $somebody $beside 2>/dev/null; rm -rf "$work"' EXIT

# took NAME COMMAND...: prints microseconds; the least counts.
took() {
	local name=$1 got
	shift
	got=$("$@" 2>"$work/said") || { cat "$work/said" >&2 && exit 1; }
	[ -n "${best[$name]-}" ] && awk "BEGIN { exit !(${best[$name]} <= $got) }" || best[$name]=$got
}

# beside COMMAND...: runs it until the next one.
beside() {
	"$@" >"$work/beside" 2>&1 &
	beside=$!
	until grep -qE '^imdstrace: (tracing|rehearsing)' "$work/beside"; do
		kill -0 "$beside" || { cat "$work/beside" >&2 && exit 1; }
		sleep 0.1
	done
}

alone() {
	kill "$beside"
	wait "$beside"
	beside=
}

inside() {
	"$IMDSTRACE" rehearse -q -o "$work/report" -- "$WIRE" --serve optional "$CALLS" "$count" "$1"
	rm -f "$work/report"
	[ -s "$work/said" ]
}

for _ in $(seq "$rounds"); do
	for class in v1 v2; do
		took "none $class" "$WIRE" --serve optional "$CALLS" "$count" "$class"
		beside "$IMDSTRACE" trace -q --output "$work/report"
		took "trace $class" "$WIRE" --serve optional "$CALLS" "$count" "$class"
		alone
		rm -f "$work/report"
		beside "$IMDSTRACE" rehearse -q --pid $somebody -d 1h
		took "outside $class" "$WIRE" --serve optional "$CALLS" "$count" "$class"
		alone
		took "inside $class" inside "$class"
	done
done

# row NAME KEY
row() {
	printf '%-40s %8.1f us %8.3f %12.1f us %8.3f\n' "$1" "${best[$2 v1]}" \
		"$(awk "BEGIN { print ${best[$2 v1]} / ${best[none v1]} }")" "${best[$2 v2]}" \
		"$(awk "BEGIN { print ${best[$2 v2]} / ${best[none v2]} }")"
}
printf '%-40s %11s %8s %15s %8s\n' "a request and its answer" "no token" ratio "with a token" ratio
row "neither traced nor rehearsed" none
row "beside a trace" trace
row "outside the scope of a rehearsal" outside
row "in the scope of a rehearsal" inside
echo "In the scope, a call without a token gets its line, and the answer 401."
