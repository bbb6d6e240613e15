/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A report less what was before a time. A path has a first and a last call: one that was last
 * called before is left out, one that began after stays. What goes on across the time can be
 * divided only where the timeline has nothing else of its class that goes on across it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "report/report_index.h"

/* The calls of one class, of all callers. */
struct cut {
	uint64_t kept;   /* of paths that began after */
	uint64_t across; /* of those that go on across */
	size_t across_paths;
	uint64_t untimed;  /* that have no path, or one without times */
	uint64_t timeline; /* in buckets that end after the time */
	uint64_t named;    /* that some caller made, before or after */
	bool divides; /* the timeline has these and no others, none in the bucket of the time */
};

static bool path__is_before(const struct report_path *path, int64_t since)
{
	return path->last && path->last < since;
}

static bool path__is_across(const struct report_path *path, int64_t since)
{
	return !path__is_before(path, since) && (!path->first || path->first < since);
}

static int64_t bucket__end(const struct report *report, const struct timeline_bucket *bucket)
{
	return bucket->start + report->timeline_seconds * NSEC_PER_SEC;
}

static void cut__measure_timeline(
	struct cut *cut, const struct report *report, enum request_class cls, int64_t since)
{
	uint64_t all = 0, torn = 0;

	for (size_t i = 0; i < report->timeline_count; i++) {
		const struct timeline_bucket *bucket = &report->timeline[i];

		count__add(&all, bucket->calls[cls]);
		if (bucket__end(report, bucket) <= since)
			continue;
		count__add(&cut->timeline, bucket->calls[cls]);
		if (bucket->start < since)
			count__add(&torn, bucket->calls[cls]);
	}
	cut->divides = all == report->totals[cls] && all == cut->named && !torn;
}

static void cut__measure(
	struct cut *cut, const struct report *report, enum request_class cls, int64_t since)
{
	*cut = (struct cut){0};
	for (size_t i = 0; i < report->caller_count; i++) {
		const struct caller *caller = report->callers[i];

		count__add(&cut->named, caller->calls[cls]);
		count__add(&cut->untimed, caller__unrecorded(caller, cls));
		for (size_t j = 0; j < caller->path_count; j++) {
			const struct report_path *path = &caller->paths[j];

			if (path->cls != cls || path__is_before(path, since))
				continue;
			if (!path__is_across(path, since)) {
				count__add(&cut->kept, path->count);
				continue;
			}
			count__add(&cut->across, path->count);
			cut->across_paths++;
		}
	}
	cut__measure_timeline(cut, report, cls, since);
}

/* What is left of a path that goes on across: at least the call that was its last. */
static void path__divide(struct report_path *path, const struct cut *cut)
{
	uint64_t most = cut->timeline > cut->kept ? cut->timeline - cut->kept : 0;

	path->first = 0;
	if (!cut->divides || cut->untimed || cut->across_paths > 1 || !path->last) {
		path->at_most = true;
		if (!cut->divides || cut->untimed)
			return;
	}
	if (most < path->count)
		path->count = most ? most : 1;
}

/* What did a class's calls come back with, when so many are left? */
static void caller__cut_answers(struct caller *caller, enum request_class cls)
{
	uint64_t left = caller->calls[cls], *answers = caller->answers[cls];
	unsigned int kinds = 0;

	for (int o = 0; o < OUTCOME_COUNT; o++)
		kinds += answers[o] > 0;
	kinds += caller->unwatched[cls] > 0;
	for (int o = 0; o < OUTCOME_COUNT; o++)
		if (answers[o] > left)
			answers[o] = left;
	if (caller->unwatched[cls] > left)
		caller->unwatched[cls] = left;
	caller->at_most |= kinds > 1 && left > 0;
}

static void caller__drop_path(struct caller *caller, size_t at)
{
	free(caller->paths[at].method);
	free(caller->paths[at].path);
	caller->paths[at] = caller->paths[--caller->path_count];
}

static void caller__cut_paths(struct caller *caller, const struct cut cuts[CLASS_COUNT],
	int64_t since, uint64_t left[CLASS_COUNT])
{
	for (size_t i = 0; i < caller->path_count;) {
		struct report_path *path = &caller->paths[i];

		if (path__is_before(path, since)) {
			caller__drop_path(caller, i);
			continue;
		}
		if (path__is_across(path, since))
			path__divide(path, &cuts[path->cls]);
		if (path->fixed > path->count)
			path->fixed = path->count;
		caller->at_most |= path->at_most;
		count__add(&left[path->cls], path->count);
		i++;
	}
}

/* watched: somebody watched since, so what has no time may have been then. Takes what is left out
 * from the totals. */
