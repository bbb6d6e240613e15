/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A report with something of everything, made as the tracer makes one. */
#ifndef IMDSTRACE_RICH_REPORT_H
#define IMDSTRACE_RICH_REPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "lib/array.h"
#include "lib/clock.h"
#include "report/report.h"

#define RICH_START    (1772438400 * NSEC_PER_SEC) /* 2026-03-02 08:00 UTC */
#define RICH_MINUTE   (60 * NSEC_PER_SEC)
#define RICH_INSTANCE "i-0123456789abcdef0"
#define RICH_HOST     "0f3a51c2d6b04a1f8f0c9a7e7d3b2a10"
#define RICH_CALLERS  ARRAY_SIZE(rich_callers)

struct rich_path {
	const char *method, *path;
	enum request_class cls;
	unsigned int count, every; /* minutes */
};

/* The first path's first call is at minute `first`. */
static const struct rich_caller {
	const char *comm, *exe, *script, *parent, *parent_script, *unit;
	const char *runtime, *id, *name, *pod, *namespace;
	uint32_t uid;
	const char *args[6];
	const char *agents[2];
	struct rich_path paths[5];
	uint64_t calls[CLASS_COUNT];
	uint64_t answers[CLASS_COUNT][OUTCOME_COUNT];
	unsigned int processes, first;
} rich_callers[] = {
	{
		.comm = "python3",
		.exe = "/usr/bin/python3.11",
		.script = "/opt/etl/load.py",
		.parent = "/usr/bin/bash",
		.parent_script = "/etc/cron.daily/tag",
		.unit = "etl.service",
		.uid = 1001,
		.args = {"python3", "/opt/etl/load.py", "--bucket", "orders, all", "--since=1d"},
		.agents = {"Boto3/1.9.42 Python/3.7.3 Linux/5.10 Botocore/1.12.42"},
		.paths = {{"GET", "/latest/meta-data/iam/security-credentials/", CLASS_V1, 96, 15},
			{"GET", "/latest/meta-data/iam/security-credentials/etl-role", CLASS_V1, 96,
				15},
			{"GET", "/latest/meta-data/placement/region?x=1|2", CLASS_V1, 12, 120}},
		.calls = {[CLASS_V1] = 210},
		.answers = {[CLASS_V1] = {190, 8, 2, 0}},
		.processes = 96,
		.first = 5,
	},
	{
		.comm = "node",
		.exe = "/usr/local/bin/node",
		.script = "/srv/orders/index.js",
		.parent = "/usr/bin/containerd-shim",
		.runtime = "docker",
		.id = "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00",
		.name = "orders",
		.uid = 1000,
		.args = {"node", "/srv/orders/index.js"},
		.agents = {"aws-sdk-nodejs/2.1692.0 linux/v18.19.0"},
		.paths = {{"GET", "/latest/meta-data/iam/security-credentials/", CLASS_V1, 24, 60},
			{"PUT", "/latest/api/token", CLASS_TOKEN, 24, 60}},
		.calls = {[CLASS_V1] = 24, [CLASS_TOKEN] = 24},
		.answers = {[CLASS_V1] = {24, 0, 0, 0}},
		.processes = 1,
		.first = 30,
	},
	{
		.comm = "agent",
		.exe = "/opt/agent/bin/agent",
		.runtime = "containerd",
		.id = "feedfacefeedfacefeedfacefeedfacefeedfacefeedfacefeedfacefeedface",
		.pod = "shop-7d9f",
		.namespace = "shop",
		.agents = {"aws-sdk-go/1.51.0 (go1.21.9; linux; amd64)", "Go-http-client/1.1"},
		.paths = {{"GET", "/latest/meta-data/instance-id", CLASS_V1, 2, 700},
			{"GET", "/latest/dynamic/instance-identity/document", CLASS_V2, 240, 6},
			{"PUT", "/latest/api/token", CLASS_TOKEN, 24, 60}},
		.calls = {[CLASS_V1] = 2, [CLASS_V2] = 240, [CLASS_TOKEN] = 24},
		.answers = {[CLASS_V1] = {0, 2, 0, 0},
			[CLASS_V2] = {240, 0, 0, 0},
			[CLASS_TOKEN] = {24, 0, 0, 0}},
		.processes = 3,
		.first = 1,
	},
	{
		.comm = "legacy-probe",
		.exe = "/opt/probe/legacy-probe",
		.parent = "/usr/lib/systemd/systemd",
		.unit = "probe.service",
		.paths = {{NULL, NULL, CLASS_UNKNOWN, 3, 200}},
		.calls = {[CLASS_UNKNOWN] = 3},
		.processes = 1,
		.first = 100,
	},
	{
		.comm = "cloud-init",
		.exe = "/usr/bin/python3.11",
		.script = "/usr/bin/cloud-init",
		.parent = "/usr/lib/systemd/systemd",
		.unit = "cloud-init.service",
		.agents = {"Cloud-Init/23.4"},
		.paths = {{"GET", "/2021-03-23/meta-data/", CLASS_V2, 40, 1},
			{"PUT", "/latest/api/token", CLASS_TOKEN, 1, 1}},
		.calls = {[CLASS_V2] = 40, [CLASS_TOKEN] = 1},
		.answers = {[CLASS_V2] = {40, 0, 0, 0}, [CLASS_TOKEN] = {1, 0, 0, 0}},
		.processes = 1,
		.first = 0,
	},
	{
		.comm = "otelcol",
		.exe = "/usr/bin/otelcol",
		.parent = "/usr/lib/systemd/systemd",
		.unit = "otelcol.service",
		.paths = {{"GET", "/computeMetadata/v1/instance/id", CLASS_FOREIGN, 4, 300}},
		.calls = {[CLASS_FOREIGN] = 4},
		.answers = {[CLASS_FOREIGN] = {0, 0, 4, 0}},
		.processes = 1,
		.first = 0,
	},
};

