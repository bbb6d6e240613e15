#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Real clients, one trace of them all: what each line says about the request and about who sent it,
# that the lines are those that the service received, and that the report adds up to the lines.
# What stands in single quotes is for jq, or expanded where it runs.
# shellcheck disable=SC2016
set -u
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

events=$work/json.out
report=$work/report.json
received=$work/received
path=/latest/meta-data/ami-id
CURL=$(realpath "$(command -v curl)")
WGET=$(realpath "$(command -v wget)")
BUSYBOX=$(realpath "$(command -v busybox)")
PYTHON=/usr/bin/python3
export path CURL WGET BUSYBOX PYTHON
CURL_VERSION=$(curl --version | sed -n '1s/^curl \([^ ]*\).*/\1/p')
WGET_VERSION=$(wget --version | sed -n '1s/^GNU Wget \([^ ]*\).*/\1/p')
BASH_EXE=$(realpath /proc/$$/exe)
PYTHON_EXE=$(realpath $PYTHON)
export CURL_VERSION WGET_VERSION BASH_EXE PYTHON_EXE

# The clients' own texts. The directory is one that nobody asks for by accident.

mkdir -p "$work/cron.daily"
# Only a script that is still there can be read from its arguments: these wait to be shown.
cat >"$work/cron.daily/tag" <<SCRIPT
curl -s -o $work/null "\$1"
for wait in {1..600}; do
	! grep -qF -- "\${1#*\?}" $events || exit 0
	sleep 0.05
done
SCRIPT
{ echo '#!/bin/bash' && cat "$work/cron.daily/tag"; } >"$work/cron.daily/direct"
chmod +x "$work/cron.daily/direct"
cat >"$work/lines.sh" <<'SCRIPT'
exec 3<>/dev/tcp/169.254.169.254/80
printf 'GET %s HTTP/1.1\r\n' "$1" >&3
printf 'Host: 169.254.169.254\r\n' >&3
printf 'User-Agent: bash by hand\r\n' >&3
printf 'Connection: close\r\n' >&3
printf '\r\n' >&3
cat <&3
SCRIPT
cat >"$work/fetch.py" <<'SCRIPT'
import http.client, sys
connection = http.client.HTTPConnection("169.254.169.254")
connection.request(sys.argv[2], sys.argv[1], body=sys.argv[3] if len(sys.argv) > 3 else None)
print(connection.getresponse().read())
SCRIPT
cat >"$work/noise.sh" <<'SCRIPT'
exec 3<>/dev/tcp/169.254.169.254/80
printf 'this is no request of any kind\n' >&3
cat <&3
SCRIPT
cat >"$work/many.sh" <<'SCRIPT'
exec 3<>/dev/tcp/169.254.169.254/80
{
	yes "GET $1 HTTP/1.1"$'\n'Host:\ 169.254.169.254$'\n' | head -n $((3 * 1999))
	printf 'GET %s HTTP/1.1\r\nConnection: close\r\n\r\n' "$1"
} >&3 &
cat <&3 >/dev/null
SCRIPT

tokens() {
	local token header=X-aws-ec2-metadata-token
	client token curl -sS -X PUT -H "$header-ttl-seconds: 60" -o "$work/token" "$(target token /latest/api/token)"
	token=$(cat "$work/token")
	client v2 curl -sS -H "$header: $token" "$(target v2)"
	client v2-joined curl -sS "-H${header,,}:$token" "$(target v2-joined)"
	client v2-wget "$WGET" -qO- --header="$header: $token" "$(target v2-wget)"
	# Not the last command, which bash would become.
	client v2-in-shell bash -c "curl -sS -H '$header: $token' '$(target v2-in-shell)'; :"
	client v2-empty curl -sS -H "$header;" "$(target v2-empty)"
	# No such header is sent at all: it looks like v2 in the script and is v1.
	client v2-lost curl -sS -H "$header: " "$(target v2-lost)"
}

