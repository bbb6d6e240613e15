/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Names of units, containers, pods, cgroups and processes, found in trees of every shape. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "lib/array.h"
#include "process/cgroups.h"
#include "process/process_scope.h"
#include "root_fixture.h"

#define ID_1  "1111111111111111111111111111111111111111111111111111111111111111"
#define ID_2  "1111222222222222222222222222222222222222222222222222222222222222"
#define ID_3  "3333333333333333333333333333333333333333333333333333333333333333"
#define UID_1 "0a1b2c3d-0000-4000-8000-000000000001"
#define UID_2 "0a1b2c3d-0000-4000-8000-000000000002"
#define POD_1                                       \
	"/kubepods.slice/kubepods-burstable.slice/" \
	"kubepods-burstable-pod0a1b2c3d_0000_4000_8000_000000000001.slice"
#define POD_2                                       \
	"/kubepods.slice/kubepods-burstable.slice/" \
	"kubepods-burstable-pod0a1b2c3d_0000_4000_8000_000000000002.slice"

static void put_cgroup(const char *mount, const char *path)
{
	char file[PATH_MAX];

	snprintf(file, sizeof(file), "%s%s/cgroup.procs", mount, path);
	put(file, "");
}

static void put_docker_name(const char *id, const char *name)
{
	char file[PATH_MAX], content[256];

	snprintf(file, sizeof(file), "/var/lib/docker/containers/%s/config.v2.json", id);
	snprintf(content, sizeof(content), "{\"Name\":\"/%s\"}", name);
	put(file, content);
}

/* Version 2 alone: a machine with systemd, docker and a kubelet. */
static void make_version_2(void)
{
	static const char *const cgroups[] = {
		"/init.scope",
		"/system.slice/etl.service",
		"/system.slice/etl.service/worker",
		"/system.slice/cron.service",
		"/system.slice/docker-" ID_1 ".scope",
		"/system.slice/docker-" ID_2 ".scope/init",
		"/user.slice/user-0.slice/user@0.service/app.slice/sync.service",
		"/user.slice/user-7.slice/user@7.service/app.slice/sync.service",
		POD_1 "/cri-containerd-" ID_3 ".scope",
		POD_2,
	};

	put("/sys/fs/cgroup/cgroup.controllers", "cpu memory pids\n");
	for (size_t i = 0; i < ARRAY_SIZE(cgroups); i++)
		put_cgroup("/sys/fs/cgroup", cgroups[i]);
	put_docker_name(ID_1, "orders");
	put_docker_name(ID_2, "web");
	put("/var/log/containers/web-0_shop_app-" ID_3 ".log", "");
	put("/var/log/pods/shop_web-0_" UID_1 "/x", "");
	put("/var/log/pods/test_web-0_" UID_2 "/x", "");
}

/* Version 1 with systemd's hierarchy and, where hybrid, version 2 beside it. */
static void make_version_1(bool hybrid)
{
	static const char *const hierarchies[] = {"systemd", "pids", "memory", "cpu"};

	for (size_t i = 0; i < ARRAY_SIZE(hierarchies); i++) {
		char mount[64];

		snprintf(mount, sizeof(mount), "/sys/fs/cgroup/%s", hierarchies[i]);
		put_cgroup(mount, "");
		put_cgroup(mount, "/docker/" ID_1);
		if (i != 3)
			put_cgroup(mount, "/system.slice/etl.service");
	}
	if (hybrid) {
		put("/sys/fs/cgroup/unified/cgroup.controllers", "");
		put_cgroup("/sys/fs/cgroup/unified", "/system.slice/etl.service");
	}
	put_docker_name(ID_1, "orders");
}

struct expected {
	enum scope_kind kind;
	const char *what;
	int error;
	const char *name; /* of the scope, or a part of the sentence */
	const char *paths[3];
};

static void expect(const struct expected *expected)
{
	struct process_scope scope;
	char *why;
	int error = process_scope__resolve(&scope, expected->kind, expected->what, root, &why);

	if (error != expected->error)
		fail_msg("%s: %d, %s", expected->what, error, why ? why : "");
	if (error) {
		if (!strstr(why, expected->name))
			fail_msg("%s: \"%s\"", expected->what, why);
		free(why);
		return;
	}
	assert_string_equal(scope.name, expected->name);
	assert_int_equal(scope.kind, expected->kind);
	for (size_t i = 0; i < ARRAY_SIZE(expected->paths) && expected->paths[i]; i++) {
		if (i >= scope.cgroup_count)
			fail_msg("%s: no %s", expected->what, expected->paths[i]);
		assert_string_equal(scope.cgroups[i], expected->paths[i]);
		assert_true(scope.cgroup_count <= i + 1 || expected->paths[i + 1]);
	}
	process_scope__clear(&scope);
}

