#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Names made to confuse: programs that are replaced or in memory alone, control bytes in names,
# arguments, headers and cgroups, cgroups that imitate a container's, arguments of 128 KiB. The report
# says what is known, and no format carries a control byte.
# What stands in single quotes is for jq, or expanded where it runs.
# shellcheck disable=SC2016
set -u
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/rehearse.sh
. "$here/rehearse.sh"
need_private_mounts
need_groups

events=$work/named.out
report=$work/report.json
CURL=$(realpath "$(command -v curl)")
# A terminal obeys ESC, BEL, CR and C1; a log has a line more; a reader is led by the last one.
HOSTILE=$'evil\e[7777m\e]0;title\a\r\x7f\xc2\x9b7777m\xe2\x80\xae\xff'
ID=$(printf '%064d' $$)
export CURL HOSTILE ID
# A cgroup's name has no line feed: the kernel refuses it.
top=/imdstrace-e2e-$$
for each in "" "/$HOSTILE.service" "/docker-$ID.scope" /user.slice /user.slice/user-4321.slice /user.slice/user-4321.slice/user@4321.service \
	"/user.slice/user-4321.slice/user@4321.service/docker-$ID.scope"; do
	group "$top$each"
done

# call NAME [ARGUMENT...]: one request, of a process that was given these and uses the first alone.
cat >"$work/call.py" <<'SCRIPT'
import ctypes, socket, sys
if sys.argv[1] == "comm":
    ctypes.CDLL(None).prctl(15, b"evil\x1b[7777m\r\n\xff", 0, 0, 0)
connection = socket.create_connection(("169.254.169.254", 80), 20)
connection.sendall(b"GET /latest/meta-data/ami-id?" + sys.argv[2].encode() + b" HTTP/1.1\r\nHost: a\r\nUser-Agent: me\x1b[7777m\x9b\xff\r\n\r\n")
connection.recv(65536)
SCRIPT
call() {
	local name=$1
	shift
	client "$name" python3 "$work/call.py" "$name" "$tag-$name" "$@"
}

# A copy of curl behind whose path there is another program by the time it sends.
replaced() {
	cp "$CURL" "$work/replaced"
	mkfifo "$work/options"
	client replaced "$work/replaced" -sS -K "$work/options" &
	exec 3>"$work/options"
	cp /bin/true "$work/other" && mv "$work/other" "$work/replaced"
	echo "url = $(target replaced)" >&3
	exec 3>&-
	wait
}

# in_memory NAME FILE: a copy of curl that has no file but one in memory of that name.
cat >"$work/memory.py" <<'SCRIPT'
import os, sys
file = os.memfd_create(os.fsencode(sys.argv[1]))
with open(os.environ["CURL"], "rb") as program:
    os.write(file, program.read())
os.execv(f"/proc/self/fd/{file}", ["curl", "-sS", sys.argv[2]])
SCRIPT
in_memory() {
	client "$1" python3 "$work/memory.py" "$2" "$(target "$1")"
}

call_in() {
	(echo $BASHPID >"$group_root$top/$2/cgroup.procs" && call "$1")
}

# As long as one argument may be, and beside it 128 KiB in many, with an environment of 1 MiB.
long_arguments() {
	local one each
	one=$(head -c 131071 /dev/zero | tr '\0' a)
	call one-argument "$one"
	# shellcheck disable=SC2046
	call many-arguments $(seq 10000 32000)
	for each in 1 2 3 4 5 6 7 8; do
		export "LONG_$each=${one:100}"
	done
	bash -c 'call environment; :' "$one"
}

clients() {
	replaced
	in_memory memory x
	in_memory memory-path "../../usr/bin/$HOSTILE"
	call comm
	call arguments "$HOSTILE" $'two\nlines\tand a tab'
	call_in unit "$HOSTILE.service"
	call_in container "docker-$ID.scope"
	call_in imitation "user.slice/user-4321.slice/user@4321.service/docker-$ID.scope"
	(long_arguments)
}
export group_root top
export -f call replaced in_memory call_in long_arguments clients

