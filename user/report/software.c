/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One row a product; a new one is a row and nothing else. A version that nobody could name for
 * certain is left out, and with it a row that would say nothing. */
#include "lib/array.h"
#include "report/software.h"

#include <string.h>

#define DIGITS "0123456789"
#define BLANKS " \t(),;"

/* Of several rows that fit a caller, the first one is meant: what is built upon another product
 * stands above it. Libraries come first, because client.c looks them up in this order. */
const struct software software_table[] = {
	{.name = "aws-cli",
		.said = "the AWS CLI",
		.kind = SOFTWARE_LIBRARY,
		.tells = {{TELL_AGENT, "aws-cli"}},
		.v2 = "1.16.289",
		.source = "AWS documentation, Use a supported AWS SDK"},
	{.name = "boto3",
		.kind = SOFTWARE_LIBRARY,
		.tells = {{TELL_AGENT, "Boto3"}},
		.v2 = "1.12.6",
		.source = "AWS documentation, Use a supported AWS SDK"},
	{.name = "botocore",
		.kind = SOFTWARE_LIBRARY,
		.tells = {{TELL_AGENT, "Botocore"}},
		.v2 = "1.13.25",
		.source = "AWS documentation, Use a supported AWS SDK"},
	{.name = "AWSPowerShell",
		.said = "the AWS Tools for PowerShell",
		.kind = SOFTWARE_LIBRARY,
		.tells = {{TELL_AGENT, "AWSPowerShell"}},
		.v2 = "4.0.1.0",
		.source = "AWS documentation, Use a supported AWS SDK"},
	{.name = "aws-sdk-dotnet",
		.kind = SOFTWARE_LIBRARY,
		.tells = {{TELL_AGENT, "aws-sdk-dotnet*"}},
		.v2 = "3.3.634.1",
		.never_v1 = "4.0",
		.source = "AWS documentation, Use a supported AWS SDK; aws/aws-sdk-net#3664"},
	{.name = "aws-sdk-cpp",
		.kind = SOFTWARE_LIBRARY,
		.tells = {{TELL_AGENT, "aws-sdk-cpp"}},
		.v2 = "1.7.229",
		.source = "AWS documentation, Use a supported AWS SDK"},
	{.name = "aws-sdk-go-v2",
		.kind = SOFTWARE_LIBRARY,
		.tells = {{TELL_AGENT, "aws-sdk-go-v2"}},
		.v2 = "0.19.0",
		.setting = "set AWS_EC2_METADATA_V1_DISABLED=true (known to it since late 2023)",
		.source = "AWS documentation, Use a supported AWS SDK; aws/aws-sdk-go-v2#2303"},
	{.name = "aws-sdk-go",
		.kind = SOFTWARE_LIBRARY,
		.tells = {{TELL_AGENT, "aws-sdk-go"}},
		.v2 = "1.25.38",
		.setting = "set AWS_EC2_METADATA_V1_DISABLED=true (known to it since late 2023)",
		.source = "AWS documentation, Use a supported AWS SDK; aws/aws-sdk-go#5015"},
	{.name = "aws-sdk-java",
		.kind = SOFTWARE_LIBRARY,
		.tells = {{TELL_AGENT, "aws-sdk-java"}},
		.major = "1",
		.v2 = "1.11.678",
		.source = "AWS documentation, Use a supported AWS SDK"},
	{.name = "aws-sdk-java-v2",
		.kind = SOFTWARE_LIBRARY,
		.tells = {{TELL_AGENT, "aws-sdk-java"}},
		.major = "2",
		.v2 = "2.10.21",
		.setting = "set AWS_EC2_METADATA_V1_DISABLED=true (known to it since January 2024)",
		.source = "AWS documentation, Use a supported AWS SDK; aws/aws-sdk-java-v2#4840"},
	{.name = "aws-sdk-js",
		.kind = SOFTWARE_LIBRARY,
		.tells = {{TELL_AGENT, "aws-sdk-nodejs"}, {TELL_AGENT, "aws-sdk-js"}},
		.v2 = "2.722.0",
		.tokenless = "AWS.MetadataService.request of version 2",
		.source =
			"AWS documentation, Use a supported AWS SDK; AWS.MetadataService.request of version 2 never asks for a token, aws/aws-sdk-js#3584"},
	{.name = "aws-sdk-php",
		.kind = SOFTWARE_LIBRARY,
		.tells = {{TELL_AGENT, "aws-sdk-php"}},
		.v2 = "3.147.7",
		.source = "AWS documentation, Use a supported AWS SDK"},
	{.name = "aws-sdk-ruby",
		.kind = SOFTWARE_LIBRARY,
		.tells = {{TELL_AGENT, "aws-sdk-ruby3"}},
		.v2 = "3.79.0",
		.source = "AWS documentation, Use a supported AWS SDK"},
	{.name = "dd-trace-go",
		.kind = SOFTWARE_LIBRARY,
		.no_release = true,
		.harmless = true,
		.source = "DataDog/dd-trace-go, internal/hostname"},
	{.name = "Go compute/metadata",
		.said = "Google's library for Go",
		.kind = SOFTWARE_LIBRARY,
		.tells = {{TELL_LIBRARY, "gcloud-golang"}},
		.no_release = true,
		.harmless = true,
		.source = "googleapis/google-cloud-go, compute/metadata"},
	{.name = "newrelic ruby agent",
		.kind = SOFTWARE_LIBRARY,
		.v2 = "8.5.0",
		.source = "newrelic/newrelic-ruby-agent#552, #848"},
	{.name = "newrelic python agent",
		.kind = SOFTWARE_LIBRARY,
		.tells = {{TELL_LIBRARY, "NewRelic-PythonAgent"}},
		.v2 = "7.6.0.173",
		.setting = "set utilization.detect_aws = false, and it does not ask at all",
		.source = "newrelic/newrelic-python-agent#25, #481"},
	{.name = "newrelic java agent",
		.kind = SOFTWARE_LIBRARY,
		.v2 = "6.0.0",
		.source = "newrelic/newrelic-java-agent#81"},
	{.name = "fog-aws",
		.kind = SOFTWARE_LIBRARY,
		.tells = {{TELL_LIBRARY, "excon"}},
		.v2 = "3.6.4",
		.source = "fog/fog-aws#559, #560"},
	{.name = "minio-go",
		.kind = SOFTWARE_LIBRARY,
		.v2 = "7.0.11",
		.source = "minio/minio-go#1489, #1877"},
	{.name = "cognitect aws-api",
		.kind = SOFTWARE_LIBRARY,
		.v2 = "0.8.711",
		.source = "cognitect-labs/aws-api#165"},
	{.name = "specinfra",
		.kind = SOFTWARE_LIBRARY,
		.v2 = "2.90.0",
		.source = "mizzy/specinfra#754"},
	{.name = "kube2iam",
		.kind = SOFTWARE_PROXY,
		.tells = {{TELL_EXE, "kube2iam"}, {TELL_CONTAINER, "kube2iam"}},
		.v2 = "0.12.0",
		.source = "jtblin/kube2iam#344, #345, #376"},
	{.name = "kiam",
		.kind = SOFTWARE_PROXY,
		.tells = {{TELL_EXE, "kiam"}, {TELL_EXE, "kiam-agent"}, {TELL_EXE, "kiam-server"},
			{TELL_CONTAINER, "kiam-agent"}, {TELL_CONTAINER, "kiam-server"}},
		.v2 = "4.0",
		.source = "uswitch/kiam#381; Gopkg.lock and go.mod at v3.6 and v4.0"},
	{.name = "pilot-agent",
		.said = "Istio's agent, which finds out on which cloud it runs",
		.tells = {{TELL_EXE, "pilot-agent"}},
		.setting =
			"set CLOUD_PLATFORM to none in proxyMetadata, and it does not ask at all",
		.narrows = "set CLOUD_PLATFORM to none in proxyMetadata",
		.source = "istio.io, pilot-agent, environment variables"},
	{.name = "envoy",
		.said = "Envoy, the mesh's proxy",
		.kind = SOFTWARE_PROXY,
		.tells = {{TELL_EXE, "envoy"}, {TELL_CONTAINER, "istio-proxy"}},
		.source = "istio/istio#9297; aws/aws-app-mesh-controller-for-k8s#600"},
	{.name = "linkerd2-proxy",
		.said = "the proxy of Linkerd",
		.kind = SOFTWARE_PROXY,
		.tells = {{TELL_EXE, "linkerd2-proxy"}, {TELL_CONTAINER, "linkerd-proxy"}},
		.source = "linkerd/linkerd2-proxy"},
	{.name = "squid",
		.said = "Squid",
		.kind = SOFTWARE_PROXY,
		.tells = {{TELL_EXE, "squid"}, {TELL_EXE, "squid3"}},
		.source = "squid-cache.org"},
	{.name = "nginx",
		.kind = SOFTWARE_PROXY,
		.tells = {{TELL_EXE, "nginx"}},
		.source = "nginx.org, ngx_http_proxy_module"},
	{.name = "haproxy",
		.said = "HAProxy",
		.kind = SOFTWARE_PROXY,
		.tells = {{TELL_EXE, "haproxy"}},
		.source = "haproxy.org"},
	{.name = "amazon-ssm-agent",
		.said = "the SSM agent",
		.tells = {{TELL_PATH, "amazon-ssm-agent"}, {TELL_PATH, "ssm-agent-worker"},
			{TELL_PATH, "ssm-document-worker"}, {TELL_CONTAINER, "amazon-ssm-agent"}},
		.v2 = "3.0.413.0",
		.survives = "2.3.814.0",
		.never_v1 = "3.2.1041.0",
		.source = "aws/amazon-ssm-agent, RELEASENOTES.md and #319"},
	{.name = "datadog-agent",
		.said = "the Datadog agent",
		.tells = {{TELL_PATH, "datadog-agent"}, {TELL_PATH, "dd-agent"}},
		.v2 = "7.64.0",
		.setting = "set ec2_prefer_imdsv2: true in datadog.yaml",
		.source = "DataDog/documentation#15108, #27666"},
	{.name = "amazon-ec2-utils",
		.tells = {{TELL_SCRIPT, "ec2-metadata"}},
		.v2 = "1.3",
		.source = "amazon-ec2-utils, change log of 1.3"},
	{.name = "cloud-init",
		.tells = {{TELL_AGENT, "Cloud-Init"}, {TELL_SCRIPT, "cloud-init"}},
		.v2 = "19.4",
		.never_v1 = "20.2",
		.source = "cloud-init, ChangeLog of 19.4 and 20.2 (#216)"},
	{.name = "docker",
		.said = "Docker",
		.tells = {{TELL_EXE, "dockerd"}, {TELL_EXE, "docker-containerd"}},
		.v2 = "20.10.0 or 19.03.14",
		.source = "moby/moby#40474; aws/containers-roadmap#670"},
	{.name = "amazon-ecs-agent",
		.said = "the ECS agent",
		.tells = {{TELL_CONTAINER, "ecs-agent"}, {TELL_CONTAINER, "amazon-ecs-agent"},
			{TELL_EXE, "amazon-ecs-agent"}, {TELL_PATH, "amazon-ecs-agent"}},
		.v2 = "1.36.1",
		.source = "aws/amazon-ecs-agent, Gopkg.lock at v1.36.1"},
	{.name = "amazon-vpc-cni-k8s",
		.said = "the Amazon VPC CNI plugin",
		.tells = {{TELL_EXE, "aws-k8s-agent"}, {TELL_EXE, "aws-vpc-cni"},
			{TELL_CONTAINER, "aws-node"}, {TELL_CONTAINER, "aws-vpc-cni-init"}},
		.v2 = "1.6.0 (but not 1.10.0)",
		.source = "aws/amazon-vpc-cni-k8s#1727, #1743, #3335"},
	{.name = "aws-ebs-csi-driver",
		.said = "the EBS CSI driver",
		.tells = {{TELL_EXE, "aws-ebs-csi-driver"}},
		.v2 = "0.6.0",
		.source = "kubernetes-sigs/aws-ebs-csi-driver, go.mod at v0.6.0; #2262"},
	{.name = "aws-load-balancer-controller",
		.said = "the AWS Load Balancer Controller",
		.tells = {{TELL_LIBRARY, "elbv2.k8s.aws"},
			{TELL_CONTAINER, "aws-load-balancer-controller"},
			{TELL_CONTAINER, "alb-ingress-controller"}},
		.v2 = "1.1.5",
		.setting = "start it with --aws-region and --aws-vpc-id, and it does not ask",
		.source = "kubernetes-sigs/aws-load-balancer-controller, go.mod at v1.1.5; #2231"},
	{.name = "cluster-autoscaler",
		.said = "the Cluster Autoscaler",
		.tells = {{TELL_EXE, "cluster-autoscaler"}, {TELL_CONTAINER, "cluster-autoscaler"}},
		.v2 = "1.22.0",
		.setting = "set AWS_REGION, and it does not ask",
		.source = "kubernetes/autoscaler#4127, #3592"},
	{.name = "aws-node-termination-handler",
		.said = "the AWS Node Termination Handler",
		.tells = {{TELL_EXE, "node-termination-handler"},
			{TELL_CONTAINER, "aws-node-termination-handler"}},
		.v2 = "1.3.0",
		.source = "aws/aws-node-termination-handler#87, #229, #399"},
	{.name = "external-dns",
		.said = "ExternalDNS",
		.tells = {{TELL_EXE, "external-dns"}, {TELL_CONTAINER, "external-dns"}},
		.v2 = "0.5.18",
		.source = "kubernetes-sigs/external-dns, go.mod at v0.5.18"},
	{.name = "velero",
		.said = "Velero",
		.tells = {{TELL_EXE, "velero"}},
		.v2 = "1.5.1",
		.source = "vmware-tanzu/velero, go.mod at v1.5.1"},
	{.name = "prometheus",
		.said = "Prometheus",
		.tells = {{TELL_EXE, "prometheus"}},
		.v2 = "2.15.0",
		.source = "prometheus/prometheus, go.mod at v2.15.0"},
	{.name = "telegraf",
		.said = "Telegraf",
		.tells = {{TELL_EXE, "telegraf"}},
		.v2 = "1.15.0",
		.source = "influxdata/telegraf, go.mod at v1.15.0"},
	{.name = "packer",
		.said = "Packer",
		.tells = {{TELL_EXE, "packer"}},
		.v2 = "1.6.0",
		.source = "hashicorp/packer, go.mod at v1.6.0"},
	{.name = "rclone",
		.tells = {{TELL_EXE, "rclone"}, {TELL_AGENT, "rclone"}},
		.v2 = "1.52.0",
		.source = "rclone/rclone, go.mod at v1.52.0"},
	{.name = "restic",
		.tells = {{TELL_EXE, "restic"}},
		.v2 = "0.12.1",
		.source = "restic/restic, go.mod at v0.12.1"},
	{.name = "goofys",
		.tells = {{TELL_EXE, "goofys"}},
		.no_release = true,
		.instead = "Mountpoint for Amazon S3, or s3fs 1.91 or later",
		.source = "kahing/goofys#497, #671, #727"},
	{.name = "s3fs",
		.tells = {{TELL_EXE, "s3fs"}, {TELL_AGENT, "s3fs"}},
		.v2 = "1.88",
		.survives = "1.91",
		.source = "s3fs-fuse, ChangeLog of 1.91 (#1462, #1760)"},
	{.name = "s3cmd",
		.tells = {{TELL_SCRIPT, "s3cmd"}},
		.v2 = "2.3.0",
		.source = "s3tools/s3cmd#1255"},
	{.name = "pgbackrest",
		.said = "pgBackRest",
		.tells = {{TELL_EXE, "pgbackrest"}, {TELL_AGENT, "pgBackRest"}},
		.v2 = "2.39",
		.source = "pgbackrest/pgbackrest#1685, release notes of 2.39"},
	{.name = "fluent-bit",
		.said = "Fluent Bit",
		.tells = {{TELL_EXE, "fluent-bit"}, {TELL_LIBRARY, "aws-fluent-bit-plugin"},
			{TELL_CONTAINER, "fluent-bit"}},
		.v2 = "1.8.9",
		.setting = "set imds_version v2 in its filter \"aws\"",
		.source = "fluent/fluent-bit#4086, #4388, #10051"},
	{.name = "aws-for-fluent-bit",
		.said = "AWS for Fluent Bit",
		.tells = {{TELL_CONTAINER, "aws-for-fluent-bit"}},
		.v2 = "2.21.2",
		.source = "aws/aws-for-fluent-bit#259, #268, #359"},
	{.name = "amazon-cloudwatch-agent",
		.said = "the CloudWatch agent",
		.tells = {{TELL_PATH, "amazon-cloudwatch-agent"},
			{TELL_CONTAINER, "cloudwatch-agent"}},
		.v2 = "1.300028.0",
		.source = "aws/amazon-cloudwatch-agent, RELEASE_NOTES of 1.300028.0"},
	{.name = "ec2-instance-connect",
		.said = "EC2 Instance Connect",
		.tells = {{TELL_SCRIPT, "eic_run_authorized_keys"},
			{TELL_SCRIPT, "eic_curl_authorized_keys"}},
		.v2 = "1.1.12",
		.never_v1 = "1.1.12",
		.source = "aws/aws-ec2-instance-connect-config#11"},
	{.name = "ec2-hibinit-agent",
		.said = "the EC2 hibernation agent",
		.tells = {{TELL_SCRIPT, "hibinit-agent"}},
		.v2 = "1.0.3",
		.source = "aws/amazon-ec2-hibinit-agent, commit 9d9bca5c"},
	{.name = "ec2-net-utils",
		.tells = {{TELL_SCRIPT, "ec2net-functions"}, {TELL_SCRIPT, "ec2ifup"},
			{TELL_SCRIPT, "ec2dhcp.sh"}, {TELL_SCRIPT, "ec2ifscan"}},
		.v2 = "1.3",
		.source = "amazonlinux/amazon-ec2-net-utils#6, #7"},
	{.name = "cloud-utils",
		.tells = {{TELL_SCRIPT, "ec2metadata"}},
		.v2 = "0.32",
		.source = "canonical/cloud-utils, commit 2dabc1a1"},
	{.name = "ohai",
		.said = "Ohai (Chef)",
		.tells = {{TELL_SCRIPT, "ohai"}, {TELL_SCRIPT, "chef-client"},
			{TELL_PATH, "chef-client"}},
		.v2 = "17.0.42 or 16.10.1",
		.source = "chef/ohai, CHANGELOG.md (#1457, #1520)"},
	{.name = "facter",
		.said = "Facter (Puppet)",
		.tells = {{TELL_SCRIPT, "facter"}, {TELL_EXE, "facter"}, {TELL_SCRIPT, "puppet"}},
		.v2 = "4.0.47",
		.source = "puppetlabs/facter, commit 8cc95649 (FACT-2306)"},
	{.name = "amazon.aws (Ansible)",
		.said = "Ansible's collection amazon.aws",
		.tells = {{TELL_SCRIPT, "AnsiballZ_ec2_metadata_facts.py"},
			{TELL_SCRIPT, "AnsiballZ_amazon.aws.ec2_metadata_facts.py"}},
		.v2 = "1.5.0",
		.never_v1 = "1.5.0",
		.source = "ansible-collections/amazon.aws#43; ansible/ansible#68098"},
	{.name = "newrelic-infra",
		.said = "New Relic's infrastructure agent",
		.tells = {{TELL_EXE, "newrelic-infra"}},
		.v2 = "1.12.0",
		.source = "newrelic/infrastructure-agent, commit 1d1b5c06"},
	{.name = "osquery",
		.tells = {{TELL_EXE, "osqueryd"}, {TELL_EXE, "osqueryi"}, {TELL_AGENT, "osquery"}},
		.v2 = "5.6.0",
		.source = "osquery/osquery#6165, #7084"},
	{.name = "subscription-manager",
		.tells = {{TELL_LIBRARY, "cloud-what"}, {TELL_SCRIPT, "rhsmcertd-worker"},
			{TELL_SCRIPT, "subscription-manager"}},
		.v2 = "1.29.39",
		.survives = "1.29.6",
		.source = "candlepin/subscription-manager#3351"},
	{.name = "resource-agents",
		.tells = {{TELL_SCRIPT, "awsvip"}, {TELL_SCRIPT, "aws-vpc-move-ip"},
			{TELL_SCRIPT, "awseip"}, {TELL_SCRIPT, "aws-vpc-route53"}},
		.v2 = "4.7.0",
		.source = "ClusterLabs/resource-agents#1578"},
	{.name = "codedeploy-agent",
		.said = "the CodeDeploy agent",
		.tells = {{TELL_SCRIPT, "codedeploy-agent"}},
		.v2 = "1.2.0",
		.source = "aws/aws-codedeploy-agent#263, #269"},
	{.name = "fence-agents",
		.tells = {{TELL_SCRIPT, "fence_aws"}},
		.v2 = "4.7.0",
		.source = "ClusterLabs/fence-agents, commit c9f88902"},
	{.name = "afterburn",
		.tells = {{TELL_EXE, "afterburn"}},
		.v2 = "4.4.1",
		.source = "coreos/afterburn#421"},
	{.name = "step-ca",
		.said = "step-ca",
		.tells = {{TELL_EXE, "step-ca"}, {TELL_EXE, "step"}},
		.v2 = "0.15.0",
		.setting = "set imdsVersions to [\"v2\"] in its AWS provisioner",
		.source = "smallstep/certificates#269"},
	{.name = "netdata",
		.said = "Netdata",
		.tells = {{TELL_PATH, "netdata"}, {TELL_EXE, "netdata"},
			{TELL_SCRIPT, "system-info.sh"}},
		.v2 = "1.34.0",
		.source = "netdata/netdata#12613"},
	{.name = "elastic-beats",
		.said = "Elastic's Beats",
		.tells = {{TELL_EXE, "metricbeat"}, {TELL_EXE, "filebeat"}, {TELL_EXE, "auditbeat"},
			{TELL_EXE, "packetbeat"}, {TELL_EXE, "heartbeat"},
			{TELL_EXE, "elastic-agent"}},
		.setting = "set providers: [aws] in its processor add_cloud_metadata",
		.narrows = "set providers: [aws] in its processor add_cloud_metadata",
		.source = "elastic/beats#28285, #41636"},
	{.name = "teleport",
		.said = "Teleport",
		.tells = {{TELL_EXE, "teleport"}},
		.setting = "set AWS_EC2_METADATA_V1_DISABLED=true in its environment",
		.source = "gravitational/teleport#39363, #39366"},
	{.name = "bosh-agent",
		.said = "the BOSH agent",
		.tells = {{TELL_EXE, "bosh-agent"}, {TELL_PATH, "bosh-agent"}},
		.setting =
			"set tokenPath to /latest/api/token in its agent.json, as newer stemcells do",
		.source = "cloudfoundry/bosh-agent#249"},
	{.name = "tailscale",
		.said = "Tailscale",
		.tells = {{TELL_EXE, "tailscaled"}},
		.v2 = "1.0.0",
		.source = "tailscale/tailscale#4986"},
};

