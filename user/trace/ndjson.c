/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "trace/ndjson.h"

#include <errno.h>

#include "render/json.h"
#include "lib/scope.h"
#include "lib/text.h"

/* Compact, on one line, in one write: a reader never sees half a line of ours. */
static int ndjson__write(FILE *out, json_t *object)
{
	_free_ char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;
	_free_ char *line = text ? text__json(text) : NULL;

	if (!line)
		return -ENOMEM;
	errno = 0;
	if (fprintf(out, "%s\n", line) < 0 || fflush(out))
		return errno ? -errno : -EIO;
	return 0;
}

static json_t *ndjson__ancestry(const struct process *process)
{
	_decref_ json_t *list = json_array();

	for (unsigned int i = 0; i < process->ancestor_count; i++) {
		const struct ancestor_process *ancestor = &process->ancestry[i];

		if (json_array_append_new(list,
			    json_pack("{si,so,so,so}", "pid", (int)ancestor->pid, "comm",
				    json__text(ancestor->comm), "exe", json__text(ancestor->exe),
				    "script", json__text(ancestor->script))))
			return NULL;
	}
	return json_incref(list);
}

static json_t *ndjson__what(const struct request *request)
{
	const char *family = request->family == FAMILY_IPV6 ? "ipv6" : "ipv4";
	_decref_ json_t *object = json_pack("{ss,so,ss,so,so,ss,so}", "type", "request", "time",
		json__time(request->time), "class", class__name(request->cls), "method",
		json__text(request->method), "path", json__text(request->path), "family", family,
		"user_agent", json__text(request->agent));

	if (!object)
		return NULL;
	if (request->path_cut && json_object_set_new(object, "path_cut", json_true()))
		return NULL;
	if (request->rehearsed && json_object_set_new(object, "rehearsed", json_true()))
		return NULL;
	if (request->cls == CLASS_UNKNOWN &&
		json_object_set_new(
			object, "reason", json__text(unknown_reason__name(request->reason))))
		return NULL;
	return json_incref(object);
}

static json_t *ndjson__who(const struct process *process, uint32_t tid)
{
	const struct workload *workload = &process->workload;
	_decref_ json_t *object = json_pack("{sI,sI,so,so,so,so,sI,so,so,so,so,so}", "pid",
		(json_int_t)process->key.pid, "tid", (json_int_t)tid, "comm",
		json__text(process->comm), "exe", json__text(process->exe), "script",
		json__text(process->script), "args", json__list(process->args), "uid",
		(json_int_t)process->uid, "network", json__text(network__name(process->network)),
		"ancestry", ndjson__ancestry(process), "unit", json__text(workload->unit),
		"container", json__container(&workload->container), "pod",
		json__pod(&workload->pod));

	if (object && process->args_cut && json_object_set_new(object, "args_cut", json_true()))
		return NULL;
	return json_incref(object);
}

int ndjson__request(FILE *out, const struct request *request, const struct process *process)
{
	_decref_ json_t *object = ndjson__what(request);
	_decref_ json_t *who = ndjson__who(process, request->tid);

	if (!object || !who || json_object_update(object, who))
		return -ENOMEM;
	return ndjson__write(out, object);
}

int ndjson__lost(FILE *out, uint64_t count)
{
	_decref_ json_t *object = json_pack("{ss,sI}", "type", "lost", "count", (json_int_t)count);

	return ndjson__write(out, object);
}
