#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Each folder of user/ includes only what stands behind it: cmd > trace > render > verdict >
# report > process > lib, and cmd > demo > lib. Prints every line that includes upward.
set -u
cd "$(dirname "$0")/.." || exit 1

declare -A behind=(
	[cmd]="trace render verdict report process demo lib"
	[trace]="render verdict report process lib"
	[render]="verdict report process lib"
	[verdict]="report process lib"
	[report]="process lib"
	[process]="lib"
	[demo]="lib"
	[lib]=""
)

status=0
while IFS=: read -r file line included; do
	folder=${file#user/} folder=${folder%%/*}
	[[ " $folder ${behind[$folder]?unknown folder $folder} " == *" $included "* ]] && continue
	echo "$file:$line: user/$folder must not include $included/"
	status=1
done < <(grep -nE '^#include "[a-z]+/' user/*/*.[ch] | sed -E 's/#include "([a-z]+)\/.*/\1/')
exit $status
