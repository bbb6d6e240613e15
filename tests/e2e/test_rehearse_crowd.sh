#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# 10,000 requests on 200 connections, in and out of the scope at once: each is answered as it has to be,
# and each of the scope is counted.
# What stands in single quotes is for other shells.
# shellcheck disable=SC2016
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/rehearse.sh"
need_groups
network optional
group /imdstrace-e2e-$$
group /imdstrace-e2e-$$-beside

# Half of the connections are opened before the rehearsal. On each, tokenless requests, some of them cut
# in the middle of their empty line, and ones with a token take turns.
cat >"$work/crowd.py" <<'SCRIPT'
import socket, sys
wanted, name = sys.argv[1], sys.argv[2]
V1 = b"GET /latest/meta-data/ami-id?%s HTTP/1.1\r\nHost: a\r\n\r\n" % name.encode()
def connect():
    connection = socket.create_connection(("169.254.169.254", 80), timeout=20)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection, connection.makefile("rb")
def answer(file):
    status = file.readline().split()[1].decode()
    length = 0
    while True:
        line = file.readline().lower()
        if line in (b"\r\n", b""):
            break
        if line.startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    return status, file.read(length)
def ask(connection, request):
    connection[0].sendall(request)
    return answer(connection[1])
connections = [connect() for _ in range(25)]
status, token = ask(connections[0], b"PUT /latest/api/token HTTP/1.1\r\nHost: a\r\nX-aws-ec2-metadata-token-ttl-seconds: 600\r\n\r\n")
V2 = V1[:-2] + b"X-aws-ec2-metadata-token: " + token + b"\r\n\r\n"
print("ready", flush=True)
sys.stdin.readline()
connections += [connect() for _ in range(25)]
wrong, count = [], 0
for turn in range(50):
    for number, connection in enumerate(connections):
        if turn % 2:
            got = [ask(connection, V1 if (turn // 2 + number) % 2 else V2)[0]]
            want = [wanted if (turn // 2 + number) % 2 else "200"]
        elif turn % 4 == 0:
            # cut in the middle of the empty line
            connection[0].sendall(V1[:-1])
            connection[0].sendall(V1[-1:])
            got, want = [answer(connection[1])[0]], ["200"]
            if wanted == "401":
                want = ["401"]
        else:
            got, want = [ask(connection, V2)[0]], ["200"]
        count += len(got)
        if got != want:
            wrong.append((turn, number, got, want))
print(count, len(wrong), wrong[:5], flush=True)
SCRIPT

# crowd NAME GROUP WANTED: a process with 50 connections.
crowd() {
	local name=$1 path=$2 wanted=$3
	mkfifo "$work/crowd-$name.in"
	(
		echo $BASHPID >"$group_root$path/cgroup.procs" || exit
		export wanted name
		exec nsenter "--net=/proc/$(cat "$work/server")/ns/net" \
			bash -c 'set -u; require_private && exec /usr/bin/python3 "$work/crowd.py" "$wanted" "$name"'
	) <"$work/crowd-$name.in" >"$work/crowd-$name.out" 2>"$work/crowd-$name.err" &
	started["crowd-$name"]=$!
	exec {crowd_fd}>"$work/crowd-$name.in"
	crowd_fds="${crowd_fds-} $crowd_fd"
	until_so grep -q ready "$work/crowd-$name.out"
}

crowd in1 /imdstrace-e2e-$$ 401
crowd in2 /imdstrace-e2e-$$ 401
crowd out1 /imdstrace-e2e-$$-beside 200
crowd out2 /imdstrace-e2e-$$-beside 200
rehearse crowd --cgroup /imdstrace-e2e-$$ -o "$work/crowd.json"
prepare "the rehearsal of a crowd begins" rehearses crowd
for fd in $crowd_fds; do
	echo go >&"$fd"
done
for name in in1 in2 out1 out2; do
	ended "crowd-$name"
	check "$name: 2500 answers, none of them wrong" equal "$(cat "$work/crowd-$name.err")" '2500 0 []' \
		"$(tail -n 1 "$work/crowd-$name.out")"
done
stop crowd
check "each call of the scope is in the report once, and was rejected" holds "$work/crowd.json" '
	# a slow machine loses details, never counts, and says so
	.totals.v1 + .totals.v2 == 5000 and .totals.unknown == 0 and (.totals.lost > 0 and .rehearsal.verdict == "inconclusive" or
	.totals.v1 == .rehearsal.rejected and .rehearsal.unproven == 0 and .rehearsal.not_covered == 0 and
	.rehearsal.verdict == "survives")'

finish
