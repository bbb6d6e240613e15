/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Programs that do nothing, at the hooks that a process holds. */
#ifndef IMDSTRACE_EMPTY_H
#define IMDSTRACE_EMPTY_H

#include <sys/types.h>

#define EMPTY_MAX 32

struct empty_programs {
	int links[EMPTY_MAX];
	int count;
	int left_out; /* hooks without such a program: kprobes */
};

/* cgroup: the root of cgroup2, where cgroup hooks are. What cannot be attached is left out. */
void empty_programs__attach(struct empty_programs *programs, pid_t tracer, int cgroup);
void empty_programs__detach(struct empty_programs *programs);

#endif
