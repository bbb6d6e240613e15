/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The report as a whole: its hosts and its windows. */
#include "report/report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "report/report_index.h"

/* JSON around the texts of one entry: its names, braces and times. */
#define HOST_WEIGHT   100
#define WINDOW_WEIGHT 240

/* Names in JSON, and what to say to a person. */
static const struct {
	const char *name, *sentence;
} unknown_reasons[UNKNOWN_REASONS] = {
	[UNKNOWN_NOT_HTTP] = {"not_http", "the bytes were not an HTTP request"},
	[UNKNOWN_UNREADABLE] = {"unreadable",
		"the bytes were sent from memory that cannot be read"},
	[UNKNOWN_UNSEEN] = {"unseen", "the bytes were sent in a way that the tracer does not see"},
	[UNKNOWN_INCOMPLETE] = {"incomplete",
		"a part of the request was sent before the trace, after it or never"},
	[UNKNOWN_OVERSIZED] = {"oversized", "the request was too large"},
	[UNKNOWN_CONTENDED] = {"contended", "two senders wrote to one connection at the same time"},
	[UNKNOWN_UNTRACKED] = {"untracked", "too many connections were open at once"},
	[UNKNOWN_UNASKED] = {"unasked", "more responses came back than requests were seen"},
	[UNKNOWN_URGENT] = {"urgent",
		"urgent data was sent, which the service may take out of the stream"},
	[UNKNOWN_REDIRECTED] = {"redirected",
		"it came through address translation, or from a raw socket"},
	[UNKNOWN_FORWARDED] = {"forwarded",
		"the machine forwarded it, for a source that has no socket here"},
};

static const char *const class_names[CLASS_COUNT] = {
	[CLASS_TOKEN] = "token",
	[CLASS_V2] = "v2",
	[CLASS_FOREIGN] = "foreign",
	[CLASS_V1] = "v1",
	[CLASS_UNKNOWN] = "unknown",
};

static const char *const outcome_names[OUTCOME_COUNT] = {
	[OUTCOME_OK] = "ok",
	[OUTCOME_REJECTED] = "rejected",
	[OUTCOME_OTHER] = "other",
	[OUTCOME_NONE] = "none",
};

const char *class__name(enum request_class cls)
{
	return class_names[cls];
}

const char *outcome__name(enum outcome outcome)
{
	return outcome_names[outcome];
}

const char *unknown_reason__sentence(enum unknown_reason reason)
{
	return unknown_reasons[reason].sentence;
}

const char *unknown_reason__name(enum unknown_reason reason)
{
	return unknown_reasons[reason].name;
}

static const char *const missed_names[MISSED_KINDS] = {
	[MISSED_CONNECTIONS] = "connections",
	[MISSED_PROCESSES] = "processes",
};

const char *missed_kind__name(enum missed_kind kind)
{
	return missed_names[kind];
}

int text__copy(char **copy, const char *text)
{
	*copy = text ? strdup(text) : NULL;
	return text && !*copy ? -ENOMEM : 0;
}

size_t text__weight(const char *text)
{
	size_t weight = 2;

	if (!text)
		return 4;
	for (const unsigned char *at = (const unsigned char *)text; *at; at++)
		weight += *at < 0x20 ? 6 : *at == '"' || *at == '\\' ? 2 : 1;
	return weight;
}

bool report__take_weight(struct report *report, size_t weight)
{
	if (weight > REPORT_WEIGHT_MAX - report->index->weight)
		return false;
	report->index->weight += weight;
	return true;
}

bool report__take_detail(struct report *report, size_t weight)
{
	size_t left = REPORT_WEIGHT_MAX - report->index->weight;

	return left >= REPORT_RESERVE && weight <= left - REPORT_RESERVE &&
	       report__take_weight(report, weight);
}

bool report__is_full(const struct report *report)
{
	return REPORT_WEIGHT_MAX - report->index->weight < REPORT_RESERVE / 2;
}

