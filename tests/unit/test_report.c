/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "report_fixture.h"

#include <errno.h>

#include "lib/array.h"
#include "lib/clock.h"

#define MINUTE (60 * NSEC_PER_SEC)

static char *no_args[] = {NULL};

/* What most cases start from: a curl in cron.service. */
static struct process process__curl(void)
{
	return (struct process){
		.key = {.pid = 7, .start_ns = 1},
		.comm = (char *)"curl",
		.exe = (char *)"/usr/bin/curl",
		.args = no_args,
		.ancestry = {{.pid = 3,
			.comm = (char *)"bash",
			.exe = (char *)"/usr/bin/bash",
			.script = (char *)"/etc/cron.daily/tag"}},
		.ancestor_count = 1,
		.workload.unit = (char *)"cron.service",
	};
}

static struct request request__v1(const char *path, int64_t time)
{
	return (struct request){.cls = CLASS_V1, .time = time, .method = "GET", .path = path};
}

static void a_caller_is_its_identity(void **state)
{
	static const struct {
		const char *name, *exe, *script, *parent, *unit, *container, *pod, *comm;
		uint32_t uid;
		enum network network;
		bool same;
	} cases[] = {
		{.name = "nothing differs", .same = true},
		{.name = "another name of the process, same program",
			.comm = "renamed",
			.same = true},
		{.name = "another program", .exe = "/usr/bin/wget"},
		{.name = "another script", .script = "/opt/x.sh"},
		{.name = "another parent", .parent = "/usr/bin/dash"},
		{.name = "another unit", .unit = "etl.service"},
		{.name = "a container", .container = "abc"},
		{.name = "a pod", .pod = "uid-1"},
		{.name = "another user", .uid = 1000},
		{.name = "another network", .network = NETWORK_OWN},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct report *report = report__new();
		struct process first = process__curl(), second = process__curl();
		const struct caller *a, *b;

		second.key.pid = 8;
		second.uid = cases[i].uid;
		second.network = cases[i].network;
		if (cases[i].exe)
			second.exe = (char *)cases[i].exe;
		if (cases[i].comm)
			second.comm = (char *)cases[i].comm;
		if (cases[i].script)
			second.script = (char *)cases[i].script;
		if (cases[i].parent) {
			second.ancestry[0].script = NULL;
			second.ancestry[0].exe = (char *)cases[i].parent;
		}
		if (cases[i].unit)
			second.workload.unit = (char *)cases[i].unit;
		second.workload.container.id = (char *)cases[i].container;
		second.workload.pod.uid = (char *)cases[i].pod;
		a = report__caller(report, &first, true, "m1");
		b = report__caller(report, &second, true, "m1");
		if ((a == b) != cases[i].same)
			fail_msg("%s", cases[i].name);
		assert_int_equal(report->caller_count, cases[i].same ? 1 : 2);
		assert_int_equal(a->processes, cases[i].same ? 2 : 1);
		assert_int_equal(a->hosts_total, 1);
		report__free(report);
	}
}

static void containers_of_an_image_are_one_caller(void **state)
{
	static const char *const images[] = {"shop/etl:1", "shop/report:1"};
	struct report *report = report__new();
	struct process process = process__curl();
	char id[65], argument[32];
	char *args[] = {(char *)"curl", argument, NULL};

	(void)state;
	process.args = args;
	process.workload.unit = NULL;
	process.workload.container.runtime = (char *)"docker";
	process.workload.container.id = id;
	for (int i = 0; i < 200; i++) {
		process.key.pid = 100 + i;
		snprintf(id, sizeof(id), "%064d", i);
		snprintf(argument, sizeof(argument), "--run=%d", i);
		process.workload.container.image = (char *)images[i % 2];
		assert_non_null(report__caller(report, &process, true, "m1"));
	}
	assert_int_equal(report->caller_count, 2);
	assert_int_equal(report->callers[0]->containers, 100);
	assert_int_equal(report->callers[1]->containers, 100);
	report__free(report);
}

static void a_process_of_unknown_program_goes_by_its_name(void **state)
{
	struct report *report = report__new();
	struct process first = process__curl(), second = process__curl();

	(void)state;
	first.exe = second.exe = NULL;
	second.comm = (char *)"other";
	assert_ptr_not_equal(report__caller(report, &first, true, "m1"),
		report__caller(report, &second, true, "m1"));
	report__free(report);
}

