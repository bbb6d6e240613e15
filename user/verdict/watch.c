/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How long each host was watched, from the windows of a report. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/scope.h"
#include "verdict/verdict.h"

/* A tracer that is started with the machine attaches within this of the kernel's start. */
#define BOOT_SLACK (120 * NSEC_PER_SEC)
/* Between two windows that a restarted service leaves behind. */
#define GAP_MIN NSEC_PER_SEC

static int window__compare(const void *left, const void *right)
{
	const struct window *a = *(const struct window *const *)left;
	const struct window *b = *(const struct window *const *)right;
	int order = strcmp(a->host, b->host);

	if (order)
		return order;
	return a->start < b->start ? -1 : a->start > b->start;
}

/* What may have been missed of a boot; the best known of several is what counts. */
static void watch__add_boot(struct watch *watch, const struct window *window)
{
	int64_t delay = window->start - window->booted;

	watch->boot_known = true;
	if (delay >= BOOT_SLACK)
		return;
	watch->boot_watched = true;
	if (!window->opened_known ||
		(watch->opened_known && window->opened_before >= watch->opened))
		return;
	watch->opened_known = true;
	watch->opened = window->opened_before;
	watch->boot_delay = delay > 0 ? delay : 0;
}

/* Windows come by host and start, so each either overlaps what is counted or lies behind it. */
static void watch__add(struct watch *watch, const struct window *window)
{
	int64_t gap = watch->windows ? window->start - watch->end : 0;
	int64_t from = watch->windows && watch->end > window->start ? watch->end : window->start;

	/* It watched one scope alone, which it had changed. */
	if (window->rehearsal) {
		watch->rehearsals++;
		return;
	}
	if (gap >= GAP_MIN) {
		watch->gaps++;
		if (gap > watch->longest_gap)
			watch->longest_gap = gap;
	}
	if (window->end > from)
		watch->watched += window->end - from;
	if (!watch->windows)
		watch->start = window->start;
	if (!watch->windows || window->end > watch->end)
		watch->end = window->end;
	watch->windows++;
	if (window->booted)
		watch__add_boot(watch, window);
}

static int window__compare_boots(const void *left, const void *right)
{
	const struct window *a = *(const struct window *const *)left;
	const struct window *b = *(const struct window *const *)right;
	int order = strcmp(a->boot_id, b->boot_id);

	if (!order && a->copy != b->copy)
		return a->copy < b->copy ? -1 : 1;
	return order ? order : window__compare(left, right);
}

static int watch__compare(const void *left, const void *right)
{
	const struct watch *a = left, *b = right;

	return strcmp(a->machine_id, b->machine_id);
}

/* One machine's boots come one after another. Windows are those of one host, by their start. */
static bool windows__are_of_clones(const struct window *const *windows, size_t count)
{
	const struct window *latest = windows[0];

	if (latest->copy)
		return true;
	for (size_t i = 1; i < count; i++) {
		if (windows[i]->copy)
			return true;
		if (windows[i]->start < latest->end && strcmp(windows[i]->boot_id, latest->boot_id))
			return true;
		if (windows[i]->end > latest->end)
			latest = windows[i];
	}
	return false;
}

/* The windows of one host into one watch, or of clones into one for each boot; how many. */
static size_t watches__fold_host(
	struct watch *watches, const struct window **windows, size_t window_count)
{
	bool clones = windows__are_of_clones(windows, window_count);
	size_t count = 0;

	if (clones)
		qsort(windows, window_count, sizeof(*windows), window__compare_boots);
	for (size_t i = 0; i < window_count; i++) {
		const char *boot_id = clones ? windows[i]->boot_id : NULL;

		if (!i || (clones && (strcmp(boot_id, watches[count - 1].boot_id) ||
					     windows[i]->copy != watches[count - 1].copy)))
			watches[count++] = (struct watch){
				.machine_id = windows[i]->host,
				.boot_id = boot_id,
				.copy = windows[i]->copy,
			};
		watch__add(&watches[count - 1], windows[i]);
	}
	return count;
}

/* Windows come by host. */
static size_t watches__fold(
	struct watch *watches, const struct window **windows, size_t window_count)
{
	size_t count = 0;

	for (size_t first = 0, end; first < window_count; first = end) {
		for (end = first + 1; end < window_count; end++)
			if (strcmp(windows[end]->host, windows[first]->host))
				break;
		count += watches__fold_host(&watches[count], &windows[first], end - first);
	}
	return count;
}

int verdict__watches(const struct report *report, struct watch **watches, size_t *count)
{
	size_t windows = report->window_count, most = windows + report->host_count;
	_free_ const struct window **sorted = calloc(windows + 1, sizeof(*sorted));
	struct watch *list = calloc(most + 1, sizeof(*list));
	size_t watched, all;

	if (!sorted || !list) {
		free(list);
		return -ENOMEM;
	}
	for (size_t i = 0; i < windows; i++)
		sorted[i] = &report->windows[i];
	qsort(sorted, windows, sizeof(*sorted), window__compare);
	watched = all = watches__fold(list, sorted, windows);
	for (size_t i = 0; i < report->host_count; i++) {
		struct watch none = {.machine_id = report_host__id(&report->hosts[i])};

		if (!bsearch(&none, list, watched, sizeof(*list), watch__compare))
			list[all++] = none;
	}
	qsort(list, all, sizeof(*list), watch__compare);
	*watches = list;
	*count = all;
	return 0;
}

int64_t verdict__watched(const struct report *report, const char *id)
{
	_free_ struct watch *watches = NULL;
	int64_t shortest = INT64_MAX;
	size_t count;

	if (verdict__watches(report, &watches, &count))
		return 0;
	for (size_t i = 0; i < count; i++)
		if (!strcmp(watches[i].machine_id, id) && watches[i].watched < shortest)
			shortest = watches[i].watched;
	return shortest == INT64_MAX ? 0 : shortest;
}
