#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Where a trace ends, or another begins, in the middle of a head; and responses that nobody asked for.
. "$(dirname "$0")/lib.sh"

# Three connections that stay open: half a head, a whole request with its response, and a whole
# request with half of the next. Says each step in a file and goes on when the next one is wanted.
half_sender() {
	exec -a half-sender python3 - "$work" <<-'PYTHON'
		import os, socket, sys, time
		def said(step):
		    open(f"{sys.argv[1]}/said.{step}", "w").close()
		def wanted(step):
		    while not os.path.exists(f"{sys.argv[1]}/want.{step}"):
		        time.sleep(0.02)
		whole = b"GET /latest/meta-data/ami-id HTTP/1.1\r\nHost: x\r\nUser-Agent: half\r\n\r\n"
		half, idle, both, piped = (socket.create_connection(("169.254.169.254", 80), 10) for _ in range(4))
		half.send(whole[:40])
		for each in idle, both:
		    each.send(whole)
		    each.recv(65536)
		both.send(whole[:20])
		piped.send(whole + whole[:-2])
		piped.recv(65536)
		said("half")
		wanted("rest")
		half.send(whole[40:-2])
		half.send(b"\r\n")
		both.send(whole[20:])
		idle.send(whole)
		piped.send(b"\r\n")
		piped.recv(65536)
		said("rest")
		wanted("end")
	PYTHON
}

# A service that answers each request twice, and a client.
twice() {
	require_private && exec -a twice python3 - <<-'PYTHON'
		import socket, threading
		def serve(listener):
		    connection, _ = listener.accept()
		    while connection.recv(65536):
		        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx" * 2)
		listener = socket.create_server(("169.254.169.254", 80))
		threading.Thread(target=serve, args=(listener,), daemon=True).start()
		client = socket.create_connection(("169.254.169.254", 80), 10)
		for _ in range(3):
		    client.send(b"GET /latest/meta-data/ami-id HTTP/1.1\r\nHost: x\r\nUser-Agent: twice\r\n\r\n")
		    got = 0
		    while got < 78:
		        got += len(client.recv(65536))
	PYTHON
}
# A service that reads no body of a GET, and a client that puts a request there.
hidden() {
	require_private && exec -a hidden python3 - <<-'PYTHON'
		import socket, threading
		def serve(listener):
		    connection, _ = listener.accept()
		    text = b""
		    while True:
		        text += connection.recv(65536)
		        *heads, text = text.split(b"\r\n\r\n")
		        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx" * len(heads))
		listener = socket.create_server(("169.254.169.254", 80))
		threading.Thread(target=serve, args=(listener,), daemon=True).start()
		client = socket.create_connection(("169.254.169.254", 80), 10)
		head = b"GET /latest/meta-data/ami-id HTTP/1.1\r\nHost: x\r\n"
		client.send(head + b"X-aws-ec2-metadata-token: t\r\nContent-Length: 5000\r\n\r\n" + head + b"\r\n")
		got = 0
		while got < 78:
		    got += len(client.recv(65536))
	PYTHON
}
alone() {
	unshare --net bash -c 'ip link set lo up && ip address add 169.254.169.254/32 dev lo && "$@"' alone "$@"
}
export -f half_sender twice hidden

trace first --quiet --output "$work/first.json"
need_traces first
serve optional half_sender >"$work/half" 2>&1 &
started[half]=$!
until_so test -e "$work/said.half"
stop first
trace second --quiet --output "$work/second.json"
need_traces second
touch "$work/want.rest"
until_so test -e "$work/said.rest"
stop second
touch "$work/want.end"
ended half
check "the sender of half requests ends well" equal "exit status" 0 "$(cat "$work/half.status")"

caller='([.callers[] | select(any(.args[]?; . == "half-sender") or .comm == "python3")] | first)'
check "what is half sent at the end is unknown" holds "$work/first.json" \
	"($caller).calls | .v1 == 3 and .unknown == 3"
check "what is half sent at the end is in the totals, with its reason" holds "$work/first.json" \
	'.totals | .unknown == 3 and .unknown_by_reason.incomplete == 3'
check "the verdict is not ready where a request is half sent at the end" holds "$work/first.json" '.verdict == "blocked" and (.reasons | length > 0)'
check "the rest of a head is unknown, and an idle connection is followed" holds "$work/second.json" \
	"(if .windows[0].responses then 3 else 2 end) as \$unknown | ($caller).calls | .v1 == 1 and .unknown == \$unknown"

if ! unshare --net true 2>/dev/null; then
	skip "more responses than requests are unknown, once for the connection" "no network namespace can be made here"
	finish
	exit
fi
trace unasked --quiet --output "$work/unasked.json"
need_traces unasked
prepare "a service answers twice" alone twice
stop unasked
if holds "$work/unasked.json" '.callers[] | .outcomes.v1.ok + .outcomes.v1.other > 0' >/dev/null 2>&1; then
	check "more responses than requests are unknown, once for the connection" holds "$work/unasked.json" \
		'.totals | .v1 == 3 and .unknown == 1 and .unknown_by_reason.unasked == 1'
	trace hidden --quiet --output "$work/hidden.json"
	need_traces hidden
	prepare "a service does not read a body" alone hidden
	stop hidden
	check "a request that a body hides is unknown by its response" holds "$work/hidden.json" \
		'.totals | .v2 == 1 and .unknown == 1 and .unknown_by_reason.unasked == 1'
else
	skip "more responses than requests are unknown, once for the connection" "responses are not watched here"
fi

finish
