/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The script that a process runs: from its captured arguments, and from /proc while it lives. A
 * relative one is made absolute where /proc still knows the working directory. All texts are valid
 * UTF-8 and the caller's to free; NULL: no interpreter, -c, not known any more, or no memory.
 */
#ifndef IMDSTRACE_PROCESS_SCRIPT_H
#define IMDSTRACE_PROCESS_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi.h"

/* Of a process whose arguments were captured (cut: it has more of them). */
char *process_script__captured(
	const char *exe, const struct process_key *key, const char *args, size_t size, bool cut);

/* Of a process whose directory in /proc is open (procfs.h). */
char *process_script__shown(const char *exe, int process);

/* Of an ancestor, if it still lives and runs exe. start_ns on the boot clock. */
char *process_script__of_ancestor(const char *exe, uint32_t pid, uint64_t start_ns);

#endif
