/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "verdict/advice_facts.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/array.h"
#include "lib/number.h"
#include "lib/scope.h"
#include "lib/text.h"

#define NAME_COLUMNS       100
#define CONTAINER_ID_SHOWN 12

int write__format(char **text, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	*text = text__format(format, arguments);
	va_end(arguments);
	return *text ? 0 : -ENOMEM;
}

static bool text__is_set(const char *text)
{
	return text && *text;
}

/* " in etl.service", or nothing. */
static int write__where(char **text, const struct caller *caller)
{
	const struct workload *in = &caller->workload;
	const struct container *container = &in->container;
	_free_ char *replicas = NULL;
	const char *image;
	size_t size;

	if (text__is_set(in->pod.name)) {
		replicas = caller->hosts_total > 1 ? pod__replicas(&in->pod) : strdup(in->pod.name);
		if (!replicas)
			return -ENOMEM;
		return write__format(text, " in pod %s%s%s",
			in->pod.namespace ? in->pod.namespace : "", in->pod.namespace ? "/" : "",
			replicas);
	}
	image = workload__image(in, &size);
	if (image)
		return write__format(text, " in %s %s container%s of image %.*s",
			caller->containers > 1 ? NUMBER(caller->containers) : "the",
			container->runtime ? container->runtime : "",
			caller->containers > 1 ? "s" : "", (int)size, image);
	if (caller->containers > 1 && workload__is_passing(in))
		return write__format(text, " in %s %s containers", NUMBER(caller->containers),
			container->runtime ? container->runtime : "such");
	if (text__is_set(container->name))
		return write__format(text, " in %s container %s",
			container->runtime ? container->runtime : "the", container->name);
	if (text__is_set(container->id))
		return write__format(text, " in %s container %.*s",
			container->runtime ? container->runtime : "the",
			(int)text__complete(
				container->id, strnlen(container->id, CONTAINER_ID_SHOWN)),
			container->id);
	if (text__is_set(in->unit))
		return write__format(text, " in %s", in->unit);
	return write__format(text, "%s", "");
}

/* " (started by bash /etc/cron.daily/tag)": whoever has to change a program without a script of its
 * own looks in the script that starts it. Nothing where there is none. */
static int write__starter(char **text, const struct caller *caller)
{
	_free_ char *parent = NULL;

	if (caller->script || !caller->parent || !strchr(caller->parent, ' '))
		return write__format(text, "%s", "");
	parent = strdup(caller->parent);
	if (!parent)
		return -ENOMEM;
	text__keep_end(parent, NAME_COLUMNS);
	return write__format(text, " (started by %s)", parent);
}

static int facts__write_subject(struct facts *facts)
{
	_free_ char *name = strdup(facts->caller->name), *where = NULL, *starter = NULL;

	if (!name || write__where(&where, facts->caller) || write__starter(&starter, facts->caller))
		return -ENOMEM;
	text__keep_end(name, NAME_COLUMNS);
	text__ellipsize(where, NAME_COLUMNS);
	return write__format(&facts->subject, "%s%s%s", name, starter, where);
}

/* Behind a network namespace of its own is a hop. Older reports do not say; a container there most
 * likely has one. */
static bool caller__is_one_hop_away(const struct caller *caller)
{
	if (caller->network != NETWORK_UNKNOWN)
		return caller->network == NETWORK_OWN;
	return text__is_set(caller->workload.container.id) ||
	       text__is_set(caller->workload.pod.uid);
}

static bool base__is(const char *path, const char *name)
{
	const char *slash = path ? strrchr(path, '/') : NULL;
	const char *base = slash ? slash + 1 : path;

	return base && !strncmp(base, name, strlen(name));
}

static enum client_tool facts__tool(const struct facts *facts)
{
	const char *exe = facts->caller->exe ? facts->caller->exe : facts->caller->comm;

	if (facts->client.tool)
		return facts->client.tool;
	if (base__is(exe, "curl"))
		return TOOL_CURL;
	if (base__is(exe, "wget"))
		return TOOL_WGET;
	if (base__is(exe, "python") && !facts->client.sdk)
		return TOOL_PYTHON;
	return TOOL_NONE;
}

/* --- Paths ----------------------------------------------------------------------------------- */

int path__describe(char **text, const struct report_path *path)
{
	if (write__format(text, "%s %s", path->method ? path->method : "GET", path->path))
		return -ENOMEM;
	text__ellipsize(*text, NAME_COLUMNS);
	return 0;
}

static bool caller__has_path(const struct caller *caller, enum request_class cls, const char *name)
{
	for (size_t i = 0; i < caller->path_count; i++)
		if (caller->paths[i].cls == cls && caller->paths[i].path &&
			!strcmp(caller->paths[i].path, name))
			return true;
	return false;
}