struct report *report__new(void)
{
	struct report *report = calloc(1, sizeof(*report));

	if (!report)
		return NULL;
	report->version = strdup(IMDSTRACE_VERSION);
	report->index = calloc(1, sizeof(*report->index));
	report->timeline_seconds = TIMELINE_SECONDS;
	if (!report->version || !report->index) {
		report__free(report);
		return NULL;
	}
	return report;
}

void host_facts__free(struct host_facts *facts)
{
	if (facts)
		free(facts->callers);
	free(facts);
}

static void host__free(struct report_host *host)
{
	free(host->hostname);
	free(host->machine_id);
	free(host->kernel);
	free(host->instance_id);
	free(host->region);
	free(host->account_id);
	host_facts__free(host->facts);
}

void window__free(struct window *window)
{
	free(window->host);
	free(window->machine_id);
	free(window->id);
	free(window->boot_id);
	free(window->hooks);
}

int report__set_version(struct report *report, const char *version)
{
	char *copy = strdup(version);

	if (!copy)
		return -ENOMEM;
	free(report->version);
	report->version = copy;
	return 0;
}

void report__free(struct report *report)
{
	if (!report)
		return;
	for (size_t i = 0; i < report->host_count; i++)
		host__free(&report->hosts[i]);
	for (size_t i = 0; i < report->window_count; i++)
		window__free(&report->windows[i]);
	for (size_t i = 0; i < report->caller_count; i++)
		caller__free(report->callers[i]);
	free(report->hosts);
	free(report->windows);
	free(report->callers);
	free(report->timeline);
	free(report->version);
	free(report->rehearsal.scope);
	free(report->rehearsal.command_end);
	if (report->index) {
		table__clear(&report->index->callers);
		table__clear(&report->index->containers);
		table__clear(&report->index->hosts);
		table__clear(&report->index->machines);
		table__clear(&report->index->windows);
		free(report->index);
	}
	free(report);
}

int array__grow(void **array, size_t count, size_t size)
{
	void *grown;

	/* Full at each power of two, from 8 on. */
	if (count && (count < 8 || (count & (count - 1))))
		return 0;
	grown = reallocarray(*array, count ? count * 2 : 8, size);
	if (!grown)
		return -ENOMEM;
	*array = grown;
	return 0;
}

/* Positions stay good when an array moves; from 1, because NULL is no entry. */
static void *position__entry(size_t position)
{
	return (void *)(uintptr_t)(position + 1);
}

static size_t entry__position(const void *entry)
{
	return (uintptr_t)entry - 1;
}

struct host_key {
	const struct report *report;
	const char *id;
};

static const struct report_host *entry__host(const void *entry, const struct host_key *key)
{
	return &key->report->hosts[entry__position(entry)];
}

static bool host__same(const void *entry, const void *key)
{
	const struct host_key *wanted = key;

	return !strcmp(report_host__id(entry__host(entry, wanted)), wanted->id);
}

static bool host__same_machine(const void *entry, const void *key)
{
	const struct host_key *wanted = key;

	return !strcmp(entry__host(entry, wanted)->machine_id, wanted->id);
}

static struct report_host *report__host(const struct report *report, const char *id)
{
	struct host_key key = {.report = report, .id = id};
	void *entry = table__find(&report->index->hosts, hash__text(0, id), host__same, &key);

	return entry ? &report->hosts[entry__position(entry)] : NULL;
}

const struct report_host *report__find_host(const struct report *report, const char *id)
{
	return report__host(report, id);
}

static struct report_host *report__machine(const struct report *report, const char *machine_id)
{
	struct host_key key = {.report = report, .id = machine_id};
	void *entry = table__find(
		&report->index->machines, hash__text(0, machine_id), host__same_machine, &key);

	return entry ? &report->hosts[entry__position(entry)] : NULL;
}

