/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The processes of a trace: from the kernel's key to who it is and to whose account its calls go.
 * Comes in: keys, and the kernel's table of accounts. Goes out: callers of the report, with exact
 * counts. A process that is gone stays known for a while, because its records may come late.
 */
#ifndef IMDSTRACE_ROSTER_H
#define IMDSTRACE_ROSTER_H

#include <stdbool.h>

#include "process/lookup.h"
#include "process/process.h"
#include "report/report.h"
#include "trace/tracer.h"

struct roster;

struct member {
	struct process_key key;
	struct process *process;
	struct caller *caller;        /* NULL: has not called yet */
	bool moved;                   /* its caller does not know the host that it is on now */
	struct process_stats counted; /* what of the kernel's account is in the caller's counts */
	bool accounted;               /* the kernel has an account of it */
	bool in_scope;                /* of the rehearsal */
	bool uncovered;               /* called v1 there, and was not rejected */
	uint64_t v2_calls;            /* there, as far as they were recorded */
	bool gone;                    /* has ended, or is another program by an exec */
	int64_t seen;                 /* on the steady clock, of the last look-up */
	int64_t called;               /* when it came, or its account last grew */
	int64_t asked;                /* and of the last look whether it is gone */
	int64_t spared; /* ns until the next look: who has lived for long is likely to go on */
	struct member *next;
};

/* Neither tracer, lookup (NULL: who is who is looked up here) nor report is taken over; host is
 * that of its callers, as report_host__id(). NULL: no memory.
 */
struct roster *roster__new(
	struct tracer *tracer, struct lookup *lookup, struct report *report, const char *host);
/* From now on its callers are on another host. 0 or -ENOMEM. */
int roster__move(struct roster *roster, const char *host);
/* From now on its callers are those of report. */
void roster__begin_report(struct roster *roster, struct report *report);
void roster__free(struct roster *roster);

/* Asks counts, at each sync, of each account that it finds whether its calls are to be counted. */
void roster__ask(struct roster *roster,
	bool (*counts)(void *context, struct member *member, const struct process_stats *stats),
	void *context);

/* Who key is, looked up where it must be and known from then on. NULL: no memory. */
struct member *roster__find(struct roster *roster, const struct process_key *key);

/* The member that stands for the source of a packet that this machine passed on, which has no
 * process here: named by its address and the device where it came in. NULL: no memory. */
struct member *roster__forwarded(struct roster *roster, const struct request_record *record);

/* The caller that a member's calls go to; its first call makes it one of the caller's processes.
 * NULL: no memory. */
struct caller *roster__caller(struct roster *roster, struct member *member);

/* Whether the kernel keeps an account of the member. Else nobody but the record of a call counts
 * it. */
bool roster__accounts(struct roster *roster, struct member *member);

/* Whether so many processes came since the last sync that the next one should not wait: the kernel
 * has no account for the next process before those that are gone are let go of. */
bool roster__is_crowded(const struct roster *roster);

/* Brings the callers' counts up to the kernel's accounts, and lets go of processes that are gone:
 * those that were already gone at the last call, so that the ring buffer can be drained between.
 * 0 or -ENOMEM. */
int roster__sync(struct roster *roster);

#endif
