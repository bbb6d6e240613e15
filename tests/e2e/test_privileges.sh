#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What a trace keeps of root's rights once its hooks are attached, and that it still names everybody.
# What stands in single quotes is for jq, or expanded where it runs.
# shellcheck disable=SC2016
set -u
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

NOBODY=65534
events=$work/events.json
mkdir "$work/kept"
# Not below $work, whose parent may be root's alone.
others=$(mktemp -d /var/tmp/imdstrace.XXXXXX) || exit 1
trap 'clean_up; rm -rf "$others"' EXIT
export others
chmod 755 "$others"
chown $NOBODY "$others"
printf '#!/usr/bin/env python3\nimport urllib.request, sys\nurllib.request.urlopen(sys.argv[1]).read()\n' >"$others/call.py"
chmod 755 "$others/call.py"

# status NAME FIELD: of a trace, or of a pid.
status() {
	awk -v field="$2:" '$1 == field { print $2 }' "/proc/${started[$1]:-$1}/status"
}

helper_of() {
	tr -d " " <"/proc/${started[$1]}/task/${started[$1]}/children"
}

# Maps ask for CAP_BPF before 5.19 where the machine is set so.
bpf_or_nothing() {
	case $1 in
	0000000000000000) ;;
	0000008000000000) [ "$(cat /proc/sys/kernel/unprivileged_bpf_disabled)" != 0 ] ;;
	*) echo "capabilities: $1" && return 1 ;;
	esac
}

without_capabilities() {
	local set
	for set in CapPrm CapEff; do
		bpf_or_nothing "$(status "$1" $set)" || return
	done
	equal "no new privileges" 1 "$(status "$1" NoNewPrivs)" &&
		equal "core" 0 "$(awk '/^Max core/ { print $5 }' "/proc/${started[$1]:-$1}/limits")"
}

has_filter() {
	equal "filtered system calls" 2 "$(status "$1" Seccomp)"
}

# CAP_DAC_READ_SEARCH and CAP_SYS_PTRACE.
has_two_capabilities() {
	equal "permitted" 0000000000080004 "$(status "$1" CapPrm)" &&
		equal "no new privileges" 1 "$(status "$1" NoNewPrivs)"
}

calls() {
	client own curl -sS "$(target own)"
	client script setpriv --reuid 65534 --regid 65534 --clear-groups "$others/call.py" "$(target script)"
}
later_calls() {
	client later setpriv --reuid 65534 --regid 65534 --clear-groups "$others/call.py" "$(target later)"
}
export -f calls later_calls

"$IMDSTRACE" trace --json --output "$work/kept/report.json" --interval 1s >"$events" 2>"$work/root.err" </dev/null &
started[root]=$!
trace nobody --user $NOBODY --quiet --output "$others/report.json" --interval 1s
trace orphan --quiet --output "$work/kept/orphan.json"
need_traces root nobody orphan
until_so has_two_capabilities "$(helper_of root)"
until_so without_capabilities root
until_so without_capabilities nobody

check 'a trace has no capability' without_capabilities root
check "a trace's helper has two capabilities" has_two_capabilities "$(helper_of root)"
check 'a trace with --user is that user in all ids' equal ids "$(printf '%s\n' $NOBODY $NOBODY $NOBODY $NOBODY)" \
	"$(awk '/^Uid:/ { for (i = 2; i <= 5; i++) print $i }' "/proc/${started[nobody]}/status")"
check 'a trace with --user has no capability' without_capabilities nobody
if grep -q '^Seccomp:' /proc/self/status && ! grep -qa __asan_ "$IMDSTRACE"; then
	check 'the system calls of a trace are filtered' has_filter root
	check "the system calls of a trace's helper are filtered" has_filter "$(helper_of root)"
else
	skip 'the system calls of a trace are filtered' 'this kernel, or this build, filters none'
fi

orphans_helper=$(helper_of orphan)
kill -KILL "$orphans_helper"
serve optional calls || exit 1
script_was_seen() {
	[ "$(requests script | wc -l)" = 1 ]
}
until_so script_was_seen
check 'a call is shown with its executable' shows own '{exe: "'"$(realpath "$(command -v curl)")"'"}'
check "a call of another user is shown with its script" shows script '{uid: '$NOBODY'}'

helper=$(helper_of root)
kill -KILL "${started[root]}"
wait "${started[root]}" 2>/dev/null
unset 'started[root]'
check 'the helper ends with a trace that was killed' until_so is_over "$helper"

serve optional later_calls || exit 1
until_so jq -e '.totals.v1 >= 3' "$others/report.json"
kill -HUP "${started[nobody]}"
stop nobody
stop orphan
check 'a trace as another user ends well' ended_with nobody 0
check "the report of a trace with --user is that user's own" equal owner "$NOBODY 600" "$(stat -c '%u %a' "$others/report.json")"
check "the report of a trace with --user names another user's script" holds "$others/report.json" '[.callers[] | select(.script == "'"$others/call.py"'")] | length == 1'
check 'a trace whose helper has gone goes on' ended_with orphan 0
check 'a trace whose helper has gone says so' grep -q 'helper that looks up processes has ended' "$work/orphan.err"
check 'a trace whose helper has gone counts all the same' holds "$work/kept/orphan.json" '.totals.v1 >= 3'

run stranger trace --user no-such-user -d 1s
check 'a user that is not there is refused' all 'ended_with stranger 2' 'one_sentence "$work/stranger"'
run elsewhere trace --user $NOBODY -d 1s --output "$work/kept/x.json"
check "a directory that is not the user's is refused" all 'ended_with elsewhere 2' 'one_sentence "$work/elsewhere"'

finish
