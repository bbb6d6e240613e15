/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "verdict/compare.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Callers, each once for every host that it is about. */
struct mentions {
	const struct caller **list; /* by address, once sorted */
	size_t count;
};

struct maker {
	struct comparison *comparison;
	const struct state *before, *now;
	struct table callers;          /* of before, by identity */
	struct mentions not_watched;   /* of before, for hosts that nobody watches now */
	struct mentions newly_watched; /* of now, for hosts that nobody watched before */
	bool strict;
};

static uint64_t caller__blocking_calls(const struct caller *caller, bool strict)
{
	uint64_t calls = caller ? caller->calls[CLASS_V1] : 0;

	if (caller && strict)
		count__add(&calls, caller->calls[CLASS_FOREIGN]);
	return calls;
}

/* Makes room for one more element. NULL: no memory. */
static void *array__next(void **array, size_t *count, size_t size)
{
	/* Full at each power of two, from 8 on. */
	if (!*count || (*count >= 8 && !(*count & (*count - 1)))) {
		void *grown = reallocarray(*array, *count ? *count * 2 : 8, size);

		if (!grown)
			return NULL;
		*array = grown;
	}
	return (char *)*array + (*count)++ * size;
}

static int callers__add(struct compared_callers *callers, const struct compared_caller *one)
{
	struct compared_caller *next =
		array__next((void **)&callers->list, &callers->count, sizeof(*next));

	if (!next)
		return -ENOMEM;
	*next = *one;
	return 0;
}

static bool host__is_watched(const struct host_summaries *hosts, const struct host_summary *host)
{
	const struct host_summary *now = host_summaries__find(hosts, host_summary__id(host));

	return now && now->watched > 0;
}

static int caller__compare_addresses(const void *left, const void *right)
{
	uintptr_t a = (uintptr_t) * (const struct caller *const *)left;
	uintptr_t b = (uintptr_t) * (const struct caller *const *)right;

	return a < b ? -1 : a > b;
}

/* The callers of v1 on hosts of `of` that the other state does not watch: they are not known to be
 * gone from there, or new. */
static int mentions__find(struct mentions *mentions, const struct host_summaries *of,
	const struct host_summaries *other)
{
	for (size_t i = 0; !other->unlisted && i < of->count; i++) {
		const struct host_summary *host = &of->list[i];

		for (size_t c = 0; c < host->facts.caller_count; c++) {
			const struct caller **next;

			if (!host->facts.callers[c].v1 || host__is_watched(other, host))
				continue;
			next = array__next(
				(void **)&mentions->list, &mentions->count, sizeof(*next));
			if (!next)
				return -ENOMEM;
			*next = host->facts.callers[c].caller;
		}
	}
	if (mentions->count)
		qsort(mentions->list, mentions->count, sizeof(*mentions->list),
			caller__compare_addresses);
	return 0;
}

static uint64_t mentions__count(const struct mentions *mentions, const struct caller *caller)
{
	const struct caller **found =
		caller && mentions->count
			? bsearch(&caller, mentions->list, mentions->count, sizeof(*mentions->list),
				  caller__compare_addresses)
			: NULL;
	const struct caller **first = found, **last = found;

	if (!found)
		return 0;
	while (first > mentions->list && first[-1] == caller)
		first--;
	while (last + 1 < mentions->list + mentions->count && last[1] == caller)
		last++;
	return (uint64_t)(last - first + 1);
}

static uint64_t count__without(uint64_t count, uint64_t part)
{
	return count > part ? count - part : 0;
}

static int maker__sort_in(
	struct maker *maker, const struct caller *before, const struct caller *now)
{
	struct comparison *to = maker->comparison;
	const struct compared_caller one = {
		.caller = now ? now : before,
		.hosts_v1_before = before ? before->hosts_v1 : 0,
		.hosts_v1_now = now ? now->hosts_v1 : 0,
		.v1_before = caller__blocking_calls(before, maker->strict),
		.v1_now = caller__blocking_calls(now, maker->strict),
		.hosts_not_watched = mentions__count(&maker->not_watched, before),
		.hosts_newly_watched = mentions__count(&maker->newly_watched, now),
	};
	/* Of the hosts that were watched both times. */
	uint64_t hosts_before = count__without(one.hosts_v1_before, one.hosts_not_watched);
	uint64_t hosts_now = count__without(one.hosts_v1_now, one.hosts_newly_watched);

	if (!one.v1_before && !one.v1_now)
		return 0;
	if (!one.v1_now)
		return callers__add(one.hosts_not_watched ? &to->not_watched : &to->gone, &one);
	if (!one.v1_before)
		return callers__add(
			one.hosts_newly_watched && !hosts_now ? &to->newly_watched : &to->new,
			&one);
	if (hosts_now < hosts_before)
		return callers__add(&to->fewer, &one);
	if (hosts_now > hosts_before)
		return callers__add(&to->more, &one);
	return one.hosts_newly_watched ? callers__add(&to->newly_watched, &one) : 0;
}

