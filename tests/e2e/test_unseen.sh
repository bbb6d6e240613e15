#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What no hook saw is counted, and one sentence says why: here an MPTCP connection, whose sends the
# attach mode of the tracepoints has no hook for.
. "$(dirname "$0")/lib.sh"

"$IMDSTRACE" doctor >"$work/doctor" 2>&1
if ! grep -q '^  tracepoint  *yes' "$work/doctor"; then
	echo "SKIP mptcp: $(sed -n 's/^  tracepoint  *no: //p' "$work/doctor")" >"$work/sent"
else
	trace unseen --all --json --hooks tracepoint
	need_traces unseen
	"$WIRE" --run mptcp --out "$work/expected" >"$work/sent" 2>&1
	stop unseen
fi
if grep -q '^SKIP' "$work/sent"; then
	skip "an unseen send is explained" "$(sed -n 's/^SKIP mptcp: //p' "$work/sent")"
else
	check "an unseen send is unknown" grep -q '"reason":"unseen"' "$work/unseen.out"
	check "an unseen send is explained" \
		grep -q '^imdstrace: on 1 connection bytes were sent that none of the tracepoint hooks saw: ' "$work/unseen.err"
	check "sends without an entry are counted" grep -Eq '^imdstrace: [1-9][0-9]* sends to the endpoint were first seen' "$work/unseen.err"
fi

# Without anything unseen nothing is explained.
trace seen --all --json
need_traces seen
"$WIRE" --run cut-nowhere --out "$work/expected" >"$work/sent" 2>&1
stop seen
check "a send that was seen is not explained" not grep -q 'hooks saw' "$work/seen.err"

finish
