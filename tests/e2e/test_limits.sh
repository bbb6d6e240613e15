#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Limits are visible: more connections at once than the kernel side keeps accounts of.
. "$(dirname "$0")/lib.sh"

connections=1300

# Opens them all, then sends one request on each.
crowd() {
	python3 - "$connections" <<-'PYTHON'
		import resource, socket, sys
		resource.setrlimit(resource.RLIMIT_NOFILE, (8192, 8192))
		all = [socket.create_connection(("169.254.169.254", 80), 10) for _ in range(int(sys.argv[1]))]
		for each in all:
		    each.send(b"GET /latest/meta-data/ami-id HTTP/1.1\r\nHost: x\r\nUser-Agent: crowd\r\n\r\n")
	PYTHON
}
export -f crowd
export connections

trace limits --quiet --output "$work/limits.json"
need_traces limits
prepare "a crowd of connections sends its requests" serve optional crowd
stop limits

ours='[.callers[] | select(.user_agents | index("crowd"))] | first'
check "each connection of a crowd is counted, or is unknown" holds "$work/limits.json" \
	"($ours).calls | .v1 + .unknown == $connections"
check "connections that do not fit the table are missed" holds "$work/limits.json" '.totals.missed_by_kind.connections > 0 and .totals.unknown_by_reason.untracked > 0'
check "connections that do not fit the table are a reason of the verdict" holds "$work/limits.json" '.reasons | any(test("not tracked|not identified"))'

finish
