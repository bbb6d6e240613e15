/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What this kernel can do, each by asking for it: no version number is ever compared. */
#ifndef IMDSTRACE_KERNEL_H
#define IMDSTRACE_KERNEL_H

#include <linux/types.h>
#include <stdbool.h>

struct btf;

/* The kernel's types, which are megabytes: read when they are asked for, and again after they were
 * dropped. What is asked where they cannot be read, the kernel does not have. */
struct kernel_types {
	struct btf *read; /* NULL: not now */
};

/* NULL: errno says why. */
const struct btf *kernel_types__read(struct kernel_types *types);
void kernel_types__drop(struct kernel_types *types);
/* The number of a type of that kind (BTF_KIND_FUNC); negative: there is none. */
int kernel_types__find(struct kernel_types *types, const char *name, __u32 kind);

/* Whether its types have that function. */
bool kernel__has(struct kernel_types *kernel, const char *function);

/* Whether it loads a program for a tracepoint, but none for the entry of that function: a sandbox
 * or a policy forbids these. 0; else the -errno that it refused with. */
int kernel__refuses_fentry(struct kernel_types *kernel, const char *function);

/* Whether it has the helper of that name ("BPF_FUNC_loop"): its types list them all. */
bool kernel__has_helper(struct kernel_types *kernel, const char *name);

/* Whether its compiler made parts or copies of that function, which are called in its place
 * ("tcp_push.part.0", ".isra.0", ".constprop.0"). No where its symbols cannot be read. */
bool kernel__has_parts(const char *function);

bool kernel__has_kprobes(void);

/* Whether a program's info says how many instructions the verifier looked at (5.16). Before, only
 * its log does. */
bool kernel__counts_verified(void);

/* Whether a program's info counts the runs of it that were skipped (5.12). */
bool kernel__counts_skipped(struct kernel_types *kernel);

/* Whether tasks are preempted inside the kernel: as its version line says ("#1 SMP PREEMPT ..."),
 * and where that is an option of the boot (PREEMPT_DYNAMIC, 5.12) as the scheduler does. Yes where
 * that cannot be read. */
bool kernel__preempts(void);

#endif
