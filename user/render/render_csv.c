/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * CSV (RFC 4180), one row for each caller and path. What a spreadsheet would take for a formula
 * gets an apostrophe in front. What is counted of a caller stands in the first of its rows alone,
 * so that the sum of each column of counts is true.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "verdict/advice.h"
#include "lib/array.h"
#include "lib/clock.h"
#include "render/cell.h"
#include "render/render.h"
#include "render/render_caller.h"
#include "render/repeated.h"
#include "lib/scope.h"

/* All that the cells of one row are made from. */
struct row {
	const struct report *report;
	const struct caller *caller;
	const struct report_path *path; /* NULL: the caller has none */
	bool first;                     /* of its caller's rows */
	size_t most;                    /* bytes of a repeated text */
	struct client client;
	enum advice advice;
	char *advice_text, *agents, *hosts;
};

static int cell__put_count(FILE *out, uint64_t count)
{
	fprintf(out, "%" PRIu64, count);
	return 0;
}

static int cell__put_time(FILE *out, int64_t time)
{
	char text[RFC3339_SIZE] = "";

	if (time)
		clock__format(text, time);
	fputs(text, out);
	return 0;
}

static int cell__put_repeated(FILE *out, const struct row *row, const char *text)
{
	_free_ char *cut = NULL;

	return text__cut(&cut, text, row->most) ? -ENOMEM : cell__put_text(out, cut);
}

/* Empty where nobody watched what came back. */
static int cell__put_outcome(FILE *out, const struct row *row, enum outcome outcome)
{
	if (!row->first || !caller__outcomes_known(row->caller))
		return 0;
	return cell__put_count(out, row->caller->answers[CLASS_V1][outcome]);
}

#define TEXT_CELL(name, text)                                    \
	static int put__##name(FILE *out, const struct row *row) \
	{                                                        \
		return cell__put_text(out, text);                \
	}

#define REPEATED_CELL(name, text)                                \
	static int put__##name(FILE *out, const struct row *row) \
	{                                                        \
		return cell__put_repeated(out, row, text);       \
	}

#define COUNT_CELL(name, count)                                  \
	static int put__##name(FILE *out, const struct row *row) \
	{                                                        \
		return cell__put_count(out, count);              \
	}

#define CALLER_COUNT_CELL(name, count)                               \
	static int put__##name(FILE *out, const struct row *row)     \
	{                                                            \
		return row->first ? cell__put_count(out, count) : 0; \
	}

#define TIME_CELL(name, time)                                    \
	static int put__##name(FILE *out, const struct row *row) \
	{                                                        \
		return cell__put_time(out, time);                \
	}

#define OUTCOME_CELL(name, outcome)                              \
	static int put__##name(FILE *out, const struct row *row) \
	{                                                        \
		return cell__put_outcome(out, row, outcome);     \
	}

REPEATED_CELL(caller, row->caller->name)
TEXT_CELL(pattern, pattern__name(caller__pattern(row->caller)))
TEXT_CELL(method, row->path ? row->path->method : NULL)
TEXT_CELL(path, row->path ? row->path->path : NULL)
TEXT_CELL(cls, row->path ? class__name(row->path->cls) : NULL)
COUNT_CELL(count, row->path ? row->path->count : 0)
TIME_CELL(first, row->path ? row->path->first : 0)
TIME_CELL(last, row->path ? row->path->last : 0)
TEXT_CELL(advice, advice__name(row->advice))
REPEATED_CELL(advice_text, row->advice_text)
REPEATED_CELL(exe, row->caller->exe)
REPEATED_CELL(script, row->caller->script)
REPEATED_CELL(parent, row->caller->parent)
REPEATED_CELL(unit, row->caller->workload.unit)
REPEATED_CELL(container_runtime, row->caller->workload.container.runtime)
REPEATED_CELL(container_id, row->caller->workload.container.id)
REPEATED_CELL(container_name, row->caller->workload.container.name)
REPEATED_CELL(container_image, row->caller->workload.container.image)
REPEATED_CELL(pod_namespace, row->caller->workload.pod.namespace)
REPEATED_CELL(pod_name, row->caller->workload.pod.name)
REPEATED_CELL(client, row->client.name)
REPEATED_CELL(client_version, row->client.version)
REPEATED_CELL(client_min_version, row->client.min_version)
REPEATED_CELL(user_agents, row->agents)
REPEATED_CELL(hosts, row->hosts)
CALLER_COUNT_CELL(caller_processes, row->caller->processes)
CALLER_COUNT_CELL(caller_v1, row->caller->calls[CLASS_V1])
OUTCOME_CELL(caller_v1_ok, OUTCOME_OK)
OUTCOME_CELL(caller_v1_rejected, OUTCOME_REJECTED)
OUTCOME_CELL(caller_v1_other, OUTCOME_OTHER)
OUTCOME_CELL(caller_v1_none, OUTCOME_NONE)