static void callers_past_the_bound_are_the_rest(void **state)
{
	static const uint64_t one[CLASS_COUNT] = {[CLASS_V1] = 1};
	struct report *report = report__new();
	struct caller *last = NULL;
	uint64_t calls = 0;
	char exe[32];

	(void)state;
	for (int i = 0; i < REPORT_CALLERS_MAX + 100; i++) {
		struct process process = process__curl();
		struct request request = request__v1("/x", NEW_YEAR);

		snprintf(exe, sizeof(exe), "/usr/bin/%d", i);
		process.exe = exe;
		last = report__caller(report, &process, true, "m1");
		assert_non_null(last);
		report__add_calls(last, one, NULL);
		assert_int_equal(report__add_request(report, last, &request), 0);
	}
	assert_int_equal(report->caller_count, REPORT_CALLERS_MAX + 1);
	assert_string_equal(last->name, REPORT_REST);
	assert_true(last->rest);
	assert_int_equal(last->processes, 100);
	for (size_t i = 0; i < report->caller_count; i++)
		calls += report->callers[i]->calls[CLASS_V1];
	assert_int_equal(calls, REPORT_CALLERS_MAX + 100);
	report__free(report);
}

static const struct report_path *caller__rest_path(
	const struct caller *caller, enum request_class cls)
{
	for (size_t i = 0; i < caller->path_count; i++)
		if (caller->paths[i].cls == cls && !caller->paths[i].method &&
			!strcmp(caller->paths[i].path, REPORT_REST))
			return &caller->paths[i];
	return NULL;
}

static void what_a_caller_holds_is_bounded(void **state)
{
	static const uint64_t one[CLASS_COUNT] = {[CLASS_V1] = 1};
	struct report *report = report__new();
	struct caller *caller = NULL;
	uint64_t calls = 0;

	(void)state;
	for (int i = 0; i < REPORT_PATHS_MAX + 50; i++) {
		struct process process = process__curl();
		char path[32], agent[32], host[32];
		struct request request = request__v1(path, NEW_YEAR + i);

		snprintf(path, sizeof(path), "/%d", i);
		snprintf(agent, sizeof(agent), "curl/%d", i);
		snprintf(host, sizeof(host), "m%d", i);
		process.key.pid = 100 + (uint32_t)i;
		request.agent = agent;
		caller = report__caller(report, &process, true, host);
		report__add_calls(caller, one, NULL);
		assert_int_equal(report__add_request(report, caller, &request), 0);
	}
	assert_int_equal(caller->path_count, REPORT_PATHS_MAX + 1);
	assert_non_null(caller__rest_path(caller, CLASS_V1));
	assert_int_equal(caller__rest_path(caller, CLASS_V1)->count, 50);
	assert_int_equal(
		caller__rest_path(caller, CLASS_V1)->last, NEW_YEAR + REPORT_PATHS_MAX + 49);
	for (size_t i = 0; i < caller->path_count; i++)
		calls += caller->paths[i].count;
	assert_int_equal(calls, REPORT_PATHS_MAX + 50);
	assert_int_equal(caller__unrecorded(caller, CLASS_V1), 0);
	assert_int_equal(caller->agent_count, REPORT_AGENTS_MAX);
	assert_int_equal(caller->pid_count, REPORT_PIDS_MAX);
	assert_int_equal(caller->host_count, REPORT_HOSTS_PER_CALLER_MAX);
	assert_false(caller->hosts_exact);
	assert_int_equal(caller->processes, REPORT_PATHS_MAX + 50);
	report__free(report);
}

static void a_report_has_a_weight_limit(void **state)
{
	struct report *report = report__new();
	char *agent = malloc(100001);
	struct caller *caller = NULL;
	char *text;

	(void)state;
	memset(agent, '\x01', 100000);
	agent[100000] = '\0';
	for (int i = 0; i < 200; i++) {
		struct process process = process__curl();
		struct request request = request__v1(agent, NEW_YEAR);

		process.exe = agent;
		process.uid = (uint32_t)i;
		agent[0] = (char)('a' + i % 20);
		caller = report__caller(report, &process, true, "m1");
		assert_non_null(caller);
		assert_int_equal(report__add_request(report, caller, &request), 0);
	}
	assert_true(caller->rest);
	text = report__to_json(report, 0);
	assert_true(strlen(text) < REPORT_FILE_MAX);
	free(text);
	free(agent);
	report__free(report);
}

