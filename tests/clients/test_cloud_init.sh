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
if [ -z "${absent[cloud-init]}" ]; then
	mapfile -t rows < <(sed -E 's/^([^ ]+) ([^ ]+) token .*/v2 \1 \2/' "$work/received.$mode.crawl")
	check 'optional: cloud-init: reads the whole tree' [ ${#rows[@]} -gt 20 ]
fi
client_is crawl 'cloud-init' comm=python3 exe=$PYTHON script="$clients/cloud-init/crawl.py" \
	name="python3 $clients/cloud-init/crawl.py" pattern=v2-only advice=none client="cloud-init/$VERSION" needs=19.4 \
	agent="Cloud-Init/$VERSION" 'token PUT /latest/api/token' 'v2 GET /2021-03-23/meta-data/instance-id' \
	agent="$REQUESTS" "${rows[@]:2}"

finish
