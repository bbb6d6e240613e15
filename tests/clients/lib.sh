# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What the tests with real clients share, to be sourced by bash. A test watches one mode of the
# service after the other; in each it lets clients call, then holds what the tracer showed against
# what the service received, against what the client is known to do, and against the report.
#
#	watch MODE; calls NAME GROUP COMMAND...; seen; client_is NAME ...
set -u
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../e2e/lib.sh"

clients=$(realpath "$(dirname "${BASH_SOURCE[0]}")")
deps=$clients/../../dist/deps.sh
cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/imdstrace
export clients cache
# What is tested comes from the distribution's packages, whatever else this machine holds.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mkdir "$work/home"

CALL_SECONDS=60 # no client needs more, however often it tries again

declare -A absent=() # by group: why it cannot be had, or nothing if it is there
declare -A left_out=() # by client: why it did not call

# have GROUP...: installs what groups of dist/deps.sh name. Fails if one is absent.
have() {
	local group
	for group; do
		if [ -z "${absent[$group]+probed}" ]; then
			absent[$group]=
			"$deps" "$group" >"$work/installed" 2>&1 ||
				absent[$group]=$(grep -m 1 '^E: ' "$work/installed" || tail -n 1 "$work/installed")
		fi
	done
	for group; do
		[ -z "${absent[$group]}" ] || return 1
	done
}

# need GROUP: nothing of this test can run without it.
need() {
	have "$1" || skip_all "${absent[$1]}"
}

# version COMMAND...: the first line of what it says, or "absent" if it says nothing.
version() {
	local said
	said=$("$@" 2>/dev/null | head -n 1) || said=
	echo "${said:-absent}"
}

# --- A mode of the service ---------------------------------------------------------------------

watch() {
	mode=$1
	events=$work/$mode.out
	report=$work/$mode.report
	rm -f "$work/$mode".*
	trace "$mode" --all --json --output "$work/$mode.json"
	need_traces "$mode"
}

# calls NAME GROUP [VARIABLE=VALUE...] COMMAND...: runs a client that the group brings, alone beside
# the service, with nothing of this machine's settings.
calls() {
	local name=$1 group=$2
	shift 2
	if ! have "$group"; then
		left_out[$name]=${absent[$group]}
		return
	fi
	received=$work/received.$mode.$name serve "$mode" client "$mode.$name" timeout -k 5 $CALL_SECONDS \
		env -i PATH="$PATH" HOME="$work/home" LC_ALL=C "$@" ||
		echo "ended with status $?" >>"$work/said.$mode.$name"
}

seen() {
	stop "$mode"
	"$IMDSTRACE" report --format json "$work/$mode.json" >"$report"
	check "$mode: the trace ends well" ended_with "$mode" 0
}

# The client's requests, in the order in which they were sent.
own() {
	jq -c --argjson pid "$(cat "$work/pid.$mode.$1")" 'select(.type == "request"
		and (.pid == $pid or any(.ancestry[]; .pid == $pid)))' "$events"
}

# --- Checks ------------------------------------------------------------------------------------

said() {
	jq -c '{on_the_whole_machine: .totals}' "$report"
	echo "the client said:"
	head -c 1000 "$work/said.$mode.$1"
	return 1
}

# The service tells no foreign request from v1.
as_received() {
	sed -E 's/^([^ ]+) ([^ ]+) .*/\1 \2/' "$work/received.$mode.$1" >"$work/wanted"
	own "$1" | jq -r '"\(.method) \(.path)"' >"$work/got"
	{ [ -s "$work/wanted" ] && diff "$work/wanted" "$work/got"; } || { said "$1" && return 1; }
	awk '{ print ($1 == "PUT" ? "token" : $3 == "none" ? "v1" : "v2") }' "$work/received.$mode.$1" |
		diff - <(own "$1" | jq -r '.class')
}

