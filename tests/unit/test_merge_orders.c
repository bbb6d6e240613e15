/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Reports that share hosts, windows and calls, merged in every order and in every tree of merges,
 * each merge written and read again: the same comes out each time, or the merge is refused. Given
 * together as files they are never refused.
 */
#include "report_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/report_set.h"
#include "lib/array.h"
#include "lib/scope.h"
#include "verdict/verdict.h"

#define LEAVES_MAX 4

#define CALLER(name, v1, v2, last)                                                                 \
	"{'name':'" name "','exe':'/usr/bin/" name                                                 \
	"','calls':" CALLS(v1, v2, 0, 0, 0) ","                                                    \
					    "'first':'2026-01-01T00:30:00Z','last':'2026-01-" last \
					    ":30:00Z'}"

/* A report of one host with one window, with its sums of calls. */
#define REPORT(host, window, v1, v2, callers)                                                \
	HEAD "'hosts':[" HOST(host, "h") "],'windows':[" window "]," TOTALS(v1, v2, 0, 0, 0, \
		0) ",'callers':[" callers "],'timeline':[{'start':'2026-01-01T00:30:00Z',"   \
		   "'seconds':60,'v1':" #v1 ",'v2':" #v2 "}]}"

#define CRON CALLER("cron", 1, 0, "01T00")

#define SNAPSHOT                                                 \
	REPORT("m1", WINDOW("m1", "b1", "01T00", "01T02"), 1, 4, \
		CRON "," CALLER("new", 0, 4, "01T01"))
#define RESUMED                                                  \
	REPORT("m1", WINDOW("m1", "b1", "01T00", "01T12"), 1, 9, \
		CRON "," CALLER("new", 0, 9, "01T03"))
#define RESUMED_2                                                \
	REPORT("m1", WINDOW("m1", "b1", "01T00", "01T10"), 8, 4, \
		CRON "," CALLER("new", 0, 4, "01T01") "," CALLER("load", 7, 0, "01T04"))
#define RESUMED_3                                                \
	REPORT("m1", WINDOW("m1", "b1", "01T00", "01T12"), 3, 5, \
		CRON "," CALLER("new", 0, 5, "01T05") "," CALLER("shell", 2, 0, "01T05"))
#define CLONE \
	REPORT("m1", WINDOW("m1", "b2", "01T01", "01T05"), 3, 2, CALLER("cron", 3, 2, "01T02"))
#define LATER \
	REPORT("m1", WINDOW("m1", "b3", "01T14", "01T16"), 2, 2, CALLER("cron", 2, 2, "01T15"))
#define OTHER REPORT("m2", WINDOW("m2", "b9", "01T00", "01T09"), 0, 6, CALLER("new", 0, 6, "01T07"))
#define OTHER_OLD \
	REPORT("m2", WINDOW("m2", "b9", "01T00", "01T07"), 0, 3, CALLER("new", 0, 3, "01T06"))

static const struct {
	const char *name, *leaves[LEAVES_MAX];
	uint64_t v1, v2;
	size_t watches;
	bool separable; /* in every tree */
} cases[] = {
	{"two hosts", {RESUMED, OTHER}, 1, 15, 2, true},
	{"a copy", {RESUMED, RESUMED}, 1, 9, 1, true},
	{"an older state", {SNAPSHOT, RESUMED}, 1, 9, 1, true},
	{"an older state and a copy", {SNAPSHOT, RESUMED, SNAPSHOT, RESUMED}, 1, 9, 1, true},
	{"a snapshot that was resumed twice", {RESUMED, RESUMED_2}, 9, 13, 2, true},
	{"and the snapshot itself", {RESUMED, SNAPSHOT, RESUMED_2}, 9, 13, 2, true},
	{"three times", {RESUMED, RESUMED_2, RESUMED_3}, 12, 18, 3, true},
	{"three times, and the snapshot", {RESUMED_2, RESUMED, RESUMED_3, SNAPSHOT}, 12, 18, 3,
		false},
	{"twice, and a copy of one", {RESUMED, RESUMED_2, RESUMED_2}, 9, 13, 2, true},
	{"twice, and another host", {RESUMED, RESUMED_2, OTHER}, 9, 19, 3, false},
	{"clones by their boots", {RESUMED, CLONE, LATER}, 6, 13, 3, true},
	{"clones and an older state", {RESUMED, CLONE, SNAPSHOT}, 4, 11, 2, false},
	{"two hosts and older states", {OTHER_OLD, RESUMED, OTHER, SNAPSHOT}, 1, 15, 2, false},
};

static size_t case__leaves(size_t number)
{
	size_t count = 0;

	while (count < LEAVES_MAX && cases[number].leaves[count])
		count++;
	return count;
}

