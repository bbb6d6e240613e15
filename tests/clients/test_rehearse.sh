#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Real clients, rehearsed: which survive the switch because they send tokens, which recover because they
# ask for one when they are refused, and which break. What other tests here installed is used; what they
# did not is skipped. Writes a table of Markdown: $CLIENTS_TABLE (build/clients.md), which "make clients-table"
# puts into the manual. Probes stand in single quotes.
# shellcheck disable=SC2016
set -u
# shellcheck source=tests/clients/lib.sh
. "$(dirname "$0")/lib.sh"

PYTHON=/usr/bin/python3
NODE=/usr/bin/node
modules=$cache/npm/$(sha256sum "$clients/node/package-lock.json" | cut -c 1-16)/node_modules
cloud_init=$cache/cloud-init/usr/lib/python3/dist-packages
sources=/usr/share/gocode
table=${CLIENTS_TABLE:-build/clients.md}

builds_go() {
	(cd "$clients/go/$1" && env -i PATH="$PATH" HOME="$work/home" GOCACHE="$cache/go" GOPATH=$sources GO111MODULE=off \
		GOPROXY=off GOTOOLCHAIN=local CGO_ENABLED=0 timeout 50 go build -p 1 -o "$work/$1" .) >"$work/go" 2>&1
}

# What came of a client: its report's verdict, and whether calls were rejected.
came_of() {
	jq -r '.rehearsal | if .verdict != "survives" then .verdict elif .rejected > 0 then "recovers" else "survives" end' \
		"$work/$1.json"
}

# is NAME TITLE WANTED: for check. The version is the first number in what the probe said.
is() {
	local got
	got=$(came_of "$1")
	echo "| $2 | $(grep -oE '[0-9]+(\.[0-9]+)+' "$work/version" | head -n 1) | $got |" >>"$work/table"
	equal "$1" "$3" "$got" && return
	jq -c .rehearsal "$work/$1.json"
	head -c 600 "$work/$1.err"
	return 1
}

# client_rehearsed NAME TITLE WANTED PROBE COMMAND...: PROBE is a command that says which version is here.
client_rehearsed() {
	local name=$1 title=$2 wanted=$3 probe=$4
	shift 4
	if ! eval "$probe" >"$work/version" 2>&1; then
		skip "$name" "it is not installed here"
		return
	fi
	timeout -k 5 $CALL_SECONDS "$IMDSTRACE" rehearse -q -o "$work/$name.json" -- "$WIRE" --serve optional \
		env -i PATH="$PATH" HOME="$work/home" LC_ALL=C "$@" >"$work/$name.out" 2>"$work/$name.err" </dev/null
	check "$name: $wanted" is "$name" "$title" "$wanted"
}

python_has() {
	$PYTHON -c "import $1; print($1.__version__)"
}

node_has() {
	jq -er .version "$modules/$1/package.json"
}

package_has() {
	dpkg-query -W -f '${Version}\n' "$1"
}

ami=$endpoint/latest/meta-data/ami-id
client_rehearsed curl 'curl' breaks 'curl --version' curl -sS "$ami"
client_rehearsed curl-fails 'curl -f' breaks 'curl --version' curl -fsS "$ami"
client_rehearsed wget 'wget' breaks 'wget --version' wget -q -O /dev/null "$ami"
client_rehearsed urllib 'Python, urllib' breaks '$PYTHON --version' $PYTHON "$clients/python/urllib_get.py"
client_rehearsed urllib3 'Python, urllib3' breaks 'python_has urllib3' $PYTHON "$clients/python/urllib3_get.py"
client_rehearsed requests 'Python, requests' breaks 'python_has requests' $PYTHON "$clients/python/requests_get.py"
client_rehearsed requests-token 'Python, requests with a token' survives 'python_has requests' $PYTHON "$clients/python/requests_token.py"
client_rehearsed boto-2 'boto 2' breaks 'python_has boto' $PYTHON "$clients/python/boto2_metadata.py"
client_rehearsed boto3 'boto3' survives 'python_has boto3' $PYTHON "$clients/python/boto3_credentials.py"
client_rehearsed botocore 'botocore' survives 'python_has botocore' $PYTHON "$clients/python/botocore_credentials.py"
client_rehearsed aws-cli 'AWS CLI' survives '/usr/bin/aws --version' /usr/bin/aws configure list
client_rehearsed node-http 'Node.js, http' breaks '$NODE --version' $NODE "$clients/node/http.js"
client_rehearsed node-sdk-v2-request 'JavaScript SDK 2, metadata' breaks 'node_has aws-sdk' NODE_PATH="$modules" $NODE "$clients/node/sdk_v2_request.js"
client_rehearsed node-sdk-v2 'JavaScript SDK 2, credentials' survives 'node_has aws-sdk' NODE_PATH="$modules" $NODE "$clients/node/sdk_v2_credentials.js"
client_rehearsed node-sdk-v3 'JavaScript SDK 3' survives 'node_has @aws-sdk/credential-providers' NODE_PATH="$modules" $NODE "$clients/node/sdk_v3_credentials.js"
client_rehearsed go-http 'Go, net/http' breaks 'builds_go http && go version' "$work/http"
client_rehearsed go-sdk-v1 'Go SDK 1' survives 'builds_go sdk_v1 && package_has golang-github-aws-aws-sdk-go-dev' "$work/sdk_v1"
client_rehearsed go-sdk-v2 'Go SDK 2' survives 'builds_go sdk_v2 && package_has golang-github-aws-aws-sdk-go-v2-dev' "$work/sdk_v2"
if javac -d "$work/classes" "$clients"/java/*.java >/dev/null 2>&1; then
	client_rehearsed java-connection 'Java, HttpURLConnection' breaks '/usr/bin/java -version' /usr/bin/java -cp "$work/classes" Connection
	client_rehearsed java-client 'Java, HttpClient, token on 401' recovers '/usr/bin/java -version' /usr/bin/java -cp "$work/classes" Client
else
	skip java "it is not installed here"
fi
client_rehearsed ruby-sdk-v3 'Ruby SDK 3' survives 'ruby -e "require %(aws-sdk-core); puts Aws::CORE_GEM_VERSION"' ruby "$clients/ruby/sdk_v3.rb"
client_rehearsed ec2metadata 'ec2metadata' survives 'test -x /usr/bin/ec2metadata && package_has cloud-guest-utils' /usr/bin/ec2metadata --instance-id
client_rehearsed cloud-init 'cloud-init' survives 'PYTHONPATH=$cloud_init $PYTHON -c "import cloudinit.version as v; print(v.version_string())"' \
	PYTHONPATH="$cloud_init" PYTHONDONTWRITEBYTECODE=1 $PYTHON "$clients/cloud-init/crawl.py"

mkdir -p "$(dirname "$table")"
{
	echo "| client | version | switch |"
	echo "|---|---|---|"
	cat "$work/table"
} >"$table"
cat "$table"
finish
