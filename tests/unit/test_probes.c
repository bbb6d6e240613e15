/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Another cloud's probes of the root that were answered, which CloudWatch counts. */
#include "report_fixture.h"

#include "lib/array.h"
#include "report/probes.h"

#define CALLER(paths, foreign, ok, other)                                           \
	"{'name':'rclone','exe':'/usr/bin/rclone','calls':" CALLS(                  \
		0, 0, 0, foreign, 0) ","                                            \
				     "'outcomes':{'foreign':{'ok':" #ok             \
				     ",'rejected':0,'other':" #other ",'none':0}}," \
				     "'paths':[" paths "]}"
#define PATH(target, count)                                                   \
	"{'method':'GET','path':" target ",'class':'foreign','count':" #count \
	",'first':'2026-01-01T00:00:00Z','last':'2026-01-01T00:00:00Z'}"
#define REPORT(callers) \
	HEAD "'hosts':[],'windows':[]," TOTALS(0, 0, 0, 9, 0, 0) ",'callers':[" callers "]}"

static void probes_are_counted(void **state)
{
	static const struct {
		const char *name, *json, *sentence;
		uint64_t probes;
		bool inexact;
	} cases[] = {
		{"nobody", REPORT(""), NULL, 0, false},
		{"one", REPORT(CALLER(PATH("'/'", 1), 1, 1, 0)),
			"1 foreign call for / was answered, so CloudWatch's MetadataNoToken counts it as well.",
			1, false},
		{"with a query and slashes",
			REPORT(CALLER(PATH("'/?a'", 1) "," PATH("'//'", 2), 3, 3, 0)),
			"3 foreign calls for / were answered, so CloudWatch's MetadataNoToken counts them as well.",
			3, false},
		{"beside another path",
			REPORT(CALLER(PATH("'/'", 2) "," PATH("'/opc/v2/'", 3), 5, 2, 3)),
			"2 foreign calls", 2, false},
		{"another path alone", REPORT(CALLER(PATH("'/opc/v2/'", 3), 3, 0, 3)), NULL, 0,
			false},
		{"rejected", REPORT(CALLER(PATH("'/'", 3), 3, 0, 3)), NULL, 0, false},
		{"another path that was answered", REPORT(CALLER(PATH("'/opc/v2/'", 3), 3, 3, 0)),
			NULL, 0, false},
		{"details were lost", REPORT(CALLER(PATH("'/'", 1), 3, 3, 0)),
			"At least 1 foreign call ", 1, true},
		{"all details were lost", REPORT(CALLER("", 3, 3, 0)),
			"Some foreign calls may have been for /", 0, true},
		{"two callers",
			REPORT(CALLER(PATH("'/'", 2), 2, 2, 0) "," CALLER(PATH("'/'", 1), 1, 1, 0)),
			"3 foreign calls", 3, false},
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct report *report = report__of(cases[i].json);
		char *sentence;
		bool exact;

		print_message("%s\n", cases[i].name);
		assert_int_equal(report__probes_answered(report, &exact), cases[i].probes);
		assert_int_equal(exact, !cases[i].inexact);
		assert_int_equal(report__say_probes(report, &sentence), 0);
		if (cases[i].sentence)
			assert_memory_equal(sentence, cases[i].sentence, strlen(cases[i].sentence));
		else
			assert_null(sentence);
		free(sentence);
		report__free(report);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(probes_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
