#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What came back, what that makes of a caller, and what is none of the tracer's business. Each
# service has a private network of its own; they run side by side under one trace.
# What stands in single quotes is for jq, or expanded where it runs.
# shellcheck disable=SC2016
set -u
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
need_private_mounts

events=$work/json.out
report=$work/report.json
PYTHON=/usr/bin/python3
path=/latest/meta-data/ami-id
export PYTHON path

# called NAME ARGUMENT...: curl, as a program of that name, so that it is a caller of its own.
# Where no answer ever comes, limit is the seconds to wait for it.
called() {
	local name=$1
	shift
	[ -e "$work/bin/$name" ] || ln "$work/bin/curl" "$work/bin/$name"
	"$work/bin/$name" -s -m "${limit:-30}" -o "$work/answer.$name" "$@"
}
mkdir "$work/bin" && cp "$(realpath "$(command -v curl)")" "$work/bin/curl"

# The life of a client that knows both: a token if it gets one, else v1.
both() {
	local name=$1 token='' header=X-aws-ec2-metadata-token
	shift
	limit=${token_limit:-} called "$name" "$@" -f -X PUT -H "$header-ttl-seconds: 60" "$(target "$name" /latest/api/token)" &&
		token=$(cat "$work/answer.$name")
	called "$name" "$@" ${token:+-H "$header: $token"} "$(target "$name")"
}

# In each mode: somebody who never asks for a token, and somebody who knows both.
mode() {
	called "$1-v1" "$(target "$1-v1")"
	both "$1-both"
}

OLD_SDK='Boto3/1.9.42 Python/3.7.3 Linux/5.10 Botocore/1.12.42'
NEW_SDK='Boto3/1.34.131 md/Botocore#1.34.131 ua/2.0 os/linux#6.1 lang/python#3.11.9'
export OLD_SDK NEW_SDK

optional() {
	mode optional
	called missing "$(target missing /latest/meta-data/no-such-thing)"
	called old-sdk -A "$OLD_SDK" "$(target old-sdk)"
	called mixed "$(target mixed)"
	both mixed
	called probe -H 'Metadata: true' "$(target probe /metadata/instance)"
	called probe-and-v1 -H 'Metadata-Flavor: Google' "$(target probe-and-v1)"
	called probe-and-v1 "$(target probe-and-v1)"
	called empty-variable -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' "$(target empty-variable /latest/api/token)"
	called empty-variable -H 'X-aws-ec2-metadata-token: ' "$(target empty-variable)"
	called wrong-token -H 'X-aws-ec2-metadata-token: AQAEAnobodyhasissuedthis==' "$(target wrong-token)"
	cp "$(realpath /proc/$$/exe)" "$work/bin/noise"
	"$work/bin/noise" -c 'exec 3<>/dev/tcp/169.254.169.254/80; printf "no request\n" >&3; cat <&3 >/dev/null'
}

silent() {
	local limit=1 token_limit=1
	mode silent
}

put_dropped() {
	local token_limit=1
	mode put-dropped &
	both cut-off-sdk -A "$NEW_SDK" &
	if [ -d "$work/unified" ]; then
		(echo $BASHPID >"$work/unified/docker/$container/cgroup.procs" && both cut-off-container -A "$NEW_SDK") &
	fi
	wait
}

put_refused() {
	mode put-refused
	both refused-sdk -A "$NEW_SDK"
}

# A container's cgroup, seen by what the test starts alone.
container=$(printf '%064d' $$)
export container
contained() {
	mkdir "$work/unified"
	if mount -t cgroup2 cgroup2 "$work/unified"; then
		mkdir -p "$work/unified/docker/$container"
	else
		rmdir "$work/unified"
	fi
	if grep -q ':name=systemd:' /proc/self/cgroup; then
		mkdir "$work/systemd" && mount -t cgroup -o none,name=systemd cgroup "$work/systemd" &&
			echo $$ >"$work/systemd/cgroup.procs"
	fi
	serve put-dropped put_dropped
	[ ! -d "$work/unified" ] || rmdir "$work/unified/docker/$container" "$work/unified/docker"
}

