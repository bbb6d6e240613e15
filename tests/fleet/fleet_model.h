/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The rules of a made-up fleet: which callers are on which host, and what they call. */
#ifndef IMDSTRACE_FLEET_MODEL_H
#define IMDSTRACE_FLEET_MODEL_H

#include <stdbool.h>
#include <stdio.h>

#define COUNT_MAX 100000
#define DAY       86400
#define START     1772409600L /* 2026-03-02T00:00:00Z, a Monday */
#define WEEKS_2   (14L * DAY)
#define FIXED_AT  (START + 5L * DAY) /* the last call of those that were fixed */

enum { V1, V2, TOKEN, FOREIGN, UNKNOWN, CLASSES };
static const char *const class_names[CLASSES] = {"v1", "v2", "token", "foreign", "unknown"};

static const char *const regions[] = {"eu-west-1", "us-east-1", "ap-south-1", "us-west-2"};
static const char *const accounts[] = {"111122223333", "444455556666", "777788889999"};

struct caller {
	const char *key; /* by which the truth names it */
	const char *name, *exe, *script, *parent, *unit, *container, *agent;
	const char *pattern;
	bool own_network;
	bool (*runs_on)(unsigned int host);
	bool (*is_fixed_on)(unsigned int host); /* NULL: nowhere */
	unsigned long (*calls)(unsigned int host, int cls);
};

static bool on_etl(unsigned int host)
{
	return host % 7 == 0;
}
static bool etl_fixed(unsigned int host)
{
	return host % 21 == 0;
}
static bool on_tag(unsigned int host)
{
	return host % 5 == 1;
}
static bool tag_fixed(unsigned int host)
{
	return host % 2 == 0;
}
static bool on_backup(unsigned int host)
{
	return host % 11 == 2;
}
static bool on_orders(unsigned int host)
{
	return host % 27 < 4 && host % 5 != 1;
}
static bool on_agent(unsigned int host)
{
	return host || true;
}
static bool on_otelcol(unsigned int host)
{
	return host % 3 == 0;
}
static bool on_probe(unsigned int host)
{
	return host % 97 == 5;
}
static bool on_own(unsigned int host)
{
	return host % 13 == 4;
}
static bool on_mixed(unsigned int host)
{
	return host % 41 == 6;
}
static bool on_queue(unsigned int host)
{
	return host % 17 == 10;
}

static unsigned long v1_calls(unsigned int host, int cls)
{
	return cls == V1 ? 10 + host % 7 : 0;
}
static unsigned long cron_calls(unsigned int host, int cls)
{
	return cls == V1 ? 14 + host % 3 : 0;
}
static unsigned long agent_calls(unsigned int host, int cls)
{
	return cls == V2 ? 300 + host % 50 : cls == TOKEN ? 14 : 0;
}
static unsigned long fallback_calls(unsigned int host, int cls)
{
	return cls == V1 ? 40 + host % 9 : cls == TOKEN ? 40 : 0;
}
static unsigned long token_calls(unsigned int host, int cls)
{
	return cls == TOKEN ? 20 + host % 6 : 0;
}
static unsigned long foreign_calls(unsigned int host, int cls)
{
	return cls == FOREIGN ? 3 + host % 4 : 0;
}
static unsigned long unknown_calls(unsigned int host, int cls)
{
	return cls == UNKNOWN ? 1 + host % 2 : 0;
}
static unsigned long mixed_calls(unsigned int host, int cls)
{
	return cls == V1 ? 2 : cls == V2 ? 90 + host % 11 : cls == TOKEN ? 3 : 0;
}

