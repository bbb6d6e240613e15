/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a rehearsal leaves in a report, what follows from it, and that nobody else counts it. */
#include "report_fixture.h"

#include <errno.h>

#include "lib/array.h"
#include "lib/clock.h"
#include "render/render.h"
#include "verdict/rehearsal_verdict.h"
#include "verdict/verdict.h"

#define REHEARSED(scope, counts) "'rehearsal':{'scope':'" scope "'" counts "}"
#define REHEARSAL_WINDOW                                                                   \
	"{'host':'m1','boot_id':'b1','start':'2026-01-03T00:00:00Z','end':'2026-01-03T00:" \
	"10:00Z','hooks':'fentry','rehearsal':true}"
#define WINDOW_OF_A_TRACE WINDOW("m1", "b1", "01T00", "02T00")
#define CALLER(calls, rehearsal) \
	"{'name':'etl','exe':'/usr/bin/etl','unit':'etl.service','calls':" calls rehearsal "}"
#define REPORT_OF(windows, totals, callers, rest)                                \
	HEAD "'hosts':[" HOST("m1", "web-1") "],'windows':[" windows "]," totals \
					     ",'callers':[" callers "]" rest "}"

#define OF_ETL "," REHEARSED("unit etl.service", "")

/* A rehearsal of one caller with three v1 calls. */
#define REHEARSAL_OF(outcome)                                 \
	REPORT_OF(REHEARSAL_WINDOW, TOTALS(3, 1, 1, 0, 0, 0), \
		CALLER(CALLS(3, 1, 1, 0, 0), ",'rehearsal':{" outcome "}"), OF_ETL)

#define RECOVERED                                                                           \
	REHEARSAL_OF("'rejected':3,'recovered':true,'processes':1,'processes_recovered':1," \
		     "'recovered_after':2.5")
#define BROKEN                                                                               \
	REHEARSAL_OF("'rejected':3,'recovered':false,'processes':1,'processes_recovered':0," \
		     "'ended':1,'exit_status':7,'restarted':2")

/* What a caller sent that nobody refused, and of which nothing else is known. */
#define LET_THROUGH                                                                             \
	REPORT_OF(REHEARSAL_WINDOW, TOTALS(1, 4, 1, 0, 0, 0), CALLER(CALLS(1, 4, 1, 0, 0), ""), \
		OF_ETL)

