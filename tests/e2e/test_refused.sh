#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What a verifier says of a program that it refuses is told where the reason is told.
. "$(dirname "$0")/lib.sh"

# spoiled NAME SECTION: the tool, whose programs in SECTION no verifier takes.
spoiled() {
	python3 "$here/spoil.py" "$IMDSTRACE" "$2" "$work/$1" && chmod 755 "$work/$1"
}

# says NAME STATUS ARGUMENT...: what the spoiled tool prints, into $work/said.NAME.{out,err}.
says() {
	local name=$1 wanted=$2
	shift 2
	"$work/$name" "$@" >"$work/$name.out" 2>"$work/$name.err" </dev/null
	equal "exit status" "$wanted" $?
}

# On connects, which every way needs.
connects() {
	says connects 3 doctor && grep -qF "verifier refuses tp_btf/inet_sock_set_state: R9 !read_ok" "$work/connects.out"
}

connects_json() {
	says connects 3 doctor --json && holds "$work/connects.out" '[.why_not, .ways[].why_not]
		| map(select(test("verifier refuses tp_btf/inet_sock_set_state: R9 !read_ok"))) | length > 1'
}

connects_trace() {
	says connects 3 trace && one_sentence "$work/connects" &&
		grep -qF "verifier refuses tp_btf/inet_sock_set_state: R9 !read_ok" "$work/connects.err"
}

responses() {
	says responses 0 doctor &&
		grep -q '^  responses  *not watched: .*verifier refuses cgroup_skb/ingress: R9 !read_ok$' "$work/responses.out"
}

responses_json() {
	says responses 0 doctor --json && holds "$work/responses.out" '.traceable and (.responses | not)
		and (.responses_why_not | test("verifier refuses cgroup_skb/ingress: R9 !read_ok$"))'
}

rehearsal() {
	says rehearsal 0 doctor &&
		grep -q '^  rehearsal  *not possible: .*verifier refuses sk_msg: R9 !read_ok$' "$work/rehearsal.out" &&
		says rehearsal 0 doctor --json && holds "$work/rehearsal.out" '.traceable and (.rehearsal | not)
			and (.rehearsal_why_not | test("verifier refuses sk_msg: R9 !read_ok$"))' &&
		says rehearsal 3 rehearse --pid $$ -d 1s && one_sentence "$work/rehearsal" &&
		says rehearsal 0 trace --duration 1s
}

whole_log() {
	IMDSTRACE_DEBUG=1 says connects 3 doctor && grep -q 'BEGIN PROG LOAD LOG' "$work/connects.err" &&
		grep -q '!read_ok' "$work/connects.err"
}

possible() {
	"$IMDSTRACE" doctor | grep -q '^  rehearsal  *possible$'
}

silent() {
	says connects 3 doctor && IMDSTRACE_DEBUG='' says connects 3 doctor && equal stderr 0 "$(wc -c <"$work/connects.err")"
}

# What a trace lacks is told by doctor, by its JSON and at the start.
lacks() {
	local name=$1 each
	shift
	says "$name" 0 doctor && cp "$work/$name.out" "$work/$name.text" && says "$name" 0 doctor --json &&
		cp "$work/$name.out" "$work/$name.json" && says "$name" 0 trace --duration 1s || return
	for each; do
		grep -q "^  .*$each are not seen: .*verifier refuses .*: R9 !read_ok" "$work/$name.text" &&
			grep -q "^imdstrace: $each are not seen: .*R9 !read_ok" "$work/$name.err" &&
			holds "$work/$name.json" ".limits | any(test(\"$each are not seen: \"))" || return
	done
	equal "kinds that are not seen" $# "$(grep -c 'are not seen' "$work/$name.text")"
}

forwards="calls that this machine forwards"
translated="calls through address translation and from raw sockets"

# without CAPABILITIES: doctor, as root without these.
without() {
	setpriv --inh-caps -all --bounding-set "$1" "$IMDSTRACE" doctor >"$work/unprivileged" 2>&1
}

without_net_admin() {
	without -net_admin,-sys_admin && grep -q '^  responses  *not watched: that takes CAP_NET_ADMIN$' "$work/unprivileged"
}

prepare "the program on connects is spoiled" spoiled connects tp_btf/inet_sock_set_state
check "a refused program on connects: doctor shows the verifier's last line" connects
check "a refused program on connects: doctor's JSON shows the verifier's last line" connects_json
check "a refused program on connects: trace shows the verifier's last line" connects_trace
prepare "the program on responses is spoiled" spoiled responses cgroup_skb/ingress
check "a refused program on responses: doctor says why they are not watched" responses
check "a refused program on responses: doctor's JSON says why they are not watched" responses_json
prepare "the programs on what is forwarded are spoiled" spoiled forwarded netfilter
if "$IMDSTRACE" doctor | grep -q '^  fentry *yes\|^  tracepoint *no'; then
	skip "refused programs on what is forwarded: it is told that this is not seen" "another attach mode is used here"
else
	check "refused programs on what is forwarded: it is told that this is not seen" lacks forwarded "$forwards"
fi
prepare "the program on what sockets send is spoiled" spoiled sent cgroup_skb/egress
check "a refused program on what sockets send: it is told that neither kind is seen" lacks sent "$forwards" "$translated"
prepare "the program on connects that wait is spoiled" spoiled waiting sockops
check "a refused program on connects that wait: a trace does without" lacks waiting
if ! without -sys_admin; then
	skip "without CAP_NET_ADMIN doctor says so" "this kernel does not let itself be traced without CAP_SYS_ADMIN"
else
	check "without CAP_NET_ADMIN doctor says so" without_net_admin
fi
check "with IMDSTRACE_DEBUG the verifier's whole log is shown" whole_log
check "without IMDSTRACE_DEBUG nothing of the verifier's log is shown" silent

check "doctor says that this machine can rehearse" possible
spoiled rehearsal sk_msg
check "a refused program of rehearsals: doctor and rehearse say why, and trace goes on" rehearsal

finish
