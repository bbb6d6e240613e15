#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What a trace prints while it runs and at its end: to a pipe, to a terminal, to nobody. All of them
# watch the same calls at the same time.
# What stands in single quotes is for jq, or expanded where it runs.
# shellcheck disable=SC2016
set -u
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

# terminal NAME COMMAND: on a terminal of its own; the trace's pid in $work/NAME.pid, what the
# terminal received in $work/NAME.err, where says_that_it_traces() looks.
terminal() {
	script -qefc "echo \$\$ >$work/$1.pid; exec $2" "$work/$1.err" </dev/null >/dev/null 2>&1 &
	started[$1]=$!
}

# hang_up NAME SIGNAL: as stop(), for the trace on the terminal.
hang_up() {
	kill "-$2" "$(cat "$work/$1.pid")"
	ended "$1"
}

calls() {
	client v1 curl -sS "$(target v1)"
	client again curl -sS "$(target again)"
	client token curl -sS -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' "$(target token /latest/api/token)"
	client v2 curl -sS -H "X-aws-ec2-metadata-token: x" "$(target v2)"
	client foreign curl -sS -H 'Metadata: true' "$(target foreign /)"
}
last_call() {
	client last curl -sS "$(target last)"
}
export -f calls last_call

trace pipe
terminal colours 'env -u NO_COLOR TERM=xterm "$IMDSTRACE" trace --all --duration 10m'
terminal plain 'env NO_COLOR=1 TERM=xterm "$IMDSTRACE" trace'
terminal narrow 'bash -c "stty cols 40; exec env TERM=xterm \"\$IMDSTRACE\" trace --quiet --duration 10m"'
mkfifo "$work/to-head"
head -n 2 <"$work/to-head" >"$work/head.out" &
reader=$!
"$IMDSTRACE" trace --output "$work/head.json" >"$work/to-head" 2>"$work/head.err" </dev/null &
started[head]=$!
(trap '' HUP && exec "$IMDSTRACE" trace --quiet --duration 10m) >"$work/nohup.out" 2>"$work/nohup.err" </dev/null &
started[nohup]=$!
need_traces pipe colours plain narrow head nohup
kill -HUP "${started[nohup]}"
# The terminal goes with the program that made it.
kill -KILL "${started[narrow]}"

serve optional calls || exit 1
# The status line comes once a second.
until_so grep -qa 'v1 [1-9].*v2 [1-9].*token [1-9].*foreign [1-9]' "$work/colours.err"
wait $reader
serve optional last_call || exit 1

ended head
check 'a reader that goes away ends the trace with status 0' ended_with head 0
check 'a reader that goes away had the lines that it asked for' equal lines 2 "$(wc -l <"$work/head.out")"
check 'a reader that goes away is no error on stderr' equal 'lines on stderr' 1 "$(lines_said "$work/head.err")"
check 'the report has the calls that a reader who went away did not read of' holds "$work/head.json" '
	(.windows | length == 1) and .totals.v1 >= 2 and .verdict == "blocked"
	and (.totals.v1 == ([.callers[].calls.v1] | add))
	and ([.callers[].paths[].path] | any(endswith("?\(env.tag)-again")))'

has_ended() {
	not kill -0 "$(cat "$work/$1.pid")" 2>/dev/null
}
until_so has_ended narrow
check 'a terminal that hangs up ends the trace' has_ended narrow
check 'a trace under nohup goes on after SIGHUP' kill -0 "${started[nohup]}"
stop nohup
check 'a trace under nohup ends well' ended_with nohup 0
fits() {
	tr '\r' '\n' <"$work/narrow.err" | sed -n $'s/^\e\\[K//; s/\xe2\x80\xa6/./; / | v1 /p' >"$work/narrow.lines"
	grep -q . "$work/narrow.lines" && not grep -E '^.{40}' "$work/narrow.lines"
}
check 'the status line is no wider than the terminal' fits

stop pipe INT
hang_up colours INT
hang_up plain TERM

check 'Ctrl-C ends the trace with status 0' ended_with pipe 0
check 'SIGTERM, and Ctrl-C on a terminal, end the trace with status 0' all 'ended_with colours 0' 'ended_with plain 0'

# shown FILE NAME...: each client's call is on a line of its own, once.
shown() {
	local file=$1 name
	shift
	for name; do
		equal "lines about $name" 1 "$(grep -ac "[?]$tag-$name\b" <(summary_off "$file"))" || return
	done
}

# Without the summary, which starts with the verdict.
summary_off() {
	sed -E '/^([^A-Za-z]*m)?(BLOCKED|INCONCLUSIVE|READY) /,$d' "$1"
}
check 'each v1 call is a line of its own' shown "$work/pipe.out" v1 again last
check 'without --all no call but v1 is a line' not grep -aE "$tag-(token|v2|foreign)" <(summary_off "$work/pipe.out")
line_of_v1() {
	local part line
	line=$(grep -a "[?]$tag-v1" <(summary_off "$work/pipe.out"))
	for part in " $(cat "$work/pid.v1") " ' curl ' 'GET /latest/meta-data/ami-id' bash; do
		[[ $line == *"$part"* ]] || { echo "no \"$part\" in: $line" && return 1; }
	done
}
check 'a line says when, who, what and who started it' line_of_v1
check '--all makes every call a line' shown "$work/colours.err" v1 again last token v2 foreign
check '--all shows the class of each call' all 'grep -aqE " v2 .*$tag-v2" "$work/colours.err"' 'grep -aqE " token .*$tag-token" "$work/colours.err"' \
	'grep -aqE " foreign .*$tag-foreign" "$work/colours.err"' 'grep -aqE " v1 .*$tag-v1" "$work/colours.err"'
check 'the summary follows the lines, in a pipe and on a terminal' all 'grep -aq "^BLOCKED " "$work/pipe.out"' 'grep -aq "^Next steps" "$work/pipe.out"' \
	'grep -aq "^BLOCKED " "$work/plain.err"' 'grep -aq "BLOCKED " "$work/colours.err"'

check 'a trace prints no escape codes into a pipe' not grep -aq $'[\e\r]' "$work/pipe.out" "$work/pipe.err"
check 'stderr hears nothing but that it traces' all 'equal lines 1 "$(lines_said "$work/pipe.err")"' \
	'grep -q "^imdstrace: tracing" "$work/pipe.err"'

coloured=$'\e\\[[0-9;]*[1-9][0-9;]*m'
check 'a terminal gets colours' grep -aqE "$coloured" "$work/colours.err"
check 'a terminal gets a status line with elapsed, remaining and the counts' grep -aqE \
	'[0-9]+(s|m).*left.*v1 [0-9]+.*v2 [0-9]+.*token [0-9]+.*foreign [0-9]+.*unknown [0-9]+.*lost [0-9]+' "$work/colours.err"
check 'NO_COLOR turns colours off' not grep -aqE "$coloured" "$work/plain.err"
check 'with NO_COLOR the calls are shown all the same' grep -aq "[?]$tag-last" "$work/plain.err"
check 'the status line is gone from behind the last line' not grep -aqE 'v1 [0-9]+  v2 .*BLOCKED' "$work/colours.err"

finish
