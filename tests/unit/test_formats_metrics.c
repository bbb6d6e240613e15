/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The formats of monitors: Prometheus text and CloudWatch embedded metrics. */
#include "formats_fixture.h"

#include <ctype.h>

/* NAME or NAME{LABEL="VALUE",...}; returns what stands behind. */
static const char *series__skip(const char *at)
{
	while (isalnum((unsigned char)*at) || *at == '_')
		at++;
	if (*at != '{')
		return at;
	do {
		at++;
		while (isalnum((unsigned char)*at) || *at == '_')
			at++;
		if (strncmp(at, "=\"", 2))
			fail_msg("no label: %.80s", at);
		for (at += 2; *at != '"'; at++) {
			if (*at == '\\' && !strchr("\\\"n", *++at))
				fail_msg("no escape: %.80s", at - 1);
			if (!*at || *at == '\n')
				fail_msg("a value does not end");
		}
		at++;
	} while (*at == ',');
	if (*at != '}')
		fail_msg("labels do not end: %.80s", at);
	return at + 1;
}

static void prometheus_has_each_series_once(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(hostile_names); i++) {
		char *text = rendered_hostile(hostile_names[i], "prometheus");
		const char *seen[2048];
		size_t sizes[2048], count = 0;

		for (const char *line = text; *line; line = strchr(line, '\n') + 1) {
			const char *value;
			char *end;

			if (*line == '#')
				continue;
			value = series__skip(line);
			assert_int_equal(*value, ' ');
			strtod(value, &end);
			assert_int_equal(*end, '\n');
			sizes[count] = (size_t)(value - line);
			for (size_t j = 0; j < count; j++)
				if (sizes[j] == sizes[count] &&
					!memcmp(seen[j], line, sizes[count]))
					fail_msg("twice: %.*s", (int)sizes[count], line);
			seen[count++] = line;
			assert_true(count < ARRAY_SIZE(seen));
		}
		free(text);
	}
}

static void event__check_metrics(const json_t *event, const json_t *set)
{
	json_t *metric;
	size_t i;

	assert_true(json_array_size(json_object_get(set, "Metrics")) > 0);
	json_array_foreach (json_object_get(set, "Metrics"), i, metric) {
		const char *name = json_string_value(json_object_get(metric, "Name"));

		assert_string_equal(json_string_value(json_object_get(metric, "Unit")), "Count");
		assert_true(json_is_integer(json_object_get(event, name)));
	}
}

static void event__check_dimensions(const json_t *event, const json_t *dimensions)
{
	json_t *name;
	size_t i;

	assert_true(json_is_array(dimensions));
	assert_true(json_array_size(dimensions) <= 30);
	json_array_foreach (dimensions, i, name) {
		const char *value =
			json_string_value(json_object_get(event, json_string_value(name)));

		assert_non_null(value);
		assert_true(strlen(value) >= 1 && strlen(value) <= 1024);
		assert_true(*value != ':');
		assert_true(value[strspn(value, " ")]);
		for (const char *at = value; *at; at++)
			assert_true(*at >= ' ' && *at <= '~');
	}
}

/* The embedded metric format's specification, as far as one document can break it. */
static void event__check(const char *line, size_t size)
{
	json_error_t error;
	json_t *event = json_loadb(line, size, JSON_REJECT_DUPLICATES, &error);
	json_t *aws = json_object_get(event, "_aws"), *set;
	size_t i;

	if (!event)
		fail_msg("%s: %.*s", error.text, (int)size, line);
	assert_true(size < 1 << 20);
	assert_true(json_integer_value(json_object_get(aws, "Timestamp")) > 1700000000000);
	assert_int_equal(json_array_size(json_object_get(aws, "CloudWatchMetrics")), 1);
	set = json_array_get(json_object_get(aws, "CloudWatchMetrics"), 0);
	assert_string_equal(json_string_value(json_object_get(set, "Namespace")), "imdstrace");
	event__check_metrics(event, set);
	assert_true(json_array_size(json_object_get(set, "Dimensions")) > 0);
	for (i = 0; i < json_array_size(json_object_get(set, "Dimensions")); i++)
		event__check_dimensions(
			event, json_array_get(json_object_get(set, "Dimensions"), i));
	json_decref(event);
}

static void every_emf_event_is_valid(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(hostile_names); i++) {
		char *text = rendered_hostile(hostile_names[i], "emf");

		for (const char *line = text; *line; line = strchr(line, '\n') + 1)
			event__check(line, strcspn(line, "\n"));
		free(text);
	}
}

static void emf_counts_served_and_rejected_calls(void **state)
{
	char *text = rendered_hostile(NULL, "emf");

	(void)state;
	assert_int_equal(count_of(text, "\n"), 4);
	assert_non_null(strstr(text, "\"MetadataNoToken\":214,\"MetadataNoTokenRejected\":10"));
	assert_non_null(
		strstr(text, "\"CallerMetadataNoToken\":190,\"CallerMetadataNoTokenRejected\":8,"
			     "\"Caller\":\"python3 /opt/etl/load.py\","
			     "\"Workload\":\"etl.service\""));
	assert_non_null(strstr(text, "\"Dimensions\":[[\"InstanceId\",\"Caller\",\"Workload\"]]"));
	free(text);
}

static void emf_does_not_call_unwatched_calls_served(void **state)
{
	static const uint64_t calls[CLASS_COUNT] = {[CLASS_V1] = 5};
	struct process process = {.comm = (char *)"x", .args = (char *[]){NULL}};
	struct report *report = report__new();
	size_t size;
	char *text;

	(void)state;
	report__add_calls(report__caller(report, &process, true, RICH_HOST), calls, NULL);
	report->totals[CLASS_V1] = 5;
	text = rendered(report, "emf", &size);
	assert_null(strstr(text, "MetadataNoToken\""));
	assert_int_equal(count_of(text, "MetadataNoTokenOutcomeUnknown\":5"), 2);
	free(text);
	report__free(report);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prometheus_has_each_series_once),
		cmocka_unit_test(every_emf_event_is_valid),
		cmocka_unit_test(emf_counts_served_and_rejected_calls),
		cmocka_unit_test(emf_does_not_call_unwatched_calls_served),
	};

	return cmocka_run_group_tests_name("formats of monitors", tests, long_name__fill, NULL);
}