/* The next permutation in order; false: that was the last. */
static bool order__next(size_t *order, size_t count)
{
	size_t at = count - 1, with = count - 1, swap;

	while (at && order[at - 1] >= order[at])
		at--;
	if (!at)
		return false;
	while (order[with] <= order[at - 1])
		with--;
	swap = order[at - 1], order[at - 1] = order[with], order[with] = swap;
	for (size_t end = count - 1; at < end; at++, end--)
		swap = order[at], order[at] = order[end], order[end] = swap;
	return true;
}

static void check_sum(size_t number, struct report *report, const char *how)
{
	struct verdict_options options = {0};
	_free_ struct watch *watches = NULL;
	struct ruling ruling;
	uint64_t v1 = 0;
	size_t count;

	assert_int_equal(verdict__watches(report, &watches, &count), 0);
	assert_int_equal(verdict__rule(&ruling, report, &options), 0);
	for (size_t i = 0; i < report->caller_count; i++)
		v1 += report->callers[i]->calls[CLASS_V1];
	if (report->totals[CLASS_V1] != cases[number].v1 ||
		report->totals[CLASS_V2] != cases[number].v2 || v1 != cases[number].v1 ||
		count != cases[number].watches || ruling.verdict != VERDICT_BLOCKED)
		fail_msg("%s, %s: %d v1, %d by callers, %d v2, %zu watched, %s", cases[number].name,
			how, (int)report->totals[CLASS_V1], (int)v1, (int)report->totals[CLASS_V2],
			count, verdict__name(ruling.verdict));
	verdict__clear(&ruling);
}

/* As somebody would keep it who merges by and by. */
static struct report *report__kept(struct report *report)
{
	_free_ char *text = report__to_json(report, 0);
	struct report *again = NULL;
	char why[256] = "";

	assert_non_null(text);
	if (report__from_json(&again, text, strlen(text), why, sizeof(why)))
		fail_msg("%s", why);
	report__free(report);
	return again;
}

/* The sum of leaves from first to end, divided where the digits of tree say. NULL: refused. */
static struct report *merge(
	size_t number, const size_t *order, size_t first, size_t end, unsigned int tree)
{
	size_t cut = first + 1;
	struct report *left, *right;
	int error;

	if (end - first == 1)
		return report__of(cases[number].leaves[order[first]]);
	cut += tree % (end - first - 1);
	tree /= (unsigned int)(end - first - 1);
	left = merge(number, order, first, cut, tree);
	right = merge(number, order, cut, end, tree);
	error = left && right ? report__merge(left, right) : -EEXIST;
	report__free(right);
	if (!error)
		return report__kept(left);
	assert_int_equal(error, -EEXIST);
	report__free(left);
	return NULL;
}

static void every_order_and_tree_gives_the_same(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t order[LEAVES_MAX] = {0, 1, 2, 3}, count = case__leaves(i);
		size_t merged = 0;

		do {
			for (unsigned int tree = 0; tree < 6; tree++) {
				struct report *sum = merge(i, order, 0, count, tree);

				if (!sum && cases[i].separable)
					fail_msg("%s: refused", cases[i].name);
				if (!sum)
					continue;
				check_sum(i, sum, "merged");
				report__free(sum);
				merged++;
			}
		} while (order__next(order, count));
		assert_true(merged);
	}
}

static void files_in_every_order_give_the_same(void **state)
{
	static const struct report_set_options everything;
	const char *parent = getenv("TMPDIR");
	char directory[256];

	(void)state;
	snprintf(directory, sizeof(directory), "%s/merge-orders.XXXXXX",
		parent && *parent ? parent : "/tmp");
	assert_non_null(mkdtemp(directory));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t order[LEAVES_MAX] = {0, 1, 2, 3}, count = case__leaves(i);
		char *paths[LEAVES_MAX], *ordered[LEAVES_MAX];

		for (size_t leaf = 0; leaf < count; leaf++)
			paths[leaf] = file__make(directory, leaf, cases[i].leaves[leaf]);
		do {
			struct report_set set;

			for (size_t leaf = 0; leaf < count; leaf++)
				ordered[leaf] = paths[order[leaf]];
			assert_int_equal(report_set__read(&set, ordered, count, &everything), 0);
			assert_int_equal(set.failed, 0);
			check_sum(i, set.report, "as files");
			report_set__clear(&set);
		} while (order__next(order, count));
		while (count--) {
			unlink(paths[count]);
			free(paths[count]);
		}
	}
	rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_order_and_tree_gives_the_same),
		cmocka_unit_test(files_in_every_order_give_the_same),
	};

	return cmocka_run_group_tests_name("merges in any order", tests, NULL, NULL);
}
