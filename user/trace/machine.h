/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Whether this machine can be traced, and what it lacks where it cannot. */
#ifndef IMDSTRACE_MACHINE_H
#define IMDSTRACE_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "trace/tracer.h"

#define ATTACH_MODES_MAX 4

/* Room for the reason of one way, and for those of all. */
#define MACHINE_REASON_MAX  512
#define MACHINE_REASONS_MAX 2048

struct machine {
	char kernel[128], architecture[32];
	bool sys, proc;    /* are mounted here */
	bool btf;          /* the kernel describes its types */
	uint64_t missing;  /* capabilities that tracing needs and the process lacks: bits of
			      machine_capabilities */
	char lockdown[32]; /* "none", "integrity", "confidentiality"; "" where the kernel has no
			      such thing */
	bool host_pids;    /* pids here are the host's */
	bool kprobes;      /* the kernel has them */
	bool net_admin;    /* CAP_NET_ADMIN, which programs on cgroups take */
	uint64_t memlock;  /* bytes that BPF maps may take, where the kernel counts them so (before
			      5.11) and this process may not raise the limit; else 0 */
	char cgroups[16];  /* "v2", "v1", "hybrid", "none" */
};

void machine__read(struct machine *machine);

/* The names of machine->missing ("CAP_BPF, CAP_PERFMON"), or "". */
void machine__missing_capabilities(const struct machine *machine, char *out, size_t size);

/* Why an attach mode does not work (failure->error is not 0), as a clause without a full stop. */
void machine__explain_mode(const struct machine *machine, const struct tracer_failure *failure,
	char *out, size_t size);

/* Why a kind of what comes from no socket to the endpoint is not seen, in one sentence; "": it is.
 */
void machine__explain_witness(const struct machine *machine, const struct tracer *tracer,
	enum witness_kind kind, char *out, size_t size);

/* Why responses are not watched where an attach mode works, likewise. */
void machine__explain_responses(const struct machine *machine, const struct tracer_failure *failure,
	char *out, size_t size);

/* The most likely reason, in one sentence without a full stop, why tracing fails here. */
void machine__explain(const struct machine *machine, const struct tracer_failure *failures,
	char *out, size_t size);

/* What a trace will lack here although it attaches, a sentence each without a full stop; NULL at
 * the end. */
#define MACHINE_LIMITS_MAX 4
void machine__limits(const struct machine *machine, const char *limits[MACHINE_LIMITS_MAX]);

/* tracer__open(), with one sentence on stderr where it fails. 0 or -errno. */
int machine__open_tracer(struct tracer **tracer, const struct tracer_options *options,
	const struct tracer_sink *sink);

#endif
