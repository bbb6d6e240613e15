/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * NDJSON for query engines: one flat object for each host, caller and path. What is counted is in
 * count alone, so that it may be summed over anything.
 */
#include <errno.h>
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/scope.h"
#include "lib/text.h"
#include "render/json.h"
#include "render/render.h"
#include "render/render_caller.h"
#include "render/repeated.h"
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

/* NULL: no memory. */
static json_t *json__cut(const char *text, size_t most)
{
	_free_ char *cut = NULL;

	return text__cut(&cut, text, most) ? NULL : json__text(cut);
}

static json_t *json__row_host(const struct report_host *host, size_t most)
{
	bool named = host && host->hostname && *host->hostname;

	return json_pack("{so,so,so,so,so}", "host",
		json__cut(named  ? host->hostname
			  : host ? host->machine_id
				 : NULL,
			most),
		"machine_id", json__cut(host ? host->machine_id : NULL, most), "instance_id",
		json__cut(host ? host->instance_id : NULL, most), "region",
		json__cut(host ? host->region : NULL, most), "account_id",
		json__cut(host ? host->account_id : NULL, most));
}

static json_t *json__row_caller(
	const struct report *report, const struct caller *caller, size_t most)
{
	_free_ char *place = caller__place(caller), *text = NULL;
	_decref_ json_t *row = json__row_host(caller__only_host(report, caller), most);
	_decref_ json_t *more = NULL;
	struct client client;
	enum advice advice;

	if (!place || advice__for(caller, &advice, &text))
		return NULL;
	caller__client(caller, &client);
	more = json_pack("{so,so,so,so,so,ss,ss}", "caller", json__cut(caller->name, most),
		"parent", json__cut(caller->parent, most), "workload",
		json__cut(*place ? place : NULL, most), "client",
		json__text(client.name[0] ? client.name : NULL), "client_version",
		json__text(*client.version ? client.version : NULL), "pattern",
		pattern__name(caller__pattern(caller)), "advice", advice__name(advice));
	if (!more || json_object_update(row, more))
		return NULL;
	return json_incref(row);
}

/* The object as text. The caller frees. NULL: no memory, or no object. */
static char *json__line(const json_t *object)
{
	_free_ char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;

	return text ? text__json(text) : NULL;
}

/* What each row of the caller begins with, its texts as long as there is room for. The caller
 * frees. NULL: no memory. */
static char *caller__row_begin(
	const struct report *report, const struct caller *caller, size_t rows, size_t room)
{
	for (size_t most = SIZE_MAX;; most = most > REPEATED_MOST ? REPEATED_MOST : most / 2) {
		_decref_ json_t *object = json__row_caller(report, caller, most);
		char *text = json__line(object);
		size_t size = text ? strlen(text) : 0;

		if (!text)
			return NULL;
		text[size - 1] = '\0'; /* the object's end, which comes behind the path */
		if (size <= room || rows < 2 || most <= REPEATED_LEAST)
			return text;
		free(text);
	}
}

static int row__put(FILE *out, const char *begin, const struct report_path *path)
{
	_decref_ json_t *what = json_pack("{ss,so,so,sI,so,so}", "class", class__name(path->cls),
		"method", json__text(path->method), "path", json__text(path->path), "count",
		(json_int_t)path->count, "first", json__time(path->first), "last",
		json__time(path->last));
	_free_ char *end = json__line(what);

	if (!end)
		return -ENOMEM;
	fprintf(out, "%s,%s\n", begin, end + 1);
	return 0;
}

static int caller__put_rows(
	FILE *out, const struct report *report, const struct caller *caller, size_t room)
{
	_free_ struct report_path *paths = NULL;
	_free_ char *begin = NULL;
	size_t count;

	if (caller__list_paths(caller, &paths, &count))
		return -ENOMEM;
	begin = caller__row_begin(report, caller, count, room);
	if (!begin)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		if (row__put(out, begin, &paths[i]))
			return -ENOMEM;
	return 0;
}

int rows__render(FILE *out, const struct report *report, const struct render_options *options)
{
	size_t room = report__repeated_room(report);

	(void)options;
	for (size_t i = 0; i < report->caller_count; i++)
		if (caller__put_rows(out, report, report->callers[i], room))
			return -ENOMEM;
	return ferror(out) ? -EIO : 0;
}
