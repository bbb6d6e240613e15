#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# update_pins.sh: gives each package in debian.pins the version that the mirror has.
set -eu
here=$(dirname "$0")
new=$(mktemp)
trap 'rm -f "$new"' EXIT

sed -n '/^#/p' "$here/debian.pins" >"$new"
grep -v '^#' "$here/debian.pins" | cut -d' ' -f1-3 | uniq | while read -r suite arch group; do
	"$here/debian.sh" pins "$suite" "$arch" "$group"
done >>"$new"
if grep -qE ' (\(none\))?$' "$new"; then
	echo "The mirror lacks some of these packages; debian.pins stays as it is:" >&2
	grep -E ' (\(none\))?$' "$new" >&2
	exit 1
fi
cat "$new" >"$here/debian.pins"