const char *report__host_id(const struct report *report, const char *name)
{
	const struct report_host *host = report__host(report, name);

	if (!host)
		host = report__machine(report, name);
	return host && !host->cloned ? report_host__id(host) : name;
}

/* The host that is appended next: of a machine that is known already, neither is the only one. */
static int report__note_machine(struct report *report, const struct report_host *host)
{
	struct report_host *known = report__machine(report, host->machine_id);

	if (known) {
		known->cloned = true;
		return 0;
	}
	if (report_host__id(host) == host->machine_id)
		return 0;
	return table__insert(&report->index->machines, hash__text(0, host->machine_id),
		position__entry(report->host_count));
}

static int host__copy(struct report_host *copy, const struct report_host *host)
{
	*copy = (struct report_host){0};
	if (!text__copy(&copy->hostname, host->hostname) &&
		!text__copy(&copy->machine_id, host->machine_id) &&
		!text__copy(&copy->kernel, host->kernel) &&
		!text__copy(&copy->instance_id, host->instance_id) &&
		!text__copy(&copy->region, host->region) &&
		!text__copy(&copy->account_id, host->account_id))
		return 0;
	host__free(copy);
	return -ENOMEM;
}

static int text__fill(char **known, const char *text)
{
	return *known ? 0 : text__copy(known, text);
}

/* A hand-written report may name a host by its machine id alone. */
static int host__fill(struct report_host *known, const struct report_host *host)
{
	int error = text__fill(&known->hostname, host->hostname);

	if (!error)
		error = text__fill(&known->kernel, host->kernel);
	if (!error)
		error = text__fill(&known->region, host->region);
	return error ? error : text__fill(&known->account_id, host->account_id);
}

int report__add_host(struct report *report, const struct report_host *host)
{
	struct report_host *known = report__host(report, report_host__id(host)), copy;
	int error;

	if (known)
		return host__fill(known, host);
	if (!report__take_weight(report,
		    HOST_WEIGHT + text__weight(host->hostname) + text__weight(host->machine_id) +
			    text__weight(host->kernel) + text__weight(host->instance_id) +
			    text__weight(host->region) + text__weight(host->account_id)))
		return -ENOSPC;
	error = array__grow((void **)&report->hosts, report->host_count, sizeof(copy));
	if (!error)
		error = host__copy(&copy, host);
	if (error)
		return error;
	report->hosts[report->host_count] = copy;
	error = report__note_machine(report, &report->hosts[report->host_count]);
	if (!error)
		error = table__insert(&report->index->hosts, hash__text(0, report_host__id(host)),
			position__entry(report->host_count));
	/* Also after an error, because the tables may point to it already. */
	report->host_count++;
	return error;
}

struct host_facts *report__host_facts(struct report *report, const char *id)
{
	struct report_host *host = report__host(report, id);

	if (host && !host->facts)
		host->facts = calloc(1, sizeof(*host->facts));
	return host ? host->facts : NULL;
}

int host_facts__add_caller(struct host_facts *facts, const struct host_caller *caller)
{
	int error;

	for (size_t i = 0; i < facts->caller_count; i++) {
		struct host_caller *known = &facts->callers[i];

		if (known->caller != caller->caller)
			continue;
		count__add(&known->v1, caller->v1);
		count__add(&known->foreign, caller->foreign);
		span__widen(&known->last_v1, &known->last_v1, 0, caller->last_v1);
		span__widen(&known->last_foreign, &known->last_foreign, 0, caller->last_foreign);
		return 0;
	}
	error = array__grow((void **)&facts->callers, facts->caller_count, sizeof(*facts->callers));
	if (!error)
		facts->callers[facts->caller_count++] = *caller;
	return error;
}

struct window_key {
	const struct report *report;
	const struct window *window;
};

