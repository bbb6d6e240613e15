# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What the end-to-end tests share: named checks, tracers, private networks, clients. To be sourced
# by bash. Tests $IMDSTRACE with $WIRE; prints a line for each check, and their sum last.
#
# CASE='a name' runs the checks of that name (or pattern) alone, and all that prepares them. So a check
# leaves nothing behind that another one needs: prepare() is for these.
#
# A packet to the endpoint is sent only below serve(), which runs its function in a network
# namespace that has been proved private twice: by the traffic program, and by require_private().
set -u
export LC_ALL=C

[ "$(id -u)" = 0 ] || { echo "The end-to-end tests need root" >&2 && exit 1; }
IMDSTRACE=$(realpath -e "${IMDSTRACE:-build/imdstrace}") || exit 1
WIRE=$(realpath -e "${WIRE:-build/tests/wire}") || exit 1
here=$(realpath "$(dirname "${BASH_SOURCE[0]}")")
work=$(mktemp -d) || exit 1
# Makes this run's requests its own, whatever else calls the endpoint on this machine.
tag=e2e-$$
endpoint=http://169.254.169.254
# The network namespace that these tests were started in.
outer_net=$(stat -Lc %d:%i /proc/self/ns/net)
export IMDSTRACE WIRE here work tag endpoint outer_net
# Clients of other users have to reach what is in here.
chmod 755 "$work"

PATIENCE=30 # seconds that anything may take which is waited for

declare -A started=() # pid by name, of what runs in the background

# --- Checks ------------------------------------------------------------------------------------

# shellcheck source=tests/checks.sh
. "$here/../checks.sh"

# skip_all REASON: nothing of this test can be run here.
skip_all() {
	CASE='' skip "$(basename "$0" .sh)" "$1"
	finish
	exit
}

# add_cases PREFIX FILE: what the traffic program said of its cases, "ok NAME", "FAILED NAME: WHY" or
# "SKIP NAME: WHY", each as a check of its own.
add_cases() {
	local verdict name why
	while read -r verdict name why; do
		name=$1${name%:}
		wanted "$name" || continue
		case $verdict in
		ok) echo "ok      $name" >>"$work/results" ;;
		FAILED) echo "FAILED  $name: $why" | tee -a "$work/results" ;;
		SKIP) skip "$name" "$why" ;;
		esac
	done <"$2"
}

# What imdstrace wrote in this test, held against dist/schema.
as_the_schemas_say() {
	"$here/../docs/validate.py" "$work"
}

# The last line of a test program, and its status: to be called last.
finish() {
	check 'JSON is as dist/schema says' as_the_schemas_say
	sum_up
}

clean_up() {
	local name
	for name in "${!started[@]}"; do
		kill -KILL "${started[$name]}" 2>/dev/null
	done
	wait
	rm -rf --one-file-system "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM HUP

# --- Conditions, for check ---------------------------------------------------------------------

# lines_said FILE: of a trace's stderr, without those on what this machine lets no tracer see.
lines_said() {
	grep -vcE '^(<[0-9]>)?imdstrace: .* are not seen: ' "$1"
}

# all FUNCTION-CALL...: each argument is a command line; the first that fails decides.
all() {
	local each
	for each; do
		eval "$each" || { echo "not so: $each" && return 1; }
	done
}

# One sentence for a person: a line on stderr that starts with the tool's name, nothing on stdout.
one_sentence() {
	equal "lines on stderr" 1 "$(wc -l <"$1.err")" &&
		equal "stdout" "" "$(head -c 200 "$1.out")" && grep -q '^imdstrace: ' "$1.err" && return
	cat "$1.err"
	return 1
}

# holds FILE FILTER [JQ-ARGUMENT...]: the file has one value, of which the filter is true.
holds() {
	local file=$1 filter=$2 got
	shift 2
	got=$(jq "$@" "$filter" "$file" 2>&1)
	[ "$got" = true ] && return
	printf 'not so: %s\n%s\n' "$filter" "${got:0:600}"
	[ -p "$file" ] || head -c 1500 "$file"
	return 1
}

# until_so COMMAND...: waits for as long as patience lasts.
until_so() {
	local deadline=$((SECONDS + PATIENCE))
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $deadline ] || { echo "not within $PATIENCE seconds: $*" >&2 && return 1; }
		sleep 0.05
	done
}

# --- Tracers -----------------------------------------------------------------------------------

# trace NAME [ARGUMENT...]: starts one in the background; stdout and stderr in $work/NAME.{out,err}.
trace() {
	local name=$1
	shift
	# What an earlier one of that name said must not be taken for this one's.
	rm -f "$work/$name.out" "$work/$name.err"
	"$IMDSTRACE" trace "$@" >"$work/$name.out" 2>"$work/$name.err" </dev/null &
	started[$name]=$!
}

says_that_it_traces() {
	grep -qa 'imdstrace: tracing' "$work/$1.err"
}

is_over() {
	! kill -0 "$1"
}

attached_or_over() {
	says_that_it_traces "$1" || is_over "${started[$1]}"
}

