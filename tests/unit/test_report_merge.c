/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reports of several hosts as one. */
#include "report_fixture.h"

#include <errno.h>

#include "lib/array.h"
#include "lib/clock.h"

#define REPORT_OF(windows, v1)                                                       \
	HEAD "'windows':[" windows "]," TOTALS(v1, 0, 0, 0, 0,                       \
		1) ",'callers':[{'name':'curl',"                                     \
		   "'exe':'/usr/bin/curl','processes':1,'calls':" CALLS(v1, 0, 0, 0, \
			   0) ",'outcomes':{"                                        \
			      "'v1':{'ok':1,'rejected':0,'other':0,'none':0}},"      \
			      "'paths':[{'class':'v1','method':'GET','path':'/x','count':1}]}]}"

static void merging_counts_each_call_once(void **state)
{
	static const struct {
		const char *name, *report, *other;
		int error;
		uint64_t v1;
		size_t windows;
	} cases[] = {
		{"another host adds up", REPORT_OF(A, 10), REPORT_OF(B, 5), 0, 15, 2},
		{"another window of the host adds up", REPORT_OF(A, 10), REPORT_OF(A_NEXT, 5), 0,
			15, 2},
		{"the same again adds nothing", REPORT_OF(A, 10), REPORT_OF(A, 10), 0, 10, 1},
		{"an older state adds nothing", REPORT_OF(A_LATER, 12), REPORT_OF(A, 10), 0, 12, 1},
		{"a newer state replaces", REPORT_OF(A, 10), REPORT_OF(A_LATER, 12), 0, 12, 1},
		{"a newer state with one window more replaces", REPORT_OF(A, 10),
			REPORT_OF(A_LATER "," A_NEXT, 20), 0, 20, 2},
		{"a part of a merged one adds nothing", REPORT_OF(A "," B, 15), REPORT_OF(B, 5), 0,
			15, 2},
		{"a merged one replaces its part", REPORT_OF(B, 5), REPORT_OF(A "," B, 15), 0, 15,
			2},
		{"a newer part of a merged one is refused", REPORT_OF(A "," B, 15),
			REPORT_OF(A_LATER, 12), -EEXIST, 15, 2},
		{"two that share one window are refused", REPORT_OF(A "," B, 15),
			REPORT_OF(A "," A_NEXT, 15), -EEXIST, 15, 2},
		{"without windows it adds up", REPORT_OF(A, 10), REPORT_OF("", 5), 0, 15, 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct report *report = report__of(cases[i].report);
		struct report *other = report__of(cases[i].other);
		int error = report__merge(report, other);

		if (error != cases[i].error || report->totals[CLASS_V1] != cases[i].v1 ||
			report->window_count != cases[i].windows ||
			report->callers[0]->calls[CLASS_V1] != cases[i].v1)
			fail_msg("%s: %d, %d calls", cases[i].name, error,
				(int)report->totals[CLASS_V1]);
		assert_int_equal(report->caller_count, 1);
		report__free(report);
		report__free(other);
	}
}

static void merging_folds_callers(void **state)
{
	struct report *report = report__of(REPORT_OF(A, 10));
	struct report *other = report__of(REPORT_OF(B, 5));
	const struct caller *caller;

	(void)state;
	assert_int_equal(report__merge(report, other), 0);
	caller = report->callers[0];
	assert_int_equal(caller->processes, 2);
	assert_int_equal(caller->path_count, 1);
	assert_int_equal(caller->paths[0].count, 2);
	assert_int_equal(caller->answers[CLASS_V1][OUTCOME_OK], 2);
	assert_int_equal(caller->unwatched[CLASS_V1], 13);
	assert_int_equal(report->lost, 2);
	report__free(report);
	report__free(other);
}

static void merging_folds_to_the_coarser_timeline(void **state)
{
#define BUCKET(start, seconds) "{'start':'2026-01-01T" start "','seconds':" #seconds ",'v1':1}"
	static const struct {
		const char *name, *report, *other;
		unsigned int seconds;
		size_t buckets;
	} cases[] = {
		{"same length", BUCKET("00:00:00Z", 60), BUCKET("00:01:00Z", 60), 60, 2},
		{"coarser other", BUCKET("00:01:00Z", 60), BUCKET("00:00:00Z", 240), 240, 1},
		{"finer other", BUCKET("00:00:00Z", 240), BUCKET("00:04:00Z", 60), 240, 2},
		{"a length of their own", BUCKET("00:00:00Z", 60), BUCKET("00:10:00Z", 300), 480,
			2},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct report *both[2];

		for (int j = 0; j < 2; j++) {
			char text[1024];

			snprintf(text, sizeof(text),
				HEAD TOTALS(1, 0, 0, 0, 0, 0) ",'callers':[],'timeline':[%s]}",
				j ? cases[i].other : cases[i].report);
			both[j] = report__of(text);
		}
		assert_int_equal(report__merge(both[0], both[1]), 0);
		if (both[0]->timeline_seconds != cases[i].seconds ||
			both[0]->timeline_count != cases[i].buckets)
			fail_msg("%s", cases[i].name);
		report__free(both[0]);
		report__free(both[1]);
	}
}

/* A report of caller /x on hosts first..first+count-1. */
static struct report *report__on_hosts(int first, int count, const char *extra)
{
	char *text = NULL, *result = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	struct report *report;

	fputs(HEAD TOTALS(1, 0, 0, 0, 0, 0) ",'hosts':[", out);
	for (int i = 0; i < count; i++)
		fprintf(out, "%s{'machine_id':'m%d'}", i ? "," : "", first + i);
	fputs("],'callers':[{'name':'x','exe':'/x','calls':" CALLS(1, 0, 0, 0, 0) ",'hosts':{",
		out);
	fprintf(out, "'count':%d,'exact':true,'sample':[", count);
	for (int i = 0; i < count && i < REPORT_HOSTS_PER_CALLER_MAX; i++)
		fprintf(out, "%s'm%d'", i ? "," : "", first + i);
	fprintf(out, "]}}]%s}", extra);
	fclose(out);
	report = report__of(text);
	free(text);
	free(result);
	return report;
}

static void hosts_of_a_caller_are_exact_or_say_so(void **state)
{
	static const struct {
		const char *name;
		int count, other_first, other_count;
		uint64_t total;
		bool exact;
	} cases[] = {
		{"another host", 1, 1, 1, 2, true},
		{"the same host", 1, 0, 1, 1, true},
		{"few that overlap", 4, 2, 4, 6, true},
		{"many and many others", 20, 20, 30, 50, true},
		{"many and a new one", 20, 20, 1, 21, true},
		{"many and a sample of them", 20, 3, 1, 20, true},
		{"many and one that may be among them", 20, 15, 1, 20, false},
		{"many that overlap", 20, 10, 30, 30, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct report *report = report__on_hosts(0, cases[i].count, "");
		struct report *other =
			report__on_hosts(cases[i].other_first, cases[i].other_count, "");

		assert_int_equal(report__merge(report, other), 0);
		if (report->callers[0]->hosts_total != cases[i].total ||
			report->callers[0]->hosts_exact != cases[i].exact)
			fail_msg("%s: %d", cases[i].name, (int)report->callers[0]->hosts_total);
		report__free(report);
		report__free(other);
	}
}

static void a_window_grows_and_stays_one(void **state)
{
	struct report *report = report__new();
	struct window window = {.host = (char *)"m1",
		.boot_id = (char *)"b1",
		.start = NEW_YEAR,
		.end = NEW_YEAR + 5,
		.hooks = (char *)"fentry"};

	(void)state;
	assert_int_equal(report__add_window(report, &window), 0);
	window.end = NEW_YEAR + 9;
	assert_int_equal(report__add_window(report, &window), 0);
	window.end = NEW_YEAR + 7;
	assert_int_equal(report__add_window(report, &window), 0);
	assert_int_equal(report->window_count, 1);
	assert_int_equal(report->windows[0].end, NEW_YEAR + 9);
	window.boot_id = (char *)"b2";
	assert_int_equal(report__add_window(report, &window), 0);
	assert_int_equal(report->window_count, 2);
	report__free(report);
}

static void a_host_is_known_by_its_machine_id(void **state)
{
	struct report *report = report__new();
	struct report_host host = {.machine_id = (char *)"m1"};

	(void)state;
	assert_int_equal(report__add_host(report, &host), 0);
	host.hostname = (char *)"web-1";
	assert_int_equal(report__add_host(report, &host), 0);
	assert_int_equal(report->host_count, 1);
	assert_string_equal(report__find_host(report, "m1")->hostname, "web-1");
	assert_null(report__find_host(report, "m2"));
	report__free(report);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(merging_counts_each_call_once),
		cmocka_unit_test(merging_folds_callers),
		cmocka_unit_test(merging_folds_to_the_coarser_timeline),
		cmocka_unit_test(hosts_of_a_caller_are_exact_or_say_so),
		cmocka_unit_test(a_window_grows_and_stays_one),
		cmocka_unit_test(a_host_is_known_by_its_machine_id),
	};

	return cmocka_run_group_tests_name("report merge", tests, NULL, NULL);
}
