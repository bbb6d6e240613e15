#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# README.md stays one page, and what it and CONTRIBUTING.md name in the sources is there: files, links,
# functions and tables. What stands in single quotes is for grep.
# shellcheck disable=SC2016
set -u
cd "$(dirname "$0")/.." || exit 1

status=0
wrong() {
	echo "$1"
	status=1
}

lines=$(wc -l <README.md)
[ "$lines" -le 150 ] || wrong "README.md has $lines lines; the most is 150"
for page in README.md CONTRIBUTING.md; do
	# In code, and as the target of a link; NAME stands for a name, and what is built is not there yet.
	while read -r path; do
		case $path in build/* | *NAME*) continue ;; esac
		compgen -G "$path" >/dev/null || wrong "$page names $path, which is not there"
	done < <({
		grep -oE '`(bpf|include|user|tests|dist)/[a-zA-Z0-9_./*-]*' $page | tr -d '`'
		grep -oE '\]\([^):]+\)' $page | tr -d ']()'
	} | sort -u)
	while read -r name; do
		grep -rqwF -e "$name" bpf include user tests || wrong "$page names $name, which is not there"
	done < <(grep -oE '`[a-z_]+(\(\)|\[\])`' $page | tr -d '`()[]' | sort -u)
done
exit $status
