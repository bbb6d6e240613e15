/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* In which accounts and Regions the hosts of a caller are, as people are told. */
#include "report_fixture.h"

#include "lib/array.h"
#include "render/owners.h"

#define IN(id, account, region)                                                                  \
	"{'hostname':'" id "','machine_id':'" id "','kernel':'6.1','instance_id':null,'account_" \
	"id':" account ",'region':" region "}"
#define EU    "'eu-west-1'"
#define US    "'us-east-1'"
#define ONE   "'111122223333'"
#define OTHER "'444455556666'"
#define SHOWN "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde"

static void owners_are_told(void **state)
{
	static const struct {
		const char *name, *hosts, *sample, *caller, *report;
	} cases[] = {
		{"one host", IN("m1", ONE, EU), "'m1'", "", "account 111122223333 (eu-west-1)"},
		{"one host of which nothing is known", IN("m1", "null", "null"), "'m1'", "", ""},
		{"all hosts in one place", IN("m1", ONE, EU) "," IN("m2", ONE, EU), "'m1','m2'", "",
			"account 111122223333 (eu-west-1)"},
		{"two Regions of one account", IN("m1", ONE, US) "," IN("m2", ONE, EU), "'m1','m2'",
			"account 111122223333 (eu-west-1, us-east-1)", ""},
		{"two accounts, the one with more hosts first",
			IN("m1", ONE, EU) "," IN("m2", OTHER, EU) "," IN("m3", OTHER, EU),
			"'m1','m2','m3'",
			"accounts 444455556666 (eu-west-1), 111122223333 (eu-west-1)", ""},
		{"only where the caller is", IN("m1", ONE, EU) "," IN("m2", OTHER, EU), "'m2'",
			"account 444455556666 (eu-west-1)", ""},
		{"Regions alone", IN("m1", "null", US) "," IN("m2", "null", EU), "'m1','m2'",
			"eu-west-1, us-east-1", ""},
		{"accounts alone", IN("m1", ONE, "null") "," IN("m2", OTHER, "null"), "'m1','m2'",
			"accounts 111122223333, 444455556666", ""},
		{"an account that is not known", IN("m1", ONE, EU) "," IN("m2", "null", EU),
			"'m1','m2'", "account 111122223333 (eu-west-1) and one that is not known",
			""},
		{"nothing known of the caller's hosts",
			IN("m1", ONE, EU) "," IN("m2", "null", "null"), "'m2'", "", ""},
		{"more accounts than are told",
			IN("m1", "'1'", "null") "," IN("m2", "'2'", "null") "," IN("m3", "'3'",
				"null") "," IN("m4", "'4'", "null") "," IN("m5", "'5'", "null"),
			"'m1','m2','m3','m4','m5'", "accounts 1, 2, 3, 4 and 1 more", ""},
		{"no more of a name than a line holds", IN("m1", "'" SHOWN "\u00e9\u00e9'", EU),
			"'m1'", "", "account " SHOWN " (eu-west-1)"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[4096], *of_caller, *of_report;
		struct report *report;

		snprintf(text, sizeof(text),
			HEAD "'hosts':[%s]," TOTALS(1, 0, 0, 0, 0,
				0) ",'callers':[{'name':'x','hosts':{'count':9,'exact':true,"
				   "'sample':[%s]},'calls':" CALLS(1, 0, 0, 0, 0) "}]}",
			cases[i].hosts, cases[i].sample);
		report = report__of(text);
		of_caller = caller__owners(report, NULL, report->callers[0]);
		of_report = report__owner(report);
		if (strcmp(of_caller, cases[i].caller) != 0)
			fail_msg("%s: the caller's are \"%s\"", cases[i].name, of_caller);
		if (strcmp(of_report, cases[i].report) != 0)
			fail_msg("%s: the report's are \"%s\"", cases[i].name, of_report);
		free(of_caller);
		free(of_report);
		report__free(report);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(owners_are_told),
	};

	return cmocka_run_group_tests_name("owners", tests, NULL, NULL);
}
