/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What this kernel can do, each by asking for it: no version number is ever compared. */
#ifndef IMDSTRACE_KERNEL_H
#define IMDSTRACE_KERNEL_H

#include <stdbool.h>

struct btf;

/* Whether its types have that function. */
bool kernel__has(const struct btf *kernel, const char *function);

/* Whether it loads a program for a tracepoint, but none for the entry of that function: a sandbox
 * or a policy forbids these. 0; else the -errno that it refused with. */
int kernel__refuses_fentry(const struct btf *kernel, const char *function);

/* Whether it has the helper of that name ("BPF_FUNC_loop"): its types list them all. */
bool kernel__has_helper(const struct btf *kernel, const char *name);

/* Whether its compiler made parts or copies of that function, which are called in its place
 * ("tcp_push.part.0", ".isra.0", ".constprop.0"). No where its symbols cannot be read. */
bool kernel__has_parts(const char *function);

bool kernel__has_kprobes(void);

/* Whether a program's info says how many instructions the verifier looked at (5.16). Before, only
 * its log does. */
bool kernel__counts_verified(void);

/* Whether a program's info counts the runs of it that were skipped (5.12). */
bool kernel__counts_skipped(const struct btf *kernel);

/* Whether tasks are preempted inside the kernel: as its version line says ("#1 SMP PREEMPT ..."),
 * and where that is an option of the boot (PREEMPT_DYNAMIC, 5.12) as the scheduler does. Yes where
 * that cannot be read. */
bool kernel__preempts(void);

#endif
