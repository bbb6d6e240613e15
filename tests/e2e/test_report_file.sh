#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# trace --output: a file that is a whole report at every moment, that is continued, that survives
# the tracer's death and a full disk, and that is never attached for in vain.
# What stands in single quotes is for jq, or expanded where it runs.
# shellcheck disable=SC2016
set -u
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
need_private_mounts

kept=$work/kept.json
BUSYBOX=$(realpath "$(command -v busybox)")
export BUSYBOX

# The same caller each time: a program of its own.
cp "$(realpath "$(command -v curl)")" "$work/backup-tool"
ln "$work/backup-tool" "$work/disk-tool"
backup() {
	local name
	for name; do
		"$work/${tool:-backup-tool}" -s -o /dev/null "$(target "$name")"
	done
}
other() {
	client other "$BUSYBOX" wget -qO- "$(target other)"
}
export -f backup other

# Reads the file as fast as it can, until $work/enough is there.
watch_file() {
	local reads=0
	: >"$work/watch.errors"
	until [ -e "$work/enough" ]; do
		[ -e "$kept" ] || continue
		jq -e '.schema == "imdstrace.report/1" and (.callers | type) == "array"' "$kept" >/dev/null 2>>"$work/watch.errors" ||
			echo "read $reads is no report" >>"$work/watch.errors"
		reads=$((reads + 1))
		echo "$reads" >"$work/watch.reads"
	done
}
read_often() {
	[ "$(cat "$work/watch.reads")" -gt 10 ]
}

from_backup='.callers | map(select(.exe == env.work + "/backup-tool"))'

# In a mount namespace of its own, on a disk of its own, which fills up and is emptied again.
on_small_disk() {
	local tool=disk-tool
	export tool
	mkdir -p "$work/disk"
	mount -t tmpfs -o size=256k tmpfs "$work/disk" || return
	"$IMDSTRACE" trace --quiet --output "$work/disk/report.json" --interval 1s 2>"$work/disk.err" &
	echo $! >"$work/disk.pid"
	until_so test -s "$work/disk/report.json"
	serve optional backup small
	until_so grep -q -- "$tag-small" "$work/disk/report.json"
	head -c 1M /dev/zero 2>"$work/dd" >"$work/disk/filler"
	cp "$work/disk/report.json" "$work/full-before.json"
	until_so grep -q 'report.json' "$work/disk.err"
	serve optional backup late
	cp "$work/disk/report.json" "$work/full-after.json"
	ls -A "$work/disk" >"$work/full-files"
	rm "$work/disk/filler"
	until_so grep -q -- "$tag-late" "$work/disk/report.json"
	kill -KILL "$(cat "$work/disk.pid")"
	wait "$(cat "$work/disk.pid")"
	cp "$work/disk/report.json" "$work/killed.json"
}
export PATIENCE
export -f on_small_disk until_so serve

# --- Created, replaced ------------------------------------------------------------------------

unshare --mount --propagation private bash -c on_small_disk >"$work/small-disk" 2>&1 &
started[disk]=$!
trace first --all --json --output "$kept" --interval 1s --prometheus
trace timed --quiet --output "$work/timed.json" --duration 2s
need_traces first timed
watch_file &
started[watcher]=$!
serve optional backup one two

seen_in_file() {
	jq -e "($from_backup)[0].calls.v1 == $1" "$kept"
}
until_so seen_in_file 2
ln "$kept" "$work/early-file"
cp "$kept" "$work/early.json"
serve optional backup three
until_so seen_in_file 3
until_so read_often
ended timed
stop first INT
touch "$work/enough"
ended watcher
opened_now=$(awk '$1 == "Tcp:" && $2 ~ /[0-9]/ { print $6 }' /proc/1/net/snmp)

check 'SIGINT ends a trace with status 0' ended_with first 0
check 'the report is there before the trace ends' holds "$work/early.json" '.schema == "imdstrace.report/1"'
check 'a reader sees a whole report each time' all 'equal "what was no report" "" "$(cat "$work/watch.errors")"' read_often
check 'the report is replaced, not written to' all 'not test "$work/early-file" -ef "$kept"' \
	'holds "$work/early-file" ".schema == \"imdstrace.report/1\""' 'not grep -q -- "$tag-three" "$work/early-file"'
