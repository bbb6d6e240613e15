/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What commands that read reports say about wrong usage, and how they write. */
#ifndef IMDSTRACE_USAGE_H
#define IMDSTRACE_USAGE_H

#include <stddef.h>

#include "verdict/verdict.h"

/* Says sentence. Returns EXIT_USAGE. */
int usage__refuse(const char *sentence);

/* Says what is wrong with the option that getopt_long (opterr 0, optstring with ":" in front)
 * refused with '?' or ':'. Returns EXIT_USAGE. */
int usage__refuse_option(int refusal, char *const *argv);

/* Checks the argument of --hooks. 0, or -EINVAL after saying what is wrong. */
int usage__check_hooks(const char *name);

/* Reads the argument of --min-window. 0, or -EINVAL after saying what is wrong. */
int usage__read_min_window(struct verdict_options *options, const char *text);

/* Reads the argument of --since, ns since 1970. 0, or -EINVAL after saying what is wrong. */
int usage__read_since(int64_t *since, const char *text);

/* Reads the argument of --require-calls. 0, or -EINVAL after saying what is wrong. */
int usage__read_require_calls(struct verdict_options *options, const char *text);

/* The exit status that a verdict is. */
int usage__status_of(enum verdict verdict);

/* Says why report_set__read() failed with error. Returns EXIT_USAGE. */
int usage__refuse_set(int error);

/* That standard output was closed when the program began: a trace can do without, but what is
 * written below would be lost. */
void usage__note_closed_stdout(void);
/* A reader that has gone, or a file past its limit, is noticed by the write from now on, instead of
 * that a signal kills. */
void usage__survive_writes(void);
/* Writes size bytes to standard output. An enum exit_status; what failed has been said on stderr.
 */
int usage__write_stdout(const char *text, size_t size);
/* The same of what was printed there. */
int usage__finish_stdout(void);

#endif
