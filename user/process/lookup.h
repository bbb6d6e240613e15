/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Looks up who a process is, and which host this is, in a process of its own: that one keeps the
 * right to look into others' /proc entries and files, and so its owner can give it up.
 */
#ifndef IMDSTRACE_LOOKUP_H
#define IMDSTRACE_LOOKUP_H

#include "process/host.h"
#include "process/process.h"

struct lookup;

/* Starts the helper, which ends when *lookup is stopped, or with the process that started it. In
 * it nothing but answering goes on: at most CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH, no new
 * privileges, and only the system calls that it needs. 0 or -errno. */
int lookup__start(struct lookup **lookup);

/* As process__from_identity(), process__from_proc() and host__read(). lookup NULL, or a helper that
 * has gone: this process looks itself, which may find less. */
struct process *lookup__captured(struct lookup *lookup, const struct identity *identity);
struct process *lookup__shown(struct lookup *lookup, const struct process_key *key);
int lookup__host(struct lookup *lookup, struct host *host);

void lookup__stop(struct lookup *lookup);

#endif
