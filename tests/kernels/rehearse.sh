#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# For suites that have sourced lib.sh: rehearsals of a cgroup, a process and a command, with a trace
# beside them, and what reaches the service from each way to send.

# start_rehearsal OPTION...: waits until it says that it rehearses; else its status.
start_rehearsal() {
	rm -f /tmp/rehearse.said /tmp/rehearsal.json
	"$IMDSTRACE" rehearse -o /tmp/rehearsal.json "$@" >/tmp/rehearsed 2>/tmp/rehearse.said &
	rehearsal=$!
	while ! grep -qs '^imdstrace: rehearsing' /tmp/rehearse.said; do
		if ! kill -0 $rehearsal 2>/dev/null; then
			wait "$rehearsal"
			return $?
		fi
		sleep 0.1
	done
}

# end_rehearsal SIGNAL: its status.
end_rehearsal() {
	kill "-$1" "$rehearsal"
	wait "$rehearsal"
}

# --- A network with a service, and clients in it that keep a connection ---------------------------

hold_service() {
	rm -f /tmp/server
	"$WIRE" --serve optional sh -c 'echo $$ >/tmp/server && exec sleep 100000' &
	holder=$!
	while [ ! -s /tmp/server ]; do
		kill -0 $holder || return
		sleep 0.1
	done
	server=$(cat /tmp/server)
}

# in_group DIRECTORY COMMAND...: in that cgroup and in the service's network.
in_group() {
	# For that shell.
	# shellcheck disable=SC2016
	sh -c 'echo $$ >"$2/cgroup.procs" && server=$1 && shift 2 && exec nsenter -t "$server" -n "$@"' sh "$server" "$@"
}

# talker NAME DIRECTORY: behind descriptor 5 (in) or 6 (out).
talker() {
	rm -f "/tmp/talk.$1"
	mkfifo "/tmp/talk.$1"
	in_group "$2" nc 169.254.169.254 80 <"/tmp/talk.$1" >"/tmp/heard.$1" 2>&1 &
	case $1 in
	in) exec 5>"/tmp/talk.in" ;;
	out) exec 6>"/tmp/talk.out" ;;
	esac
}

answers() {
	grep -ao 'HTTP/1\.[01] [0-9]*' "/tmp/heard.$1" | wc -l
}

# say NAME REQUEST WANTED: on its connection; the status has to be that.
say() {
	before=$(answers "$1")
	# The request has the escapes of printf.
	# shellcheck disable=SC2059
	case $1 in
	in) printf "$2" >&5 ;;
	out) printf "$2" >&6 ;;
	esac
	for _ in $(seq 1500); do
		[ "$(answers "$1")" = "$before" ] || break
		sleep 0.02
	done
	equal "$1 $3" "$1 $(grep -ao 'HTTP/1\.[01] [0-9]*' "/tmp/heard.$1" | tail -n +$((before + 1)) | sed 's/.* //')"
}

v1() {
	say "$1" 'GET /latest/meta-data/ami-id HTTP/1.1\r\nHost: a\r\n\r\n' "$2"
}

# cut NAME WANTED: in the middle of the empty line.
cut_v1() {
	printf 'GET /latest/meta-data/ami-id HTTP/1.1\r\nHost: a\r\n\r' >&5
	sleep 0.2
	say "$1" '\n' "$2"
}

goes_on() {
	say "$1" 'PUT /latest/api/token HTTP/1.1\r\nHost: a\r\nX-aws-ec2-metadata-token-ttl-seconds: 60\r\n\r\n' 200 &&
		say "$1" "GET /latest/meta-data/ami-id HTTP/1.1\r\nHost: a\r\nX-aws-ec2-metadata-token: $(tail -n 1 "/tmp/heard.$1" | tr -d '\r\n')\r\n\r\n" 200
}

# fetches DIRECTORY: whether a client in that cgroup, with a connection of its own, is answered with 200.
fetches() {
	in_group "$1" wget -q -O /dev/null http://169.254.169.254/latest/meta-data/ami-id 2>/dev/null
}

not() {
	! "$@"
}

# --- Scopes and ends -------------------------------------------------------------------------------

# said KEY VALUE: of the rehearsal's own object in its report.
said() {
	tr -d ' \n' </tmp/rehearsal.json | grep -o '"rehearsal":{"scope":"[^}]*}' | head -n 1 >/tmp/object
	grep -q "\"$1\":$2[,}]" /tmp/object && return
	echo "not $1 $2:"
	cat /tmp/object
	return 1
}

a_process() {
	start_rehearsal --pid "$talking" -q --hooks "$mode" || { cat /tmp/rehearse.said && return 1; }
	v1 in 401 && v1 out 200 && fetches "$groups/imdstrace-in/below" && cut_v1 in 401 && goes_on in
	set -- $?
	end_rehearsal TERM
	set -- "$1" $?
	equal 0 "$1" && equal "status 0" "status $2" && said verdict '"survives"' && said rejected 2 &&
		said recovered 1 && said not_covered 0 && v1 in 200 && v1 out 200
}

