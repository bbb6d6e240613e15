/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The maps of a rehearsal, and what one of its connections keeps. */
#ifndef IMDSTRACE_REHEARSE_MAPS_H
#define IMDSTRACE_REHEARSE_MAPS_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "../include/abi.h"
#include "../include/http.h"
#include "maps.h"

#define NO_PREALLOC 1 /* BPF_F_NO_PREALLOC */

/* Bytes of a head that are passed on at a time: nearly all heads at once. */
#define PIECE_MAX 1024

/* What a connection that is rehearsed keeps of its last piece. */
struct rehearsal {
	struct http before; /* the recogniser, before the piece */
	struct http peek;
	u64 thread; /* that sent it */
	u32 size;   /* of it, with the line */
	bool nonblocking;
	bool marked_before;
	bool line;     /* it got the line */
	bool counted;  /* it ended a head, which was counted */
	bool recounts; /* it was taken back, and the head comes again */
	u8 bytes[PIECE_MAX];
};

/* Opened by a process of the scope, and not put into the sockhash yet. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, REHEARSED_MAX);
	__type(key, u64); /* struct sock * */
	__type(value, u8);
} connecting_in_scope SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_SOCKHASH);
	__uint(max_entries, REHEARSED_MAX);
	__type(key, u64); /* socket cookie */
	__type(value, u64);
} rehearsed_sockets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, CONNECTIONS_MAX);
	__type(key, u64); /* struct sock * */
	__type(value, struct rehearsal);
} rehearsals SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PROCESSES_MAX);
	__type(key, struct process_key);
	__type(value, struct rehearsed_process);
} rehearsed_processes SEC(".maps");

/* Whom the rehearsal is for, for other rehearsals (rehearsal_lock.h). No program reads it. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SCOPE_FAMILY_MAX);
	__uint(map_flags, NO_PREALLOC);
	__type(key, u64); /* a cgroup's path, as in cgroup_path.h */
	__type(value, u8);
} rehearsal_scope SEC(".maps");

static const struct rehearsal blank_rehearsal = {};

/* The process that rehearses, as its struct task_struct *. */
__u64 rehearsal_owner = 0;

#endif
