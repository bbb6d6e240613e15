/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The report: what was seen, folded into callers. Comes in: requests and per-process counts from
 * the tracer, or reports from files. Goes out: one struct report, which renderers read.
 * Everything in it is bounded; what falls past a bound is added to an entry that says so.
 */
#ifndef IMDSTRACE_REPORT_H
#define IMDSTRACE_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi.h"
#include "client.h"
#include "process.h"

#define REPORT_CALLERS_MAX    4096
#define REPORT_PATHS_MAX      256 /* per caller */
#define REPORT_AGENTS_MAX     16 /* per caller */
#define REPORT_PIDS_MAX	      16 /* samples per caller */
#define REPORT_HOSTS_PER_CALLER_MAX 8 /* samples of machine ids per caller */
#define REPORT_TIMELINE_MAX   1440 /* buckets; when more are needed, the bucket's length grows */

/* The name of what falls past a bound. */
#define REPORT_REST "(others)"

struct report_host {
	char *hostname, *machine_id, *kernel, *instance_id /* NULL */, *region /* NULL */;
};

/* A span of time in which a tracer was attached. (host, boot_id, start) identifies it for good:
 * the same with a later end is a later state of the same window. */
struct window {
	char *host; /* machine_id */
	char *boot_id;
	int64_t start, end; /* ns since 1970 */
	char *hooks;
};

struct report_path {
	char *method, *path; /* NULL for CLASS_UNKNOWN */
	bool path_cut;
	enum request_class class;
	uint64_t count;
	int64_t first, last;
};

enum pattern {
	PATTERN_FALLBACK, PATTERN_MIXED, PATTERN_V1_ONLY, PATTERN_V2_ONLY, PATTERN_FOREIGN_ONLY,
	PATTERN_UNKNOWN, PATTERN_COUNT,
};

enum advice {
	ADVICE_UPGRADE_CLIENT, ADVICE_SEND_TOKEN, ADVICE_RAISE_HOP_LIMIT, ADVICE_DISABLE_FALLBACK,
	ADVICE_INVESTIGATE, ADVICE_NONE, ADVICE_COUNT,
};

struct caller {
	/* the identity: callers with the same exe, script, workload, uid and parent are one */
	char *name, *comm, *exe, *script, *parent; /* all but name and comm may be NULL */
	uint32_t uid;
	struct workload workload;

	char **args; /* a sample, NULL-terminated */
	bool args_cut;
	uint32_t pids[REPORT_PIDS_MAX];
	unsigned int pid_count;
	uint64_t processes;
	char *agents[REPORT_AGENTS_MAX];
	unsigned int agent_count;
	char *hosts[REPORT_HOSTS_PER_CALLER_MAX];
	unsigned int host_count;
	uint64_t hosts_total;

	uint64_t calls[CLASS_COUNT];
	uint64_t answers[CLASS_COUNT][OUTCOME_COUNT]; /* OUTCOME_NONE is derived: calls less the answered */
	struct report_path *paths;
	size_t path_count;
	int64_t first, last;
};

struct timeline_bucket {
	int64_t start; /* a multiple of the report's timeline_seconds */
	uint64_t calls[CLASS_COUNT];
};

enum verdict { VERDICT_READY, VERDICT_BLOCKED, VERDICT_INCONCLUSIVE };

struct report {
	char *version;
	struct report_host *hosts;
	size_t host_count;
	struct window *windows;
	size_t window_count;
	uint64_t totals[CLASS_COUNT];
	uint64_t unknown[UNKNOWN_REASONS];
	uint64_t lost; /* events that never reached user space; the counts hold them all the same */
	uint64_t missed; /* connections and processes past a bound of the kernel side, still in the totals */
	struct caller **callers; /* in no order; report__sort() */
	size_t caller_count;
	struct timeline_bucket *timeline; /* by time */
	size_t timeline_count;
	unsigned int timeline_seconds;
	struct caller_index *index; /* opaque: finds a caller by its identity */
};

/* One request as the report needs it. method and path are NULL for CLASS_UNKNOWN. */
struct request {
	enum request_class class;
	enum endpoint_family family;
	enum unknown_reason reason;
	int64_t time;
	uint32_t tid;
	const char *method, *path, *agent; /* agent NULL: none. All valid UTF-8 */
	bool path_cut;
};

struct report *report__new(void);
void report__free(struct report *report);

/* The entry of the host of that machine_id, made from host if it is new. 0 or -ENOMEM. */
int report__add_host(struct report *report, const struct report_host *host);

/* Opens a window or moves the end of one that it holds. 0 or -ENOMEM. */
int report__add_window(struct report *report, const struct window *window);

/* The caller that process belongs to, made if it is new (or REPORT_REST past the bound). Counts
 * process as one of its processes when new_process. NULL: no memory. The report owns it. */
struct caller *report__caller(struct report *report, const struct process *process, bool new_process, const char *machine_id);

/* A request's detail: path, User-Agent, first and last, timeline. Not its counts: those come from the
 * kernel's own counters through report__add_calls(). 0 or -ENOMEM. */
int report__add_request(struct report *report, struct caller *caller, const struct request *request);

/* Adds to a caller's exact counts. */
void report__add_calls(struct caller *caller, const uint64_t calls[CLASS_COUNT], const uint64_t answers[CLASS_COUNT][OUTCOME_COUNT]);

/*
 * Adds other to report: callers fold, windows join, counts add up. A report of which every window
 * is held already, with the same or a later end, is an older state of what is there and adds
 * nothing; one that holds all of report's windows with the same or later ends replaces it.
 * 0; -EEXIST when they share only some windows, so that adding would count twice; -ENOMEM.
 */
int report__merge(struct report *report, const struct report *other);

/* Callers worst first: v1 calls, then unknown, then foreign, then all calls, then name. */
void report__sort(struct report *report);

enum pattern caller__pattern(const struct caller *caller);
/* The client that its User-Agents name; the one that matters most (too old, then any SDK) of several. */
void caller__client(const struct caller *caller, struct client *client);
uint64_t caller__total(const struct caller *caller);
const char *pattern__name(enum pattern pattern);
const char *class__name(enum request_class class); /* "v1" */
const char *outcome__name(enum outcome outcome);
const char *unknown_reason__sentence(enum unknown_reason reason); /* "the bytes were no HTTP request" */

/* JSON: the contract. *report is the caller's to free and untouched on failure. */

/* 0, or -EINVAL with one sentence in why: not JSON, truncated, another schema, a field of the wrong
 * type, a count that is negative or does not fit. Unknown fields are ignored. */
int report__from_json(struct report **report, const char *text, size_t size, char *why, size_t why_size);
/* As one JSON text with a final newline; min_window as in verdict.h. NULL: no memory. The caller frees. */
char *report__to_json(const struct report *report, int64_t min_window);

#endif
