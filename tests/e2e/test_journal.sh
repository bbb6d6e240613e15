#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Under systemd: what the journal hears of callers, and SIGHUP, which systemctl reload sends. The
# journal is one of the test's own, in a mount namespace.
# What stands in single quotes is for jq, or expanded where it runs.
# shellcheck disable=SC2016
set -u
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

# Writes each entry that it receives as one line.
cat >"$work/journal.py" <<'SCRIPT'
import os, socket, sys
os.makedirs("/run/systemd/journal", exist_ok=True)
journal = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
journal.bind("/run/systemd/journal/socket")
print("ready", flush=True)
while True:
    print(repr(journal.recv(65536).decode()), flush=True)
SCRIPT

# journalled NAME COMMAND...: stderr is a file that JOURNAL_STREAM names.
journalled() {
	local name=$1
	shift
	exec 2>"$work/$name.err" >"$work/$name.out" </dev/null
	JOURNAL_STREAM=$(stat -Lc %d:%i /proc/self/fd/2) exec "$@"
}
with_journal() {
	mount -t tmpfs tmpfs /run || return
	python3 "$work/journal.py" >"$work/journal" 2>&1 &
	echo $! >"$work/journal.pid"
	until grep -q ready "$work/journal"; do sleep 0.1; done
	journalled heard "$IMDSTRACE" trace --quiet --output "$work/heard.json" --interval 1h
}
# Nobody is there to hear it but stderr.
without_journal() {
	mount -t tmpfs tmpfs /run && journalled unheard "$IMDSTRACE" trace --quiet --output "$work/unheard.json"
}
export -f journalled with_journal without_journal

unshare --mount --propagation private bash -c with_journal &
started[heard]=$!
unshare --mount --propagation private bash -c without_journal &
started[unheard]=$!
trace plain --quiet
need_traces heard unheard plain

calls() {
	client one bash -c 'for i in 1 2 3; do curl -sS "$0"; done; :' "$(target one)"
	client two busybox wget -qO- "$(target two)"
	client token curl -sS -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' "$(target token /latest/api/token)"
}
export -f calls
serve optional calls || exit 1
entries() {
	[ "$(grep -c IMDS_CLASS "$work/journal")" -ge 2 ] && [ "$(grep -c '^<4>' "$work/unheard.err")" -ge 2 ]
}
until_so entries

one_entry() {
	equal 'entries' 1 "$(grep -c -- "IMDS_PATH=/latest/meta-data/ami-id?$tag-$1" "$work/journal")" || return
	grep -- "$tag-$1" "$work/journal" >"$work/entry"
	local field
	shift
	for field; do
		grep -qF -- "$field" "$work/entry" || { echo "no $field in:" && cat "$work/entry" && return 1; }
	done
}
check 'the journal hears once of each new caller' all \
	'one_entry one "IMDS_CLASS=v1" "PRIORITY=4" "SYSLOG_IDENTIFIER=imdstrace" "IMDS_CALLER=curl" "without a token"' \
	'one_entry two "IMDS_CALLER=busybox wget"'
check 'the journal hears of no call but v1' not grep -- "$tag-token" "$work/journal"
check 'stderr does not repeat what the journal hears' equal 'lines on stderr' 1 "$(lines_said "$work/heard.err")"
check 'without a journal stderr hears of new callers, with a priority' all \
	'equal warnings 2 "$(grep -c "^<4>imdstrace: .*$tag.*without a token" "$work/unheard.err")"'
check 'where stderr is no journal it hears of no caller' equal 'lines on stderr' 1 "$(lines_said "$work/plain.err")"

# --- SIGHUP -----------------------------------------------------------------------------------

serve optional client three curl -sS "$(target three)" || exit 1
has_three() {
	grep -q -- "$tag-three" "$work/heard.json"
}
hang_up() {
	kill -HUP "${started[heard]}" "${started[plain]}"
	until_so has_three
}
check 'SIGHUP saves the report' all hang_up has_three
serve optional client four curl -sS "$(target four)" || exit 1
check 'a trace goes on after SIGHUP' kill -0 "${started[heard]}" "${started[plain]}"
stop heard
stop unheard
stop plain
check 'a trace that had a SIGHUP ends well, and keeps the calls after it' all 'ended_with heard 0' 'ended_with plain 0' 'grep -q -- "$tag-four" "$work/heard.json"'
kill "$(cat "$work/journal.pid")"

JOURNAL_STREAM='' "$IMDSTRACE" report "$work/no-such-file" 2>"$work/plain-error"
touch "$work/error"
(journalled error "$IMDSTRACE" report "$work/no-such-file")
check 'an error has its priority in the journal' grep -q '^<3>imdstrace: ' "$work/error.err"
touch "$work/limited.err"
(journalled limited unshare --pid --fork --mount-proc "$IMDSTRACE" trace --quiet --duration 1s)
check 'what a trace will lack is a warning in the journal' grep -q "^<4>imdstrace: pids are a container's here" "$work/limited.err"
check 'an error has no priority where stderr is no journal' grep -q '^imdstrace: ' "$work/plain-error"

finish
