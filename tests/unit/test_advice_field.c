/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Cases from the field: programs at the paths where they live, what they send and what comes back,
 * and what a person is told. Those named OWNER/REPOSITORY#NUMBER are public reports.
 */
#include "report_fixture.h"

#include "verdict/advice.h"

#include "lib/array.h"
#include "lib/scope.h"

/* What a report holds of a caller: the counts of text, which is "CLASS OUTCOME COUNT, ...". */
static void caller__write_calls(FILE *to, const char *text)
{
	static const char *const classes[] = {"v1", "v2", "token", "foreign"};
	static const char *const outcomes[] = {"ok", "rejected", "other", "none"};
	unsigned int counts[4][4] = {0}, sums[4] = {0};

	for (const char *at = text; at; at = strchr(at + 1, ',')) {
		char cls[16], outcome[16];
		unsigned int count, i, j;

		assert_int_equal(
			sscanf(at + strspn(at, ", "), "%15s %15s %u", cls, outcome, &count), 3);
		for (i = 0; i < 4 && strcmp(cls, classes[i]) != 0; i++)
			;
		for (j = 0; j < 4 && strcmp(outcome, outcomes[j]) != 0; j++)
			;
		assert_true(i < 4 && j < 4);
		counts[i][j] = count;
		sums[i] += count;
	}
	fprintf(to, ",'calls':{'v1':%u,'v2':%u,'token':%u,'foreign':%u,'unknown':0},'outcomes':{",
		sums[0], sums[1], sums[2], sums[3]);
	for (unsigned int i = 0; i < 4; i++)
		fprintf(to, "%s'%s':{'ok':%u,'rejected':%u,'other':%u,'none':%u}", i ? "," : "",
			classes[i], counts[i][0], counts[i][1], counts[i][2], counts[i][3]);
	fputs("}", to);
}

/* The paths of text, which is "CLASS METHOD PATH; ...", each asked for once. */
static void caller__write_paths(FILE *to, const char *text)
{
	char cls[16], method[16], path[256];
	int size;

	fputs(",'paths':[", to);
	for (const char *at = text;
		sscanf(at, "%15s %15s %255[^;]%n", cls, method, path, &size) == 3;
		at += size + (at[size] == ';'))
		fprintf(to,
			"%s{'class':'%s','method':'%s','path':'%s','count':1,'first':null,'last':null}",
			at == text ? "" : ",", cls, method, path);
	fputs("]", to);
}

/* A report of one caller, of which who is the beginning. */
static struct report *report__of_caller(const char *who, const char *calls, const char *paths)
{
	_free_ char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	assert_non_null(to);
	fprintf(to, HEAD TOTALS(0, 0, 0, 0, 0, 0) ",'callers':[{%s", who);
	caller__write_calls(to, calls);
	if (paths)
		caller__write_paths(to, paths);
	fputs("}]}", to);
	assert_int_equal(fclose(to), 0);
	return report__of(text);
}

