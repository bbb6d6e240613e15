/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a process that has attached its programs gives up for the time that it watches. */
#ifndef IMDSTRACE_CONFINEMENT_H
#define IMDSTRACE_CONFINEMENT_H

#include <stdbool.h>
#include <sys/types.h>

#include "lib/privileges.h"
#include "trace/tracer.h"

struct confinement {
	const struct tracer *tracer;
	const struct privileges_user *user; /* to become; NULL: nobody else */
	int directory;                      /* of the report; -1: none is kept there */
	bool in_place;                      /* the report's file is written to as it is */
	bool cgroups;                       /* what lives in them may be read */
	pid_t command;                      /* that may be signalled; 0: none */
};

/*
 * Gives up, for good: all capabilities (but CAP_BPF where the kernel's maps ask for it), others'
 * identities, files but the report's directory, the terminal and /proc (where the kernel has
 * Landlock), and the system calls that the loop of a trace and its end do without. 0; or -errno
 * after a complaint: then the process has to end.
 */
int confinement__enter(const struct confinement *confinement);

#endif
