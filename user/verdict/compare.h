/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What changed between two states of a fleet. */
#ifndef IMDSTRACE_COMPARE_H
#define IMDSTRACE_COMPARE_H

#include "verdict/host_summary.h"

/* One state: the report and its hosts, ruled; hosts may be none. */
struct state {
	const struct report *report;
	const struct host_summaries *hosts;
};

/* A caller in both states; what it blocks in one alone is 0 in the other. */
struct compared_caller {
	const struct caller *caller; /* as it is now, or was where it is gone */
	uint64_t hosts_v1_before, hosts_v1_now;
	uint64_t v1_before, v1_now;
	uint64_t hosts_not_watched;   /* of hosts_v1_before: nobody has watched them since */
	uint64_t hosts_newly_watched; /* of hosts_v1_now: nobody watched them before */
};

struct compared_callers {
	struct compared_caller *list; /* the largest change first */
	size_t count;
};

/* A host whose verdict is another one. */
struct compared_host {
	const struct host_summary *host; /* as it is now */
	enum verdict before;
};

struct comparison {
	int64_t at; /* when the state before ended, ns since 1970; 0: not known */
	size_t hosts_before, hosts_now;
	size_t verdicts_before[VERDICT_INCONCLUSIVE + 1], verdicts_now[VERDICT_INCONCLUSIVE + 1];
	uint64_t v1_before, v1_now;
	/* Callers that block: in the first state alone; likewise, but on hosts that nobody has
	 * watched since; in the second alone; likewise, but only on hosts that nobody watched
	 * before; and on fewer or more of the hosts that were watched both times. */
	struct compared_callers gone, not_watched, new, newly_watched, fewer, more;
	struct compared_host *went_back; /* ready before, and blocked now */
	size_t went_back_count;
	size_t became_ready;          /* and the other way round */
	size_t hosts_gone, hosts_new; /* in one state alone */
	bool hosts_known;             /* false: one of the states does not tell its hosts apart */
};

/* 0 or -ENOMEM; comparison__clear() in both cases. The states must outlive it. */
int comparison__make(struct comparison *comparison, const struct state *before,
	const struct state *now, bool strict);
void comparison__clear(struct comparison *comparison);

#endif
