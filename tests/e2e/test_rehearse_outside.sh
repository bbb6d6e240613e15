#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Nobody outside the scope of a rehearsal is refused, though he has been in it, holds a connection that it
# opened, has the number of a process of it, or lives in a cgroup that is called almost so.
# Command lines for all() and for other shells.
# shellcheck disable=SC2016
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/rehearse.sh"
need_groups
network optional
scope=/imdstrace-e2e-$$
group $scope
group ${scope}0
group ${scope%?}

cat >"$work/outside.py" <<'SCRIPT'
import array, os, socket, sys
V1 = b"GET /latest/meta-data/ami-id HTTP/1.1\r\nHost: a\r\n\r\n"
def connect():
    return socket.create_connection(("169.254.169.254", 80), 20)
def ask(connection):
    connection.settimeout(20) # who was handed one knows of none
    connection.sendall(V1)
    return connection.recv(65536).split()[1].decode()
def move(path):
    with open(path + "/cgroup.procs", "w") as procs:
        procs.write(str(os.getpid()))
def call():
    print(ask(connect()))
def moved():
    connection = connect()
    inside = ask(connection)
    move(sys.argv[2])
    print(inside, ask(connection), ask(connect()))
def back():
    connection = connect()
    move(sys.argv[2])
    outside = ask(connection)
    move(sys.argv[3])
    print(outside, ask(connection))
def handed():
    ours, theirs = socket.socketpair()
    if os.fork():
        connection = connect()
        ours.sendmsg([b"!"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [connection.fileno()]))])
        os.wait()
        return
    move(sys.argv[2])
    _, messages, _, _ = theirs.recvmsg(1, socket.CMSG_SPACE(4))
    print(ask(socket.socket(fileno=array.array("i", messages[0][2])[0])))
globals()[sys.argv[1]]()
SCRIPT

# outside NAME GROUP ARGUMENT...: what that client printed.
outside() {
	local path=$1
	shift
	in_group "$path" nsenter "--net=/proc/$(cat "$work/server")/ns/net" \
		bash -c 'set -u; require_private && exec /usr/bin/python3 "$work/outside.py" "$@"' outside "$@"
}

# prints ANSWERS GROUP ARGUMENT...: for check.
prints() {
	local wanted=$1
	shift
	equal answers "$wanted" "$(outside "$@")"
}

rehearse cgroup --cgroup $scope -q -o "$work/cgroup.json"
rehearses cgroup || exit 1
check 'who is in the scope is refused' prints 401 $scope call
check 'a cgroup whose name is longer is outside' prints 200 ${scope}0 call
check 'a cgroup whose name is shorter is outside' prints 200 ${scope%?} call
check 'who leaves the scope is refused no more, on a connection that it had either' \
	prints '401 200 200' $scope moved "$group_root${scope}0"
check 'who comes back is refused again' prints '200 401' $scope back "$group_root${scope}0" "$group_root$scope"
check 'who was handed a connection of the scope is not refused' prints 200 $scope handed "$group_root${scope}0"
stop cgroup
check 'the report has the calls of the scope alone' holds "$work/cgroup.json" '.rehearsal.rejected == 3'

# pid_is PID COMMAND...: a process of that number, if nobody has it.
pid_is() {
	local pid=$1
	shift
	for _ in {1..50}; do
		echo $((pid - 1)) >/proc/sys/kernel/ns_last_pid
		"$@" &
		[ $! != "$pid" ] || { wait $! && return; }
		wait $!
	done
	return 1
}

numbered() {
	read -r pid _ </proc/self/stat
	equal "a process with the number of the scope's" "$1" "$pid" >&2 && outside '' call >"$work/numbered"
}

if [ -w /proc/sys/kernel/ns_last_pid ]; then
	sleep 300 &
	scope_pid=$!
	rehearse pid --pid $scope_pid -q -d 2m -o "$work/pid.json"
	rehearses pid || exit 1
	kill $scope_pid
	wait $scope_pid 2>/dev/null
	check 'a process that got the number of one of the scope can be made' pid_is $scope_pid numbered $scope_pid
	check 'a process that got the number of one of the scope is not refused' equal answer 200 "$(cat "$work/numbered")"
	stop pid
	check 'its calls are not in the report' holds "$work/pid.json" '.rehearsal.rejected == 0'
else
	skip 'a process that got the number of one of the scope' 'this kernel lets nobody choose the next number of a process'
fi

finish
