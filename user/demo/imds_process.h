/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A metadata service's process, which ends with who started it. */
#ifndef IMDSTRACE_IMDS_PROCESS_H
#define IMDSTRACE_IMDS_PROCESS_H

#include <stddef.h>
#include <sys/types.h>

/* Runs run(context) in a process named "imds" that keeps these fds of the caller's and stderr. 0
 * and its pid, or -errno after a sentence on stderr.
 * The process ends by SIGTERM or when the calling thread does. */
int imds__spawn(
	const int *kept, size_t count, void (*run)(void *context), void *context, pid_t *pid);

/* Ends it and waits for it. */
void imds__stop(pid_t pid);

#endif
