/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * NDJSON for query engines: one flat object for each host, caller and path. What is counted is in
 * count alone, so that it may be summed over anything.
 */
#include <errno.h>
#include <jansson.h>

#include "lib/scope.h"
#include "lib/text.h"
#include "render/json.h"
#include "render/render.h"
#include "render/render_caller.h"
#include "verdict/advice.h"

/* The host that a caller's calls are of; NULL where the report has several and does not say. */
static const struct report_host *caller__only_host(
	const struct report *report, const struct caller *caller)
{
	if (report->host_count == 1)
		return &report->hosts[0];
	if (caller->host_count == 1 && caller->hosts_total == 1 && caller->hosts_exact)
		return report__find_host(report, caller->hosts[0]);
	return NULL;
}

static json_t *json__row_host(const struct report_host *host)
{
	bool named = host && host->hostname && *host->hostname;

	return json_pack("{so,so,so,so,so}", "host",
		json__text(named  ? host->hostname
			   : host ? host->machine_id
				  : NULL),
		"machine_id", json__text(host ? host->machine_id : NULL), "instance_id",
		json__text(host ? host->instance_id : NULL), "region",
		json__text(host ? host->region : NULL), "account_id",
		json__text(host ? host->account_id : NULL));
}

static json_t *json__row_caller(const struct report *report, const struct caller *caller)
{
	_free_ char *place = caller__place(caller), *text = NULL;
	_decref_ json_t *row = json__row_host(caller__only_host(report, caller)), *more = NULL;
	struct client client;
	enum advice advice;

	if (!place || advice__for(caller, &advice, &text))
		return NULL;
	caller__client(caller, &client);
	more = json_pack("{so,so,so,so,so,ss,ss}", "caller", json__text(caller->name), "parent",
		json__text(caller->parent), "workload", json__text(*place ? place : NULL), "client",
		json__text(client.name[0] ? client.name : NULL), "client_version",
		json__text(*client.version ? client.version : NULL), "pattern",
		pattern__name(caller__pattern(caller)), "advice", advice__name(advice));
	if (!more || json_object_update(row, more))
		return NULL;
	return json_incref(row);
}

static int row__put(FILE *out, json_t *row, const struct report_path *path)
{
	_decref_ json_t *what = json_pack("{ss,so,so,sI,so,so}", "class", class__name(path->cls),
		"method", json__text(path->method), "path", json__text(path->path), "count",
		(json_int_t)path->count, "first", json__time(path->first), "last",
		json__time(path->last));
	_free_ char *text = NULL, *safe = NULL;

	if (!what || json_object_update(row, what))
		return -ENOMEM;
	text = json_dumps(row, JSON_COMPACT);
	safe = text ? text__json(text) : NULL;
	if (!safe)
		return -ENOMEM;
	fprintf(out, "%s\n", safe);
	return 0;
}

static int caller__put_rows(FILE *out, const struct report *report, const struct caller *caller)
{
	_decref_ json_t *row = json__row_caller(report, caller);
	_free_ struct report_path *paths = NULL;
	size_t count;

	if (!row || caller__list_paths(caller, &paths, &count))
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		if (row__put(out, row, &paths[i]))
			return -ENOMEM;
	return 0;
}

int rows__render(FILE *out, const struct report *report, const struct render_options *options)
{
	(void)options;
	for (size_t i = 0; i < report->caller_count; i++)
		if (caller__put_rows(out, report, report->callers[i]))
			return -ENOMEM;
	return ferror(out) ? -EIO : 0;
}