static void callers_leave_room_for_windows(void **state)
{
	struct report *report = report__new();
	struct process process = process__curl();
	char *exe = malloc(100001), id[16];
	struct window window = {.host = "m1", .boot_id = "b1", .id = id, .hooks = "fentry"};

	(void)state;
	memset(exe, '\x01', 100000);
	exe[100000] = '\0';
	for (int i = 0; i < 400; i++) {
		size_t size = 100000 >> i / 40;

		process.exe = exe + 100000 - size;
		process.uid = (uint32_t)i;
		assert_non_null(report__caller(report, &process, true, "m1"));
	}
	assert_true(report__caller(report, &process, true, "m1")->rest);
	assert_false(report__is_full(report));
	for (int i = 0; !report__is_full(report); i++) {
		snprintf(id, sizeof(id), "%d", i);
		assert_int_equal(report__add_window(report, &window), 0);
	}
	assert_true(report->window_count > 50);
	snprintf(id, sizeof(id), "more");
	assert_int_equal(report__add_window(report, &window), 0);
	free(exe);
	report__free(report);
}

static void no_answer_is_what_is_left(void **state)
{
	static const uint64_t calls[CLASS_COUNT] = {[CLASS_V1] = 10};
	static const uint64_t answers[CLASS_COUNT][OUTCOME_COUNT] = {[CLASS_V1] = {[OUTCOME_OK] = 4,
									     [OUTCOME_REJECTED] = 3,
									     [OUTCOME_OTHER] = 1,
									     [OUTCOME_NONE] = 1}};
	static const uint64_t late[CLASS_COUNT][OUTCOME_COUNT] = {[CLASS_V1] = {[OUTCOME_OK] = 90}};
	static const uint64_t none[CLASS_COUNT];
	struct caller caller = {0};

	(void)state;
	/* of one the kernel side says that it cannot tell */
	report__add_calls(&caller, calls, answers);
	assert_int_equal(caller.answers[CLASS_V1][OUTCOME_NONE], 1);
	assert_int_equal(caller.unwatched[CLASS_V1], 1);
	report__add_calls(&caller, calls, NULL);
	assert_int_equal(caller.calls[CLASS_V1], 20);
	assert_int_equal(caller.answers[CLASS_V1][OUTCOME_NONE], 1);
	assert_int_equal(caller.unwatched[CLASS_V1], 11);
	report__add_calls(&caller, none, late);
	assert_int_equal(caller.answers[CLASS_V1][OUTCOME_NONE], 0);
}

static void no_answer_stays_so_when_merged(void **state)
{
	static const uint64_t calls[CLASS_COUNT] = {[CLASS_TOKEN] = 3};
	static const uint64_t answers[CLASS_COUNT][OUTCOME_COUNT] = {
		[CLASS_TOKEN] = {[OUTCOME_NONE] = 1}};
	struct process process = {.comm = "sdk", .exe = "/usr/bin/sdk"};
	struct report *reports[2];

	(void)state;
	for (int i = 0; i < 2; i++) {
		reports[i] = report__new();
		report__add_calls(report__caller(reports[i], &process, true, "m1"), calls, answers);
	}
	assert_int_equal(report__merge(reports[0], reports[1]), 0);
	assert_int_equal(reports[0]->caller_count, 1);
	assert_int_equal(reports[0]->callers[0]->calls[CLASS_TOKEN], 6);
	assert_int_equal(reports[0]->callers[0]->answers[CLASS_TOKEN][OUTCOME_NONE], 4);
	assert_int_equal(reports[0]->callers[0]->unwatched[CLASS_TOKEN], 2);
	report__free(reports[0]);
	report__free(reports[1]);
}