/* As text: two callers may be on the same host, so that a sum would be of no hosts that there are.
 */
static int put__caller_hosts(FILE *out, const struct row *row)
{
	fprintf(out, "\"%s%" PRIu64 " host%s\"", row->caller->hosts_exact ? "" : "at least ",
		row->caller->hosts_total, row->caller->hosts_total == 1 ? "" : "s");
	return 0;
}

/* Callers past the report's bound have no user of their own. */
static int put__uid(FILE *out, const struct row *row)
{
	return row->caller->rest ? 0 : cell__put_count(out, row->caller->uid);
}

static const struct column {
	const char *name;
	int (*put)(FILE *out, const struct row *row);
} columns[] = {
	{"caller", put__caller},
	{"pattern", put__pattern},
	{"class", put__cls},
	{"method", put__method},
	{"path", put__path},
	{"count", put__count},
	{"first", put__first},
	{"last", put__last},
	{"advice", put__advice},
	{"advice_text", put__advice_text},
	{"exe", put__exe},
	{"script", put__script},
	{"uid", put__uid},
	{"parent", put__parent},
	{"unit", put__unit},
	{"container_runtime", put__container_runtime},
	{"container_id", put__container_id},
	{"container_name", put__container_name},
	{"container_image", put__container_image},
	{"pod_namespace", put__pod_namespace},
	{"pod_name", put__pod_name},
	{"client", put__client},
	{"client_version", put__client_version},
	{"client_min_version", put__client_min_version},
	{"user_agents", put__user_agents},
	{"hosts", put__hosts},
	{"caller_hosts", put__caller_hosts},
	{"caller_processes", put__caller_processes},
	{"caller_v1", put__caller_v1},
	{"caller_v1_ok", put__caller_v1_ok},
	{"caller_v1_rejected", put__caller_v1_rejected},
	{"caller_v1_other", put__caller_v1_other},
	{"caller_v1_none", put__caller_v1_none},
};

/* The cells of its path stand between what all of a caller's rows repeat. */
#define PATH_BEGINS 2
#define PATH_ENDS   8
#define COLUMNS     ARRAY_SIZE(columns)

static int cells__put(FILE *out, const struct row *row, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		int error;

		if (i)
			putc(',', out);
		error = columns[i].put(out, row);
		if (error)
			return error;
	}
	return 0;
}

/* The caller frees. NULL: no memory. */
static char *cells__text(const struct row *row, size_t from, size_t to)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	int error = out ? cells__put(out, row, from, to) : -ENOMEM;

	if (out && !fclose(out) && !error)
		return text;
	free(text);
	return NULL;
}

/* What each row of a caller has before and behind its path's cells. */
struct repeated {
	char *before, *behind, *behind_first;
};

static void repeated__clear(struct repeated *repeated)
{
	free(repeated->before);
	free(repeated->behind);
	free(repeated->behind_first);
}

