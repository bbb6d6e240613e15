/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A line on stderr that says how far something is: on a terminal, once it has taken a second. */
#ifndef IMDSTRACE_PROGRESS_H
#define IMDSTRACE_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All zero is one that has not begun. */
struct progress {
	int64_t next; /* boot clock, ns: when to draw again */
	bool begun, terminal, drawn;
};

/* "1200 of 10000 reports" in place of what was said before. */
void progress__at(struct progress *progress, size_t done, size_t total, const char *what);
/* Takes the line away, also before something else is said. */
void progress__clear(struct progress *progress);

#endif
