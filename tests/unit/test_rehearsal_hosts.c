/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Rehearsals beside traces of several hosts, and the scopes of reports by another hand. */
#include "report_fixture.h"

#include "lib/array.h"

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
		cmocka_unit_test(any_two_scopes_can_be_merged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
