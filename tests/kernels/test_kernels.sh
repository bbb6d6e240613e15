#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Boots each of these kernels in a virtual machine, and runs a suite there: MACHINES at a time, else
# one for each processor, because kernels complain of stalls where emulated ones wait for long.
# Compares what the verifier looked at with verified.limits, and writes what was seen as a table of
# Markdown: $KERNELS_TABLE (build/kernels.md), which "make kernels-table" puts into the manual.
# KERNELS="6.1-amd64 6.1-arm64-suite" takes those alone whose names begin so. With LOAD=NUMBER it runs load.sh alone, with that
# many calls beside each load and in each model of preemption, and writes $LOAD_TABLE (build/load.md).
# With STRESS=SECONDS it runs stress.sh alone, for so long.
# BOOT=PROGRAM boots in place of boot.sh.
set -u
here=$(dirname "$0")
limits=$here/verified.limits
boot_program=${BOOT:-$here/boot.sh}
table=${KERNELS_TABLE:-build/kernels.md}
load_table=${LOAD_TABLE:-build/load.md}
machines=${MACHINES:-$(nproc)}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'kill "${!running[@]}" 2>/dev/null; exit 130' INT TERM HUP

# The slow ones first. Kernel, machine, suite and its arguments; parameters of the boot.
boots='
5.10   amd64 suite.sh fentry                                ;
5.10   arm64 suite.sh kprobe                                ;
6.1    arm64 suite.sh kprobe                                ;
6.12   arm64 suite.sh fentry                                ;
newest arm64 suite.sh fentry                                ;
6.1    amd64 suite.sh fentry                                ;
6.12   amd64 suite.sh fentry                                ;
newest amd64 suite.sh fentry                                ;
6.1    amd64 cgroups.sh v1 /sys/fs/cgroup/systemd           ; imdstrace.cgroups=v1
5.10   amd64 cgroups.sh hybrid /sys/fs/cgroup/systemd       ; imdstrace.cgroups=hybrid
6.12   amd64 cgroups.sh v2 /sys/fs/cgroup                   ;
6.12   amd64 lockdown.sh                                    ; lockdown=confidentiality
5.10   amd64 machine.sh                                     ;
newest amd64 machine.sh                                     ;
'

# The models that "preempt=" chooses from: no longer none and voluntary where the kernel has lazy.
load_boots='
6.12   arm64 load.sh ;
newest arm64 load.sh ;
newest amd64 load.sh ; preempt=full
newest amd64 load.sh ; preempt=lazy
5.10   arm64 load.sh ;
6.1    arm64 load.sh ;
5.10   amd64 load.sh ;
6.1    amd64 load.sh ; preempt=none
6.1    amd64 load.sh ; preempt=voluntary
6.1    amd64 load.sh ; preempt=full
6.12   amd64 load.sh ; preempt=none
6.12   amd64 load.sh ; preempt=voluntary
6.12   amd64 load.sh ; preempt=full
'
[ -z "${LOAD:-}" ] || boots=$load_boots

# With checks of each object that the kernel frees, and with where each processor is if one does not come back.
stress_boots='
5.10   amd64 stress.sh ; slub_debug=FZP loglevel=5 softlockup_all_cpu_backtrace=1
newest amd64 stress.sh ; slub_debug=FZP loglevel=5 softlockup_all_cpu_backtrace=1
'
[ -z "${STRESS:-}" ] || boots=$stress_boots
boot_limit=${LOAD:+2}900 # seconds of a boot
[ -z "${STRESS:-}" ] || boot_limit=$((2 * STRESS + 900))

passed=0 failed=0 skipped=0
declare -A running=() # what runs under a pid

# is_wanted NAME: by $KERNELS.
is_wanted() {
	local each
	[ -n "${KERNELS:-}" ] || return 0
	for each in $KERNELS; do
		[[ $1 != "$each"-* ]] || return 0
	done
	return 1
}

fail() {
	echo "FAILED: $*"
	failed=$((failed + 1))
}