# What is not the endpoint: another port and another address of a network that has the endpoint too.
elsewhere() {
	local i
	ip address add 169.254.169.253/32 dev lo
	called elsewhere "$(target elsewhere)" # so that silence means something
	ln "$work/bin/curl" "$work/bin/outsider"
	"$PYTHON" "$work/serve.py" 169.254.169.254 8080 169.254.169.253 80 127.0.0.1 80 >"$work/serving" &
	i=$!
	echo $i >>"$work/servers"
	until_so grep -q serving "$work/serving"
	"$work/bin/outsider" -sS -o "$work/answer.port" "http://169.254.169.254:8080$path?$tag-never"
	"$work/bin/outsider" -sS -o "$work/answer.address" "http://169.254.169.253$path?$tag-never"
	"$work/bin/outsider" -sS -o "$work/answer.local" "http://127.0.0.1$path?$tag-never"
	echo "GET $path?$tag-never HTTP/1.0" >/dev/udp/169.254.169.254/80
	echo "GET $path?$tag-never HTTP/1.0" >/dev/udp/169.254.169.254/8080
	kill $i
	wait
}
cat >"$work/serve.py" <<'SCRIPT'
import http.server, sys, threading
class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass
for address, port in zip(sys.argv[1::2], sys.argv[2::2]):
    server = http.server.HTTPServer((address, int(port)), Quiet)
    threading.Thread(target=server.serve_forever).start()
print("serving", flush=True)
SCRIPT

# A network without the endpoint, where HTTP goes on as everywhere.
nowhere() {
	local i
	ip link set lo up
	"$PYTHON" "$work/serve.py" 127.0.0.1 80 >"$work/serving-nowhere" &
	i=$!
	echo $i >>"$work/servers"
	until_so grep -q serving "$work/serving-nowhere"
	"$work/bin/curl" -sS -o "$work/answer.nowhere" "http://127.0.0.1$path?$tag-never"
	kill $i
	wait
}
export PATIENCE
export -f serve called both mode optional silent put_dropped put_refused contained elsewhere nowhere until_so

trace json --all --json --output "$report"
need_traces json
serve optional optional &
serve required mode required &
serve silent silent &
serve put-refused put_refused &
serve closed mode closed &
unshare --mount --propagation private bash -c contained &
received=$work/received serve optional elsewhere &
unshare --net bash -c nowhere &
running=$(jobs -p | grep -vx "${started[json]}")
# shellcheck disable=SC2086
wait $running
stop json
check 'the trace ends well' ended_with json 0

# caller NAME FILTER: the caller that runs the program of that name, once, and what holds for it.
caller() {
	local name=$1
	shift
	jq --arg exe "$work/bin/$name" '.callers | map(select(.exe == $exe)) | if length == 1 then .[0] else error("\(length) callers") end' \
		"$report" >"$work/caller" && holds "$work/caller" "$@"
}

# outcome NAME CLASS OUTCOME: its one call of that class has that outcome and no other.
outcome() {
	caller "$1" ".calls.$2 == 1 and .outcomes.$2 == ({ok: 0, rejected: 0, other: 0, none: 0} + {$3: 1})"
}

# mode    v1's outcome  token's  the last call's class and outcome, the pattern of who knows both
while read -r mode v1 token class last pattern; do
	check "$mode: a v1 call is $v1" outcome "$mode-v1" v1 "$v1"
	check "$mode: a token request is $token" outcome "$mode-both" token "$token"
	check "$mode: whoever knows both then calls $class ($last)" outcome "$mode-both" "$class" "$last"
	check "$mode: who never asks for a token is v1-only, and is to send one" caller "$mode-v1" '
		.pattern == "v1-only" and .advice == "send-token" and (.advice_text | length > 20)'
	check "$mode: who knows both is $pattern" caller "$mode-both" ".pattern == \"$pattern\""
done <<-MODES
	optional    ok       ok     v2 ok   v2-only
	required    rejected ok     v2 ok   v2-only
	silent      none     none   v1 none fallback
	put-dropped ok       none   v1 ok   fallback
	put-refused ok       other  v1 ok   fallback
	closed      none     none   v1 none fallback
