/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The maps, and the state that one connection keeps. */
#ifndef IMDSTRACE_MAPS_H
#define IMDSTRACE_MAPS_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "../include/abi.h"
#include "../include/http.h"
#include "compat.h"

#define CONNECTIONS_MAX 1024
#define ACCOUNTS_MAX    8192
#define IDENTITIES_MAX  512
#define CONNECTING_MAX  16384 /* of an LRU map, in which a CPU may keep 128 free ones to itself */
#define RING_SIZE       (2 << 20)

/* Bytes examined at a step. Where the verifier follows a loop round by round, rather more steps. */
#ifdef LOOP_BY_HELPER
#define CHUNK_SIZE 128
#else
#define CHUNK_SIZE 32
#endif

#define AWAITED_MAX       128 /* requests of a connection that wait for answers; a power of two */
#define AWAITED_HEAD      0x80
#define AWAITED_REHEARSED 0x40
#define AWAITED_CLASS     0x3f

/* A send that is under way, as its entry hook noted it. One that took only a part of its bytes
 * stands here until the next one or the end of the connection. */
struct pending {
	struct span span;
	u64 thread;   /* pid_tgid of the sender; 0: nothing is under way */
	u32 start;    /* write_seq before the next byte of it, where start_known */
	u32 left;     /* bytes that the socket did not take yet, */
	u32 taken;    /* and those that it took, as far as that was seen on the way */
	u32 answered; /* responses before its first byte */
	bool start_known;
	bool answers_idle; /* and no response was under way */
	bool urgent;       /* its last byte is urgent data */
};

/* What step() has still to feed of a send that is over. */
struct feed {
	u64 piece; /* where the current buffer goes on */
	u32 piece_size;
	u32 left;    /* bytes of the send */
	u32 scanned; /* bytes of the chunk, and the event behind them */
	u32 event;
	struct span span;
};

/* The account of one socket. In order to balance, next is compared with the socket's own write_seq.
 */
struct connection {
	u64 key;                   /* under which it is kept, as a number */
	struct process_key opener; /* who connected; pid 0: before the tracer */
	struct process_key sender; /* who sent last */
	u32 base;                  /* write_seq of the first byte of the account */
	u32 next;                  /* write_seq of the next byte to come */
	s32 users; /* programs that feed it at this moment: more than one is a contention */
	u8 family;
	bool based;   /* base and next are known */
	bool unknown; /* was counted as unknown: once is enough */
	bool lost; /* bytes were passed over outside a body: where a request begins is not known */
	bool deaf; /* what follows cannot be recognised */
	bool settled;   /* the balance was struck: FIN is queued, nothing can follow */
	bool fin;       /* FIN took a sequence number */
	bool closed;    /* closed while a send was under way, which will settle it */
	bool rehearsed; /* its sends are an sk_msg program's (rehearse.h) */
	bool marked;    /* the request at hand left with a rehearsal's line */
	struct pending pending;

	/* Requests and answers come from different hooks, in no order that they could rely on: each
	 * side counts up its own, and whoever is there counts the pairs (answers.h). */
	u32 asked;    /* requests so far */
	u32 answered; /* responses so far */
	u32 paired;   /* pairs of both that are counted */
	s32 pairing;  /* programs that count pairs at this moment */
	s32 answer_users;
	u32 answer_next;   /* sequence number of the next byte to come */
	bool answers_lost; /* a segment was missed, or too much is awaited: nothing can be told */
	u8 awaited[AWAITED_MAX];  /* class of a request, with AWAITED_HEAD and AWAITED_REHEARSED */
	u8 outcomes[AWAITED_MAX]; /* enum outcome of a response */

	struct feed feed;
	struct http requests;
	u8 chunk[CHUNK_SIZE];

	u32 answer_offset; /* into the packet: where its payload goes on */
	u32 answer_left;   /* bytes of it */
	u32 answer_scanned;
	u32 answer_event;
	struct http answers;
	u8 answer_chunk[CHUNK_SIZE];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, CONNECTIONS_MAX);
	__type(key, u64); /* struct sock * */
	__type(value, struct connection);
} connections SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, ACCOUNTS_MAX);
	__type(key, struct process_key);
	__type(value, struct account);
} accounts SEC(".maps");

/* User space takes an entry out as soon as it has read it. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, IDENTITIES_MAX);
	__type(key, struct process_key);
	__type(value, struct identity);
} identities SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, RING_SIZE);
} records SEC(".maps");

/* The socket that a thread makes a Fast Open connect with, from a kprobe to its kretprobe, which is
 * not given the arguments. A return that is missed leaves its entry behind, until the thread comes
 * again or the oldest make room. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, CONNECTING_MAX);
	__type(key, u64);   /* pid_tgid */
	__type(value, u64); /* struct sock * */
} connecting SEC(".maps");

/* One number for each CPU, through which a packet's socket becomes a key (imdstrace.bpf.c). */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u64);
} packet_keys SEC(".maps");

struct counters counters = {};

/* When the first program ran, in jiffies, and never 0 from then on. */
unsigned int attached = 0;

/* The hooks are off: nothing that is under way will be seen any more. */
bool detached = false;

/* What a new entry starts as. Too large for the stack. */
static const struct connection blank_connection = {};
static const struct account blank_account = {};
static const struct identity blank_identity = {};

#define COUNT(counter) ATOMIC_ADD(&(counter), 1)

#endif
