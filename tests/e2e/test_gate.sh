#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# `trace --check -- COMMAND`: the gate of an image pipeline. Its status is check's, of all that was
# called while COMMAND ran; COMMAND's input, output and signals are its own.
# Command lines for all() and for other shells.
# shellcheck disable=SC2016
. "$(dirname "$0")/lib.sh"

probe() {
	curl -sS -o /dev/null "$endpoint/computeMetadata/v1/instance/id"
}

fails_after_v2() {
	v2
	exit 7
}

fails_after_v1() {
	v1
	exit 7
}

export -f probe fails_after_v2 fails_after_v1

# gate NAME FUNCTION [OPTION...]: traces while that function runs in a private network.
gate() {
	local name=$1 function=$2
	shift 2
	run "$name" trace --check "$@" -- "$WIRE" --serve optional bash -c "set -u; require_private && $function"
}

# verdict NAME STATUS LINE: its status, and how its last line begins.
verdict() {
	ended_with "$1" "$2" || return
	tail -n 1 "$work/$1.err" | grep -qE "^$3" && return
	tail -n 5 "$work/$1.err"
	return 1
}

gate ready 'v2 && probe' --require-calls 3
check "a command that sends tokens is ready, and another cloud's probe blocks nothing" verdict ready 0 \
	'ready: no caller called IMDSv1: 3 calls seen'
gate blocked 'v1 && v1' --require-calls 3
check "a command that sends no tokens is blocked, however few its calls, and the caller is named" verdict blocked 1 \
	'blocked: 1 caller called IMDSv1 \(2 calls\); 2 calls were seen, fewer than the 3 required; caller: curl'
run nothing trace --check -- true
check "a command that calls nothing is ready" verdict nothing 0 'ready: no caller called IMDSv1: 0 calls seen'
gate few v2 --require-calls 3 --min-window 1h
check "fewer calls than --require-calls, or a shorter window than --min-window, are inconclusive" verdict few 4 \
	'inconclusive: .* less than the 1h required; 2 calls were seen, fewer than the 3 required'
gate strict probe --strict
check "another cloud's probe blocks with --strict" verdict strict 1 'blocked: 1 caller called another cloud'
gate failed fails_after_v2
check "a command that failed is inconclusive" verdict failed 4 'inconclusive: the command ended with status 7'
gate failed_v1 fails_after_v1
check "a command that failed and called v1 is blocked" verdict failed_v1 1 'blocked: '

gate kept v1 -o "$work/kept.json" -q
check "the report of a gate has the same verdict" all 'ended_with kept 1' \
	'holds "$work/kept.json" ".verdict == \"blocked\" and .totals.v1 == 1 and .windows[0].rehearsal == null"'
check "--quiet prints what the command prints and nothing else" equal stderr "" "$(grep -v '^imdstrace: tracing' "$work/kept.err")"
run checked check --min-window 0s "$work/kept.json"
check "check names the caller of the kept report" all 'ended_with checked 1' 'grep -qE "; caller: curl" "$work/checked.out"'
run required check --min-window 0s --require-calls 9 "$work/kept.json"
check "check takes --require-calls" grep -q '1 call was seen, fewer than the 9 required' "$work/required.out"

# --- The command's own ------------------------------------------------------------------------

streams() {
	printf 'in\n' | "$IMDSTRACE" trace --check -q -- sh -c 'cat; echo err >&2; pwd; umask; echo "$PATH$MARK"' \
		>"$work/streams.out" 2>"$work/streams.err"
	printf 'in\n%s\n%s\n%s\n' "$(pwd)" "$(umask)" "$PATH$MARK" | cmp - "$work/streams.out" &&
		grep -v '^imdstrace: ' "$work/streams.err" | cmp - <(echo err)
}
export MARK=mark
check "a command's input, output and surroundings are as they were" streams

# What it does with signals, and its descriptors, of which none is the tracer's.
export surroundings='grep -E "^Sig(Ign|Cgt|Blk)" /proc/self/status; ls /proc/self/fd'
inherited() {
	"$IMDSTRACE" trace -q -- sh -c "$surroundings" >"$work/under" 2>/dev/null </dev/null
	sh -c "$surroundings" </dev/null 2>/dev/null | cat >"$work/alone"
	cmp "$work/alone" "$work/under"
}
check "a command's signals and descriptors are as they were" inherited