static int maker__compare_callers(struct maker *maker)
{
	const struct report *before = maker->before->report, *now = maker->now->report;
	struct table seen = {0};
	int error = 0;

	for (size_t i = 0; !error && i < before->caller_count; i++)
		error = table__insert(&maker->callers, caller__identity_hash(before->callers[i]),
			before->callers[i]);
	for (size_t i = 0; !error && i < now->caller_count; i++) {
		const struct caller *caller = now->callers[i];
		uint64_t hash = caller__identity_hash(caller);

		error = maker__sort_in(
			maker, table__find(&maker->callers, hash, caller__is_same, caller), caller);
		if (!error)
			error = table__insert(&seen, hash, now->callers[i]);
	}
	for (size_t i = 0; !error && i < before->caller_count; i++) {
		const struct caller *caller = before->callers[i];

		if (!table__find(&seen, caller__identity_hash(caller), caller__is_same, caller))
			error = maker__sort_in(maker, caller, NULL);
	}
	table__clear(&seen);
	return error;
}

static int maker__compare_hosts(struct maker *maker)
{
	const struct host_summaries *before = maker->before->hosts, *now = maker->now->hosts;
	struct comparison *to = maker->comparison;
	size_t both = 0;

	for (size_t i = 0; i < now->count; i++) {
		const struct host_summary *host = &now->list[i];
		const struct host_summary *was =
			host_summaries__find(before, host_summary__id(host));
		struct compared_host *next;

		both += !!was;
		if (!was)
			continue;
		to->became_ready += was->verdict != VERDICT_READY && host->verdict == VERDICT_READY;
		if (was->verdict != VERDICT_READY || host->verdict != VERDICT_BLOCKED)
			continue;
		next = array__next((void **)&to->went_back, &to->went_back_count, sizeof(*next));
		if (!next)
			return -ENOMEM;
		*next = (struct compared_host){.host = host, .before = was->verdict};
	}
	to->hosts_gone = before->count - both;
	to->hosts_new = now->count - both;
	return 0;
}

static uint64_t compared__change(const struct compared_caller *one)
{
	return one->hosts_v1_now > one->hosts_v1_before ? one->hosts_v1_now - one->hosts_v1_before
							: one->hosts_v1_before - one->hosts_v1_now;
}

static int compared__compare(const void *left, const void *right)
{
	const struct compared_caller *a = left, *b = right;
	uint64_t a_change = compared__change(a), b_change = compared__change(b);
	uint64_t a_calls = a->v1_before > a->v1_now ? a->v1_before : a->v1_now;
	uint64_t b_calls = b->v1_before > b->v1_now ? b->v1_before : b->v1_now;

	if (a_change != b_change)
		return a_change > b_change ? -1 : 1;
	if (a_calls != b_calls)
		return a_calls > b_calls ? -1 : 1;
	return strcmp(a->caller->name, b->caller->name);
}

static void callers__sort(struct compared_callers *callers)
{
	if (callers->count)
		qsort(callers->list, callers->count, sizeof(*callers->list), compared__compare);
}

static void hosts__count(size_t verdicts[VERDICT_INCONCLUSIVE + 1], const struct state *state)
{
	for (int verdict = VERDICT_READY; verdict <= VERDICT_INCONCLUSIVE; verdict++)
		verdicts[verdict] = host_summaries__count(state->hosts, verdict);
}

int comparison__make(struct comparison *comparison, const struct state *before,
	const struct state *now, bool strict)
{
	struct maker maker = {comparison, before, now, .strict = strict};
	int error;

	*comparison = (struct comparison){
		.hosts_before = before->hosts->count + before->hosts->unlisted,
		.hosts_now = now->hosts->count + now->hosts->unlisted,
		.hosts_known = !before->hosts->unlisted && !now->hosts->unlisted,
		.v1_before = before->report->totals[CLASS_V1],
		.v1_now = now->report->totals[CLASS_V1],
	};
	for (size_t i = 0; i < before->report->window_count; i++)
		if (before->report->windows[i].end > comparison->at)
			comparison->at = before->report->windows[i].end;
	hosts__count(comparison->verdicts_before, before);
	hosts__count(comparison->verdicts_now, now);
	error = mentions__find(&maker.not_watched, before->hosts, now->hosts);
	if (!error)
		error = mentions__find(&maker.newly_watched, now->hosts, before->hosts);
	if (!error)
		error = maker__compare_callers(&maker);
	if (!error)
		error = maker__compare_hosts(&maker);
	table__clear(&maker.callers);
	free(maker.not_watched.list);
	free(maker.newly_watched.list);
	callers__sort(&comparison->gone);
	callers__sort(&comparison->not_watched);
	callers__sort(&comparison->new);
	callers__sort(&comparison->newly_watched);
	callers__sort(&comparison->fewer);
	callers__sort(&comparison->more);
	return error;
}

void comparison__clear(struct comparison *comparison)
{
	free(comparison->gone.list);
	free(comparison->not_watched.list);
	free(comparison->new.list);
	free(comparison->newly_watched.list);
	free(comparison->fewer.list);
	free(comparison->more.list);
	free(comparison->went_back);
	*comparison = (struct comparison){0};
}
