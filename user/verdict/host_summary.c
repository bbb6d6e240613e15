/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "verdict/host_summary.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/scope.h"
#include "report/probes.h"
#include "lib/sentences.h"
#include "verdict/advice.h"

#define LOWER_HEX "0123456789abcdef"
#define LOWER     "abcdefghijklmnopqrstuvwxyz"
#define DIGITS    "0123456789"

static void host_summary__clear(struct host_summary *host)
{
	free(host->hostname);
	free(host->machine_id);
	free(host->kernel);
	free(host->instance_id);
	free(host->region);
	free(host->account_id);
	free(host->facts.callers);
	sentences__free(host->reasons);
	sentences__free(host->callers);
	*host = (struct host_summary){0};
}

void host_summaries__clear(struct host_summaries *hosts)
{
	for (size_t i = 0; i < hosts->count; i++)
		host_summary__clear(&hosts->list[i]);
	free(hosts->list);
	table__clear(&hosts->by_id);
	*hosts = (struct host_summaries){0};
}

const char *host_summary__id(const struct host_summary *host)
{
	return host->instance_id ? host->instance_id : host->machine_id ? host->machine_id : "";
}

struct summary_key {
	const struct host_summaries *hosts;
	const char *id;
};

static struct host_summary *entry__summary(const struct host_summaries *hosts, const void *entry)
{
	return &hosts->list[(uintptr_t)entry - 1];
}

static bool summary__same(const void *entry, const void *key)
{
	const struct summary_key *wanted = key;

	return !strcmp(host_summary__id(entry__summary(wanted->hosts, entry)), wanted->id);
}

const struct host_summary *host_summaries__find(const struct host_summaries *hosts, const char *id)
{
	struct summary_key key = {hosts, id};
	void *entry = table__find(&hosts->by_id, hash__text(0, id), summary__same, &key);

	return entry ? entry__summary(hosts, entry) : NULL;
}

/* What is known of the host already stays. */
static int text__fill(char **copy, const char *text)
{
	if (!*copy && text && *text)
		*copy = strdup(text);
	return text && *text && !*copy ? -ENOMEM : 0;
}

static int host_summary__name(struct host_summary *host, const struct report_host *from)
{
	if (text__fill(&host->hostname, from->hostname) ||
		text__fill(&host->machine_id, from->machine_id) ||
		text__fill(&host->kernel, from->kernel) ||
		text__fill(&host->instance_id, from->instance_id) ||
		text__fill(&host->account_id, from->account_id))
		return -ENOMEM;
	return text__fill(&host->region, from->region);
}

/* The summary of a host, made if it is new. NULL: no memory. */
static struct host_summary *host_summaries__host(
	struct host_summaries *hosts, const struct report_host *from)
{
	const char *id = report_host__id(from);
	struct summary_key key = {hosts, id};
	void *entry = table__find(&hosts->by_id, hash__text(0, id), summary__same, &key);
	struct host_summary *host, *grown;

	if (entry) {
		host = entry__summary(hosts, entry);
		return host_summary__name(host, from) ? NULL : host;
	}
	/* Full at each power of two, from 8 on. */
	if (!hosts->count || (hosts->count >= 8 && !(hosts->count & (hosts->count - 1)))) {
		grown = reallocarray(
			hosts->list, hosts->count ? hosts->count * 2 : 8, sizeof(*grown));
		if (!grown)
			return NULL;
		hosts->list = grown;
	}
	host = &hosts->list[hosts->count];
	*host = (struct host_summary){0};
	/* Counted at once, so that it is freed with the others. */
	hosts->count++;
	if (host_summary__name(host, from) ||
		table__insert(&hosts->by_id, hash__text(0, id), (void *)(uintptr_t)hosts->count))
		return NULL;
	return host;
}

static int64_t caller__last_of(const struct caller *caller, enum request_class cls)
{
	int64_t last = 0;

	if (caller__unrecorded(caller, cls))
		return 0;
	for (size_t i = 0; i < caller->path_count; i++) {
		const struct report_path *path = &caller->paths[i];

		if (path->cls != cls)
			continue;
		if (!path->last)
			return 0;
		if (path->last > last)
			last = path->last;
	}
	return last;
}

