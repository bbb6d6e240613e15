#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# In a virtual machine whose systemd has started the packaged imdstrace.service with the boot: what the
# packages and install.sh do to it. Two versions of each package are in /packages, and of a release in
# /releases. Its last line is the sum.
# shellcheck source=tests/kernels/lib.sh
. /lib.sh
report=/var/lib/imdstrace/report.json
old=$(cat /packages/old) new=$(cat /packages/new)

property() {
	systemctl show --property "$1" --value imdstrace.service
}

# processes PATTERN: how many have a name that is that.
processes() {
	cat /proc/[0-9]*/comm 2>/dev/null | grep -cxE "$1"
}

# soon COMMAND...: within a minute of an emulated machine.
soon() {
	for _ in $(seq 60); do
		"$@" && return
		sleep 1
	done
	return 1
}

in_report() {
	imdstrace report --format json $report 2>/dev/null | tr -d ' \n' | grep -qE -- "$1"
}

# What the boot's own call left, by a unit that is ordered as cloud-init's first is.
boot_was_traced() {
	soon systemctl is-active -q cloud-init-local.service && equal active "$(property ActiveState)" && equal ami-1 "$(cat /run/boot.answer)" && systemctl reload imdstrace.service &&
		soon in_report '"unit":"cloud-init-local.service"' && in_report '"path":"/latest/meta-data/ami-id\?boot"' && return
	systemctl status --no-pager imdstrace.service
	imdstrace report $report
	return 1
}

# state ACTIVE ENABLED
state() {
	equal "$1 $2" "$(systemctl is-active imdstrace.service) $(systemctl is-enabled imdstrace.service 2>/dev/null)"
}

# runs VERSION [PROGRAM]: the program that is on the disk, and no other.
runs() {
	equal "imdstrace $1" "$(imdstrace --version)" && soon equal active "$(property ActiveState)" &&
		equal "${2:-/usr/bin/imdstrace}" "$(readlink "/proc/$(property MainPID)/exe")" &&
		equal 1 "$(processes imdstrace)"
}

call() {
	/bin/busybox wget -q -O /run/answer "http://169.254.169.254/latest/meta-data/ami-id?$1" && equal ami-1 "$(cat /run/answer)"
}

# The report goes on with what it had, under the new version, and sees what is called from then on.
goes_on() {
	call "$2" && systemctl reload imdstrace.service && soon in_report "\?$2\"" && in_report '\?boot"' && in_report "^\{\"schema\":\"[^\"]*\",\"version\":\"$1\"" &&
		[ "$(imdstrace report --format json $report | tr -d ' \n' | grep -o '"hooks":' | wc -l)" -ge 2 ] && return
	imdstrace report --format json $report | head -c 600
	return 1
}

deb() {
	dpkg --no-triggers -i "/packages/imdstrace_$1-1.deb"
}

upgraded_while_running() {
	before=$(property MainPID)
	deb "$new" && state active enabled && runs "$new" && [ "$before" != "$(property MainPID)" ] && goes_on "$new" upgraded
}

upgraded_while_disabled() {
	systemctl disable -q imdstrace.service && deb "$old" && state active disabled && runs "$old"
}

upgraded_while_stopped() {
	systemctl stop imdstrace.service && deb "$new" && state inactive disabled && equal 0 "$(processes imdstrace)"
}

# No process, no unit, no link that leads nowhere.
gone() {
	equal 0 "$(processes 'imdstrace|imds-lookup')" && equal not-found "$(property LoadState)" && equal inactive "$(property ActiveState)" &&
		equal '' "$(find /etc /usr/lib /usr/local /run/systemd/system /run/systemd/generator* -name '*imdstrace.service*' 2>/dev/null | grep -v '/imdstrace.service.d')" &&
		[ ! -e /usr/bin/imdstrace ] && [ ! -e /usr/local/bin/imdstrace ]
}

nothing_left() {
	equal '' "$(ls -d /var/lib/imdstrace /var/lib/private/imdstrace 2>/dev/null)" &&
		equal '' "$(find / -xdev -name '*imdstrace*' -not -path '/packages/*' -not -path '/releases/*' -not -path '/proc/*' \
			-not -path '/sys/*' -not -path '/etc/systemd/system/imdstrace.service.d*')"
}

removed_while_running() {
	systemctl enable -q --now imdstrace.service && state active enabled && dpkg -r imdstrace && gone && [ -s $report ]
}