# traces NAME...: waits until these have attached.
traces() {
	local name
	for name; do
		until_so attached_or_over "$name"
		says_that_it_traces "$name" && continue
		echo "the tracer $name did not begin:"
		cat "$work/$name.err"
		return 1
	done
}

# Nothing in the test makes sense without them.
need_traces() {
	traces "$@" && return
	echo "0 passed, 1 failed, 0 skipped"
	exit 1
}

# ended NAME: waits for it; its status is in $work/NAME.status.
ended() {
	until_so is_over "${started[$1]}" || kill -KILL "${started[$1]}"
	wait "${started[$1]}"
	echo $? >"$work/$1.status"
	unset "started[$1]"
}

# stop NAME [SIGNAL]: ended() after a signal (TERM).
stop() {
	kill "-${2:-TERM}" "${started[$1]}"
	ended "$1"
}

# ended_with NAME STATUS, for check.
ended_with() {
	equal "exit status" "$2" "$(cat "$work/$1.status")" && return
	cat "$work/$1.err"
	return 1
}

# run NAME [ARGUMENT...]: imdstrace from start to end, as ended() leaves it.
run() {
	local name=$1
	shift
	timeout -k 5 $PATIENCE "$IMDSTRACE" "$@" >"$work/$name.out" 2>"$work/$name.err" </dev/null
	echo $? >"$work/$name.status"
}

# --- Private mounts ----------------------------------------------------------------------------

# A chroot whose / is no mount point has none to make private.
may_mount() {
	unshare --mount --propagation private true 2>/dev/null
}

# For tests that are about what they mount.
need_private_mounts() {
	may_mount || skip_all "no mount can be made private here, because / is no mount point"
}

# --- Private networks --------------------------------------------------------------------------

# Refuses to go on anywhere but in a network namespace that is neither the tests' own nor the
# machine's (which /proc/1 may not show), whose only interface is lo, and whose lo holds the
# endpoint's address.
require_private() {
	local name net
	net=$(stat -Lc %d:%i /proc/self/ns/net) || net=
	if [ -z "$net" ] || [ -z "${outer_net:-}" ] || [ "$net" = "$outer_net" ] ||
		[ "$net" = "$(stat -Lc %d:%i /proc/1/ns/net 2>/dev/null)" ]; then
		echo "this is not known to be a network of the test's own: nothing is sent" >&2
		return 1
	fi
	while IFS=: read -r name _; do
		case $name in
		*'|'* | *' lo') ;;
		*)
			echo "the network namespace has an interface beside lo: nothing is sent" >&2
			return 1
			;;
		esac
	done </proc/net/dev
	if ! grep -q -- '-- 169\.254\.169\.254' /proc/net/fib_trie; then
		echo "lo does not hold the endpoint's address: nothing is sent" >&2
		return 1
	fi
}

has_ipv6() {
	grep -q '^fd000ec2000000000000000000000254 .* lo$' /proc/net/if_inet6 2>/dev/null
}

# serve MODE FUNCTION [ARGUMENT...]: runs a function of the test (an exported one) in a private
# network beside a metadata service in that mode. What the service received is in $received.
serve() {
	local mode=$1
	shift
	"$WIRE" ${received:+--received "$received"} --serve "$mode" \
		bash -c 'set -u; require_private && "$@"' serve "$@" </dev/null
}

# target NAME [PATH]: a URL of the endpoint that tells its request apart.
target() {
	echo "$endpoint${2:-/latest/meta-data/ami-id}?$tag-$1"
}

# A call without a token, and one with.
v1() {
	curl -sS -o /dev/null "$(target v1)"
}

v2() {
	local token
	token=$(curl -sS -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' "$endpoint/latest/api/token") &&
		curl -sS -o /dev/null -H "X-aws-ec2-metadata-token: $token" "$(target v2)"
}

# client NAME COMMAND...: runs a command and notes under which pid the host knows it.
client() {
	local name=$1
	shift
	(
		read -r pid _ </proc/self/stat
		echo "$pid" >"$work/pid.$name"
		exec "$@"
	) >"$work/said.$name" 2>&1
}

export -f require_private has_ipv6 target client v1 v2

# --- Requests, as trace --json shows them ------------------------------------------------------

# requests NAME: the lines in $events, the test's own file, of the client of that name.
# shellcheck disable=SC2154
requests() {
	jq -c --arg own "?$tag-$1" 'select(.type == "request" and (.path // "" | endswith($own)))' "$events"
}

# shows NAME OBJECT: exactly one request of the client was shown, and each field of the object (a
# filter; $pid is the client's) is in it as it stands there.
shows() {
	local pid
	pid=$(cat "$work/pid.$1" 2>/dev/null) || pid=null
	requests "$1" | jq -se --argjson pid "${pid:-null}" "
		if length != 1 then error(\"\(length) requests instead of one\") else .[0] end
		| . as \$shown | ($2) | to_entries
		| map(select(.value != \$shown[.key]) | {(.key): {wanted: .value, shown: \$shown[.key]}})
		| if . == [] then true else error(tojson) end" && return
	echo "shown:" && requests "$1"
	echo "the client said:" && head -c 500 "$work/said.$1"
	return 1
}
