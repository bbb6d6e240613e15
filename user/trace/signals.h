/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The signals that end a trace, save its report or begin a new one. */
#ifndef IMDSTRACE_SIGNALS_H
#define IMDSTRACE_SIGNALS_H

#include <signal.h>

struct command;

/* What came since signals__catch(); who has obeyed sets it to 0. */
struct signalled {
	volatile sig_atomic_t stop;   /* number of the signal that ends the trace */
	volatile sig_atomic_t hangup; /* SIGHUP: save the report */
	volatile sig_atomic_t anew;   /* SIGUSR1: begin a new report file */
};

extern struct signalled signalled;

/* The first that ends is remembered, and a second ends at once. command: who is told first, and the
 * trace ends with it; NULL: none. */
void signals__catch(const struct command *command);

#endif
