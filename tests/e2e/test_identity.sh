#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Who sent it, where that is hard: executables that are elsewhere, gone or renamed, hostile names,
# and processes in cgroups as systemd and the container runtimes make them.
# What stands in single quotes is for jq, or expanded where it runs.
# shellcheck disable=SC2016
set -u
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
need_private_mounts

events=$work/json.out
report=$work/report.json
CURL=$(realpath "$(command -v curl)")
PYTHON=/usr/bin/python3
BASH_EXE=$(realpath /proc/$$/exe)
export CURL PYTHON BASH_EXE

# --- Executables -------------------------------------------------------------------------------

# Runs a copy of curl that is removed before it sends: curl waits for its options.
gone() {
	cp "$CURL" "$work/gone"
	mkfifo "$work/options"
	client gone "$work/gone" -sS -K "$work/options" &
	exec 3>"$work/options"
	rm "$work/gone"
	echo "url = $(target gone)" >&3
	exec 3>&-
	wait
}

# A parent whose program is removed while it waits.
gone_parent() {
	cp "$BASH_EXE" "$work/gone-shell"
	"$work/gone-shell" -c 'rm "$work/gone-shell"; client gone-parent curl -sS "$(target gone-parent)"; :'
}

# A program on a file system that is mounted in the client's own mount namespace alone.
mounted() {
	mkdir -p "$work/volume" "$work/other"
	mount -t tmpfs -o mode=755 tmpfs "$work/volume"
	mkdir -p "$work/volume/a/b"
	cp "$CURL" "$work/volume/a/b/fetch"
	mount --bind "$work/volume/a" "$work/other"
	client mounted "$work/volume/a/b/fetch" -sS "$(target mounted)"
	client bound "$work/other/b/fetch" -sS "$(target bound)"
}

# The same tree as / and as a directory, with a program in it that is nowhere else.
rooted() {
	mkdir -p "$work/root"
	mount --rbind / "$work/root"
	mount -t tmpfs -o mode=755 tmpfs "$work/root/srv"
	cp "$CURL" "$work/root/srv/fetch"
	client chrooted chroot "$work/root" /srv/fetch -sS "$(target chrooted)"
	cd "$work/root" || return
	pivot_root . mnt
	client pivoted /srv/fetch -sS "$(target pivoted)" >/dev/null
	# Where the other clients' notes are.
	cp "$work/pid.pivoted" "/mnt$work/" 2>/dev/null
	:
}

# --- Names -------------------------------------------------------------------------------------

cat >"$work/thread.py" <<'SCRIPT'
import ctypes, http.client, sys, threading
def work():
    ctypes.CDLL(None).prctl(15, b"some-worker", 0, 0, 0)
    connection = http.client.HTTPConnection("169.254.169.254")
    connection.request("GET", sys.argv[1])
    connection.getresponse().read()
    print(threading.get_native_id())
thread = threading.Thread(target=work)
thread.start()
thread.join()
SCRIPT
cat >"$work/own-name" <<'SCRIPT'
#!/usr/bin/python3
import http.client, sys
connection = http.client.HTTPConnection("169.254.169.254")
connection.request("GET", sys.argv[1])
connection.getresponse().read()
SCRIPT
chmod +x "$work/own-name"

HOSTILE=$'evil\e[7777m\e]0;title\a\xc2\x9b7777m\r\nend'
INVALID=$'caf\xe9-\xff'
export HOSTILE INVALID

named() {
	local path=/latest/meta-data/ami-id
	client thread "$PYTHON" "$work/thread.py" "$path?$tag-thread"
	client own-name "$work/own-name" "$path?$tag-own-name"
	cp "$CURL" "$work/$HOSTILE"
	client hostile "$work/$HOSTILE" -sS -A $'me\e[7777m' "$(target hostile)"
	cp "$CURL" "$work/$INVALID"
	client invalid "$work/$INVALID" -sS -A "$INVALID" -H "X-Other: $INVALID" "$(target invalid)"
	# shellcheck disable=SC2046
	client many-args curl -sS "$(target many-args)" $(printf -- '-HX-%d:1 ' {1..400})
	client title bash -c 'exec -a "" curl -sS "$(target title)"'
	exec 3<>/dev/tcp/169.254.169.254/80
	printf 'GET %s/\xff\xc3(%s HTTP/1.0\r\n\r\n' "$path" "?$tag-bytes" >&3
	cat <&3 >/dev/null
	exec 3>&-
}

