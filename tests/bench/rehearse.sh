#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What a request takes inside the scope of a rehearsal, outside of it, beside a trace and without any of
# them: ROUNDS (7) of all four, each of which is first in its turn, over one connection that the client
# keeps. The ratios are medians of those within each round. Client and service stay on one processor,
# because it would otherwise be the scheduler's choice whether an answer has to wake another one up,
# which takes longer than all that is measured here; who traces is on another one. Comes in: $IMDSTRACE,
# $WIRE, $CALLS.
#
# $pinned and $elsewhere are several words each, and what stands in single quotes is awk's.
# shellcheck disable=SC2086,SC2016
set -u
rounds=${ROUNDS:-7} count=${COUNT:-20000}
# shellcheck source=tests/bench/lib.sh
. "$(dirname "$0")/lib.sh"
sleep 10000 &
somebody=$! # who is in the scope, where the client is not
trap 'stop_beside; kill $somebody; rm -rf "$work"' EXIT
pinned="taskset -c $(cpu last)"
elsewhere="taskset -c $(cpu first)"

# took COMMAND...: the microseconds that it prints.
took() {
	"$@" 2>"$work/said" || { cat "$work/said" >&2 && exit 1; }
}

calls() {
	took $pinned "$WIRE" --serve optional "$CALLS" "$count" "$1"
}

none() {
	calls "$1"
}

trace() {
	beside $elsewhere "$IMDSTRACE" trace -q
	calls "$1"
	stop_beside
}

outside() {
	beside $elsewhere "$IMDSTRACE" rehearse -q --pid $somebody -d 1h
	calls "$1"
	stop_beside
}

# What a rehearsal found is no error here: it ends with 1, because the client does not recover.
rehearsed() {
	$elsewhere "$IMDSTRACE" rehearse -q -- $pinned "$WIRE" --serve optional "$CALLS" "$count" "$1"
	[ $? != 3 ]
}

inside() {
	took rehearsed "$1"
}

ways=(none trace outside inside)

# "NONE TRACE OUTSIDE INSIDE" of one round.
round() {
	local class=$1 number=$2 i way
	declare -A got=()
	for i in 0 1 2 3; do
		way=${ways[$(((i + number) % 4))]}
		"$way" "$class" >"$work/got"
		got[$way]=$(tail -n 1 "$work/got")
	done
	echo "${got[none]} ${got[trace]} ${got[outside]} ${got[inside]}"
}

for number in $(seq "$rounds"); do
	for class in v1 v2; do
		round $class "$number" >>"$work/$class"
	done
done

# row NAME FIELD
row() {
	printf '%-37s %7.1f us %7.3f %7.1f us %7.3f\n' "$1" \
		"$(median "\$$2" "$work/v1")" "$(median "\$$2 / \$1" "$work/v1")" \
		"$(median "\$$2" "$work/v2")" "$(median "\$$2 / \$1" "$work/v2")"
}
printf '%-37s %10s %7s %10s %7s\n' "a request and its answer" "no token" ratio "a token" ratio
row "neither traced nor rehearsed" 1
row "beside a trace" 2
row "outside the scope of a rehearsal" 3
row "in the scope of a rehearsal" 4
echo "In the scope, a call without a token gets its line, and the answer 401."
