#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Requests a second that nginx answers over lo, in a network namespace of its own, with a tracer on
# the machine and without, in turns: ROUNDS (7) pairs of a second each, and the medians. The server
# stays on one processor and its clients on another. Comes in: $IMDSTRACE.
set -eu
rounds=${ROUNDS:-7}

if [ "${1-}" != inside ]; then
	exec unshare --net "$0" inside
fi
# shellcheck source=tests/bench/lib.sh
. "$(dirname "$0")/lib.sh"
trap 'stop_beside; [ ! -e "$work/pid" ] || kill "$(cat "$work/pid")"; rm -rf "$work"' EXIT

ip link set lo up
cat >"$work/nginx.conf" <<-CONF
	pid $work/pid;
	worker_processes 1;
	events { worker_connections 256; }
	http {
	    access_log off;
	    server { listen 127.0.0.1:8080; location / { return 200 "ok\n"; } }
	}
CONF
taskset -c "$(cpu last)" nginx -p "$work" -e "$work/error" -c "$work/nginx.conf"

# requests_a_second CONNECTIONS
requests_a_second() {
	taskset -c "$(cpu first)" wrk -t 1 -c "$1" -d 1s http://127.0.0.1:8080/ | sed -n 's|^Requests/sec: *||p'
}

# pair CONNECTIONS ROUND: "WITHOUT WITH", each first in its turn.
pair() {
	local without='' with
	[ $(($2 % 2)) = 0 ] || without=$(requests_a_second "$1")
	beside "$IMDSTRACE" trace -q
	with=$(requests_a_second "$1")
	stop_beside
	[ -n "$without" ] || without=$(requests_a_second "$1")
	echo "$without $with"
}

printf '%-39s %12s %12s %7s\n' "requests a second that nginx answers" without with ratio
# The single quotes are awk's.
# shellcheck disable=SC2016
for connections in 1 32; do
	for round in $(seq "$rounds"); do
		pair $connections "$round"
	done >"$work/pairs"
	name="to $connections connections, kept open"
	[ $connections != 1 ] || name="to a connection, kept open"
	printf '%-39s %12.0f %12.0f %7.3f\n' "$name" "$(median '$1' "$work/pairs")" \
		"$(median '$2' "$work/pairs")" "$(median '$2 / $1' "$work/pairs")"
done