# In a mount namespace of its own, in which docker has a container of that id.
beside_docker() {
	mount -t tmpfs tmpfs /var/lib && mkdir -p "/var/lib/docker/containers/$ID" || return
	echo '{"Name":"/orders","Config":{"Image":"shop/orders","Labels":{}}}' >"/var/lib/docker/containers/$ID/config.v2.json"
	exec "$IMDSTRACE" trace "$@"
}
export -f beside_docker
unshare --mount --propagation private bash -c 'beside_docker "$@"' trace --all --json --output "$report" \
	>"$events" 2>"$work/named.err" </dev/null &
started[named]=$!
trace live --all
need_traces named live
serve optional clients || exit 1
stop named
stop live

check 'the trace ends well' ended_with named 0
check 'a program that was replaced has the path that it was started from' shows replaced '{exe: "\(env.work)/replaced", comm: "replaced"}'
check 'a program in memory says so' shows memory '{exe: "/memfd:x", args: ["curl", "-sS", "\(env.endpoint)/latest/meta-data/ami-id?\(env.tag)-memory"]}'
check 'a program in memory has no name but that, whatever path it contains' holds "$report" '
	[.callers[] | select(any(.paths[]; .path | endswith("-memory-path")))] | length == 1 and (.[0] | (.exe | startswith("/memfd:../../usr/bin/evil"))
		and (.name | startswith("memfd:../../usr/bin/evil")))'
check 'a process that gives itself a hostile name is itself in JSON' shows comm '{comm: "evil\u001b[7777m\r\n\ufffd", user_agent: "me\u001b[7777m\ufffd\ufffd"}'
check 'hostile arguments are themselves in JSON' holds <(requests arguments) '.args[4:] == [env.HOSTILE, "two\nlines\tand a tab"]'
check 'a hostile unit is itself in JSON' holds <(requests unit) '(.unit | startswith("evil\u001b[7777m")) and (.unit | endswith("\ufffd.service")) and .container == null'
check "a container's process has its name" shows container '{container: {runtime: "docker", id: env.ID, name: "orders", image: "shop/orders"}, unit: null}'
check "a cgroup that a user made has no other container's name" holds <(requests imitation) '.container | .id == env.ID and .name == null'
for each in one-argument many-arguments; do
	check "$each: 128 KiB are cut, and say that they are" holds <(requests $each) '
		.args_cut and (.args[1] | endswith("call.py")) and (.args | join("\u0000") | length <= 512)'
done
check 'a process with a huge environment is seen, and its parent' holds <(requests environment) '.comm == "python3" and .ancestry[0].comm == "bash"'
check 'every call is counted' holds "$report" '.totals | .v1 == 11 and .unknown == 0 and .lost == 0'

# No control byte but the end of a line, nothing that turns text around, and valid UTF-8.
cat >"$work/tame.py" <<'SCRIPT'
import re, sys, unicodedata
for name in sys.argv[1:]:
    # the page's own style sheet and script are indented by tabs
    text = re.sub(r"(?m)^\t+", "", open(name, "rb").read().decode().replace("\r\n", "\n"))
    assert len(text) > 20, name
    wrong = {hex(ord(c)) for c in text if c != "\n" and (unicodedata.category(c) == "Cc" or c in "\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")}
    if wrong:
        sys.exit(f"{name}: {sorted(wrong)}")
SCRIPT
tame() {
	python3 "$work/tame.py" "$@"
}
for format in text json csv markdown html prometheus emf hosts rows script; do
	run "as-$format" report --format $format "$report"
	check "$format: no control byte" all "ended_with as-$format 0" "tame $work/as-$format.out"
done
run verdict check --min-window 0s "$report"
check 'check: no control byte' tame "$work/verdict.out"
check 'the report, what is printed live and what is said have no control byte' tame "$report" "$events" "$work/live.out" "$work/live.err" "$work/named.err"

finish
