/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Pattern, cause and advice follow from the calls of now: who was fixed between two windows. */
#include "report_fixture.h"

#include "lib/array.h"
#include "lib/scope.h"
#include "lib/text.h"
#include "verdict/advice.h"
#include "verdict/verdict.h"

#define HOST_M "'hosts':[" HOST("m", "web") "],"
#define WINDOWS \
	"'windows':[" WINDOW("m", "b", "01T00", "01T10") "," WINDOW("m", "b", "03T00", "03T10") "],"
#define ONE "'windows':[" WINDOW("m", "b", "01T00", "09T00") "],"
#define PATH(cls, count, first, last)                                                          \
	"{'method':'GET','path':'/latest/meta-data/" cls "','class':'" cls "','count':" #count \
	",'first':'2026-"                                                                      \
	"01-" first ":00:00Z','last':'"                                                        \
	"2026-01-" last ":00:00Z'}"

struct situation {
	const char *name, *windows, *calls, *paths, *first, *last;
	const char *pattern, *advice, *says; /* says NULL: it is not fixed */
};

static const struct situation situations[] = {
	{"a token since the second window", WINDOWS, CALLS(5, 7, 1, 0, 0),
		PATH("v1", 5, "01T01", "01T09") "," PATH("v2", 7, "03T01", "03T02"), "01T01",
		"03T02", "v2-only", "none",
		"It last called IMDSv1 on 2026-01-01 at 09:00:00 UTC, and since 2026-01-03 00:00:00 UTC it has sent a token with every call"},
	{"some without in the second window, too", WINDOWS, CALLS(5, 7, 1, 0, 0),
		PATH("v1", 5, "01T01", "03T01") "," PATH("v2", 7, "03T01", "03T02"), "01T01",
		"03T02", "mixed", "send-token", NULL},
	{"both in the first window, and quiet for long enough", WINDOWS, CALLS(5, 7, 1, 0, 0),
		PATH("v1", 5, "01T01", "01T05") "," PATH("v2", 7, "01T01", "03T09"), "01T01",
		"03T09", "v2-only", "none", "is fixed"},
	{"both in the first window, and not quiet for long", WINDOWS, CALLS(5, 7, 1, 0, 0),
		PATH("v1", 5, "01T01", "01T05") "," PATH("v2", 7, "01T01", "03T01"), "01T01",
		"03T01", "mixed", "send-token", NULL},
	{"both in the first window, v1 once", WINDOWS, CALLS(1, 7, 1, 0, 0),
		PATH("v1", 1, "01T01", "01T01") "," PATH("v2", 7, "01T01", "03T09"), "01T01",
		"03T09", "mixed", "send-token", NULL},
	{"not seen again", WINDOWS, CALLS(5, 0, 0, 0, 0), PATH("v1", 5, "01T01", "01T09"), "01T01",
		"01T09", "v1-only", "send-token", NULL},
	{"fallback, then fixed", WINDOWS, CALLS(5, 7, 3, 0, 0),
		PATH("v1", 5, "01T01", "01T09") "," PATH("token", 3, "01T01", "03T01") "," PATH(
			"v2", 7, "03T01", "03T02"),
		"01T01", "03T02", "v2-only", "none", "is fixed"},
	{"tokens alone are no proof", WINDOWS, CALLS(5, 0, 3, 0, 0),
		PATH("v1", 5, "01T01", "01T09") "," PATH("token", 3, "03T01", "03T01"), "01T01",
		"03T01", "fallback", NULL, NULL},
	{"a detector that was narrowed", WINDOWS, CALLS(5, 0, 0, 4, 0),
		PATH("v1", 5, "01T01",
			"01T09") ",{'method':'GET','path':'/computeMetadata/v1/','class'"
				 ":'foreign','count':4,'first':'2026-01-03T01:00:00Z','last':'2026-01-03T02:00:00Z'}",
		"01T01", "03T02", "foreign-only", "none",
		"it has asked only for Google's metadata service"},
	{"a v1 call without a time", WINDOWS, CALLS(6, 7, 1, 0, 0),
		PATH("v1", 5, "01T01", "01T09") "," PATH("v2", 7, "03T01", "03T02"), "01T01",
		"03T02", "mixed", NULL, NULL},
	{"a long window, and a day with a token", ONE, CALLS(5, 7, 1, 0, 0),
		PATH("v1", 5, "01T01", "02T09") "," PATH("v2", 7, "02T10", "05T02"), "01T01",
		"05T02", "v2-only", "none", "since 2026-01-02 10:00:00 UTC"},
	{"the same, but not a day yet", ONE, CALLS(5, 7, 1, 0, 0),
		PATH("v1", 5, "01T01", "02T09") "," PATH("v2", 7, "02T10", "03T02"), "01T01",
		"03T02", "mixed", NULL, NULL},
	{"once at its start, and tokens ever since", ONE, CALLS(1, 7, 1, 0, 0),
		PATH("v1", 1, "01T01", "01T01") "," PATH("v2", 7, "01T01", "08T02"), "01T01",
		"08T02", "mixed", NULL, NULL},
};

