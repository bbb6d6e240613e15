/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the BPF side and the user side share: the records of the ring buffer and the values of
 * the maps.
 */
#ifndef IMDSTRACE_ABI_H
#define IMDSTRACE_ABI_H

#ifndef __VMLINUX_H__
#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>
#endif

/* The endpoint (AWS documentation, "Instance metadata service"): TCP port 80 of these two. */
#define ENDPOINT_PORT    80
#define ENDPOINT_IPV4    0xa9fea9fe            /* 169.254.169.254, host byte order */
#define ENDPOINT_IPV6_HI 0xfd000ec200000000ULL /* fd00:ec2::254, host byte order */
#define ENDPOINT_IPV6_LO 0x0000000000000254ULL

/* In the order in which a class is decided; the first that fits is the request's. */
enum request_class {
	CLASS_TOKEN,
	CLASS_V2,
	CLASS_FOREIGN,
	CLASS_V1,
	CLASS_UNKNOWN,
	CLASS_COUNT,
};

enum outcome {
	OUTCOME_OK,       /* 2xx */
	OUTCOME_REJECTED, /* 401 */
	OUTCOME_OTHER,    /* any other status */
	/* In a report: no answer. In the kernel's counts: that there was one or none cannot be
	   told. */
	OUTCOME_NONE,
	OUTCOME_COUNT,
};

enum endpoint_family { FAMILY_IPV4, FAMILY_IPV6 };

/* Why bytes became CLASS_UNKNOWN. */
enum unknown_reason {
	UNKNOWN_NOT_HTTP,   /* the bytes are no HTTP/1 request */
	UNKNOWN_UNREADABLE, /* memory that the kernel side cannot read: sendfile, splice, bvec */
	UNKNOWN_UNSEEN,     /* the socket sent bytes that no send hook was given */
	UNKNOWN_INCOMPLETE, /* a part of a request's head came before the trace, behind it or never
			     */
	UNKNOWN_OVERSIZED,  /* a head over HTTP_HEAD_MAX, or a send with more pieces than are looked
			       at */
	UNKNOWN_CONTENDED,  /* two senders on one connection at the same time */
	UNKNOWN_UNTRACKED,  /* no room in the table of connections */
	UNKNOWN_UNASKED,    /* more responses came back than requests were seen */
	UNKNOWN_URGENT,     /* urgent data (MSG_OOB), which the peer may take out of the stream */
	UNKNOWN_REDIRECTED, /* a socket to another address, behind address translation, or a raw one
			     */
	UNKNOWN_FORWARDED,  /* passed on by this machine for a source that has no socket here */
	UNKNOWN_REASONS,
};

/*
 * A process between two execs. The pid is the initial namespace's; the start time (boot clock,
 * ns) tells a reused pid apart; the exec count tells `sh` from the program that it became.
 */
struct process_key {
	__u64 start_ns;
	__u32 pid;
	__u32 exec_count;
};

#define COMM_SIZE           16
#define ANCESTORS_MAX       8
#define ARGS_MAX            512
#define PATH_COMPONENTS_MAX 32 /* the deepest components of a longer path are kept */
#define IDENTITY_TEXT_MAX   4096
#define IDENTITY_SCRATCH    (ARGS_MAX + 64)

/* Which network a process lives in. */
enum network {
	NETWORK_UNKNOWN,
	NETWORK_HOST, /* the machine's first network namespace */
	NETWORK_OWN,  /* any other */
	NETWORK_COUNT,
};

/* One ancestor; exe_size bytes of identity.text. */
struct ancestor {
	__u64 start_ns;
	__u32 pid;
	__u16 exe_size;
	__u16 reserved;
	char comm[COMM_SIZE];
};

/*
 * Who: written once, when a process is first seen at the endpoint.
 *
 * text holds, one behind the other and without padding: exe_size bytes of the executable's path,
 * cgroup_size bytes of the cgroup's path, args_size bytes of arguments, then each ancestor's
 * executable in order. A path is a list of components from the leaf to the root, each ended by a
 * NUL ("curl\0bin\0usr\0" is /usr/bin/curl), because that is the order in which the kernel finds
 * them. Arguments are as in memory, NUL-separated, secrets masked with '*' (mask.h).
 */
struct identity {
	struct process_key key;
	__u32 uid;
	__u32 args_total; /* bytes the process has; more than args_size: cut */
	__u16 exe_size;
	__u16 cgroup_size;
	__u16 args_size;
	__u16 text_size;
	__u8 ancestor_count;
	__u8 ready;     /* set last: the rest is complete */
	__u8 exe_cut;   /* more than PATH_COMPONENTS_MAX, or no room */
	__u8 cgroup_v1; /* the path is one of a cgroup v1 hierarchy */
	__u8 network;   /* enum network */
	__u8 reserved[3];
	char comm[COMM_SIZE];
	struct ancestor ancestors[ANCESTORS_MAX];
	char text[IDENTITY_TEXT_MAX];
	__u64 scratch[IDENTITY_SCRATCH / 8]; /* the kernel side's own */
};

