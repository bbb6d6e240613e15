#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Right and wrong usage of every command, and machines that cannot be traced.
# What stands in single quotes is for jq, or expanded where it runs.
# shellcheck disable=SC2016
set -u
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

# What takes longest goes first, beside the rest: doctor tries each attach mode.
"$IMDSTRACE" doctor --json >"$work/ways.json" </dev/null &
started[doctor]=$!

# --- Help and version --------------------------------------------------------------------------

# says_on_stdout PATTERN ARGUMENT...: status 0, the pattern on stdout, nothing on stderr.
says_on_stdout() {
	local pattern=$1
	shift
	run usage "$@"
	ended_with usage 0 && equal stderr '' "$(cat "$work/usage.err")" && grep -qE -- "$pattern" "$work/usage.out"
}
for option in -h --help; do
	check "imdstrace $option" says_on_stdout '^Usage: imdstrace' $option
	for command in trace report check rehearse reconcile software doctor demo; do
		check "$command $option" says_on_stdout "^Usage: imdstrace \[?$command" $command $option
	done
done
help_fits() {
	local command
	for command in '' trace report check rehearse reconcile software doctor demo; do
		equal "imdstrace $command --help, lines over 80 columns" '' "$("$IMDSTRACE" $command --help | grep -E '.{81}')" || return 1
	done
}
check 'the help of every command fits a terminal of 80 columns' help_fits
for option in -V --version; do
	check "imdstrace $option" says_on_stdout '^imdstrace [0-9]+\.[0-9]+\.[0-9]+$' $option
done
options_named() {
	local option
	"$IMDSTRACE" trace --help >"$work/help"
	for option in --duration --output --interval --all --json --quiet --help --version; do
		grep -qwe "$option" "$work/help" || { echo "not in the help: $option" && return 1; }
	done
}
check 'the help of trace names its options' options_named
check 'the commands are in the help' says_on_stdout '^  demo ' --help

# --- Wrong usage -------------------------------------------------------------------------------

echo '{}' >"$work/file"
# One command line each; WORK is a directory that is there.
while read -r line; do
	[ -n "$line" ] || continue
	refused() {
		local arguments
		read -ra arguments <<<"${line//WORK/$work}"
		run usage "${arguments[@]}"
		ended_with usage 2 && one_sentence "$work/usage"
	}
	check "refused: imdstrace $line" refused
done <<'LINES'
frobnicate
--frobnicate
-x
trace --frobnicate
trace --prometheus
trace --prometheus --output /dev/null
trace -x
trace surplus
trace --duration
trace -d
trace --output
trace --interval
trace --duration soon
trace --duration 10x
trace --duration -5s
trace --duration 0s
trace -d 1e3s
trace --duration 99999999999999999999s
trace --interval 0s
trace --interval often --output WORK/new
trace --hooks crystal-ball
trace --hooks
trace --quiet --json
trace --min-window long
trace --all=yes
report
report --frobnicate
report --format
report --format xml WORK/file
report --min-window soon WORK/file
check
check --min-window
check --min-window soon WORK/file
check --min-window -1s WORK/file
check --strict
reconcile
reconcile --period now a b
doctor surplus
software one two
software no-such-program
software --frobnicate
doctor --frobnicate
demo surplus
demo --frobnicate
LINES
check 'a refused command line writes nothing' not test -e "$work/new"

# --- Machines that cannot be traced ------------------------------------------------------------

# untraceable NAME COMMAND...: status 3 and one sentence, which matches the pattern in $says.
untraceable() {
	local name=$1
	shift
	timeout -k 5 $PATIENCE "$@" >"$work/$name.out" 2>"$work/$name.err" </dev/null
	echo $? >"$work/$name.status"
	ended_with "$name" 3 && one_sentence "$work/$name" && grep -qE -- "$says" "$work/$name.err" && return
	cat "$work/$name.err"
	return 1
}