static void a_person_is_told_what_cures(void **state)
{
	static const struct {
		const char *name, *who, *calls, *paths, *pattern, *advice;
		const char *says[4], *never[3];
		const char *cause; /* of a fallback */
	} cases[] = {
		{"rclone's probe",
			"'name':'rclone','exe':'/usr/bin/rclone','network':'host','user_agents':['gcloud-golang/0.1']",
			"foreign other 1", "foreign GET /", "foreign-only", "none",
			{"Nothing has to change"}, {"Upgrade"}, NULL},
		{"metricbeat's probe",
			"'name':'metricbeat','exe':'/usr/share/metricbeat/bin/metricbeat','network':'host','user_agents':['Go-http-client/1.1']",
			"foreign other 1", "foreign GET /hetzner/v1/metadata/instance-id",
			"foreign-only", "configure", {"providers: [aws]", "Hetzner"}, {"Upgrade"},
			NULL},
		{"the SSM agent",
			"'name':'amazon-ssm-agent','exe':'/usr/bin/amazon-ssm-agent','network':'host','user_agents':['aws-sdk-go/1.12.20 (go1.12; linux; amd64)']",
			"v1 ok 5", "v1 GET /latest/meta-data/instance-id", "v1-only",
			"upgrade-program", {"Upgrade the SSM agent to 3.2.1041.0", "3.0.413.0"},
			{"aws-sdk-go"}, NULL},
		{"dockerd",
			"'name':'dockerd','exe':'/usr/bin/dockerd','network':'host','user_agents':['aws-sdk-go/1.12.66 (go1.8; linux; amd64)']",
			"v1 ok 5", "v1 GET /latest/meta-data/iam/security-credentials/", "v1-only",
			"upgrade-program", {"Upgrade Docker to 20.10.0 or 19.03.14"},
			{"aws-sdk-go"}, NULL},
		{"behind kube2iam",
			"'name':'server','exe':'/opt/app/server','network':'own','pod':{'uid':'u','name':'shop-1','namespace':'shop'},'container':{'runtime':'containerd','id':'abc','name':'app'}",
			"v1 ok 3, token other 2", NULL, "fallback", "investigate",
			{"kube2iam before 0.12.0", "kiam before 4.0", "in pod shop/shop-1"},
			{"V1_DISABLED", "hop limit"}, "refused"},
		{"a container in the host's network",
			"'name':'server','exe':'/opt/app/server','network':'host','container':{'runtime':'docker','id':'0123456789ab','name':null}",
			"v1 ok 3, token none 2", NULL, "fallback", "investigate",
			{"get no answer", "new node"}, {"hop limit"}, "no-answer"},
		{"a cloud detector", "'name':'orders','exe':'/opt/orders/orders','network':'host'",
			"v1 ok 1, foreign other 2",
			"v1 GET /latest/meta-data/instance-id; foreign GET /metadata/instance/compute/vmId; foreign GET /computeMetadata/v1/instance/hostname",
			"v1-only", "investigate", {"cloud detector", "Azure", "Google", "harmless"},
			{"Upgrade"}, NULL},
		{"a token that is refused", "'name':'x','exe':'/opt/x','network':'host'",
			"v2 rejected 3", NULL, "v2-only", "investigate",
			{"its token is refused", "401"}, {"Nothing has to change"}, NULL},
		{"known: /opt/datadog-agent/bin/agent/agent",
			"'name':'agent','exe':'/opt/datadog-agent/bin/agent/agent','network':'host'",
			"v1 ok 2", "v1 GET /latest/meta-data/iam/security-credentials/", "v1-only",
			"upgrade-program",
			{"the Datadog agent to 7.64.0 or later", "ec2_prefer_imdsv2: true"},
			{"aws-sdk-go"}, NULL},
		{"known: /usr/bin/prometheus",
			"'name':'prometheus','exe':'/usr/bin/prometheus','network':'host'",
			"v1 ok 2", "v1 GET /latest/meta-data/iam/security-credentials/", "v1-only",
			"upgrade-program", {"Prometheus to 2.15.0"}, {"aws-sdk-go"}, NULL},
		{"known: /usr/bin/telegraf",
			"'name':'telegraf','exe':'/usr/bin/telegraf','network':'host'", "v1 ok 2",
			"v1 GET /latest/meta-data/iam/security-credentials/", "v1-only",
			"upgrade-program", {"Telegraf to 1.15.0"}, {"aws-sdk-go"}, NULL},
		{"known: /usr/bin/packer",
			"'name':'packer','exe':'/usr/bin/packer','network':'host'", "v1 ok 2",
			"v1 GET /latest/meta-data/iam/security-credentials/", "v1-only",
			"upgrade-program", {"Packer to 1.6.0"}, {"aws-sdk-go"}, NULL},
		{"known: /usr/bin/restic",
			"'name':'restic','exe':'/usr/bin/restic','network':'host'", "v1 ok 2",
			"v1 GET /latest/meta-data/iam/security-credentials/", "v1-only",
			"upgrade-program", {"restic to 0.12.1"}, {"aws-sdk-go"}, NULL},
		{"known: /usr/bin/rclone",
			"'name':'rclone','exe':'/usr/bin/rclone','network':'host'", "v1 ok 2",
			"v1 GET /latest/meta-data/iam/security-credentials/", "v1-only",
			"upgrade-program", {"rclone to 1.52.0"}, {"aws-sdk-go"}, NULL},
		{"known: /cluster-autoscaler",
			"'name':'cluster-autoscaler','exe':'/cluster-autoscaler','network':'host'",
			"v1 ok 2", "v1 GET /latest/meta-data/iam/security-credentials/", "v1-only",
			"upgrade-program", {"the Cluster Autoscaler to 1.22.0", "AWS_REGION"},
			{"aws-sdk-go"}, NULL},
		{"known: /node-termination-handler",
			"'name':'node-termination-handler','exe':'/node-termination-handler','network':'host'",
			"v1 ok 2", "v1 GET /latest/meta-data/iam/security-credentials/", "v1-only",
			"upgrade-program", {"Node Termination Handler to 1.3.0"}, {"aws-sdk-go"},
			NULL},
		{"known: /bin/external-dns",
			"'name':'external-dns','exe':'/bin/external-dns','network':'host'",
			"v1 ok 2", "v1 GET /latest/meta-data/iam/security-credentials/", "v1-only",
			"upgrade-program", {"ExternalDNS to 0.5.18"}, {"aws-sdk-go"}, NULL},
		{"known: /app/aws-k8s-agent",
			"'name':'aws-k8s-agent','exe':'/app/aws-k8s-agent','network':'host'",
			"v1 ok 2", "v1 GET /latest/meta-data/iam/security-credentials/", "v1-only",
			"upgrade-program", {"VPC CNI plugin to 1.6.0"}, {"aws-sdk-go"}, NULL},
		{"known: /bin/aws-ebs-csi-driver",
			"'name':'aws-ebs-csi-driver','exe':'/bin/aws-ebs-csi-driver','network':'host'",
			"v1 ok 2", "v1 GET /latest/meta-data/iam/security-credentials/", "v1-only",
			"upgrade-program", {"EBS CSI driver to 0.6.0"}, {"aws-sdk-go"}, NULL},
		{"known: /velero", "'name':'velero','exe':'/velero','network':'host'", "v1 ok 2",
			"v1 GET /latest/meta-data/iam/security-credentials/", "v1-only",
			"upgrade-program", {"Velero to 1.5.1"}, {"aws-sdk-go"}, NULL},
		{"known: /usr/bin/newrelic-infra",
			"'name':'newrelic-infra','exe':'/usr/bin/newrelic-infra','network':'host'",
			"v1 ok 2", "v1 GET /latest/meta-data/iam/security-credentials/", "v1-only",
			"upgrade-program", {"infrastructure agent to 1.12.0"}, {"aws-sdk-go"},
			NULL},
		{"known: /usr/bin/afterburn",
			"'name':'afterburn','exe':'/usr/bin/afterburn','network':'host'", "v1 ok 2",
			"v1 GET /latest/meta-data/iam/security-credentials/", "v1-only",
			"upgrade-program", {"afterburn to 4.4.1"}, {"aws-sdk-go"}, NULL},
		{"known: /opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent",
			"'name':'amazon-cloudwatch-agent','exe':'/opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent','network':'host'",
			"v1 ok 2", "v1 GET /latest/meta-data/iam/security-credentials/", "v1-only",
			"upgrade-program", {"the CloudWatch agent to 1.300028.0"}, {"aws-sdk-go"},
			NULL},
		{"known: /usr/bin/osqueryd",
			"'name':'osqueryd','exe':'/usr/bin/osqueryd','network':'host'", "v1 ok 2",
			"v1 GET /latest/meta-data/iam/security-credentials/", "v1-only",
			"upgrade-program", {"osquery to 5.6.0"}, {"aws-sdk-go"}, NULL},
		{"known: /usr/bin/pgbackrest",
			"'name':'pgbackrest','exe':'/usr/bin/pgbackrest','network':'host'",
			"v1 ok 2", "v1 GET /latest/meta-data/iam/security-credentials/", "v1-only",
			"upgrade-program", {"pgBackRest to 2.39"}, {"aws-sdk-go"}, NULL},
		{"known: /opt/fluent-bit/bin/fluent-bit",
			"'name':'fluent-bit','exe':'/opt/fluent-bit/bin/fluent-bit','network':'host'",
			"v1 ok 2", "v1 GET /latest/meta-data/iam/security-credentials/", "v1-only",
			"upgrade-program", {"Fluent Bit to 1.8.9", "imds_version v2"},
			{"aws-sdk-go"}, NULL},
		{"known: /usr/bin/step-ca",
			"'name':'step-ca','exe':'/usr/bin/step-ca','network':'host'", "v1 ok 2",
			"v1 GET /latest/meta-data/iam/security-credentials/", "v1-only",
			"upgrade-program", {"step-ca to 0.15.0"}, {"aws-sdk-go"}, NULL},
		{"goofys",
			"'name':'goofys','exe':'/usr/local/bin/goofys','network':'host','user_agents':['aws-sdk-go/1.12.66 (go1.8; linux; amd64)']",
			"v1 ok 2", NULL, "v1-only", "upgrade-program",
			{"goofys", "no release supports IMDSv2; move to"}, {"aws-sdk-go"}, NULL},
		{"Teleport",
			"'name':'teleport','exe':'/usr/local/bin/teleport','network':'host','user_agents':['Go-http-client/1.1']",
			"v1 ok 2", NULL, "v1-only", "configure",
			{"AWS_EC2_METADATA_V1_DISABLED=true"}, {"Upgrade"}, NULL},
		{"the BOSH agent",
			"'name':'bosh-agent','exe':'/var/vcap/bosh/bin/bosh-agent','network':'host'",
			"v1 ok 2", NULL, "v1-only", "configure", {"tokenPath"}, {"Upgrade"}, NULL},
		{"script: /usr/bin/ec2metadata",
			"'name':'python3 /usr/bin/ec2metadata','exe':'/usr/bin/python3','script':'/usr/bin/ec2metadata','network':'host'",
			"v1 ok 1", NULL, "v1-only", "upgrade-program", {"cloud-utils to 0.32"},
			{"To paste"}, NULL},
		{"script: /usr/bin/ohai",
			"'name':'python3 /usr/bin/ohai','exe':'/usr/bin/python3','script':'/usr/bin/ohai','network':'host'",
			"v1 ok 1", NULL, "v1-only", "upgrade-program",
			{"Ohai (Chef) to 17.0.42 or 16.10.1, or later"}, {"To paste"}, NULL},
		{"script: /usr/bin/facter",
			"'name':'python3 /usr/bin/facter','exe':'/usr/bin/python3','script':'/usr/bin/facter','network':'host'",
			"v1 ok 1", NULL, "v1-only", "upgrade-program",
			{"Facter (Puppet) to 4.0.47"}, {"To paste"}, NULL},
		{"script: /usr/bin/s3cmd",
			"'name':'python3 /usr/bin/s3cmd','exe':'/usr/bin/python3','script':'/usr/bin/s3cmd','network':'host'",
			"v1 ok 1", NULL, "v1-only", "upgrade-program", {"s3cmd to 2.3.0"},
			{"To paste"}, NULL},
		{"script: /usr/bin/hibinit-agent",
			"'name':'python3 /usr/bin/hibinit-agent','exe':'/usr/bin/python3','script':'/usr/bin/hibinit-agent','network':'host'",
			"v1 ok 1", NULL, "v1-only", "upgrade-program",
			{"hibernation agent to 1.0.3"}, {"To paste"}, NULL},
		{"script: /usr/sbin/fence_aws",
			"'name':'python3 /usr/sbin/fence_aws','exe':'/usr/bin/python3','script':'/usr/sbin/fence_aws','network':'host'",
			"v1 ok 1", NULL, "v1-only", "upgrade-program", {"fence-agents to 4.7.0"},
			{"To paste"}, NULL},
		{"script: /root/.ansible/tmp/x/AnsiballZ_ec2_metadata_facts.py",
			"'name':'python3 /root/.ansible/tmp/x/AnsiballZ_ec2_metadata_facts.py','exe':'/usr/bin/python3','script':'/root/.ansible/tmp/x/AnsiballZ_ec2_metadata_facts.py','network':'host'",
			"v1 ok 1", NULL, "v1-only", "upgrade-program", {"amazon.aws to 1.5.0"},
			{"To paste"}, NULL},
		{"curl of ec2-net-utils",
			"'name':'curl','exe':'/usr/bin/curl','parent':'bash /etc/sysconfig/network-scripts/ec2net-functions','network':'host','user_agents':['curl/7.61']",
			"v1 ok 1", NULL, "v1-only", "upgrade-program", {"ec2-net-utils to 1.3"},
			{"update curl"}, NULL},
		{"s3fs 1.88",
			"'name':'s3fs','exe':'/usr/bin/s3fs','network':'host','user_agents':['s3fs/1.88']",
			"v1 ok 1, v2 ok 3, token ok 1", NULL, "mixed", "upgrade-program",
			{"s3fs to 1.91"}, {"Nothing"}, NULL},
		{"s3fs 1.93 in a container",
			"'name':'s3fs','exe':'/usr/bin/s3fs','network':'own','container':{'runtime':'docker','id':'0123456789ab','name':null},'user_agents':['s3fs/1.93']",
			"v1 ok 1, token none 1", NULL, "fallback", "raise-hop-limit",
			{"hop limit to 2"}, {"Upgrade"}, "no-answer"},
		{"a program with an old SDK",
			"'name':'acmed','exe':'/opt/acme/acmed','network':'host','user_agents':['aws-sdk-go/1.12.66 (go1.8; linux; amd64)']",
			"v1 ok 2", "v1 GET /latest/meta-data/iam/security-credentials/", "v1-only",
			"upgrade-program",
			{"a version of acmed that is built with aws-sdk-go 1.25.38 or later"},
			{"Upgrade aws-sdk-go"}, NULL},
		{"an old C++ SDK",
			"'name':'acmed','exe':'/opt/acme/acmed','network':'host','user_agents':['aws-sdk-cpp/1.7.100']",
			"v1 ok 2", NULL, "v1-only", "upgrade-program",
			{"a version of acmed that is built with aws-sdk-cpp 1.7.229"}, {"Upgrade"},
			NULL},
		{"old boto3",
			"'name':'python3 /opt/etl/load.py','exe':'/usr/bin/python3','script':'/opt/etl/load.py','network':'host','user_agents':['Boto3/1.9.42 Botocore/1.12.42']",
			"v1 ok 2", NULL, "v1-only", "upgrade-client",
			{"Upgrade boto3 1.9.42", "1.12.6 or later"}, {"a version of"}, NULL},
		{"old aws-cli",
			"'name':'python3 /usr/bin/aws','exe':'/usr/bin/python3','script':'/usr/bin/aws','network':'host','user_agents':['aws-cli/1.16.100 Python/3.6']",
			"v1 ok 2", NULL, "v1-only", "upgrade-client",
			{"Upgrade aws-cli 1.16.100", "1.16.289"}, {NULL}, NULL},
		{"new boto3, dropped on the host",
			"'name':'python3 /a.py','exe':'/usr/bin/python3','script':'/a.py','network':'host','user_agents':['Boto3/1.34.0']",
			"v1 ok 2, token none 2", NULL, "fallback", "disable-fallback",
			{"AWS_EC2_METADATA_V1_DISABLED"}, {"hop limit"}, "no-answer"},
		{"new boto3 in a container",
			"'name':'python3 /a.py','exe':'/usr/bin/python3','script':'/a.py','network':'own','container':{'runtime':'docker','id':'0123456789ab','name':null},'user_agents':['Boto3/1.34.0']",
			"v1 ok 2, token none 2", NULL, "fallback", "raise-hop-limit",
			{"hop limit to 2"}, {"Upgrade boto3"}, "no-answer"},
		{"an SDK that cannot fall back, in a container",
			"'name':'app','exe':'/app','network':'own','container':{'runtime':'docker','id':'0123456789ab','name':null}",
			"token none 2", NULL, "v2-only", "raise-hop-limit", {"hop limit to 2"},
			{"Nothing has to change"}, NULL},
		{"an SDK behind a proxy",
			"'name':'app','exe':'/app','network':'host','user_agents':['aws-sdk-go/1.44.0']",
			"v1 ok 2, token other 2", NULL, "fallback", "disable-fallback",
			{"X-Forwarded-For"}, {"hop limit"}, "refused"},
		{"one path without", "'name':'x','exe':'/opt/x','network':'host'",
			"v1 ok 1, v2 ok 3, token ok 1",
			"v1 GET /; v2 GET /latest/meta-data/instance-id", "mixed", "send-token",
			{"GET / goes without"}, {"$EMPTY"}, NULL},
		{"a path with and without", "'name':'x','exe':'/opt/x','network':'host'",
			"v1 ok 1, v2 ok 3, token ok 1",
			"v1 GET /latest/meta-data/instance-id; v2 GET /latest/meta-data/instance-id",
			"mixed", "send-token", {"$EMPTY"}, {NULL}, NULL},
		{"two of five unanswered", "'name':'x','exe':'/opt/x','network':'host'",
			"v1 ok 2, v2 ok 3, token ok 3, token none 2", NULL, "mixed", "investigate",
			{"2 of its 5 token requests got no answer"}, {"$EMPTY"}, NULL},
		{"the same, of an SDK",
			"'name':'x','exe':'/opt/x','network':'host','user_agents':['aws-sdk-go-v2/1.17']",
			"v1 ok 2, v2 ok 3, token ok 3, token none 2", NULL, "mixed",
			"disable-fallback", {"2 of its 5 token requests got no answer"}, {"$EMPTY"},
			NULL},
		{"proxy: /usr/local/bin/envoy",
			"'name':'envoy','exe':'/usr/local/bin/envoy','network':'host'", "v1 ok 2",
			NULL, "v1-only", "investigate", {"Envoy", "forwards"},
			{"Upgrade", "update it to"}, NULL},
		{"proxy: /usr/lib/linkerd/linkerd2-proxy",
			"'name':'linkerd2-proxy','exe':'/usr/lib/linkerd/linkerd2-proxy','network':'host'",
			"v1 ok 2", NULL, "v1-only", "investigate", {"Linkerd", "forwards"},
			{"Upgrade", "update it to"}, NULL},
		{"proxy: /usr/sbin/squid",
			"'name':'squid','exe':'/usr/sbin/squid','network':'host'", "v1 ok 2", NULL,
			"v1-only", "investigate", {"Squid", "forwards"},
			{"Upgrade", "update it to"}, NULL},
		{"proxy: /usr/sbin/nginx",
			"'name':'nginx','exe':'/usr/sbin/nginx','network':'host'", "v1 ok 2", NULL,
			"v1-only", "investigate", {"nginx", "forwards"},
			{"Upgrade", "update it to"}, NULL},
		{"kube2iam",
			"'name':'kube2iam','exe':'/bin/kube2iam','network':'host','user_agents':['aws-sdk-go/1.8.7']",
			"v1 ok 2", NULL, "v1-only", "investigate", {"kube2iam to 0.12.0", "pods"},
			{"V1_DISABLED"}, NULL},
		{"curl of a script",
			"'name':'curl','exe':'/usr/bin/curl','parent':'bash /etc/cron.daily/tag','network':'host','user_agents':['curl/7.88.1']",
			"v1 ok 1", "v1 GET /latest/meta-data/ami-id", "v1-only", "send-token",
			{"bash /etc/cron.daily/tag", "TOKEN=$(curl -sf -X PUT", "meta-data/ami-id"},
			{"update"}, NULL},
		{"wget of a script",
			"'name':'wget','exe':'/usr/bin/wget','parent':'sh /b.sh','network':'host','user_agents':['Wget/1.21.3']",
			"v1 ok 1", "v1 GET /latest/meta-data/instance-id", "v1-only", "send-token",
			{"TOKEN=$(wget -qO- --method=PUT"}, {"update"}, NULL},
		{"Python",
			"'name':'python3 /a.py','exe':'/usr/bin/python3','script':'/a.py','network':'host','user_agents':['Python-urllib/3.11']",
			"v1 ok 1", "v1 GET /latest/meta-data/instance-id", "v1-only", "send-token",
			{"urlopen", "python3 /a.py"}, {"update it"}, NULL},
		{"a path that is no path",
			"'name':'curl','exe':'/usr/bin/curl','network':'host','user_agents':['curl/8']",
			"v1 ok 1", "v1 GET /latest/$(rm -rf x)", "v1-only", "send-token",
			{"meta-data/instance-id"}, {"$(rm"}, NULL},
		{"an agent that nobody knows",
			"'name':'acmed','exe':'/opt/acme/acmed','network':'host','user_agents':['acme-agent/2.3 (x)']",
			"v1 ok 1", NULL, "v1-only", "send-token",
			{"which calls itself acme-agent 2.3", "update it to a version"}, {NULL},
			NULL},
		{"Go's HTTP",
			"'name':'acmed','exe':'/opt/acme/acmed','network':'host','user_agents':['Go-http-client/1.1']",
			"v1 ok 1", NULL, "v1-only", "send-token",
			{"which calls itself Go-http-client,"}, {"Go-http-client 1.1"}, NULL},
		{"clearlinux/micro-config-drive#61",
			"'name':'ucd-data-fetch','exe':'/usr/bin/ucd-data-fetch','network':'host'",
			"v1 ok 1", "v1 GET /latest/user-data", "v1-only", "send-token",
			{"Make ucd-data-fetch", "update it to a version"}, {NULL}, NULL},
		{"awslabs/aws-ec2rescue-linux#58",
			"'name':'python3 /opt/ec2rl/ec2rl.py','exe':'/usr/bin/python3','script':'/opt/ec2rl/ec2rl.py','network':'host','user_agents':['python-requests/2.18']",
			"v1 ok 1", "v1 GET /latest/meta-data/instance-id", "v1-only", "send-token",
			{"ec2rl.py", "urlopen"}, {NULL}, NULL},
		{"jtblin/kube2iam#345",
			"'name':'init','exe':'/usr/local/bin/init','network':'own','pod':{'uid':'u','name':'shop-1','namespace':'shop'},'container':{'runtime':'containerd','id':'abc','name':'app'}",
			"v1 rejected 1, token other 1", NULL, "fallback", "investigate",
			{"kube2iam before 0.12.0"}, {"V1_DISABLED"}, "refused"},
		{"cloudfoundry/bosh-agent#249",
			"'name':'bosh-agent','exe':'/var/vcap/bosh/bin/bosh-agent','network':'host','user_agents':['Go-http-client/1.1']",
			"v1 ok 1", "v1 GET /latest/user-data", "v1-only", "configure",
			{"tokenPath to /latest/api/token"}, {NULL}, NULL},
		{"Netflix/metaflow#1808",
			"'name':'python3 /flow.py','exe':'/usr/bin/python3','script':'/flow.py','network':'host','user_agents':['python-requests/2.31.0']",
			"v1 ok 1", "v1 GET /latest/meta-data/instance-id", "v1-only", "send-token",
			{"urlopen"}, {"update it"}, NULL},
		{"CrowdStrike/falcon-scripts#143",
			"'name':'curl','exe':'/usr/bin/curl','parent':'bash /tmp/falcon-linux-install.sh','network':'host','user_agents':['curl/7.79.1']",
			"v1 ok 1", "v1 GET /latest/dynamic/instance-identity/document", "v1-only",
			"send-token", {"falcon-linux-install.sh", "To paste"}, {"update"}, NULL},
		{"open-telemetry/opentelemetry-network#357",
			"'name':'kernel-collector','exe':'/srv/kernel-collector','network':'host'",
			"v1 ok 2", "v1 GET /2016-09-02/meta-data/instance-id", "v1-only",
			"send-token", {"Make kernel-collector"}, {"hop limit"}, NULL},
		{"buildkite/elastic-ci-stack-for-aws#857",
			"'name':'ruby3.0','exe':'/usr/bin/ruby3.0','network':'own','container':{'runtime':'docker','id':'0123456789ab','name':null},'user_agents':['aws-sdk-ruby3/3.110.0']",
			"v1 ok 2, token none 3", NULL, "fallback", "raise-hop-limit",
			{"--http-put-response-hop-limit 2"}, {"Upgrade"}, "no-answer"},
		{"papertrail/remote_syslog2#248",
			"'name':'wget','exe':'/usr/bin/wget','parent':'bash /tmp/set-logger-config.sh','network':'host','user_agents':['Wget/1.18']",
			"v1 ok 1", "v1 GET /latest/meta-data/instance-id", "v1-only", "send-token",
			{"TOKEN=$(wget", "meta-data/instance-id"}, {"update"}, NULL},
		{"guardian/amigo#562",
			"'name':'python2.7 /usr/bin/ec2metadata','exe':'/usr/bin/python2.7','script':'/usr/bin/ec2metadata','network':'host','user_agents':['Python-urllib/2.7']",
			"v1 ok 1", "v1 GET /latest/meta-data/instance-id", "v1-only",
			"upgrade-program", {"cloud-utils to 0.32"}, {NULL}, NULL},
	};

	(void)state;
	assert_true(ARRAY_SIZE(cases) >= 60);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *said = NULL;
		struct report *report;
		enum advice advice;
		const char *pattern, *cause = NULL;

		report = report__of_caller(cases[i].who, cases[i].calls, cases[i].paths);
		pattern = pattern__name(caller__pattern(report->callers[0]));
		assert_int_equal(advice__for(report->callers[0], &advice, &said), 0);
		if (caller__pattern(report->callers[0]) == PATTERN_FALLBACK)
			cause = cause__name(caller__cause(report->callers[0]));
		if (!cause != !cases[i].cause || (cause && strcmp(cause, cases[i].cause)))
			fail_msg("%s: %s", cases[i].name, cause ? cause : "no cause");
		if (strcmp(pattern, cases[i].pattern) ||
			strcmp(advice__name(advice), cases[i].advice))
			fail_msg("%s: %s, %s: %s", cases[i].name, pattern, advice__name(advice),
				said);
		for (size_t j = 0; j < 4 && cases[i].says[j]; j++)
			if (!strstr(said, cases[i].says[j]))
				fail_msg(
					"%s: no \"%s\": %s", cases[i].name, cases[i].says[j], said);
		for (size_t j = 0; j < 3 && cases[i].never[j]; j++)
			if (strstr(said, cases[i].never[j]))
				fail_msg("%s: \"%s\": %s", cases[i].name, cases[i].never[j], said);
		print_message("  %s: %s\n", cases[i].name, said);
		free(said);
		report__free(report);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_person_is_told_what_cures),
	};

	return cmocka_run_group_tests_name("advice in the field", tests, NULL, NULL);
}
