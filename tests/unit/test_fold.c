/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "report_fixture.h"

#include "lib/array.h"
#include "report/fold.h"

#define UUID "3f2504e0-4f89-11d3-9a0c-0305e82c3301"

static void what_nobody_chose_is_folded(void **state)
{
	static const struct {
		const char *text, *folded; /* NULL: kept as it is */
	} cases[] = {
		{"/root/.ansible/tmp/ansible-tmp-1700000000.12-345-6789/AnsiballZ_setup.py",
			"/root/.ansible/tmp/ansible-tmp-*/AnsiballZ_setup.py"},
		{"bash /var/lib/amazon/ssm/i-0123456789abcdef0/document/orchestration/" UUID
		 "/awsrunShellScript/0.awsrunShellScript/_script.sh",
			"bash /var/lib/amazon/ssm/i-*/document/orchestration/*/awsrunShellScript/"
			"0.awsrunShellScript/_script.sh"},
		{"/opt/codedeploy-agent/deployment-root/" UUID "/d-ABCDEF123/deployment-archive/"
		 "start.sh",
			"/opt/codedeploy-agent/deployment-root/*/d-*/deployment-archive/start.sh"},
		{"sh /tmp/jenkins8812345678901234567.sh", "sh /tmp/jenkins*.sh"},
		{"/home/j/workspace/x@tmp/durable-1a2b3c4d/script.sh",
			"/home/j/workspace/x@tmp/durable-*/script.sh"},
		{"/actions-runner/_work/_temp/" UUID ".sh", "/actions-runner/_work/_temp/*.sh"},
		{"/tmp/tmp.AbC123xYz0/run.sh", "/tmp/tmp.*/run.sh"},
		{"/tmp/tmpa1b2_c3d/x.py", "/tmp/tmp*/x.py"},
		{"/tmp/deploy.x7Kq2B", "/tmp/deploy.*"},
		{"/tmp/_MEIb3Tq1z/app", "/tmp/_MEI*/app"},
		{"/var/lib/cloud/instances/i-0fedcba9876543210/scripts/part-001",
			"/var/lib/cloud/instances/i-*/scripts/part-001"},
		{"/srv/app1/run.py", NULL},
		{"/srv/app2/run.py", NULL},
		{"/etc/cron.daily/tag", NULL},
		{"/opt/app/deploy.x7Kq2B", NULL},
		{"/tmp/backup.tar", NULL},
		{"/tmp/notes.backup", NULL},
		{"/srv/i-robot/main.py", NULL},
		{"/srv/runner/d-day/x", NULL},
		{"/usr/bin/python3.11", NULL},
		{"", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *folded = fold__text(cases[i].text);

		assert_non_null(folded);
		assert_string_equal(folded, cases[i].folded ? cases[i].folded : cases[i].text);
		free(folded);
	}
	assert_null(fold__text(NULL));
}

/* One process of a caller. */
struct run {
	const char *exe, *script, *container, *name, *pod, *arg, *parent;
};

static struct report *report__of_two(const struct run runs[2])
{
	struct report *report = report__new();

	for (size_t i = 0; i < 2; i++) {
		char *args[] = {(char *)"x", (char *)runs[i].arg, NULL};
		struct process process = {
			.key.pid = (uint32_t)(100 + i),
			.comm = (char *)"x",
			.exe = (char *)runs[i].exe,
			.script = (char *)runs[i].script,
			.args = args,
			.workload.container = {(char *)(runs[i].container ? "docker" : NULL),
				(char *)runs[i].container, (char *)runs[i].name},
			.workload.pod.uid = (char *)runs[i].pod,
			.ancestry[0].comm = (char *)runs[i].parent,
			.ancestor_count = runs[i].parent ? 1 : 0,
		};

		assert_non_null(report__caller(report, &process, true, "m"));
	}
	return report;
}

static void one_job_that_ran_twice_is_one_caller(void **state)
{
	static const struct {
		const char *name;
		struct run runs[2];
		size_t callers;
		uint64_t containers;
	} cases[] = {
		{"two tasks of Ansible",
			{{.exe = "/usr/bin/python3",
				 .script = "/root/.ansible/tmp/ansible-tmp-1700000000.1-2/a.py"},
				{.exe = "/usr/bin/python3",
					.script = "/root/.ansible/tmp/ansible-tmp-1800000000.3-4/"
						  "a.py"}},
			1, 0},
		{"two containers without a name",
			{{.exe = "/a", .container = "c1"}, {.exe = "/a", .container = "c2"}}, 1, 2},
		{"two that docker named",
			{{.exe = "/a", .container = "c1", .name = "vibrant_tesla"},
				{.exe = "/a", .container = "c2", .name = "jolly_hopper3"}},
			1, 2},
		{"two that somebody named",
			{{.exe = "/a", .container = "c1", .name = "orders_api"},
				{.exe = "/a", .container = "c2", .name = "orders_web"}},
			2, 1},
		{"one that was started again",
			{{.exe = "/a", .container = "c1", .name = "orders"},
				{.exe = "/a", .container = "c2", .name = "orders"}},
			1, 2},
		{"one, and another process of it",
			{{.exe = "/a", .container = "c1"}, {.exe = "/a", .container = "c1"}}, 1, 1},
		{"two jobs that only their arguments tell apart",
			{{.exe = "/a", .container = "c1", .arg = "load"},
				{.exe = "/a", .container = "c2", .arg = "sweep"}},
			2, 1},
		{"two calls of a script in one container",
			{{.exe = "/usr/bin/curl", .container = "c1", .arg = "a", .parent = "sh"},
				{.exe = "/usr/bin/curl",
					.container = "c1",
					.arg = "b",
					.parent = "sh"}},
			1, 1},
		{"two containers that are one call each",
			{{.exe = "/usr/bin/curl",
				 .container = "c1",
				 .arg = "a",
				 .parent = "containerd-shim"},
				{.exe = "/usr/bin/curl",
					.container = "c2",
					.arg = "b",
					.parent = "containerd-shim"}},
			2, 1},
		{"pods of a job that were gone before their names were read",
			{{.exe = "/a", .container = "c1", .pod = "u1"},
				{.exe = "/a", .container = "c2", .pod = "u2"}},
			1, 2},
		{"two programs", {{.exe = "/srv/app1/run"}, {.exe = "/srv/app2/run"}}, 2, 0},
		{"arguments of what is in no container",
			{{.exe = "/a", .arg = "load"}, {.exe = "/a", .arg = "sweep"}}, 1, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct report *report = report__of_two(cases[i].runs);

		if (report->caller_count != cases[i].callers ||
			report->callers[0]->containers != cases[i].containers)
			fail_msg("%s: %zu callers, %d containers", cases[i].name,
				report->caller_count, (int)report->callers[0]->containers);
		report__free(report);
	}
}

static void a_folded_caller_keeps_a_path_that_is_real(void **state)
{
	static const struct run runs[2] = {
		{.exe = "/usr/bin/python3", .script = "/tmp/tmp.AbC123xYz0/run.py"},
		{.exe = "/usr/bin/python3", .script = "/tmp/tmp.0zYx321CbA/run.py"}};
	struct report *report = report__of_two(runs);

	(void)state;
	assert_int_equal(report->caller_count, 1);
	assert_string_equal(report->callers[0]->name, "python3 /tmp/tmp.*/run.py");
	assert_string_equal(report->callers[0]->script, runs[0].script);
	report__free(report);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_nobody_chose_is_folded),
		cmocka_unit_test(one_job_that_ran_twice_is_one_caller),
		cmocka_unit_test(a_folded_caller_keeps_a_path_that_is_real),
	};

	return cmocka_run_group_tests_name("fold", tests, NULL, NULL);
}
