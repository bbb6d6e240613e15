/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Callers that called IMDSv1 and do not any more, as far as one host shows. */
#include "lib/clock.h"
#include "report/report_index.h"

/* Within one window: who called v1 for an hour does not do so at its start alone, and who has not
 * for a day has had the time of a daily job. */
#define CALLED_FOR (3600 * NSEC_PER_SEC)
#define QUIET_FOR  (86400 * NSEC_PER_SEC)

struct span {
	int64_t first, last; /* 0: no call */
	bool known;          /* each call has a time */
};

static struct span caller__span(const struct caller *caller, enum request_class cls)
{
	struct span span = {.known = !caller__unrecorded(caller, cls)};

	for (size_t i = 0; i < caller->path_count; i++) {
		const struct report_path *path = &caller->paths[i];

		if (path->cls != cls)
			continue;
		span.known &= path->first && path->last;
		span__widen(&span.first, &span.last, path->first, path->last);
	}
	return span;
}

/* When the window began in which it was seen last; 0: not known. */
static int64_t caller__last_window(const struct report *report, const struct caller *caller)
{
	const char *host = caller->host_count ? caller->hosts[0] : NULL;
	int64_t start = 0;

	for (size_t i = 0; i < report->window_count; i++) {
		const struct window *window = &report->windows[i];

		if ((!host || text__same(window->host, host)) && window->start <= caller->last &&
			window->start > start)
			start = window->start;
	}
	return start;
}

/* The longest time between two calls of one v1 path, on average; of a path that was called once
 * nobody can tell, so it is a day. */
static int64_t caller__interval(const struct caller *caller)
{
	int64_t longest = 0;

	for (size_t i = 0; i < caller->path_count; i++) {
		const struct report_path *path = &caller->paths[i];
		int64_t interval = QUIET_FOR;

		if (path->cls != CLASS_V1)
			continue;
		if (path->count > 1)
			interval = (path->last - path->first) / (int64_t)(path->count - 1);
		if (interval > longest)
			longest = interval;
	}
	return longest;
}

/* Whether it does now without what it did before the window: who only called v1 has changed with
 * its first token; who did both may yet call v1 again, and has to be quiet for twice as long as it
 * ever was. */
static bool caller__has_stopped(const struct caller *caller, int64_t window)
{
	struct span v2 = caller__span(caller, CLASS_V2);

	return !v2.first || v2.first >= window ||
	       caller->last - window >= 2 * caller__interval(caller);
}

static void caller__find_fixed(const struct report *report, struct caller *caller)
{
	struct span v1 = caller__span(caller, CLASS_V1), v2 = caller__span(caller, CLASS_V2);
	struct span foreign = caller__span(caller, CLASS_FOREIGN);
	int64_t window;
	bool before;

	caller->fixed_since = 0;
	if (!v1.known || !v1.last || caller->rest || caller->hosts_total > 1)
		return;
	window = caller__last_window(report, caller);
	before = v1.last < window;
	if (before && (v2.last >= window || foreign.last >= window) &&
		caller__has_stopped(caller, window)) {
		caller->fixed_since = window;
		caller->fixed_as = v2.last >= window ? PATTERN_V2_ONLY : PATTERN_FOREIGN_ONLY;
	} else if (!before && v1.last - v1.first >= CALLED_FOR && v2.last - v1.last >= QUIET_FOR) {
		caller->fixed_since = v2.first > v1.last ? v2.first : v1.last + 1;
		caller->fixed_as = PATTERN_V2_ONLY;
	}
}

void report__find_fixed(struct report *report)
{
	for (size_t i = 0; i < report->caller_count; i++)
		caller__find_fixed(report, report->callers[i]);
}