static struct report *report__with(const char *windows, const char *calls, const char *paths,
	const char *first, const char *last)
{
	char text[8192];
	struct report *report;

	snprintf(text, sizeof(text),
		HEAD HOST_M "%s" TOTALS(6, 7, 1, 0, 0,
			0) ",'callers':[{'name':'shop','comm':'shop','exe':'/srv/"
			   "shop','calls':%s,'paths':[%s],"
			   "'first':'2026-01-%s:00:00Z','last':'2026-01-%s:00:00Z'}]}",
		windows, calls, paths, first, last);
	report = report__of(text);
	report__sort(report);
	return report;
}

static void the_last_window_decides(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(situations); i++) {
		const struct situation *s = &situations[i];
		struct report *report =
			report__with(s->windows, s->calls, s->paths, s->first, s->last);
		_free_ char *text = NULL;
		enum advice advice;

		print_message("  %s\n", s->name);
		assert_string_equal(pattern__name(caller__pattern(report->callers[0])), s->pattern);
		assert_int_equal(advice__for(report->callers[0], &advice, &text), 0);
		if (s->advice)
			assert_string_equal(advice__name(advice), s->advice);
		assert_int_equal(!!strstr(text, "is fixed"), !!s->says);
		if (s->says && !strstr(text, s->says))
			fail_msg("no \"%s\": %s", s->says, text);
		report__free(report);
	}
}

static bool texts__hold(char *const *texts, const char *part)
{
	for (size_t i = 0; texts[i]; i++)
		if (strstr(texts[i], part))
			return true;
	return false;
}

/* What it called before stays in the report. */
static void the_verdict_stays_and_says_how_to_start_afresh(void **state)
{
	const struct verdict_options options = {0};
	const struct situation *s = &situations[0];
	struct report *report = report__with(s->windows, s->calls, s->paths, s->first, s->last);
	struct ruling ruling;

	(void)state;
	assert_int_equal(verdict__rule(&ruling, report, &options), 0);
	assert_int_equal(ruling.verdict, VERDICT_BLOCKED);
	assert_true(texts__hold(
		ruling.reasons, "note: 1 of them has been fixed since (5 of the calls)"));
	assert_true(texts__hold(
		ruling.next_steps, "it keeps the calls that shop made before it was fixed"));
	assert_true(texts__hold(ruling.next_steps, "imdstrace check --since 2026-"));
	assert_false(texts__hold(ruling.next_steps, "another cloud"));
	assert_int_equal(report__count_to_change(report, false), 0);
	assert_int_equal(report__count_blockers(report, false), 1);
	verdict__clear(&ruling);
	report__free(report);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_last_window_decides),
		cmocka_unit_test(the_verdict_stays_and_says_how_to_start_afresh),
	};

	return cmocka_run_group_tests_name("callers that are fixed", tests, NULL, NULL);
}
