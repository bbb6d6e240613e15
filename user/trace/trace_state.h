/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the parts of a trace share; for trace.c and trace_*.c alone. */
#ifndef IMDSTRACE_TRACE_STATE_H
#define IMDSTRACE_TRACE_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "abi.h"
#include "lib/clock.h"
#include "process/host.h"
#include "render/render.h"
#include "trace/confinement.h"
#include "trace/live.h"
#include "trace/trace.h"

#define SYNC_INTERVAL NSEC_PER_SEC
#define HOST_INTERVAL (60 * NSEC_PER_SEC) /* between two looks at which instance this is */
#define CLOCK_STEP    (2 * NSEC_PER_SEC)  /* what no clock is off by that is merely slewed */

struct trace {
	const struct trace_options *options;
	struct tracer *tracer;
	struct report *report;
	struct process_cache *process_cache;
	struct lookup *lookup; /* NULL: this process looks itself */
	struct privileges_user user;
	struct rehearsing *rehearsing; /* NULL: a trace alone */
	struct host host;
	struct window window;
	char window_id[2 * 16 + 1];
	int64_t host_read;               /* when host was looked at, on the steady clock */
	int64_t started, window_started; /* on the steady clock, as all that is planned is */
	int64_t began; /* when SIGUSR1 began this report, ns since 1970; 0: none did */
	unsigned int clock_steps;
	struct live live;
	struct top *top;             /* NULL: no table */
	struct counters counted;     /* what of the kernel's counters is in the report */
	uint64_t timed[CLASS_COUNT]; /* of the calls counted: those in the timeline */
	uint64_t lost_timed;         /* of these: those whose records were lost */
	struct printer *printer;
	struct kept_file *output;    /* NULL: none */
	uint64_t saved[CLASS_COUNT]; /* totals of the last state of output */
	uint64_t lost_told;          /* in NDJSON */
	int64_t next_sync, last_save;
	int64_t next_early_save;
	bool new_blocker; /* somebody called v1 for the first time, and output does not say so yet
			   */
	int error;        /* what a record's handling failed with: ends the trace */
	bool save_failed; /* the last state of output could not be written */
	bool textfile_save_failed;
};

/* trace_window.c */

/* The window's names are those of host, and so is a host of the report. 0, -ENOMEM or -ENOSPC. */
int trace__take_host(struct trace *trace);
void trace__begin_window(struct trace *trace);
/* To now; a step of the wall clock or another instance begins a new one. 0, -ENOMEM or -ENOSPC. */
int trace__extend_window(struct trace *trace);

/* trace_count.c */

void trace__count(struct trace *trace);
void trace__count_missed(struct report *report, enum missed_kind kind, uint64_t more);
/* Calls that are counted and not in the timeline: their records are lost, or still on their way.
 * How many. */
uint64_t trace__untimed(const struct trace *trace, uint64_t calls[CLASS_COUNT]);
/* stopped: the hooks are gone. 0 or -ENOMEM. */
int trace__time_lost(struct trace *trace, bool stopped);
void trace__explain_unseen(const struct trace *trace);

/* trace_request.c: a tracer's sink, whose context is a struct trace. */

void trace__on_request(void *context, const struct request_record *record);

/* trace_output.c */

/* The file, and the report in it or an empty one. 0, or -errno after a complaint. */
int trace__prepare_output(struct trace *trace);
/* Sets another host's report, or one that is full, aside and begins another. 0 or -errno. */
int trace__leave_unfit(struct trace *trace);
bool trace__should_save(const struct trace *trace);
void trace__save(struct trace *trace);
/* Sets the file aside and begins another. 0 or -errno, which ends the trace. */
int trace__begin_anew(struct trace *trace);
void trace__name_save_failed(const struct trace *trace);

/* trace.c */

/* All that the kernel counted is in the report, and the window ends now. 0 or -errno. */
int trace__sync(struct trace *trace);

#endif
