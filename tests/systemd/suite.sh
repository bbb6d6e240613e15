#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# In a virtual machine whose systemd has started imdstrace.service with the boot: what holds of it there.
# Its last line is the sum.
# shellcheck source=tests/kernels/lib.sh
. /lib.sh
report=/var/lib/imdstrace/report.json

property() {
	systemctl show --property "$1" --value imdstrace.service
}

# until COMMAND...: at most a minute.
until_true() {
	for _ in $(seq 60); do
		"$@" && return
		sleep 1
	done
	return 1
}

serve() {
	equal lo "$(ls /sys/class/net)" || return
	/bin/busybox ip link set lo up
	/bin/busybox ip address add 169.254.169.254/32 dev lo
	mkdir -p /tmp/www/latest/meta-data && echo ami-1 >/tmp/www/latest/meta-data/ami-id
	/bin/busybox httpd -p 169.254.169.254:80 -h /tmp/www
}

# call NAME: a service of systemd's asks once.
call() {
	mkdir -p /run/systemd/system
	cat >"/run/systemd/system/$1.service" <<-UNIT
		[Service]
		Type=oneshot
		ExecStart=/bin/busybox wget -q -O /tmp/got http://169.254.169.254/latest/meta-data/ami-id?$1
	UNIT
	systemctl daemon-reload && systemctl start "$1.service" && equal ami-1 "$(cat /tmp/got)"
}

# in_report PATTERN: in the report as it is now.
in_report() {
	imdstrace report --format json $report 2>/dev/null | tr -d ' \n' | grep -qE -- "$1"
}

mode_and_owner() {
	stat -L -c %a:%U:%h $report
	case $(stat -L -c %a:%u $report) in
	600:6[1-5]*) ;; # a user of systemd's for the moment
	*) return 1 ;;
	esac
	[ "$(stat -L -c %a /var/lib/imdstrace)" = 750 ]
}

# capabilities_of NAME: permitted, of the process of that name.
capabilities_of() {
	grep -lx "Name:	$1" /proc/[0-9]*/status | xargs sed -n 's/^CapPrm:\t//p'
}

given_up() {
	own=$(capabilities_of imdstrace)
	helper=$(capabilities_of imds-lookup)
	echo "imdstrace $own, imds-lookup $helper"
	case $own in 0000000000000000 | 0000008000000000) ;; *) return 1 ;; esac
	equal 0000000000080004 "$helper" && [ "$(stat -c %u "/proc/$(property MainPID)")" != 0 ]
}

hardened() {
	systemd-analyze security --offline=yes --threshold=15 /usr/lib/systemd/system/imdstrace.service >/tmp/security 2>&1 && return
	grep '✗' /tmp/security
	tail -n 1 /tmp/security
	return 1
}

reload() {
	call reloaded && systemctl reload imdstrace.service && until_true in_report '\?reloaded'
}

stopped() {
	systemctl stop imdstrace.service && equal inactive "$(property ActiveState)" && equal success "$(property Result)" &&
		! grep -qsxE 'Name:	(imdstrace|imds-lookup)' /proc/[0-9]*/status && in_report '"name":"busybox'
}

# What the file says is an option of the trace, and the report goes on.
with_options() {
	mkdir -p /etc/default
	echo 'IMDSTRACE_OPTIONS="--interval 5s --no-responses"' >/etc/default/imdstrace
	systemctl start imdstrace.service && tr '\0' ' ' <"/proc/$(property MainPID)/cmdline" | grep -q -- '--interval 5s --no-responses' &&
		call again && until_true in_report '\?again' && in_report '\?reloaded'
}

wrong_option() {
	echo 'IMDSTRACE_OPTIONS="--no-such-option"' >/etc/default/imdstrace
	! systemctl restart imdstrace.service 2>/dev/null
	sleep 1
	equal 2 "$(property ExecMainStatus)" && equal failed "$(property ActiveState)" && equal 0 "$(property NRestarts)"
}

