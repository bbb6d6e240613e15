#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The second witness: what reaches the endpoint from a socket that never asked for it is unknown, once
# for each connection, with the process that connected.
. "$(dirname "$0")/lib.sh"

# A service, and clients that reach it through address translation and through raw sockets.
redirected() {
	require_private && exec -a redirected python3 - "$@" <<-'PYTHON'
		import socket, sys, threading
		def serve(listener):
		    while True:
		        connection, _ = listener.accept()
		        threading.Thread(target=answer, args=(connection,), daemon=True).start()
		def answer(connection):
		    while connection.recv(65536):
		        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx")
		for address in sys.argv[1:]:
		    family = socket.AF_INET6 if ":" in address else socket.AF_INET
		    listener = socket.create_server((address, 80), family=family)
		    threading.Thread(target=serve, args=(listener,), daemon=True).start()
		request = b"GET /latest/meta-data/ami-id HTTP/1.1\r\nHost: x\r\nUser-Agent: redirected\r\n\r\n"
		addresses = [("127.0.0.9", 8080), ("127.0.0.9", 80), ("169.254.169.254", 8080)]
		for address in addresses + [("fd00:9::9", 8080)] * (len(sys.argv) - 2):
		    with socket.create_connection(address, 10) as client:
		        for _ in range(3):
		            client.send(request)
		            assert client.recv(65536)
		with socket.create_connection(("127.0.0.9", 8080), 10):
		    pass # nothing is sent
		with socket.socket() as client: # connects on the way
		    client.sendto(request, socket.MSG_FASTOPEN, ("127.0.0.9", 8080))
		    assert client.recv(65536)
		with socket.create_connection(("169.254.169.254", 80), 10) as client:
		    client.send(request)
		    assert client.recv(65536)
	PYTHON
}

raw() {
	require_private && exec -a raw python3 - <<-'PYTHON'
		import socket, struct
		raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
		source, target = (socket.inet_aton(each) for each in ("127.0.0.1", "169.254.169.254"))
		def segment(port, flags, payload):
		    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 40 + len(payload), 1, 0, 64, 6, 0, source, target)
		    return ip + struct.pack("!HHLLBBHHH", port, 80, 1000, 0, 0x50, flags, 8192, 0, 0) + payload
		for payload in b"", b"GET / HTTP/1.0\r\n", b"\r\n":
		    raw.sendto(segment(4242, 0x10 if payload else 2, payload), ("169.254.169.254", 0))
	PYTHON
}

raw_ipv6() {
	require_private && exec -a raw python3 - <<-'PYTHON'
		import socket, struct
		raw = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW)
		source, target = (socket.inet_pton(socket.AF_INET6, each) for each in ("::1", "fd00:ec2::254"))
		def segment6(port, flags, payload):
		    ip = struct.pack("!IHBB16s16s", 6 << 28, 20 + len(payload), 6, 64, source, target)
		    return ip + struct.pack("!HHLLBBHHH", port, 80, 2000, 0, 0x50, flags, 8192, 0, 0) + payload
		for payload in b"", b"GET / HTTP/1.0\r\n", b"\r\n":
		    raw.sendto(segment6(4243, 0x10 if payload else 2, payload), ("fd00:ec2::254", 0))
	PYTHON
}

private() {
	unshare --net bash -c 'ip link set lo up && ip address add 169.254.169.254/32 dev lo || exit
		ip -6 address add fd00:ec2::254/128 dev lo nodad && ip -6 address add fd00:9::9/128 dev lo nodad
		"$@"' private "$@"
}
translate() {
	iptables -t nat -A OUTPUT -d 169.254.169.254 -p tcp --dport 8080 -j DNAT --to-destination 169.254.169.254:80 &&
		iptables -t nat -A OUTPUT -d 127.0.0.9 -p tcp --dport 8080 -j DNAT --to-destination 169.254.169.254:80 &&
		iptables -t nat -A OUTPUT -d 127.0.0.9 -p tcp --dport 80 -j DNAT --to-destination 169.254.169.254
}
translate_ipv6() {
	has_ipv6 && ip6tables -t nat -A OUTPUT -d fd00:9::9 -p tcp --dport 8080 -j DNAT --to-destination '[fd00:ec2::254]:80'
}
translated() {
	if translate_ipv6; then
		translate && redirected 169.254.169.254 fd00:ec2::254
	else
		translate && redirected 169.254.169.254
	fi
}
inconclusive() {
	"$IMDSTRACE" check --min-window 0s "$work/raw.json" >"$work/verdict"
	equal "exit status" 4 $?
}
export -f redirected raw raw_ipv6 translate translate_ipv6 translated

if ! unshare --net true 2>/dev/null; then
	skip_all "no network namespace can be made here"
fi
trace raw --quiet --output "$work/raw.json"
need_traces raw
if grep -q 'raw sockets are not seen' "$work/raw.err"; then
	skip_all "$(sed -n 's/^imdstrace: \(.*raw sockets are not seen.*\)/\1/p' "$work/raw.err")"
fi
kinds=1
prepare "a raw socket sends" private raw
if private has_ipv6; then
	kinds=2
	prepare "a raw IPv6 socket sends" private raw_ipv6
else
	skip "a raw IPv6 socket sends" "lo has no IPv6 address here"
fi
stop raw
check "what a raw socket sends is unknown, once for each address" holds "$work/raw.json" \
	".totals | .unknown == $kinds and .unknown_by_reason.redirected == $kinds"
check "the process of a raw socket is named" holds "$work/raw.json" \
	'[.callers[] | select(.calls.unknown > 0) | .comm] | unique == ["python3"]'
check "a raw socket leaves nothing ready" inconclusive

if private translate >"$work/translate" 2>&1; then
	kinds=4
	if private translate_ipv6 >"$work/translate" 2>&1; then
		kinds=5
	else
		skip "address translation of IPv6" "ip6tables cannot translate here: $(head -n 1 "$work/translate")"
	fi
	trace redirected --quiet --output "$work/redirected.json"
	need_traces redirected
	prepare "clients behind address translation are answered" private translated
	stop redirected
	check "each connection behind address translation with a request is unknown, once" holds "$work/redirected.json" \
		".totals | .unknown == $kinds and .unknown_by_reason.redirected == $kinds and .v1 == 1"
	check "the process of a connection behind address translation is named" holds "$work/redirected.json" \
		'[.callers[] | select(.calls.unknown > 0) | .comm] | unique == ["python3"]'
	check "address translation is a reason of the verdict" holds "$work/redirected.json" '.reasons | any(test("address translation"))'
else
	skip "address translation" "iptables cannot translate here: $(head -n 1 "$work/translate")"
fi

# In a container's network and view of processes nobody knows where the machine forwards.
contained() {
	unshare --net --pid --fork --mount-proc "$IMDSTRACE" doctor >"$work/contained"
	grep -q 'forwards are not seen: .*network namespace .* cannot be entered' "$work/contained" && return
	cat "$work/contained"
	return 1
}
if "$IMDSTRACE" doctor | grep -q '^  fentry *yes\|^  tracepoint *no'; then
	skip "in a container doctor says that what the machine forwards is not seen" "another attach mode is used here"
elif ! unshare --net --pid --fork --mount-proc true 2>/dev/null; then
	skip "in a container doctor says that what the machine forwards is not seen" "no mount can be made private here"
else
	check "in a container doctor says that what the machine forwards is not seen" contained
fi

finish