/* Of the only host of a report: what the report says as a whole. */
static int host_facts__gather(
	struct host_facts *facts, const struct report *report, const struct report *whole)
{
	int error = 0;

	memcpy(facts->calls, report->totals, sizeof(facts->calls));
	memcpy(facts->unknown, report->unknown, sizeof(facts->unknown));
	memcpy(facts->missed_kinds, report->missed_kinds, sizeof(facts->missed_kinds));
	facts->at_most = report->at_most;
	facts->lost = report->lost;
	facts->foreign_served = report__foreign_served(report);
	facts->missed = report->missed;
	for (size_t i = 0; !error && i < report->caller_count; i++) {
		struct caller *caller = report->callers[i];
		struct host_caller here = {
			.caller = report == whole ? caller : caller->into,
			.v1 = caller->calls[CLASS_V1],
			.foreign = caller->calls[CLASS_FOREIGN],
			.last_v1 = caller__last_of(caller, CLASS_V1),
			.last_foreign = caller__last_of(caller, CLASS_FOREIGN),
		};
		_free_ char *text = NULL;
		enum advice advice;

		for (int c = 0; c < CLASS_COUNT; c++) {
			int64_t last = caller__last_of(caller, c);

			if (last > facts->last[c])
				facts->last[c] = last;
		}
		error = advice__for(caller, &advice, &text);
		facts->needs_hop_limit |= !error && advice == ADVICE_RAISE_HOP_LIMIT;
		if (!error && here.caller && (here.v1 || here.foreign))
			error = host_facts__add_caller(facts, &here);
	}
	return error;
}

static int host_facts__add(
	struct host_facts *facts, const struct host_facts *more, bool of_another_report)
{
	int error = 0;

	for (int c = 0; c < CLASS_COUNT; c++) {
		count__add(&facts->calls[c], more->calls[c]);
		if (more->last[c] > facts->last[c])
			facts->last[c] = more->last[c];
	}
	for (int reason = 0; reason < UNKNOWN_REASONS; reason++)
		count__add(&facts->unknown[reason], more->unknown[reason]);
	count__add(&facts->lost, more->lost);
	count__add(&facts->foreign_served, more->foreign_served);
	count__add(&facts->missed, more->missed);
	for (int kind = 0; kind < MISSED_KINDS; kind++)
		count__add(&facts->missed_kinds[kind], more->missed_kinds[kind]);
	facts->needs_hop_limit |= more->needs_hop_limit;
	facts->at_most |= more->at_most;
	for (size_t i = 0; !error && i < more->caller_count; i++) {
		struct host_caller caller = more->callers[i];

		if (of_another_report)
			caller.caller = caller.caller->into;
		if (caller.caller && (caller.v1 || caller.foreign))
			error = host_facts__add_caller(facts, &caller);
	}
	return error;
}

static bool report__knows_hosts(const struct report *report)
{
	for (size_t i = 0; i < report->host_count; i++)
		if (!report->hosts[i].facts)
			return false;
	return true;
}

static int host_summaries__add_one(
	struct host_summaries *hosts, const struct report *report, const struct report *whole)
{
	struct host_summary *host = host_summaries__host(hosts, &report->hosts[0]);
	struct host_facts facts = {0};
	int error = host ? host_facts__gather(&facts, report, whole) : -ENOMEM;

	if (!error)
		error = host_facts__add(&host->facts, &facts, false);
	free(facts.callers);
	return error;
}

int host_summaries__add(
	struct host_summaries *hosts, const struct report *report, const struct report *whole)
{
	int error = 0;

	if (report->host_count == 1)
		return host_summaries__add_one(hosts, report, whole);
	if (!report__knows_hosts(report)) {
		hosts->unlisted += report->host_count;
		return 0;
	}
	for (size_t i = 0; !error && i < report->host_count; i++) {
		struct host_summary *host = host_summaries__host(hosts, &report->hosts[i]);

		error = host ? host_facts__add(
				       &host->facts, report->hosts[i].facts, report != whole)
			     : -ENOMEM;
	}
	return error;
}

