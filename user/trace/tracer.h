/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel side, as user space sees it: loads and attaches the BPF program by the first way that
 * works, and hands over what it records. Owns every map, link and descriptor of it.
 */
#ifndef IMDSTRACE_TRACER_H
#define IMDSTRACE_TRACER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi.h"

struct tracer;

/* The ways in, in the order in which they are tried. */
struct tracer_mode {
	const char *name;    /* "fentry" */
	const char *summary; /* for doctor and --help */
};
extern const struct tracer_mode tracer_modes[]; /* ended by one without a name */

/* How far an attach mode came. */
enum tracer_step {
	TRACER_LOOK_UP, /* the kernel's types, functions, tracepoints and helpers */
	TRACER_LOAD,
	TRACER_ATTACH,
	TRACER_READ, /* the ring buffer */
};

/* Why an attach mode does not work (obstacle.h says it in words). */
struct tracer_failure {
	enum tracer_step step;
	char section[64];   /* "tp_btf/tcp_sendmsg_locked", or "helper/bpf_ringbuf_reserve": of the
			       program at fault; "": none in particular */
	int error;          /* a positive errno; 0: the mode was not tried, or works */
	char verifier[192]; /* the last line of the verifier that refused the program; "": it was
			       not the verifier */
};

struct tracer_sink {
	void (*request)(void *context, const struct request_record *record);
	void *context;
};

/* The programs of a rehearsal (rehearsal_hooks.h), which are loaded with the others. */
struct bpf_object;
struct tracer_addition {
	bool everything, cgroups, pids; /* what the scope is decided by */
	/* Called once they are loaded, before any hook is attached, with the root of cgroup2. 0 or
	 * -errno, and then the program at fault in *section. */
	int (*loaded)(void *context, struct bpf_object *object, int cgroup, const char **section);
	void *context;
};

struct tracer_options {
	const char *mode;                        /* NULL: the first that attaches */
	bool no_responses;                       /* leave out the hook on what comes back */
	bool measure;                            /* tell tracer__programs() what the verifier did */
	const struct tracer_addition *rehearsal; /* NULL: none */
};

/* A program that is loaded. */
struct tracer_program {
	char name[32];
	unsigned int verified; /* instructions that the verifier looked at; 0: not known */
	unsigned int jited;    /* bytes of machine code; 0: not known */
};

/*
 * Attaches. 0, or -errno: then failures, which holds as many as there are ways, says why for every
 * way that was tried; it is zeroed otherwise. *tracer is untouched on failure.
 */
int tracer__open(struct tracer **tracer, const struct tracer_options *options,
	const struct tracer_sink *sink, struct tracer_failure *failures);
void tracer__close(struct tracer *tracer);

/* "fentry": the mode that is attached. */
const char *tracer__mode(const struct tracer *tracer);

/* The programs of that way, up to max of them; how many. */
size_t tracer__programs(const struct tracer *tracer, struct tracer_program *programs, size_t max);

/* Whether responses are watched too. */
bool tracer__responses(const struct tracer *tracer);

/* Why they are not: TRACER_LOOK_UP is the cgroup2 hierarchy. NULL: they are, or it was not asked
 * for. */
const struct tracer_failure *tracer__responses_failure(const struct tracer *tracer);

/* From here on no request is rejected: a rehearsal ends. What is sent is counted all the same. */
void tracer__end_rehearsal(struct tracer *tracer);

/* What comes from no socket to the endpoint. */
enum witness_kind {
	WITNESS_REDIRECTED, /* through address translation, or from a raw socket */
	WITNESS_FORWARDED,  /* passed on by this machine */
	WITNESS_KINDS,
};

/* Why what comes so is not seen. NULL: it is. */
const struct tracer_failure *tracer__witness_failure(
	const struct tracer *tracer, enum witness_kind kind);

/*
 * Detaches the hooks: from here on the maps do not change. What was recorded can still be read.
 * What is half sent by then has become unknown; 0, or -errno where that could not be found out.
 */
int tracer__stop(struct tracer *tracer);

/* Waits up to timeout_ms for records and hands them to the sink: all that were there when it began,
 * and not without end those that come meanwhile. 0 or -errno (-EINTR: a signal). */
int tracer__poll(struct tracer *tracer, int timeout_ms);
/* Hands over what is there, without waiting. 0 or -errno. */
int tracer__drain(struct tracer *tracer);

void tracer__counters(const struct tracer *tracer, struct counters *counters);

/* Hands over a process's identity and takes it out of the kernel's table. 0, or -ENOENT. */
int tracer__take_identity(
	struct tracer *tracer, const struct process_key *key, struct identity *identity);

/* The account after the one of *key in no order (NULL: the first), with its key. 0, or -ENOENT at
 * the end. */
int tracer__next_stats(const struct tracer *tracer, const struct process_key *key,
	struct process_key *next, struct process_stats *stats);
/* The account of one process. 0, or -ENOENT: the kernel has none. */
int tracer__stats(
	const struct tracer *tracer, const struct process_key *key, struct process_stats *stats);
/* Takes out the account of a process that is gone. */
void tracer__forget(struct tracer *tracer, const struct process_key *key);

/* Whether reading the maps takes a capability that is not in force now: before 5.19 (commit
 * c8644cd0efe7) kernel.unprivileged_bpf_disabled closes them to all who lack CAP_BPF. */
bool tracer__needs_capability(const struct tracer *tracer);

/* Entries of hooks that the kernel skipped, other sockets' included: a diagnostic. */
struct tracer_skipped {
	uint64_t count;
	bool counted;       /* the kernel counts them (recursion_misses, 5.12) */
	char programs[256]; /* which and how often: "tcp_sendmsg_enter 3, on_state 1" */
};
void tracer__skipped(const struct tracer *tracer, struct tracer_skipped *skipped);

#endif
