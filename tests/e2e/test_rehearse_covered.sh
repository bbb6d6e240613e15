#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# `rehearse` never says "survives" where a call of the scope went past it: through an address that is
# translated, on a connection that somebody else opened, with zero-copy sends asked for late, with urgent
# data, with Fast Open, from more children than there is room for. Each such connection is counted, once.
# Command lines for all() and for other shells.
# shellcheck disable=SC2016
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/rehearse.sh"
need_groups
network optional
group /imdstrace-e2e-$$

# What each of them does beside a client that survives, which alone would make the scope survive.
cat >"$work/beside.py" <<'SCRIPT'
import os, socket, sys
V1 = b"GET /latest/meta-data/ami-id HTTP/1.1\r\nHost: a\r\n\r\n"
ENDPOINT = ("169.254.169.254", 80)
def status(connection):
    return connection.recv(65536).split()[1].decode()
def ask(connection):
    connection.sendall(V1)
    return status(connection)
def nothing():
    pass
def translated():
    for _ in range(2):
        with socket.create_connection(("127.0.0.9", 8080), 10) as connection:
            print(ask(connection), ask(connection))
def zero_copy():
    for _ in range(2):
        with socket.create_connection(ENDPOINT, 10) as connection:
            connection.setsockopt(socket.SOL_SOCKET, 60, 1)
            print(ask(connection), ask(connection))
def fast_open():
    for _ in range(2):
        with socket.socket() as connection:
            connection.sendto(V1, socket.MSG_FASTOPEN, ENDPOINT)
            print(status(connection))
def urgent():
    with socket.create_connection(ENDPOINT, 10) as connection:
        connection.sendall(V1[:20])
        connection.send(b"!", socket.MSG_OOB)
        connection.sendall(V1[20:])
        print(status(connection))
def inherited():
    connection = socket.create_connection(ENDPOINT, 10)
    if not os.fork():
        with open(sys.argv[2] + "/cgroup.procs", "w") as procs:
            procs.write(str(os.getpid()))
        print(ask(connection), flush=True)
        os._exit(0)
    os.wait()
globals()[sys.argv[1]]()
SCRIPT

translate() {
	inside iptables -t nat -A OUTPUT -d 127.0.0.9 -p tcp --dport 8080 -j DNAT --to-destination 169.254.169.254:80
}

# past NAME GROUP ANSWERS: a client that does this, in that cgroup or where the test itself lives.
past() {
	local name=$1 path=$2
	rm -f "$work/$name.json"
	rehearse "$name" --cgroup /imdstrace-e2e-$$ -q -o "$work/$name.json"
	rehearses "$name" && in_group /imdstrace-e2e-$$ nsenter "--net=/proc/$(cat "$work/server")/ns/net" \
		/usr/bin/python3 "$work/survivor.py" >"$work/survivor" &&
		in_group "$path" nsenter "--net=/proc/$(cat "$work/server")/ns/net" \
			/usr/bin/python3 "$work/beside.py" "$name" "$group_root/imdstrace-e2e-$$" >"$work/$name.answers"
	stop "$name"
	equal answers "$3" "$(paste -sd' ' "$work/$name.answers")" && equal survivor "401 200 200" "$(cat "$work/survivor")"
}
cat >"$work/survivor.py" <<'SCRIPT'
import http.client
connection = http.client.HTTPConnection("169.254.169.254", timeout=20)
def ask(method, path, headers):
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    return str(answer.status), answer.read().decode()
first, _ = ask("GET", "/latest/meta-data/ami-id", {})
second, token = ask("PUT", "/latest/api/token", {"X-aws-ec2-metadata-token-ttl-seconds": "60"})
third, _ = ask("GET", "/latest/meta-data/ami-id", {"X-aws-ec2-metadata-token": token})
print(first, second, third)
SCRIPT

