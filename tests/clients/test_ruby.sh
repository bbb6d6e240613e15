#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Ruby: its own library, and the AWS SDK in version 1, which never asks for a token, and 3.
set -u
# shellcheck source=tests/clients/lib.sh
. "$(dirname "$0")/lib.sh"

RUBY=/usr/bin/ruby
role=/latest/meta-data/iam/security-credentials/
need client-ruby
have client-ruby-sdk1 client-ruby-sdk3
SDK=$(version $RUBY -e 'require "aws-sdk-core"; print Aws::CORE_GEM_VERSION')

runs() {
	calls "$2" "$1" $RUBY "$clients/ruby/$2.rb"
}

ruby_is() {
	client_is "$1" "$2" comm=ruby exe=$RUBY script="$clients/ruby/$1.rb" name="ruby $clients/ruby/$1.rb" "${@:3}"
}

sdk_is() {
	ruby_is "$1" "$2" client="aws-sdk-ruby/$SDK" needs=3.79.0 agent="aws-sdk-ruby3/$SDK" "${@:3}"
}

watch optional
runs client-ruby net_http
runs client-ruby net_http_token
runs client-ruby-sdk1 sdk_v1
runs client-ruby-sdk3 sdk_v3
runs client-ruby-sdk3 sdk_v3_metadata
seen

ruby_is net_http 'Net::HTTP' pattern=v1-only advice=send-token client=Ruby agent=Ruby \
	'v1 GET /latest/meta-data/instance-id' 'v1 GET /latest/meta-data/placement/region'
ruby_is net_http_token 'Net::HTTP, one connection, with a token' pattern=v2-only advice=none client=Ruby agent=Ruby \
	'token PUT /latest/api/token' 'v2 GET /latest/meta-data/ami-id'
# It says no more of itself than Net::HTTP does.
ruby_is sdk_v1 'the AWS SDK 1' pattern=v1-only advice=send-token client=Ruby agent=Ruby \
	"v1 GET $role" "v1 GET ${role}imdstrace-demo-role"
sdk_is sdk_v3 'the AWS SDK 3' pattern=v2-only advice=none \
	'token PUT /latest/api/token' "v2 GET $role" "v2 GET ${role}imdstrace-demo-role"
sdk_is sdk_v3_metadata 'the metadata client of the AWS SDK 3' pattern=v2-only advice=none \
	'token PUT /latest/api/token' 'v2 GET /latest/meta-data/instance-id'

for each in put-dropped put-refused; do
	watch $each
	runs client-ruby-sdk3 sdk_v3
	seen
	sdk_is sdk_v3 'the AWS SDK 3' pattern=fallback advice="${fallback_advice[$each]}" \
		'token PUT /latest/api/token' "v1 GET $role" "v1 GET ${role}imdstrace-demo-role"
done

finish