static bool window__same(const void *entry, const void *key)
{
	const struct window_key *wanted = key;
	const struct window *window = &wanted->report->windows[entry__position(entry)];

	return window->copy == wanted->window->copy &&
	       window__attached(window) == window__attached(wanted->window) &&
	       text__same(window->id, wanted->window->id) &&
	       text__same(window->host, wanted->window->host) &&
	       text__same(window->boot_id, wanted->window->boot_id);
}

static uint64_t window__hash(const struct window *window)
{
	uint64_t hash = hash__text((uint64_t)window__attached(window), window->host);

	return hash__text(hash__text(hash, window->boot_id), window->id);
}

struct window *report__find_window(const struct report *report, const struct window *window)
{
	struct window_key key = {.report = report, .window = window};
	void *entry =
		table__find(&report->index->windows, window__hash(window), window__same, &key);

	return entry ? &report->windows[entry__position(entry)] : NULL;
}

static int window__copy(struct window *copy, const struct window *window)
{
	*copy = *window;
	copy->host = copy->machine_id = copy->id = copy->boot_id = copy->hooks = NULL;
	if (!text__copy(&copy->host, window->host) &&
		!text__copy(&copy->machine_id, window->machine_id) &&
		!text__copy(&copy->id, window->id) &&
		!text__copy(&copy->boot_id, window->boot_id) &&
		!text__copy(&copy->hooks, window->hooks))
		return 0;
	window__free(copy);
	return -ENOMEM;
}

static int window__extend(struct window *known, const struct window *window)
{
	if (window->end > known->end)
		known->end = window->end;
	if (window->start < known->start)
		known->start = window->start;
	if (!known->booted)
		known->booted = window->booted;
	known->rehearsal |= window->rehearsal;
	if (!known->opened_known) {
		known->opened_known = window->opened_known;
		known->opened_before = window->opened_before;
	}
	return text__fill(&known->hooks, window->hooks);
}

int report__add_window(struct report *report, const struct window *window)
{
	struct window *known = report__find_window(report, window), copy;
	int error;

	if (known)
		return window__extend(known, window);
	if (!report__take_weight(
		    report, WINDOW_WEIGHT + text__weight(window->host) +
				    text__weight(window->machine_id) + text__weight(window->id) +
				    text__weight(window->boot_id) + text__weight(window->hooks)))
		return -ENOSPC;
	error = array__grow((void **)&report->windows, report->window_count, sizeof(copy));
	if (!error)
		error = window__copy(&copy, window);
	if (error)
		return error;
	error = table__insert(&report->index->windows, window__hash(window),
		position__entry(report->window_count));
	if (error) {
		window__free(&copy);
		return error;
	}
	report->windows[report->window_count++] = copy;
	if (copy.copy > report->copies)
		report->copies = copy.copy;
	return 0;
}

static int report__add_forwarded(
	struct report *report, struct caller *caller, const struct request *request)
{
	struct timeline_bucket bucket = {0};
	int error = forwarding__join(
		&report->index->forwarding, caller, request, &bucket.forwarded, &bucket.start);

	return error || !bucket.forwarded ? error
					  : report__add_bucket(report, &bucket, TIMELINE_SECONDS);
}

int report__add_request(struct report *report, struct caller *caller, const struct request *request)
{
	struct timeline_bucket bucket = {.start = request->time, .rehearsed = request->rehearsed};
	struct report_path path = {
		.method = (char *)request->method,
		.path = (char *)request->path,
		.path_cut = request->path_cut,
		.cls = request->cls,
		.count = 1,
		.first = request->time,
		.last = request->time,
	};
	int error = caller__add_path(report, caller, &path);

	if (!error)
		error = caller__add_agent(report, caller, request->agent);
	if (error)
		return error;
	if (request->cls == CLASS_UNKNOWN)
		count__add(&caller->unknown[request->reason], 1);
	span__widen(&caller->first, &caller->last, request->time, request->time);
	bucket.calls[request->cls] = 1;
	error = report__add_bucket(report, &bucket, TIMELINE_SECONDS);
	return error ? error : report__add_forwarded(report, caller, request);
}