# sends NAME ROWS: these requests and no others. A User-Agent may end in "*". How often a client
# tries again when it gets no token is its own affair and changes from version to version.
sends() {
	own "$1" | jq -se --arg mode "$mode" --argjson rows "$2" '
		def fits($wanted; $agent): if $wanted == null then $agent == null
			elif $wanted | endswith("*") then ($agent // "") | startswith($wanted[:-1])
			else $agent == $wanted end;
		map({request: "\(.class) \(.method) \(.path)", agent: .user_agent})
		| if $mode == "optional" then . else reduce .[] as $one ([]; if .[-1] == $one then . else . + [$one] end) end
		| . as $shown | ($rows | map(.request)) as $wanted
		| if map(.request) != $wanted then error({wanted: $wanted, shown: map(.request)} | tojson)
		elif any(range(length); fits($rows[.].agent; $shown[.].agent) | not)
		then error({wanted: $rows | map(.agent), shown: map(.agent)} | tojson)
		else true end' && return
	said "$1"
}

# is_sent_by NAME WHO: each request names that process.
is_sent_by() {
	own "$1" | jq -se --argjson who "$2" --argjson pid "$(cat "$work/pid.$mode.$1")" '
		length > 0 and (map(.pid) | unique | length == 1) and all(.comm == $who.comm and .exe == $who.exe
			and .script == $who.script and .ancestry[0].pid == $pid and .ancestry[0].comm == "timeout"
			and .family == "ipv4" and .uid == 0 and .container == null and .pod == null
			and (.args | length > 0))' && return
	echo "wanted: $2"
	own "$1" | head -n 1
	return 1
}

# outcomes NAME CLASS: how the service answered the client's requests of that class.
outcomes() {
	awk -v class="$2" '
		(class == "token") == ($1 == "PUT") && ($1 == "PUT" || (class == "v1") == ($3 == "none")) {
			count[$4 == 0 ? "none" : $4 == 401 ? "rejected" : $4 ~ /^2/ ? "ok" : "other"]++
		}
		END { printf "{\"ok\":%d,\"rejected\":%d,\"other\":%d,\"none\":%d}\n",
			count["ok"], count["rejected"], count["other"], count["none"] }' "$work/received.$mode.$1"
}

# Words of the advice, and words that must not stand in it, by what is advised: parted by ";".
declare -A advice_says=([send-token]='token' [none]='Nothing has to change' [raise-hop-limit]='--http-put-response-hop-limit 2'
	[disable-fallback]='cannot fall back;X-Forwarded-For' [investigate]='Find out')
declare -A advice_never=([send-token]='Upgrade;hop limit;update python;update ruby;update java' [none]='Upgrade;IMDSv1'
	[raise-hop-limit]='Upgrade;V1_DISABLED' [disable-fallback]='Upgrade;hop limit' [investigate]='Upgrade;hop limit')
# Why a client that falls back got no token, by the service's mode.
declare -A fallback_causes=([put-dropped]=no-answer [put-refused]=refused)

# is_advised NAME SAYS NEVER: the words of its advice.
is_advised() {
	jq -e --argjson pid "$(cat "$work/pid.$mode.$1")" --arg says "$2" --arg never "$3" --slurpfile own <(own "$1" | head -n 1) '
		[.callers[] | select(.pids | index($own[0].pid))][0].advice_text as $text
		| {missing: ($says | split(";") | map(select(. != "" and (. as $word | $text | contains($word) | not)))),
			wrong: ($never | split(";") | map(select(. != "" and (. as $word | $text | contains($word)))))}
		| if . == {missing: [], wrong: []} then true else error({words: ., text: $text} | tojson) end' "$report"
}

# is_reported NAME WHO: one caller has the client's process, and says of it what was seen.
is_reported() {
	own "$1" | jq -s . >"$work/own"
	jq -e --argjson who "$2" --slurpfile own "$work/own" --argjson v1 "$(outcomes "$1" v1)" \
		--argjson v2 "$(outcomes "$1" v2)" --argjson token "$(outcomes "$1" token)" '
		$own[0] as $own | ($own | map(select(.class == "v1" or .class == "v2" or .class == "token"))
			| group_by(.class) | map({(.[0].class): length}) | add // {}) as $calls
		| [.callers[] | select(.pids | index($own[0].pid))]
		| if length != 1 then error("\(length) callers instead of one") else .[0] end
		| {name, comm, exe, script, pattern, advice, client, processes, fallback_cause,
			calls: (.calls | with_entries(select(.value > 0))),
			outcomes: {v1: .outcomes.v1, v2: .outcomes.v2, token: .outcomes.token},
			user_agents: (.user_agents | sort), paths: (.paths | map({"\(.class) \(.method) \(.path)": .count}) | add)} as $got
		| ($who + {processes: 1, calls: $calls, outcomes: {v1: $v1, v2: $v2, token: $token},
			user_agents: ($own | map(.user_agent | values) | unique),
			paths: ($own | group_by([.class, .method, .path])
				| map({(.[0] | "\(.class) \(.method) \(.path)"): length}) | add)}) as $wanted
		| $wanted | to_entries | map(select(.value != $got[.key]) | {(.key): {wanted: .value, reported: $got[.key]}})
		| if . == [] then true else error(tojson) end' "$report"
}

# client_is NAME WHAT [WORD=VALUE | ROW]...: what is true of a client in the mode that was watched.
#
#	comm, exe, script, name, pattern, advice: as in the contract; a script that is left out is none
#	cause: why it falls back, where the service's mode does not say it
#	says, never: words of its advice beside those of each such advice, parted by ";"
#	client: NAME/VERSION, or NAME alone, as its User-Agent is understood; needs: its min_version
#	agent: the User-Agent of the rows that follow, none if it is empty
#	a row is CLASS METHOD PATH
client_is() {
	local name=$1 what="$mode: $2" each who requests rows=() agent='' comm='' exe='' script='' caller='' pattern='' advice='' \
		client='' needs='' cause='' says='' never=''
	shift 2
	if [ -n "${left_out[$name]+so}" ]; then
		skip "$what" "${left_out[$name]}"
		return
	fi
	for each; do
		case $each in
		comm=*) comm=${each#*=} ;;
		exe=*) exe=$(realpath "${each#*=}") ;;
		script=*) script=${each#*=} ;;
		name=*) caller=${each#*=} ;;
		pattern=*) pattern=${each#*=} ;;
		advice=*) advice=${each#*=} ;;
		cause=*) cause=${each#*=} ;;
		says=*) says=${each#*=} ;;
		never=*) never=${each#*=} ;;
		client=*) client=${each#*=} ;;
		needs=*) needs=${each#*=} ;;
		agent=*) agent=${each#*=} ;;
		*) rows+=("$each"$'\t'"$agent") ;;
		esac
	done
	[ "$pattern" != fallback ] || cause=${cause:-${fallback_causes[$mode]}}
	requests=$(jq -nc '[$ARGS.positional[] | split("\t") | {request: .[0], agent: (if .[1] == "" then null else .[1] end)}]' \
		--args -- "${rows[@]}")
	who=$(jq -nc --arg comm "$comm" --arg exe "$exe" --arg script "$script" --arg name "$caller" \
		--arg pattern "$pattern" --arg advice "$advice" --arg cause "$cause" --arg client "$client" --arg needs "$needs" '
		def text: if . == "" then null else . end;
		{name: $name, comm: $comm, exe: $exe, script: ($script | text), pattern: $pattern, advice: $advice,
			fallback_cause: ($cause | text), client: {name: ($client | split("/")[0] // "" | text), version: ($client | split("/")[1] // "" | text),
				min_version: ($needs | text)}}')
	check "$what: shown is what the service received, each once, in its order" as_received "$name"
	check "$what: its requests" sends "$name" "$requests"
	check "$what: who sends them" is_sent_by "$name" "$who"
	check "$what: in the report" is_reported "$name" "$who"
	check "$what: what is advised" is_advised "$name" "${advice_says[$advice]-};$says" "${advice_never[$advice]-};$never"
}

# What the advice is, by the service's mode, for an SDK that falls back in a network of its own: where
# no answer to its token requests comes, the hop limit explains it. For the tests that source this.
# shellcheck disable=SC2034
declare -A fallback_advice=([put-dropped]=raise-hop-limit [put-refused]=disable-fallback)
