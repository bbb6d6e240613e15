/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Whether the switch to IMDSv2 only is safe, why, and what to do next. */
#ifndef IMDSTRACE_VERDICT_H
#define IMDSTRACE_VERDICT_H

#include "report/report.h"

#define DEFAULT_MIN_WINDOW (24LL * 3600 * 1000000000)

struct host_summaries;

struct verdict_options {
	int64_t min_window;                 /* ns; 0: off */
	bool strict;                        /* foreign calls block too */
	uint64_t require_calls;             /* fewer, of all classes together, are inconclusive */
	const struct host_summaries *hosts; /* for the steps: the hosts, ruled; NULL: not known */
	size_t left_out; /* reports that could not be counted: if any, it is not ready */
};

/* NULL-terminated lists of sentences; free with verdict__clear(). */
struct ruling {
	enum verdict verdict;
	char **reasons; /* at least one: what decided, then what else to know (gaps, no boot seen)
			 */
	char **next_steps;  /* a command to run stands at the end of its sentence, behind ": " */
	size_t *command_at; /* where it begins in each step; 0: the step has none */
};

/* 0 or -ENOMEM. */
int verdict__rule(
	struct ruling *ruling, const struct report *report, const struct verdict_options *options);
/* The verdict and its reasons alone; sentences__free() for them. 0 or -ENOMEM. */
int verdict__explain(enum verdict *verdict, char ***reasons, const struct report *report,
	const struct verdict_options *options);
void verdict__clear(struct ruling *ruling);
const char *verdict__name(enum verdict verdict);

/* Whether the switch would break it: it called v1, or strict, another cloud. */
bool caller__blocks(const struct caller *caller, bool strict);
/* So many of them. */
size_t report__count_blockers(const struct report *report, bool strict);
/* Whether it is one of them and not fixed by now. */
bool caller__is_to_change(const struct caller *caller, bool strict);
size_t report__count_to_change(const struct report *report, bool strict);

/* How a host was watched. Windows that overlap count once, and those of rehearsals not at all. */
struct watch {
	const char *machine_id; /* the report's, or the instance id where that is known */
	const char *boot_id;    /* NULL: of all its boots */
	unsigned int copy;      /* as the windows' */
	int64_t watched;        /* ns */
	int64_t start, end;     /* of the first and the last window; 0: none */
	size_t windows, gaps;
	size_t rehearsals;   /* windows beside those */
	int64_t longest_gap; /* ns */
	bool boot_known;     /* some window says when its boot began */
	bool boot_watched;   /* one of them began right then */
	bool opened_known;   /* it says what was opened before it began */
	uint64_t opened;     /* so many connections; of several, that with the fewest */
	int64_t boot_delay;  /* ns from boot to its start */
};

/* One for each host of the report or its windows, by its id. Boots of one id that ran at the same
 * time are of clones, of which nobody knows who is who: each is a host of its own. *watches is the
 * caller's to free. 0 or -ENOMEM. */
int verdict__watches(const struct report *report, struct watch **watches, size_t *count);

/* "24h" where it is hours, as it was asked for; else as duration__format(). */
void min_window__format(char *out, size_t size, int64_t min_window);

/* How long the host was watched: its windows' union, in ns; of clones
 * the shortest. 0 also when memory is short. */
int64_t verdict__watched(const struct report *report, const char *id);

#endif
