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
#define PROCESSES_MAX   8192
#define IDENTITIES_MAX  512
#define CONNECTING_MAX  16384 /* of an LRU map, in which a CPU may keep 128 free ones to itself */
#define RING_SIZE       (2 << 20)

/* Bytes examined at a parse step. Before bpf_loop() (5.17) the verifier follows a loop round by
 * round, and small steps pass its limits. */
#ifdef LOOP_BY_HELPER
#define SCRATCH_SIZE 128
#else
#define SCRATCH_SIZE 32
#endif

#define AWAITED_MAX       128 /* requests of a connection that wait for responses; a power of two */
#define AWAITED_HEAD      0x80
#define AWAITED_REHEARSED 0x40
#define AWAITED_CLASS     0x3f

/* A send that is in flight, as its entry hook noted it. One that took only a part of its bytes
 * stays until the next one or the end of the connection. */
struct inflight_send {
	struct span span;
	u64 thread;         /* pid_tgid of the sender; 0: none is in flight */
	u32 start;          /* write_seq before the next byte of it, where start_known */
	u32 left;           /* bytes that the socket did not take yet, */
	u32 taken;          /* and those that it took, as far as that was seen on the way */
	u32 responses_seen; /* before its first byte */
	bool start_known;
	bool responses_idle; /* before its first byte: between two responses */
	bool urgent;         /* its last byte is urgent data */
};

/* Where the parser stands in the bytes that a send has put into the socket. */
struct parse_cursor {
	u64 piece; /* the next byte of the current buffer */
	u32 piece_size;
	u32 left;    /* bytes of the send that are not parsed yet */
	u32 scanned; /* bytes of the scratch buffer, and the event behind them */
	u32 event;
	struct span span;
};

/*
 * Whether the parser knows where in the stream of requests it is.
 *
 *     SYNC_OK ── bytes outside a body were not seen ──> SYNC_LOST
 *     SYNC_LOST ── all that was sent is answered, before a new send ──> SYNC_OK
 *     SYNC_OK, SYNC_LOST ── no HTTP, or two senders at once ──> SYNC_NEVER
 */
enum sync_state { SYNC_OK, SYNC_LOST, SYNC_NEVER };

/*
 * What is known of the connection as a whole; only the first problem is reported.
 *
 *     UNDECIDED ── at FIN or close: write_seq is where the parser is ──> COMPLETE
 *     UNDECIDED ── a gap, a head that did not end, ... ──> REPORTED_UNKNOWN
 *     COMPLETE ── more responses than requests ──> REPORTED_UNKNOWN
 */
enum connection_result { UNDECIDED, COMPLETE, REPORTED_UNKNOWN };

/* A lock that is only ever tried, because no program of these types may wait: bpf_spin_lock is not
 * for tracing programs, and a holder may be interrupted by its own CPU's next program. */
struct trylock {
	s32 holders;
};

/*
 * Whether this program alone holds the lock. It must call conn__unlock() in either case. The count
 * is added to and then read, instead of one fetch-and-add, because atomic operations that return a
 * value came with 5.12: two programs may both find that they are not alone, and never both that
 * they are.
 */
static __always_inline bool conn__trylock(struct trylock *lock)
{
	ATOMIC_INC(&lock->holders);
	return *(volatile s32 *)&lock->holders == 1;
}

static __always_inline void conn__unlock(struct trylock *lock)
{
	ATOMIC_ADD(&lock->holders, -1);
}

/* One socket to the endpoint. What no send hook was given shows as a difference between next and
 * the socket's own write_seq. */
struct connection {
	u64 key;                   /* struct sock *, as a number */
	struct process_key opener; /* who connected; pid 0: before the trace */
	struct process_key sender; /* who sent last */
	u32 base;                  /* write_seq of the first byte that is followed */
	u32 next;                  /* write_seq of the next byte to parse */
	struct trylock parsing;
	u8 family;
	u8 sync;    /* enum sync_state */
	u8 result;  /* enum connection_result */
	u8 fin;     /* sequence numbers that FIN took: 0 or 1, which is no byte of the stream */
	bool based; /* base and next are known */
	bool close_left; /* closed during a send, whose exit ends the connection */
	bool rehearsed;  /* its sends are an sk_msg program's (rehearse.h) */
	bool marked;     /* the current request left with a rehearsal's line */
	bool uncovered;  /* is counted as one that a rehearsal does not cover */
	struct inflight_send inflight;

	/* Requests and responses come from different hooks in no fixed order: each side counts its
	 * own, and whoever holds pairing counts the pairs (responses.h). */
	u32 requests_seen;
	u32 responses_seen;
	u32 pairs_counted;
	struct trylock pairing;
	struct trylock parsing_responses;
	u32 response_next;        /* sequence number of the next byte to come */
	bool responses_lost;      /* a segment was missed, or too many requests wait */
	u8 awaited[AWAITED_MAX];  /* class of a request, with AWAITED_HEAD and AWAITED_REHEARSED */
	u8 outcomes[AWAITED_MAX]; /* enum outcome of a response */

	struct parse_cursor cursor;
	struct http requests;
	u8 scratch[SCRATCH_SIZE];
	struct request_record
		record; /* of the request whose head has just ended; for whoever holds parsing */

	u32 response_offset; /* of the next byte of the payload in the packet */
	u32 response_left;   /* bytes of the payload */
	u32 response_scanned;
	u32 response_event;
	struct http responses;
	u8 response_scratch[SCRATCH_SIZE];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, CONNECTIONS_MAX);
	__type(key, u64); /* struct sock * */
	__type(value, struct connection);
} connections SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PROCESSES_MAX);
	__type(key, struct process_key);
	__type(value, struct process_stats);
} process_stats SEC(".maps");

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
 * not given the arguments. A return that is missed leaves its entry behind, until the thread
 * connects again or the entry is the least recently used one. */
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

/* The hooks are detached: sends in flight will not be seen any more. */
bool detached = false;

/* What a new entry starts as. Too large for the stack. */
static const struct connection blank_connection = {};
static const struct process_stats blank_stats = {};
static const struct identity blank_identity = {};

#endif
