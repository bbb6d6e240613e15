/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A rehearsal's kernel side, as user space sees it: attaches its programs beside the tracer's,
 * tells them the scope, and takes in the connections that are open already. Nothing of it is
 * pinned: the kernel undoes all of it when this process ends.
 */
#ifndef IMDSTRACE_REHEARSAL_HOOKS_H
#define IMDSTRACE_REHEARSAL_HOOKS_H

#include <stdbool.h>
#include <stdint.h>

#include "abi.h"
#include "process/process.h"
#include "process/process_scope.h"
#include "trace/tracer.h"

struct rehearsal_hooks;

/* scope is not taken over. 0 or -errno; -EBUSY: another rehearsal of that scope runs. */
int rehearsal_hooks__new(struct rehearsal_hooks **rehearsal, const struct process_scope *scope);
void rehearsal_hooks__free(struct rehearsal_hooks *rehearsal);

/* What tracer__open() is to load beside the rest. */
const struct tracer_addition *rehearsal_hooks__addition(const struct rehearsal_hooks *rehearsal);

/* Takes in the connections to the endpoint that processes of the scope have open. 0 or -errno. */
int rehearsal_hooks__take_in(struct rehearsal_hooks *rehearsal);

/* Connections that were open and could not be taken in, and who has one: up to max pids; how many.
 */
uint64_t rehearsal_hooks__not_covered(const struct rehearsal_hooks *rehearsal);
size_t rehearsal_hooks__left_out(
	const struct rehearsal_hooks *rehearsal, uint32_t *pids, size_t max);

/* Whether a process had been in the scope when the rehearsal began. */
bool rehearsal_hooks__had(const struct rehearsal_hooks *rehearsal, const struct process_key *key);

/* Whether a process is in the scope by its cgroup, its number or its ancestors. */
bool rehearsal_hooks__has(const struct rehearsal_hooks *rehearsal, const struct process *process);

/* What became of a process that had a call rejected. 0, or -ENOENT. */
int rehearsal_hooks__process(const struct rehearsal_hooks *rehearsal, const struct process_key *key,
	struct rehearsed_process *process);

/* Detaches its programs. */
void rehearsal_hooks__stop(struct rehearsal_hooks *rehearsal);

#endif