static void a_pattern_follows_from_the_counts(void **state)
{
	static const struct {
		const char *name;
		uint64_t calls[CLASS_COUNT]; /* token, v2, foreign, v1, unknown */
		uint64_t token_ok, token_refused, v1_ok;
		enum pattern pattern;
	} cases[] = {
		{"only v1", {0, 0, 0, 5, 0}, 0, 0, 5, PATTERN_V1_ONLY},
		{"v1 and foreign", {0, 0, 2, 5, 0}, 0, 0, 5, PATTERN_V1_ONLY},
		{"only v2", {1, 5, 0, 0, 0}, 1, 0, 0, PATTERN_V2_ONLY},
		{"only token requests", {1, 0, 0, 0, 0}, 1, 0, 0, PATTERN_V2_ONLY},
		{"v2 and foreign", {1, 1, 1, 0, 0}, 1, 0, 0, PATTERN_V2_ONLY},
		{"v1 and v2", {0, 5, 0, 5, 0}, 0, 0, 5, PATTERN_MIXED},
		{"v1 although it got a token", {1, 0, 0, 5, 0}, 1, 0, 5, PATTERN_MIXED},
		{"token requests that got no answer, then v1", {3, 0, 0, 5, 0}, 0, 0, 5,
			PATTERN_FALLBACK},
		{"token requests that were refused, then v1", {3, 0, 0, 5, 0}, 0, 3, 5,
			PATTERN_FALLBACK},
		{"refused, then v1, and v2 with an empty token", {3, 1, 0, 5, 0}, 0, 3, 5,
			PATTERN_FALLBACK},
		{"some tokens were given", {3, 2, 0, 5, 0}, 1, 2, 5, PATTERN_MIXED},
		{"nothing is known of answers, no v2", {3, 0, 0, 5, 0}, 0, 0, 0, PATTERN_FALLBACK},
		{"nothing is known of answers, v2", {3, 2, 0, 5, 0}, 0, 0, 0, PATTERN_MIXED},
		{"only foreign", {0, 0, 5, 0, 0}, 0, 0, 0, PATTERN_FOREIGN_ONLY},
		{"only unknown", {0, 0, 0, 0, 5}, 0, 0, 0, PATTERN_UNKNOWN},
		{"nothing at all", {0, 0, 0, 0, 0}, 0, 0, 0, PATTERN_UNKNOWN},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t answers[CLASS_COUNT][OUTCOME_COUNT] = {{0}};
		struct caller caller = {0};

		answers[CLASS_TOKEN][OUTCOME_OK] = cases[i].token_ok;
		answers[CLASS_TOKEN][OUTCOME_OTHER] = cases[i].token_refused;
		answers[CLASS_V1][OUTCOME_OK] = cases[i].v1_ok;
		report__add_calls(
			&caller, cases[i].calls, (const uint64_t(*)[OUTCOME_COUNT])answers);
		if (caller__pattern(&caller) != cases[i].pattern)
			fail_msg("%s: %s", cases[i].name, pattern__name(caller__pattern(&caller)));
	}
}

static void calls_without_details_stay_visible(void **state)
{
	static const uint64_t calls[CLASS_COUNT] = {[CLASS_V1] = 10};
	struct report *report = report__new();
	struct process process = process__curl();
	struct caller *caller = report__caller(report, &process, true, "m1");
	struct request request = request__v1("/x", NEW_YEAR);

	(void)state;
	for (int i = 0; i < 3; i++)
		report__add_request(report, caller, &request);
	report__add_calls(caller, calls, NULL);
	assert_int_equal(caller__unrecorded(caller, CLASS_V1), 7);
	assert_int_equal(caller__unrecorded(caller, CLASS_V2), 0);
	report__free(report);
}

static void the_timeline_keeps_minutes_with_calls(void **state)
{
	static const struct {
		int64_t time;
		size_t buckets;
	} calls[] = {
		{NEW_YEAR + 5, 1},
		{NEW_YEAR + MINUTE - 1, 1},
		{NEW_YEAR + MINUTE, 2},
		{NEW_YEAR + 100 * MINUTE, 3},
		{NEW_YEAR - 1, 4}, /* clocks go backwards, too */
		{NEW_YEAR + 50 * MINUTE, 5},
	};
	struct report *report = report__new();
	struct process process = process__curl();
	struct caller *caller = report__caller(report, &process, true, "m1");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		struct request request = request__v1("/x", calls[i].time);

		assert_int_equal(report__add_request(report, caller, &request), 0);
		assert_int_equal(report->timeline_count, calls[i].buckets);
	}
	assert_int_equal(report->timeline_seconds, 60);
	assert_int_equal(report->timeline[0].start, NEW_YEAR - MINUTE);
	assert_int_equal(report->timeline[1].start, NEW_YEAR);
	assert_int_equal(report->timeline[1].calls[CLASS_V1], 2);
	assert_int_equal(report->timeline[4].start, NEW_YEAR + 100 * MINUTE);
	assert_int_equal(caller->first, NEW_YEAR - 1);
	assert_int_equal(caller->last, NEW_YEAR + 100 * MINUTE);
	report__free(report);
}

