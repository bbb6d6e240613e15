/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The second witness: attaches the programs that see what comes from no socket to the endpoint. */
#ifndef IMDSTRACE_WITNESS_H
#define IMDSTRACE_WITNESS_H

#include <stdbool.h>

#include "trace/tracer.h"

struct imdstrace_bpf;
struct bpf_program;

struct witness {
	struct tracer_failure failures[WITNESS_KINDS]; /* error 0: that kind is seen */
	int forward_links[2];                          /* netfilter's; 0: none */
};

/* Which of its programs are loaded. */
struct witness_programs {
	bool sent, forwards, connects;
};

/* After a program was refused: leaves it out, and what does nothing without it, and notes why.
 * false: it was none of these. */
bool witness__leave_out(struct witness *witness, struct witness_programs *programs,
	const struct tracer_failure *refused);

/* Before loading: the type of a netfilter program, for a libbpf that does not know its section
 * (1.3). */
void witness__set_type(struct bpf_program *program);

/* Notes why nothing is seen of either kind. */
void witness__give_up(struct witness *witness, const struct tracer_failure *why);

/* Attaches what has been loaded; cgroup is the root of cgroup2, or -1. What fails is noted. */
void witness__attach(struct witness *witness, struct imdstrace_bpf *skeleton, int cgroup);
void witness__detach(struct witness *witness);

#endif
