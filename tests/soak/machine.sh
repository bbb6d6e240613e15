#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# test_soak.sh in a virtual machine, which lets programs attach as fentry does: SOAK_SECONDS (150) of
# SOAK_RATE (200) calls a second, because an emulated processor is slow.
SYSTEMD=trixie
# shellcheck source=tests/systemd/lib.sh
. "$(dirname "$0")/../systemd/lib.sh"
seconds=${SOAK_SECONDS:-150}
root=$scratch/root

"$top/tests/systemd/root.sh" trixie "$root" jq bpftool procps iproute2 python3-fastjsonschema &&
	mkdir -p "$root/project/dist" &&
	cp -R "$top/tests" "$root/project/" &&
	cp -R "$top/dist/schema" "$root/project/dist/" || exit
BOOT_ROOT=$root BOOT_MEMORY=3G BOOT_TIMEOUT=$((2 * seconds + 900)) "$boot" "${kernels[trixie]}" "$arch" \
	"SOAK_SECONDS=$seconds SOAK_RATE=${SOAK_RATE:-200} IMDSTRACE=/bin/imdstrace WIRE=/bin/wire IMDSTRACE_FILTER_KILLS=1 \
		bash /project/tests/soak/test_soak.sh"
