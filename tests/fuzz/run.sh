#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# run.sh FUZZER...: runs the fuzzers side by side for FUZZ_SECONDS (60), each beginning with what the
# project keeps for it in tests/fuzz/corpus/NAME. What it finds new stays beside the fuzzer, in
# NAME.corpus-SIZE, and is where the next run begins; what it fails on stays there too, as NAME-crash-*.
#
# The last line is the sum: a fuzzer passes if it finds nothing. The exit status is 1 when one failed.
set -u
export LC_ALL=C ASAN_OPTIONS=abort_on_error=0:detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1

here=$(dirname "$0")
seconds=${FUZZ_SECONDS:-60}
if ! [ "$seconds" -gt 0 ]; then # to libFuzzer, 0 is without end
	echo "FUZZ_SECONDS is a number above 0, not \"$seconds\"" >&2
	exit 2
fi
scratch=$(mktemp -d) || exit 1
children=
trap 'rm -rf "$scratch"' EXIT
trap '[ -z "$children" ] || kill $children; exit 130' INT TERM HUP

# fuzz FUZZER SIZE SECONDS LOG: on inputs up to a size.
fuzz() {
	corpus=$1.corpus-$2
	mkdir -p "$corpus"
	kept=$here/corpus/$(basename "$1")
	[ -d "$kept" ] || kept=$corpus
	dict=$here/$(basename "$1").dict
	[ -e "$dict" ] || dict=$here/http.dict
	"$1" -max_len="$2" -max_total_time="$3" -timeout=10 -dict="$dict" -print_final_stats=1 \
		-artifact_prefix="$1-" "$corpus" "$kept" >"$4" 2>&1
}

# Long heads take long: most of what is wrong shows in short ones.
fuzz_all_sizes() {
	log=$scratch/$(basename "$1")
	fuzz "$1" 4096 $((seconds - seconds / 4)) "$log.short" && fuzz "$1" 40000 $((seconds / 4 + 1)) "$log.long"
}

for fuzzer; do
	fuzz_all_sizes "$fuzzer" &
	children="$children $!"
done

passed=0 failed=0
for child in $children; do
	name=$(basename "$1")
	shift
	wait "$child"
	status=$?
	runs=$(cat "$scratch/$name".* | sed -n 's/^stat::number_of_executed_units: *//p' | awk '{ sum += $1 } END { print sum + 0 }')
	if [ $status = 0 ]; then
		passed=$((passed + 1))
		echo "ok     $name: $runs inputs in $seconds seconds"
	else
		failed=$((failed + 1))
		echo "FAILED $name"
		cat "$scratch/$name".* | grep -av '^#[0-9]' | sed 's/^/       | /'
	fi
done

echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