# doctor_prints COMMAND...: status 3, and what is missing ($says) in a text and in JSON.
doctor_prints() {
	"$@" doctor >"$work/doctor" 2>"$work/doctor.err" </dev/null
	equal 'exit status' 3 $? || return
	if ! grep -qE "$says" "$work/doctor" || ! grep -q kernel "$work/doctor"; then
		cat "$work/doctor"
		return 1
	fi
	"$@" doctor --json >"$work/doctor.json" 2>>"$work/doctor.err" </dev/null
	equal 'exit status' 3 $? && holds "$work/doctor.json" '.traceable == false and (.why_not | length > 0)'
}

# Root's capabilities are gone for good; nobody has none.
powerless=(setpriv --bounding-set=-all --inh-caps=-all)
says='CAP_|root'
check 'without capabilities trace says what is missing' untraceable powerless "${powerless[@]}" "$IMDSTRACE" trace
check 'without capabilities doctor still prints' doctor_prints "${powerless[@]}" "$IMDSTRACE"
cp "$IMDSTRACE" "$work/imdstrace"
chmod 755 "$work/imdstrace"
nobody=("${powerless[@]}" --reuid=65534 --regid=65534 --clear-groups "$work/imdstrace")
no_demo() {
	"${nobody[@]}" demo >"$work/demo.out" 2>"$work/demo.err" </dev/null
	equal 'exit status' 3 $? && equal 'sentences' 1 "$(grep -c '^imdstrace: .*root' "$work/demo.err")"
}
if "${nobody[@]}" --version >/dev/null 2>&1; then
	check 'trace tells another user what is missing' untraceable nobody "${nobody[@]}" trace
	check 'doctor still prints for another user' doctor_prints "${nobody[@]}"
	check 'demo tells another user that it needs root' no_demo
	check 'check and report need no privileges' equal 'exit status' 0 "$("${nobody[@]}" report --help >/dev/null; echo $?)"
else
	for each in 'trace tells another user what is missing' 'doctor still prints for another user' \
		'demo tells another user that it needs root' 'check and report need no privileges'; do
		skip "$each" 'another user cannot reach the directory of this test'
	done
fi

# A kernel without BTF, as far as anybody can see: what else might be looked at is hidden too.
without_btf() {
	local directory
	for directory in /sys/kernel/btf /boot "/lib/modules/$(uname -r)" /usr/lib/debug; do
		[ ! -d "$directory" ] || mount -t tmpfs tmpfs "$directory" || return
	done
	exec "$@"
}
export -f without_btf
blind=(unshare --mount --propagation private bash -c 'without_btf "$@"' blind "$IMDSTRACE")
says=BTF
if may_mount; then
	check 'without BTF trace says so' untraceable blind "${blind[@]}" trace
	check 'without BTF doctor still prints' doctor_prints "${blind[@]}"
else
	skip 'without BTF trace and doctor say so' 'no mount can be made private here, because / is no mount point'
fi

# Each attach mode that this machine refuses, one by one.
ended doctor
check 'doctor says that this machine can be traced' holds "$work/ways.json" '.traceable and (.hooks | length > 0) and .btf'
check 'doctor says whether responses are watched, and what a trace lacks' holds "$work/ways.json" '
	(.responses | type == "boolean") and (.limits | all(type == "string"))'
check 'doctor says what the programs of each attach mode cost' holds "$work/ways.json" '
	.ways | all(if .attaches
		then (.why_not == null) and (.programs | length > 1 and all(
			(.name | length > 0) and .verified_instructions > 0 and has("jited_bytes")))
		else (.why_not | length > 0) and .programs == [] end)'
check 'doctor says why it refuses an attach mode' holds "$work/ways.json" '
	.hooks as $hooks | .ways | any(.name == $hooks and .attaches) and all(.attaches or (.why_not | length > 0))'
for way in fentry tracepoint kprobe; do
	if jq -e --arg way $way '.ways[] | select(.name == $way).attaches' "$work/ways.json" >/dev/null; then
		skip "--hooks $way is refused" 'this machine offers it'
	else
		says=$way
		check "--hooks $way is refused" untraceable $way "$IMDSTRACE" trace --hooks $way
	fi
done

finish
