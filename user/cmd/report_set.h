/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Adds up many report files, each call once: among them may be the same report twice, older states
 * of one, and merged reports beside their parts.
 */
#ifndef IMDSTRACE_REPORT_SET_H
#define IMDSTRACE_REPORT_SET_H

#include "report/report.h"
#include "verdict/host_summary.h"

struct report_set {
	struct host_summaries hosts;
	struct report *report; /* sorted; NULL: no file could be used */
	size_t failed;         /* files that were left out, each named on stderr */
};

/* What is asked of the reports. */
struct report_set_options {
	const struct verdict_options *verdict; /* of each of the hosts; NULL: nobody asks */
	int64_t since;                         /* nothing before counts, ns since 1970; 0: all */
};

/*
 * Reads paths ("-" is standard input) and adds up what they hold, one file in memory at a time. Of
 * files that hold the same windows, those are left out whose windows the others hold as late or
 * later, the largest file first; of two that overlap without one holding the other, the one with
 * fewer windows is left out and counts as failed. Only then is a file read twice. On a terminal a
 * line on stderr says how far it is, where it takes longer than a second. 0, -ENOMEM, or -ENOSPC
 * where all together are past REPORT_WEIGHT_MAX.
 */
int report_set__read(struct report_set *set, char *const *paths, size_t count,
	const struct report_set_options *options);
/*
 * The same choice, but no sum: visit gets each report that would be added up. set->report stays
 * NULL. What visit returns, if it is not 0, ends it.
 */
int report_set__visit(struct report_set *set, char *const *paths, size_t count,
	const struct report_set_options *options,
	int (*visit)(void *context, struct report *report), void *context);
void report_set__clear(struct report_set *set);

#endif
