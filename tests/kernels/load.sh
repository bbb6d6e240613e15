#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# load.sh CALLS: that many calls beside each load, by each attach mode that this kernel has: every one has
# to be seen. "load MODE BLOCKED SPINNING SEEN CALLS PREEMPTION" are lines for the table of
# test_kernels.sh.
# shellcheck source=tests/kernels/lib.sh
. /lib.sh

uname -srvm
check "doctor says that this kernel can be traced" doctor_says 0 "kprobe" ""
for mode in fentry tracepoint kprobe; do
	if ! grep -q "^  $mode  *yes" /tmp/doctor.txt; then
		verdict SKIP "$mode: $(sed -n "s/^  $mode  *no: //p" /tmp/doctor.txt)"
		continue
	fi
	beside "$mode" "$1" 0,0 10,0 200,0 0,4 0,12
done
finish
