#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Node: its own clients, and the AWS SDK in versions 2 and 3. The SDKs come from npm, in the versions
# of tests/clients/node/package-lock.json, and are kept for the next run.
set -u
# shellcheck source=tests/clients/lib.sh
. "$(dirname "$0")/lib.sh"

NODE=/usr/bin/node
role=/latest/meta-data/iam/security-credentials/
need client-node

# npm_installs DIRECTORY: makes the directory of what package-lock.json names.
npm_installs() {
	local part=$1.$$
	mkdir -p "$part" && cp "$clients"/node/package*.json "$part" &&
		(cd "$part" && npm ci --ignore-scripts --no-audit --no-fund) && mv -T "$part" "$1" && return
	rm -rf "$part"
	[ -d "$1" ]
}

modules=$cache/npm/$(sha256sum "$clients/node/package-lock.json" | cut -c 1-16)
absent[npm]=
if [ ! -d "$modules" ]; then
	if ! have client-npm; then
		absent[npm]=${absent[client-npm]}
	elif ! npm_installs "$modules" >"$work/npm" 2>&1; then
		absent[npm]="npm: $(grep -m 1 'npm [eE][rR][rR]' "$work/npm" || tail -n 1 "$work/npm")"
	fi
fi

SDK2=$(jq -r .version "$modules/node_modules/aws-sdk/package.json" 2>/dev/null)
SDK2_AGENT="aws-sdk-nodejs/$SDK2 linux/$($NODE --version)"
# What fetch calls itself changed, and is the distribution's choice.
FETCH=$($NODE -e 'require("http").createServer((request, answer) => {
	console.log(request.headers["user-agent"]);
	answer.end();
	process.exit();
}).listen(0, "127.0.0.1", function () { fetch("http://127.0.0.1:" + this.address().port); })' 2>/dev/null)

runs() {
	calls "$2" "$1" NODE_PATH="$modules/node_modules" "${@:3}" $NODE "$clients/node/$2.js"
}

node_is() {
	client_is "$1" "$2" comm=node exe=$NODE script="$clients/node/$1.js" name="node $clients/node/$1.js" "${@:3}"
}

sdks_run() {
	runs npm sdk_v2_credentials "$@"
	runs npm sdk_v3_credentials "$@"
}

watch optional
runs client-node http
runs client-node fetch
runs npm sdk_v2_request
sdks_run
seen

node_is http 'http' pattern=v1-only advice=send-token \
	'v1 GET /latest/meta-data/instance-id' 'v1 GET /latest/meta-data/placement/region'
if [ -n "$FETCH" ]; then
	node_is fetch 'fetch' pattern=mixed advice=send-token client="$FETCH" agent="$FETCH" \
		'v1 GET /latest/meta-data/instance-id' 'token PUT /latest/api/token' \
		'v2 GET /latest/meta-data/placement/region'
else
	skip 'optional: fetch' "this Node has none"
fi
credentials=('token PUT /latest/api/token' "v2 GET $role" "v2 GET ${role}imdstrace-demo-role")
node_is sdk_v2_request "the AWS SDK 2's MetadataService, which never asks for a token" pattern=v1-only advice=investigate \
	says='AWS.MetadataService.request' \
	client="aws-sdk-js/$SDK2" needs=2.722.0 agent="$SDK2_AGENT" 'v1 GET /latest/meta-data/instance-id'
node_is sdk_v2_credentials 'the AWS SDK 2' pattern=v2-only advice=none "${credentials[@]}"
node_is sdk_v3_credentials 'the AWS SDK 3' pattern=v2-only advice=none "${credentials[@]}"

# Version 2 says what it is only in those requests that carry no token, version 3 in none.
# Version 3 has no name in what it sends, so that nobody knows its setting.
declare -A unnamed_advice=([put-dropped]=raise-hop-limit [put-refused]=investigate)
for each in put-dropped put-refused; do
	watch $each
	sdks_run
	seen
	node_is sdk_v2_credentials 'the AWS SDK 2' pattern=fallback advice="${fallback_advice[$each]}" \
		client="aws-sdk-js/$SDK2" needs=2.722.0 'token PUT /latest/api/token' \
		agent="$SDK2_AGENT" "v1 GET $role" "v1 GET ${role}imdstrace-demo-role"
	node_is sdk_v3_credentials 'the AWS SDK 3' pattern=fallback advice="${unnamed_advice[$each]}" \
		'token PUT /latest/api/token' "v1 GET $role" "v1 GET ${role}imdstrace-demo-role"
done

# What the advice says helps.
watch put-refused
sdks_run AWS_EC2_METADATA_V1_DISABLED=true
seen
for each in sdk_v2_credentials sdk_v3_credentials; do
	node_is $each "${each%_*}, which is told not to fall back" pattern=v2-only advice=none 'token PUT /latest/api/token'
done

finish
