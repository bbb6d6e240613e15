#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What `rehearse` refuses, two rehearsals at a time, connections that it cannot take in, its report, and
# a trace beside it.
# Command lines for all() and for other shells.
# shellcheck disable=SC2016
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/rehearse.sh"
need_groups
network optional
group /imdstrace-e2e-$$/below
group /imdstrace-e2e-$$-beside
group /system.slice/imdstrace-e2e-$$.service
container=$(printf '%08x%056x' $$ 1)
group "/system.slice/docker-$container.scope"
group "/system.slice/docker-$(printf '%08x%056x' $$ 2).scope"

# --- What is refused --------------------------------------------------------------------------

# refused NAME SENTENCE ARGUMENT...
refused() {
	local name=$1 sentence=$2
	shift 2
	run "$name" rehearse "$@"
	ended_with "$name" 2 && one_sentence "$work/$name" && grep -qE -- "$sentence" "$work/$name.err" && return
	cat "$work/$name.err"
	return 1
}
check "refused: no scope" refused none 'rehearse needs a scope'
check "refused: two scopes" refused two 'exactly one scope' --all -d 1s --pid 1
check "refused: two scopes of one kind" refused twice 'exactly one scope' --pid 1 --pid 2
check "refused: a scope and a command" refused both 'exactly one scope' --pid 1 -- true
check "refused: a command without --" refused unmarked 'takes a command behind "--", not "true"' true
check "refused: no command behind --" refused nothing 'no command behind --|needs a scope' --
check "refused: --all without a duration" refused all '--duration' --all
check "refused: a duration of nothing" refused zero 'longer than 0s' --pid 1 -d 0s
check "refused: a duration that is none" refused duration 'time like 30s' --pid 1 -d soon
check "refused: --quiet and --json" refused loud 'exclude each other' --pid 1 -q --json
check "refused: an unknown option" refused unknown 'option --what is unknown; see imdstrace rehearse --help' --what
check "refused: an option without its argument" refused argument 'option --unit needs an argument' --unit
check "refused: an attach mode that there is not" refused hooks '--hooks takes fentry, tracepoint or kprobe, not "bogus"' --pid 1 --hooks bogus
check "refused: a unit that is not there, with those that are" refused unit \
	"there is no unit \"imdstrace-e2e-none.service\"; there are: .*imdstrace-e2e-$$.service" --unit imdstrace-e2e-none
check "refused: a container that is not there" refused container 'there is no container "zz"' --container zz
check "refused: the beginning of two containers' ids" refused several '" fits 2 containers: .*; give its whole id' --container "${container:0:12}"
check "refused: a pod that is not there" refused pod 'there is no pod "shop/none"' --pod shop/none
check "refused: a cgroup that is not there" refused cgroup 'there is no cgroup "/none"' --cgroup /none
check "refused: the root of the cgroups" refused root 'which is everybody: that is --all' --cgroup /
check "refused: a process that is not there" refused process 'there is no process 4194304' --pid 4194304
check "refused: a pid that is no number" refused number '"1x" is no process' --pid 1x
check "refused: a report that cannot be written" refused output '/none/report.json' --pid $$ -o /none/report.json

without_rights() {
	setpriv --reuid 65534 --clear-groups --inh-caps=-all --bounding-set=-all \
		"$IMDSTRACE" rehearse --pid $$ -d 1s >"$work/unable.out" 2>"$work/unable.err"
	equal status 3 $? && one_sentence "$work/unable"
}
cp "$IMDSTRACE" "$work/imdstrace" && chmod 755 "$work/imdstrace"
IMDSTRACE=$work/imdstrace check "without privileges rehearse cannot be run, and says so" without_rights

# --- Two at a time ----------------------------------------------------------------------------

talker in /imdstrace-e2e-$$/below
talker out /imdstrace-e2e-$$-beside
rehearse first --cgroup /imdstrace-e2e-$$ -o "$work/first.json" -q
prepare "two at a time: the first begins" all 'rehearses first' 'hears in v1 401'
busy='another rehearsal of .* is running|another rehearsal .* has'
check "two at a time: the same scope is refused" refused same "$busy" --cgroup /imdstrace-e2e-$$ -d 1s
check "two at a time: a cgroup below the first's is refused" refused below "$busy" --cgroup /imdstrace-e2e-$$/below -d 1s
check "two at a time: a process of the first's is refused" refused process_in "$busy" --pid "${started[talk-in]}" -d 1s
check "two at a time: everybody is refused" refused everybody "$busy" --all -d 1s
other_network() {
	unshare --net "$IMDSTRACE" rehearse --cgroup /imdstrace-e2e-$$ -d 1s >"$work/net.out" 2>"$work/net.err"
	equal status 2 $? && one_sentence "$work/net"
}
check "two at a time: the same scope from another network is refused" other_network
rehearse second --cgroup /imdstrace-e2e-$$-beside -q
prepare "two at a time: another scope is not refused, and each has its own" all 'rehearses second' 'hears out v1 401' 'hears in v1 401'
stop second
prepare "two at a time: when one ends the other goes on" all 'hears out v1 200' 'hears in v1 401'
stop first
rehearse narrow --cgroup /imdstrace-e2e-$$/below -q
prepare "two at a time: one of a cgroup below begins" rehearses narrow
check "two at a time: the cgroup above is refused" refused above "$busy" --cgroup /imdstrace-e2e-$$ -d 1s
stop narrow
rehearse one --pid "${started[talk-in]}" -q
prepare "two at a time: one of a process begins" rehearses one
check "two at a time: the process's cgroup is refused" refused its_cgroup "$busy" --cgroup /imdstrace-e2e-$$ -d 1s
check "two at a time: the same process is refused" refused same_pid "$busy" --pid "${started[talk-in]}" -d 1s
stop one
rehearse command -- sleep 100
prepare "two at a time: one of a command begins" rehearses command
same_command() {
	"$IMDSTRACE" rehearse -q -- sleep 0.1 >"$work/again.out" 2>&1
	equal status 4 $? || { cat "$work/again.out" && return 1; }
}
check "two at a time: another command of the same name is another scope" same_command
stop command
check "when all rehearsals have ended nobody is rejected" all 'hears in "v1 new v1" "200 0 200"' 'hears out v1 200'