static void names_are_found_on_version_2(void **state)
{
	static const struct expected cases[] = {
		{SCOPE_UNIT, "etl.service", 0, "unit etl.service", {"/system.slice/etl.service"}},
		{SCOPE_UNIT, "etl", 0, "unit etl.service", {"/system.slice/etl.service"}},
		{SCOPE_UNIT, "init.scope", 0, "unit init.scope", {"/init.scope"}},
		{SCOPE_UNIT, "system.slice", 0, "unit system.slice", {"/system.slice"}},
		{SCOPE_UNIT, "kubepods-burstable.slice", 0, "unit kubepods-burstable.slice",
			{"/kubepods.slice/kubepods-burstable.slice"}},
		{SCOPE_UNIT, "sync", -EEXIST, "\"sync.service\" fits 2 units: /user.slice/user-",
			{NULL}},
		{SCOPE_UNIT, "et", -ENOENT,
			"there is no unit \"et.service\"; there are: etl.service, cron.service",
			{NULL}},
		{SCOPE_UNIT, "", -EINVAL, "the unit has no name", {NULL}},
		{SCOPE_UNIT, "\033[31m", -ENOENT, "\\x1b[31m", {NULL}},
		{SCOPE_CONTAINER, "orders", 0, "container orders (111111111111)",
			{"/system.slice/docker-" ID_1 ".scope"}},
		{SCOPE_CONTAINER, ID_2, 0, "container web (111122222222)",
			{"/system.slice/docker-" ID_2 ".scope"}},
		{SCOPE_CONTAINER, "11112", 0, "container web (111122222222)",
			{"/system.slice/docker-" ID_2 ".scope"}},
		{SCOPE_CONTAINER, "1111", -EEXIST,
			"\"1111\" fits 2 containers: orders (111111111111), web (111122222222); "
			"give its whole id",
			{NULL}},
		{SCOPE_CONTAINER, "app", 0, "container app (333333333333)",
			{POD_1 "/cri-containerd-" ID_3 ".scope"}},
		{SCOPE_CONTAINER, "nobody", -ENOENT,
			"there is no container \"nobody\"; there are: app (333333333333), orders "
			"(111111111111), web (111122222222)",
			{NULL}},
		{SCOPE_POD, "shop/web-0", 0, "pod shop/web-0", {POD_1}},
		{SCOPE_POD, "test/web-0", 0, "pod test/web-0", {POD_2}},
		{SCOPE_POD, UID_2, 0, "pod test/web-0", {POD_2}},
		{SCOPE_POD, "web-0", -EEXIST,
			"\"web-0\" fits 2 pods: shop/web-0, test/web-0; give its NAMESPACE/NAME",
			{NULL}},
		{SCOPE_POD, "shop/web-1", -ENOENT,
			"there is no pod \"shop/web-1\"; there are: shop/web-0, test/web-0",
			{NULL}},
		{SCOPE_CGROUP, "/system.slice/etl.service", 0, "cgroup /system.slice/etl.service",
			{"/system.slice/etl.service"}},
		{SCOPE_CGROUP, "/sys/fs/cgroup/system.slice//etl.service/", 0,
			"cgroup /system.slice/etl.service", {"/system.slice/etl.service"}},
		{SCOPE_CGROUP, "system.slice/./etl.service", 0, "cgroup /system.slice/etl.service",
			{"/system.slice/etl.service"}},
		{SCOPE_CGROUP, "/system.slice/gone.service", -ENOENT,
			"there is no cgroup \"/system.slice/gone.service\"", {NULL}},
		{SCOPE_CGROUP, "/", -EINVAL, "is the root, which is everybody: that is --all",
			{NULL}},
		{SCOPE_CGROUP, "/sys/fs/cgroup", -EINVAL, "that is --all", {NULL}},
		{SCOPE_CGROUP, "/system.slice/../etl", -EINVAL, "is no path of a cgroup", {NULL}},
	};

	(void)state;
	make_version_2();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		expect(&cases[i]);
}

