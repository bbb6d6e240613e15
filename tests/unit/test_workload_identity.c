/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which units, containers and pods are one service. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "lib/array.h"
#include "process/workload.h"

#define ID    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define OTHER "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"

#define CONTAINER(by, id, called)                                            \
	{                                                                    \
		.container = {(char *)(by), (char *)(id), (char *)(called) } \
	}
#define IMAGE(by, id, called, of)                                                          \
	{                                                                                  \
		.container = {(char *)(by), (char *)(id), (char *)(called), (char *)(of) } \
	}
#define POD_OF(uid, name, namespace, id, of)                                                \
	{                                                                                   \
		.pod = {(char *)(uid), (char *)(name), (char *)(namespace)}, .container = { \
			(char *)"containerd",                                               \
			(char *)(id),                                                       \
			(char *)(of)                                                        \
		}                                                                           \
	}
#define UNIT(called)                     \
	{                                \
		.unit = (char *)(called) \
	}

static const struct {
	const char *name;
	bool same;
	struct workload a, b;
} pairs[] = {
	{"no workload", true, {0}, {0}},
	{"a unit", true, UNIT("etl.service"), UNIT("etl.service")},
	{"two units", false, UNIT("etl.service"), UNIT("web.service")},
	{"two instances of a template", false, UNIT("w@1.service"), UNIT("w@2.service")},
	{"each cron job's session", true, UNIT("session-3.scope"), UNIT("session-412.scope")},
	{"a session of a container", true, UNIT("session-c1.scope"), UNIT("session-7.scope")},
	{"a unit that only looks like a session", false, UNIT("session-manager.service"),
		UNIT("session-3.scope")},
	{"what systemd-run starts", true, UNIT("run-u12.service"), UNIT("run-u7.service")},
	{"what a newer systemd-run starts", true, UNIT("run-p12-i34.scope"),
		UNIT("run-p7-i8.scope")},
	{"units called run-something", false, UNIT("run-backup.service"), UNIT("run-etl.service")},
	{"a container of that name, started again", true, CONTAINER("docker", ID, "orders"),
		CONTAINER("docker", OTHER, "orders")},
	{"containers of two names", false, CONTAINER("docker", ID, "orders"),
		CONTAINER("docker", OTHER, "web")},
	{"of two runtimes", false, CONTAINER("docker", ID, "web"), CONTAINER("podman", ID, "web")},
	{"containers without a name, which their arguments tell apart", true,
		CONTAINER("docker", ID, NULL), CONTAINER("docker", OTHER, NULL)},
	{"a container without a name, again", true, CONTAINER("docker", ID, NULL),
		CONTAINER("docker", ID, NULL)},
	{"containers of one image", true, IMAGE("docker", ID, NULL, "shop/etl"),
		IMAGE("docker", OTHER, "brave_turing", "shop/etl")},
	{"of two versions of an image", true, IMAGE("docker", ID, NULL, "reg:5000/shop/etl:1.2"),
		IMAGE("docker", OTHER, NULL, "reg:5000/shop/etl:1.3@sha256:00ff")},
	{"of two images", false, IMAGE("docker", ID, NULL, "reg:5000/shop/etl"),
		IMAGE("docker", OTHER, NULL, "reg:5000/shop/web")},
	{"of two registries", false, IMAGE("docker", ID, NULL, "reg:5000/etl"),
		IMAGE("docker", OTHER, NULL, "reg:5001/etl")},
	{"of two builds that have nothing but an id", true, IMAGE("docker", ID, NULL, "sha256:" ID),
		IMAGE("docker", OTHER, NULL, "3f57d9401f8d")},
	{"of one image, of which one has a name", false, IMAGE("docker", ID, "web", "shop/etl"),
		IMAGE("docker", OTHER, NULL, "shop/etl")},
	{"a container of that name, with another image", true,
		IMAGE("docker", ID, "web", "shop/web:1"),
		IMAGE("docker", OTHER, "web", "other/web:2")},
	{"ECS tasks of one image", true, IMAGE("ecs", ID, "web", "shop/web:1"),
		IMAGE("ecs", OTHER, "web", "shop/web:2")},
	{"a name that is another's id", false, CONTAINER("lxc", "web", NULL),
		CONTAINER("lxc", "x", "web")},
	{"ECS tasks of one family", true, CONTAINER("ecs", ID, "shop/web"),
		CONTAINER("ecs", OTHER, "shop/web")},
	{"ECS tasks of who knows what", false, CONTAINER("ecs", ID, "web"),
		CONTAINER("ecs", OTHER, "web")},
	{"pods of a Deployment, over a roll-out", true,
		POD_OF("u1", "web-5d8c7f9b6c-x7x2k", "shop", "1", "app"),
		POD_OF("u2", "web-bc4d7f9b9z-qq2zv", "shop", "2", "app")},
	{"pods of a DaemonSet", true, POD_OF("u1", "web-x7x2k", "shop", "1", "app"),
		POD_OF("u2", "web-qq2zv", "shop", "2", "app")},
	{"pods of a StatefulSet", true, POD_OF("u1", "db-0", "shop", "1", "app"),
		POD_OF("u2", "db-11", "shop", "2", "app")},
	{"pods of a CronJob", true, POD_OF("u1", "tag-28374650-x7x2k", "shop", "1", "app"),
		POD_OF("u2", "tag-28374651-qq2zv", "shop", "2", "app")},
	{"pods of two Deployments", false, POD_OF("u1", "web-5d8c7f9b6c-x7x2k", "shop", "1", "app"),
		POD_OF("u2", "api-5d8c7f9b6c-x7x2k", "shop", "2", "app")},
	{"a pod's two containers", false, POD_OF("u1", "web-0", "shop", "1", "app"),
		POD_OF("u1", "web-0", "shop", "2", "proxy")},
	{"pods in two namespaces", false, POD_OF("u1", "web-0", "shop", "1", "app"),
		POD_OF("u2", "web-0", "test", "2", "app")},
	{"pods that nothing names", false, POD_OF("u1", NULL, NULL, "1", "app"),
		POD_OF("u2", NULL, NULL, "2", "app")},
	{"pods of names that a person chose", false, POD_OF("u1", "web-proxy", "shop", "1", "app"),
		POD_OF("u2", "web-cache", "shop", "2", "app")},
	{"a name that is nothing but a number", false, POD_OF("u1", "-0", "shop", "1", "app"),
		POD_OF("u2", "-1", "shop", "2", "app")},
};

static void replicas_are_one_workload(void **state)
{
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		const struct workload *a = &pairs[i].a, *b = &pairs[i].b;

		if (workload__same(a, b) != pairs[i].same || workload__same(b, a) != pairs[i].same)
			fail_msg("%s", pairs[i].name);
		if ((workload__hash(1, a) == workload__hash(1, b)) != pairs[i].same)
			fail_msg("%s: the hash", pairs[i].name);
	}
}

static void replicas_go_by_what_they_share(void **state)
{
	static const struct {
		const char *name, *shown;
	} cases[] = {
		{"web-5d8c7f9b6c-x7x2k", "web-*"},
		{"my-agent-x7x2k", "my-agent-*"},
		{"db-0", "db-*"},
		{"web-proxy", "web-proxy"},
		{"x7x2k", "x7x2k"},
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct pod pod = {.name = (char *)cases[i].name};
		char *shown = pod__replicas(&pod);

		assert_string_equal(shown, cases[i].shown);
		free(shown);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replicas_are_one_workload),
		cmocka_unit_test(replicas_go_by_what_they_share),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
