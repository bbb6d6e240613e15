#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# `rehearse` with every scope: the calls of the scope are rejected, with and without a
# connection that was open before, nobody else's are, and afterwards nobody's.
# Command lines for all() and for other shells.
# shellcheck disable=SC2016
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/rehearse.sh"
need_groups
network optional

id() {
	printf '%032x%032d' "$1" $$
}
unit=imdstrace-e2e-$$.service
pod=0f1c2d3e-4b5a-6978-8796-$(printf %012d $$)
group /system.slice/$unit/worker
group "/system.slice/docker-$(id 1).scope"
group "/kubepods.slice/kubepods-pod${pod//-/_}.slice/cri-containerd-$(id 2).scope"
group /imdstrace-e2e-$$/below
group /imdstrace-e2e-$$-beside

# A rehearsal of one scope with a client in it and one beside it.
# scope NAME GROUP OPTION...
scope() {
	local name=$1 path=$2
	shift 2
	talker in "$path"
	talker out /imdstrace-e2e-$$-beside
	prepare "$name: calls are answered before the rehearsal" all 'hears in v1 200' 'hears out v1 200'
	rehearse "$name" -o "$work/$name.json" "${@//PID/${started[talk-in]}}"
	prepare "$name: the rehearsal begins" rehearses "$name"
	prepare "$name: a connection that was open is covered" hears in 'v1 token v2' '401 200 200'
	prepare "$name: a new connection is covered, and a child's, and one that a child inherited" \
		hears in 'new v1 v1 child shared' '0 401 401 401 401'
	prepare "$name: nobody else is covered" hears out 'v1 new v1 token v2' '200 0 200 200 200'
	stop "$name"
	check "$name: calls are answered after the rehearsal, on open connections, too" all 'hears in "v1 token v2 new v1" "200 200 200 0 200"' \
		'hears out v1 200'
	check "$name: it breaks, because the children did not go on with a token" ended_with "$name" 1
	check "$name: five calls were rejected, none was left out, and the client itself recovered" holds "$work/$name.json" \
		'.rehearsal | [.rejected, .recovered, .not_covered, .verdict] == [5, 1, 0, "breaks"]'
	check "$name: calls of others are not in its report" holds "$work/$name.json" '[.totals.v1, .totals.v2] == [5, 1]
		and ([.timeline[].v1] | add) == 5 and all(.reasons[]; contains("not known") | not)'
	check "$name: it says whose calls are rejected, and how that ends" \
		grep -qE "^imdstrace: rehearsing .* calls of ${name%-*} .*are rejected .*Ctrl-C ends it" "$work/$name.err"
	done_talking in
	done_talking out
}

scope "unit" /system.slice/$unit/worker --unit "${unit%.service}"
scope "container" "/system.slice/docker-$(id 1).scope" --container "$(id 1)"
scope "pod" "/kubepods.slice/kubepods-pod${pod//-/_}.slice/cri-containerd-$(id 2).scope" --pod "$pod"
scope "cgroup" /imdstrace-e2e-$$/below --cgroup /imdstrace-e2e-$$
scope "pid" "" --pid PID

finish
