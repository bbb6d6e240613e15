/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "verdict/host_summary.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/scope.h"
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
	sentences__free(host->reasons);
	sentences__free(host->callers);
	*host = (struct host_summary){0};
}

void host_summaries__clear(struct host_summaries *hosts)
{
	for (size_t i = 0; i < hosts->count; i++)
		host_summary__clear(&hosts->list[i]);
	free(hosts->list);
	*hosts = (struct host_summaries){0};
}

static int text__take(char **copy, const char *text)
{
	*copy = text && *text ? strdup(text) : NULL;
	return text && *text && !*copy ? -ENOMEM : 0;
}

static int host_summary__name(struct host_summary *host, const struct report_host *from)
{
	if (text__take(&host->hostname, from->hostname) ||
		text__take(&host->machine_id, from->machine_id) ||
		text__take(&host->kernel, from->kernel) ||
		text__take(&host->instance_id, from->instance_id))
		return -ENOMEM;
	return text__take(&host->region, from->region);
}

/* Callers come the worst first. */
static int host_summary__blame(struct host_summary *host, const struct report *report,
	const struct verdict_options *options)
{
	struct sentences names = {0};

	for (size_t i = 0; !names.error && i < report->caller_count; i++) {
		const struct caller *caller = report->callers[i];
		_free_ char *text = NULL;
		enum advice advice;

		if (advice__for(caller, &advice, &text))
			names.error = -ENOMEM;
		host->needs_hop_limit |= advice == ADVICE_RAISE_HOP_LIMIT;
		if (caller__blocks(caller, options->strict))
			sentences__add(&names, "%s", caller->name);
	}
	host->callers = names.list;
	return names.error;
}

static int host_summary__rule(struct host_summary *host, const struct report *report,
	const struct verdict_options *options)
{
	struct ruling ruling;
	int error = verdict__rule(&ruling, report, options);

	if (error)
		return error;
	host->verdict = ruling.verdict;
	host->reasons = ruling.reasons;
	ruling.reasons = NULL;
	verdict__clear(&ruling);
	for (size_t i = 0; i < report->host_count; i++)
		host->watched += verdict__watched(report, report_host__id(&report->hosts[i]));
	memcpy(host->calls, report->totals, sizeof(host->calls));
	return host_summary__blame(host, report, options);
}

/* An instance that was given another root volume has another machine id. */
static bool report__is_of_one_host(const struct report *report)
{
	const char *id = report->host_count ? report->hosts[0].instance_id : NULL;

	for (size_t i = 1; i < report->host_count; i++) {
		const char *other = report->hosts[i].instance_id;

		if (!id || !*id || !other || strcmp(id, other))
			return false;
	}
	return report->host_count > 0;
}

static void report__blame_all(struct report *whole, const struct report *report, bool strict)
{
	size_t blockers = report__count_blockers(report, strict);

	for (size_t i = 0; i < report->caller_count; i++)
		if (caller__blocks(report->callers[i], strict))
			report__blame(whole, report->callers[i], blockers == 1);
}

int host_summaries__add(struct host_summaries *hosts, const struct report *report,
	const struct verdict_options *options, struct report *whole)
{
	struct host_summary host = {0}, *grown;
	int error;

	if (!report__is_of_one_host(report)) {
		hosts->unlisted += report->host_count;
		return 0;
	}
	/* Full at each power of two, from 8 on. */
	if (!hosts->count || (hosts->count >= 8 && !(hosts->count & (hosts->count - 1)))) {
		grown = reallocarray(
			hosts->list, hosts->count ? hosts->count * 2 : 8, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		hosts->list = grown;
	}
	error = host_summary__name(&host, &report->hosts[0]);
	if (!error)
		error = host_summary__rule(&host, report, options);
	if (error)
		host_summary__clear(&host);
	else
		hosts->list[hosts->count++] = host;
	if (!error)
		report__blame_all(whole, report, options->strict);
	return error;
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

void host_summaries__sort(struct host_summaries *hosts)
{
	if (hosts->count)
		qsort(hosts->list, hosts->count, sizeof(*hosts->list), host_summary__compare);
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
