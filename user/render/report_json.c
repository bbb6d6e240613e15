/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The report as JSON: one line for each host, window, caller and bucket, so that a large report is
 * written piece by piece, and can be read with grep and diff. report_read.c reads it again.
 */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "verdict/advice.h"
#include "verdict/host_summary.h"
#include "lib/array.h"
#include "lib/clock.h"
#include "render/json.h"
#include "render/render_compare.h"
#include "render/report_json.h"
#include "report/forwarding.h"
#include "report/probes.h"
#include "report/report_index.h"
#include "lib/scope.h"
#include "lib/text.h"
#include "verdict/rehearsal_verdict.h"
#include "verdict/verdict.h"

json_t *json__count(uint64_t count)
{
	return json_integer((json_int_t)(count > REPORT_COUNT_MAX ? REPORT_COUNT_MAX : count));
}

json_t *json__texts(char *const *texts, size_t count)
{
	_decref_ json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		if (json_array_append_new(list, json__text(texts[i])))
			return NULL;
	return json_incref(list);
}

json_t *json__counts(const uint64_t counts[CLASS_COUNT])
{
	static const enum request_class order[] = {
		CLASS_V1, CLASS_V2, CLASS_TOKEN, CLASS_FOREIGN, CLASS_UNKNOWN};
	_decref_ json_t *object = json_object();

	for (size_t i = 0; i < ARRAY_SIZE(order); i++)
		if (json_object_set_new(
			    object, class__name(order[i]), json__count(counts[order[i]])))
			return NULL;
	return json_incref(object);
}

json_t *json__unknown(const uint64_t unknown[UNKNOWN_REASONS])
{
	_decref_ json_t *object = json_object();

	for (int reason = 0; reason < UNKNOWN_REASONS; reason++)
		if (json_object_set_new(
			    object, unknown_reason__name(reason), json__count(unknown[reason])))
			return NULL;
	return json_incref(object);
}

static json_t *json__missed(const uint64_t missed[MISSED_KINDS])
{
	_decref_ json_t *object = json_object();

	for (int kind = 0; kind < MISSED_KINDS; kind++)
		if (json_object_set_new(object, missed_kind__name(kind), json__count(missed[kind])))
			return NULL;
	return json_incref(object);
}

static json_t *json__host(const struct report_host *host)
{
	return json_pack("{so,so,so,so,so,so}", "hostname", json__text(host->hostname),
		"machine_id", json__text(host->machine_id), "kernel", json__text(host->kernel),
		"instance_id", json__text(host->instance_id), "region", json__text(host->region),
		"account_id", json__text(host->account_id));
}

/* A window's host is its instance id where that is known. */
static const char *window__instance_id(const struct window *window)
{
	return window->machine_id && strcmp(window->machine_id, window->host) ? window->host : NULL;
}

static json_t *json__window(const struct window *window)
{
	char start[RFC3339_SIZE], end[RFC3339_SIZE];
	_decref_ json_t *object = NULL;

	clock__format(start, window->start);
	clock__format(end, window->end);
	object = json_pack("{so,so,so,so,ss,ss,so,so,so,sb}", "id", json__text(window->id), "host",
		json__text(window->machine_id ? window->machine_id : window->host), "instance_id",
		json__text(window__instance_id(window)), "boot_id", json__text(window->boot_id),
		"start", start, "end", end, "hooks", json__text(window->hooks), "booted",
		json__time(window->booted), "opened_before",
		window->opened_known ? json__count(window->opened_before) : json_null(),
		"responses", window->responses);
	if (window->rehearsal && json_object_set_new(object, "rehearsal", json_true()))
		return NULL;
	if (window->copy && json_object_set_new(object, "copy", json_integer(window->copy)))
		return NULL;
	if (window->has_calls && json_object_set_new(object, "calls", json__counts(window->calls)))
		return NULL;
	if (window->attached &&
		json_object_set_new(object, "attached", json__time(window->attached)))
		return NULL;
	return json_incref(object);
}

static json_t *json__bucket(const struct report *report, const struct timeline_bucket *bucket)
{
	_decref_ json_t *object = NULL, *counts = json__counts(bucket->calls);
	char start[RFC3339_SIZE];

	clock__format(start, bucket->start);
	object = json_pack(
		"{ss,sI}", "start", start, "seconds", (json_int_t)report->timeline_seconds);
	if (!counts || json_object_update(object, counts))
		return NULL;
	if (bucket->forwarded &&
		json_object_set_new(object, "forwarded", json__count(bucket->forwarded)))
		return NULL;
	if (bucket->rehearsed &&
		json_object_set_new(object, "rehearsed", json__count(bucket->rehearsed)))
		return NULL;
	return json_incref(object);
}