check 'nothing but the report is left in its directory' equal files '' "$(find "$work" -name '.imdstrace*')"
check '--prometheus keeps the same beside the report, and node_exporter may read it' all 'equal mode 644 "$(stat -c %a "$kept.prom")"' \
	'diff "$kept.prom" <("$IMDSTRACE" report --format prometheus "$kept")'
check 'a window says what the machine had opened before' holds "$kept" \
	'.windows[0].opened_before as $opened | $opened >= 0 and $opened <= ($now | tonumber)' --arg now "$opened_now"
check '--duration ends a trace by itself' ended_with timed 0
check '--quiet prints nothing on stdout' all 'equal "size of stdout" 0 "$(stat -c %s "$work/timed.out")"' \
	'equal "lines on stderr" 1 "$(lines_said "$work/timed.err")"'
check '--duration ends a trace after that time' holds "$work/timed.json" '
	def seconds: (.[:19] + "Z" | fromdate) + ("0." + (.[20:-1] | if . == "" then "0" else . end) | tonumber);
	.windows | length == 1 and (.[0] | (.end | seconds) - (.start | seconds) >= 2)'

# --- Continued --------------------------------------------------------------------------------

cp "$kept" "$work/before.json"
trace second --all --json --output "$kept"
need_traces second
serve optional backup four
serve optional other
stop second TERM

continued() {
	jq -se --slurpfile before "$work/before.json" --slurpfile after "$kept" '
		map(select(.type == "request")) as $lines | $before[0] as $before | $after[0] as $after
		| ($after.windows | length == 2) and ($after.windows[0] == $before.windows[0])
		and ($after.windows[1].start > $before.windows[0].end)
		and ($after.hosts == $before.hosts)
		and (["v1", "v2", "token", "foreign", "unknown"] | all(. as $class
			| $after.totals[$class] == $before.totals[$class] + ($lines | map(select(.class == $class)) | length)
			and ([$after.callers[].calls[$class]] | add) == $after.totals[$class]))' "$work/second.out"
}
check 'SIGTERM ends a trace with status 0' ended_with second 0
check 'a second trace continues the report: windows and totals add up' continued
check 'a caller of two traces is one' holds "$kept" "$from_backup"' | length == 1
	and (.[0] | .calls.v1 == 4 and .processes == 4 and (.pids | length == 4)
	and (.paths | map(.path | split("-")[-1]) | sort == ["four", "one", "three", "two"]))'
check 'a caller of two traces has its first call from the old one and its last from the new' holds "$kept" "($from_backup)"'[0]
	| .first == (.paths[] | select(.path | endswith("-one")).first) and .last == (.paths[] | select(.path | endswith("-four")).last)'
check 'a caller of the second trace alone is in the report' holds "$kept" '.callers | any(.exe == env.BUSYBOX)'

# A report that came with an image: of another machine, or of this one's boot while another ran.
check 'each window of a report has an id of its own' holds "$kept" '[.windows[].id | select(test("^[0-9a-f]{32}$"))] | unique | length == 2'
jq '.windows[].host = "0123456789abcdef0123456789abcdef" | .windows[].instance_id = "i-0000000a"
	| .hosts[].machine_id = "0123456789abcdef0123456789abcdef" | .hosts[].instance_id = "i-0000000a"' "$kept" >"$work/baked.json"
cp "$work/baked.json" "$work/baked.before"
trace baked --all --output "$work/baked.json"
need_traces baked
stop baked TERM
check "another host's report is not continued" holds "$work/baked.json" '(.windows | length == 1) and .callers == [] and (.hosts | length == 1)'
check "another host's report is kept beside the new one" cmp "$work/baked.before" "$work"/baked.json.other-host-*
check "a sentence says that another host's report was kept beside" grep -q "another host's report: it is baked.json.other-host-" "$work/baked.err"
jq '.windows[].boot_id = "00000000-1111-2222-3333-444444444444"' "$kept" >"$work/clone.json"
trace clone --all --output "$work/clone.json"
need_traces clone
stop clone TERM
check 'a report of a boot that still ran when this one had begun is not continued' holds "$work/clone.json" '.windows | length == 1'

# --- Begun anew -------------------------------------------------------------------------------