# --- Networks ----------------------------------------------------------------------------------

# Goes back into the network that the test was started in, with a connection of the private one.
exec 8</proc/self/ns/net
networks() {
	client in-own curl -sS "$(target in-own)"
	client gone-back bash -c 'exec 3<>/dev/tcp/169.254.169.254/80
		exec nsenter --net=/proc/self/fd/8 bash -c "printf \"GET $0 HTTP/1.0\r\n\r\n\" >&3; cat <&3"' \
		"/latest/meta-data/ami-id?$tag-gone-back"
}

# Whether the test was started in the machine's first network: the first pid namespace's number is
# fixed (the kernel's PROC_PID_INIT_INO), and in it process 2 is the kernel's own.
started_in_first() {
	[ "$(readlink /proc/self/ns/pid)" = 'pid:[4026531836]' ] && [ /proc/self/ns/net -ef /proc/2/ns/net ]
}

# --- Cgroups -----------------------------------------------------------------------------------

hex() {
	printf '%064d' "$((10#$1 * 100000000 + $$))"
}
pod_uid=0f1c2d3e-4b5a-6978-8796-$(printf %012d $$)
task=$(printf %032d $$)
service=imdstrace-e2e-$$.service
export pod_uid task service

# name  hierarchy  path  expected: unit, runtime, container id, pod uid (- for null)
cgroups="
root        unified /                                                                - - - -
service     unified /system.slice/$service                                           $service - - -
below       unified /system.slice/$service/worker/1                                  $service - - -
templated   unified /system.slice/system-worker.slice/worker@$$.service              worker@$$.service - - -
session     unified /user.slice/user-4321.slice/session-$$.scope                     session-$$.scope - - -
user-unit   unified /user.slice/user-4321.slice/user@4321.service/app.slice/app-$$.service app-$$.service - - -
docker      unified /system.slice/docker-$(hex 1).scope                              - docker $(hex 1) -
dockerfs    unified /docker/$(hex 2)                                                 - docker $(hex 2) -
podman      unified /machine.slice/libpod-$(hex 3).scope/container                   - podman $(hex 3) -
kubepods    unified /kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${pod_uid//-/_}.slice/cri-containerd-$(hex 4).scope - containerd $(hex 4) $pod_uid
crio        unified /kubepods.slice/kubepods-pod${pod_uid//-/_}.slice/crio-$(hex 5).scope - cri-o $(hex 5) $pod_uid
podfs       unified /kubepods/besteffort/pod$pod_uid/$(hex 6)                        - containerd $(hex 6) $pod_uid
ecs         unified /ecs/$task/$(hex 7)                                              - ecs $(hex 7) -
fargate     unified /ecs/$task/$task-1234567890                                      - ecs $task-1234567890 -
lxc         unified /lxc.payload.web-$$                                              - lxc web-$$ -
nspawn      unified /machine.slice/systemd-nspawn@deb-$$.service/payload             - nspawn deb-$$ -
legacy      systemd /system.slice/$service                                           $service - - -
legacy-docker systemd /docker/$(hex 8)                                               - docker $(hex 8) -
legacy-pod  systemd /kubepods/burstable/pod$pod_uid/$(hex 9)                         - containerd $(hex 9) $pod_uid
"

# Makes a directory and remembers those that were not there, the deepest first.
make_cgroup() {
	local directory=$1
	[ ! -d "$directory" ] || return 0
	make_cgroup "${directory%/*}" && mkdir "$directory" && sed -i "1i $directory" "$work/cgroups-made"
}

# in_cgroup NAME HIERARCHY PATH: a client in that cgroup, and in the root of the other hierarchy.
in_cgroup() {
	(
		if [ "$2" = systemd ]; then
			echo $BASHPID >"$work/unified/cgroup.procs" || exit
		elif [ -d "$work/systemd" ]; then
			echo $BASHPID >"$work/systemd/cgroup.procs" || exit
		fi
		echo $BASHPID >"$work/$2$3/cgroup.procs" || exit
		client "cgroup-$1" curl -sS "$(target "cgroup-$1")"
	)
}

# The hierarchies are mounted where only this process and its children see them.
in_cgroups() {
	local name hierarchy path
	mkdir "$work/unified"
	mount -t cgroup2 cgroup2 "$work/unified" || return
	if grep -q ':name=systemd:' /proc/self/cgroup; then
		mkdir "$work/systemd"
		mount -t cgroup -o none,name=systemd cgroup "$work/systemd" || return
	fi
	echo >"$work/cgroups-made"
	while read -r name hierarchy path _; do
		[ -d "$work/${hierarchy:-none}" ] || continue
		make_cgroup "$work/$hierarchy${path%/}" && in_cgroup "$name" "$hierarchy" "${path%/}" &&
			echo "$name" >>"$work/cgroups-used"
	done <<<"$cgroups"
	while read -r path; do
		[ -z "$path" ] || rmdir "$path"
	done <"$work/cgroups-made"
}
export cgroups

clients() {
	gone &
	gone_parent &
	unshare --mount --propagation private bash -c mounted &
	unshare --mount --propagation private bash -c rooted &
	named &
	networks &
	unshare --mount --propagation private bash -c in_cgroups >"$work/cgroups-said" 2>&1 &
	wait
}
export -f gone gone_parent mounted rooted named networks make_cgroup in_cgroup in_cgroups clients

# --- The trace ---------------------------------------------------------------------------------

trace json --all --json --output "$report"
trace_on_terminal() {
	script -qefc 'echo $$ >"$work/terminal.pid"; exec "$IMDSTRACE" trace --all' "$work/terminal" >/dev/null
}
export -f trace_on_terminal
trace_on_terminal </dev/null 2>/dev/null &
started[script]=$!
need_traces json
until_so grep -qa 'imdstrace: tracing' "$work/terminal"
serve optional clients || exit 1
stop json
kill -INT "$(cat "$work/terminal.pid")"
until_so is_over "${started[script]}"

check 'the trace ends well' ended_with json 0

check 'a program that was removed keeps its path, without "(deleted)"' shows gone '{exe: "\(env.work)/gone", comm: "gone"}'
check 'a parent whose program was removed keeps its path' holds <(requests gone-parent) '.ancestry[0] | .exe == "\(env.work)/gone-shell" and .comm == "gone-shell"'
check 'a program behind a mount point has its path' shows mounted '{exe: "\(env.work)/volume/a/b/fetch", comm: "fetch"}'
check 'a program behind a bind mount has its path there' shows bound '{exe: "\(env.work)/other/b/fetch", comm: "fetch"}'
check "a program in a chroot has its mount namespace's path" shows chrooted '{exe: "\(env.work)/root/srv/fetch"}'
check 'a program behind pivot_root has its own path' holds <(requests pivoted) '.exe == "/srv/fetch" and .comm == "fetch"'

own_thread() {
	shows thread '{comm: "python3", pid: $pid, args: [env.PYTHON, "\(env.work)/thread.py", "/latest/meta-data/ami-id?\(env.tag)-thread"]}' &&
		holds <(requests thread) ".tid != .pid and .tid == $(cat "$work/said.thread")"
}
check "a thread that names itself is shown as its process, with its own tid" own_thread
check 'a script that runs by its first line is its interpreter' shows own-name '{comm: "own-name", pid: $pid,
	args: ["/usr/bin/python3", "\(env.work)/own-name", "/latest/meta-data/ami-id?\(env.tag)-own-name"]}'
check 'the caller of a script that runs by its first line is the script' holds "$report" '
	.callers | any(.script == "\(env.work)/own-name" and (.name | endswith(" \(env.work)/own-name")))'
check 'an empty argv[0] stays an argument' shows title '{comm: "curl", exe: env.CURL,
	args: ["", "-sS", "\(env.endpoint)/latest/meta-data/ami-id?\(env.tag)-title"]}'