# Each says on which signal it ended.
trapper='trap "echo TERM; exit 3" TERM; trap "echo INT; exit 3" INT; echo ready; while :; do sleep 0.05; done'
is_ready() {
	grep -q ready "$work/$1.out"
}
signalled() {
	# What runs in the background of a shell ignores SIGINT, and so would the command.
	env --default-signal=INT "$IMDSTRACE" trace --check -- bash -c "$trapper" \
		>"$work/signal_$1.out" 2>"$work/signal_$1.err" </dev/null &
	started[signal_$1]=$!
	until_so is_ready "signal_$1" && stop "signal_$1" "$1" && ended_with "signal_$1" 4 &&
		equal "what the command heard" "ready $1" "$(tr '\n' ' ' <"$work/signal_$1.out" | sed 's/ $//')" &&
		grep -q 'inconclusive: the command ended with status 3' "$work/signal_$1.err"
}
check "SIGTERM goes to the command, and the trace ends with it" signalled TERM
check "SIGINT goes to the command, and the trace ends with it" signalled INT

deaf() {
	trace deaf --check -- bash -c 'trap "" TERM; echo ready; echo $$ >&2; while :; do sleep 0.05; done'
	until_so is_ready deaf && kill -TERM "${started[deaf]}" && sleep 0.3 && stop deaf TERM
	kill -KILL "$(grep -xE '[0-9]+' "$work/deaf.err")"
	verdict deaf 4 'inconclusive: the command did not end'
}
check "a second signal ends the trace of a command that is deaf" deaf

lasting() {
	run lasting trace --check -d 1s -- bash -c 'echo $$; exec sleep 20'
	kill -KILL "$(cat "$work/lasting.out")" && verdict lasting 4 'inconclusive: the command did not end'
}
check "--duration ends the trace, not the command" lasting

# --- Its cgroup -------------------------------------------------------------------------------

no_cgroup_is_left() {
	local name
	name=$(grep -oE 'imdstrace-[0-9]+$' "$work/cgroup" | head -n 1)
	equal "cgroups" "" "$(find /sys/fs/cgroup -type d -name "$name" 2>/dev/null)"
}
"$IMDSTRACE" trace -q -- bash -c 'cat /proc/self/cgroup; sleep 60 >/dev/null 2>&1 & echo $!' >"$work/cgroup" 2>/dev/null
survivor=$(tail -n 1 "$work/cgroup")
if grep -qE '/imdstrace-[0-9]+$' "$work/cgroup"; then
	check "a command runs in a cgroup of its own, which is removed" no_cgroup_is_left
	check "what a command leaves running lives on outside of its cgroup" not grep -q imdstrace- "/proc/$survivor/cgroup"
else
	skip "a command runs in a cgroup of its own, which is removed" "no cgroup can be made here"
fi
kill -KILL "$survivor"

# --- What is refused --------------------------------------------------------------------------

# refused NAME STATUS SENTENCE ARGUMENT...
refused() {
	local name=$1 status=$2 sentence=$3
	shift 3
	run "$name" "$@"
	ended_with "$name" "$status" && one_sentence "$work/$name" && grep -qF -- "$sentence" "$work/$name.err"
}
check "refused: a program that is not there" refused missing 2 'there is no program "no-such-thing"' trace --check -- no-such-thing
printf '#!/no/such/shell\n' >"$work/broken" && chmod 755 "$work/broken"
broken() {
	run broken trace --check -q -- "$work/broken"
	ended_with broken 2 && grep -q 'cannot be run: No such file' "$work/broken.err"
}
check "refused: a program that cannot be run" broken
check "refused: no command behind --" refused none 2 'there is no command behind --' trace --check --
check "refused: a command without --" refused unmarked 2 'a command stands behind --' trace --check true
check "refused: --require-calls without --check" refused unchecked 2 '--strict and --require-calls are for --check' trace --require-calls 3
check "refused: --require-calls without a number" refused number 2 'is no number of calls' trace --check --require-calls many
check "refused: --top beside a command" refused top 2 'no COMMAND can run on it' trace --top -- true

not_run() {
	run untraceable trace --check --hooks kprobe -- touch "$work/ran"
	[ "$(cat "$work/untraceable.status")" = 0 ] || { ended_with untraceable 3 && [ ! -e "$work/ran" ]; }
}
check "where nothing can be traced the command is not run" not_run

finish
