/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A caller of the report as JSON. */
#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <sys/wait.h>

#include "lib/array.h"
#include "lib/clock.h"
#include "lib/scope.h"
#include "render/json.h"
#include "render/report_json.h"
#include "report/forwarding.h"
#include "verdict/advice.h"

static json_t *json__outcome(const uint64_t answers[OUTCOME_COUNT])
{
	_decref_ json_t *object = json_object();

	for (int o = 0; o < OUTCOME_COUNT; o++)
		if (json_object_set_new(object, outcome__name(o), json__count(answers[o])))
			return NULL;
	return json_incref(object);
}

static json_t *json__outcomes(const struct caller *caller)
{
	static const enum request_class order[] = {CLASS_V1, CLASS_V2, CLASS_TOKEN, CLASS_FOREIGN};
	_decref_ json_t *object = json_object();

	for (size_t i = 0; i < ARRAY_SIZE(order); i++)
		if (json_object_set_new(object, class__name(order[i]),
			    json__outcome(caller->answers[order[i]])))
			return NULL;
	return json_incref(object);
}

static json_t *json__client(const struct caller *caller)
{
	struct client client;

	caller__client(caller, &client);
	return json_pack("{so,so,so}", "name", json__text(client.name[0] ? client.name : NULL),
		"version", json__text(client.version[0] ? client.version : NULL), "min_version",
		json__text(client.min_version));
}

static json_t *json__path(const struct report_path *path)
{
	_decref_ json_t *object = json_pack("{so,so,ss,so,so,so}", "method",
		json__text(path->method), "path", json__text(path->path), "class",
		class__name(path->cls), "count", json__count(path->count), "first",
		json__time(path->first), "last", json__time(path->last));

	if (path->path_cut && json_object_set_new(object, "path_cut", json_true()))
		return NULL;
	if (path->fixed && json_object_set_new(object, "fixed", json__count(path->fixed)))
		return NULL;
	if (path->at_most && json_object_set_new(object, "at_most", json_true()))
		return NULL;
	return json_incref(object);
}

/* With one path more for each class of which details were lost, so that they sum to the calls. */
static json_t *json__paths(const struct caller *caller)
{
	_decref_ json_t *list = json_array();

	for (size_t i = 0; i < caller->path_count; i++)
		if (json_array_append_new(list, json__path(&caller->paths[i])))
			return NULL;
	for (int c = 0; c < CLASS_COUNT; c++) {
		struct report_path lost = {
			.path = REPORT_NOT_RECORDED,
			.cls = c,
			.count = caller__unrecorded(caller, c),
			.first = caller->first,
			.last = caller->last,
		};

		if (lost.count && json_array_append_new(list, json__path(&lost)))
			return NULL;
	}
	return json_incref(list);
}

static json_t *json__pids(const struct caller *caller)
{
	_decref_ json_t *list = json_array();

	for (unsigned int i = 0; i < caller->pid_count; i++)
		if (json_array_append_new(list, json_integer(caller->pids[i])))
			return NULL;
	return json_incref(list);
}

/* Outcomes say nothing where responses were never watched. */
static bool report__watched_responses(const struct report *report, const struct caller *caller)
{
	uint64_t unwatched = 0;

	for (size_t i = 0; i < report->window_count; i++)
		if (report->windows[i].responses)
			return true;
	for (int c = 0; c < CLASS_COUNT; c++)
		count__add(&unwatched, caller->unwatched[c]);
	return !report->window_count && unwatched < caller__total(caller);
}

static json_t *json__who(const struct caller *caller)
{
	const struct workload *in = &caller->workload;

	return json_pack("{so,so,so,so,sI,so,so,sb,so,so,so,so,sb,so,so,so,so,so,so,so,so,so}",
		"name", json__text(caller->name), "comm", json__text(caller->comm), "exe",
		json__text(caller->exe), "script", json__text(caller->script), "uid",
		(json_int_t)caller->uid, "network", json__text(network__name(caller->network)),
		"args", json__list(caller->args), "args_cut", caller->args_cut, "parent",
		json__text(caller->parent), "pids", json__pids(caller), "processes",
		json__count(caller->processes), "hosts", json__count(caller->hosts_total),
		"hosts_exact", caller->hosts_exact, "hosts_sample",
		json__texts(caller->hosts, caller->host_count), "hosts_v1",
		json__count(caller->hosts_v1), "only_blocker_on",
		json__count(caller->only_blocker_on), "unit", json__text(in->unit), "slice",
		json__text(in->slice), "container", json__container(&in->container), "containers",
		json__count(caller->containers), "pod", json__pod(&in->pod), "user_agents",
		json__texts(caller->agents, caller->agent_count));
}