others() {
	client foreign curl -sS -H 'Metadata-Flavor: Google' "$(target foreign /)"
	client foreign-azure curl -sS -H 'METADATA: TRUE' "$(target foreign-azure /)"
	client foreign-oracle curl -sS -H 'Authorization: Bearer Oracle' "$(target foreign-oracle /)"
	client foreign-go curl -sS -A gcloud-golang/0.1 "$(target foreign-go /)"
	client not-foreign curl -sS -H 'Metadata-Flavor: Google' "$(target not-foreign)"
	client foreign-path curl -sS "$(target foreign-path /openstack/latest/meta_data.json)"
	client absolute curl -sS --request-target "$(target absolute)" "$endpoint/"
	client head curl -sSI "$(target head)"
	client long curl -sS "$endpoint$path/$(printf %0300d 7)?$tag-long"
	client noise bash "$work/noise.sh"
	if has_ipv6; then
		client ipv6 curl -sS "http://[fd00:ec2::254]$path?$tag-ipv6"
		client mapped curl -sS "http://[::ffff:169.254.169.254]$path?$tag-mapped"
	fi
}

people() {
	client user setpriv --reuid=4321 --regid=4321 --clear-groups curl -sS "$(target user)"
	client user-namespace setpriv --reuid=4321 --regid=4321 --clear-groups \
		unshare --user --map-root-user curl -sS "$(target user-namespace)"
	# The pid that the host knows it by, not its own.
	(unshare --pid --fork bash -c 'client pid-namespace curl -sS "$(target pid-namespace)"')
	client script bash "$work/cron.daily/tag" "$(target script)"
	client shebang "$work/cron.daily/direct" "$(target shebang)"
}

all_clients() {
	client curl curl -sS "$(target curl)"
	client wget "$WGET" -qO- "$(target wget)"
	client busybox "$BUSYBOX" wget -qO- "$(target busybox)"
	client lines bash "$work/lines.sh" "$path?$tag-lines"
	client python "$PYTHON" "$work/fetch.py" "$path?$tag-python" GET
	client python-body "$PYTHON" "$work/fetch.py" "$path?$tag-python-body" POST 'a=b'
	tokens &
	others &
	people &
	wait
}

# 200 processes that are gone as soon as they have what they asked for.
short_lived() {
	local i
	for i in {1..200}; do
		client "short-$i" "$BUSYBOX" wget -qO- "$(target "short-$i")" &
		[ $((i % 20)) != 0 ] || wait
	done
	wait
}

# More requests than the ring buffer holds while its reader stands still: of such, some 7,000.
too_many() {
	local i
	for i in 1 2 3 4 5 6; do
		bash "$work/many.sh" "$path?$tag-many-$(printf '%0240d' 0)" &
	done
	wait
}

everything() {
	all_clients
	short_lived
}
export -f tokens others people all_clients short_lived everything too_many

for client in curl wget busybox "$PYTHON"; do
	command -v "$client" >/dev/null || { echo "$client is missing" && exit 1; }
done

started_at=$(date -u +%FT%T)
trace json --all --json --output "$report"
trace slow --all --json --output "$work/slow.json"
need_traces json slow
serve optional everything || exit 1
stop json
stopped_at=$(date -u +%FT%TZ -d '+1 second')
token=$(cat "$work/token")

check 'the trace ends well' ended_with json 0

# --- What each client is shown as --------------------------------------------------------------

