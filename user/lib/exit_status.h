/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a command's exit status means: the contract with scripts. */
#ifndef IMDSTRACE_EXIT_STATUS_H
#define IMDSTRACE_EXIT_STATUS_H

enum exit_status {
	EXIT_DONE = 0,         /* also: ready, and after Ctrl-C */
	EXIT_BLOCKED = 1,      /* a verdict: check, reconcile */
	EXIT_USAGE = 2,        /* wrong usage, or an input file that is not a report */
	EXIT_UNTRACEABLE = 3,  /* this machine cannot be traced */
	EXIT_INCONCLUSIVE = 4, /* a verdict: check, reconcile */
};

#endif