/* Whole's windows by host, so that each host finds its own. */
struct ruling_index {
	const struct report *whole;
	const struct verdict_options *options;
	const struct window **windows;
	struct watch *watches;
	size_t watch_count;
};

static int window__compare_hosts(const void *left, const void *right)
{
	const struct window *a = *(const struct window *const *)left;
	const struct window *b = *(const struct window *const *)right;
	int order = strcmp(a->host, b->host);

	return order ? order : a->start < b->start ? -1 : a->start > b->start;
}

static size_t ruling_index__find(const struct ruling_index *index, const char *id)
{
	size_t low = 0, high = index->whole->window_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(index->windows[middle]->host, id) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Of clones the one that was watched least. */
static int64_t ruling_index__watched(const struct ruling_index *index, const char *id)
{
	size_t low = 0, high = index->watch_count;
	int64_t shortest = INT64_MAX;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(index->watches[middle].machine_id, id) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < index->watch_count && !strcmp(index->watches[low].machine_id, id); low++)
		if (index->watches[low].watched < shortest)
			shortest = index->watches[low].watched;
	return shortest == INT64_MAX ? 0 : shortest;
}

/* The report that the host alone would have, as far as a verdict asks. Its callers are copies on
 * loan. */
static int report__of_host(struct report *report, const struct host_summary *host,
	const struct ruling_index *index, struct caller *copies)
{
	const char *id = host_summary__id(host);
	const struct report_host *from = report__find_host(index->whole, id);
	int error = from ? report__add_host(report, from) : 0;

	for (size_t i = ruling_index__find(index, id); !error && i < index->whole->window_count;
		i++) {
		if (strcmp(index->windows[i]->host, id))
			break;
		error = report__add_window(report, index->windows[i]);
	}
	report->callers = calloc(host->facts.caller_count + 1, sizeof(*report->callers));
	if (error || !report->callers)
		return -ENOMEM;
	for (size_t i = 0; i < host->facts.caller_count; i++) {
		const struct host_caller *caller = &host->facts.callers[i];

		copies[i].rest = caller->caller->rest;
		copies[i].calls[CLASS_V1] = caller->v1;
		copies[i].calls[CLASS_FOREIGN] = caller->foreign;
		report->callers[report->caller_count++] = &copies[i];
	}
	memcpy(report->totals, host->facts.calls, sizeof(report->totals));
	memcpy(report->unknown, host->facts.unknown, sizeof(report->unknown));
	memcpy(report->missed_kinds, host->facts.missed_kinds, sizeof(report->missed_kinds));
	report->lost = host->facts.lost;
	report->foreign_served = host->facts.foreign_served;
	report->missed = host->facts.missed;
	report->since = index->whole->since;
	report->at_most = host->facts.at_most;
	return 0;
}

static int host_caller__compare(const void *left, const void *right)
{
	const struct host_caller *a = left, *b = right;

	if (a->v1 != b->v1)
		return a->v1 > b->v1 ? -1 : 1;
	if (a->foreign != b->foreign)
		return a->foreign > b->foreign ? -1 : 1;
	return strcmp(a->caller->name, b->caller->name);
}

static bool host_caller__blocks(const struct host_caller *caller, bool strict)
{
	return caller->v1 || (strict && caller->foreign);
}

/* Names those that block the host, and counts it for each of them. */
static int host_summary__blame(struct host_summary *host, bool strict)
{
	struct sentences names = {0};
	struct host_caller *last = NULL;

	if (host->facts.caller_count)
		qsort(host->facts.callers, host->facts.caller_count, sizeof(*host->facts.callers),
			host_caller__compare);
	for (size_t i = 0; i < host->facts.caller_count; i++) {
		struct host_caller *caller = &host->facts.callers[i];

		if (!host_caller__blocks(caller, strict))
			continue;
		sentences__add(&names, "%s", caller->caller->name);
		count__add(&caller->caller->hosts_v1, 1);
		last = caller;
	}
	if (last && names.count == 1)
		count__add(&last->caller->only_blocker_on, 1);
	host->callers = names.list;
	return names.error;
}