static void a_long_timeline_folds(void **state)
{
	static const struct {
		const char *name;
		int calls;
		int64_t apart;
		unsigned int seconds;
		size_t buckets;
	} cases[] = {
		{"as many as fit", REPORT_TIMELINE_MAX, MINUTE, 60, REPORT_TIMELINE_MAX},
		{"one more", REPORT_TIMELINE_MAX + 1, MINUTE, 120, REPORT_TIMELINE_MAX / 2 + 1},
		{"three days", 3 * 1440, MINUTE, 240, 1080},
		{"far between", REPORT_TIMELINE_MAX + 1, 64 * MINUTE, 7680,
			REPORT_TIMELINE_MAX / 2 + 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct report *report = report__new();
		struct process process = process__curl();
		struct caller *caller = report__caller(report, &process, true, "m1");
		uint64_t calls = 0;

		for (int j = 0; j < cases[i].calls; j++) {
			struct request request = request__v1("/x", NEW_YEAR + j * cases[i].apart);

			assert_int_equal(report__add_request(report, caller, &request), 0);
		}
		for (size_t j = 0; j < report->timeline_count; j++)
			calls += report->timeline[j].calls[CLASS_V1];
		if (report->timeline_seconds != cases[i].seconds ||
			report->timeline_count != cases[i].buckets)
			fail_msg("%s: %zu of %u s", cases[i].name, report->timeline_count,
				report->timeline_seconds);
		assert_int_equal(calls, cases[i].calls);
		report__free(report);
	}
}

static void the_worst_callers_come_first(void **state)
{
	static const char *const order[] = {"d", "c", "b", "a", "e", "f"};
	struct report *report = report__of(HEAD TOTALS(7, 9, 0, 1, 2,
		0) ",'callers':["
		   "{'name':'f','exe':'/f','calls':" CALLS(0, 4, 0, 0,
			   0) "},"
			      "{'name':'e','exe':'/e','calls':" CALLS(0, 5, 0, 0,
				      0) "},"
					 "{'name':'a','exe':'/a','calls':" CALLS(0, 0, 0, 1,
						 0) "},"
						    "{'name':'b','exe':'/b','calls':" CALLS(0, 0, 0,
							    0,
							    2) "},"
							       "{'name':'c','exe':'/"
							       "c','calls':" CALLS(3, 0, 0, 0,
								       0) "},"
									  "{'name':'d','exe':'/"
									  "d','calls':" CALLS(4, 0,
										  0, 0,
										  0) ",'paths':["
										     "{'class':'v1'"
										     ",'method':'"
										     "GET','path':'"
										     "/1','count':1},"
										     "{'class':'v1'"
										     ",'method':'"
										     "GET','path':'"
										     "/3','count':3}]}]}");

	(void)state;
	report__sort(report);
	for (size_t i = 0; i < ARRAY_SIZE(order); i++)
		assert_string_equal(report->callers[i]->name, order[i]);
	assert_string_equal(report->callers[0]->paths[0].path, "/3");
	report__free(report);
}

static void counts_do_not_wrap(void **state)
{
	static const uint64_t most[CLASS_COUNT] = {[CLASS_V1] = REPORT_COUNT_MAX};
	struct caller caller = {0};

	(void)state;
	report__add_calls(&caller, most, NULL);
	report__add_calls(&caller, most, NULL);
	assert_int_equal(caller.calls[CLASS_V1], REPORT_COUNT_MAX);
	assert_int_equal(caller__total(&caller), REPORT_COUNT_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_caller_is_its_identity),
		cmocka_unit_test(containers_of_an_image_are_one_caller),
		cmocka_unit_test(a_process_of_unknown_program_goes_by_its_name),
		cmocka_unit_test(callers_past_the_bound_are_the_rest),
		cmocka_unit_test(what_a_caller_holds_is_bounded),
		cmocka_unit_test(a_report_has_a_weight_limit),
		cmocka_unit_test(callers_leave_room_for_windows),
		cmocka_unit_test(no_answer_is_what_is_left),
		cmocka_unit_test(no_answer_stays_so_when_merged),
		cmocka_unit_test(a_pattern_follows_from_the_counts),
		cmocka_unit_test(calls_without_details_stay_visible),
		cmocka_unit_test(the_timeline_keeps_minutes_with_calls),
		cmocka_unit_test(a_long_timeline_folds),
		cmocka_unit_test(the_worst_callers_come_first),
		cmocka_unit_test(counts_do_not_wrap),
	};

	return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
