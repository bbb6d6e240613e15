/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What comes of the calls that a rehearsal rejects: which callers go on with a token, and which
 * end.
 */
#ifndef IMDSTRACE_RECOVERY_H
#define IMDSTRACE_RECOVERY_H

#include "report/report.h"
#include "trace/rehearsal_hooks.h"
#include "trace/process_cache.h"

struct recovery;

/* hooks and scope are not taken over. NULL: no memory. */
struct recovery *recovery__new(
	const struct rehearsal_hooks *hooks, const struct process_scope *scope);
void recovery__free(struct recovery *recovery);

/* A request of the scope, in the order in which they were sent. 0 or -ENOMEM. */
int recovery__request(struct recovery *recovery, struct member *member, struct caller *caller,
	const struct request_record *record);

/* What the kernel counted of a process of the scope; member->counted is what was counted before.
 * last: it will not be asked for again. */
void recovery__count(struct recovery *recovery, const struct member *member, struct caller *caller,
	const struct process_stats *stats, bool last);

/* Looks who has ended since. */
void recovery__sync(struct recovery *recovery);

/* Whether an answer is missing, or a rejected process has not gone on and may do so. */
bool recovery__awaits(const struct recovery *recovery);

#endif
