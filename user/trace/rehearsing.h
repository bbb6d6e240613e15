/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The rehearsal that a trace is: whose calls it counts, what the kernel side is told, and what came
 * of it. For trace.c, which runs the rest.
 */
#ifndef IMDSTRACE_REHEARSING_H
#define IMDSTRACE_REHEARSING_H

#include <stdbool.h>

#include "process/process_scope.h"
#include "report/report.h"
#include "trace/process_cache.h"
#include "trace/tracer.h"

struct rehearsing;

/* Also sets what tracer__open() is to load. scope is not taken over. 0, or -errno after a
 * complaint: another rehearsal of that scope is running. */
int rehearsing__new(struct rehearsing **rehearsing, const struct process_scope *scope,
	const struct tracer_addition **addition);
void rehearsing__free(struct rehearsing *rehearsing);

/* Once the tracer is attached: takes in open connections, and from then on counts for report who
 * is in the scope. host as in process_cache__new(). 0 or -errno. */
int rehearsing__begin(struct rehearsing *rehearsing, struct tracer *tracer,
	struct process_cache *process_cache, struct report *report, const char *host);

/* One line on stderr: what it does, and how it ends. duration: ns; 0: open end. */
void rehearsing__say(const struct rehearsing *rehearsing, int64_t duration);

/* Whether a process's calls are of the scope. */
bool rehearsing__concerns(struct rehearsing *rehearsing, struct member *member);

/* A request of the scope. 0 or -ENOMEM. */
int rehearsing__request(struct rehearsing *rehearsing, struct member *member, struct caller *caller,
	const struct request_record *record);

/* Who has ended since. */
void rehearsing__sync(struct rehearsing *rehearsing);

/* Rejects nothing any more, and gives who was rejected last a moment to go on. 0 or -errno. */
int rehearsing__end(struct rehearsing *rehearsing);

/* An enum exit_status, by the report's verdict. */
int rehearsing__status(const struct report *report);

#endif