const size_t software_count = ARRAY_SIZE(software_table);

static const char *const tell_kind_names[] = {
	[TELL_NONE] = "",
	[TELL_EXE] = "executable",
	[TELL_PATH] = "path",
	[TELL_SCRIPT] = "script",
	[TELL_CONTAINER] = "container",
	[TELL_AGENT] = "User-Agent",
	[TELL_LIBRARY] = "User-Agent",
};

const char *tell_kind__name(enum tell_kind kind)
{
	return tell_kind_names[kind];
}

const char *software__said(const struct software *software)
{
	return software->said ? software->said : software->name;
}

const char *software__survives(const struct software *software)
{
	return software->survives ? software->survives : software->v2;
}

static bool product__is(const char *pattern, const char *product, size_t size)
{
	size_t length = strlen(pattern);

	if (pattern[length - 1] == '*')
		return size >= length - 1 && !strncmp(pattern, product, length - 1);
	return size == length && !strncmp(pattern, product, length);
}

/* A User-Agent is a list of PRODUCT/VERSION (RFC 9110, section 10.1.5). */
bool agent__lists(const char *agent, const char *product, const char **version)
{
	for (const char *at = agent + strspn(agent, BLANKS); *at; at += strspn(at, BLANKS)) {
		size_t size = strcspn(at, BLANKS "/");

		if (product__is(product, at, size)) {
			*version = at[size] == '/' ? at + size + 1 : "";
			return true;
		}
		at += strcspn(at, BLANKS);
	}
	return false;
}

