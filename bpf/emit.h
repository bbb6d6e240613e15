/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What leaves the kernel: exact counts in the maps, detail in the ring buffer. */
#ifndef IMDSTRACE_EMIT_H
#define IMDSTRACE_EMIT_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "../include/abi.h"
#include "../include/imds_request.h"
#include "responses.h"
#include "identity.h"
#include "maps.h"

static __always_inline void emit__count(const struct process_key *process, u32 cls)
{
	struct process_stats *stats = bpf_map_lookup_elem(&process_stats, process);

	barrier_var(cls);
	if (cls >= CLASS_COUNT)
		return;
	ATOMIC_INC(&counters.requests[cls]);
	if (stats)
		ATOMIC_INC(&stats->calls[cls]);
}

/* Set when the rehearsal ends: what is sent from then on is counted and left alone. */
bool rehearsal_over = false;

/* A connection that a rehearsal does not cover. stats: of whose process it is; NULL: not known. */
static __always_inline void emit__count_not_covered(struct process_stats *stats)
{
	if (stats)
		ATOMIC_INC(&stats->not_covered);
	ATOMIC_INC(&counters.not_covered);
}

/* A v1 request that left as it was, although a process of the scope sent it: its connection is not
 * covered. One that was open before is counted by user space. */
static __always_inline void emit__not_covered(struct connection *connection)
{
	struct process_stats *stats = bpf_map_lookup_elem(&process_stats, &connection->sender);

	if (!stats || !stats->in_scope || connection->marked || connection->uncovered ||
		!connection->opener.pid || *(volatile bool *)&rehearsal_over)
		return;
	connection->uncovered = true;
	emit__count_not_covered(stats);
}

static __always_inline struct request_record *emit__reserve(u8 cls, u8 family)
{
	struct request_record *record = bpf_ringbuf_reserve(&records, sizeof(*record), 0);

	if (!record) {
		ATOMIC_INC(&counters.lost_records);
		return NULL;
	}
	record->cls = cls;
	record->family = family;
	record->flags = 0;
	record->reason = 0;
	record->reserved = 0;
	record->time_ns = bpf_ktime_get_boot_ns();
	return record;
}

/* Bytes that could not be recognised; process is the sender, as far as it is known. */
static __always_inline void emit__unknown(
	enum unknown_reason reason, u8 family, const struct process_key *process, u32 tid)
{
	struct request_record *record;

	ATOMIC_INC(&counters.unknown[reason]);
	emit__count(process, CLASS_UNKNOWN);
	record = emit__reserve(CLASS_UNKNOWN, family);
	if (!record)
		return;
	record->reason = reason;
	record->tid = tid;
	record->process = *process;
	record->path_size = 0;
	record->agent_size = 0;
	record->method[0] = 0;
	record->path[0] = 0;
	record->agent[0] = 0;
	bpf_ringbuf_submit(record, 0);
}

/* The request whose head the recogniser has just ended, sent by connection->sender. */
static __always_inline void emit__request(u64 key, struct connection *connection, u32 tid)
{
	struct http *http = &connection->requests;
	enum request_class cls = http__class(http);
	struct request_record *record;

	emit__count(&connection->sender, cls);
	if (cls == CLASS_V1)
		emit__not_covered(connection);
	responses__await(key, connection, cls);
	record = emit__reserve(cls, connection->family);
	if (!record)
		return;
	if (http->path_cut)
		record->flags |= REQUEST_PATH_CUT;
	if (http->agent_cut)
		record->flags |= REQUEST_AGENT_CUT;
	if (http->seen & SEEN_AGENT)
		record->flags |= REQUEST_HAS_AGENT;
	if (connection->marked)
		record->flags |= REQUEST_REHEARSED;
	record->tid = tid;
	record->process = connection->sender;
	record->path_size = http->path_size;
	record->agent_size = http->agent_size;
	/* the bytes after the sizes are an older request's, and user space ignores them */
	__builtin_memcpy(record->method, http->method, METHOD_SIZE);
	record->method[http->method_size & (METHOD_SIZE - 1)] = 0;
	__builtin_memcpy(record->path, http->path, TARGET_SIZE);
	__builtin_memcpy(record->agent, http->agent, AGENT_SIZE);
	bpf_ringbuf_submit(record, 0);
}

#endif
