/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The order of callers, the one that blocks most first, and of their paths. */
#include <stdlib.h>
#include <string.h>

#include "lib/array.h"
#include "report/report_index.h"

static int compare_counts(uint64_t a, uint64_t b)
{
	return a < b ? 1 : a > b ? -1 : 0;
}

static int compare_texts(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "");
}

static int path__compare(const void *left, const void *right)
{
	const struct report_path *a = left, *b = right;
	int order = compare_counts(a->count, b->count);

	if (!order)
		order = (int)a->cls - (int)b->cls;
	if (!order)
		order = compare_texts(a->path, b->path);
	return order ? order : compare_texts(a->method, b->method);
}

static int caller__compare(const void *left, const void *right)
{
	static const enum request_class worst_first[] = {CLASS_V1, CLASS_UNKNOWN, CLASS_FOREIGN};
	const struct caller *a = *(struct caller *const *)left;
	const struct caller *b = *(struct caller *const *)right;
	int order = compare_counts(a->only_blocker_on, b->only_blocker_on);

	if (!order)
		order = compare_counts(a->hosts_v1, b->hosts_v1);
	for (size_t i = 0; !order && i < ARRAY_SIZE(worst_first); i++)
		order = compare_counts(a->calls[worst_first[i]], b->calls[worst_first[i]]);
	if (!order)
		order = compare_counts(caller__total(a), caller__total(b));
	if (!order)
		order = compare_texts(a->name, b->name);
	/* The rest only makes the order one and the same in every run. */
	if (!order)
		order = compare_texts(a->workload.unit, b->workload.unit);
	if (!order)
		order = compare_texts(a->workload.container.id, b->workload.container.id);
	if (!order)
		order = compare_texts(a->parent, b->parent);
	if (!order)
		order = (int)a->network - (int)b->network;
	return order ? order : compare_texts(a->exe, b->exe);
}

void report__sort(struct report *report)
{
	report__find_fixed(report);
	if (report->caller_count)
		qsort(report->callers, report->caller_count, sizeof(*report->callers),
			caller__compare);
	for (size_t i = 0; i < report->caller_count; i++) {
		struct caller *caller = report->callers[i];

		if (caller->path_count)
			qsort(caller->paths, caller->path_count, sizeof(*caller->paths),
				path__compare);
	}
}