MODES
# caused NAME CAUSE: it falls back for that cause.
caused() {
	caller "$1" ".pattern == \"fallback\" and .fallback_cause == \"$2\""
}
check 'fallback cause: no answer to the token request alone is no-answer' caused put-dropped-both no-answer
check 'fallback cause: a token that is refused is refused' caused put-refused-both refused
check 'fallback cause: no answer to anything is unreachable' all 'caused silent-both unreachable' 'caused closed-both unreachable'
check 'who gets no answer at all is not told of a hop limit' caller silent-both '
	.advice == "investigate" and (.advice_text | contains("no answer at all"))'
check 'fallback cause: who does not fall back has none' caller optional-both 'has("fallback_cause") and .fallback_cause == null'

check 'a call for what is not there is other' outcome missing v1 other
check 'a token that is none is rejected, and v2 all the same' caller wrong-token '
	.calls.v2 == 1 and .outcomes.v2.rejected == 1 and .pattern == "v2-only" and .advice == "investigate"
	and (.advice_text | contains("its token is refused"))'
check 'who speaks IMDSv2 only has nothing to do' caller optional-both '.advice == "none"'
check 'an SDK from before IMDSv2 is to be upgraded, and to what' caller old-sdk '
	.pattern == "v1-only" and .advice == "upgrade-client"
	and (.client | .name == "boto3" and .version == "1.9.42" and .min_version == "1.12.6")
	and (.advice_text | contains("1.12.6")) and (.user_agents == [env.OLD_SDK])'
check 'v1 and v2 together are mixed' caller mixed '.pattern == "mixed" and .calls == {v1: 1, v2: 1, token: 1, foreign: 0, unknown: 0}'
check 'a token that was got and not sent is mixed, not a fallback' caller empty-variable '
	.pattern == "mixed" and .outcomes.token.ok == 1 and .advice == "send-token"'
check "another cloud's client is foreign-only, and has nothing to do" caller probe '
	.pattern == "foreign-only" and .advice == "none" and .calls.foreign == 1'
check 'v1 and foreign together are v1-only' caller probe-and-v1 '.pattern == "v1-only"'
check 'what is no request is to be looked into' caller noise '.pattern == "unknown" and .advice == "investigate" and .calls.unknown == 1'
check 'in a network of its own, the hop limit is to be raised' caller cut-off-sdk '
	.pattern == "fallback" and .network == "own" and .container == null and .advice == "raise-hop-limit"'
if [ -d "$work/unified" ]; then
	check 'in a container, the hop limit is to be raised' caller cut-off-container '
		.pattern == "fallback" and .advice == "raise-hop-limit" and .container.id == env.container
		and .container.runtime == "docker" and (.advice_text | contains("--http-put-response-hop-limit 2"))'
	check 'the next steps say how to raise the hop limit' holds "$report" '
		.next_steps | any(contains("--http-put-response-hop-limit 2"))'
else
	skip 'in a container, the hop limit is to be raised' 'there is no cgroup2'
	skip 'the next steps say how to raise the hop limit' 'there is no cgroup2'
fi
check 'a new SDK whose token requests are refused is not to fall back' caller refused-sdk '
	.pattern == "fallback" and .advice == "disable-fallback" and .outcomes.token.other == 1'
check 'outcomes add up to calls' holds "$report" '
	.callers | all(. as $caller | .outcomes | to_entries | all($caller.calls[.key] == ([.value[]] | add)))'

# --- Never counted -----------------------------------------------------------------------------

answered() {
	local each
	for each in port address local nowhere; do
		[ -s "$work/answer.$each" ] || { echo "no answer: $each" && return 1; }
	done
	equal 'what the service received' "GET $path?$tag-elsewhere none 200" "$(cat "$work/received")"
}
check 'another port, another address and other networks answer' answered
check 'calls of another port, another address and other networks are not shown' not grep -F -- "$tag-never" "$events" "$report"
check 'who calls another port or address is no caller' holds "$report" '
	.callers | all(.exe != env.work + "/bin/outsider" and .exe != env.work + "/bin/curl")'
no_servers() {
	local servers
	servers=$(tr '\n' ' ' <"$work/servers")
	jq -se --arg servers " $servers" 'all((" \(.pid) " | inside($servers) | not) and .comm != "imds")' "$events"
}
check 'servers are no callers' no_servers
check 'a call of the endpoint beside other servers is counted' caller elsewhere '.calls == {v1: 1, v2: 0, token: 0, foreign: 0, unknown: 0}'

finish
