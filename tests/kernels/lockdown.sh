#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What is said on a kernel that was booted with lockdown=confidentiality, which lets no BPF program
# read its memory.
# shellcheck source=tests/kernels/lib.sh
. /lib.sh

uname -srvm
check "the kernel is locked down" grep -q '\[confidentiality\]' /sys/kernel/security/lockdown
check "doctor says so" doctor_says 3 'lockdown=confidentiality'
check "trace says so" refused 'lockdown=confidentiality'
finish
