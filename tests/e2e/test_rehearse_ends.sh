#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# `rehearse` and its ends: Ctrl-C, a duration, SIGTERM and kill -9 leave open connections as they were; a
# command ends with its verdict.
# Command lines for all() and for other shells.
# shellcheck disable=SC2016
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/rehearse.sh"
need_groups
network optional

group /imdstrace-e2e-$$/below

# --- Everybody --------------------------------------------------------------------------------

talker in /imdstrace-e2e-$$
talker out ''
rehearse all --all -d 20s -q
prepare "all: everybody is covered" all 'rehearses all' 'hears in v1 401' 'hears out "v1 child" "401 401"'
stop all INT
check "all: Ctrl-C ends it, and open connections work" all 'hears in "v1 v1" "200 200"' 'hears out v1 200'
check "all: nobody went on with a token, so it breaks" ended_with all 1
check "all: --quiet prints nothing but that it runs" equal output "" "$(cat "$work/all.out")"

# --- Ends -------------------------------------------------------------------------------------

rehearse duration --cgroup /imdstrace-e2e-$$ -d 2s --json
prepare "a duration: the rehearsal begins" all 'rehearses duration' 'hears in v1 401'
ended duration
check "a duration: it ends by itself, and open connections work" all 'ended_with duration 1' 'hears in "v1 new v1" "200 0 200"'
check "a duration: an event says that its call was rejected" holds <(grep '"type":"request"' "$work/duration.out") \
	'.class == "v1" and .rehearsed == true and .status == null'

rehearse anew --cgroup /imdstrace-e2e-$$ -o "$work/anew.json"
prepare "SIGUSR1: the rehearsal begins" all 'rehearses anew' 'hears in v1 401'
kill -USR1 "${started[anew]}"
prepare "SIGUSR1: a rehearsal says that it keeps its file" until_so grep -q 'SIGUSR1 .*a rehearsal keeps its own' "$work/anew.err"
prepare "SIGUSR1: a rehearsal goes on" hears in 'v1 new v1' '401 0 401'
stop anew
check "SIGUSR1: a rehearsal's verdict and its report are of all of it" all 'ended_with anew 1' \
	'holds "$work/anew.json" ".rehearsal.rejected == 3 and .totals.v1 == 3"' 'equal files "" "$(ls "$work" | grep -F anew.json.until)"'

rehearse killed --cgroup /imdstrace-e2e-$$
prepare "kill -9: the rehearsal begins" all 'rehearses killed' 'hears in "v1 token v2" "401 200 200"'
stop killed KILL
check "kill -9: open connections work untouched, and new ones" hears in 'v1 token v2 v1 new v1' '200 200 200 200 0 200'

rehearse again --cgroup /imdstrace-e2e-$$
prepare "after kill -9 the next rehearsal begins" all 'rehearses again' 'hears in v1 401'
kill -STOP "${started[again]}"
check "a rehearsal that is stopped goes on" hears in 'v1 new v1' '401 0 401'
kill -CONT "${started[again]}"
stop again TERM
check "SIGTERM ends a rehearsal" all 'ended_with again 1' 'hears in v1 200'

# --- A command --------------------------------------------------------------------------------

v1() {
	curl -sS -o /dev/null -w '%{http_code}\n' "$(target v1)"
}
recovers() {
	[ "$(v1)" = 200 ] && return
	token=$(curl -sS -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' "$endpoint/latest/api/token") &&
		curl -sS -o /dev/null -w '%{http_code}\n' -H "X-aws-ec2-metadata-token: $token" "$(target v2)"
}
sends_token() {
	token=$(curl -sS -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' "$endpoint/latest/api/token") &&
		curl -sS -o /dev/null -w '%{http_code}\n' -H "X-aws-ec2-metadata-token: $token" "$(target v2)"
}
gives_up() {
	[ "$(v1)" = 200 ] || exit 9
}
export -f v1 recovers sends_token gives_up

# command NAME STATUS FUNCTION: a whole rehearsal of it.
command_ends() {
	run "$1" rehearse -o "$work/$1.json" -- nsenter "--net=/proc/$(cat "$work/server")/ns/net" \
		bash -c "set -u; require_private && $3"
	ended_with "$1" "$2" && [ -s "$work/$1.json" ]
}
prepare "a command that goes on with a token survives" command_ends recovers 0 recovers
check "a rehearsed command's output is its own" equal stdout 200 "$(cat "$work/recovers.out")"
check "the report of a command that survives says so" holds "$work/recovers.json" '.rehearsal | .verdict == "survives" and .rejected == 1 and (.scope | startswith("command "))'
check "the text about a command that survives says so" grep -qE 'curl: 1 call refused, then it asked for a token and went on' "$work/recovers.err"
check "a command that sends tokens survives" command_ends tokens 0 sends_token
prepare "a command that gives up breaks" command_ends breaks 1 gives_up
check "the text about a command that gives up says how its process ended" grep -qE 'curl: 1 call refused, and it did not go on with a token, and its process ended' "$work/breaks.err"
check "a command that calls nothing is inconclusive" command_ends nothing 4 true
check "a command that fails is inconclusive" command_ends failed 4 'sends_token && exit 3'

in_own_group() {
	"$IMDSTRACE" rehearse -q -- cat /proc/self/cgroup 2>/dev/null | grep -qE '/imdstrace-[0-9]+$' &&
		equal cgroups "" "$(find "$group_root" -type d -name 'imdstrace-[0-9]*' 2>/dev/null)"
}
check "a rehearsed command runs in a cgroup of its own, which is removed" in_own_group
talkers_beside() {
	"$IMDSTRACE" rehearse -q -- sh -c 'echo >$work/up; sleep 1' &
	until_so test -e "$work/up" && hears in 'v1 new v1' '200 0 200' || return
	wait $!
	equal status 4 $?
}
check "nobody but the rehearsed command is covered" talkers_beside

finish
