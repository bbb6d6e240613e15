/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The attach modes: which programs of the BPF object each one loads. */
#ifndef IMDSTRACE_ATTACH_MODES_H
#define IMDSTRACE_ATTACH_MODES_H

#include <stdbool.h>
#include <stddef.h>

#define PROGRAMS_MAX 16

enum hook_need {
	ALWAYS,
	PREEMPTED,     /* only where tasks are preempted inside the kernel */
	SECOND_CHANCE, /* there, too, and only if it can be had: a kprobe, whose handler is not
			  preempted */
	FORWARDS,      /* sees what the machine passes on: worth having, and not worth failing for,
			  as the next */
	CONNECTS,      /* sees the send that a connect waited for */
};

/* A program of an attach mode, and the kernel function that it is attached to. */
struct hook {
	const char *program;
	enum hook_need need;
	const char *function; /* NULL: the mode does not work without it */
};

struct mode {
	struct hook hooks[PROGRAMS_MAX];
	const char
		*entered;  /* the function whose entry is hooked through a trampoline; NULL: none */
	bool kprobes;      /* has nothing else to see sends with */
	bool may_hold_cpu; /* has a variant that keeps preemption off */
	const struct mode *without_push; /* the same for kernels that have no tcp_push() to hook */
};

/* Rows as in tracer_modes. */
extern const struct mode modes[];

#endif
