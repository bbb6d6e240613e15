/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is left of a report when nothing before a time counts: noon of January 2nd. */
#include "report_fixture.h"

#include "lib/array.h"
#include "lib/clock.h"
#include "verdict/advice.h"
#include "verdict/verdict.h"

#define PATH(path, cls, count, first, last)                                                \
	"{'method':'GET','path':'" path "','class':'" cls "','count':" #count ",'first':'" \
	"2026-01-" first ":00:00Z','last':'2026-01-" last ":00:00Z'}"
#define CALLER(calls, paths) "{'name':'a','exe':'/a','calls':" calls ",'paths':[" paths "]}"
#define BUCKET(start, seconds, v1) \
	"{'start':'2026-01-" start ":00:00Z','seconds':" #seconds ",'v1':" #v1 "}"
#define REPORT_OF(windows, totals, callers, timeline)                            \
	HEAD "'hosts':[" HOST("m1", "web-1") "],'windows':[" windows "]," totals \
					     ",'callers':[" callers "],'timeline':[" timeline "]}"
#define WHOLE  WINDOW("m1", "b1", "01T00", "04T00")
#define BEFORE PATH("/b", "v1", 5, "01T00", "02T11")
#define AFTER  PATH("/a", "v1", 7, "02T12", "03T00")
#define ACROSS PATH("/x", "v1", 100, "01T00", "03T00")
#define OTHER  PATH("/y", "v1", 10, "01T00", "03T01")

static int64_t time_of(const char *text)
{
	int64_t time;

	assert_int_equal(clock__parse(text, &time), 0);
	return time;
}

static void calls_are_divided_at_the_time(void **state)
{
	static const struct {
		const char *name, *report;
		uint64_t v1; /* of the report and of its callers */
		bool at_most;
		enum verdict verdict;
	} cases[] = {
		{"all before",
			REPORT_OF(WHOLE, TOTALS(5, 0, 0, 0, 0, 0),
				CALLER(CALLS(5, 0, 0, 0, 0), BEFORE), ""),
			0, false, VERDICT_READY},
		{"all after",
			REPORT_OF(WHOLE, TOTALS(7, 0, 0, 0, 0, 0),
				CALLER(CALLS(7, 0, 0, 0, 0), AFTER), ""),
			7, false, VERDICT_BLOCKED},
		{"one path before, one after",
			REPORT_OF(WHOLE, TOTALS(12, 0, 0, 0, 0, 0),
				CALLER(CALLS(12, 0, 0, 0, 0), BEFORE "," AFTER), ""),
			7, false, VERDICT_BLOCKED},
		{"a path that goes on across, and no timeline",
			REPORT_OF(WHOLE, TOTALS(100, 0, 0, 0, 0, 0),
				CALLER(CALLS(100, 0, 0, 0, 0), ACROSS), ""),
			100, true, VERDICT_BLOCKED},
		{"a path that goes on across, and a timeline that says how",
			REPORT_OF(WHOLE, TOTALS(100, 0, 0, 0, 0, 0),
				CALLER(CALLS(100, 0, 0, 0, 0), ACROSS),
				BUCKET("01T00", 60, 99) "," BUCKET("03T00", 60, 1)),
			1, false, VERDICT_BLOCKED},
		{"a path across beside one after",
			REPORT_OF(WHOLE, TOTALS(107, 0, 0, 0, 0, 0),
				CALLER(CALLS(107, 0, 0, 0, 0), ACROSS "," AFTER),
				BUCKET("01T00", 60, 60) "," BUCKET("03T00", 60, 47)),
			47, false, VERDICT_BLOCKED},
		{"two paths across: together no more than the timeline has, each no more",
			REPORT_OF(WHOLE, TOTALS(110, 0, 0, 0, 0, 0),
				CALLER(CALLS(110, 0, 0, 0, 0), ACROSS "," OTHER),
				BUCKET("01T00", 60, 90) "," BUCKET("03T00", 60, 20)),
			30, true, VERDICT_BLOCKED},
		{"the time is in the middle of a bucket",
			REPORT_OF(WHOLE, TOTALS(100, 0, 0, 0, 0, 0),
				CALLER(CALLS(100, 0, 0, 0, 0), ACROSS),
				BUCKET("02T00", 122880, 99) "," BUCKET("03T20", 122880, 1)),
			100, true, VERDICT_BLOCKED},
		{"calls without a time",
			REPORT_OF(WHOLE, TOTALS(8, 0, 0, 0, 0, 0),
				CALLER(CALLS(8, 0, 0, 0, 0), BEFORE), ""),
			3, true, VERDICT_BLOCKED},
		{"calls of nobody",
			REPORT_OF(WHOLE, TOTALS(8, 0, 0, 0, 0, 0),
				CALLER(CALLS(5, 0, 0, 0, 0), BEFORE), ""),
			3, true, VERDICT_BLOCKED},
		{"watched before alone",
			REPORT_OF(WINDOW("m1", "b1", "01T00", "02T11"), TOTALS(8, 0, 0, 0, 0, 3),
				CALLER(CALLS(8, 0, 0, 0, 0), BEFORE), ""),
			0, false, VERDICT_INCONCLUSIVE},
		{"events that were lost have no time",
			REPORT_OF(WHOLE, TOTALS(5, 0, 0, 0, 0, 3),
				CALLER(CALLS(5, 0, 0, 0, 0), BEFORE), ""),
			0, false, VERDICT_INCONCLUSIVE},
		{"watched for too short a time since",
			REPORT_OF(WINDOW("m1", "b1", "01T00", "02T20"), TOTALS(5, 0, 0, 0, 0, 0),
				CALLER(CALLS(5, 0, 0, 0, 0), BEFORE), ""),
			0, false, VERDICT_INCONCLUSIVE},
	};
	int64_t noon = time_of("2026-01-02T12:00:00Z");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct report *report = report__of(cases[i].report);
		const struct verdict_options options = {.min_window = DEFAULT_MIN_WINDOW};
		struct ruling ruling;
		uint64_t named = 0;

		print_message("  %s\n", cases[i].name);
		report__since(report, noon);
		for (size_t c = 0; c < report->caller_count; c++)
			named += report->callers[c]->calls[CLASS_V1];
		assert_int_equal(verdict__rule(&ruling, report, &options), 0);
		if (!strstr(cases[i].name, "two paths") && !strstr(cases[i].name, "nobody"))
			assert_int_equal(named, cases[i].v1);
		if (!strstr(cases[i].name, "two paths"))
			assert_int_equal(report->totals[CLASS_V1], cases[i].v1);
		assert_int_equal(report->at_most, cases[i].at_most);
		assert_int_equal(ruling.verdict, cases[i].verdict);
		for (size_t w = 0; w < report->window_count; w++)
			assert_true(report->windows[w].start >= noon);
		for (size_t b = 0; b < report->timeline_count; b++)
			assert_true(report->timeline[b].start + 122880 * NSEC_PER_SEC > noon);
		verdict__clear(&ruling);
		report__free(report);
	}
}

