/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A whole trace, from attaching to the last report: what `trace` and `demo` have in common. */
#ifndef IMDSTRACE_TRACE_H
#define IMDSTRACE_TRACE_H

#include <stdbool.h>
#include <stdint.h>

struct command;
struct report;
struct process_scope;

struct trace_options {
	bool all;           /* every class is shown while it runs, not v1 alone */
	bool json;          /* NDJSON on stdout in place of live lines and summary */
	bool top;           /* a table on the whole terminal in place of live lines */
	bool quiet;         /* nothing on stdout */
	bool no_responses;  /* leave the outcomes alone */
	const char *output; /* NULL: keep no report */
	bool confined;      /* once attached, give up what watching does without */
	const char *user;   /* to become then; NULL: nobody else */
	bool prometheus;    /* and the same as node_exporter's text file beside output */
	const char *hooks;  /* NULL: the first way that attaches */
	int64_t interval;   /* ns between two states of output */
	int64_t duration;   /* ns; 0: until SIGINT or SIGTERM */
	int64_t min_window; /* ns, for the verdict of the summary and of output */
	bool strict;        /* of the summary's, as in verdict.h */
	uint64_t require_calls;

	/* Runs as soon as the hooks are attached, and the trace ends with it. What is printed goes
	 * to stderr then, and signals go to the command. NULL: none. */
	struct command *command;

	/* Called with the report when all is printed; its status is the trace's. NULL: none. */
	int (*judge)(void *context, const struct report *report);

	const struct process_scope *rehearse; /* whose calls are rejected; NULL: a trace */

	/* Called once the hooks are attached; returning non-zero ends the trace with that status.
	 */
	int (*attached)(void *context);
	/* Asked several times a second where there is one; true ends the trace. NULL: never. */
	bool (*finished)(void *context);
	void *context;
};

/* Runs until it is told to stop. An enum exit_status; what failed has been said on stderr. */
int trace__run(const struct trace_options *options);

#endif