#define _repeated_ __attribute__((cleanup(repeated__clear)))

static int repeated__make(struct repeated *repeated, struct row *row)
{
	repeated__clear(repeated);
	repeated->before = cells__text(row, 0, PATH_BEGINS);
	row->first = true;
	repeated->behind_first = cells__text(row, PATH_ENDS, COLUMNS);
	row->first = false;
	repeated->behind = cells__text(row, PATH_ENDS, COLUMNS);
	return repeated->before && repeated->behind && repeated->behind_first ? 0 : -ENOMEM;
}

/* Texts as long as there is room for, where there is more than one row. 0 or -ENOMEM. */
static int repeated__fit(struct repeated *repeated, struct row *row, size_t rows, size_t room)
{
	row->most = REPEATED_MOST;
	for (;;) {
		int error = repeated__make(repeated, row);

		if (error)
			return error;
		if (rows < 2 || row->most <= REPEATED_LEAST ||
			strlen(repeated->before) + strlen(repeated->behind) <= room)
			return 0;
		row->most /= 2;
	}
}

/* The samples of a caller in one text each, with " | " between. The caller frees. */
static char *caller__join_agents(const struct caller *caller)
{
	char *joined = NULL;
	size_t size;
	FILE *out = open_memstream(&joined, &size);

	for (unsigned int i = 0; out && i < caller->agent_count; i++)
		fprintf(out, "%s%s", i ? " | " : "", caller->agents[i]);
	if (!out || !fclose(out))
		return joined;
	free(joined);
	return NULL;
}

static char *caller__join_hosts(const struct caller *caller, const struct report *report)
{
	char *joined = NULL;
	size_t size;
	FILE *out = open_memstream(&joined, &size);

	for (unsigned int i = 0; out && i < caller->host_count; i++) {
		const struct report_host *host = report__find_host(report, caller->hosts[i]);
		bool named = host && host->hostname && host->hostname[0];

		fprintf(out, "%s%s", i ? " | " : "", named ? host->hostname : caller->hosts[i]);
	}
	if (!out || !fclose(out))
		return joined;
	free(joined);
	return NULL;
}

static int caller__put_rows(FILE *out, struct row *row, size_t room)
{
	_repeated_ struct repeated repeated = {0};
	_free_ struct report_path *paths = NULL;
	size_t count;

	if (caller__list_paths(row->caller, &paths, &count) ||
		repeated__fit(&repeated, row, count, room))
		return -ENOMEM;
	for (size_t i = 0; i < count || !i; i++) {
		row->path = i < count ? &paths[i] : NULL;
		fputs(repeated.before, out);
		if (cells__put(out, row, PATH_BEGINS, PATH_ENDS))
			return -ENOMEM;
		fputs(i ? repeated.behind : repeated.behind_first, out);
		fputs("\r\n", out);
	}
	return 0;
}

static int caller__put(
	FILE *out, const struct report *report, const struct caller *caller, size_t room)
{
	_free_ char *text = NULL, *agents = caller__join_agents(caller);
	_free_ char *hosts = caller__join_hosts(caller, report);
	struct row row = {.report = report, .caller = caller, .agents = agents, .hosts = hosts};

	if (!agents || !hosts || advice__for(caller, &row.advice, &text))
		return -ENOMEM;
	row.advice_text = text;
	caller__client(caller, &row.client);
	return caller__put_rows(out, &row, room);
}

int csv__render(FILE *out, const struct report *report, const struct render_options *options)
{
	size_t room = report__repeated_room(report);

	(void)options;
	for (size_t i = 0; i < COLUMNS; i++)
		fprintf(out, "%s%s", i ? "," : "", columns[i].name);
	fputs("\r\n", out);
	for (size_t i = 0; i < report->caller_count; i++)
		if (caller__put(out, report, report->callers[i], room))
			return -ENOMEM;
	return ferror(out) ? -EIO : 0;
}