# Holds the programs of one machine to the limits: "verified MODE PROGRAM INSTRUCTIONS" against
# "KERNEL PROGRAM LIMIT", where KERNEL "*" is every one that has no line of its own.
within_limits() {
	local kernel=$1 mode program instructions limit
	while read -r _ mode program instructions; do
		limit=$(awk -v kernel="$kernel" -v program="$program" '
			$2 == program && $1 == "*" { any = $3 }
			$2 == program && $1 == kernel { own = $3 }
			END { print own ? own : any }' "$limits")
		if [ -z "$limit" ]; then
			fail "$kernel: $program has no limit in ${limits##*/}"
		elif [ "$instructions" = null ] || ((instructions > limit)); then
			fail "$kernel: $mode's $program took $instructions verified instructions of $limit"
		else
			passed=$((passed + 1))
		fi
	done < <(grep '^verified ' "$2")
}

# A line of the table for each attach mode of one machine.
add_rows() {
	local arch=$1 seconds=$2 output=$3 release mode right of instructions
	release=$(sed -n 's/^Linux \([^ ]*\) .*/\1/p' "$output" | head -n 1)
	while read -r _ mode right of; do
		instructions=$(awk -v mode="$mode" '$1 == "verified" && $2 == mode && $4 > most { most = $4 } END { print most + 0 }' "$output")
		echo "| $release | $arch | \`$mode\` | $right of $of | $instructions | $seconds |"
	done < <(grep '^cases ' "$output") >>"$scratch/rows"
	sed -n "s/^load \([^ ]*\) \([^ ]*\) \([^ ]*\) \([^ ]*\) \([^ ]*\) \([^ ]*\)$/| $release | $arch | \`\1\` | \6 | \2 | \3 | \4 of \5 |/p" \
		"$output" >>"$scratch/loads"
}

# Waits for one of those that run, shows it and adds its sum.
collect() {
	local pid status name output sum p f s
	wait -n -p pid "${!running[@]}"
	status=$?
	name=${running[$pid]}
	unset "running[$pid]"
	output=$scratch/$name
	echo "=== $name: $(cat "$output.seconds") s"
	cat "$output"
	sum=$(sed -nE 's/^([0-9]+) passed, ([0-9]+) failed, ([0-9]+) skipped$/\1 \2 \3/p' "$output" | tail -n 1)
	read -r p f s <<<"${sum:-0 1 0}"
	[ $status = 0 ] || [ "$f" != 0 ] || f=1
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
	"$here/../skips.sh" note "$name" <"$output" >>"$scratch/skips"
	within_limits "${name%%-*}" "$output"
	add_rows "$(cut -d- -f2 <<<"$name")" "$(cat "$output.seconds")" "$output"
}

# boot NAME KERNEL MACHINE COMMAND: in the background; its output ends with the suite's sum.
boot() {
	local started=$SECONDS status objects=$here/../../build/$3/compilers
	[ -d "$objects" ] || objects=
	BOOT_TIMEOUT=$boot_limit "$boot_program" "$2" "$3" "$4" "$here"/{lib,witness,rehearse,clients,suite,load,stress,cgroups,lockdown,machine}.sh \
		${objects:+"$objects"} >"$scratch/$1" 2>&1
	status=$?
	echo $((SECONDS - started)) >"$scratch/$1.seconds"
	return $status
}

: >"$scratch/rows"
: >"$scratch/loads"
: >"$scratch/skips"
while IFS=';' read -r what append; do
	read -r kernel arch suite arguments <<<"$what"
	[ -n "$kernel" ] || continue
	name=$kernel-$arch-${suite%.sh}-${arguments%% *}
	name=${name%-}${append:+-$(tr -dc 'a-z0-9=' <<<"$append")}
	is_wanted "$name" || continue
	[ ${#running[@]} -lt "$machines" ] || collect
	BOOT_APPEND=$append boot "$name" "$kernel" "$arch" "sh /$suite $arguments ${LOAD:-}${STRESS:-}" &
	running[$!]=$name
done <<<"$boots"
while [ ${#running[@]} -gt 0 ]; do
	collect
done

if [ -z "${LOAD:-}${STRESS:-}" ]; then
	mkdir -p "$(dirname "$table")"
	{
		echo "| kernel | machine | attach mode | wire cases right | most verified instructions of a program | seconds of the boot, emulated |"
		echo "|---|---|---|---|---|---|"
		sort -V "$scratch/rows"
	} >"$table"
	cat "$table"
fi
if [ -z "${STRESS:-}" ]; then
	mkdir -p "$(dirname "$load_table")"
	{
		echo "| kernel | machine | attach mode | preemption | threads blocked in sends | threads that send without a pause | calls seen |"
		echo "|---|---|---|---|---|---|---|"
		sort -V "$scratch/loads"
	} >"$load_table"
	cat "$load_table"
fi
"$here/../skips.sh" list <"$scratch/skips"
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ]
