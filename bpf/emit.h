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
	else
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

static __always_inline void emit__begin(struct request_record *record, u8 cls, u8 family, u32 tid)
{
	record->cls = cls;
	record->family = family;
	record->flags = 0;
	record->reason = 0;
	record->tid = tid;
	record->time_ns = bpf_ktime_get_boot_ns();
	record->method_size = 0;
	record->path_size = 0;
	record->agent_size = 0;
	record->reserved = 0;
}

/* A record of bytes that could not be recognised, with room for text_size bytes behind it. */
static __always_inline struct request_record *emit__reserve_unknown(enum unknown_reason reason,
	u8 family, const struct process_key *process, u32 tid, u32 text_size)
{
	struct request_record *record;

	ATOMIC_INC(&counters.unknown[reason]);
	emit__count(process, CLASS_UNKNOWN);
	record = bpf_ringbuf_reserve(&records, REQUEST_RECORD_MIN + text_size, 0);
	if (!record) {
		ATOMIC_INC(&counters.lost_records);
		return NULL;
	}
	emit__begin(record, CLASS_UNKNOWN, family, tid);
	record->reason = reason;
	record->process = *process;
	return record;
}

/* process is the sender, as far as it is known. */
static __always_inline void emit__unknown(
	enum unknown_reason reason, u8 family, const struct process_key *process, u32 tid)
{
	struct request_record *record = emit__reserve_unknown(reason, family, process, tid, 0);

	if (record)
		bpf_ringbuf_submit(record, 0);
}

/* Puts the texts of the head behind the record. Its size. */
static __always_inline u32 emit__pack(struct request_record *record, const struct http *http)
{
	u32 method_size = http->method_size & (METHOD_SIZE - 1);
	u32 path_size = http->path_size & (TARGET_SIZE - 1);
	u32 agent_size = http->agent_size & (AGENT_SIZE - 1);
	char *text = record->text;

	bpf_probe_read_kernel(text, method_size, http->method);
	bpf_probe_read_kernel(text + method_size, path_size, http->path);
	bpf_probe_read_kernel(text + method_size + path_size, agent_size, http->agent);
	record->method_size = method_size;
	record->path_size = path_size;
	record->agent_size = agent_size;
	return REQUEST_RECORD_MIN + method_size + path_size + agent_size;
}

/* The request whose head the recogniser has just ended, sent by connection->sender. */
static __always_inline void emit__request(u64 key, struct connection *connection, u32 tid)
{
	struct request_record *record = &connection->record;
	struct http *http = &connection->requests;
	enum request_class cls = http__class(http);

	emit__count(&connection->sender, cls);
	if (cls == CLASS_V1)
		emit__not_covered(connection);
	responses__await(key, connection, cls);
	emit__begin(record, cls, connection->family, tid);
	if (http->path_cut)
		record->flags |= REQUEST_PATH_CUT;
	if (http->agent_cut)
		record->flags |= REQUEST_AGENT_CUT;
	if (http->seen & SEEN_AGENT)
		record->flags |= REQUEST_HAS_AGENT;
	if (connection->marked)
		record->flags |= REQUEST_REHEARSED;
	record->process = connection->sender;
	if (bpf_ringbuf_output(&records, record, emit__pack(record, http), 0))
		ATOMIC_INC(&counters.lost_records);
}

#endif
