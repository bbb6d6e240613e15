#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Real clients, rehearsed: which survive the switch because they send tokens, which recover because they
# ask for one when they are refused, and which break. What other tests here installed is used; what they
# did not is skipped. Probes stand in single quotes.
# shellcheck disable=SC2016
set -u
# shellcheck source=tests/clients/lib.sh
. "$(dirname "$0")/lib.sh"

PYTHON=/usr/bin/python3
NODE=/usr/bin/node
modules=$cache/npm/$(sha256sum "$clients/node/package-lock.json" | cut -c 1-16)/node_modules
cloud_init=$cache/cloud-init/usr/lib/python3/dist-packages
sources=/usr/share/gocode

builds_go() {
	(cd "$clients/go/$1" && env -i PATH="$PATH" HOME="$work/home" GOCACHE="$cache/go" GOPATH=$sources GO111MODULE=off \
		GOPROXY=off GOTOOLCHAIN=local CGO_ENABLED=0 timeout 50 go build -p 1 -o "$work/$1" .) >"$work/go" 2>&1
}

# What came of a client: its report's verdict, and whether calls were rejected.
came_of() {
	jq -r '.rehearsal | if .verdict != "survives" then .verdict elif .rejected > 0 then "recovers" else "survives" end' \
		"$work/$1.json"
}

# is NAME WANTED: for check.
is() {
	local got
	got=$(came_of "$1")
	echo "$1: $got" >>"$work/table"
	equal "$1" "$2" "$got" && return
	jq -c .rehearsal "$work/$1.json"
	head -c 600 "$work/$1.err"
	return 1
}

# client_rehearsed NAME WANTED PROBE COMMAND...: PROBE is a command that says whether the client is here.
client_rehearsed() {
	local name=$1 wanted=$2 probe=$3
	shift 3
	if ! eval "$probe" >/dev/null 2>&1; then
		skip "$name" "it is not installed here"
		return
	fi
	timeout -k 5 $CALL_SECONDS "$IMDSTRACE" rehearse -q -o "$work/$name.json" -- "$WIRE" --serve optional \
		env -i PATH="$PATH" HOME="$work/home" LC_ALL=C "$@" >"$work/$name.out" 2>"$work/$name.err" </dev/null
	check "$name: $wanted" is "$name" "$wanted"
}

python_has() {
	$PYTHON -c "import $1"
}

ami=$endpoint/latest/meta-data/ami-id
client_rehearsed curl breaks true curl -sS "$ami"
client_rehearsed curl-fails breaks true curl -fsS "$ami"
client_rehearsed wget breaks true wget -q -O /dev/null "$ami"
client_rehearsed urllib breaks true $PYTHON "$clients/python/urllib_get.py"
client_rehearsed urllib3 breaks 'python_has urllib3' $PYTHON "$clients/python/urllib3_get.py"
client_rehearsed requests breaks 'python_has requests' $PYTHON "$clients/python/requests_get.py"
client_rehearsed requests-token survives 'python_has requests' $PYTHON "$clients/python/requests_token.py"
client_rehearsed boto-2 breaks 'python_has boto' $PYTHON "$clients/python/boto2_metadata.py"
client_rehearsed boto3 survives 'python_has boto3' $PYTHON "$clients/python/boto3_credentials.py"
client_rehearsed botocore survives 'python_has botocore' $PYTHON "$clients/python/botocore_credentials.py"
client_rehearsed aws-cli survives 'test -x /usr/bin/aws' /usr/bin/aws configure list
client_rehearsed node-http breaks 'test -x $NODE' $NODE "$clients/node/http.js"
client_rehearsed node-sdk-v2-request breaks 'test -d "$modules/aws-sdk"' NODE_PATH="$modules" $NODE "$clients/node/sdk_v2_request.js"
client_rehearsed node-sdk-v2 survives 'test -d "$modules/aws-sdk"' NODE_PATH="$modules" $NODE "$clients/node/sdk_v2_credentials.js"
client_rehearsed node-sdk-v3 survives 'test -d "$modules/aws-sdk"' NODE_PATH="$modules" $NODE "$clients/node/sdk_v3_credentials.js"
client_rehearsed go-http breaks 'builds_go http' "$work/http"
client_rehearsed go-sdk-v1 survives 'builds_go sdk_v1' "$work/sdk_v1"
client_rehearsed go-sdk-v2 survives 'builds_go sdk_v2' "$work/sdk_v2"
if javac -d "$work/classes" "$clients"/java/*.java >/dev/null 2>&1; then
	client_rehearsed java-connection breaks true /usr/bin/java -cp "$work/classes" Connection
	client_rehearsed java-client recovers true /usr/bin/java -cp "$work/classes" Client
else
	skip java "it is not installed here"
fi
client_rehearsed ruby-sdk-v3 survives 'ruby -e "require %(aws-sdk-core)"' ruby "$clients/ruby/sdk_v3.rb"
client_rehearsed ec2metadata survives 'test -x /usr/bin/ec2metadata' /usr/bin/ec2metadata --instance-id
client_rehearsed cloud-init survives 'test -d "$cloud_init/cloudinit"' PYTHONPATH="$cloud_init" PYTHONDONTWRITEBYTECODE=1 \
	$PYTHON "$clients/cloud-init/crawl.py"

cat "$work/table"
finish