/* Which v1 paths have a v2 twin. */
static void facts__compare_paths(struct facts *facts)
{
	const struct caller *caller = facts->caller;

	for (size_t i = 0; caller->calls[CLASS_V2] && i < caller->path_count; i++) {
		const struct report_path *path = &caller->paths[i];

		if (path->cls != CLASS_V1 || !path->path || !path->method)
			continue;
		if (caller__has_path(caller, CLASS_V2, path->path)) {
			facts->twin = true;
			continue;
		}
		facts->lone_count++;
		if (!facts->lone || path->count > facts->lone->count)
			facts->lone = path;
	}
}

static const struct cloud {
	const char *prefix, *whose;
} clouds[] = {
	{"/metadata/instance", "Azure's"},
	{"/computeMetadata", "Google's"},
	{"/opc/", "Oracle's"},
	{"/hetzner/", "Hetzner's"},
	{"/openstack", "OpenStack's"},
	{"/metadata/v1", "DigitalOcean's"},
};

static int facts__name_cloud(struct facts *facts, const char *whose)
{
	char *longer = NULL;

	if (write__format(&longer, "%s%s%s", facts->clouds ? facts->clouds : "",
		    facts->clouds ? " and " : "", whose))
		return -ENOMEM;
	free(facts->clouds);
	facts->clouds = longer;
	facts->cloud_count++;
	return 0;
}

static int facts__find_clouds(struct facts *facts)
{
	const struct caller *caller = facts->caller;

	for (size_t c = 0; c < ARRAY_SIZE(clouds); c++) {
		bool seen = false;

		for (size_t i = 0; i < caller->path_count; i++) {
			const struct report_path *path = &caller->paths[i];

			seen |= path->cls == CLASS_FOREIGN && path->path &&
				!strncmp(path->path, clouds[c].prefix, strlen(clouds[c].prefix));
		}
		if (seen && facts__name_cloud(facts, clouds[c].whose))
			return -ENOMEM;
	}
	if (!facts->cloud_count && caller->calls[CLASS_FOREIGN])
		return write__format(&facts->clouds, "%s", "another cloud's");
	return 0;
}

/* Whether a path is one of those by which a program tells where it runs. */
static bool path__tells_where(const char *path)
{
	static const char *const ends[] = {"/meta-data/", "/meta-data", "/instance-id",
		"/instance-identity/document", "/hostname", "/local-hostname", "/instance-type",
		"/ami-id", "/availability-zone", "/region", "/local-ipv4", "/latest", "/latest/"};
	size_t length = path ? strlen(path) : 0;

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
		if (length >= strlen(ends[i]) && !strcmp(path + length - strlen(ends[i]), ends[i]))
			return true;
	return length && !strcmp(path, "/");
}

static bool facts__looks_around(const struct facts *facts)
{
	const struct caller *caller = facts->caller;
	bool v1 = false;

	for (size_t i = 0; i < caller->path_count; i++) {
		if (caller->paths[i].cls != CLASS_V1)
			continue;
		if (!path__tells_where(caller->paths[i].path))
			return false;
		v1 = true;
	}
	return v1 && !facts->client.sdk;
}

int facts__gather(struct facts *facts, const struct caller *caller)
{
	const uint64_t *token = caller->answers[CLASS_TOKEN];

	*facts = (struct facts){
		.caller = caller,
		.pattern = caller__pattern(caller),
		.program = caller__program(caller),
		.refused = token[OUTCOME_REJECTED] + token[OUTCOME_OTHER],
		.unanswered = token[OUTCOME_NONE],
		.tokens = token[OUTCOME_OK],
		.one_hop_away = caller__is_one_hop_away(caller),
		.in_pod = text__is_set(caller->workload.pod.uid) ||
			  text__is_set(caller->workload.pod.name),
	};
	for (int c = 0; c < CLASS_COUNT; c++)
		for (int o = 0; o < OUTCOME_COUNT; o++)
			facts->answered |= o != OUTCOME_NONE && caller->answers[c][o];
	caller__client(caller, &facts->client);
	facts->tool = facts__tool(facts);
	facts->looks_around = facts__looks_around(facts);
	facts__compare_paths(facts);
	if (facts__find_clouds(facts) || facts__write_subject(facts))
		return -ENOMEM;
	if (write__format(&facts->subject_in_words, "%s%s%s%s", facts->subject,
		    facts->program ? " (" : "",
		    facts->program ? software__said(facts->program) : "",
		    facts->program ? ")" : ""))
		return -ENOMEM;
	return write__format(&facts->software, "%s%s%s", facts->client.name,
		facts->client.version[0] ? " " : "", facts->client.version);
}

void facts__clear(struct facts *facts)
{
	free(facts->subject);
	free(facts->subject_in_words);
	free(facts->software);
	free(facts->clouds);
}
