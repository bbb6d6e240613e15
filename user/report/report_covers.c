/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Whether one report says all that another does. Every number in a report only ever grows, so a
 * later state says what an earlier one did; what a snapshot's copy did meanwhile, it does not. */
#include "report/report_index.h"

/* What falls past a bound later is in the rest. */
static bool caller__has_path(const struct caller *caller, const struct report_path *path)
{
	struct report_path rest = {.path = (char *)REPORT_REST, .cls = path->cls};
	const struct report_path *known = caller__path_like(caller, path);

	if (!known)
		known = caller__path_like(caller, &rest);
	return known && known->count >= path->count;
}

static bool caller__covers(const struct caller *caller, const struct caller *other)
{
	if (!counts__cover(caller->calls, other->calls, CLASS_COUNT) ||
		!counts__cover(caller->unknown, other->unknown, UNKNOWN_REASONS))
		return false;
	/* that a call has had no answer yet is not said for good */
	for (int c = 0; c < CLASS_COUNT; c++)
		if (!counts__cover(caller->answers[c], other->answers[c], OUTCOME_NONE))
			return false;
	if (other->first && (!caller->first || caller->first > other->first))
		return false;
	if (other->last > caller->last)
		return false;
	for (size_t i = 0; i < other->path_count; i++)
		if (!caller__has_path(caller, &other->paths[i]))
			return false;
	return true;
}

static bool report__covers_callers(const struct report *report, const struct report *other)
{
	for (size_t i = 0; i < other->caller_count; i++) {
		const struct caller *caller = report__find_caller(report, other->callers[i]);

		if (!caller || !caller__covers(caller, other->callers[i]))
			return false;
	}
	return true;
}

/* The calls of a class up to a time, in *at of the buckets and on. */
static uint64_t timeline__until(
	const struct report *report, size_t *at, int64_t end, enum request_class cls)
{
	uint64_t calls = 0;

	for (; *at < report->timeline_count && report->timeline[*at].start < end; ++*at)
		count__add(&calls, report->timeline[*at].calls[cls]);
	return calls;
}

/* At the end of each of other's buckets, as many calls or more: what a record says later may move
 * a call to an earlier bucket, and none to a later one. */
static bool timeline__covers(
	const struct report *report, const struct report *other, enum request_class cls)
{
	int64_t seconds = report->timeline_seconds > other->timeline_seconds
				  ? report->timeline_seconds
				  : other->timeline_seconds;
	uint64_t ours = 0, theirs = 0;
	size_t at = 0;

	for (size_t i = 0; i < other->timeline_count; i++) {
		int64_t end = other->timeline[i].start + seconds * 1000000000LL;

		count__add(&theirs, other->timeline[i].calls[cls]);
		count__add(&ours, timeline__until(report, &at, end, cls));
		if (ours < theirs)
			return false;
	}
	return true;
}

/* Of one of several hosts, what that one called. */
static bool report__covers_host(const struct report *report, const struct report *other)
{
	const struct report_host *host =
		other->host_count == 1
			? report__find_host(report, report_host__id(&other->hosts[0]))
			: NULL;

	return !host || !host->facts ||
	       counts__cover(host->facts->calls, other->totals, CLASS_COUNT);
}

bool report__says_all(const struct report *report, const struct report *other)
{
	if (!counts__cover(report->totals, other->totals, CLASS_COUNT) ||
		!counts__cover(report->unknown, other->unknown, UNKNOWN_REASONS) ||
		report->lost < other->lost || report->missed < other->missed)
		return false;
	for (size_t i = 0; i < other->host_count; i++)
		if (!report__find_host(report, report_host__id(&other->hosts[i])))
			return false;
	if (!report__covers_host(report, other) || !report__covers_callers(report, other))
		return false;
	/* calls whose records were lost stand where they were missed, and that may be later */
	if (report->lost || other->lost)
		return true;
	for (int c = 0; c < CLASS_COUNT; c++)
		if (!timeline__covers(report, other, c))
			return false;
	return true;
}
