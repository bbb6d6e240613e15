#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Python: its own library, urllib3, requests, boto 2, boto3, botocore, and the AWS CLI made of it.
set -u
# shellcheck source=tests/clients/lib.sh
. "$(dirname "$0")/lib.sh"

PYTHON=/usr/bin/python3
role=/latest/meta-data/iam/security-credentials/

need client-python
have client-boto2 client-boto3 client-awscli
URLLIB=$(version $PYTHON -c 'import urllib.request as u; print("Python-urllib/" + u.__version__)')
URLLIB3=python-urllib3/$(version $PYTHON -c 'import urllib3; print(urllib3.__version__)')
REQUESTS=python-requests/$(version $PYTHON -c 'import requests; print(requests.__version__)')
BOTO3=$(version $PYTHON -c 'import boto3; print(boto3.Session()._session.user_agent())')
BOTOCORE=$(version $PYTHON -c 'import botocore.session as s; print(s.get_session().user_agent())')
AWS=$(version /usr/bin/aws --version)
AWS=${AWS%% *}

runs() {
	calls "$2" "$1" $PYTHON "$clients/python/$2.py"
}

sdks_run() {
	runs client-boto3 boto3_credentials
	runs client-boto3 botocore_credentials
	calls aws client-awscli /usr/bin/aws configure list
}

# python_is NAME WHAT ...: client_is() for a script that python3 runs.
python_is() {
	client_is "$1" "$2" comm=python3 exe=$PYTHON script="$clients/python/$1.py" \
		name="python3 $clients/python/$1.py" "${@:3}"
}

boto3_is() {
	python_is boto3_credentials boto3 client="boto3/$(of "$BOTO3")" needs=1.12.6 "$@"
}

botocore_is() {
	python_is botocore_credentials botocore client="botocore/$(of "$BOTOCORE")" needs=1.13.25 "$@"
}

# The kernel starts the interpreter of a script's first line under the script's name.
aws_is() {
	client_is aws 'the AWS CLI' comm=aws exe=$PYTHON script=/usr/bin/aws \
		name="$(basename "$(realpath $PYTHON)") /usr/bin/aws" client="aws-cli/$(of "$AWS")" needs=1.16.289 "$@"
}

# The version in the first product of a User-Agent.
of() {
	local first=${1%% *}
	echo "${first#*/}"
}

watch optional
for script in urllib_get urllib3_get requests_get requests_token; do
	runs client-python $script
done
runs client-boto2 boto2_metadata
sdks_run
seen

v1=(pattern=v1-only advice=send-token says='ask for a token;To paste;urlopen')
v2=(pattern=v2-only advice=none)
two=('v1 GET /latest/meta-data/instance-id' 'v1 GET /latest/meta-data/placement/region')
python_is urllib_get 'urllib' "${v1[@]}" client="$URLLIB" agent="$URLLIB" "${two[@]}"
python_is urllib3_get 'urllib3' "${v1[@]}" client="$URLLIB3" agent="$URLLIB3" "${two[@]}"
python_is requests_get 'requests' "${v1[@]}" client="$REQUESTS" agent="$REQUESTS" "${two[@]}"
python_is requests_token 'requests, one connection, with a token' "${v2[@]}" client="$REQUESTS" agent="$REQUESTS" \
	'token PUT /latest/api/token' 'v2 GET /latest/meta-data/instance-id' \
	'v2 GET /latest/dynamic/instance-identity/document'
python_is boto2_metadata 'boto 2' "${v1[@]}" client="$URLLIB" agent="$URLLIB" \
	'v1 GET /latest/meta-data/' 'v1 GET /latest/meta-data/instance-id' \
	"v1 GET $role" "v1 GET ${role}imdstrace-demo-role"
credentials=('token PUT /latest/api/token' "v2 GET $role" "v2 GET ${role}imdstrace-demo-role")
boto3_is "${v2[@]}" agent="$BOTO3" "${credentials[@]}"
botocore_is "${v2[@]}" agent="$BOTOCORE" "${credentials[@]}"
aws_is "${v2[@]}" agent="$AWS*" "${credentials[@]}" \
	'token PUT /latest/api/token' 'v2 GET /latest/meta-data/placement/availability-zone/'

# A hop limit that is too low, and a proxy in between: each falls back.
credentials=('token PUT /latest/api/token' "v1 GET $role" "v1 GET ${role}imdstrace-demo-role")
for each in put-dropped put-refused; do
	watch $each
	sdks_run
	seen
	fallback=(pattern=fallback advice="${fallback_advice[$each]}" never='To paste')
	boto3_is "${fallback[@]}" agent="$BOTO3" "${credentials[@]}"
	botocore_is "${fallback[@]}" agent="$BOTOCORE" "${credentials[@]}"
	aws_is "${fallback[@]}" agent="$AWS*" "${credentials[@]}" \
		'token PUT /latest/api/token' 'v1 GET /latest/meta-data/placement/availability-zone/'
done

finish