static void a_report_that_was_cut_can_be_written_and_read(void **state)
{
	struct report *report = report__of(REPORT_OF(WHOLE, TOTALS(107, 0, 0, 0, 0, 0),
		CALLER(CALLS(107, 0, 0, 0, 0), ACROSS "," AFTER), ""));
	struct report *again = NULL, *whole = report__new();
	char why[256], *text;

	(void)state;
	report__since(report, time_of("2026-01-02T12:00:00Z"));
	text = report__to_json(report, 0);
	assert_int_equal(report__from_json(&again, text, strlen(text), why, sizeof(why)), 0);
	assert_int_equal(again->since, report->since);
	assert_true(again->at_most && again->callers[0]->at_most);
	assert_int_equal(again->totals[CLASS_V1], 107);
	free(text);
	/* It is a part of what it was made of, and adds nothing to that. */
	report__free(report);
	report = report__of(REPORT_OF(WHOLE, TOTALS(107, 0, 0, 0, 0, 0),
		CALLER(CALLS(107, 0, 0, 0, 0), ACROSS "," AFTER), ""));
	assert_int_equal(report__merge(whole, again), 0);
	assert_int_equal(report__merge(whole, report), 0);
	assert_int_equal(whole->totals[CLASS_V1], 107);
	assert_int_equal(whole->windows[0].start, time_of("2026-01-01T00:00:00Z"));
	assert_int_equal(report__merge(whole, again), 0);
	assert_int_equal(whole->totals[CLASS_V1], 107);
	report__free(whole);
	report__free(again);
	report__free(report);
}

/* A host of its own, where the script called v1 and then either speaks v2 or goes on. */
static struct report *host_of(const char *id, const char *calls, const char *paths)
{
	char quoted[2048];

