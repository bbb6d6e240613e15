#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# A proxy in between, for real: iptables redirects what an application sends to the endpoint to a
# proxy's port, and the proxy calls the endpoint itself, as the sidecar of a mesh and kube2iam do. One
# call is sent twice then, and arrives once.
#
# What stands in single quotes is for jq, or expanded where it runs.
# shellcheck disable=SC2016
set -u
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
need_private_mounts

CALLS=5
PROXY_GROUP=4242 # whose calls are not redirected
PYTHON=$(realpath /usr/bin/python3)
path=/latest/meta-data/instance-id
pod_uid=5d1c2d3e-4b5a-6978-8796-$(printf %012d $$)
export PATIENCE CALLS PROXY_GROUP PYTHON path pod_uid

# Forwards each request, refuses token requests if it has to, and says when it listens.
cat >"$work/proxy.py" <<'PYTHON'
import http.client, http.server, sys
class Proxy(http.server.BaseHTTPRequestHandler):
    def forward(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if self.command == "PUT" and sys.argv[2] == "refuse":
            status, answer = 403, b""
        else:
            headers = {k: v for k, v in self.headers.items() if k.lower().startswith("x-aws-") or k == "User-Agent"}
            service = http.client.HTTPConnection("169.254.169.254", timeout=5)
            service.request(self.command, self.path, body=body or None, headers=headers)
            got = service.getresponse()
            status, answer = got.status, got.read()
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)
    do_GET = do_PUT = forward
    def log_message(self, *arguments):
        pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Proxy)
open(sys.argv[3], "w").close()
server.serve_forever()
PYTHON
cat >"$work/application.py" <<'PYTHON'
import http.client, os
for _ in range(int(os.environ["CALLS"])):
    if os.environ.get("TOKENS"):
        service = http.client.HTTPConnection("169.254.169.254", timeout=5)
        service.request("PUT", "/latest/api/token", headers={"X-aws-ec2-metadata-token-ttl-seconds": "60"})
        service.getresponse().read()
    service = http.client.HTTPConnection("169.254.169.254", timeout=5)
    service.request("GET", os.environ["path"])
    assert service.getresponse().status == 200
