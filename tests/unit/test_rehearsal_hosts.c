/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Rehearsals beside traces of several hosts, and the scopes of reports by another hand. */
#include "report_fixture.h"

#include "lib/array.h"
#include "lib/clock.h"
#include "verdict/advice.h"
#include "verdict/rehearsal_verdict.h"
#include "verdict/verdict.h"

#define REPORT_OF(host, window, totals, caller, rest)                                \
	HEAD "'hosts':[" HOST(host, host) "],'windows':[" window "]," totals         \
					  ",'callers':[{'name':'etl','exe':'/etl','" \
					  "unit':'etl.service'" caller "}]" rest "}"
#define OLD_SDK ",'user_agents':['Boto3/1.9.42']"
#define TRACE(host, more)                                                               \
	REPORT_OF(host, WINDOW(host, "b1", "01T00", "02T00"), TOTALS(5, 0, 0, 0, 0, 0), \
		more ",'calls':" CALLS(5, 0, 0, 0, 0), "")
#define REHEARSAL(host, more)                                                             \
	REPORT_OF(host,                                                                   \
		"{'host':'" host "','boot_id':'b1','start':'2026-01-03T00:00:00Z','end':" \
		"'2026-01-03T00:10:00Z','rehearsal':true}",                               \
		TOTALS(3, 1, 1, 0, 0, 0),                                                 \
		more ",'calls':" CALLS(3, 1, 1, 0, 0) ",'rehearsal':{'rejected':3,"       \
						      "'recovered':true}",                \
		",'rehearsal':{'scope':'unit etl.service'}")

/* What was rehearsed on one host alone says that nothing is left to do on that one alone. */
static void tokens_can_be_required_where_it_was_rehearsed(void **state)
{
	static const struct {
		const char *name, *reports[4];
		bool required;
		size_t to_change;
		enum advice advice;
	} cases[] = {
		{"on the one host", {TRACE("m1", ""), REHEARSAL("m1", "")}, true, 0, ADVICE_NONE},
		{"on both hosts",
			{TRACE("m1", ""), TRACE("m2", ""), REHEARSAL("m1", ""),
				REHEARSAL("m2", "")},
			true, 0, ADVICE_NONE},
		{"on one of two hosts", {TRACE("m1", ""), TRACE("m2", ""), REHEARSAL("m1", "")},
			false, 0, ADVICE_NONE},
		{"on one of two hosts, with an old SDK",
			{TRACE("m1", OLD_SDK), TRACE("m2", OLD_SDK), REHEARSAL("m1", OLD_SDK)},
			false, 1, ADVICE_UPGRADE_CLIENT},
		{"on the one host, with an old SDK",
			{TRACE("m1", OLD_SDK), REHEARSAL("m1", OLD_SDK)}, true, 0, ADVICE_NONE},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct verdict_options options = {.min_window = DEFAULT_MIN_WINDOW};
		struct report *whole = report__new();
		struct ruling ruling;
		enum advice advice;
		char *text;

		print_message("  %s\n", cases[i].name);
		for (size_t j = 0; j < 4 && cases[i].reports[j]; j++) {
			struct report *report = report__of(cases[i].reports[j]);

			assert_int_equal(report__merge(whole, report), 0);
			report__free(report);
		}
		assert_int_equal(report__rehearsal_verdict(whole), REHEARSAL_SURVIVES);
		assert_int_equal(verdict__rule(&ruling, whole, &options), 0);
		assert_int_equal(ruling.verdict, VERDICT_BLOCKED);
		assert_int_equal(list__says(ruling.next_steps, "tokens can be required although"),
			cases[i].required);
		assert_int_equal(report__count_to_change(whole, false), cases[i].to_change);
		assert_int_equal(advice__for(whole->callers[0], &advice, &text), 0);
		assert_int_equal(advice, cases[i].advice);
		free(text);
		verdict__clear(&ruling);
		report__free(whole);
	}
}

static void any_two_scopes_can_be_merged(void **state)
{
	static const struct {
		const char *known, *added, *both;
	} cases[] = {
		{"unit a", "unit b", "unit a, unit b"},
		{"unit a, unit b", "unit b", "unit a, unit b"},
		{"unit ab", "unit a", "unit ab, unit a"},
		{"unit a", "", "unit a"},
		{"", "unit a", ", unit a"},
		{"", "", ""},
		{"unit a", "nit a", "unit a, nit a"},
		{"a", ", a", "a, , a"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct report *report = report__new();

		assert_int_equal(report__set_rehearsal(report, cases[i].known), 0);
		for (int again = 0; again < 2; again++) {
			assert_int_equal(report__set_rehearsal(report, cases[i].added), 0);
			assert_string_equal(report->rehearsal.scope, cases[i].both);
		}
		report__free(report);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tokens_can_be_required_where_it_was_rehearsed),
		cmocka_unit_test(any_two_scopes_can_be_merged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
