#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Every way to put a request on the wire, beside a rehearsal: what reaches the service is what was
# sent, and a line in each head that is v1; and what is shown is what it is without one.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/rehearse.sh"

# What a sockmap, not the rehearsal, does otherwise: a send that takes less than it was given makes its
# request unknown, a send of urgent data is counted before it is told to be one, and Linux 6.12 and later
# do not report an address that cannot be read. io_uring refuses to send from pages of the caller.
urgent='urgent-data: 1 requests expected, 2 shown'
cut_short='cut-short-nonblocking|cut-short-by-timeout|interrupted-by-signals'
otherwise=bad-address,second-message-fails,way-uring-send-zc

prepare "every case is sent without a rehearsal" "$WIRE" --bytes "$work/before" --run all --except $otherwise --out "$work/expected.before"
rehearse wire --all -d 10m --json
rehearses wire || exit 1
"$WIRE" --bytes "$work/during" --run all --except $otherwise --out "$work/expected" >"$work/sent" 2>&1
stop wire
"$WIRE" --compare "$work/wire.out" "$work/expected" >"$work/verdict" 2>&1
"$WIRE" --rehearsed "$work/before" "$work/during" >"$work/bytes" 2>&1
add_cases '' <(grep -vE "^FAILED (($cut_short):|$urgent)" "$work/verdict")
grep '^FAILED' "$work/bytes"
check "every case was judged" grep -Eq '^[1-9][0-9]* passed, [0-9]+ failed, [0-9]+ skipped$' "$work/verdict"
wrong() {
	grep ^FAILED "$work/verdict" | grep -Ev "^FAILED (($cut_short): [0-9]+ unknown shown|$urgent)"
}
check "what a sockmap does otherwise is no wrong count" not wrong

bytes_alike() {
	grep -q '^[1-9][0-9]* lines in' "$work/bytes" || return
	! grep '^FAILED' "$work/bytes"
}
check "the service got what was sent, and a line in each v1 head" bytes_alike

lines_are_counted() {
	local lines rehearsed unknown
	lines=$(sed -n 's/ lines in .*//p' "$work/bytes")
	rehearsed=$(grep -c '"rehearsed":true' "$work/wire.out")
	unknown=$(grep -c '"class":"unknown"' "$work/wire.out")
	echo "$lines lines, $rehearsed rehearsed, $unknown unknown"
	[ "$lines" -ge "$rehearsed" ] && [ "$lines" -le $((rehearsed + unknown)) ]
}
check "each line that the service got is of a call that is said to be rehearsed, or unknown" lines_are_counted

# Fast Open sends before there is a connection, an MPTCP subflow is not the caller's socket, and a socket
# without room for the line is left alone, as is one that asks for zero-copy sends.
spared() {
	jq -r 'select(.type == "request" and .class == "v1" and .rehearsed != true).comm' "$work/wire.out" | sort | uniq -c |
		grep -Ev ' (fast-open|mptcp|cut-short|split|interrupted|slow-|blocked|way-zerocopy|ways-in-turns)'
}
check "each v1 head got the line, but for those that no rehearsal can touch" not spared

finish
