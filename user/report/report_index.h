/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the modules that build a report share, and nothing else needs. */
#ifndef IMDSTRACE_REPORT_INDEX_H
#define IMDSTRACE_REPORT_INDEX_H

#include <string.h>

#include "lib/hash.h"
#include "report/forwarding.h"
#include "report/report.h"

#define TIMELINE_SECONDS 60 /* what a bucket spans while few are needed */

/* What a caller may hold in args: as many as ARGS_MAX bytes can be. */
#define CALLER_ARGS_MAX (ARGS_MAX / 2 + 1)

struct report_index {
	struct table callers;    /* struct caller */
	struct table containers; /* struct caller, by program and container that nobody named */
	struct table hosts;      /* positions in report->hosts, from 1 */
	struct table machines;   /* the first host of each machine id that has an instance id */
	struct table windows;    /* positions in report->windows, from 1 */
	struct caller *rest;     /* NULL: nothing fell past a bound so far */
	struct forwarding forwarding;
	size_t weight; /* what the report will weigh as JSON, in bytes */
};

/* Bytes that text takes in JSON, escaped; NULL is 4. */
size_t text__weight(const char *text);
/* Counts weight in if it still fits. */
bool report__take_weight(struct report *report, size_t weight);
/* The same of callers and what they hold, which leave REPORT_RESERVE. */
bool report__take_detail(struct report *report, size_t weight);

/* The report's window of the same host, boot, start and copy, or NULL. */
struct window *report__find_window(const struct report *report, const struct window *window);

/* Makes room for one more element. 0 or -ENOMEM. */
int array__grow(void **array, size_t count, size_t size);

/* Counts a bucket's calls into the timeline; one that starts at any time, and one longer than the
 * report's makes the report's longer. 0 or -ENOMEM. */
int report__add_bucket(
	struct report *report, const struct timeline_bucket *bucket, unsigned int seconds);

/* The caller of the same identity as like, made with like's args if it is new, or the rest. NULL:
 * no memory. */
struct caller *report__caller_like(struct report *report, const struct caller *like);
/* The same caller, or the rest; NULL: the report has neither. */
const struct caller *report__find_caller(const struct report *report, const struct caller *like);
/* NULL: the caller has no such path. */
const struct report_path *caller__path_like(
	const struct caller *caller, const struct report_path *path);
/* Adds to the path like `path` (its count, first, last), or to the rest of its class. 0 or -ENOMEM.
 */
int caller__add_path(struct report *report, struct caller *caller, const struct report_path *path);
/* Keeps agent as one of the samples while there is room. 0 or -ENOMEM. */
int caller__add_agent(struct report *report, struct caller *caller, const char *agent);
/* Counts the container of that id (NULL: none) unless it is among those seen last. */
void caller__add_container(struct caller *caller, const char *id);
/* Keeps the name of a caller whose calls the proxy forwards, while there is room. 0 or -ENOMEM. */
int caller__add_forwarded(struct caller *proxy, const char *name);
/* Notes through which proxy its calls go (NULL: none). 0 or -ENOMEM. */
int caller__go_through(struct caller *caller, const char *proxy);
void caller__add_pid(struct caller *caller, uint32_t pid);
/* One more host, unless it is among the samples. 0 or -ENOMEM. */
int caller__add_host(struct caller *caller, const char *machine_id);
bool caller__has_host(const struct caller *caller, const char *machine_id);
/* Keeps machine_id as a sample while there is room; does not count. 0 or -ENOMEM. */
int caller__sample_host(struct caller *caller, const char *machine_id);
void window__free(struct window *window);
void host_facts__free(struct host_facts *facts);
/* The facts of the host of that report_host__id(), made if it has none. NULL: no such host, or no
 * memory. */
struct host_facts *report__host_facts(struct report *report, const char *id);
/* Its calls are those of one host, where it was fixed. */
void caller__mark_fixed(struct caller *caller);
/* *now is the caller with the counts of the hosts where it is not fixed; everything else, its paths
 * too, is the caller's. */
void caller__count_now(const struct caller *caller, struct caller *now);
/* Its calls of a class that were answered, with any status. */
uint64_t caller__answered(const struct caller *caller, enum request_class cls);
/* Computes every OUTCOME_NONE anew. */
void caller__settle(struct caller *caller);
void caller__free(struct caller *caller);

/* Widens a span by another; 0 is no time. */
static inline void span__widen(
	int64_t *first, int64_t *last, int64_t other_first, int64_t other_last)
{
	if (other_first && (!*first || other_first < *first))
		*first = other_first;
	if (other_last && (!*last || other_last > *last))
		*last = other_last;
}

static inline bool text__same(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

/* Whether each is as large as the other's. */
static inline bool counts__cover(const uint64_t *counts, const uint64_t *other, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (counts[i] < other[i])
			return false;
	return true;
}

/* A copy of text, or of nothing. 0 or -ENOMEM. */
int text__copy(char **copy, const char *text);

#endif