reinstalled() {
	deb "$old" && state inactive disabled && [ -s $report ]
}

purged_while_running() {
	systemctl enable -q --now imdstrace.service && runs "$old" && dpkg -P imdstrace && gone && nothing_left
}

# Debian 12's rpm has to be told that Debian is meant. No rpm is known to have brought /bin/sh.
force=
! rpm --force-debian --version >/dev/null 2>&1 || force=--force-debian

rpm_package() {
	rpm $force --nodeps "$@"
}

rpm_installed() {
	rpm_package -i "/packages/imdstrace-$old-1.rpm" && state inactive disabled
}

rpm_upgraded_while_running() {
	systemctl enable -q --now imdstrace.service && runs "$old" && call boot && rpm_package -U "/packages/imdstrace-$new-1.rpm" &&
		state active enabled && runs "$new" && goes_on "$new" upgraded
}

rpm_upgraded_while_stopped() {
	systemctl stop imdstrace.service && rpm_package -U --oldpackage "/packages/imdstrace-$old-1.rpm" && state inactive enabled
}

rpm_removed_while_running() {
	systemctl start imdstrace.service && runs "$old" && rpm_package -e imdstrace && gone && [ -s $report ]
}

# installer RELEASE ARGUMENT...: install.sh, as people pipe it. The shell remembers where a program was.
installer() {
	hash -r
	script=/releases/$1/install.sh
	shift
	sh -s -- "$@" <"$script"
}

script_installed() {
	installer old --url file:///releases/old && state inactive disabled && equal "imdstrace $old" "$(/usr/local/bin/imdstrace --version)"
}

# From a web server, which is the machine's own.
script_upgraded_while_running() {
	systemctl enable -q --now imdstrace.service && runs "$old" /usr/local/bin/imdstrace && call boot &&
		/bin/busybox httpd -p 127.0.0.1:8080 -h /releases/new && wget -q -O - http://127.0.0.1:8080/install.sh >/run/install.sh &&
		sh -s -- --url http://127.0.0.1:8080 </run/install.sh && state active enabled && runs "$new" /usr/local/bin/imdstrace &&
		goes_on "$new" upgraded-by-script
}

script_upgraded_while_stopped() {
	systemctl stop imdstrace.service && installer old --url file:///releases/old && state inactive enabled &&
		equal 0 "$(processes imdstrace)"
}

script_removed_while_running() {
	systemctl start imdstrace.service && runs "$old" /usr/local/bin/imdstrace && installer old --uninstall && gone && [ -s $report ]
}

script_purged_while_running() {
	installer new --url file:///releases/new && state inactive disabled && systemctl enable -q --now imdstrace.service &&
		runs "$new" /usr/local/bin/imdstrace && installer new --uninstall --purge && gone && nothing_left
}

# A package is there, which the script leaves alone.
script_refused() {
	deb "$old" && ! installer new --url file:///releases/new && state inactive disabled && equal 0 "$(processes imdstrace)" &&
		[ ! -e /usr/local/bin/imdstrace ] && dpkg -P imdstrace
}

check 'a call of the boot is in the report of the service that was enabled before it' boot_was_traced
check '.deb: an upgrade restarts what runs, and its report goes on' upgraded_while_running
check '.deb: an upgrade restarts what runs without being enabled' upgraded_while_disabled
check '.deb: an upgrade starts nothing' upgraded_while_stopped
check '.deb: the removal stops and disables' removed_while_running
check '.deb: reinstalled, it stays disabled, and its report is there' reinstalled
check '.deb: purged, nothing of it is left' purged_while_running
check '.rpm: installed, it is disabled' rpm_installed
check '.rpm: an upgrade restarts what runs, and its report goes on' rpm_upgraded_while_running
check '.rpm: an upgrade starts nothing' rpm_upgraded_while_stopped
check '.rpm: the removal stops and disables' rpm_removed_while_running
check 'install.sh: installed, it is disabled' script_installed
check 'install.sh: an upgrade restarts what runs, and its report goes on' script_upgraded_while_running
check 'install.sh: an upgrade starts nothing' script_upgraded_while_stopped
check 'install.sh: the removal stops and disables, and its report is there' script_removed_while_running
check 'install.sh: purged, nothing of it is left' script_purged_while_running
check 'install.sh: beside a package it changes nothing' script_refused
finish
