#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Readers of standard output that are slow, stuck or gone, and terminals that were stopped: none holds
# up the trace, its report or its end. And what a kill leaves behind.
# What stands in single quotes is for jq, or expanded where it runs.
# shellcheck disable=SC2016
set -u
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

# More lines than a pipe and the tracer's own queue hold together.
MANY=9000

# many NAME COUNT: so many v1 calls of one process.
many() {
	curl -sS -o /dev/null "$(target "$1")-[1-$2]"
}
export -f many

# stuck NAME OPTION...: a trace whose reader has its end of the pipe open and reads nothing until
# $work/NAME.read is there; then all of it into $work/NAME.got.
stuck() {
	local name=$1
	shift
	mkfifo "$work/$name.pipe"
	(
		exec 7<"$work/$name.pipe"
		until [ -e "$work/$name.read" ]; do sleep 0.1; done
		cat <&7 >"$work/$name.got"
	) &
	started[$name-reader]=$!
	"$IMDSTRACE" trace --output "$work/$name.json" --interval 1s "$@" >"$work/$name.pipe" 2>"$work/$name.err" </dev/null &
	started[$name]=$!
}

# on_pty NAME STOP COMMAND...: runs COMMAND on a terminal that nobody reads from; where STOP is yes,
# Ctrl-S was pressed on it.
cat >"$work/on_pty.py" <<'SCRIPT'
import os, signal, subprocess, sys, time
work, name, stop = sys.argv[1:4]
master, slave = os.openpty()
trace = subprocess.Popen(sys.argv[4:], stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
said = b""
while b"imdstrace: tracing" not in said:
    said += os.read(master, 4096)
if stop == "yes":
    os.write(master, b"\x13")
open(f"{work}/{name}.err", "w").write("imdstrace: tracing\n")
while not os.path.exists(f"{work}/{name}.end"):
    time.sleep(0.05)
trace.send_signal(signal.SIGTERM)
try:
    trace.wait(20)
except subprocess.TimeoutExpired:
    trace.kill()
sys.exit(trace.wait())
SCRIPT
on_pty() {
	local name=$1 stop=$2
	shift 2
	env TERM=xterm python3 "$work/on_pty.py" "$work" "$name" "$stop" "$@" >"$work/$name.said" 2>&1 &
	started[$name]=$!
}

stuck stuck --all --json
stuck text --all
stuck late --all --json
on_pty unread no "$IMDSTRACE" trace --all --output "$work/unread.json" --interval 1s
on_pty stopped yes "$IMDSTRACE" trace --all --output "$work/stopped.json" --interval 1s
touch "$work/old.json" && chmod 644 "$work/old.json"
trace killed --quiet --output "$work/killed.json" --interval 1h
trace old --quiet --output "$work/old.json" --interval 1h
need_traces stuck text late unread stopped killed old

serve optional many first 1 || exit 1
sleep 2
cp "$work/killed.json" "$work/after-two-seconds.json" 2>/dev/null
kill -KILL "${started[killed]}"
wait "${started[killed]}" 2>/dev/null
check "a caller's first v1 call is on disk within two seconds" holds "$work/after-two-seconds.json" '
	.verdict == "blocked" and ([.callers[].paths[].path] | any(contains("\(env.tag)-first")))'
check 'a kill -9 hides no caller of v1 from check' equal 'exit status of check' 1 "$("$IMDSTRACE" check "$work/killed.json" >/dev/null; echo $?)"
check "a report's mode is 0600" equal mode 600 "$(stat -c %a "$work/killed.json")"

serve optional many flood $MANY || exit 1
saved() {
	jq -e --argjson many $((MANY + 1)) '.totals.v1 >= $many and ([.callers[].calls.v1] | add) == .totals.v1' "$work/$1.json"
}
saved_by_all() {
	saved stuck && saved text && saved unread && saved stopped
}
until_so saved_by_all
check 'the report is saved while nobody reads' saved_by_all

touch "$work/unread.end" "$work/stopped.end"
stop stuck TERM
stop text TERM
stop old TERM
ended unread
ended stopped
check 'SIGTERM ends a trace whose reader is stuck' all 'ended_with stuck 0' 'ended_with text 0'
check 'SIGTERM ends a trace on a terminal that nobody reads' ended_with unread 0
check 'SIGTERM ends a trace on a terminal that Ctrl-S stopped' ended_with stopped 0
told() {
	equal 'lines on stderr' 2 "$(lines_said "$work/$1.err")" &&
		grep -qE "^imdstrace: nobody read all of what was to be printed: $2" "$work/$1.err" && return
	cat "$work/$1.err"
	return 1
}
check 'what was not printed is told on stderr' all 'told stuck "[0-9]+ calls are missing"' 'told text "the end of it is missing"'
check 'the report has all calls that were not printed' all 'saved stuck' 'saved text' 'saved unread' 'saved stopped'
check 'a report that others could read is not readable to them any more' equal mode 600 "$(stat -c %a "$work/old.json")"

# A reader that comes back late gets whole lines, and what it missed where it is missing.
touch "$work/late.read"
until_so test -s "$work/late.got"
until_so grep -q '"lost"' "$work/late.got"
serve optional many last 1 || exit 1
grown() {
	grep -q -- "$tag-last-1\"" "$work/late.got"
}
until_so grown
stop late TERM
ended late-reader
touch "$work/stuck.read" "$work/text.read"
ended stuck-reader
ended text-reader
counted() {
	jq -se --argjson many $((MANY + 2)) '
		(map(select(.type == "request")) | length) as $told | (map(select(.type == "lost").count) | add) as $lost
		| $lost > 0 and (map(select(.type == "lost")) | length) == 1 and $told + $lost >= $many' "$work/late.got"
}
check 'a reader that comes back gets the rest, and is told what it missed' counted
check 'a reader that comes back gets the last call' grown
check 'a reader that comes back after the end gets whole lines' holds <(jq -s . "$work/stuck.got") 'length > 20 and all(.type == "request")'

finish
