#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Go: net/http, and both AWS SDKs as the distribution packages their sources.
set -u
# shellcheck source=tests/clients/lib.sh
. "$(dirname "$0")/lib.sh"

role=/latest/meta-data/iam/security-credentials/
sources=/usr/share/gocode
need client-go

# builds NAME GROUP: makes $work/NAME of tests/clients/go/NAME, or says why there is no group "go-NAME".
builds() {
	local group=go-$1
	absent[$group]=
	if ! have "$2"; then
		absent[$group]=${absent[$2]}
	elif ! (cd "$clients/go/$1" && env -i PATH="$PATH" HOME="$work/home" GOCACHE="$cache/go" GOPATH=$sources \
		GO111MODULE=off GOPROXY=off GOTOOLCHAIN=local CGO_ENABLED=0 \
		go build -p 1 -o "$work/$1" .) >"$work/go" 2>&1; then
		absent[$group]="go build: $(tail -n 1 "$work/go")"
	fi
}

builds http client-go
builds sdk_v1 client-go-sdk
builds sdk_v2 client-go-sdk-v2
SDK1=$(sed -n 's/^const SDKVersion = "\(.*\)"$/\1/p' $sources/src/github.com/aws/aws-sdk-go/aws/version.go 2>/dev/null)
SDK2=$(sed -n 's/^const goModuleVersion = "\(.*\)"$/\1/p' \
	$sources/src/github.com/aws/aws-sdk-go-v2/aws/go_module_metadata.go 2>/dev/null)

runs() {
	calls "$1" "go-$1" "$work/$1"
}

go_is() {
	client_is "$1" "$2" comm="$1" exe="$work/$1" name="$1" "${@:3}"
}

sdks_are() {
	go_is sdk_v1 'the AWS SDK for Go' client="aws-sdk-go/$SDK1" needs=1.25.38 agent="aws-sdk-go/$SDK1 (go*" "$@"
	go_is sdk_v2 'the AWS SDK for Go v2' client="aws-sdk-go-v2/$SDK2" needs=0.19.0 agent="aws-sdk-go-v2/$SDK2 os/linux *" "$@"
}

watch optional
runs http
runs sdk_v1
runs sdk_v2
seen

go_is http 'net/http' pattern=v1-only advice=send-token client=Go-http-client agent=Go-http-client/1.1 \
	'v1 GET /latest/meta-data/instance-id' 'v1 GET /latest/meta-data/placement/region'
sdks_are pattern=v2-only advice=none \
	'token PUT /latest/api/token' "v2 GET $role" "v2 GET ${role}imdstrace-demo-role"

for each in put-dropped put-refused; do
	watch $each
	runs sdk_v1
	runs sdk_v2
	seen
	sdks_are pattern=fallback advice="${fallback_advice[$each]}" \
		'token PUT /latest/api/token' "v1 GET $role" "v1 GET ${role}imdstrace-demo-role"
done

finish
