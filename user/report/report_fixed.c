/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Callers that were changed on some hosts and not on others: what they do where they were not. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "report/report_index.h"

void caller__mark_fixed(struct caller *caller)
{
	caller->hosts_fixed = 1;
	memcpy(caller->fixed, caller->calls, sizeof(caller->fixed));
	memcpy(caller->fixed_unwatched, caller->unwatched, sizeof(caller->fixed_unwatched));
	memcpy(caller->fixed_answers, caller->answers, sizeof(caller->fixed_answers));
	for (size_t i = 0; i < caller->path_count; i++)
		caller->paths[i].fixed = caller->paths[i].count;
}

void report__note_fixed(struct report *report)
{
	report__find_fixed(report);
	for (size_t i = 0; report->host_count == 1 && i < report->caller_count; i++) {
		struct caller *caller = report->callers[i];

		if (caller->fixed_since && !caller->hosts_fixed)
			caller__mark_fixed(caller);
	}
}

static uint64_t count__less(uint64_t count, uint64_t less)
{
	return count > less ? count - less : 0;
}

/* Whether it is fixed on some of its hosts and still calls v1 on others. */
static bool caller__is_split(const struct caller *caller)
{
	return caller->hosts_fixed && caller->calls[CLASS_V1] > caller->fixed[CLASS_V1];
}

void caller__count_now(const struct caller *caller, struct caller *now)
{
	*now = *caller;
	if (!caller__is_split(caller))
		return;
	now->hosts_fixed = 0;
	now->fixed_since = 0;
	for (int c = 0; c < CLASS_COUNT; c++) {
		now->calls[c] = count__less(caller->calls[c], caller->fixed[c]);
		now->unwatched[c] = count__less(caller->unwatched[c], caller->fixed_unwatched[c]);
		for (int o = 0; o < OUTCOME_COUNT; o++)
			now->answers[c][o] =
				count__less(caller->answers[c][o], caller->fixed_answers[c][o]);
	}
}

int caller__now(const struct caller *caller, struct caller *now)
{
	bool split = caller__is_split(caller);

	caller__count_now(caller, now);
	now->paths = calloc(caller->path_count + 1, sizeof(*now->paths));
	if (!now->paths)
		return -ENOMEM;
	now->path_count = 0;
	for (size_t i = 0; i < caller->path_count; i++) {
		struct report_path path = caller->paths[i];

		if (split)
			path.count = count__less(path.count, path.fixed);
		if (path.count)
			now->paths[now->path_count++] = path;
	}
	return 0;
}

void caller__forget_now(struct caller *now)
{
	free(now->paths);
	now->paths = NULL;
}