PYTHON
chmod 644 "$work"/*.py

# in_pod NUMBER COMMAND...: in the cgroup of a container of the pod; nowhere of it for "-".
in_pod() {
	local cgroup
	if [ "$1" != - ]; then
		cgroup=$work/unified/kubepods/besteffort/pod$pod_uid/$(printf '%064d' "$1$$")
		mkdir -p "$cgroup" && echo "$cgroup" >>"$work/cgroups" || return
		[ ! -d "$work/systemd" ] || echo $BASHPID >"$work/systemd/cgroup.procs"
		echo $BASHPID >"$cgroup/cgroup.procs" || return
	fi
	shift
	exec "$@"
}

# redirected NAME PROXY PORT PROXY-CGROUP ANSWER: the application, with that proxy in between.
redirected() {
	local name=$1 proxy=$2 port=$3 where=$4 answer=$5 pid status
	mkdir -p "$work/unified"
	mount -t cgroup2 cgroup2 "$work/unified" 2>/dev/null
	if [[ $(</proc/self/cgroup) == *:name=systemd:* ]]; then
		mkdir -p "$work/systemd" && mount -t cgroup -o none,name=systemd cgroup "$work/systemd"
	fi
	iptables -t nat -A OUTPUT -d 169.254.169.254 -p tcp --dport 80 -m owner ! --gid-owner "$PROXY_GROUP" \
		-j REDIRECT --to-ports "$port" 2>"$work/$name.skip" || return 0
	mkdir -p "$work/$name" && chmod 777 "$work/$name"
	cp "$PYTHON" "$work/$name/$proxy" && cp "$PYTHON" "$work/$name/shop" || return
	(in_pod "$where" setpriv --regid "$PROXY_GROUP" --clear-groups "$work/$name/$proxy" "$work/proxy.py" \
		"$port" "$answer" "$work/$name/listens") 2>"$work/$name.skip" &
	pid=$!
	until_so test -e "$work/$name/listens" -o ! -d /proc/$pid
	if [ ! -e "$work/$name/listens" ]; then
		return 0
	fi
	: >"$work/$name.skip"
	(in_pod 1 "$work/$name/shop" "$work/application.py") >"$work/$name.said" 2>&1
	status=$?
	kill $pid
	wait $pid 2>/dev/null
	while read -r cgroup; do
		rmdir "$cgroup"
	done <"$work/cgroups"
	rmdir "$work/unified/kubepods/besteffort/pod$pod_uid" "$work/unified/kubepods/besteffort" "$work/unified/kubepods" 2>/dev/null
	rm "$work/cgroups"
	return $status
}
export -f in_pod redirected until_so

# traced NAME PROXY PORT PROXY-CGROUP ANSWER
traced() {
	trace "$1" --all --json --output "$work/$1.json"
	need_traces "$1"
	received=$work/$1.received
	serve optional unshare --mount --propagation private bash -c 'redirected "$@"' redirected "$@"
	echo $? >"$work/$1.status"
	stop "$1"
	"$IMDSTRACE" report --format json "$work/$1.json" >"$work/$1.report"
	"$IMDSTRACE" report "$work/$1.json" >"$work/$1.text"
	"$IMDSTRACE" report --format emf "$work/$1.json" >"$work/$1.emf"
}

# What CloudWatch would have counted: what arrived.
arrived() {
	equal "$1" "$CALLS" "$(grep -ac "GET $path" "$work/$1.received")"
}
# Metrics that CloudWatch gets beside its own.
counted_once() {
	jq -s '[.[] | .MetadataNoToken // empty] | add' "$work/$1.emf" >"$work/$1.sum"
	equal "$1" "$CALLS" "$(cat "$work/$1.sum")"
}

traced sidecar envoy 15001 2 forward
if [ -s "$work/sidecar.skip" ]; then
	skip 'a sidecar: its application is told' "no redirect, or no such cgroup, can be made here: $(head -n 1 "$work/sidecar.skip")"
else
	check 'a sidecar: each call of the application arrives once' all 'equal status 0 "$(cat "$work/sidecar.status")"' 'arrived sidecar'
	check 'a sidecar: the application called v1 through it, and is what has to change' holds "$work/sidecar.report" '
		[.callers[] | select(.exe | endswith("/shop"))] | length == 1 and (.[0]
			| .calls.v1 == (env.CALLS | tonumber) and (.through | startswith("envoy")) and .advice == "send-token"
			and (.advice_text | contains("Its calls go through envoy")))'
	check 'a sidecar: it is told as one, with whose calls it forwards' holds "$work/sidecar.report" '
		[.callers[] | select(.exe | endswith("/envoy"))] | length == 1 and (.[0]
			| .forwarded == (env.CALLS | tonumber) and (.forwards | length == 1 and (.[0] | startswith("shop")))
			and .advice == "investigate" and (.advice_text | contains("shop")) and (.advice_text | contains("Upgrade") | not))'
	check 'a sidecar: nothing is unknown, and it is said how many calls were made twice' holds "$work/sidecar.report" '
		.totals.unknown == 0 and .totals.v1 == 2 * (env.CALLS | tonumber) and .forwarded_v1 == (env.CALLS | tonumber)'
	check 'a sidecar: what is compared with CloudWatch counts a call once' counted_once sidecar
fi

TOKENS=1 traced agent kube2iam 8181 - refuse
if [ -s "$work/agent.skip" ]; then
	skip 'kube2iam: its pod is told' "no redirect, or no such cgroup, can be made here: $(head -n 1 "$work/agent.skip")"
else
	check 'kube2iam: each call of the pod arrives once' all 'equal status 0 "$(cat "$work/agent.status")"' 'arrived agent'
	check 'kube2iam: the pod falls back, refused, and is not told to do without' holds "$work/agent.report" '
		[.callers[] | select(.exe | endswith("/shop"))] | length == 1 and (.[0]
			| .pattern == "fallback" and .fallback_cause == "refused" and (.through | startswith("kube2iam"))
			and (.advice_text | contains("V1_DISABLED") or contains("hop limit") | not))'
	check 'kube2iam: it is told as one, with whose calls it forwards' holds "$work/agent.report" '
		[.callers[] | select(.exe | endswith("/kube2iam"))] | length == 1 and (.[0]
			| .forwarded == (env.CALLS | tonumber) and (.forwards[0] | startswith("shop"))
			and (.advice_text | contains("0.12.0")))'
	check 'kube2iam: what is compared with CloudWatch counts a call once' counted_once agent
fi

finish