# What calls before and after SIGUSR1, at the same time for as long as it is sent.
busy() {
	local name
	for name in $(seq 40); do
		"$work/backup-tool" -s -o /dev/null "$(target "busy-$name")"
	done
}
export -f busy
trace anew --all --json --output "$work/anew.json" --interval 1h
need_traces anew
serve optional backup before
serve optional busy &
started[busy]=$!
kept_beside() { compgen -G "$work/anew.json.until-*" >/dev/null; }
sleep 0.2
kill -USR1 "${started[anew]}"
until_so kept_beside
ended busy
serve optional backup after
stop anew TERM
old=$(compgen -G "$work/anew.json.until-*")
check 'SIGUSR1 begins a new file, keeps the old one beside it, and says so' all 'ended_with anew 0' \
	'equal files 1 "$(wc -w <<<"$old")"' 'grep -q "anew.json is anew.json.until-.* from now on" "$work/anew.err"' \
	'grep -q -- "$tag-before" "$old"' 'not grep -q -- "$tag-before" "$work/anew.json"' \
	'grep -q -- "$tag-after" "$work/anew.json"' 'not grep -q -- "$tag-after" "$old"'
both_files() {
	jq -se --slurpfile old "$old" --slurpfile new "$work/anew.json" '
		map(select(.type == "request")) as $lines | $old[0] as $old | $new[0] as $new
		| (["v1", "v2", "token", "foreign", "unknown"] | all(. as $class
			| $old.totals[$class] + $new.totals[$class] == ($lines | map(select(.class == $class)) | length)
			and ([$old.callers[].calls[$class]] | add // 0) == $old.totals[$class]
			and ([$new.callers[].calls[$class]] | add // 0) == $new.totals[$class]))
		and ([$old, $new] | all(.callers | all(. as $caller | ["v1", "v2"] | all(. as $class
			| ([$caller.paths[] | select(.class == $class).count] | add // 0) == $caller.calls[$class]))))
		and ($old.windows | length == 1) and ($new.windows | length == 1) and $new.windows[0].id != $old.windows[0].id
		and ($new.windows[0].start >= $old.windows[0].end)' "$work/anew.out"
}
check 'every call beside SIGUSR1 is in one of the two files, and the window goes on without a gap' both_files
run merged report --format json "$old" "$work/anew.json"
check 'the two files of SIGUSR1 together are the whole' holds "$work/merged.out" '.totals.v1 == 42 and (.windows | length == 2) and .hosts[0].verdict == "blocked"'
trace nofile --quiet
need_traces nofile
kill -USR1 "${started[nofile]}"
until_so grep -q 'this trace has none' "$work/nofile.err"
stop nofile TERM
check 'SIGUSR1 to a trace without a file changes nothing' ended_with nofile 0

# --- A disk that fills up, and a tracer that is killed ----------------------------------------

ended disk

valid_report() {
	"$IMDSTRACE" check --min-window 0s "$1"
	equal 'exit status of check' 1 $? && holds "$1" '.verdict == "blocked" and .totals.v1 >= 1'
}
check 'a full disk: the report keeps its last good state' cmp "$work/full-before.json" "$work/full-after.json"
check 'a full disk: it is said once' all 'equal "lines on stderr" 2 "$(lines_said "$work/disk.err")"' \
	'grep -q "^imdstrace: .*report.json.*No space left on device" "$work/disk.err"'
check 'a full disk: nothing half written is left beside the report' equal files 'filler report.json' "$(sort "$work/full-files" | xargs)"
check 'a full disk: the report goes on once there is room' holds "$work/killed.json" '
	.callers[] | select(.exe == env.work + "/disk-tool") | .paths | map(.path | split("-")[-1]) | contains(["small", "late"])'
check 'a trace that is killed leaves its last state' valid_report "$work/killed.json"

# --- Refused before anything is attached ------------------------------------------------------

# Without privileges nothing can be attached, which would be said, with another status.
powerless() {
	setpriv --bounding-set=-all --inh-caps=-all "$@"
}

# refused FILE: a trace that is to keep this file does not begin, and the file stays as it is.
refused() {
	local before after
	before=$(sha256sum "$1" 2>&1)
	powerless timeout 60 "$IMDSTRACE" trace --output "$1" >"$work/refused.out" 2>"$work/refused.err" </dev/null
	equal 'exit status' 2 $? && one_sentence "$work/refused" && grep -qF -- "$1" "$work/refused.err" || return
	after=$(sha256sum "$1" 2>&1)
	equal content "$before" "$after"
}

jq -c . "$kept" >"$work/good.json"
head -c 1000 "$work/good.json" >"$work/truncated"
head -c -2 "$work/good.json" >"$work/nearly-whole"
head -c 4096 /dev/urandom >"$work/garbage"
echo 'hello, this is a text' >"$work/text"
echo '{"schema": "imdstrace.report/1"}' >"$work/empty-report"
echo '[]' >"$work/list"
jq -c '.schema = "imdstrace.report/2"' "$work/good.json" >"$work/newer"
jq -c '.totals.v1 = -1' "$work/good.json" >"$work/negative"
jq -c '.callers[0].calls = 7' "$work/good.json" >"$work/other-type"
{ cat "$work/good.json"; echo '{}'; } >"$work/two-values"
echo '{"this":"is somebody else'\''s JSON"}' >"$work/others"
mkdir "$work/directory"
for each in garbage text list newer others; do
	check "a file that is no report ($each) is refused and left alone" refused "$work/$each"
done

# set_aside NAME: a damaged report of ours is kept under another name, and a new one begins.
set_aside() {
	local before name
	before=$(sha256sum <"$work/$1")
	timeout 60 "$IMDSTRACE" trace --quiet --output "$work/$1" --duration 1s >"$work/aside.out" 2>"$work/aside.err" </dev/null
	equal 'exit status' 0 $? && name=$(find "$work" -name "$1.damaged-*") && equal content "$before" "$(sha256sum <"$name")" &&
		holds "$work/$1" '.windows | length == 1' && equal sentences 1 "$(grep -c "^imdstrace: .*$1 is damaged" "$work/aside.err")" &&
		grep -qF "${name##*/}" "$work/aside.err" && return
	cat "$work/aside.err"
	return 1
}
for each in truncated nearly-whole empty-report negative other-type two-values; do
	check "a damaged report ($each) is set aside, and tracing goes on" set_aside $each
done

# What was put in the file's place while it was kept.
ln -s "$work/elsewhere" "$work/link-to-come"
became() {
	timeout 60 "$IMDSTRACE" trace --quiet --output "$work/$1.json" --duration 5s --interval 1s 2>"$work/$1.err" </dev/null &
	started[$1]=$!
}
became linked
became swapped
need_traces linked swapped
until_so test -s "$work/linked.json"
until_so test -s "$work/swapped.json"
mv "$work/link-to-come" "$work/linked.json" && echo mine >"$work/mine" && mv "$work/mine" "$work/swapped.json"
ended linked
ended swapped
check 'a report that became a link is refused' all 'ended_with linked 2' 'test -L "$work/linked.json"' 'not test -e "$work/elsewhere"' \
	'grep -q "it has become a symbolic link" "$work/linked.err"'
check 'a report in whose place there is another file is refused' all 'ended_with swapped 2' 'equal content mine "$(cat "$work/swapped.json")"' \
	'grep -q "another file has been put in its place" "$work/swapped.err"'
check 'what is missing in a report that was replaced is told by class' grep -qE 'lacks the last calls of this trace: v1 [0-9]+, v2 [0-9]+, token' "$work/swapped.err"
check 'a report that was made goes where nothing could be traced' all \
	'not powerless "$IMDSTRACE" trace --output "$work/never.json" 2>/dev/null' 'not test -e "$work/never.json"'

check '--output: a directory is refused' refused "$work/directory"
check '--output: a directory that is not there is refused' refused "$work/no/such/file.json"
check '--output: a file below a file is refused' refused "$work/text/file.json"
check '--output: a file that nobody can make is refused' refused /proc/imdstrace.json
read_only() {
	mount --bind "$work/directory" "$work/directory" && mount -o remount,bind,ro "$work/directory" &&
		refused "$work/directory/report.json"
}
export -f read_only refused powerless one_sentence equal
check '--output: a read-only disk is refused' unshare --mount --propagation private bash -c read_only

# A limit is an error like a full disk, not the signal that it is by default.
within_limit() {
	ulimit -f 0
	timeout 60 "$IMDSTRACE" trace --quiet --output "$work/limited.json" --duration 1s 2>&1
	echo "status $?"
}
over_the_limit() {
	(within_limit </dev/null) | cat >"$work/limit"
	grep -q 'limited.json keeps its last state, because it cannot be written: File too large' "$work/limit" &&
		grep -qx 'status 2' "$work/limit" && not test -e "$work/limited.json" && return
	cat "$work/limit"
	return 1
}
check 'a report that grows past the limit of files keeps its last state' over_the_limit

finish
