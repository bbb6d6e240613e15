/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* `trace --top`: a table of the callers on the whole terminal, redrawn in place while a trace runs.
 */
#ifndef IMDSTRACE_TOP_H
#define IMDSTRACE_TOP_H

#include <stdbool.h>
#include <stdint.h>

#include "report/report.h"
#include "trace/tracer.h"

struct top;

struct top_options {
	bool all;          /* callers that called in any class, not v1 alone */
	int64_t duration;  /* ns; 0: open end */
	const char *hooks; /* how the tracer is attached */
};

/* NULL where standard input and output are terminals that can be redrawn, else the one sentence
 * that says what is missing. */
const char *top__refusal(void);

/* Takes over the terminal. What report holds already is not counted: the table begins with this
 * trace. NULL: no memory, or no terminal. */
struct top *top__start(const struct report *report, const struct top_options *options);
/* The table begins anew with another report. 0 or -ENOMEM. */
int top__begin_report(struct top *top, const struct report *report);
/* Gives the terminal back as it was. NULL is allowed. */
void top__stop(struct top *top);

/* Takes in what the report and the kernel's counters say now, and redraws; to be called once a
 * second. unsaved: the report file could not be written. 0 or -ENOMEM. */
int top__update(struct top *top, const struct report *report, const struct counters *counters,
	bool save_failed);

/* Obeys the keys that were pressed, without waiting for any, and a new size of the terminal.
 * Whether it was asked to end. */
bool top__obey(struct top *top);

#endif
