/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Texts of a caller that stand in each of its rows (CSV, NDJSON). A report of 64 MiB could ask for
 * gigabytes of them, so they are cut where there are many rows and long texts, alike in all rows of
 * a caller.
 */
#ifndef IMDSTRACE_REPEATED_H
#define IMDSTRACE_REPEATED_H

#include "report/report.h"

#define REPEATED_MOST  4096 /* bytes of a text, to begin with */
#define REPEATED_LEAST 4    /* which are left of each, however many rows there are */

/* Bytes that one row may take for all of its repeated texts. */
size_t report__repeated_room(const struct report *report);

/* text, or its begin in at most `most` bytes with an ellipsis behind it; NULL stays NULL, and *cut
 * is the caller's to free. 0 or -ENOMEM. */
int text__cut(char **cut, const char *text, size_t most);

#endif
