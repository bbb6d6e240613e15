#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What people are told about software at the path where it lives, through real processes: each row
# is a program, its network and what it sends; who is told, with which pattern, cause and advice,
# and the words that must stand there or must not. Those named OWNER/REPOSITORY#NUMBER are public
# reports of somebody whose software still called IMDSv1, or failed once tokens were required.
#
# What stands in single quotes is for jq, or expanded where it runs.
# shellcheck disable=SC2016,SC2089,SC2090
set -u
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
need_private_mounts

report=$work/report.json
BASH_EXE=$(realpath /proc/$$/exe)
PYTHON=$(realpath /usr/bin/python3)
export BASH_EXE PYTHON
id=/latest/meta-data/instance-id
role=/latest/meta-data/iam/security-credentials/
document=/latest/dynamic/instance-identity/document
pod_uid=5d1c2d3e-4b5a-6978-8796-$(printf %012d $$)

# Each row: name | the service's mode | network | program | what it sends | pattern | cause | advice |
# words that stand in it | words that do not.
#
# What is sent: METHOD PATH, and an HTTP header behind each "~"; "^" parts requests, ";" words.
#
# network: own; host (the connection comes from the private network, the process does not); docker N
# or pod, in the cgroup of one. A program is an executable at that path; python3 PATH is a script of
# it, sh PATH a script that runs curl.
rows="
rclone's probe|optional|own|/usr/bin/rclone|GET / ~User-Agent: gcloud-golang/0.1|foreign-only|-|none|Nothing has to change|Upgrade;IMDSv1
Metricbeat's probe|required|own|/usr/share/metricbeat/bin/metricbeat|GET /hetzner/v1/metadata/instance-id ~User-Agent: Go-http-client/1.1|foreign-only|-|configure|Hetzner;providers: [aws]|Upgrade
the SSM agent|optional|own|/usr/bin/amazon-ssm-agent|GET $id ~User-Agent: aws-sdk-go/1.12.20 (go1.12; linux; amd64)|v1-only|-|upgrade-program|the SSM agent to 3.2.1041.0;3.0.413.0|aws-sdk-go
Docker|optional|own|/usr/bin/dockerd|GET $role ~User-Agent: aws-sdk-go/1.12.66 (go1.8.3; linux; amd64)|v1-only|-|upgrade-program|Docker to 20.10.0 or 19.03.14|aws-sdk-go
behind kube2iam or kiam|put-refused|pod|/opt/app/server|PUT^GET $role|fallback|refused|investigate|kube2iam before 0.12.0;kiam before 4.0|V1_DISABLED;hop limit
a container in the host's network|put-dropped|host 71|/opt/app/agent|PUT^GET $role|fallback|no-answer|investigate|get no answer;new node|hop limit
a cloud detector|optional|own|/opt/orders/orders|GET $id^GET /metadata/instance/compute/vmId?api-version=2021-02-01 ~Metadata: true^GET /computeMetadata/v1/instance/hostname ~Metadata-Flavor: Google|v1-only|-|investigate|cloud detector;Azure;Google;harmless|Upgrade
a token that is refused|optional|own|/opt/stale/stale|GET $id ~X-aws-ec2-metadata-token: old^GET $role ~X-aws-ec2-metadata-token: old^GET $id ~X-aws-ec2-metadata-token: old|v2-only|-|investigate|its token is refused;401|Nothing has to change
a hop limit of 1|put-dropped|docker 72|/opt/app/worker|PUT ~User-Agent: Boto3/1.34.131 Botocore/1.34.131^GET $role ~User-Agent: Boto3/1.34.131 Botocore/1.34.131|fallback|no-answer|raise-hop-limit|--http-put-response-hop-limit 2|Upgrade
an unknown program with an old SDK|optional|own|/opt/acme/acmed|GET $role ~User-Agent: aws-sdk-go/1.20.0 (go1.12; linux; amd64)|v1-only|-|upgrade-program|a version of acmed that is built with aws-sdk-go 1.25.38 or later|Upgrade aws-sdk-go
an unknown User-Agent|optional|own|/opt/acme/reporter|GET $id ~User-Agent: acme-agent/2.3 (linux)|v1-only|-|send-token|calls itself acme-agent 2.3|To paste
an SDK that is newer than IMDSv2|optional|own|/opt/acme/uploader|GET $role ~User-Agent: aws-sdk-go/1.51.0 (go1.21; linux; amd64)|v1-only|-|investigate|never asks for a token although its version could|Upgrade
a script that runs curl|optional|own|sh /etc/cron.daily/tag-volumes|GET $id|v1-only|-|send-token|/etc/cron.daily/tag-volumes;TOKEN=\$(curl -sf -X PUT|update curl;update it
a script of Python|optional|own|python3 /opt/etl/load.py|GET $document|v1-only|-|send-token|/opt/etl/load.py;urlopen;dynamic/instance-identity/document|update it
goofys|optional|own|/usr/local/bin/goofys|GET $role ~User-Agent: aws-sdk-go/1.12.0 (go1.9; linux; amd64)|v1-only|-|upgrade-program|no release supports IMDSv2;move to|aws-sdk-go
the Datadog agent|optional|own|/opt/datadog-agent/bin/agent/agent|GET $id ~User-Agent: Go-http-client/1.1|v1-only|-|upgrade-program|the Datadog agent to 7.64.0;ec2_prefer_imdsv2|Go-http-client
nginx alone|optional|own|/usr/sbin/nginx|GET $role|v1-only|-|investigate|nginx;forwards what others send|Upgrade;CloudWatch counts;instead
jcberquist/aws-cfml#92|required|own|/opt/coldfusion/coldfusion|GET $role ~User-Agent: ColdFusion|v1-only|-|send-token|calls itself ColdFusion|Upgrade
MayaraCloud/apt-transport-s3#53|required|own|python3 /opt/apt/methods/s3|GET $role ~User-Agent: Python-urllib/3.8|v1-only|-|send-token|/opt/apt/methods/s3;urlopen|update it
rabbitmq/rabbitmq-server#2530|optional|own|/opt/rabbitmq/erts-11.0/bin/beam.smp|GET $id ~te: ~User-Agent: httpc|v1-only|-|send-token|Make beam.smp|hop limit
mondain/jets3t#21|required|own|/opt/jets3t/synchronize|GET $role ~User-Agent: Jakarta Commons-HttpClient/3.1|v1-only|-|send-token|Make synchronize|Upgrade aws
kubernetes-sigs/aws-load-balancer-controller#3321|put-dropped|pod|/usr/local/bin/controller|PUT ~User-Agent: aws-sdk-go/1.44.184 (go1.19.10; linux; amd64)^GET $role ~User-Agent: aws-sdk-go/1.44.184 (go1.19.10; linux; amd64)|fallback|no-answer|raise-hop-limit|--http-put-response-hop-limit 2|Upgrade;Find out
pytorch/test-infra#5865|put-dropped|docker 73|/usr/local/bin/sccache|PUT ~User-Agent: aws-sdk-rust/0.55.3 os/linux lang/rust^GET $role ~User-Agent: aws-sdk-rust/0.55.3 os/linux lang/rust|fallback|no-answer|raise-hop-limit|hop-limit 2;3 where|Upgrade
kubernetes-sigs/aws-ebs-csi-driver#2966|put-dropped|pod|/usr/bin/aws-ebs-csi-driver|PUT ~User-Agent: aws-sdk-go-v2/1.36.0 os/linux lang/go#1.23 ft/ec2-imds|v2-only|-|raise-hop-limit|3 where|Upgrade;Nothing has to change
aws-samples/aws-codedeploy-samples#95|required|own|sh /opt/codedeploy-agent/deployment-root/1f0c/d-ABCDEF123/deployment-archive/common_functions.sh|GET $id|v1-only|-|send-token|common_functions.sh;TOKEN=\$(curl|update it
brendanhay/amazonka#745|required|own|/opt/app/shop-exe|GET $role|v1-only|-|send-token|Make shop-exe|Upgrade
jquatier/eureka-js-client#161|optional|own|/opt/eureka/eureka-client|GET /latest/meta-data/public-hostname^GET /latest/meta-data/public-ipv4^GET $id|v1-only|-|send-token|Make eureka-client|Upgrade
AndrewGuenther/fck-nat#24|required|own|sh /opt/fck-nat/fck-nat.sh|GET /latest/meta-data/mac|v1-only|-|send-token|fck-nat.sh;meta-data/mac|update curl
signalfx/signalfx-agent#2058|required|docker 74|python3 /opt/collectd-python/signalfx/signalfx_metadata.py|GET $document ~User-Agent: Python-urllib/2.7|v1-only|-|send-token|signalfx_metadata.py;instance-identity/document|update it
JuliaCloud/AWS.jl#654|put-dropped|docker 75|/opt/julia/bin/julia|PUT ~User-Agent: HTTP.jl/1.9.1|v2-only|-|raise-hop-limit|hop-limit 2|Upgrade;Nothing has to change
awslabs/collectd-cloudwatch#96|put-dropped|docker 76|/opt/collectd/sbin/collectd|PUT ~User-Agent: python-requests/2.25.0^GET $role ~User-Agent: python-requests/2.25.0|fallback|no-answer|raise-hop-limit|hop-limit 2|Upgrade
rancher/rancher#49512|required|docker 77|sh /opt/rancher/run.sh|GET /latest/meta-data/local-ipv4|v1-only|-|send-token|/opt/rancher/run.sh;meta-data/local-ipv4|update curl
papertrail/remote_syslog2#248|required|own|/usr/local/bin/wget|GET $id ~User-Agent: Wget/1.20.3 (linux-gnu)|v1-only|-|send-token|TOKEN=\$(wget|update it
aws/aws-toolkit-vscode#4367|optional|own|/opt/toolkit/node|PUT ~User-Agent: aws-sdk-nodejs/2.1384.0 linux/v16.20.0^GET $role ~X-aws-ec2-metadata-token: t ~User-Agent: aws-sdk-nodejs/2.1384.0 linux/v16.20.0^GET $id ~User-Agent: aws-sdk-nodejs/2.1384.0 linux/v16.20.0|mixed|-|investigate|GET $id;AWS.MetadataService.request|Upgrade;older function
hashicorp/nomad#6744|required|own|/usr/local/bin/nomad|GET /latest/meta-data/ami-id ~User-Agent: Go-http-client/1.1|v1-only|-|send-token|Make nomad;update it to a version that does|Go-http-client 1.1
chef/ohai#1610|required|own|python3 /opt/chef/bin/chef-client|GET /latest/meta-data/ ~User-Agent: Ruby|v1-only|-|upgrade-program|Upgrade Ohai (Chef) to 17.0.42 or 16.10.1|To paste
dump247/ec2metaproxy#10|put-refused|docker 78|/opt/app/shop|PUT ~User-Agent: Boto3/1.26.0 Python/3.9 Botocore/1.29.0^GET $role ~User-Agent: Boto3/1.26.0 Python/3.9 Botocore/1.29.0|fallback|refused|disable-fallback|a proxy that adds X-Forwarded-For|hop limit
aws/amazon-ssm-agent#319|optional|own|/opt/ssm/amazon-ssm-agent|GET $id ~User-Agent: aws-sdk-go/1.29.24 (go1.13.7; linux; amd64)^PUT^GET $id ~X-aws-ec2-metadata-token: t|mixed|-|upgrade-program|the SSM agent to 3.2.1041.0|aws-sdk-go
aws/aws-codedeploy-agent#269|required|own|python3 /opt/codedeploy-agent/bin/codedeploy-agent|GET $document ~User-Agent: Ruby|v1-only|-|upgrade-program|Upgrade the CodeDeploy agent to 1.2.0|To paste
fluent/fluent-plugin-s3#381|required|own|python3 /opt/td-agent/bin/fluentd|GET $id ~User-Agent: Ruby|v1-only|-|send-token|/opt/td-agent/bin/fluentd;ask for a token|Upgrade
kelseyhightower/confd#857|required|own|/usr/local/bin/confd|GET $role ~User-Agent: aws-sdk-go/1.13.49 (go1.10.2; linux; amd64)|v1-only|-|upgrade-program|a version of confd that is built with aws-sdk-go 1.25.38 or later|Upgrade aws-sdk-go
awslabs/amazon-ecr-credential-helper#215|required|own|/usr/local/bin/docker-credential-ecr-login|GET $role ~User-Agent: aws-sdk-go/1.25.11 (go1.12; linux; amd64)|v1-only|-|upgrade-program|a version of docker-credential-ecr-login that is built with aws-sdk-go 1.25.38|Upgrade aws-sdk-go
eksctl-io/eksctl#1979|put-dropped|docker 86|/usr/local/bin/eksctl|PUT ~User-Agent: aws-sdk-go/1.29.9 (go1.13.8; linux; amd64)^GET $role ~User-Agent: aws-sdk-go/1.29.9 (go1.13.8; linux; amd64)|fallback|no-answer|raise-hop-limit|hop-limit 2|Upgrade
wazuh/wazuh#22218|put-dropped|docker 87|/opt/ossec/framework/python/bin/python3|PUT ~User-Agent: Boto3/1.17.85 Python/3.9.9 Botocore/1.20.112^GET $role ~User-Agent: Boto3/1.17.85 Python/3.9.9 Botocore/1.20.112|fallback|no-answer|raise-hop-limit|hop-limit 2|Upgrade
awslabs/aws-sdk-rust#760|put-dropped|pod|/usr/local/bin/orders-rs|PUT ~User-Agent: aws-sdk-rust/0.54.1 os/linux lang/rust|v2-only|-|raise-hop-limit|hop-limit 2|Upgrade;Nothing has to change
vinyldns/vinyldns#1301|optional|own|/opt/vinyldns/jre/bin/java|GET $role ~User-Agent: aws-sdk-java/1.11.423 Linux/4.14 OpenJDK_64-Bit_Server_VM|v1-only|-|upgrade-client|aws-sdk-java;1.11.678|hop limit
aws/amazon-codeguru-profiler-python-agent#47|required|own|/opt/profiler/agent|GET /latest/api/token ~X-aws-ec2-metadata-token-ttl-seconds: 21600|v2-only|-|send-token|ask for its token with PUT;with GET|Nothing has to change;uses IMDSv2
jamesmoriarty/cfn-cheapest-nat#15|required|own|sh /opt/cloud/instances/i-0123456789abcdef0/scripts/part-001|GET $id|v1-only|-|send-token|scripts/part-001;TOKEN=\$(curl|update curl
cloudyr/aws.ec2metadata#13|required|own|/opt/R/lib/R/bin/exec/R|GET $role ~User-Agent: libcurl/7.64.1 r-curl/4.3 httr/1.4.2|v1-only|-|send-token|libcurl 7.64.1|Upgrade
"
# Name | network | program, of jobs that ran twice. docker N IMAGE: the container's image is known.
twice="
Ansible's first run|own|python3 /opt/deploy/.ansible/tmp/ansible-tmp-1700000000.12-345-6789/AnsiballZ_facts.py
Ansible's second run|own|python3 /opt/deploy/.ansible/tmp/ansible-tmp-1700009999.34-678-9012/AnsiballZ_facts.py
the first container|docker 81|/opt/brief/brief
the second container|docker 82|/opt/brief/brief
the first run of an image|docker 83 registry.example:5000/shop/etl:1.2|/opt/shared/server
the second run of that image|docker 84 registry.example:5000/shop/etl:1.3|/opt/shared/server
a run of another image|docker 85 registry.example:5000/shop/billing:1.2|/opt/shared/server
"
export rows twice id pod_uid

# --- Programs ----------------------------------------------------------------------------------

# send METHOD [PATH] [~HEADER]...: one request on a connection of its own, and the answer's first
# line. Runs in a copy of bash, in the program's place.
sender='send() {
	local IFS="~" method path request status
	set -- $1
	method=${1%% *} path=${1#* }
	path=${path%% }
	[ "$method" != PUT ] || path=/latest/api/token
	request="$method ${path% } HTTP/1.1\r\nHost: 169.254.169.254\r\nConnection: close\r\n"
	[ "$method" != PUT ] || request+="X-aws-ec2-metadata-token-ttl-seconds: 21600\r\nContent-Length: 0\r\n"
	shift
	for header; do
		request+="${header% }\r\n"
	done
	printf "$request\r\n" >&3
	read -r -t 1 -u 3 status
}
IFS="^"
for request in $WHAT; do
	if [ -n "$CONNECTED" ]; then
		exec 3<&"$CONNECTED"
		CONNECTED=$((CONNECTED + 1))
	else
		exec 3<>/dev/tcp/169.254.169.254/80
	fi
	send "$request"
done
exit 0'
export sender

# The clients of the interpreters: a script for curl, and one for python3.
script_of() {
	local path agent
	path=${2#* } path=${path%%~*} path=${path% }
	agent=${2#*User-Agent: }
	[ "$agent" != "$2" ] || agent=
	if [ "$1" = sh ]; then
		printf '#!/bin/bash\ncurl -s -m 2 %s%s\nread -r -t 1 <>/dev/ptmx\nexit 0\n' "$endpoint" "$path"
	else
		printf 'import http.client\nc = http.client.HTTPConnection("169.254.169.254", timeout=2)\n'
		printf 'c.request("GET", "%s", headers={"User-Agent": "%s"} if "%s" else {})\nc.getresponse().read()\n' \
			"$path" "$agent" "$agent"
	fi
}

# Where programs stand that live elsewhere on this machine, or not at all, in this mount namespace.
lay_out() {
	local each directory
	mkdir -p "$work/bin"
	cp -L "$(command -v bash)" "$(command -v curl)" "$(command -v nsenter)" "$(command -v cat)" "$(command -v mkdir)" \
		"$(command -v cp)" "$(command -v dirname)" "$(command -v basename)" "$(command -v umount)" "$PYTHON" "$work/bin/" || return
	for directory in /opt /usr/share /usr/local/bin /usr/sbin /etc/cron.daily; do
		[ -d "$directory" ] && mount -t tmpfs -o mode=755 tmpfs "$directory" || return
	done
}

# Each program calls below a shell of the test, in the cgroup that its row names.
enter_cgroup() {
	local path id
	id=$(printf '%064d' "$2$$")
	if [ -n "$3" ]; then
		mkdir -p "$work/docker/$id"
		printf '{"Name":"/brave_turing","Config":{"Image":"%s","Labels":{}}}' "$3" >"$work/docker/$id/config.v2.json"
	fi
	case $1 in
	docker | host) path=/docker/$id ;;
	pod) path=/kubepods/besteffort/pod$pod_uid/$(printf '%064d' "9$$") ;;
	*) return 0 ;;
	esac
	mkdir -p "$work/unified$path" && echo "$path" >>"$work/cgroups" || return
	[ ! -d "$work/systemd" ] || echo $BASHPID >"$work/systemd/cgroup.procs"
	echo $BASHPID >"$work/unified$path/cgroup.procs"
}

