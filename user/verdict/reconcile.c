/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "verdict/reconcile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/scope.h"
#include "report/forwarding.h"
#include "report/probes.h"

static const char *const balance_names[] = {
	[BALANCE_EQUAL] = "equal",
	[BALANCE_MORE] = "more",
	[BALANCE_FEWER] = "fewer",
	[BALANCE_NOTHING] = "nothing",
};

const char *balance__name(enum balance balance)
{
	return balance_names[balance];
}

void reconcile__clear(struct reconciliation *result)
{
	free(result->steps);
	*result = (struct reconciliation){0};
}

/* --- When every host of the report was watched ------------------------------------------------ */

/* A span that some host was watched, with no gap in it. */
struct span {
	const char *host;
	int64_t start, end;
};

struct coverage {
	struct span *spans; /* by host and time */
	size_t count, hosts;
};

static int span__compare(const void *left, const void *right)
{
	const struct span *a = left, *b = right;
	int order = strcmp(a->host, b->host);

	if (order)
		return order;
	return a->start < b->start ? -1 : a->start > b->start;
}

static int coverage__find(struct coverage *coverage, const struct report *report)
{
	size_t kept = 0, count = 0;

	coverage->spans = calloc(report->window_count + 1, sizeof(*coverage->spans));
	if (!coverage->spans)
		return -ENOMEM;
	/* A rehearsal sees one scope, and CloudWatch counts the whole instance. */
	for (size_t i = 0; i < report->window_count; i++)
		if (!report->windows[i].rehearsal)
			coverage->spans[count++] = (struct span){report->windows[i].host,
				report->windows[i].start, report->windows[i].end};
	qsort(coverage->spans, count, sizeof(*coverage->spans), span__compare);
	for (size_t i = 0; i < count; i++) {
		struct span *span = &coverage->spans[i];
		struct span *last = kept ? &coverage->spans[kept - 1] : NULL;
		bool same = last && !strcmp(last->host, span->host);

		if (!same)
			coverage->hosts++;
		if (same && span->start <= last->end)
			last->end = span->end > last->end ? span->end : last->end;
		else
			coverage->spans[kept++] = *span;
	}
	coverage->count = kept;
	return 0;
}

/* How many hosts were watched throughout; *any: whether one was at least in part. */
static size_t coverage__hosts(
	const struct coverage *coverage, int64_t start, int64_t end, bool *any)
{
	size_t hosts = 0;

	*any = false;
	for (size_t i = 0; i < coverage->count; i++) {
		const struct span *span = &coverage->spans[i];

		*any |= span->start < end && span->end > start;
		hosts += span->start <= start && span->end >= end;
	}
	return hosts;
}

/* --- What the report counted ------------------------------------------------------------------ */

/* Another cloud's probes of the root that were answered, or may have been where nobody watched. The
 * report does not say when each was. */
static uint64_t report__root_calls(const struct report *report)
{
	uint64_t calls = 0;

	for (size_t i = 0; i < report->caller_count; i++) {
		const struct caller *caller = report->callers[i];
		uint64_t roots = caller__probes(caller);
		uint64_t answered = caller->answers[CLASS_FOREIGN][OUTCOME_OK] +
				    caller->unwatched[CLASS_FOREIGN];

		count__add(&calls, roots < answered ? roots : answered);
	}
	return calls;
}

static uint64_t timeline__sum(
	const struct report *report, enum request_class cls, int64_t start, int64_t end)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < report->timeline_count; i++)
		if (report->timeline[i].start >= start && report->timeline[i].start < end)
			count__add(&sum, report->timeline[i].calls[cls]);
	return sum;
}

static uint64_t timeline__forwarded(const struct report *report, int64_t start, int64_t end)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < report->timeline_count; i++)
		if (report->timeline[i].start >= start && report->timeline[i].start < end)
			count__add(&sum, report->timeline[i].forwarded);
	return sum;
}

/* As CloudWatch counts: a rehearsal gave its calls a token's header. */
static uint64_t timeline__tokenless(const struct report *report, int64_t start, int64_t end)
{
	uint64_t sum = timeline__sum(report, CLASS_V1, start, end), rehearsed = 0;

	for (size_t i = 0; i < report->timeline_count; i++)
		if (report->timeline[i].start >= start && report->timeline[i].start < end)
			count__add(&rehearsed, report->timeline[i].rehearsed);
	return sum > rehearsed ? sum - rehearsed : 0;
}

static uint64_t metric__sum(const struct metric *metric, int64_t start, int64_t end, bool *any)
{
	uint64_t sum = 0;

	*any = false;
	for (int64_t at = start; at < end; at += metric->period) {
		const struct datapoint *point = metric__find(metric, at);

		if (!point)
			continue;
		count__add(&sum, point->sum);
		*any = true;
	}
	return sum;
}

/* --- The comparison --------------------------------------------------------------------------- */

struct comparison {
	struct reconciliation *result;
	const struct report *report;
	const struct metric *metric;
	struct coverage coverage;
	uint64_t roots_left;  /* of the probes that were answered, those that no step has yet */
	bool forwarded_exact; /* each call of a proxy is another caller's */
	bool roots_exact; /* every foreign call is one, so that the timeline says when each was */
};

/* A call that a proxy forwards is the report's twice and the service's once. Where some of a
 * proxy's calls may be its own, only what CloudWatch does not count either is left out. */