static void the_verdict_follows_from_what_came_of_the_calls(void **state)
{
	static const struct {
		const char *name, *report;
		enum rehearsal_verdict verdict;
		const char *reason, *sentence; /* of its first caller */
	} cases[] = {
		{"it recovered", RECOVERED, REHEARSAL_SURVIVES,
			"1 caller asked for a token and went on (3 calls refused)",
			"3 calls refused, then it asked for a token and went on after 2s: survives the switch"},
		{"it ended", BROKEN, REHEARSAL_BREAKS,
			"1 caller did not go on with a token (3 calls refused)",
			"3 calls refused, and it did not go on with a token, and its process ended within a minute with status 7; systemd started it again, more than once: breaks at the switch"},
		{"it was killed",
			REHEARSAL_OF("'rejected':1,'recovered':false,'ended':1,'signal':9"),
			REHEARSAL_BREAKS, "1 caller did not",
			"1 call refused, and it did not go on with a token, and its process ended within a minute by signal 9: breaks at the switch"},
		{"some of its processes recovered",
			REHEARSAL_OF(
				"'rejected':3,'recovered':false,'processes':3,'processes_recovered':1"),
			REHEARSAL_BREAKS, "1 caller did not",
			"3 calls refused, and 2 of 3 processes did not go on with a token: breaks at the switch"},
		{"a report by hand says it in one word",
			REHEARSAL_OF("'rejected':3,'recovered':true"), REHEARSAL_SURVIVES,
			"1 caller asked for a token", "went on: survives the switch"},
		{"none was refused",
			REPORT_OF(REHEARSAL_WINDOW, TOTALS(0, 4, 1, 0, 0, 0),
				CALLER(CALLS(0, 4, 1, 0, 0), ""), OF_ETL),
			REHEARSAL_SURVIVES, "none of 5 requests was refused",
			"no call refused: survives the switch"},
		{"nothing was seen",
			REPORT_OF(REHEARSAL_WINDOW, TOTALS(0, 0, 0, 0, 0, 0), "", OF_ETL),
			REHEARSAL_INCONCLUSIVE, "no request was seen", NULL},
		{"the service did not refuse", REHEARSAL_OF("'rejected':0,'unproven':3"),
			REHEARSAL_INCONCLUSIVE, "3 calls got another answer than 401, or none",
			"3 calls got another answer than 401, or none: inconclusive"},
		{"a call that came when it was just over", LET_THROUGH, REHEARSAL_INCONCLUSIVE,
			"1 call got another answer than 401, or none", NULL},
		{"a connection was not covered",
			REHEARSAL_OF("'rejected':2,'recovered':true,'not_covered':1"),
			REHEARSAL_INCONCLUSIVE, "1 connection could not be covered",
			"2 calls refused, then it asked for a token and went on; 1 connection could not be covered: inconclusive"},
		{"a connection of nobody was not covered",
			REPORT_OF(REHEARSAL_WINDOW, TOTALS(0, 4, 1, 0, 0, 0),
				CALLER(CALLS(0, 4, 1, 0, 0), ""),
				"," REHEARSED("all", ",'not_covered':2")),
			REHEARSAL_INCONCLUSIVE, "2 connections could not be covered", NULL},
		{"it broke, and a connection was not covered",
			REHEARSAL_OF("'rejected':2,'recovered':false,'not_covered':1"),
			REHEARSAL_BREAKS, "1 caller did not go on", NULL},
		{"a refused call of nobody",
			REPORT_OF(REHEARSAL_WINDOW, TOTALS(1, 0, 0, 0, 0, 0), "",
				"," REHEARSED("all", ",'rejected':1")),
			REHEARSAL_BREAKS,
			"1 refused call came from processes that could not be identified", NULL},
		{"something could not be read",
			REPORT_OF(REHEARSAL_WINDOW, TOTALS(0, 4, 1, 0, 1, 0),
				CALLER(CALLS(0, 4, 1, 0, 1), ""), OF_ETL),
			REHEARSAL_INCONCLUSIVE, "1 request or connection could not be read", NULL},
		{"an event was lost",
			REPORT_OF(REHEARSAL_WINDOW, TOTALS(0, 4, 1, 0, 0, 1),
				CALLER(CALLS(0, 4, 1, 0, 0), ""), OF_ETL),
			REHEARSAL_INCONCLUSIVE, "could not be read", NULL},
		{"the command failed",
			REPORT_OF(REHEARSAL_WINDOW, TOTALS(0, 4, 1, 0, 0, 0),
				CALLER(CALLS(0, 4, 1, 0, 0), ""),
				"," REHEARSED("command ./selftest",
					",'command_end':'ended with status 3'")),
			REHEARSAL_INCONCLUSIVE, "the command ended with status 3", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct report *report = report__of(cases[i].report);
		struct rehearsal_ruling ruling;
		char *sentence = NULL;

		assert_int_equal(rehearsal__rule(&ruling, report), 0);
		if (report->caller_count)
			sentence = caller__rehearsal_sentence(report->callers[0]);
		if (ruling.verdict != cases[i].verdict ||
			!list__says(ruling.reasons, cases[i].reason))
			fail_msg("%s: %s, \"%s\"", cases[i].name,
				rehearsal_verdict__name(ruling.verdict), ruling.reasons[0]);
		if (cases[i].sentence && !strstr(sentence, cases[i].sentence))
			fail_msg("%s: \"%s\"", cases[i].name, sentence);
		assert_int_equal(report__rehearsal_verdict(report), cases[i].verdict);
		free(sentence);
		rehearsal_ruling__clear(&ruling);
		report__free(report);
	}
}

/* As it is written, read, and written again. */
static void json_keeps_all_of_it(void **state)
{
	static const char *const parts[] = {
		"\"rehearsal\": {\"scope\":\"unit etl.service\",\"verdict\":\"breaks\",",
		"\"rejected\":3,\"recovered\":0,\"unproven\":0,\"not_covered\":0,",
		"\"rehearsal\":{\"rejected\":3,\"recovered\":false,",
		"\"exit_status\":7,\"signal\":null,\"restarted\":2}",
		"\"rehearsal\":true}",
	};
	struct report *report = report__of(BROKEN), *again;
	char *first = report__to_json(report, 0), *second, why[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (!strstr(first, parts[i]))
			fail_msg("no %s in %s", parts[i], first);
	assert_int_equal(report__from_json(&again, first, strlen(first), why, sizeof(why)), 0);
	second = report__to_json(again, 0);
	assert_string_equal(first, second);
	free(first);
	free(second);
	report__free(report);
	report__free(again);
}

static void a_report_without_one_does_not_speak_of_it(void **state)
{
	struct report *report = report__of(REPORT_OF(
		WINDOW_OF_A_TRACE, TOTALS(1, 0, 0, 0, 0, 0), CALLER(CALLS(1, 0, 0, 0, 0), ""), ""));
	char *text = report__to_json(report, 0);

	(void)state;
	assert_null(strstr(text, "rehears"));
	free(text);
	report__free(report);
}

static void wrong_types_are_refused(void **state)
{
	static const struct {
		const char *report, *why;
	} cases[] = {
		{REPORT_OF("", TOTALS(0, 0, 0, 0, 0, 0), "", ",'rehearsal':7"),
			"rehearsal is not an object"},
		{REPORT_OF("", TOTALS(0, 0, 0, 0, 0, 0), "", ",'rehearsal':{'rejected':1}"),
			"rehearsal.scope is missing"},
		{REPORT_OF("", TOTALS(0, 0, 0, 0, 0, 0), "",
			 ",'rehearsal':{'scope':'x','not_covered':-1}"),
			"rehearsal.not_covered is negative"},
		{REHEARSAL_OF("'rejected':'3'"),
			"callers[0].rehearsal.rejected is not a whole number"},
		{REHEARSAL_OF("'recovered':1"),
			"callers[0].rehearsal.recovered is neither true nor false"},
		{REHEARSAL_OF("'recovered_after':-1"),
			"callers[0].rehearsal.recovered_after is out of range"},
		{REHEARSAL_OF("'exit_status':256"),
			"callers[0].rehearsal.exit_status is too large"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct report *report;
		char *text = json__of(cases[i].report), why[256] = "";

		assert_int_equal(
			report__from_json(&report, text, strlen(text), why, sizeof(why)), -EINVAL);
		assert_string_equal(why, cases[i].why);
		free(text);
	}
}

/* The 401 was asked for: it is no outcome of the service's own, and no silence either. */
static void what_was_refused_is_no_outcome(void **state)
{
	struct report *report = report__of(BROKEN);
	const uint64_t *answers = report->callers[0]->answers[CLASS_V1];

	(void)state;
	assert_int_equal(report->callers[0]->calls[CLASS_V1], 3);
	assert_int_equal(answers[OUTCOME_REJECTED], 0);
	assert_int_equal(answers[OUTCOME_NONE], 0);
	assert_int_equal(report->callers[0]->unwatched[CLASS_V1], 0);
	report__free(report);
}

#define TRACE_OF_NINE \
	REPORT_OF(WINDOW_OF_A_TRACE, TOTALS(9, 0, 0, 0, 0, 2), CALLER(CALLS(9, 0, 0, 0, 0), ""), "")

static void merged_ones_add_up(void **state)
{
	static const struct {
		const char *a, *b, *scope;
		uint64_t requests, rejected, recovered;
		enum rehearsal_verdict verdict;
	} cases[] = {
		{RECOVERED, TRACE_OF_NINE, "unit etl.service", 5, 3, 1, REHEARSAL_SURVIVES},
		{TRACE_OF_NINE, RECOVERED, "unit etl.service", 5, 3, 1, REHEARSAL_SURVIVES},
		{RECOVERED,
			REPORT_OF("{'host':'m1','boot_id':'b1','start':'2026-01-04T00:00:00Z','end'"
				  ":'2026-01-04T00:10:00Z','rehearsal':true}",
				TOTALS(1, 0, 0, 0, 0, 0),
				CALLER(CALLS(1, 0, 0, 0, 0),
					",'rehearsal':{'rejected':1,'recovered':false}"),
				"," REHEARSED("pid 7", "")),
			"unit etl.service, pid 7", 6, 4, 0, REHEARSAL_BREAKS},
		{RECOVERED, RECOVERED, "unit etl.service", 5, 3, 1, REHEARSAL_SURVIVES},
		{LET_THROUGH, TRACE_OF_NINE, "unit etl.service", 6, 0, 0, REHEARSAL_INCONCLUSIVE},
		{TRACE_OF_NINE, LET_THROUGH, "unit etl.service", 6, 0, 0, REHEARSAL_INCONCLUSIVE},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct report *a = report__of(cases[i].a), *b = report__of(cases[i].b);
		struct rehearsal_sums sums;

		assert_int_equal(report__merge(a, b), 0);
		report__rehearsal_sums(a, &sums);
		assert_string_equal(a->rehearsal.scope, cases[i].scope);
		assert_int_equal(sums.requests, cases[i].requests);
		assert_int_equal(sums.rejected, cases[i].rejected);
		assert_int_equal(sums.recovered, cases[i].recovered);
		assert_int_equal(report__rehearsal_verdict(a), cases[i].verdict);
		report__free(a);
		report__free(b);
	}
}

/* A file that goes on (--output), with a trace or a rehearsal in it. */
static void one_that_goes_on_in_a_file_counts_its_own_calls(void **state)
{
	static const struct {
		const char *file;
		enum rehearsal_verdict nothing, seen, unread; /* where this rehearsal saw that */
	} cases[] = {
		{TRACE_OF_NINE, REHEARSAL_INCONCLUSIVE, REHEARSAL_SURVIVES, REHEARSAL_INCONCLUSIVE},
		{RECOVERED, REHEARSAL_SURVIVES, REHEARSAL_SURVIVES, REHEARSAL_INCONCLUSIVE},
		{LET_THROUGH, REHEARSAL_INCONCLUSIVE, REHEARSAL_INCONCLUSIVE,
			REHEARSAL_INCONCLUSIVE},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct report *report = report__of(cases[i].file), *other, *again;
		char why[256], *text;

		assert_int_equal(report__begin_rehearsal(report, "unit etl.service"), 0);
		other = report__of(REHEARSAL_OF(""));
		other->windows[0].start++;
		assert_int_equal(report__add_window(report, &other->windows[0]), 0);
		report__free(other);
		assert_int_equal(report__rehearsal_verdict(report), cases[i].nothing);
		report->totals[CLASS_V2] += 2;
		assert_int_equal(report__rehearsal_verdict(report), cases[i].seen);
		report->totals[CLASS_UNKNOWN]++;
		assert_int_equal(report__rehearsal_verdict(report), cases[i].unread);
		/* Also where a trace goes on in it. */
		text = report__to_json(report, 0);
		assert_int_equal(
			report__from_json(&again, text, strlen(text), why, sizeof(why)), 0);
		again->windows[0].rehearsal = false;
		again->totals[CLASS_V2] += 7;
		assert_int_equal(report__rehearsal_verdict(again), cases[i].unread);
		free(text);
		report__free(again);
		report__free(report);
	}
}

static void scopes_of_many_stay_short(void **state)
{
	struct report *report = report__new();
	char scope[64];

	(void)state;
	for (int i = 0; i < 500; i++) {
		snprintf(scope, sizeof(scope), "unit service-%d.service", i);
		assert_int_equal(report__set_rehearsal(report, scope), 0);
		assert_int_equal(report__set_rehearsal(report, scope), 0);
	}
	assert_true(strlen(report->rehearsal.scope) < 1100);
	assert_string_equal(report->rehearsal.scope + strlen(report->rehearsal.scope) - 5, ", ...");
	report__free(report);
}

/* Who survives the switch has nothing to change, whatever its calls look like. */
static void survivors_are_not_to_change(void **state)
{
	static const struct {
		const char *name, *windows, *outcome, *says;
		size_t to_change;
		bool unknown; /* a call that nobody could read */
	} cases[] = {
		{"beside a trace", WINDOW_OF_A_TRACE "," REHEARSAL_WINDOW,
			"'rejected':3,'recovered':true",
			"Nothing else blocks than callers that survive the switch", 0, false},
		{"in a rehearsal alone", REHEARSAL_WINDOW, "'rejected':3,'recovered':true",
			"Trace everything on the instance", 0, false},
		{"broken beside a trace", WINDOW_OF_A_TRACE "," REHEARSAL_WINDOW,
			"'rejected':3,'recovered':false", "Let the trace go on", 1, false},
		{"broken in a rehearsal alone", REHEARSAL_WINDOW, "'rejected':3,'recovered':false",
			"Rehearse again until nothing breaks", 1, false},
		{"beside a trace that could not read all", WINDOW_OF_A_TRACE "," REHEARSAL_WINDOW,
			"'rejected':3,'recovered':true", "Let the trace go on", 0, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct verdict_options options = {.min_window = DEFAULT_MIN_WINDOW};
		char text[2048];
		struct report *report;
		struct ruling ruling;

		snprintf(text, sizeof(text),
			REPORT_OF("%s", TOTALS(3, 1, 1, 0, 0, 0),
				CALLER(CALLS(3, 1, 1, 0, 0), ",'rehearsal':{%s}"), OF_ETL),
			cases[i].windows, cases[i].outcome);
		report = report__of(text);
		report->totals[CLASS_UNKNOWN] += cases[i].unknown;
		assert_int_equal(verdict__rule(&ruling, report, &options), 0);
		assert_int_equal(ruling.verdict, VERDICT_BLOCKED);
		assert_int_equal(report__count_to_change(report, false), cases[i].to_change);
		if (!list__says(ruling.next_steps, cases[i].says))
			fail_msg("%s: \"%s\"", cases[i].name, ruling.next_steps[0]);
		verdict__clear(&ruling);
		report__free(report);
	}
}

#define AT(time, count)                                                                      \
	",'paths':[{'method':'GET','path':'/latest/meta-data/','class':'v1','count':" #count \
	",'first':'2026-01-" time ":05:00Z','last':'2026-01-" time ":05:00Z'}]"
#define BROKEN_AT(time) \
	CALLER(CALLS(3, 0, 0, 0, 0), AT(time, 3) ",'rehearsal':{'rejected':3,'recovered':false}")
#define CRON_AT(time) \
	"{'name':'cron','exe':'/usr/sbin/cron','calls':" CALLS(2, 0, 0, 0, 0) AT(time, 2) "}"

/* What came of it has no time but its window's. */
static void since_a_time_it_counts_whole_or_not_at_all(void **state)
{
	static const char broken_before_a_trace[] =
		REPORT_OF(REHEARSAL_WINDOW "," WINDOW("m1", "b1", "05T00", "06T00"),
			TOTALS(5, 0, 0, 0, 0, 0), BROKEN_AT("03T00") "," CRON_AT("05T01"),
			"," REHEARSED("unit etl.service", ",'requests':3,'rejected':3"));
	static const char not_covered[] = REPORT_OF(REHEARSAL_WINDOW, TOTALS(0, 4, 1, 0, 0, 0),
		CALLER(CALLS(0, 0, 0, 0, 0), ",'rehearsal':{'not_covered':1}"), OF_ETL);
	static const struct {
		const char *name, *report, *since;
		bool rehearsed;
		enum rehearsal_verdict verdict;
		size_t callers;
	} cases[] = {
		{"it broke before", broken_before_a_trace, "2026-01-04T00:00:00Z", false,
			REHEARSAL_INCONCLUSIVE, 1},
		{"it broke after", broken_before_a_trace, "2026-01-02T00:00:00Z", true,
			REHEARSAL_BREAKS, 2},
		{"who was not covered made no call", not_covered, "2026-01-02T00:00:00Z", true,
			REHEARSAL_INCONCLUSIVE, 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct report *report = report__of(cases[i].report);
		int64_t since;

		print_message("  %s\n", cases[i].name);
		assert_int_equal(clock__parse(cases[i].since, &since), 0);
		report__since(report, since);
		assert_int_equal(report->rehearsal.scope != NULL, cases[i].rehearsed);
		assert_int_equal(report__rehearsal_verdict(report), cases[i].verdict);
		assert_int_equal(report->caller_count, cases[i].callers);
		report__free(report);
	}
}

/* Its calls that are left are none that were answered, nor ones without an answer. */
static void what_is_forgotten_of_it_is_not_known(void **state)
{
	struct report *report = report__of(BROKEN);
	const struct caller *caller = report->callers[0];

	(void)state;
	report__forget_rehearsal(report);
	assert_null(report->rehearsal.scope);
	assert_false(caller__rehearsed(caller));
	assert_int_equal(caller->unwatched[CLASS_V1], 3);
	assert_int_equal(caller->answers[CLASS_V1][OUTCOME_NONE], 0);
	report__free(report);
}

/* A rehearsal watched one scope alone, so it makes no machine ready. */
static void check_does_not_count_it_as_watching(void **state)
{
	static const struct {
		const char *name, *report;
		int64_t min_window;
		enum verdict verdict;
		const char *reason;
	} cases[] = {
		{"a rehearsal alone",
			REPORT_OF(REHEARSAL_WINDOW, TOTALS(0, 4, 1, 0, 0, 0),
				CALLER(CALLS(0, 4, 1, 0, 0), ""), OF_ETL),
			0, VERDICT_INCONCLUSIVE, "only a rehearsal ran on web-1"},
		{"beside a trace that is long enough",
			REPORT_OF(WINDOW_OF_A_TRACE "," REHEARSAL_WINDOW, TOTALS(0, 4, 1, 0, 0, 0),
				CALLER(CALLS(0, 4, 1, 0, 0), ""), OF_ETL),
			DEFAULT_MIN_WINDOW, VERDICT_READY, "1 host watched for 1d"},
		{"beside a trace that is too short by what the rehearsal took",
			REPORT_OF(WINDOW_OF_A_TRACE "," REHEARSAL_WINDOW, TOTALS(0, 4, 1, 0, 0, 0),
				CALLER(CALLS(0, 4, 1, 0, 0), ""), OF_ETL),
			DEFAULT_MIN_WINDOW + 60 * NSEC_PER_SEC, VERDICT_INCONCLUSIVE,
			"was watched for 1d, less than"},
		{"its calls are v1 all the same", RECOVERED, 0, VERDICT_BLOCKED,
			"note: 3 of the IMDSv1 calls were refused by a rehearsal"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct report *report = report__of(cases[i].report);
		struct verdict_options options = {.min_window = cases[i].min_window};
		struct ruling ruling;

		assert_int_equal(verdict__rule(&ruling, report, &options), 0);
		if (ruling.verdict != cases[i].verdict ||
			!list__says(ruling.reasons, cases[i].reason))
			fail_msg("%s: %s, \"%s\"", cases[i].name, verdict__name(ruling.verdict),
				ruling.reasons[0]);
		verdict__clear(&ruling);
		report__free(report);
	}
}

/* The issue's own sentence, above the callers of every format for people. */
static void people_are_told_above_the_callers(void **state)
{
	static const struct {
		const char *format, *callers;
	} cases[] = {
		{"text", "\nCallers\n"}, {"markdown", "## Callers"}, {"html", "id=\"callers\""}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct report *report = report__of(RECOVERED);
		struct render_options options = {.columns = 200};
		char *text = NULL, *told, *callers;
		size_t size;
		FILE *out = open_memstream(&text, &size);

		report__sort(report);
		assert_int_equal(render__find(cases[i].format)->render(out, report, &options), 0);
		fclose(out);
		told = strstr(text, "3 calls refused, then it asked for a token and went on");
		callers = strstr(text, cases[i].callers);
		assert_non_null(told);
		assert_non_null(callers);
		assert_true(told < callers);
		assert_non_null(strstr(text, "Rehearsal of unit etl.service: survives the switch"));
		free(text);
		report__free(report);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_verdict_follows_from_what_came_of_the_calls),
		cmocka_unit_test(json_keeps_all_of_it),
		cmocka_unit_test(a_report_without_one_does_not_speak_of_it),
		cmocka_unit_test(wrong_types_are_refused),
		cmocka_unit_test(what_was_refused_is_no_outcome),
		cmocka_unit_test(merged_ones_add_up),
		cmocka_unit_test(one_that_goes_on_in_a_file_counts_its_own_calls),
		cmocka_unit_test(scopes_of_many_stay_short),
		cmocka_unit_test(since_a_time_it_counts_whole_or_not_at_all),
		cmocka_unit_test(what_is_forgotten_of_it_is_not_known),
		cmocka_unit_test(check_does_not_count_it_as_watching),
		cmocka_unit_test(people_are_told_above_the_callers),
		cmocka_unit_test(survivors_are_not_to_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
