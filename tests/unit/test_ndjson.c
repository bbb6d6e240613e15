/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A line of `trace --json`: the contract's fields, whatever the process calls itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "skipping.h"
#include "trace/ndjson.h"
#include "lib/array.h"
#include "lib/scope.h"

static char *const args[] = {"curl", "-s", "http://169.254.169.254/", NULL};

static const struct request request = {
	.cls = CLASS_V1,
	.family = FAMILY_IPV4,
	.time = 1767225600123456789,
	.tid = 382,
	.method = "GET",
	.path = "/latest/meta-data/ami-id",
	.agent = "curl/7.88.1",
};

static struct process process = {
	.key = {.pid = 381},
	.uid = 33,
	.network = NETWORK_OWN,
	.comm = "curl",
	.exe = "/usr/bin/curl",
	.args = (char **)args,
	.ancestry = {{.pid = 171,
			     .comm = "bash",
			     .exe = "/usr/bin/bash",
			     .script = "/etc/cron.daily/tag"},
		{.pid = 1, .comm = "systemd"}},
	.ancestor_count = 2,
	.workload = {.unit = "cron.service"},
};

/* The line as JSON, after checking that it is one line. */
static json_t *line_of(const struct request *of, const struct process *by)
{
	_free_ char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	json_t *line;

	assert_int_equal(ndjson__request(out, of, by), 0);
	fclose(out);
	assert_ptr_equal(strchr(text, '\n'), text + size - 1);
	line = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(line);
	return line;
}

static const char *text_at(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

static void has_every_field_of_the_contract(void **state)
{
	static const char *const names[] = {"type", "time", "class", "method", "path", "family",
		"user_agent", "pid", "tid", "comm", "exe", "args", "uid", "network", "ancestry",
		"unit", "container", "pod"};
	_decref_ json_t *line = line_of(&request, &process);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		assert_non_null(json_object_get(line, names[i]));
	assert_string_equal(text_at(line, "type"), "request");
	assert_string_equal(text_at(line, "time"), "2026-01-01T00:00:00.123456789Z");
	assert_string_equal(text_at(line, "class"), "v1");
	assert_string_equal(text_at(line, "family"), "ipv4");
	assert_string_equal(text_at(line, "user_agent"), "curl/7.88.1");
	assert_int_equal(json_integer_value(json_object_get(line, "pid")), 381);
	assert_int_equal(json_integer_value(json_object_get(line, "tid")), 382);
	assert_int_equal(json_integer_value(json_object_get(line, "uid")), 33);
	assert_string_equal(json_string_value(json_object_get(line, "network")), "own");
	assert_int_equal(json_array_size(json_object_get(line, "args")), 3);
	assert_true(json_is_null(json_object_get(line, "container")));
	assert_true(json_is_null(json_object_get(line, "pod")));
	assert_null(json_object_get(line, "path_cut"));
	assert_null(json_object_get(line, "args_cut"));
}

static void ancestry_is_nearest_first(void **state)
{
	_decref_ json_t *line = line_of(&request, &process);
	json_t *ancestry = json_object_get(line, "ancestry");

	(void)state;
	assert_int_equal(json_array_size(ancestry), 2);
	assert_string_equal(text_at(json_array_get(ancestry, 0), "script"), "/etc/cron.daily/tag");
	assert_true(json_is_null(json_object_get(json_array_get(ancestry, 1), "exe")));
}

static void unknown_has_no_method_and_no_path(void **state)
{
	struct request unknown = {
		.cls = CLASS_UNKNOWN, .family = FAMILY_IPV6, .reason = UNKNOWN_UNSEEN};
	_decref_ json_t *line = line_of(&unknown, &process);

	(void)state;
	assert_string_equal(text_at(line, "class"), "unknown");
	assert_string_equal(text_at(line, "family"), "ipv6");
	assert_string_equal(text_at(line, "reason"), "unseen");
	assert_true(json_is_null(json_object_get(line, "method")));
	assert_true(json_is_null(json_object_get(line, "path")));
	assert_true(json_is_null(json_object_get(line, "user_agent")));
}

static void what_was_cut_says_so(void **state)
{
	struct request cut = request;
	struct process shortened = process;
	_decref_ json_t *line = NULL;

	(void)state;
	cut.path_cut = true;
	shortened.args_cut = true;
	line = line_of(&cut, &shortened);
	assert_true(json_is_true(json_object_get(line, "path_cut")));
	assert_true(json_is_true(json_object_get(line, "args_cut")));
}

static void bytes_that_are_no_text_stay_valid_json(void **state)
{
	struct process hostile = process;
	_decref_ json_t *line = NULL;

	(void)state;
	hostile.comm = "\xff\xfe\"\\\n\033[31m";
	line = line_of(&request, &hostile);
	assert_string_equal(text_at(line, "comm"), "\xef\xbf\xbd\xef\xbf\xbd\"\\\n\033[31m");
}

static void a_process_of_which_nothing_is_known(void **state)
{
	struct process nobody = {.comm = "?"};
	_decref_ json_t *line = line_of(&request, &nobody);

	(void)state;
	assert_true(json_is_null(json_object_get(line, "exe")));
	assert_int_equal(json_array_size(json_object_get(line, "args")), 0);
	assert_int_equal(json_array_size(json_object_get(line, "ancestry")), 0);
}

static void container_and_pod(void **state)
{
	struct process contained = process;
	_decref_ json_t *line = NULL;

	(void)state;
	contained.workload = (struct workload){
		.container = {.runtime = "containerd", .id = "c0ffee"},
		.pod = {.uid = "1-2", .name = "orders", .namespace = "shop"},
	};
	line = line_of(&request, &contained);
	assert_string_equal(text_at(json_object_get(line, "container"), "runtime"), "containerd");
	assert_true(json_is_null(json_object_get(json_object_get(line, "container"), "name")));
	assert_string_equal(text_at(json_object_get(line, "pod"), "namespace"), "shop");
}

static void lost_is_a_line_of_its_own(void **state)
{
	_free_ char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	assert_int_equal(ndjson__lost(out, 7), 0);
	fclose(out);
	assert_string_equal(text, "{\"type\":\"lost\",\"count\":7}\n");
}

static void a_full_disk_is_an_error(void **state)
{
	FILE *full = fopen("/dev/full", "w");

	(void)state;
	if (!full)
		skip_because("there is no /dev/full");
	assert_int_equal(ndjson__lost(full, 1), -28);
	fclose(full);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(has_every_field_of_the_contract),
		cmocka_unit_test(ancestry_is_nearest_first),
		cmocka_unit_test(unknown_has_no_method_and_no_path),
		cmocka_unit_test(what_was_cut_says_so),
		cmocka_unit_test(bytes_that_are_no_text_stay_valid_json),
		cmocka_unit_test(a_process_of_which_nothing_is_known),
		cmocka_unit_test(container_and_pod),
		cmocka_unit_test(lost_is_a_line_of_its_own),
		cmocka_unit_test(a_full_disk_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