static void caller__cut(struct caller *caller, struct report *report,
	const struct cut cuts[CLASS_COUNT], bool watched)
{
	uint64_t left[CLASS_COUNT] = {0};

	for (int c = 0; c < CLASS_COUNT; c++) {
		uint64_t untimed = watched ? caller__unrecorded(caller, c) : 0;

		left[c] = untimed;
		caller->at_most |= untimed > 0;
	}
	caller__cut_paths(caller, cuts, report->since, left);
	for (int c = 0; c < CLASS_COUNT; c++) {
		uint64_t gone = caller->calls[c] > left[c] ? caller->calls[c] - left[c] : 0;

		report->totals[c] -= gone < report->totals[c] ? gone : report->totals[c];
		caller->calls[c] = left[c];
		if (gone)
			caller__cut_answers(caller, c);
		if (caller->fixed[c] > left[c])
			caller->fixed[c] = left[c];
	}
	for (int reason = 0; reason < UNKNOWN_REASONS; reason++) {
		uint64_t *unknown = &caller->unknown[reason];
		uint64_t most = left[CLASS_UNKNOWN] < *unknown ? left[CLASS_UNKNOWN] : *unknown;
		uint64_t gone = *unknown - most;

		*unknown = most;
		report->unknown[reason] -=
			gone < report->unknown[reason] ? gone : report->unknown[reason];
	}
	if (caller->forwarded > left[CLASS_V1])
		caller->forwarded = left[CLASS_V1];
	if (caller->first && caller->first < report->since)
		caller->first = 0;
}

/* Whether nothing is left of it; a connection that a rehearsal did not cover need not have a call.
 */
static bool caller__is_idle(const struct caller *caller)
{
	return !caller__total(caller) && !caller__rehearsed(caller);
}

/* The index goes with the callers that are freed: nothing is looked up in a report that was cut. */
static void report__cut_callers(
	struct report *report, const struct cut cuts[CLASS_COUNT], bool watched)
{
	table__clear(&report->index->callers);
	table__clear(&report->index->containers);
	report->index->rest = NULL;
	for (size_t i = 0; i < report->caller_count; i++) {
		struct caller *caller = report->callers[i];
		bool called_v1 = caller->calls[CLASS_V1] > 0;

		caller__cut(caller, report, cuts, watched);
		if (report->host_count == 1 && called_v1 && !caller->calls[CLASS_V1] &&
			caller->calls[CLASS_V2] && !caller->rest)
			caller__mark_fixed(caller);
		report->at_most |= caller->at_most;
	}
}

static void report__free_idle(struct report *report)
{
	size_t kept = 0;

	for (size_t i = 0; i < report->caller_count; i++)
		if (caller__is_idle(report->callers[i]))
			caller__free(report->callers[i]);
		else
			report->callers[kept++] = report->callers[i];
	report->caller_count = kept;
}

static void report__cut_timeline(struct report *report)
{
	size_t kept = 0;

	for (size_t i = 0; i < report->timeline_count; i++)
		if (bucket__end(report, &report->timeline[i]) > report->since)
			report->timeline[kept++] = report->timeline[i];
	report->timeline_count = kept;
}

/* Whether any is left. */
static bool report__cut_windows(struct report *report)
{
	size_t kept = 0;

	table__clear(&report->index->windows);
	for (size_t i = 0; i < report->window_count; i++) {
		struct window *window = &report->windows[i];

		if (window->end <= report->since) {
			window__free(window);
			continue;
		}
		if (window->start < report->since) {
			window->attached = window__attached(window);
			window->start = report->since;
		}
		report->windows[kept++] = *window;
	}
	report->window_count = kept;
	return kept > 0;
}

/* Before the idle callers are freed: none of them may stay here. */
static void host_facts__cut(struct host_facts *facts, int64_t since, bool watched)
{
	size_t kept = 0;

	for (int c = 0; c < CLASS_COUNT; c++) {
		if (facts->last[c] && facts->last[c] < since)
			facts->calls[c] = 0;
		/* Nobody knows how many of them were before. */
		facts->at_most |= facts->calls[c] > 0;
	}
	if (!facts->calls[CLASS_UNKNOWN])
		memset(facts->unknown, 0, sizeof(facts->unknown));
	for (size_t i = 0; i < facts->caller_count; i++) {
		struct host_caller caller = facts->callers[i];

		if (caller.last_v1 && caller.last_v1 < since)
			caller.v1 = 0;
		if (caller.last_foreign && caller.last_foreign < since)
			caller.foreign = 0;
		if (!caller__is_idle(caller.caller) && (caller.v1 || caller.foreign))
			facts->callers[kept++] = caller;
	}
	facts->caller_count = kept;
	if (watched)
		return;
	facts->lost = facts->missed = 0;
	memset(facts->missed_kinds, 0, sizeof(facts->missed_kinds));
}

static bool report__has_rehearsal_window(const struct report *report)
{
	for (size_t i = 0; i < report->window_count; i++)
		if (report->windows[i].rehearsal)
			return true;
	return false;
}

void report__since(struct report *report, int64_t since)
{
	struct cut cuts[CLASS_COUNT];
	bool watched = !report->window_count, rehearsed = report__has_rehearsal_window(report);

	if (since <= report->since)
		return;
	report->since = since;
	for (int c = 0; c < CLASS_COUNT; c++)
		cut__measure(&cuts[c], report, c, since);
	for (int c = 0; c < CLASS_COUNT; c++)
		report->at_most |= report->totals[c] > cuts[c].named;
	watched |= report__cut_windows(report);
	/* what came of a rehearsal has no time but its window's */
	if (rehearsed && !report__has_rehearsal_window(report))
		report__forget_rehearsal(report);
	report__cut_callers(report, cuts, watched);
	report__cut_timeline(report);
	for (size_t i = 0; i < report->host_count; i++)
		if (report->hosts[i].facts)
			host_facts__cut(report->hosts[i].facts, since, watched);
	report__free_idle(report);
	if (watched)
		return;
	report->lost = report->missed = 0;
	memset(report->missed_kinds, 0, sizeof(report->missed_kinds));
}
