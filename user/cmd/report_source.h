/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A file of a report that is given to a command, and which windows it holds. */
#ifndef IMDSTRACE_REPORT_SOURCE_H
#define IMDSTRACE_REPORT_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "report/report.h"

/* Which window, in place of its texts: two different ones would have to agree in 128 keyed bits. */
struct window_id {
	uint64_t hash[2];
};

struct file_window {
	struct window_id id;
	int64_t end;
	size_t file;
};

/* Open: not decided. */
enum fate { FATE_OPEN, FATE_ADD, FATE_COVERED, FATE_FAILED };

struct source {
	const char *path;
	char *text; /* of what can be read only once (a pipe); else NULL */
	size_t size;
	struct file_window *windows;
	size_t window_count;
	bool surveyed; /* its windows are known */
	bool of_one;   /* as report__is_of_one() */
	bool differs;  /* others hold all its windows as late, but not all that it says */
	bool twin;     /* added beside another with some of its windows */
	enum fate fate;
};

/* Says why on stderr, and sets the fate. -EINVAL. */
int source__fail(struct source *source, const char *why);
/* The report in a source, which is read from its file or, again, from what was kept of a pipe.
 * NULL: the source has failed, and stderr says why. */
struct report *source__load(struct source *source, bool again);
/* Notes which windows its report has; file is its position. 0 or -ENOMEM. */
int source__note_windows(struct source *source, const struct report *report, size_t file);

static inline int window_id__compare(const struct window_id *a, const struct window_id *b)
{
	return memcmp(a, b, sizeof(*a));
}

static inline bool source__is_in(const struct source *source)
{
	return source->fate == FATE_OPEN || source->fate == FATE_ADD;
}

#endif
