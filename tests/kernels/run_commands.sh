#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# In the virtual machine of boot.sh: runs /commands with its output on the verdict port, then says there
# what the kernel complained about and how the commands ended.

# A terminal driver would add carriage returns.
port=$(sed -n 's/.*imdstrace\.port=\([^ ]*\).*/\1/p' /proc/cmdline)
busybox stty -F "/dev/$port" raw -echo 2>/dev/null
exec 3>"/dev/$port"
echo "start of commands" >&3

cd /
# Through a pipe, because what runs is not to find a terminal.
{ sh /commands </dev/null 2>&1; echo $? >/run/status; } | cat >&3
status=$(cat /run/status)

if busybox dmesg | grep -qE 'WARNING: |BUG: |Oops|rcu: INFO: .*stall|soft lockup|INFO: task .* blocked'; then
	echo "The kernel complained:" >&3
	busybox dmesg | grep -A40 -E 'WARNING: |BUG: |Oops|rcu: INFO: .*stall|soft lockup|INFO: task .* blocked' >&3
	[ "$status" != 0 ] || status=1
fi
echo "end of commands: $status" >&3
exec 3>&-
sync
# What was suspended cannot be powered off, and a reset ends the machine, too (-no-reboot).
busybox reboot -f