/* Counts of one process, exact even when the ring buffer was full. */
struct process_stats {
	__u64 calls[CLASS_COUNT];
	__u64 responses[CLASS_COUNT]
		       [OUTCOME_COUNT]; /* fewer than calls: the rest had none so far */
	__u64 rehearsed; /* of the v1 calls: those that left with a rehearsal's line; */
	__u64 rehearsed_responses[OUTCOME_COUNT]; /* their responses are in none of the above */
	__u32 not_covered; /* connections that a rehearsal of the process could not take in */
	__u8 identified;
	__u8 in_scope; /* of the rehearsal */
	__u8 reserved[2];
};

/* What the loader asks of the program look_up, with a process_key before it. */
enum asked { ASK_STATS, ASK_IDENTITY, ASK_TO_FORGET };

/* What a rehearsal adds to the end of a head. The token is invalid: the service answers 401. */
#define REHEARSAL_LINE "X-aws-ec2-metadata-token: rehearsal\r\n"

#define SCOPE_CGROUPS_MAX 1024
#define SCOPE_PIDS_MAX    16384
#define SCOPE_FAMILY_MAX  16384 /* cgroups of a scope, and those above them */
#define REHEARSED_MAX     4096  /* connections at a time */

/* A process that had a call rejected in a rehearsal, by its key with an exec count of 0. */
struct rehearsed_process {
	__u64 first_ns; /* boot clock: when its first such call was sent */
	__u64 ended_ns; /* 0: it has not ended */
	__u32 status;   /* as of wait(2) */
	__u32 reserved;
};

#define METHOD_SIZE 32  /* with its NUL: longer methods are cut */
#define TARGET_SIZE 256 /* 255 bytes and a NUL */
#define AGENT_SIZE  256

enum request_flags {
	REQUEST_PATH_CUT = 1 << 0,
	REQUEST_AGENT_CUT = 1 << 1,
	REQUEST_HAS_AGENT = 1 << 2,
	REQUEST_REHEARSED = 1 << 3, /* left with a rehearsal's line */
};

#define REQUEST_TEXT_SIZE (METHOD_SIZE + TARGET_SIZE + AGENT_SIZE)

/* One request, in the ring buffer, as long as its texts are: a burst of calls must fit. For
 * CLASS_UNKNOWN they are empty. */
struct request_record {
	__u8 cls;    /* enum request_class */
	__u8 family; /* enum endpoint_family */
	__u8 flags;  /* enum request_flags */
	__u8 reason; /* enum unknown_reason, with CLASS_UNKNOWN */
	__u32 tid;
	__u64 time_ns; /* boot clock */
	struct process_key process;
	__u16 method_size;
	__u16 path_size;
	__u16 agent_size;
	__u16 reserved;
	char text[REQUEST_TEXT_SIZE]; /* method, path and User-Agent, without NULs */
};

#define REQUEST_RECORD_MIN offsetof(struct request_record, text)

/* Where a packet came from that this machine passed on: in the text of a record with
 * UNKNOWN_FORWARDED, which has no process. */
struct forwarded_from {
	__u8 source[16]; /* an IPv4 address takes the first four */
	__u32 ifindex;
	char device[16];
};

/* Totals of the whole machine since the hooks were attached; every field only grows. */
struct counters {
	__u64 requests[CLASS_COUNT];
	__u64 unknown[UNKNOWN_REASONS];
	__u64 connections;           /* opened to the endpoint */
	__u64 lost_records;          /* the ring buffer was full */
	__u64 untracked_connections; /* the table of connections was full */
	__u64 unnamed_processes;     /* no room for a new process's counts, which is counted at each
					of its calls, or for its identity */
	__u64 unnoted_sends;         /* took bytes without that an entry hook had run */
	__u64 missed_returns;        /* of kretprobes: more were under way than the kernel keeps */
	__u64 responses[CLASS_COUNT][OUTCOME_COUNT];
	__u64 not_covered; /* connections that a rehearsal could not take in, of no process_stats */
};

_Static_assert(sizeof(struct process_key) == 16, "shared layout");
_Static_assert(sizeof(struct ancestor) == 32, "shared layout");
_Static_assert(
	sizeof(struct identity) == 16 + 8 + 8 + 4 + 4 + 16 + 8 * 32 + 4096 + 576, "shared layout");
_Static_assert(sizeof(struct request_record) == 40 + REQUEST_TEXT_SIZE, "shared layout");

#endif
