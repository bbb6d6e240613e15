/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The process cache of a trace: from a process's key to its identity and to the caller of the
 * report that its calls are counted for. A process that is gone is kept for a while, because its
 * records may come late.
 */
#ifndef IMDSTRACE_PROCESS_CACHE_H
#define IMDSTRACE_PROCESS_CACHE_H

#include <stdbool.h>

#include "process/lookup.h"
#include "process/process.h"
#include "report/report.h"
#include "trace/tracer.h"

struct process_cache;

struct member {
	struct process_key key;
	struct process *process;
	struct caller *caller;        /* NULL: has not called yet */
	bool moved;                   /* its caller does not know the host that it is on now */
	struct process_stats counted; /* those of the kernel's counts that are in the caller's */
	bool has_stats;               /* the kernel has counts of it */
	bool in_scope;                /* of the rehearsal */
	bool asked_scope;             /* it was looked up whether it is */
	bool uncovered;               /* called v1 there, and was not rejected */
	uint64_t v2_calls;            /* there, as far as they were recorded */
	uint64_t v2_first_ns;         /* boot clock: when the first of them was sent */
	bool gone;                    /* has ended, or is another program by an exec */
	int64_t seen;                 /* on the steady clock, of the last look-up */
	int64_t called;               /* when it was added, or its counts last grew */
	int64_t checked;              /* and when it was last checked for being gone */
	int64_t recheck_after;        /* ns until the next check, which doubles */
	struct member *next;
};

/* Neither tracer, lookup (NULL: who is who is looked up here) nor report is taken over; host is
 * that of its callers, as report_host__id(). NULL: no memory.
 */
struct process_cache *process_cache__new(
	struct tracer *tracer, struct lookup *lookup, struct report *report, const char *host);
/* From now on its callers are on another host. 0 or -ENOMEM. */
int process_cache__move(struct process_cache *cache, const char *host);
/* From now on its callers are those of report. */
void process_cache__begin_report(struct process_cache *cache, struct report *report);
void process_cache__free(struct process_cache *cache);

/* At each sync, counts says of each process's counts whether they are the caller's. */
void process_cache__set_filter(struct process_cache *cache,
	bool (*counts)(void *context, struct member *member, const struct process_stats *stats),
	void *context);

/* Whether both are the same process, between the same two execs. */
bool process_key__equal(const struct process_key *a, const struct process_key *b);

/* Who key is, looked up where it must be and known from then on. NULL: no memory. */
struct member *process_cache__find(struct process_cache *cache, const struct process_key *key);

/* The member that stands for the source of a packet that this machine passed on, which has no
 * process here: named by its address and the device where it came in. NULL: no memory. */
struct member *process_cache__forwarded(
	struct process_cache *cache, const struct request_record *record);

/* The caller that a member's calls go to; its first call makes it one of the caller's processes.
 * NULL: no memory. */
struct caller *process_cache__caller(struct process_cache *cache, struct member *member);

/* Whether the kernel keeps counts of the member. Else its calls are counted by their records. */
bool process_cache__has_stats(struct process_cache *cache, struct member *member);

/* Whether so many processes were added since the last sync that the next one should not wait: the
 * kernel's map of counts is filling up until those that are gone are evicted. */
bool process_cache__is_under_pressure(const struct process_cache *cache);

/* Brings the callers' counts up to the kernel's, and evicts processes that are gone: those that
 * were gone at the last call already, so that the ring buffer can be drained between. 0 or -ENOMEM.
 */
int process_cache__sync(struct process_cache *cache);

#endif