call() {
	local kind=${4%% *} path=${4##* } CONNECTED='' WHAT=$5 network number image
	read -r network number image <<<"$3"
	export CONNECTED WHAT
	enter_cgroup "$network" "$number" "$image" 2>/dev/null || return
	echo "$1" >>"$work/called"
	mkdir -p "$(dirname "$path")"
	case $kind in
	sh | python3)
		script_of "$kind" "$5" >"$path"
		[ "$kind" = sh ] && exec bash "$path"
		exec "/usr/bin/$(basename "$PYTHON")" "$path"
		;;
	esac
	cp /usr/bin/bash "$path" || return
	if [ "$network" = host ]; then
		# Two connections of the private network, which the process takes back with it.
		exec 5<>/dev/tcp/169.254.169.254/80 6<>/dev/tcp/169.254.169.254/80
		CONNECTED=5
		exec nsenter --net=/proc/self/fd/8 "$path" -c "$sender"
	fi
	# Of an image, no run has the same arguments as another.
	exec "$path" -c "$sender" ${image:+"$1"}
}

# As with docker run --rm: what names a container and its image goes soon after its process.
remove_containers() {
	[ -z "$(ls -A "$work/docker")" ] || { sleep 0.1 && rm -rf "$work/docker"/*; }
}

calls_of() {
	local name mode network program sends
	lay_out || return
	mkdir -p "$work/unified"
	mount -t cgroup2 cgroup2 "$work/unified" 2>/dev/null
	if [[ $(</proc/self/cgroup) == *:name=systemd:* ]]; then
		mkdir -p "$work/systemd" && mount -t cgroup -o none,name=systemd cgroup "$work/systemd"
	fi
	mount --bind "$work/bin" /usr/bin
	while IFS='|' read -r name mode network program sends _; do
		[ "$mode" = "$1" ] || continue
		(call "$name" "$mode" "$network" "$program" "$sends") >>"$work/said" 2>&1
		remove_containers
	done <<<"$rows"
	[ "$1" != optional ] || while IFS='|' read -r name network program; do
		[ -z "$name" ] || (call "$name" optional "$network" "$program" "GET $id") >>"$work/said" 2>&1
		remove_containers
	done <<<"$twice"
	umount --lazy /usr/bin
	[ ! -e "$work/cgroups" ] || while read -r path; do
		rmdir "$work/unified$path" 2>/dev/null
	done <"$work/cgroups"
	rm -f "$work/cgroups"
	# Others' are not empty.
	for path in "kubepods/besteffort/pod$pod_uid" kubepods/besteffort kubepods docker; do
		rmdir "$work/unified/$path" 2>/dev/null
	done
	:
}
export -f script_of lay_out enter_cgroup call remove_containers calls_of

# --- The trace ---------------------------------------------------------------------------------

# It finds docker's files where dockerd writes them.
mkdir -p "$work/docker"
cat >"$work/traced" <<EOF
#!/bin/sh
export work='$work' tool='$(realpath "$IMDSTRACE")'
exec unshare --mount --propagation private sh -c '
	mount -t tmpfs tmpfs /var/lib && mkdir -p /var/lib/docker/containers &&
		mount --bind "\$work/docker" /var/lib/docker/containers && exec "\$tool" "\$@"' sh "\$@"
EOF
chmod +x "$work/traced"

exec 8</proc/self/ns/net
IMDSTRACE=$work/traced trace field --all --json --output "$report"
need_traces field
for mode in optional required put-refused put-dropped; do
	serve "$mode" unshare --mount --propagation private bash -c "calls_of $mode"
done
stop field
"$IMDSTRACE" report "$report" >"$work/summary"
"$IMDSTRACE" report --format json "$report" >"$work/whole.json"
check 'the trace ends well' ended_with field 0

started_in_first() {
	[ "$(readlink /proc/self/ns/pid)" = 'pid:[4026531836]' ] && [ /proc/self/ns/net -ef /proc/2/ns/net ]
}

# told PROGRAM PATTERN CAUSE ADVICE SAYS NEVER
told() {
	local exe=${1##* } script=null
	case $1 in
	sh\ *) script=$exe exe=curl ;;
	python3\ *) script=$exe exe=$PYTHON ;;
	esac
	jq -e --arg exe "$exe" --arg script "$script" --arg pattern "$2" --arg cause "$3" --arg advice "$4" --arg says "$5" \
		--arg never "$6" '
		[.callers[] | select(if $script == "null" then .exe == $exe
			else .script == $script or (.parent // "" | endswith($script)) end)]
		| if length != 1 then error("\(length) callers instead of one") else .[0] end
		| .advice_text as $text
		| {pattern, cause: (.fallback_cause // "-"), advice,
			missing: ($says | split(";") | map(select(. as $word | $text | contains($word) | not))),
			wrong: ($never | split(";") | map(select(. != "" and (. as $word | $text | contains($word))))), $text} as $got
		| if ($got | del(.text)) == {pattern: $pattern, cause: $cause, advice: $advice, missing: [], wrong: []} then true
			else error($got | tojson) end' "$work/whole.json"
}

while IFS='|' read -r name _ network program _ pattern cause advice says never; do
	[ -n "$name" ] || continue
	if ! grep -qsxF -- "$name" "$work/called"; then
		skip "$name" 'no such cgroup can be made here'
	elif [ "${network%% *}" = host ] && ! started_in_first; then
		skip "$name" 'this is a container with a network of its own'
	else
		check "$name" told "$program" "$pattern" "$cause" "$advice" "$says" "$never"
	fi
done <<<"$rows"

once() {
	holds "$work/whole.json" "[.callers[] | select($1)] | length == 1 and .[0].calls.v1 == 2 and (.[0] | $2)"
}
check 'a script of Ansible that ran twice, each time in a new directory, is one caller' once '.script // "" | contains("/ansible-tmp-")' '.processes == 2'
if grep -qsx 'the second container' "$work/called"; then
	check 'two short containers of one program are one caller, of 2 containers' once '.exe == "/opt/brief/brief"' '.containers == 2'
else
	skip 'two short containers of one program' 'no such cgroup can be made here'
fi
if grep -qsx 'a run of another image' "$work/called"; then
	check 'two runs of one image are one caller, whatever their arguments and versions' once '.exe == "/opt/shared/server" and
		(.container.image | test("^registry.example:5000/shop/etl:1.[23]$"))' \
		'.containers == 2 and (.advice_text | contains("in 2 docker containers of image registry.example:5000/shop/etl"))'
	check 'a run of another image is another caller, though its program is the same' holds "$work/whole.json" '
		[.callers[] | select(.exe == "/opt/shared/server" and .container.image == "registry.example:5000/shop/billing:1.2")]
		| length == 1 and .[0].calls.v1 == 1 and .[0].containers == 1'
else
	skip 'runs of images' 'no such cgroup can be made here'
fi

finish