# inconclusive NAME FILTER: for check.
inconclusive() {
	ended_with "$1" 4 && holds "$work/$1.json" ".rehearsal.verdict == \"inconclusive\" and ($2)"
}

prepare "a client that goes on with a token is answered" past nothing '' ''
check "a client that goes on with a token survives alone" all 'ended_with nothing 0' \
	'holds "$work/nothing.json" ".rehearsal.recovered == 1"'
if translate; then
	prepare "calls through a translated address are answered" past translated /imdstrace-e2e-$$ '200 200 200 200'
	check "connections through a translated address are not covered, each counted once" inconclusive translated \
		'.rehearsal.not_covered == 2 and .totals.unknown == 2'
	check "somebody else's calls through a translated address are none of the scope's" \
		all 'past translated "" "200 200 200 200"' 'ended_with translated 0'
else
	skip "calls through a translated address" "no address can be translated here"
fi
prepare "calls of a socket that asks for zero-copy sends late are answered" past zero_copy /imdstrace-e2e-$$ '200 200 200 200'
check "a connection that asks for zero-copy sends late is not covered" inconclusive zero_copy '.rehearsal.not_covered == 2'
prepare "a call that SYN takes along is answered" past fast_open /imdstrace-e2e-$$ '200 200'
check "a connection whose SYN takes a call along is not covered" inconclusive fast_open '.rehearsal.not_covered == 2'
prepare "a head with urgent data is answered" past urgent /imdstrace-e2e-$$ 200
check "a connection with urgent data is unknown" inconclusive urgent '.totals.unknown == 1'
prepare "a call on a connection that somebody else opened is answered" past inherited '' '200'
check "a connection that somebody else opened is not covered" inconclusive inherited '.rehearsal.not_covered == 1'

# As many children as there is room for (SCOPE_PIDS_MAX), their parent being one more, and another that calls.
FAMILY=16384
FAMILY_KIB=$((2 << 20))
export FAMILY

has_room_for_family() {
	local needed cgroup max
	needed=$((FAMILY + $(cut -d/ -f2 /proc/loadavg | cut -d' ' -f1) + 2048))
	cgroup=$(sed -n 's/^0:://p' /proc/self/cgroup)
	[ "$(awk '/^MemAvailable/ { print $2 }' /proc/meminfo)" -ge $FAMILY_KIB ] || return
	for max in /proc/sys/kernel/{pid_max,threads-max}; do
		[ "$(cat "$max")" -gt $needed ] || return
	done
	while max=$(cat "$group_root${cgroup%/}/pids.max" 2>/dev/null || echo max); do
		[ "$max" = max ] || [ "$max" -gt $needed ] || return
		[ -n "${cgroup%/}" ] || return 0
		cgroup=${cgroup%/*}
	done
}

family() {
	echo $BASHPID >"$work/parent"
	exec <"$work/family.in"
	read -r _ && /usr/bin/python3 "$work/survivor.py" && exec "$WIRE" --family "$FAMILY"
}
export -f family

family_lives() {
	local fd
	mkfifo "$work/family.in"
	(cd "$work" && serve optional family >"$work/family.answers") &
	started['serve']=$!
	exec {fd}<>"$work/family.in"
	until_so test -s "$work/parent" || return
	rehearse family --pid "$(cat "$work/parent")" -q -o "$work/family.json"
	rehearses family && printf '\n\n' >&$fd && PATIENCE=60 until_so has_lines "$work/family.answers" 3
	echo >&$fd
	exec {fd}>&-
	ended serve
	stop family
	equal answers "401 200 200 0 $FAMILY" "$(paste -sd' ' "$work/family.answers")"
}

if has_room_for_family; then
	prepare "a process has $FAMILY children, and one that calls" family_lives
	check "children that there is no room for are counted" inconclusive family '.totals.missed == 2 and .rehearsal.rejected == 1'
else
	skip "children that there is no room for" "this machine has no room for $FAMILY more processes"
fi

finish