static void names_are_found_on_version_1(void **state)
{
	static const struct expected cases[] = {
		{SCOPE_UNIT, "etl", 0, "unit etl.service", {"/system.slice/etl.service"}},
		{SCOPE_CONTAINER, "orders", 0, "container orders (111111111111)",
			{"/docker/" ID_1}},
		{SCOPE_CGROUP, "/sys/fs/cgroup/memory/docker/" ID_1, 0, "cgroup /docker/" ID_1,
			{"/docker/" ID_1}},
		{SCOPE_CGROUP, "/docker/" ID_1, 0, "cgroup /docker/" ID_1, {"/docker/" ID_1}},
		{SCOPE_CGROUP, "/sys/fs/cgroup/memory", -EINVAL, "that is --all", {NULL}},
	};

	(void)state;
	for (int hybrid = 0; hybrid < 2; hybrid++) {
		empty_root(NULL);
		make_version_1(hybrid);
		for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
			expect(&cases[i]);
	}
}

static void a_machine_without_cgroups_says_so(void **state)
{
	static const struct expected cases[] = {
		{SCOPE_UNIT, "etl", -ENOENT, "there is no unit \"etl.service\": no cgroup here is",
			{NULL}},
		{SCOPE_POD, "web", -ENOENT, "there is no pod \"web\": no cgroup here is a pod's",
			{NULL}},
		{SCOPE_CGROUP, "/a", -ENOENT, "there is no cgroup \"/a\" in any hierarchy", {NULL}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		expect(&cases[i]);
}

/* What is not running yet is covered from its first call on. */
static void units_that_do_not_run_are_where_they_will_be(void **state)
{
	static const struct expected cases[] = {
		{SCOPE_UNIT, "backup", 0, "unit backup.service",
			{"/system.slice/backup.service", "/system.slice/_backup.service"}},
		{SCOPE_UNIT, "batch.service", 0, "unit batch.service",
			{"/jobs.slice/jobs-night.slice/batch.service",
				"/jobs.slice/jobs-night.slice/_batch.service"}},
		{SCOPE_UNIT, "dropped.service", 0, "unit dropped.service",
			{"/jobs.slice/dropped.service", "/jobs.slice/_dropped.service"}},
		{SCOPE_UNIT, "top.service", 0, "unit top.service",
			{"/top.service", "/_top.service"}},
		{SCOPE_UNIT, "my-job@7.service", 0, "unit my-job@7.service",
			{"/system.slice/system-my\\x2djob.slice/my-job@7.service",
				"/system.slice/system-my\\x2djob.slice/_my-job@7.service"}},
		{SCOPE_UNIT, "masked.service", -ENOENT, "there is no unit", {NULL}},
		{SCOPE_UNIT, "../backup.service", -ENOENT, "there is no unit", {NULL}},
	};
	struct process_scope scope;
	char *why;

	(void)state;
	put("/usr/lib/systemd/system/backup.service", "[Service]\n");
	put("/etc/systemd/system/batch.service", "[Service]\n Slice = jobs-night.slice \n");
	put("/usr/lib/systemd/system/dropped.service", "[Service]\nSlice=other.slice\n");
	put("/etc/systemd/system/dropped.service.d/slice.conf", "[Service]\nSlice=jobs.slice\n");
	put("/usr/lib/systemd/system/top.service", "[Service]\nSlice=-.slice\n");
	put("/usr/lib/systemd/system/my-job@.service", "[Service]\n");
	put("/etc/systemd/system/masked.service", "");
	assert_int_equal(process_scope__resolve(&scope, SCOPE_UNIT, "backup", root, &why), -ENOENT);
	free(why);
	put("/run/systemd/system/x", "");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		expect(&cases[i]);
	assert_int_equal(process_scope__resolve(&scope, SCOPE_UNIT, "backup", root, &why), 0);
	assert_true(scope.not_running);
	process_scope__clear(&scope);
}

static void what_is_below_belongs_to_it(void **state)
{
	static const struct {
		const char *path;
		bool in;
	} cases[] = {
		{"/system.slice/etl.service", true},
		{"/system.slice/etl.service/worker", true},
		{"/system.slice/etl.service2", false},
		{"/system.slice", false},
		{"/", false},
		{NULL, false},
	};
	struct process_scope scope, all;
	char *why;

	(void)state;
	make_version_2();
	assert_int_equal(process_scope__resolve(&scope, SCOPE_UNIT, "etl", root, &why), 0);
	assert_int_equal(process_scope__all(&all), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(process_scope__has_cgroup(&scope, cases[i].path), cases[i].in);
		assert_true(process_scope__has_cgroup(&all, cases[i].path));
	}
	process_scope__clear(&scope);
	process_scope__clear(&all);
}

static void put_process(unsigned int pid, unsigned int parent, const char *cgroup)
{
	char path[64], content[256];

	snprintf(path, sizeof(path), "/proc/%u/stat", pid);
	snprintf(content, sizeof(content),
		"%u (a b) S %u 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 1 0 100 0\n", pid, parent);
	put(path, content);
	snprintf(path, sizeof(path), "/proc/%u/cgroup", pid);
	put(path, cgroup);
}

static void expect_pids(enum scope_kind kind, const char *what, const char *expected)
{
	struct process_scope scope;
	char *why, text[256] = "";
	uint32_t *pids;
	size_t count, used = 0;

	if (kind == SCOPE_ALL)
		assert_int_equal(process_scope__all(&scope), 0);
	else
		assert_int_equal(process_scope__resolve(&scope, kind, what, root, &why), 0);
	assert_int_equal(process_scope__pids(&scope, root, &pids, &count), 0);
	for (size_t i = 0; i < count; i++)
		used += (size_t)snprintf(
			text + used, sizeof(text) - used, "%s%u", i ? " " : "", pids[i]);
	assert_string_equal(text, expected);
	free(pids);
	process_scope__clear(&scope);
}

static void processes_are_found_with_their_children(void **state)
{
	static const struct expected refused[] = {
		{SCOPE_PID, "4711", -ENOENT, "there is no process 4711", {NULL}},
		{SCOPE_PID, "0", -EINVAL, "is no process's number", {NULL}},
		{SCOPE_PID, "-1", -EINVAL, "is no process's number", {NULL}},
		{SCOPE_PID, "12x", -EINVAL, "is no process's number", {NULL}},
		{SCOPE_PID, "99999999999", -EINVAL, "is no process's number", {NULL}},
	};

	(void)state;
	make_version_2();
	put_process(1, 0, "0::/init.scope\n");
	put_process(20, 1, "0::/system.slice/etl.service\n");
	put_process(15, 30, "0::/system.slice/etl.service/worker\n");
	put_process(30, 20, "0::/system.slice/etl.service\n");
	put_process(40, 1, "0::/system.slice/cron.service\n");
	put("/sys/fs/cgroup/system.slice/etl.service/cgroup.procs", "20\n30\n");
	put("/sys/fs/cgroup/system.slice/etl.service/worker/cgroup.procs", "15\n");
	put("/sys/fs/cgroup/system.slice/cron.service/cgroup.procs", "40\n");
	expect_pids(SCOPE_PID, "20", "15 20 30");
	expect_pids(SCOPE_PID, "40", "40");
	expect_pids(SCOPE_UNIT, "etl", "15 20 30");
	expect_pids(SCOPE_CGROUP, "/system.slice/etl.service/worker", "15");
	expect_pids(SCOPE_ALL, NULL, "1 15 20 30 40");
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		expect(&refused[i]);
}

/* A process is in a cgroup of every hierarchy, and lives in one of them. */
static void one_hierarchy_says_where_a_process_lives(void **state)
{
	(void)state;
	make_version_1(true);
	put_process(50, 1,
		"9:name=systemd:/system.slice/etl.service\n8:pids:/docker/" ID_1
		"\n0::/system.slice/etl.service\n");
	put_process(51, 1, "9:name=systemd:/\n4:cpu,cpuacct:/x\n8:pids:/docker/" ID_1 "\n0::/\n");
	put("/sys/fs/cgroup/unified/system.slice/etl.service/cgroup.procs", "50\n");
	put("/sys/fs/cgroup/pids/docker/" ID_1 "/cgroup.procs", "50\n51\n");
	expect_pids(SCOPE_UNIT, "etl", "50");
	expect_pids(SCOPE_CONTAINER, "orders", "51");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(names_are_found_on_version_2, empty_root),
		cmocka_unit_test_teardown(names_are_found_on_version_1, empty_root),
		cmocka_unit_test_teardown(a_machine_without_cgroups_says_so, empty_root),
		cmocka_unit_test_teardown(units_that_do_not_run_are_where_they_will_be, empty_root),
		cmocka_unit_test_teardown(what_is_below_belongs_to_it, empty_root),
		cmocka_unit_test_teardown(processes_are_found_with_their_children, empty_root),
		cmocka_unit_test_teardown(one_hierarchy_says_where_a_process_lives, empty_root),
	};

	return cmocka_run_group_tests(tests, make_root, remove_root);
}
