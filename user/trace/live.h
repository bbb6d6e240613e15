/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a person sees while a trace runs: a line per call on stdout, and on a terminal a status
 * line on stderr that is always the last one.
 */
#ifndef IMDSTRACE_LIVE_H
#define IMDSTRACE_LIVE_H

#include <stdbool.h>
#include <stdio.h>

#include "process/process.h"
#include "report/report.h"
#include "trace/tracer.h"

#define STATUS_SIZE 256

struct live {
	bool all;      /* every class, with a column for it */
	bool lines;    /* print calls at all */
	int out;       /* where the lines go */
	bool terminal; /* out is one */
	bool color;
	bool status; /* stderr is a terminal */
	bool status_shown;
	bool headed; /* the heading was printed */
	int64_t start;
	int64_t duration;        /* ns; 0: open end */
	struct counters counted; /* of the last status */
};

struct live_options {
	bool all, lines, status;
	int64_t duration; /* ns; 0: open end */
	int out;          /* STDOUT_FILENO or STDERR_FILENO */
};

/* Settles what can be shown where the lines and stderr go. */
void live__start(struct live *live, const struct live_options *options);
/* Writes the line of a call, and a heading before the first. 0 or -ENOMEM. */
int live__request(
	struct live *live, FILE *out, const struct request *request, const struct process *process);
/* Redraws the status line. */
void live__status(struct live *live, const struct counters *counters);
/* Takes the status line away, before anything else is printed. */
void live__clear(struct live *live);

/* "2m 10s, 50s left" */
void status__format_span(char out[STATUS_SIZE], int64_t elapsed, int64_t duration);
/* "v1 3  v2 1  token 1  foreign 0  unknown 0  lost 0" */
void status__format_counts(char out[STATUS_SIZE], const struct counters *counters);

/* What a person calls a workload: its pod's or container's name, the container's id where it has
 * none, or its unit. NULL: none. */
const char *workload__shown_name(const struct workload *workload);
/* The same for a column: an image's last part where nobody chose a name, an id as short as docker
 * ps shows it, "-" for none. The caller frees. NULL: no memory. */
char *workload__label(const struct workload *workload);

#endif