who='{type: "request", family: "ipv4", pid: $pid, tid: $pid, uid: 0, container: null, pod: null}'
check 'curl' shows curl "$who + {class: \"v1\", method: \"GET\", path: (env.path + \"?\" + env.tag + \"-curl\"),
	comm: \"curl\", exe: env.CURL, args: [\"curl\", \"-sS\", (env.endpoint + env.path + \"?\" + env.tag + \"-curl\")],
	user_agent: (\"curl/\" + env.CURL_VERSION)}"
check 'wget' shows wget "$who + {class: \"v1\", method: \"GET\", path: (env.path + \"?\" + env.tag + \"-wget\"),
	comm: \"wget\", exe: env.WGET, user_agent: (\"Wget/\" + env.WGET_VERSION),
	args: [env.WGET, \"-qO-\", (env.endpoint + env.path + \"?\" + env.tag + \"-wget\")]}"
check 'busybox wget' shows busybox "$who + {class: \"v1\", method: \"GET\", comm: \"busybox\", exe: env.BUSYBOX,
	user_agent: \"Wget\", args: [env.BUSYBOX, \"wget\", \"-qO-\", (env.endpoint + env.path + \"?\" + env.tag + \"-busybox\")]}"
check 'bash, line by line over /dev/tcp' shows lines "$who + {class: \"v1\", method: \"GET\", comm: \"bash\",
	exe: env.BASH_EXE, user_agent: \"bash by hand\", args: [\"bash\", (env.work + \"/lines.sh\"), (env.path + \"?\" + env.tag + \"-lines\")]}"
check "python's http.client" shows python "$who + {class: \"v1\", method: \"GET\", comm: \"python3\", exe: env.PYTHON_EXE,
	user_agent: null, args: [env.PYTHON, (env.work + \"/fetch.py\"), (env.path + \"?\" + env.tag + \"-python\"), \"GET\"]}"
check "python's http.client with a body, once" shows python-body "$who + {class: \"v1\", method: \"POST\",
	comm: \"python3\", exe: env.PYTHON_EXE}"
check 'HEAD is a request like GET' shows head "$who + {class: \"v1\", method: \"HEAD\"}"
if [ -e "$work/pid.ipv6" ]; then
	check 'curl over IPv6' shows ipv6 "$who + {class: \"v1\", family: \"ipv6\", exe: env.CURL}"
	check 'an IPv4-mapped address is IPv4' shows mapped "$who + {class: \"v1\", family: \"ipv4\", exe: env.CURL}"
else
	skip 'curl over IPv6' 'lo has no IPv6 address here'
	skip 'an IPv4-mapped address is IPv4' 'lo has no IPv6 address here'
fi
check 'an absolute target is reduced to its path' shows absolute "$who + {class: \"v1\",
	path: (env.path + \"?\" + env.tag + \"-absolute\")}"

long_path() {
	jq -se --arg path "$path/$(printf %0300d 7)" --argjson pid "$(cat "$work/pid.long")" '
		map(select(.pid == $pid)) | length == 1 and .[0].path == $path[:255] and .[0].path_cut == true' "$events"
}
check 'a path is cut at 255 bytes, and says that it is' long_path
check 'a path that is not cut does not say that it is' holds <(requests curl) '.path_cut // false | not'

# --- Classes -----------------------------------------------------------------------------------

check 'a PUT for a token' shows token "$who + {class: \"token\", method: \"PUT\", exe: env.CURL}"
check 'a GET with the token' shows v2 "$who + {class: \"v2\", method: \"GET\", exe: env.CURL}"
check "the header's name in lower case" shows v2-joined "$who + {class: \"v2\"}"
check 'wget with the token' shows v2-wget "$who + {class: \"v2\", exe: env.WGET}"
check 'an empty token header is v2' shows v2-empty "$who + {class: \"v2\"}"
check 'a token header that curl leaves out is v1' shows v2-lost "$who + {class: \"v1\"}"
check 'a probe for Google' shows foreign "$who + {class: \"foreign\"}"
check 'a probe for Azure, in capitals' shows foreign-azure "$who + {class: \"foreign\"}"
check 'a probe for Oracle' shows foreign-oracle "$who + {class: \"foreign\"}"
check "a probe by Google's client for Go" shows foreign-go "$who + {class: \"foreign\"}"
check "another cloud's header at EC2's own path" shows not-foreign "$who + {class: \"v1\"}"
check 'a probe for OpenStack' shows foreign-path "$who + {class: \"foreign\"}"

noise() {
	jq -se --argjson pid "$(cat "$work/pid.noise")" 'map(select(.pid == $pid)) | length == 1
		and (.[0] | .class == "unknown" and .method == null and .path == null and .comm == "bash")' "$events"
}
check 'what is no request is unknown, once, with neither method nor path' noise

# --- Who ---------------------------------------------------------------------------------------

check "another user's call has that user" shows user '{class: "v1", uid: 4321, pid: $pid, comm: "curl"}'
check 'in a user namespace: the user that the host shows' shows user-namespace '{uid: 4321, pid: $pid}'
check 'in a pid namespace: the pid that the host shows' shows pid-namespace '{pid: $pid, tid: $pid, comm: "curl"}'

# started_by NAME COMM SCRIPT: the parent is the shell that runs the script, and its chain goes on.
started_by() {
	requests "$1" | jq -se --argjson pid "$(cat "$work/pid.$1")" --arg comm "$2" --arg script "$3" --argjson test $$ '
		length == 1 and (.[0].ancestry | .[0].pid == $pid and .[0].comm == $comm
			and .[0].exe == env.BASH_EXE and .[0].script == $script and any(.pid == $test))' && return
	requests "$1" | jq -c .ancestry
	return 1
}
check 'a script that bash runs is in the ancestry' started_by script bash "$work/cron.daily/tag"
check 'a script that runs by its first line is in the ancestry' started_by shebang direct "$work/cron.daily/direct"
check 'the ancestry goes from the parent upwards' holds <(requests curl) '
	.ancestry | length >= 2 and all(.pid > 0 and (.comm | length > 0))'
check 'bash -c is nobody'\''s script' holds <(requests curl) '.ancestry[0] | .comm == "bash" and .script == null'

# --- The contract ------------------------------------------------------------------------------

well_formed() {
	equal 'JSON documents' "$(wc -l <"$events")" "$(jq -c . "$events" | wc -l)" &&
		jq -se --arg from "$started_at" --arg to "$stopped_at" '
		def text: type == "string";
		def text_or_null: . == null or text;
		def number: type == "number" and floor == .;
		map(select(
			(.type == "request"
			and (.time | text and test("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]+)?Z$"))
			and .time >= $from and .time <= $to
			and (.class | IN("v1", "v2", "token", "foreign", "unknown"))
			and has("method") and (.method == null) == (.class == "unknown")
			and has("path") and (.path == null) == (.class == "unknown")
			and (.family | IN("ipv4", "ipv6"))
			and has("user_agent") and (.user_agent | text_or_null)
			and (.pid | number) and (.tid | number) and (.uid | number)
			and (.comm | text) and has("exe") and (.exe | text_or_null)
			and (.args | type == "array" and all(text))
			and (.ancestry | type == "array" and all((.pid | number) and (.comm | text)
				and has("exe") and has("script") and (.exe | text_or_null) and (.script | text_or_null)))
			and has("unit") and (.unit | text_or_null)
			and has("container") and has("pod")) | not))
		| if . == [] then true else error(.[0] | tojson) end' "$events"
}
check 'every line has every field, of its type' well_formed

same_requests() {
	jq -r --arg tag "?$tag-" 'select(.type == "request" and (.path // "" | contains($tag))) | "\(.method) \(.path)"' "$events" |
		sort >"$work/shown-requests"
	# All but the one whose path is cut.
	sed -nE "/-long /d; s|^([A-Z]+) ($endpoint)?([^ ]*[?]$tag-[^ ]*) .*|\1 \3|p" "$received" | sort >"$work/received-requests"
	[ "$(wc -l <"$work/received-requests")" -gt 200 ] && diff "$work/received-requests" "$work/shown-requests"
}
check 'the lines are the requests that the service received' same_requests

all_named() {
	jq -se --arg tag "?$tag-short-" --arg exe "$BUSYBOX" '
		map(select(.path // "" | contains($tag))) | length == 200
		and (map(.pid) | unique | length) == 200 and (map(.args[-1]) | unique | length) == 200
		and all(.exe == $exe and .comm == "busybox" and .class == "v1" and (.ancestry | length > 0)
			and (.args | length == 4 and .[:3] == [$exe, "wget", "-qO-"]))' "$events" &&
		for i in {1..200}; do
			echo "$tag-short-$i $(cat "$work/pid.short-$i")"
		done | sort | diff - <(jq -r --arg tag "?$tag-short-" 'select(.path // "" | contains($tag))
			| "\(.path | split("?")[1]) \(.pid)"' "$events" | sort)
}
check '200 processes that end at once all have their own pid, program and arguments' all_named
check 'nothing was lost on the way' not grep -q '"type":"lost"' "$events"

nowhere() {
	local format
	[ ${#token} -gt 20 ] || return
	for format in text json csv markdown html prometheus emf; do
		"$IMDSTRACE" report --format $format "$report" >"$work/rendered.$format" 2>&1
	done
	not grep -laF -- "$token" "$events" "$report" "$work/json.err" "$work"/rendered.*
}
check "a token's value is in no output" nowhere
check 'arguments show where a token was' holds <(requests v2) '
	.args | any(test("^X-aws-ec2-metadata-token: [*]+$"))'
check 'arguments keep what is no token' holds <(requests v2-joined) '.args | .[0] == "curl" and length == 4'

# --- The report of the same trace --------------------------------------------------------------

adds_up() {
	jq -se --slurpfile report "$report" '
		map(select(.type == "request")) | group_by(.class) | map({(.[0].class): length}) | add as $lines
		| $report[0] | . as $r
		| (["v1", "v2", "token", "foreign", "unknown"] | all(. as $class
			| ($lines[$class] // 0) == $r.totals[$class]
			and ([$r.callers[].calls[$class]] | add) == $r.totals[$class]
			and ([$r.timeline[][$class]] | add) == $r.totals[$class]
			and ([$r.callers[].paths[] | select(.class == $class) | .count] | add // 0) == $r.totals[$class]))
		and .totals.lost == 0' "$events"
}
check 'totals, callers, paths and timeline add up to the lines' adds_up
check 'the report has every field' holds "$report" '
	.schema == "imdstrace.report/1" and (.version | type) == "string"
	and (.hosts | length == 1 and all(has("hostname") and has("machine_id") and has("kernel") and has("instance_id")))
	and (.hosts[0].machine_id as $id | .windows | length == 1 and all(.host == $id and (.boot_id | length > 0)
		and .start < .end and (.hooks | IN("fentry", "tracepoint", "kprobe"))))
	and .verdict == "blocked" and (.reasons | length > 0) and (.next_steps | length > 0)
	and (.callers | all(has("name") and has("comm") and has("exe") and has("script") and has("uid") and has("args")
		and has("parent") and has("pids") and has("processes") and has("unit") and has("container") and has("pod")
		and has("user_agents") and has("client") and has("pattern") and has("advice") and has("advice_text")
		and has("calls") and has("outcomes") and has("paths") and has("first") and has("last")))'
check 'a script is its caller'\''s name' holds "$report" '
	.callers | any(.name == "python3 " + env.work + "/fetch.py" and .script == env.work + "/fetch.py"
		and .calls.v1 == 2 and .processes == 2 and .exe == env.PYTHON_EXE)'
check 'the 200 are one caller' holds "$report" '
	.callers | any(.exe == env.BUSYBOX and .processes >= 200 and .calls.v1 >= 200)'
check 'a parent that runs a script has its name' holds "$report" '
	.callers | any(.exe == env.CURL and .parent == "bash " + env.work + "/cron.daily/tag")'
check "clients say what they are" holds "$report" '
	.callers | any(.exe == env.CURL and (.user_agents | index("curl/" + env.CURL_VERSION)))'

# --- A reader that stands still ----------------------------------------------------------------

events=$work/slow.out
received=
kill -STOP "${started[slow]}"
serve optional too_many
kill -CONT "${started[slow]}"
stop slow
export events

lost_is_said() {
	holds "$work/slow.json" '.totals.lost > 0 and .totals.v1 >= 12000 and .verdict == "blocked"
		and (.reasons | any(test("lost")))' &&
		jq -se --slurpfile report "$work/slow.json" '
			(map(select(.type == "lost").count) | add) == $report[0].totals.lost
			and (map(select(.type == "request")) | length) + $report[0].totals.lost
				== ($report[0].totals | .v1 + .v2 + .token + .foreign + .unknown)' "$events"
}
check 'what did not fit the ring buffer is counted, and said' lost_is_said
check 'callers are exact where events were lost' holds "$work/slow.json" '
	([.callers[].calls.v1] | add) == .totals.v1 and ([.callers[].paths[] | select(.class == "v1").count] | add) == .totals.v1'

finish