static int host_summary__rule(struct host_summary *host, const struct ruling_index *index)
{
	_free_ struct caller *copies = calloc(host->facts.caller_count + 1, sizeof(*copies));
	struct report *report = report__new();
	int error = copies && report ? report__of_host(report, host, index, copies) : -ENOMEM;

	if (!error)
		error = verdict__explain(&host->verdict, &host->reasons, report, index->options);
	if (report)
		report->caller_count = 0;
	report__free(report);
	if (error)
		return error;
	host->watched = ruling_index__watched(index, host_summary__id(host));
	return host_summary__blame(host, index->options->strict);
}

static int ruling_index__open(struct ruling_index *index)
{
	size_t count = index->whole->window_count;

	index->windows = calloc(count + 1, sizeof(*index->windows));
	if (!index->windows)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		index->windows[i] = &index->whole->windows[i];
	qsort(index->windows, count, sizeof(*index->windows), window__compare_hosts);
	return verdict__watches(index->whole, &index->watches, &index->watch_count);
}

static int text__compare(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "");
}

static int host_summary__compare(const void *left, const void *right)
{
	const struct host_summary *a = left, *b = right;
	int order = (int)a->verdict - (int)b->verdict;

	if (!order)
		order = text__compare(a->region, b->region);
	if (!order)
		order = text__compare(a->instance_id, b->instance_id);
	if (!order)
		order = text__compare(a->hostname, b->hostname);
	return order ? order : text__compare(a->machine_id, b->machine_id);
}

/* Their places change, so the table goes. */
static int host_summaries__sort(struct host_summaries *hosts)
{
	int error = 0;

	if (hosts->count)
		qsort(hosts->list, hosts->count, sizeof(*hosts->list), host_summary__compare);
	table__clear(&hosts->by_id);
	for (size_t i = 0; !error && i < hosts->count; i++)
		error = table__insert(&hosts->by_id,
			hash__text(0, host_summary__id(&hosts->list[i])),
			(void *)(uintptr_t)(i + 1));
	return error;
}

int host_summaries__rule(struct host_summaries *hosts, const struct report *whole,
	const struct verdict_options *options)
{
	struct ruling_index index = {.whole = whole, .options = options};
	int error = ruling_index__open(&index);

	for (size_t i = 0; hosts->count && i < whole->caller_count; i++)
		whole->callers[i]->hosts_v1 = whole->callers[i]->only_blocker_on = 0;
	for (size_t i = 0; !error && i < hosts->count; i++)
		error = host_summary__rule(&hosts->list[i], &index);
	free(index.windows);
	free(index.watches);
	return error ? error : host_summaries__sort(hosts);
}

size_t host_summaries__count(const struct host_summaries *hosts, enum verdict verdict)
{
	size_t count = 0;

	for (size_t i = 0; i < hosts->count; i++)
		count += hosts->list[i].verdict == verdict;
	return count;
}

/* Ids of eight digits are as old as EC2. */
bool instance_id__is_valid(const char *text)
{
	size_t digits;

	if (!text || strncmp(text, "i-", 2))
		return false;
	digits = strspn(text + 2, LOWER_HEX);
	return !text[2 + digits] && digits >= 8 && digits <= 17;
}

/* "eu-west-1", "us-gov-east-1": words of letters, and a number. */
bool region__is_valid(const char *text)
{
	size_t words = 0;

	if (!text || strlen(text) > 32)
		return false;
	for (;;) {
		size_t letters = strspn(text, LOWER);

		if (!letters || text[letters] != '-')
			break;
		text += letters + 1;
		words++;
	}
	return words >= 2 && *text && !text[strspn(text, DIGITS)] && strlen(text) <= 2;
}
