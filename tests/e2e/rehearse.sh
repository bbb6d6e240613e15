# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What the tests of rehearsals share: one private network for a whole test, clients in it that do as
# they are told on a connection that stays open, and cgroups as systemd and others make them. To be
# sourced behind lib.sh. Cgroups are named after this process, and removed at the end.
# Command lines for other shells stand in single quotes.
# shellcheck disable=SC2016,SC2154
group_root=
for group_root in /sys/fs/cgroup /sys/fs/cgroup/unified ''; do
	[ -z "$group_root" ] || [ ! -f "$group_root/cgroup.controllers" ] || break
done
talkers=()

# --- A private network ---------------------------------------------------------------------------

hold_network() {
	echo $BASHPID >"$work/server"
	exec sleep 300
}
export -f hold_network

# network MODE: a metadata service that answers so, until this test ends.
network() {
	serve "$1" hold_network &
	started['network']=$!
	until_so test -s "$work/server"
}

# inside COMMAND...: in that network.
inside() {
	nsenter "--net=/proc/$(cat "$work/server")/ns/net" bash -c 'set -u; require_private && exec "$@"' inside "$@"
}

# --- Clients that stay -----------------------------------------------------------------------

cat >"$work/talk.py" <<'SCRIPT'
import http.client, os, sys
def ask(connection, method, path, headers):
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    return answer.status, answer.read().decode()
def connect():
    connection = http.client.HTTPConnection("169.254.169.254", timeout=20)
    connection.connect()
    return connection
connection, token = connect(), ""
print("ready", flush=True)
for line in sys.stdin:
    word = line.strip()
    if word == "new":
        connection, status = connect(), 0
    elif word == "token":
        status, token = ask(connection, "PUT", "/latest/api/token", {"X-aws-ec2-metadata-token-ttl-seconds": "60"})
    elif word == "v2":
        status, _ = ask(connection, "GET", "/latest/meta-data/ami-id", {"X-aws-ec2-metadata-token": token})
    elif word == "child":
        reading, writing = os.pipe()
        if not os.fork():
            os.write(writing, str(ask(connect(), "GET", "/latest/meta-data/ami-id", {})[0]).encode())
            os._exit(0)
        status = os.read(reading, 9).decode()
        os.wait()
    elif word == "shared":
        reading, writing = os.pipe()
        if not os.fork():
            os.write(writing, str(ask(connection, "GET", "/latest/meta-data/ami-id", {})[0]).encode())
            os._exit(0)
        status = os.read(reading, 9).decode()
        os.wait()
    elif word == "fail":
        os._exit(5)
    else:
        status, _ = ask(connection, "GET", "/latest/meta-data/ami-id", {})
    print(status, flush=True)
SCRIPT

# group PATH: makes a cgroup and those above it.
group() {
	[ -d "$group_root$1" ] || { group "${1%/*}" && mkdir "$group_root$1" && groups_made="$group_root$1 ${groups_made-}"; }
}

# in_group PATH COMMAND...: PATH "" is where the test itself lives.
in_group() {
	(
		[ -z "$1" ] || echo $BASHPID >"$group_root$1/cgroup.procs" || exit
		shift
		exec "$@"
	)
}

# talker NAME PATH [PROGRAM]: a client in that cgroup, with a connection.
talker() {
	local name=$1 path=$2
	rm -f "$work/talk-$name.out"
	mkfifo "$work/talk-$name.in"
	(
		[ -z "$path" ] || echo $BASHPID >"$group_root$path/cgroup.procs" || exit
		exec nsenter "--net=/proc/$(cat "$work/server")/ns/net" \
			bash -c 'set -u; require_private && exec /usr/bin/python3 "$work/talk.py"'
	) <"$work/talk-$name.in" >"$work/talk-$name.out" 2>"$work/talk-$name.err" &
	started["talk-$name"]=$!
	talkers+=("$name")
	exec {talk_fd}>"$work/talk-$name.in"
	declare -g "talk_$name=$talk_fd"
	until_so grep -qs ready "$work/talk-$name.out"
}

has_lines() {
	[ "$(wc -l <"$1")" -ge "$2" ]
}

# ask NAME WORD...: what came of each, as "200 401".
ask() {
	local name=$1 word fd before answers=
	fd=talk_$name
	shift
	for word; do
		before=$(wc -l <"$work/talk-$name.out")
		echo "$word" >&"${!fd}"
		until_so has_lines "$work/talk-$name.out" $((before + 1)) || return
		answers="$answers $(tail -n 1 "$work/talk-$name.out")"
	done
	echo "${answers# }"
}

# hears NAME WORDS ANSWERS: for check.
hears() {
	# shellcheck disable=SC2086
	equal "$1, asked $2" "$3" "$(ask "$1" $2)"
}

# done_talking NAME: ends it.
done_talking() {
	local fd=talk_$1
	exec {fd}>&-
	kill -KILL "${started[talk-$1]}" 2>/dev/null
	wait "${started[talk-$1]}" 2>/dev/null
	unset "started[talk-$1]"
	rm -f "$work/talk-$1.in"
}

# --- Rehearsals --------------------------------------------------------------------------------

# rehearse NAME [ARGUMENT...]: as trace() of lib.sh.
rehearse() {
	local name=$1
	shift
	rm -f "$work/$name.out" "$work/$name.err"
	env --default-signal=INT "$IMDSTRACE" rehearse "$@" >"$work/$name.out" 2>"$work/$name.err" </dev/null &
	started["$name"]=$!
}

says_that_it_rehearses() {
	grep -qa 'imdstrace: rehearsing' "$work/$1.err"
}

rehearses_or_over() {
	says_that_it_rehearses "$1" || is_over "${started[$1]}"
}

# rehearses NAME...: waits until these have begun.
rehearses() {
	local name
	for name; do
		until_so rehearses_or_over "$name"
		says_that_it_rehearses "$name" && continue
		echo "the rehearsal $name did not begin:"
		cat "$work/$name.err"
		return 1
	done
}

remove_groups() {
	local directory
	for directory in ${groups_made-}; do
		rmdir "$directory" 2>/dev/null
	done
}

clean_up_rehearsals() {
	clean_up
	remove_groups
}
trap clean_up_rehearsals EXIT

need_groups() {
	[ -n "$group_root" ] && mkdir "$group_root/imdstrace-probe-$$" 2>/dev/null && rmdir "$group_root/imdstrace-probe-$$" && return
	skip_all "no cgroup of version 2 can be made here"
}