/* Why a fallback falls back; null for whoever does not. */
static json_t *json__cause(const struct caller *caller)
{
	if (caller__pattern(caller) != PATTERN_FALLBACK)
		return json_null();
	return json_string(cause__name(caller__cause(caller)));
}

/* What is joined between a proxy and those behind it; nothing of any other. 0 or -ENOMEM. */
static int json__set_forwarding(json_t *object, const struct caller *caller)
{
	_decref_ json_t *joined = NULL;

	if (caller->through && json_object_set_new(object, "through", json__text(caller->through)))
		return -ENOMEM;
	if (!caller->forwards_count)
		return 0;
	joined = json_pack("{so,so}", "forwarded", json__count(caller->forwarded), "forwards",
		json__texts(caller->forwards, caller->forwards_count));
	return !joined || json_object_update(object, joined) ? -ENOMEM : 0;
}

/* How the last process ended that did, or null. */
static json_t *json__wait_status(const struct caller_rehearsal *rehearsal, bool signalled)
{
	int status = rehearsal->wait_status;

	if (!rehearsal->ended || status < 0 || WIFSIGNALED(status) != signalled)
		return json_null();
	return json_integer(signalled ? WTERMSIG(status) : WEXITSTATUS(status));
}

static json_t *json__rehearsed(const struct caller *caller)
{
	const struct caller_rehearsal *rehearsal = &caller->rehearsal;

	return json_pack("{so,sb,so,so,so,so,so,so,so,so,so}", "rejected",
		json__count(rehearsal->rejected), "recovered", caller__recovered(caller),
		"unproven", json__count(rehearsal->unproven), "not_covered",
		json__count(rehearsal->not_covered), "processes", json__count(rehearsal->processes),
		"processes_recovered", json__count(rehearsal->recovered), "recovered_after",
		rehearsal->recovered_after
			? json_real((double)rehearsal->recovered_after / NSEC_PER_SEC)
			: json_null(),
		"ended", json__count(rehearsal->ended), "exit_status",
		json__wait_status(rehearsal, false), "signal", json__wait_status(rehearsal, true),
		"restarted", json__count(rehearsal->restarted));
}

static json_t *json__fixed_outcomes(const struct caller *caller)
{
	struct caller fixed = {0};

	memcpy(fixed.answers, caller->fixed_answers, sizeof(fixed.answers));
	return json__outcomes(&fixed);
}

/* What only some callers have. 0 or -ENOMEM. */
static int json__add_fixed(json_t *object, const struct caller *caller)
{
	_decref_ json_t *counts = NULL, *outcomes = NULL;

	if (caller->at_most && json_object_set_new(object, "at_most", json_true()))
		return -ENOMEM;
	if (!caller->hosts_fixed)
		return 0;
	counts = json__counts(caller->fixed);
	outcomes = json__fixed_outcomes(caller);
	if (!counts || !outcomes ||
		json_object_set_new(object, "hosts_fixed", json__count(caller->hosts_fixed)) ||
		json_object_set(object, "fixed_calls", counts) ||
		json_object_set(object, "fixed_outcomes", outcomes))
		return -ENOMEM;
	return 0;
}

json_t *json__caller(const struct report *report, const struct caller *caller)
{
	_decref_ json_t *object = json__who(caller), *rest = NULL;
	_free_ char *advice_text = NULL;
	enum advice advice;

	if (advice__for(caller, &advice, &advice_text))
		return NULL;
	rest = json_pack("{so,ss,so,ss,so,so,so,so,so,so,so}", "client", json__client(caller),
		"pattern", pattern__name(caller__pattern(caller)), "fallback_cause",
		json__cause(caller), "advice", advice__name(advice), "advice_text",
		json__text(advice_text), "calls", json__counts(caller->calls), "outcomes",
		report__watched_responses(report, caller) ? json__outcomes(caller) : json_null(),
		"unknown_by_reason", json__unknown(caller->unknown), "paths", json__paths(caller),
		"first", json__time(caller->first), "last", json__time(caller->last));
	if (!rest || json_object_update(object, rest) || json__set_forwarding(object, caller) ||
		json__add_fixed(object, caller))
		return NULL;
	if (caller__rehearsed(caller) &&
		json_object_set_new(object, "rehearsal", json__rehearsed(caller)))
		return NULL;
	return json_incref(object);
}