static void comparison__leave_out_forwarded(
	struct comparison *comparison, struct step *step, int64_t end)
{
	uint64_t twice = timeline__forwarded(comparison->report, step->start, end);
	uint64_t most = step->report;

	if (!comparison->forwarded_exact)
		most = step->report > step->cloudwatch ? step->report - step->cloudwatch : 0;
	if (twice > most)
		twice = most;
	step->report -= twice;
	count__add(&comparison->result->forwarded, twice);
}

static void comparison__judge(struct comparison *comparison, struct step *step, int64_t end)
{
	uint64_t foreign = timeline__sum(comparison->report, CLASS_FOREIGN, step->start, end);
	uint64_t roots = foreign < comparison->roots_left ? foreign : comparison->roots_left;
	uint64_t counted = 0;

	if (comparison->roots_exact)
		counted = roots;
	else if (step->cloudwatch > step->report)
		counted = step->cloudwatch - step->report;
	if (counted > roots)
		counted = roots;
	comparison->roots_left -= counted;
	comparison->result->root_calls += counted;
	step->report += counted;
	step->balance = step->cloudwatch > step->report   ? BALANCE_MORE
			: step->cloudwatch < step->report ? BALANCE_FEWER
							  : BALANCE_EQUAL;
}

static void comparison__add(struct comparison *comparison, int64_t start, int64_t end)
{
	struct reconciliation *result = comparison->result;
	struct step *step = &result->steps[result->count++];

	*step = (struct step){
		.start = start,
		.report = timeline__tokenless(comparison->report, start, end),
		.unknown = timeline__sum(comparison->report, CLASS_UNKNOWN, start, end),
	};
	step->cloudwatch = metric__sum(comparison->metric, start, end, &step->datapoint);
	comparison__leave_out_forwarded(comparison, step, end);
	comparison__judge(comparison, step, end);
	count__add(&result->report, step->report);
	count__add(&result->cloudwatch, step->cloudwatch);
	result->equal += step->balance == BALANCE_EQUAL;
	result->more += step->balance == BALANCE_MORE;
	result->fewer += step->balance == BALANCE_FEWER;
}

/* The first period that begins where a bucket of the timeline does; -1: none does. */
static int64_t comparison__anchor(const struct comparison *comparison, int64_t bucket)
{
	int64_t period = comparison->metric->period, start = comparison->metric->points[0].start;

	for (int64_t tries = 0; tries < comparison->result->step / period; tries++)
		if ((start + tries * period) % bucket == 0)
			return start + tries * period;
	return -1;
}

/* Whether the metric's range leaves out some of what was watched. */
static bool coverage__exceeds(const struct coverage *coverage, int64_t start, int64_t end)
{
	for (size_t i = 0; i < coverage->count; i++)
		if (coverage->spans[i].start < start || coverage->spans[i].end > end)
			return true;
	return false;
}

static int comparison__walk(struct comparison *comparison, int64_t from)
{
	struct reconciliation *result = comparison->result;
	const struct metric *metric = comparison->metric;
	int64_t first = metric->points[0].start;
	int64_t last = metric->points[metric->count - 1].start + metric->period;
	int64_t most = (last - from) / result->step + 1;
	bool any;

	/* Whoever asks for so much has given a wrong period. */
	if (most > REPORT_TIMELINE_MAX * 1000)
		return -EINVAL;
	result->steps = calloc((size_t)most + 1, sizeof(*result->steps));
	if (!result->steps)
		return -ENOMEM;
	/* Where steps are longer than periods, some may be left over at either end. */
	result->partial += from > first;
	for (; from + result->step <= last; from += result->step) {
		size_t hosts =
			coverage__hosts(&comparison->coverage, from, from + result->step, &any);

		if (hosts && hosts == comparison->coverage.hosts)
			comparison__add(comparison, from, from + result->step);
		else if (any)
			result->partial++;
		else
			result->unwatched++;
	}
	result->partial += from < last;
	result->outside = coverage__exceeds(&comparison->coverage, first, last);
	return 0;
}

static enum balance reconciliation__balance(const struct reconciliation *result)
{
	if (!result->count)
		return BALANCE_NOTHING;
	if (result->more)
		return BALANCE_MORE;
	return result->fewer ? BALANCE_FEWER : BALANCE_EQUAL;
}

int reconcile(
	struct reconciliation *result, const struct report *report, const struct metric *metric)
{
	struct comparison comparison = {.result = result, .report = report, .metric = metric};
	int64_t bucket = report->timeline_seconds * NSEC_PER_SEC, from;
	int error = coverage__find(&comparison.coverage, report);

	*result = (struct reconciliation){.period = metric->period,
		.step = metric->period / common_divisor(metric->period, bucket) * bucket,
		.balance = BALANCE_NOTHING};
	report__forwarded(report, &comparison.forwarded_exact);
	comparison.roots_left = report__root_calls(report);
	comparison.roots_exact =
		comparison.roots_left == timeline__sum(report, CLASS_FOREIGN, INT64_MIN, INT64_MAX);
	if (!error && metric->count) {
		from = comparison__anchor(&comparison, bucket);
		result->misaligned = from < 0;
		error = from < 0 ? 0 : comparison__walk(&comparison, from);
	}
	result->balance = reconciliation__balance(result);
	free(comparison.coverage.spans);
	if (error)
		reconcile__clear(result);
	return error;
}