static const struct caller callers[] = {
	{"etl", "python3 /opt/etl/load.py", "/usr/bin/python3.11", "/opt/etl/load.py", "systemd",
		"etl.service", NULL, "Boto3/1.9.42 Python/3.7.3 Linux/5.10 Botocore/1.12.42",
		"v1-only", false, on_etl, etl_fixed, v1_calls},
	{"tag", "curl", "/usr/bin/curl", NULL, "bash /etc/cron.daily/tag", "cron.service", NULL,
		"curl/7.88.1", "v1-only", false, on_tag, tag_fixed, cron_calls},
	{"backup", "curl", "/usr/bin/curl", NULL, "bash /etc/cron.daily/backup", "cron.service",
		NULL, "curl/7.88.1", "v1-only", false, on_backup, NULL, cron_calls},
	{"orders", "node /srv/orders/index.js", "/usr/bin/node", "/srv/orders/index.js",
		"containerd-shim", NULL, "orders", "aws-sdk-nodejs/2.1692.0 linux/v18.20.4",
		"fallback", true, on_orders, NULL, fallback_calls},
	{"agent", "amazon-ssm-agent", "/usr/bin/amazon-ssm-agent", NULL, "systemd",
		"amazon-ssm-agent.service", NULL, "aws-sdk-go/1.55.5 (go1.22.5; linux; amd64)",
		"v2-only", false, on_agent, NULL, agent_calls},
	{"otelcol", "otelcol", "/usr/bin/otelcol", NULL, "systemd", "otelcol.service", NULL,
		"Go-http-client/1.1", "foreign-only", false, on_otelcol, NULL, foreign_calls},
	{"probe", "legacy-probe", "/opt/probe/legacy-probe", NULL, "systemd", "probe.service", NULL,
		NULL, "unknown", false, on_probe, NULL, unknown_calls},
	{"mixed", "agentd", "/opt/agentd/agentd", NULL, "systemd", "agentd.service", NULL,
		"aws-sdk-go/1.51.0 (go1.21; linux; amd64)", "mixed", false, on_mixed, NULL,
		mixed_calls},
	/* It never falls back, so it blocks nothing, but its tokens never reach it. */
	{"queue", "queued", "/opt/queue/queued", NULL, "containerd-shim", NULL, "queue",
		"aws-sdk-go-v2/1.30.3 os/linux lang/go#1.22.5 md/GOOS#linux ft/ec2-imds", "v2-only",
		true, on_queue, NULL, token_calls},
	{"own", NULL, "/usr/bin/python3.11", NULL, "systemd", "app.service", NULL,
		"Python-urllib/3.11", "v1-only", false, on_own, NULL, v1_calls},
};

#define CALLERS (sizeof(callers) / sizeof(callers[0]))

struct fleet {
	unsigned int count;
	long end; /* of the last window */
	const char *directory;
};

static unsigned long clones_of(unsigned int host)
{
	/* Four of fifty were made from one image with its machine id in it. */
	return host % 50 < 4 ? host / 50 * 50 : host;
}

static long watched_seconds(const struct fleet *fleet, unsigned int host)
{
	long whole = fleet->end - START;

	if (host % 29 == 7)
		return 6L * 3600;
	return host % 31 == 8 ? whole - 3L * 3600 : whole;
}

static unsigned long lost(unsigned int host)
{
	return host % 101 == 9 ? 3 : 0;
}

static const char *region_of(unsigned int host)
{
	return regions[host / 3 % 4];
}
static const char *account_of(unsigned int host)
{
	return accounts[host % 3];
}

static const char *caller_name(
	const struct caller *caller, unsigned int host, char *own, size_t size)
{
	if (caller->name)
		return caller->name;
	snprintf(own, size, "python3 /srv/app-%u/sync.py", host);
	return own;
}

static bool is_fixed(const struct fleet *fleet, const struct caller *caller, unsigned int host)
{
	return caller->is_fixed_on && caller->is_fixed_on(host) && fleet->end > FIXED_AT + DAY &&
	       watched_seconds(fleet, host) >= DAY;
}

/* First and last call of a caller; what is watched for six hours only has called in them. */
static long first_call(unsigned int host)
{
	return START + 60 * (5 + host % 50);
}
static long last_call(const struct fleet *fleet, const struct caller *caller, unsigned int host)
{
	if (watched_seconds(fleet, host) < DAY)
		return START + 5L * 3600;
	return is_fixed(fleet, caller, host) ? FIXED_AT : fleet->end - 3600;
}

static unsigned long calls_of(
	const struct fleet *fleet, const struct caller *caller, unsigned int host, int cls)
{
	/* Since it was fixed it speaks v2. */
	if (cls == V2 && is_fixed(fleet, caller, host))
		return 20 + host % 5;
	if (cls == TOKEN && is_fixed(fleet, caller, host))
		return 5;
	return caller->calls(host, cls);
}

#endif
