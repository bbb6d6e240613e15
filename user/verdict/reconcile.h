/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A report's own count of tokenless calls against CloudWatch's, period by period. */
#ifndef IMDSTRACE_RECONCILE_H
#define IMDSTRACE_RECONCILE_H

#include "report/report.h"
#include "verdict/metric.h"

enum balance { BALANCE_EQUAL, BALANCE_MORE, BALANCE_FEWER, BALANCE_NOTHING };

/* What was compared at once: a period, or several where the report's timeline is coarser. */
struct step {
	int64_t start; /* ns since 1970 */
	uint64_t report, cloudwatch;
	uint64_t unknown;     /* calls of the report that could not be read */
	bool datapoint;       /* CloudWatch has one for some part of it */
	enum balance balance; /* CloudWatch's count against the report's */
};

struct reconciliation {
	enum balance balance; /* MORE where any step is, else FEWER where any is */
	int64_t period, step; /* ns */
	struct step *steps;   /* by time, of those that were compared */
	size_t count, equal, more, fewer;
	size_t partial;              /* steps of the metric's range that were watched in part */
	size_t unwatched;            /* and not at all */
	uint64_t report, cloudwatch; /* calls in all that was compared */
	uint64_t root_calls; /* of the report's: another cloud's probes of the root, which are
				answered and so counted */
	uint64_t forwarded;  /* of the report's: those of a proxy that were an application's
				first, and are left out */
	bool outside;        /* the report was watched outside the metric's range as well */
	bool misaligned;     /* no step of the timeline begins where a period does */
};

/* metric->period is not 0. 0 or -ENOMEM. */
int reconcile(
	struct reconciliation *result, const struct report *report, const struct metric *metric);
void reconcile__clear(struct reconciliation *result);
const char *balance__name(enum balance balance); /* "more" */

#endif