static json_t *json__totals(const struct report *report)
{
	_decref_ json_t *object = json__counts(report->totals);

	if (json_object_set_new(object, "lost", json__count(report->lost)) ||
		json_object_set_new(object, "missed", json__count(report->missed)) ||
		json_object_set_new(object, "missed_by_kind", json__missed(report->missed_kinds)) ||
		json_object_set_new(object, "unknown_by_reason", json__unknown(report->unknown)))
		return NULL;
	return json_incref(object);
}

static json_t *json__rehearsal(const struct report *report)
{
	const struct report_rehearsal *rehearsal = &report->rehearsal;
	struct rehearsal_ruling ruling;
	struct rehearsal_sums sums;
	json_t *object;

	if (rehearsal__rule(&ruling, report))
		return NULL;
	report__rehearsal_sums(report, &sums);
	object = json_pack("{so,ss,so,so,so,so,so,so,so,so}", "scope", json__text(rehearsal->scope),
		"verdict", rehearsal_verdict__name(ruling.verdict), "reasons",
		json__list(ruling.reasons), "requests", json__count(sums.requests), "unread",
		json__count(sums.unread), "rejected", json__count(sums.rejected), "recovered",
		json__count(sums.recovered), "unproven", json__count(sums.unproven), "not_covered",
		json__count(sums.not_covered), "command_end", json__text(rehearsal->command_end));
	rehearsal_ruling__clear(&ruling);
	return object;
}

/* Writes `"name": value` and what follows it; takes the value. 0 or -ENOMEM. */
static int write__value(FILE *out, const char *name, json_t *value, const char *end)
{
	_free_ char *text = value ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
	_free_ char *safe = text ? text__json(text) : NULL;

	json_decref(value);
	if (!safe)
		return -ENOMEM;
	if (name)
		fprintf(out, "\"%s\": ", name);
	fprintf(out, "%s%s", safe, end);
	return 0;
}

/* The lists of a report: how many elements, and the element at a place. */
static json_t *list__host(const struct report *report, size_t at)
{
	return json__host(&report->hosts[at]);
}

static json_t *list__window(const struct report *report, size_t at)
{
	return json__window(&report->windows[at]);
}

static json_t *list__caller(const struct report *report, size_t at)
{
	return json__caller(report, report->callers[at]);
}

static json_t *list__bucket(const struct report *report, size_t at)
{
	return json__bucket(report, &report->timeline[at]);
}

static int write__list(FILE *out, const char *name, const struct report *report, size_t count,
	json_t *(*element)(const struct report *, size_t))
{
	fprintf(out, "\"%s\": [%s", name, count ? "\n" : "");
	for (size_t i = 0; i < count; i++) {
		int error =
			write__value(out, NULL, element(report, i), i + 1 < count ? ",\n" : "\n");

		if (error)
			return error;
	}
	fputs("],\n", out);
	return 0;
}

/* A caller of the list of callers, by its place in it. */
static json_t *json__host_caller(const struct host_caller *caller)
{
	return json_pack("{sI,so,so,so,so}", "caller", (json_int_t)caller->caller->place, "v1",
		json__count(caller->v1), "foreign", json__count(caller->foreign), "last_v1",
		json__time(caller->last_v1), "last_foreign", json__time(caller->last_foreign));
}

static json_t *json__host_callers(const struct host_facts *facts)
{
	_decref_ json_t *list = json_array();

	for (size_t i = 0; i < facts->caller_count; i++)
		if (json_array_append_new(list, json__host_caller(&facts->callers[i])))
			return NULL;
	return json_incref(list);
}

static json_t *json__lasts(const int64_t lasts[CLASS_COUNT])
{
	_decref_ json_t *object = json_object();

	for (int c = 0; c < CLASS_COUNT; c++)
		if (lasts[c] && json_object_set_new(object, class__name(c), json__time(lasts[c])))
			return NULL;
	return json_incref(object);
}

/* What it takes to rule the host again once this report is merged with others. */
static json_t *json__facts(const struct host_facts *facts)
{
	return json_pack("{so,so,so,so,so,so,so,sb}", "last", json__lasts(facts->last),
		"foreign_served", json__count(facts->foreign_served), "unknown_by_reason",
		json__unknown(facts->unknown), "lost", json__count(facts->lost), "missed",
		json__count(facts->missed), "missed_by_kind", json__missed(facts->missed_kinds),
		"calls_by", json__host_callers(facts), "at_most", facts->at_most);
}