/* Whether component stands in path as a whole: "get-ec2-metadata.sh" is somebody's own. */
static bool path__has(const char *path, const char *component)
{
	size_t size = strlen(component);

	for (const char *at = path; path && (at = strstr(at, component)); at++)
		if ((at == path || strchr("/ ", at[-1])) && strchr("/ ", at[size]))
			return true;
	return false;
}

/* Whether name is the last component of path, or of a path in front of a blank: "bash /a/name". */
static bool path__ends_in(const char *path, const char *name)
{
	size_t size = strlen(name);
	const char *end;

	for (const char *at = path; at; at = *end ? end + 1 : NULL) {
		end = at + strcspn(at, " ");
		if ((size_t)(end - path) >= size && !memcmp(end - size, name, size) &&
			((size_t)(end - path) == size || strchr("/ ", end[-1 - (ptrdiff_t)size])))
			return true;
	}
	return false;
}

static bool agents__list(const struct software_signs *signs, const char *product)
{
	const char *version;

	for (size_t i = 0; i < signs->agent_count; i++)
		if (agent__lists(signs->agents[i], product, &version))
			return true;
	return false;
}

/* curl is what the script is that starts it. */
static const char *signs__script(const struct software_signs *signs)
{
	return signs->script ? signs->script : signs->parent;
}

static bool tell__fits(const struct tell *tell, const struct software_signs *signs)
{
	switch (tell->kind) {
	case TELL_EXE:
		return path__ends_in(signs->exe ? signs->exe : signs->comm, tell->text);
	case TELL_PATH:
		return path__has(signs->exe, tell->text) ||
		       path__has(signs__script(signs), tell->text);
	case TELL_SCRIPT:
		return path__ends_in(signs__script(signs), tell->text);
	case TELL_CONTAINER:
		return signs->container && !strcmp(signs->container, tell->text);
	case TELL_AGENT:
	case TELL_LIBRARY:
		return agents__list(signs, tell->text);
	default:
		return false;
	}
}

const struct software *software__find(const struct software_signs *signs)
{
	for (size_t i = 0; i < software_count; i++) {
		const struct software *software = &software_table[i];

		for (size_t t = 0; t < SOFTWARE_TELLS_MAX; t++)
			if (software->kind != SOFTWARE_LIBRARY &&
				tell__fits(&software->tells[t], signs))
				return software;
	}
	return NULL;
}
