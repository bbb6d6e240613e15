#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Programs of Debian's own cloud images: ec2metadata, and what cloud-init asks at boot. cloud-init is
# unpacked and not installed, because it would configure this machine at the next boot.
set -u
# shellcheck source=tests/clients/lib.sh
. "$(dirname "$0")/lib.sh"

PYTHON=/usr/bin/python3
unpacked=$cache/cloud-init
packages=$unpacked/usr/lib/python3/dist-packages

absent[cloud-init]=
if ! have debian client-cloud-init; then
	absent[cloud-init]=${absent[debian]:-${absent[client-cloud-init]-}}
elif [ ! -d "$packages/cloudinit" ] &&
	! "$clients/../../dist/debian.sh" unpack - "$(dpkg --print-architecture)" "$unpacked" cloud-init >"$work/unpack" 2>&1; then
	absent[cloud-init]=$(tail -n 1 "$work/unpack")
fi
VERSION=$(PYTHONPATH=$packages version $PYTHON -c 'from cloudinit import version as v; print(v.version_string())')
REQUESTS=python-requests/$(version $PYTHON -c 'import requests; print(requests.__version__)')
URLLIB=$(version $PYTHON -c 'import urllib.request as u; print("Python-urllib/" + u.__version__)')

watch optional
calls ec2metadata client-ec2metadata /usr/bin/ec2metadata --instance-id
calls crawl cloud-init PYTHONPATH="$packages" PYTHONDONTWRITEBYTECODE=1 $PYTHON "$clients/cloud-init/crawl.py"
seen

client_is ec2metadata 'ec2metadata' comm=ec2metadata exe=$PYTHON script=/usr/bin/ec2metadata \
	name="$(basename "$(realpath $PYTHON)") /usr/bin/ec2metadata" pattern=v2-only advice=none client="$URLLIB" \
	agent="$URLLIB" 'token PUT /latest/api/token' 'v2 GET /2009-04-04/meta-data/instance-id'

# It says what it is until it has found the service, and then only that it uses requests.
rows=()
for item in user-data meta-data/ meta-data/iam/ meta-data/iam/info meta-data/network/ meta-data/network/interfaces/ \
	meta-data/network/interfaces/macs/{,0e:49:61:0f:c3:11/{,device-number,local-ipv4s,mac}} \
	meta-data/placement/{,availability-zone,region} meta-data/services/{,domain,partition} \
	meta-data/{ami-id,hostname,instance-id,instance-type,local-hostname,local-ipv4,mac,reservation-id,security-groups} \
	dynamic/instance-identity{,/document}; do
	rows+=("v2 GET /2021-03-23/$item")
done
client_is crawl 'cloud-init' comm=python3 exe=$PYTHON script="$clients/cloud-init/crawl.py" \
	name="python3 $clients/cloud-init/crawl.py" pattern=v2-only advice=none client="cloud-init/$VERSION" needs=19.4 \
	agent="Cloud-Init/$VERSION" 'token PUT /latest/api/token' 'v2 GET /2021-03-23/meta-data/instance-id' \
	agent="$REQUESTS" "${rows[@]}"

finish