/* What a host's own reports say of it. */
static json_t *json__ruled_host(const struct host_summary *host)
{
	_decref_ json_t *facts = json__facts(&host->facts);
	_decref_ json_t *object = json_pack("{so,so,so,so,so,so,ss,so,sI,so,so,so}", "hostname",
		json__text(host->hostname), "machine_id", json__text(host->machine_id), "kernel",
		json__text(host->kernel), "instance_id", json__text(host->instance_id), "region",
		json__text(host->region), "account_id", json__text(host->account_id), "verdict",
		verdict__name(host->verdict), "reasons", json__list(host->reasons),
		"watched_seconds", (json_int_t)(host->watched / NSEC_PER_SEC), "calls",
		json__counts(host->facts.calls), "callers", json__list(host->callers),
		"hop_limit_needed", host->facts.needs_hop_limit ? json_integer(2) : json_null());

	if (!facts || json_object_update(object, facts))
		return NULL;
	return json_incref(object);
}

/* Each by itself where each was ruled. */
static int write__hosts(FILE *out, const struct report *report, const struct host_summaries *hosts)
{
	if (!hosts || hosts->unlisted || !hosts->count)
		return write__list(out, "hosts", report, report->host_count, list__host);
	fputs("\"hosts\": [\n", out);
	for (size_t i = 0; i < hosts->count; i++) {
		int error = write__value(out, NULL, json__ruled_host(&hosts->list[i]),
			i + 1 < hosts->count ? ",\n" : "\n");

		if (error)
			return error;
	}
	fputs("],\n", out);
	return 0;
}

int report__write_json(FILE *out, const struct report *report, const struct ruling *ruling,
	const struct host_summaries *hosts, const struct comparison *comparison)
{
	bool exact, forwarded_exact;
	uint64_t probes = report__probes_answered(report, &exact);
	uint64_t forwarded = report__forwarded(report, &forwarded_exact);

	for (size_t i = 0; i < report->caller_count; i++)
		report->callers[i]->place = i;
	fputs("{\"schema\": \"imdstrace.report/1\",\n", out);
	if (report->since &&
		(write__value(out, "since", json__time(report->since), ",\n") ||
			write__value(out, "at_most", json_boolean(report->at_most), ",\n")))
		return -ENOMEM;
	if (write__value(out, "version", json__text(report->version), ",\n") ||
		write__hosts(out, report, hosts) ||
		(comparison && write__value(out, "compare", json__comparison(comparison), ",\n")) ||
		write__list(out, "windows", report, report->window_count, list__window) ||
		write__value(out, "verdict", json__text(verdict__name(ruling->verdict)), ",\n") ||
		write__value(out, "reasons", json__list(ruling->reasons), ",\n") ||
		write__value(out, "totals", json__totals(report), ",\n") ||
		(report->rehearsal.scope &&
			write__value(out, "rehearsal", json__rehearsal(report), ",\n")) ||
		write__value(out, "foreign_root_ok", json_integer(probes), ",\n") ||
		write__value(out, "foreign_root_ok_exact", json_boolean(exact), ",\n") ||
		write__value(out, "forwarded_v1", json__count(forwarded), ",\n") ||
		write__value(out, "forwarded_v1_exact", json_boolean(forwarded_exact), ",\n") ||
		write__list(out, "callers", report, report->caller_count, list__caller) ||
		write__list(out, "timeline", report, report->timeline_count, list__bucket) ||
		write__value(out, "next_steps", json__list(ruling->next_steps), "}\n"))
		return -ENOMEM;
	return ferror(out) ? -EIO : 0;
}

char *report__to_json(const struct report *report, int64_t min_window)
{
	struct verdict_options options = {.min_window = min_window};
	struct ruling ruling;
	char *text = NULL;
	size_t size;
	FILE *out;
	int error;

	if (verdict__rule(&ruling, report, &options))
		return NULL;
	out = open_memstream(&text, &size);
	error = out ? report__write_json(out, report, &ruling, NULL, NULL) : -ENOMEM;
	if (out && fclose(out))
		error = -ENOMEM;
	verdict__clear(&ruling);
	if (!error)
		return text;
	free(text);
	return NULL;
}