check "a process in a private network is in one of its own" all \
	'shows in-own "{network: \"own\"}"' "holds $report '.callers | any(.network == \"own\")'"
if started_in_first; then
	check "a process in the machine's network is in the host's" shows gone-back '{network: "host"}'
	check 'callers of the two networks are two callers' holds "$report" '
		[.callers[] | select(.comm == "bash" and any(.paths[]; .path | endswith("-gone-back"))) | .network] == ["host"]'
else
	skip "a process in the machine's network is in the host's" 'this is a container with a network of its own'
	skip 'callers of the two networks are two callers' 'this is a container with a network of its own'
fi

cut_args() {
	holds <(requests many-args) '.args_cut == true and .args[0] == "curl" and .args[1] == "-sS"
		and (.args | length > 10 and (join("\u0000") | length <= 512) and (.[3:-1] | to_entries | all(.value == "-HX-\(.key + 1):1")))' &&
		holds <(requests thread) '.args_cut // false | not'
}
check 'arguments beyond what is captured are cut, and say that they are' cut_args

# Bytes that are no UTF-8 become U+FFFD.
valid() {
	iconv -f UTF-8 -t UTF-8 "$events" >/dev/null && iconv -f UTF-8 -t UTF-8 "$report" >/dev/null &&
		jq -se . "$events" >/dev/null && jq -e . "$report" >/dev/null
}
check 'whatever a process is called, the output is valid UTF-8 and JSON' valid
check 'invalid bytes in a name, an argument and a header are replaced' holds <(requests invalid) '
	.exe == "\(env.work)/caf\ufffd-\ufffd" and .comm == "caf\ufffd-\ufffd" and (.args | index("X-Other: caf\ufffd-\ufffd"))
	and .user_agent == "caf\ufffd-\ufffd"'
