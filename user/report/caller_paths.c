/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a caller asked for, bounded in number and in size. */
#include <errno.h>
#include <stdlib.h>

#include "report/report_index.h"

#define FIRST_PATHS 4
#define PATH_WEIGHT 180 /* JSON around the texts of one: names, braces, counts and times */

static uint64_t path__hash(const struct report_path *path)
{
	return hash__text(hash__text(path->cls, path->method), path->path);
}

static struct report_path *caller__find_path(
	const struct caller *caller, const struct report_path *path, uint64_t hash)
{
	for (size_t i = 0; i < caller->path_count; i++) {
		struct report_path *known = &caller->paths[i];

		if (known->hash == hash && known->cls == path->cls &&
			text__same(known->method, path->method) &&
			text__same(known->path, path->path))
			return known;
	}
	return NULL;
}

const struct report_path *caller__path_like(
	const struct caller *caller, const struct report_path *path)
{
	return caller__find_path(caller, path, path__hash(path));
}

static bool path__is_rest(const struct report_path *path)
{
	return !path->method && text__same(path->path, REPORT_REST);
}

/* The entries that stand for themselves, without the one rest of each class. */
static size_t caller__own_paths(const struct caller *caller)
{
	size_t own = 0;

	for (size_t i = 0; i < caller->path_count; i++)
		own += !path__is_rest(&caller->paths[i]);
	return own;
}

static bool caller__has_room_for(
	struct report *report, const struct caller *caller, const struct report_path *path)
{
	/* A caller holds the rest of each class, whatever the report weighs: there are few of them.
	 */
	if (path__is_rest(path))
		return true;
	return caller__own_paths(caller) < REPORT_PATHS_MAX &&
	       report__take_detail(
		       report, PATH_WEIGHT + text__weight(path->method) + text__weight(path->path));
}

static int caller__append_path(struct caller *caller, const struct report_path *path, uint64_t hash)
{
	size_t count = caller->path_count;
	struct report_path copy = *path;

	if (!count || (count >= FIRST_PATHS && !(count & (count - 1)))) {
		struct report_path *grown = reallocarray(
			caller->paths, count ? count * 2 : FIRST_PATHS, sizeof(*caller->paths));

		if (!grown)
			return -ENOMEM;
		caller->paths = grown;
	}
	copy.hash = hash;
	copy.path = NULL;
	if (text__copy(&copy.method, path->method))
		return -ENOMEM;
	if (text__copy(&copy.path, path->path)) {
		free(copy.method);
		return -ENOMEM;
	}
	caller->paths[caller->path_count++] = copy;
	return 0;
}

int caller__add_path(struct report *report, struct caller *caller, const struct report_path *path)
{
	uint64_t hash = path__hash(path);
	struct report_path *known = caller__find_path(caller, path, hash);
	struct report_path rest = *path;

	if (known) {
		count__add(&known->count, path->count);
		count__add(&known->fixed, path->fixed);
		known->at_most |= path->at_most;
		known->path_cut |= path->path_cut;
		span__widen(&known->first, &known->last, path->first, path->last);
		return 0;
	}
	if (caller__has_room_for(report, caller, path))
		return caller__append_path(caller, path, hash);
	rest.method = NULL;
	rest.path = REPORT_REST;
	rest.path_cut = false;
	return caller__add_path(report, caller, &rest);
}