	snprintf(quoted, sizeof(quoted),
		HEAD
		"'hosts':[{'hostname':'%s','machine_id':'%s','kernel':'6','instance_id':null}],"
		"'windows':[{'host':'%s','boot_id':'%s','start':'2026-01-01T00:00:00Z','end':"
		"'2026-01-08T00:00:00Z','hooks':'fentry'}],'totals':{'v1':10,'v2':10,'token':1,"
		"'foreign':0,'unknown':0,'lost':0},'callers':[{'name':'a','exe':'/a','calls':%s,"
		"'paths':[%s]}]}",
		id, id, id, id, calls, paths);
	return report__of(quoted);
}

#define FIXED_PATHS \
	PATH("/p", "v1", 10, "01T00", "03T00") "," PATH("/p", "v2", 10, "04T00", "07T00")
#define V1_PATHS PATH("/p", "v1", 10, "01T00", "07T00")

static void a_caller_does_what_it_does_where_it_is_not_fixed(void **state)
{
	static const struct {
		const char *name;
		const char *paths[3], *calls[3];
		uint64_t fixed;
		enum pattern pattern;
	} cases[] = {
		{"fixed on two of three", {FIXED_PATHS, V1_PATHS, FIXED_PATHS},
			{CALLS(10, 10, 0, 0, 0), CALLS(10, 0, 0, 0, 0), CALLS(10, 10, 0, 0, 0)}, 2,
			PATTERN_V1_ONLY},
		{"fixed everywhere", {FIXED_PATHS, FIXED_PATHS, FIXED_PATHS},
			{CALLS(10, 10, 0, 0, 0), CALLS(10, 10, 0, 0, 0), CALLS(10, 10, 0, 0, 0)}, 3,
			PATTERN_MIXED},
		{"both at the same time is no fix",
			{PATH("/p", "v1", 10, "01T00", "07T00") "," PATH(
				 "/p", "v2", 10, "01T00", "07T00"),
				V1_PATHS, V1_PATHS},
			{CALLS(10, 10, 0, 0, 0), CALLS(10, 0, 0, 0, 0), CALLS(10, 0, 0, 0, 0)}, 0,
			PATTERN_MIXED},
		{"one call at the start is no fix",
			{PATH("/p", "v1", 10, "01T00", "01T00") "," PATH(
				 "/p", "v2", 10, "01T01", "07T00"),
				V1_PATHS, V1_PATHS},
			{CALLS(10, 10, 0, 0, 0), CALLS(10, 0, 0, 0, 0), CALLS(10, 0, 0, 0, 0)}, 0,
			PATTERN_MIXED},
		{"less than a day is no fix",
			{PATH("/p", "v1", 10, "01T00", "06T00") "," PATH(
				 "/p", "v2", 10, "06T01", "06T20"),
				V1_PATHS, V1_PATHS},
			{CALLS(10, 10, 0, 0, 0), CALLS(10, 0, 0, 0, 0), CALLS(10, 0, 0, 0, 0)}, 0,
			PATTERN_MIXED},
		{"calls without a time are no fix", {FIXED_PATHS, V1_PATHS, V1_PATHS},
			{CALLS(12, 10, 0, 0, 0), CALLS(10, 0, 0, 0, 0), CALLS(10, 0, 0, 0, 0)}, 0,
			PATTERN_MIXED},
	};
	static const char *const ids[] = {"m1", "m2", "m3"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct report *whole = report__new(), *again = NULL;
		char why[256], *text, *advice_text;
		enum advice advice;

		print_message("  %s\n", cases[i].name);
		for (size_t h = 0; h < ARRAY_SIZE(ids); h++) {
			struct report *host = host_of(ids[h], cases[i].calls[h], cases[i].paths[h]);

			report__note_fixed(host);
			assert_int_equal(report__merge(whole, host), 0);
			report__free(host);
		}
		/* Also once it has been written and read. */
		text = report__to_json(whole, 0);
		assert_int_equal(
			report__from_json(&again, text, strlen(text), why, sizeof(why)), 0);
		for (int read = 0; read < 2; read++) {
			const struct caller *caller = (read ? again : whole)->callers[0];

			assert_int_equal(caller->hosts_fixed, cases[i].fixed);
			assert_int_equal(caller__pattern(caller), cases[i].pattern);
			assert_int_equal(advice__for(caller, &advice, &advice_text), 0);
			if (cases[i].pattern == PATTERN_V1_ONLY)
				assert_int_equal(advice, ADVICE_SEND_TOKEN);
			free(advice_text);
		}
		free(text);
		report__free(again);
		report__free(whole);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_are_divided_at_the_time),
		cmocka_unit_test(a_report_that_was_cut_can_be_written_and_read),
		cmocka_unit_test(a_caller_does_what_it_does_where_it_is_not_fixed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
