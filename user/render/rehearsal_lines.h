/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What came of a rehearsal, in the sentences that every format for people shows. */
#ifndef IMDSTRACE_REHEARSAL_LINES_H
#define IMDSTRACE_REHEARSAL_LINES_H

#include "report/report.h"
#include "verdict/rehearsal_verdict.h"

struct rehearsal_lines {
	char *title; /* "Rehearsal of unit etl.service: survives the switch" */
	struct rehearsal_ruling ruling;
	struct rehearsal_line {
		char *who, *what; /* "etl.service", "3 calls refused, then ..." */
		enum rehearsal_verdict verdict;
	} * list; /* of the callers that it touched, those that break first */
	size_t count;
};

/* 0, also where the report has none (title is NULL then), or -ENOMEM. */
int rehearsal_lines__of(struct rehearsal_lines *lines, const struct report *report);
void rehearsal_lines__clear(struct rehearsal_lines *lines);

#endif
