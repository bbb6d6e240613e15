/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The verdict in one line, with whom it is about. */
#ifndef IMDSTRACE_VERDICT_LINE_H
#define IMDSTRACE_VERDICT_LINE_H

#include "verdict/verdict.h"

/* "blocked: 2 callers called IMDSv1 (120 calls); 5 events were lost; callers: curl (etl.service),
 * wget\n". Of many callers the worst are named: report is sorted by report__sort(). The caller
 * frees. NULL: no memory. */
char *verdict_line__of(const struct ruling *ruling, const struct report *report,
	const struct verdict_options *options, size_t *size);

#endif
