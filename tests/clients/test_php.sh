#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# PHP: its streams and its curl. Neither says what it is.
set -u
# shellcheck source=tests/clients/lib.sh
. "$(dirname "$0")/lib.sh"

PHP=/usr/bin/php
need client-php

php_is() {
	client_is "$1" "$2" comm=php exe=$PHP script="$clients/php/$1.php" name="php $clients/php/$1.php" "${@:3}"
}

watch optional
for script in streams curl_token; do
	calls $script client-php $PHP "$clients/php/$script.php"
done
seen

php_is streams 'file_get_contents' pattern=v1-only advice=send-token \
	'v1 GET /latest/meta-data/instance-id' 'v1 GET /latest/meta-data/placement/region'
php_is curl_token 'curl in PHP, with a token' pattern=v2-only advice=none \
	'token PUT /latest/api/token' 'v2 GET /latest/meta-data/ami-id'

finish
