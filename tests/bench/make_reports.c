/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * make_reports DIRECTORY COUNT: writes so many reports there, one of each host of a fleet, as a day
 * of tracing leaves them: services that run everywhere, some that run on a part of the hosts, and
 * one of the host's own. The same count gives the same files.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT_MAX      1000000
#define SHARED_CALLERS 12 /* of a host's callers, those that others have as well */
#define KINDS          60 /* of such callers in the fleet */
#define PATHS          8
#define BUCKETS        96 /* a day: the first minute of each quarter of an hour */

static const char *const paths[PATHS] = {
	"/latest/meta-data/ami-id",
	"/latest/meta-data/instance-id",
	"/latest/meta-data/local-ipv4",
	"/latest/meta-data/placement/region",
	"/latest/meta-data/iam/security-credentials/",
	"/latest/meta-data/iam/security-credentials/role",
	"/latest/dynamic/instance-identity/document",
	"/latest/user-data",
};

static void put_caller(FILE *out, const char *service, unsigned int number, unsigned int host)
{
	unsigned int v1 = number % 4 ? 0 : 8 * (1 + host % 5), v2 = 160 + host % 7 * 8;

	fprintf(out,
		"{\"name\":\"%s-%u\",\"comm\":\"%s\",\"exe\":\"/opt/%s/%u/bin/%s\",\"script\":null,"
		"\"uid\":%u,\"args\":[\"/opt/%s/%u/bin/%s\",\"--serve\"],\"parent\":\"systemd\","
		"\"pids\":[%u],\"processes\":1,\"unit\":\"%s-%u.service\",\"slice\":\"system."
		"slice\","
		"\"container\":null,\"pod\":null,"
		"\"user_agents\":[\"Boto3/1.%u.0 Python/3.11 Botocore/1.%u.0\"],"
		"\"calls\":{\"v1\":%u,\"v2\":%u,\"token\":24,\"foreign\":0,\"unknown\":0},"
		"\"outcomes\":{\"v1\":{\"ok\":%u,\"rejected\":0,\"other\":0,\"none\":0}},\"paths\":"
		"[",
		service, number, service, service, number, service, number % 3, service, number,
		service, 1000 + number, service, number, 9 + number % 26, 12 + number % 26, v1, v2,
		v1);
	for (unsigned int i = 0; i < PATHS; i++)
		fprintf(out,
			"%s{\"method\":\"GET\",\"path\":\"%s\",\"class\":\"%s\",\"count\":%u,"
			"\"first\":\"2026-01-01T00:00:%02uZ\",\"last\":\"2026-01-01T23:59:%02uZ\"}",
			i ? "," : "", paths[i], v1 ? "v1" : "v2", (v1 ? v1 : v2) / PATHS, i, i);
	fputs("],\"first\":\"2026-01-01T00:00:00Z\",\"last\":\"2026-01-01T23:59:59Z\"}", out);
}

static void put_timeline(FILE *out, unsigned int host)
{
	fputs("],\"timeline\":[", out);
	for (unsigned int i = 0; i < BUCKETS; i++)
		fprintf(out,
			"%s{\"start\":\"2026-01-01T%02u:%02u:00Z\",\"seconds\":60,\"v1\":%u,\"v2\":"
			"%u,"
			"\"token\":3,\"foreign\":0,\"unknown\":0}",
			i ? "," : "", i / 4, i % 4 * 15, host % 5, 20 + host % 7);
	fputs("],\"next_steps\":[]}\n", out);
}

static void put_report(FILE *out, unsigned int host)
{
	fprintf(out,
		"{\"schema\":\"imdstrace.report/1\",\"version\":\"0.1.0\","
		"\"hosts\":[{\"hostname\":\"host-%u\",\"machine_id\":\"%032x\","
		"\"kernel\":\"6.1.0-21-cloud-amd64\",\"instance_id\":\"i-%017x\",\"region\":\"eu-"
		"west-1\"}],"
		"\"windows\":[{\"host\":\"%032x\",\"boot_id\":\"boot-%u\","
		"\"start\":\"2026-01-01T00:00:00Z\",\"end\":\"2026-01-02T00:00:00Z\",\"hooks\":"
		"\"fentry\","
		"\"responses\":true}],\"verdict\":\"blocked\",\"reasons\":[],"
		"\"totals\":{\"v1\":480,\"v2\":2000,\"token\":312,\"foreign\":0,\"unknown\":0,"
		"\"lost\":0},"
		"\"callers\":[",
		host, host, host, host, host);
	for (unsigned int i = 0; i < SHARED_CALLERS; i++) {
		put_caller(out, "service", (host * 7 + i * 5) % KINDS, host);
		putc(',', out);
	}
	put_caller(out, "own", host, host);
	put_timeline(out, host);
}

static int write_report(const char *directory, unsigned int host)
{
	char path[4096];
	FILE *out;

	if ((size_t)snprintf(path, sizeof(path), "%s/%06u.json", directory, host) >= sizeof(path))
		return -ENAMETOOLONG;
	out = fopen(path, "w");
	if (!out)
		return -errno;
	put_report(out, host);
	return fclose(out) ? -errno : 0;
}

int main(int argc, char **argv)
{
	long count = argc == 3 ? strtol(argv[2], NULL, 10) : 0;

	if (count < 1 || count > COUNT_MAX) {
		fprintf(stderr, "Usage: make_reports DIRECTORY COUNT\n");
		return 2;
	}
	for (unsigned int host = 0; host < count; host++) {
		int error = write_report(argv[1], host);

		if (error) {
			fprintf(stderr, "make_reports: %s: %s\n", argv[1], strerror(-error));
			return 1;
		}
	}
	return 0;
}
