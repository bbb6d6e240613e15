/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Whether the switch to IMDSv2 only is safe, why, and what to do next. */
#ifndef IMDSTRACE_VERDICT_H
#define IMDSTRACE_VERDICT_H

#include "report.h"

#define DEFAULT_MIN_WINDOW (24LL * 3600 * 1000000000)

struct verdict_options {
	int64_t min_window; /* ns; 0: off */
	bool strict;	    /* foreign calls block too */
};

/* NULL-terminated lists of sentences; free with sentences__free(). */
struct ruling {
	enum verdict verdict;
	char **reasons; /* at least one */
	char **next_steps;
};

/* 0 or -ENOMEM. */
int verdict__rule(struct ruling *ruling, const struct report *report, const struct verdict_options *options);
void verdict__clear(struct ruling *ruling);
const char *verdict__name(enum verdict verdict);

/* How long the host was watched: its windows' union, in ns. */
int64_t verdict__watched(const struct report *report, const char *machine_id);

#endif
