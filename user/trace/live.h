/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a person sees while a trace runs: a line per call on stdout, and on a terminal a status
 * line on stderr that is always the last one.
 */
#ifndef IMDSTRACE_LIVE_H
#define IMDSTRACE_LIVE_H

#include <stdbool.h>

#include "process/process.h"
#include "report/report.h"
#include "trace/tracer.h"

struct live {
	bool all;      /* every class, with a column for it */
	bool lines;    /* print calls at all */
	bool terminal; /* stdout is one */
	bool color;
	bool status; /* stderr is a terminal */
	bool status_shown;
	bool headed; /* the heading was printed */
	int64_t start;
	int64_t duration; /* ns; 0: open end */
};

/* Settles what can be shown where stdout and stderr go. */
void live__start(struct live *live, bool lines, bool all, int64_t duration);
/* One call. 0 or -errno of stdout. */
int live__request(struct live *live, const struct request *request, const struct process *process);
/* Redraws the status line. */
void live__status(struct live *live, const struct counters *counters);
/* Takes the status line away, before anything else is printed. */
void live__clear(struct live *live);

#endif
