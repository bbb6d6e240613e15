/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Printing that never waits for its reader: what a descriptor does not take at once is kept in a
 * bounded queue, and what does not fit there is refused. The descriptor's own flags stay as they
 * are, because whoever else has it open shares them.
 */
#ifndef IMDSTRACE_OUTLET_H
#define IMDSTRACE_OUTLET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct outlet;

/* Opens fd once more, so that a write to it does not wait: its descriptor, or -errno where that
 * cannot be done (a file or a socket). */
int fd__reopen_nonblocking(int fd);

/* NULL: no memory. */
struct outlet *outlet__new(int fd);
/* Drops what is still queued. NULL is allowed. */
void outlet__free(struct outlet *outlet);

/* Queues all of text or nothing of it, then writes what can be written. 0; -EAGAIN: no room; or
 * -errno of a write, now and from then on. */
int outlet__put(struct outlet *outlet, const char *text, size_t size);
/* The same where the queue may grow as far as memory goes. 0 or -errno. */
int outlet__put_all(struct outlet *outlet, const char *text, size_t size);

/* Writes what can be written. 0 or -errno. */
int outlet__flush(struct outlet *outlet);
/* Whether something waits for the reader. */
bool outlet__waits(const struct outlet *outlet);
/* Writes until the queue is empty, and waits for the reader as long as keep_on(context, bytes
 * that are left) says. 0, -ETIME where that was not long enough, or -errno. */
int outlet__drain(
	struct outlet *outlet, bool (*keep_on)(void *context, size_t left), void *context);

#endif