/* What a stranger writes in place of each of a caller's texts; NULL: nothing. */
static const char *rich__text(const char *text, const char *hostile)
{
	return text && hostile ? hostile : text;
}

static void rich__add_requests(struct report *report, struct caller *caller,
	const struct rich_caller *like, const char *hostile)
{
	for (size_t i = 0; i < 5 && like->paths[i].count; i++) {
		const struct rich_path *path = &like->paths[i];

		for (unsigned int n = 0; n < path->count; n++) {
			const struct request request = {
				.cls = path->cls,
				.time = RICH_START + (like->first + n * path->every) * RICH_MINUTE,
				.method = rich__text(path->method, hostile),
				.path = rich__text(path->path, hostile),
				.agent = rich__text(like->agents[n % 2], hostile),
				.path_cut = hostile && strlen(hostile) > 255,
			};

			assert_int_equal(report__add_request(report, caller, &request), 0);
		}
	}
}

static void rich__add_caller(
	struct report *report, const struct rich_caller *like, const char *hostile)
{
	struct process process = {
		.uid = like->uid,
		.comm = (char *)rich__text(like->comm, hostile),
		.exe = (char *)rich__text(like->exe, hostile),
		.script = (char *)rich__text(like->script, hostile),
		.args_cut = !like->uid,
		.ancestor_count = like->parent ? 1 : 0,
		.ancestry[0] = {.pid = 2,
			.comm = (char *)rich__text(like->parent, hostile),
			.exe = (char *)rich__text(like->parent, hostile),
			.script = (char *)rich__text(like->parent_script, hostile)},
		.workload = {.unit = (char *)rich__text(like->unit, hostile),
			.slice = (char *)rich__text(like->unit ? "system.slice" : NULL, hostile),
			.container = {(char *)rich__text(like->runtime, hostile),
				(char *)rich__text(like->id, hostile),
				(char *)rich__text(like->name, hostile)},
			.pod = {(char *)rich__text(like->pod ? "11111111-2222" : NULL, hostile),
				(char *)rich__text(like->pod, hostile),
				(char *)rich__text(like->namespace, hostile)}},
	};
	char *args[7] = {NULL};
	struct caller *caller = NULL;

	for (size_t i = 0; i < 6; i++)
		args[i] = (char *)rich__text(like->args[i], hostile);
	process.args = args;
	for (unsigned int i = 0; i < like->processes; i++) {
		process.key.pid = 300 + i;
		caller = report__caller(report, &process, true, rich__text(RICH_INSTANCE, hostile));
	}
	assert_non_null(caller);
	rich__add_requests(report, caller, like, hostile);
	report__add_calls(caller, like->calls, like->answers);
	caller->unknown[UNKNOWN_NOT_HTTP] = like->calls[CLASS_UNKNOWN];
	for (int c = 0; c < CLASS_COUNT; c++)
		count__add(&report->totals[c], like->calls[c]);
}

static void rich__add_windows(struct report *report, const char *hostile)
{
	const struct report_host host = {
		.hostname = (char *)rich__text("web-1.example.com", hostile),
		.machine_id = (char *)RICH_HOST,
		.kernel = (char *)rich__text("6.1.94-99.176.amzn2023.x86_64", hostile),
		.instance_id = (char *)rich__text(RICH_INSTANCE, hostile),
		.region = (char *)rich__text("eu-west-1", hostile),
	};
	struct window window = {
		.host = host.instance_id,
		.machine_id = host.machine_id,
		.boot_id = (char *)"5d2d5a0e-1111-4222-8333-444455556666",
		.start = RICH_START,
		.end = RICH_START + 700 * RICH_MINUTE,
		.booted = RICH_START - RICH_MINUTE,
		.responses = true,
		.hooks = (char *)rich__text("fentry", hostile),
	};

	assert_int_equal(report__add_host(report, &host), 0);
	assert_int_equal(report__add_window(report, &window), 0);
	window.start = RICH_START + 760 * RICH_MINUTE;
	window.end = RICH_START + 1500 * RICH_MINUTE;
	assert_int_equal(report__add_window(report, &window), 0);
}

/* hostile: what every text is that a process or a host chooses; NULL: something ordinary. The
 * caller frees. */
static inline struct report *rich__report(const char *hostile)
{
	struct report *report = report__new();

	assert_non_null(report);
	free(report->version);
	report->version = strdup("1.2.3");
	assert_non_null(report->version);
	rich__add_windows(report, hostile);
	for (size_t i = 0; i < RICH_CALLERS; i++)
		rich__add_caller(report, &rich_callers[i], hostile);
	report->unknown[UNKNOWN_NOT_HTTP] = 3;
	report->lost = 6;
	report->missed = 1;
	report->missed_kinds[MISSED_CONNECTIONS] = 1;
	report__sort(report);
	return report;
}

#endif