# --- Its report -------------------------------------------------------------------------------

check "a rehearsal's report says that it was one" holds "$work/first.json" \
	'(.rehearsal.scope | startswith("cgroup /imdstrace-e2e-")) and ([.windows[].rehearsal] | all) and .rehearsal.verdict == "breaks"'
trace plain --output "$work/plain.json" -q
need_traces plain
ask out 'token' 'v2' >/dev/null
stop plain
run merged report --format json --min-window 0s "$work/plain.json" "$work/first.json"
check "a rehearsal's rejected calls, merged with a trace, block nothing that the trace did not see" holds "$work/merged.out" \
	'.totals.v1 == 3 and .rehearsal.rejected == 3 and (.windows | length) == 2'
run checked check --min-window 1s "$work/first.json"
check "check does not count a rehearsal's window as watched" all 'not ended_with checked 0' 'not grep -q "^ready" "$work/checked.out"'
run continued rehearse --cgroup /imdstrace-e2e-$$ -d 1s -o "$work/plain.json"
kept() {
	[ "$(cat "$work/continued.status")" != 2 ] || { one_sentence "$work/continued" && return; }
	# A report may hold both, if each window says which it is.
	holds "$work/plain.json" '[.windows[].rehearsal == true] | sort == [false, true]'
}
check "a report of a trace is refused, or says which of its windows was a rehearsal" kept

# --- What cannot be taken in -------------------------------------------------------------------

cat >"$work/zerocopy.py" <<'SCRIPT'
import socket, sys
connection = socket.socket()
connection.setsockopt(socket.SOL_SOCKET, 60, 1)
connection.connect(("169.254.169.254", 80))
print("ready", flush=True)
for line in sys.stdin:
    if line.strip() == "new":
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, 60, 1)
        connection.connect(("169.254.169.254", 80))
        print(0, flush=True)
        continue
    connection.sendall(b"GET /latest/meta-data/ami-id HTTP/1.1\r\nHost: a\r\n\r\n")
    print(connection.recv(4096).split()[1].decode(), flush=True)
SCRIPT
mv "$work/talk.py" "$work/talk.plain" && cp "$work/zerocopy.py" "$work/talk.py"
talker zero /imdstrace-e2e-$$
mv "$work/talk.plain" "$work/talk.py"
rehearse uncovered --cgroup /imdstrace-e2e-$$ -o "$work/uncovered.json"
prepare "a socket with zero-copy sends is left alone" all 'rehearses uncovered' 'hears zero "v1 new v1" "200 0 200"'
stop uncovered
check "connections with zero-copy sends are not covered, and their caller is named" holds "$work/uncovered.json" \
	'.rehearsal.not_covered == 2 and .rehearsal.verdict == "inconclusive" and
	([.callers[] | select(.rehearsal.not_covered > 0) | .args // [] | tostring | contains("talk.py")] | all and length > 0)'
check "a rehearsal with connections that are not covered is inconclusive" ended_with uncovered 4
done_talking zero

# --- A trace beside it ------------------------------------------------------------------------

trace before --output "$work/before.json" -q
need_traces before
rehearse beside --cgroup /imdstrace-e2e-$$ -q
prepare "a rehearsal begins beside a trace" rehearses beside
trace after --output "$work/after.json" -q
need_traces after
prepare "a rehearsal rejects calls beside traces" all 'hears in "v1 new v1 token v2" "401 0 401 200 200"' 'hears out "v1 v1" "200 200"'
stop beside
prepare "no call is rejected after a rehearsal beside traces" hears in v1 200
stop before
stop after
# The rehearsed connection's requests: none may be silent or doubled. Two were v1 then, one after.
beside_counts() {
	holds "$1" '.totals | .v1 <= 5 and .v2 <= 1 and .token <= 1 and .v1 >= 2 and
		(.v1 + .v2 + .token == 7 or .unknown + .lost + .missed > 0)'
}
check "a trace that ran before the rehearsal counts right, or says that it does not know" beside_counts "$work/before.json"
check "a trace that began beside the rehearsal counts right, or says that it does not know" beside_counts "$work/after.json"
done_talking in
done_talking out

finish
