/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The table holds together, and the manual carries it. UPDATE_GOLDEN=1 writes the manual's part
 * anew. */
#include "report_fixture.h"

#include "render/render_software.h"
#include "lib/array.h"
#include "report/client.h"

#define MANUAL "dist/imdstrace.8"
#define BEGIN  ".\\\" software: written from user/report/software.c by tests/unit/test_software\n"
#define END    ".\\\" end of software\n"

static char *file__read(const char *path)
{
	FILE *file = fopen(path, "r");
	char *text = calloc(1, 1 << 20);

	assert_non_null(file);
	assert_non_null(text);
	assert_true(fread(text, 1, (1 << 20) - 1, file) > 0);
	fclose(file);
	return text;
}

static void the_manual_carries_the_table(void **state)
{
	char *manual = file__read(MANUAL), *begin = strstr(manual, BEGIN), *list = NULL;
	char *end = begin ? strstr(begin, END) : NULL;
	size_t size;
	FILE *out = open_memstream(&list, &size);

	(void)state;
	assert_non_null(end);
	assert_non_null(out);
	render_software__manual(out);
	fclose(out);
	begin += strlen(BEGIN);
	if (getenv("UPDATE_GOLDEN")) {
		out = fopen(MANUAL, "w");
		assert_non_null(out);
		fprintf(out, "%.*s%s%s", (int)(begin - manual), manual, list, end);
		fclose(out);
	} else if (strlen(list) != (size_t)(end - begin) || strncmp(list, begin, size)) {
		fail_msg("%s is not the table of software.c; see it with UPDATE_GOLDEN=1", MANUAL);
	}
	free(list);
	free(manual);
}

static void every_row_says_something_and_its_source(void **state)
{
	(void)state;
	for (size_t i = 0; i < software_count; i++) {
		const struct software *row = &software_table[i];

		if (!row->name || !row->source)
			fail_msg("row %zu has no name or no source", i);
		if (!row->v2 && !row->no_release && !row->setting && row->kind != SOFTWARE_PROXY)
			fail_msg("%s: nothing is said", row->name);
		if (row->no_release && (row->v2 || row->survives || row->never_v1))
			fail_msg("%s: no release, and a version", row->name);
		if (row->never_v1 && row->v2 &&
			client__compare_versions(row->never_v1, row->v2) < 0)
			fail_msg("%s: never falls back before it speaks IMDSv2", row->name);
		for (size_t j = 0; j < i; j++)
			if (!strcmp(row->name, software_table[j].name))
				fail_msg("%s: twice", row->name);
	}
}

static void software_is_found_by_what_it_shows(void **state)
{
	char *ssm[] = {"aws-sdk-go/1.12.20 (go1.12; linux; amd64)"};
	char *elb[] = {"elbv2.k8s.aws/v2.4.1 aws-sdk-go/1.42"};
	const struct {
		struct software_signs signs;
		const char *name; /* NULL: nobody */
	} cases[] = {
		{{.exe = "/usr/bin/amazon-ssm-agent", .agents = ssm, .agent_count = 1},
			"amazon-ssm-agent"},
		{{.exe = "/snap/amazon-ssm-agent/7993/ssm-agent-worker"}, "amazon-ssm-agent"},
		{{.exe = "/usr/bin/dockerd"}, "docker"},
		{{.comm = "dockerd"}, "docker"},
		{{.exe = "/usr/bin/dockerd-rootless"}, NULL},
		{{.exe = "/opt/datadog-agent/bin/agent/agent"}, "datadog-agent"},
		{{.exe = "/controller", .agents = elb, .agent_count = 1},
			"aws-load-balancer-controller"},
		{{.exe = "/usr/bin/curl", .parent = "bash /usr/bin/ec2-metadata"},
			"amazon-ec2-utils"},
		{{.exe = "/usr/bin/curl", .parent = "bash /usr/local/bin/get-ec2-metadata.sh"},
			NULL},
		{{.exe = "/usr/bin/curl", .script = "/a.sh", .parent = "sh /usr/bin/ec2-metadata"},
			NULL},
		{{.exe = "/usr/bin/ruby2.7", .script = "/opt/chef/bin/ohai"}, "ohai"},
		{{.exe = "/agent", .container = "ecs-agent"}, "amazon-ecs-agent"},
		{{.exe = "/usr/local/bin/envoy"}, "envoy"},
		{{.exe = "/opt/app/server", .agents = ssm, .agent_count = 1}, NULL},
		{{.exe = "/srv/envoy/app"}, NULL},
		{{0}, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct software *found = software__find(&cases[i].signs);

		if (!found != !cases[i].name || (found && strcmp(found->name, cases[i].name)))
			fail_msg("case %zu: %s", i, found ? found->name : "nobody");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_manual_carries_the_table),
		cmocka_unit_test(every_row_says_something_and_its_source),
		cmocka_unit_test(software_is_found_by_what_it_shows),
	};

	return cmocka_run_group_tests_name("software", tests, NULL, NULL);
}
