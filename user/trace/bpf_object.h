/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The BPF object with the programs of an attach mode, loaded, and what the verifier says of them.
 */
#ifndef IMDSTRACE_BPF_OBJECT_H
#define IMDSTRACE_BPF_OBJECT_H

#include <stdbool.h>

#include "trace/tracer.h"

#include "imdstrace.skel.h"
#include "trace/attach_modes.h"
#include "trace/kernel.h"
#include "trace/witness.h"

#define LOG_SIZE (1 << 20) /* bytes of one program's log */

/* The programs of an attach mode, as they are to be loaded. */
struct object_variant {
	const struct mode *mode;
	const struct tracer_addition *rehearsal; /* NULL: none */
	bool responses, disable_preemption;
	struct witness_programs witness;
};

/* The verifier's log of each program that is loaded, in the order of the object. */
struct verifier_logs {
	char (*each)[LOG_SIZE]; /* NULL: no memory */
	bool measured; /* they are kept, because only they tell how many instructions it looked at
			*/
};

/* measure: someone asks how many instructions the verifier looked at. */
void verifier_logs__open(struct verifier_logs *logs, bool measure);
void verifier_logs__close(struct verifier_logs *logs);
/* How many instructions the verifier looked at, as its log says (0: it does not). */
unsigned int log__verified(const char *log);

/* Prints libbpf's warnings only where IMDSTRACE_DEBUG is set. */
void bpf_object__hear_libbpf(void);
/* Whether the program is a rehearsal's, by its name. */
bool program__rehearses(const struct bpf_program *program);

/* Opens and loads a variant. 0, or -errno with the step, program and verifier's line in failure. */
int object__load(struct imdstrace_bpf **skeleton, const struct object_variant *variant,
	struct kernel_types *kernel, const struct verifier_logs *logs,
	struct tracer_failure *failure);

/* Sets failure; returns error, a negative errno. */
int tracer_failure__set(
	struct tracer_failure *failure, enum tracer_step step, const char *section, int error);

#endif
