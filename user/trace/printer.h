/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a trace prints, whose reader may be slow, stuck or gone: it never waits
 * for it while the trace runs, and calls that could not be printed are counted and told.
 */
#ifndef IMDSTRACE_PRINTER_H
#define IMDSTRACE_PRINTER_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct printer;

/* On fd. json: what is missing is told as NDJSON. NULL: no memory. */
struct printer *printer__new(int fd, bool json);
/* NULL is allowed. */
void printer__free(struct printer *printer);

/* A line about a call. */
void printer__line(struct printer *printer, const char *text, size_t size);
/* So many calls have no line, because their events were lost. */
void printer__lost(struct printer *printer, uint64_t count);
/* What comes last, however long it is. */
void printer__page(struct printer *printer, const char *text, size_t size);

/* Prints what there is room for by now. */
void printer__turn(struct printer *printer);
/* Whether something waits for the reader. */
bool printer__waits(const struct printer *printer);
/* 0, or -errno of a write: nothing is printed any more. */
int printer__error(const struct printer *printer);

/* Waits for the reader: a quarter of a second from when *signalled is set, else as long as it reads
 * on. What it does not take is told on stderr. 0, or -errno of a write. */
int printer__finish(struct printer *printer, const volatile sig_atomic_t *signalled);

#endif