# What systemd 219 (Amazon Linux 2, RHEL 7) makes of the unit: these directives, values and names it does
# not know, nor does its libseccomp these system calls, and ignores each with a warning.
unknown_to_219='StateDirectory|StateDirectoryMode|DynamicUser|IPAddressDeny|ProtectProc|ProtectKernel[A-Za-z]*|ProtectControlGroups|ProtectClock|ProtectHostname|PrivateMounts|RestrictNamespaces|RestrictSUIDSGID|RestrictRealtime|LockPersonality|MemoryDenyWriteExecute|StartupCPUWeight|CPUWeight|MemoryMax'
names_unknown_to_219='@[a-z-]+|CAP_BPF|CAP_PERFMON|CAP_CHECKPOINT_RESTORE|clone3|close_range|faccessat2|landlock_[a-z_]+|rseq'

as_by_219() {
	systemctl stop imdstrace.service
	rm -rf /etc/default/imdstrace /var/lib/imdstrace /var/lib/private/imdstrace
	sed -E "/^($unknown_to_219)=/d; /^ProtectSystem=strict/d; /^[A-Z]/ s/([=~ ])($names_unknown_to_219)\>/\1/g; /^SystemCallFilter=~? *\$/d" \
		/usr/lib/systemd/system/imdstrace.service >/etc/systemd/system/imdstrace.service
	grep -E '^(SystemCallFilter|Capability|Ambient)' /etc/systemd/system/imdstrace.service
	systemctl daemon-reload && systemctl start imdstrace.service && until_true is_active && call old && systemctl reload imdstrace.service &&
		until_true in_report '\?old' && in_report '"unit":"old.service"'
}

# As root, which is what it is there, without what is taken away.
given_up_by_219() {
	case $(capabilities_of imdstrace) in 0000000000000000 | 0000008000000000) ;; *) return 1 ;; esac
	equal 0 "$(stat -c %u "/proc/$(property MainPID)")" && equal 0000000000080004 "$(capabilities_of imds-lookup)" &&
		equal 600:0 "$(stat -c %a:%u $report)" && equal 0 "$(property NRestarts)"
}

# The boot's own connections, before the trace began, are counted and said.
said_before() {
	in_report '"opened_before":[0-9]+'
}

is_active() {
	[ "$(property ActiveState)" = active ]
}

verified() {
	equal "" "$(systemd-analyze verify --man=no imdstrace.service 2>&1 | grep imdstrace)"
}

# What the boot brings up after network-pre.target was not there before the hooks were.
before_the_network() {
	for unit in imdstrace.service network-pre.target; do
		systemctl show --property ActiveEnterTimestampMonotonic --value $unit
	done >/tmp/entered
	cat /tmp/entered
	[ "$(sed -n 1p /tmp/entered)" -gt 0 ] && [ "$(sed -n 1p /tmp/entered)" -le "$(sed -n 2p /tmp/entered)" ]
}

uname -r
systemctl --version | head -n 1
check "the boot started it" until_true is_active
check "it is ready before the network may be" before_the_network
check "systemd-analyze verify has nothing to say" verified
check "systemd-analyze security: 1.5 at most" hardened
check "its processes are no root's and have no rights" given_up
check "the service answers" serve
check "a unit's call is traced" call etl
check "the unit and the program are named" until_true in_report '"unit":"etl.service"'
check "nobody else may read the report" mode_and_owner
check "what was before the trace is told" said_before
check "reload saves" reload
check "systemctl status shows it" sh -c 'systemctl status imdstrace.service | grep -q "Active: active (running)"'
check "the journal has a line for the caller" sh -c 'journalctl -q IMDS_CLASS=v1 | grep -q etl'
check "stop ends it and leaves no process" stopped
check "options come from the file" with_options
check "a wrong option is not tried again" wrong_option
check "what systemd 219 would make of the unit traces" as_by_219
check "and has no right that it gave up" given_up_by_219
[ $failed = 0 ] || journalctl -q -u imdstrace.service | tail -n 60
grep -E '^(nr_throttled|usage_usec)' /sys/fs/cgroup/system.slice/imdstrace.service/cpu.stat 2>/dev/null
finish