# What a sockmap does otherwise: zero-copy sends before 6.5, and an address that cannot be read from 6.12
# on. Of heads without end the service closes when it has seen enough.
otherwise=way-zerocopy,ways-in-turns,way-uring-send-zc,bad-address,second-message-fails,heads-without-end

# Every way to send, from below the cgroup.
sends() {
	in_group "$groups/imdstrace-in/below" "$WIRE" --bytes "$1" --run all --except $otherwise --out /tmp/expected >/tmp/wire 2>&1 && return
	cat /tmp/wire
	return 1
}

a_cgroup() {
	start_rehearsal --cgroup /imdstrace-in -q --hooks "$mode" || { cat /tmp/rehearse.said && return 1; }
	v1 in 401 && v1 out 200 && fetches "$groups/imdstrace-out" && not fetches "$groups/imdstrace-in/below" &&
		{ [ "$wanted" != bytes ] || sends /tmp/during; }
	set -- $?
	end_rehearsal KILL
	equal 0 "$1" && v1 in 200 && v1 out 200 && goes_on in && fetches "$groups/imdstrace-in/below"
}

# The service got what it gets without a rehearsal, and the lines.
bytes_are_alike() {
	"$WIRE" --rehearsed /tmp/before /tmp/during >/tmp/compared
	set -- $?
	cat /tmp/compared
	equal 0 "$1" && grep -q '^[1-9][0-9]* lines in' /tmp/compared
}

a_command() {
	rm -f /tmp/rehearsal.json
	"$IMDSTRACE" rehearse -q --hooks "$mode" -o /tmp/rehearsal.json -- nsenter -t "$server" -n \
		wget -q -O /dev/null http://169.254.169.254/latest/meta-data/ami-id >/tmp/rehearsed 2>&1
	equal "status 1" "status $?" && said verdict '"breaks"' && said rejected 1 && said recovered 0 && return
	cat /tmp/rehearsed
	return 1
}

# Before Linux 6.5 it waits in vain for notices once its socket is rehearsed; it is not covered on any.
zerocopy_is_not_covered() {
	rm -f /tmp/rehearsal.json
	"$IMDSTRACE" rehearse -q --hooks "$mode" -o /tmp/rehearsal.json -- "$WIRE" --run way-zerocopy --out /tmp/zerocopy >/tmp/rehearsed 2>&1
	equal "status 4" "status $?" && said verdict '"inconclusive"' && said rejected 0 && said not_covered 1 && return
	cat /tmp/rehearsed
	return 1
}

# The sends of a rehearsed connection go where a tracer cannot look: they are unknown, and nothing is
# counted twice.
trace_beside_counts() {
	set -- "$(total v1)" "$(total v2)" "$(total token)" "$(total unknown)" "$1"
	echo "v1 $1 v2 $2 token $3 unknown $4"
	[ "$1" -le "$5" ] && [ "$2" -le 2 ] && [ "$3" -le 2 ] && { [ $(($1 + $2 + $3)) = $(($5 + 4)) ] || [ "$4" -gt 0 ]; }
}

# rehearse_by MODE HIERARCHY bytes|beside|'': HIERARCHY is a directory in which cgroups are made. With
# "bytes" it is held against each other what reaches the service with and without a rehearsal; with
# "beside" a trace runs beside, and a command is rehearsed, too.
rehearse_by() {
	mode=$1 groups=$2 wanted=$3
	mkdir -p "$groups/imdstrace-in/below" "$groups/imdstrace-out"
	hold_service || { verdict FAILED "$mode: no service" && return; }
	[ "$wanted" != bytes ] || sends /tmp/before
	[ "$wanted" != beside ] || start --hooks "$mode"
	talker out "$groups/imdstrace-out"
	talker in "$groups/imdstrace-in/below"
	check "$mode: calls are answered before a rehearsal" v1 in 200
	talking=$(cat "$groups/imdstrace-in/below/cgroup.procs")
	check "$mode: calls of a process are rejected on a connection that was open, and nobody else's" a_process
	check "$mode: calls of a cgroup are, until kill -9" a_cgroup
	case $wanted in
	bytes)
		check "$mode: the service gets what is sent, and the lines" bytes_are_alike
		check "$mode: zero-copy sends asked for after the connect are not covered" zerocopy_is_not_covered
		;;
	beside) check "$mode: a command that does not go on breaks" a_command ;;
	esac
	exec 5>&- 6>&-
	kill "$talking" 2>/dev/null
	if [ "$wanted" = beside ]; then
		stop
		check "$mode: a trace beside rehearsals counts right, or says that it does not know" trace_beside_counts 15
	fi
	kill "$server"
	rmdir "$groups/imdstrace-in/below" "$groups/imdstrace-in" "$groups/imdstrace-out" 2>/dev/null
}
