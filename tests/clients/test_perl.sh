#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Perl: LWP, and HTTP::Tiny, which every perl has.
set -u
# shellcheck source=tests/clients/lib.sh
. "$(dirname "$0")/lib.sh"

PERL=/usr/bin/perl
need client-perl
LWP=libwww-perl/$(version $PERL -MLWP -e 'print LWP->VERSION')
TINY=HTTP-Tiny/$(version $PERL -MHTTP::Tiny -e 'print HTTP::Tiny->VERSION')

perl_is() {
	client_is "$1" "$2" comm=perl exe=$PERL script="$clients/perl/$1.pl" name="perl $clients/perl/$1.pl" "${@:3}"
}

watch optional
for script in lwp lwp_token tiny; do
	calls $script client-perl $PERL "$clients/perl/$script.pl"
done
seen

perl_is lwp 'LWP' pattern=v1-only advice=send-token client="$LWP" agent="$LWP" \
	'v1 GET /latest/meta-data/instance-id' 'v1 GET /latest/meta-data/placement/region'
perl_is lwp_token 'LWP, one connection, with a token' pattern=v2-only advice=none client="$LWP" agent="$LWP" \
	'token PUT /latest/api/token' 'v2 GET /latest/meta-data/ami-id'
perl_is tiny 'HTTP::Tiny' pattern=v1-only advice=send-token client="$TINY" agent="$TINY" \
	'v1 GET /latest/meta-data/ami-id'

finish