check 'invalid bytes in a path are replaced' holds <(requests bytes) '.path == "/latest/meta-data/ami-id/\ufffd\ufffd(?" + env.tag + "-bytes"'
check 'a hostile name is itself in JSON' holds <(requests hostile) '.exe == "\(env.work)/" + env.HOSTILE
	and (.args[0] == .exe) and (.comm | startswith("evil\u001b[7777m"))'

# What a terminal obeys is neither on the terminal nor in the rendered text.
tame() {
	"$IMDSTRACE" report "$report" >"$work/rendered" || return
	grep -qa 7777m "$work/terminal" && grep -qa 7777m "$work/rendered" &&
		not grep -qaE $'\e\\[7777m|\e\\]0;|\a|\xc2\x9b' "$work/terminal" &&
		not grep -qa $'[\e\a\r]' "$work/rendered" && not grep -qa '^end' "$work/rendered" "$work/terminal"
}
check 'a hostile name does not reach a terminal as it is' tame

while read -r name hierarchy path unit runtime container pod; do
	[ -n "$name" ] || continue
	what="$name: $path"
	if ! grep -qsx -- "$name" "$work/cgroups-used"; then
		skip "$what" "no such cgroup can be made here: $(tail -n 1 "$work/cgroups-said")"
		continue
	fi
	check "$what" holds <(requests "cgroup-$name") '
		def null_or(wanted): if wanted == "-" then . == null else . == wanted end;
		(.unit | null_or($unit)) and (.container | if $runtime == "-" then . == null else .runtime == $runtime and .id == $id end)
		and (.pod | if $pod == "-" then . == null else .uid == $pod end)' \
		--arg unit "$unit" --arg runtime "$runtime" --arg id "$container" --arg pod "$pod"
done <<<"$cgroups"
check 'units, containers and pods are in the report' holds "$report" '
	.callers | any(.unit == env.service) and any(.container.runtime == "docker" and .unit == null)
	and any(.pod.uid == env.pod_uid and .container.runtime == "cri-o")'
no_cgroups_left() {
	equal 'cgroups' '' "$(find /sys/fs/cgroup -name "*$$*" -type d)" && equal 'what was said' '' "$(cat "$work/cgroups-said")"
}
check 'no cgroup is left behind' no_cgroups_left

finish
