/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Parses the bytes that a socket took of a send, as far as they can be read. */
#ifndef IMDSTRACE_PARSE_H
#define IMDSTRACE_PARSE_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "compat.h"
#include "connection.h"
#include "emit.h"
#include "loop.h"
#include "maps.h"

/* Parse steps of one send: 1,024 buffers and 3.9 MiB of heads; 96 KiB without bpf_loop() (5.17).
 * Each head ends a step, and each body is one. */
#ifdef LOOP_BY_HELPER
#define STEPS_MAX 32768
#else
#define STEPS_MAX 4096
#endif

enum parse_step { STEP_DONE, STEP_MORE };

/* From here on it is not known where a request begins, until parse__resync(). */
static __always_inline void parse__lose_sync(
	struct connection *connection, enum unknown_reason reason, u32 tid)
{
	if (connection->sync == SYNC_NEVER)
		return;
	connection->sync = SYNC_LOST;
	connection__report_unknown(connection, reason, &connection->sender, tid);
}

/*
 * Skips size bytes that cannot be read. Inside a body they need not be.
 */
static __always_inline void parse__skip(
	struct connection *connection, u32 size, enum unknown_reason reason, u32 tid)
{
	if (!size || connection->sync == SYNC_NEVER)
		return;
	if (connection->sync == SYNC_OK && http__skip(&connection->requests, size) == size)
		return;
	parse__lose_sync(connection, reason, tid);
}

/*
 * Whether the parser is in sync, perhaps again. While it is not, the bytes of a body could look
 * like requests. A new request is sure to begin where, before this send, everything was answered
 * that had been sent, including what was not seen. Without responses that is never known.
 */
static __always_inline bool parse__resync(struct connection *connection)
{
	u32 responses_seen = connection->inflight.responses_seen;
	bool locked;

	if (connection->sync == SYNC_OK)
		return true;
	if (!connection->inflight.responses_idle ||
		(s32)(responses_seen - connection->requests_seen) <= 0)
		return false;
	locked = conn__trylock(&connection->pairing);
	if (locked) {
		connection->requests_seen = responses_seen;
		connection->pairs_counted = responses_seen;
		connection->sync = SYNC_OK;
		http__reset(&connection->requests, false);
	}
	conn__unlock(&connection->pairing);
	return locked;
}

/* The next buffer of the send. */
static __always_inline bool parse__next_piece(struct parse_cursor *cursor)
{
	struct iovec piece = {};

	if (!cursor->span.pieces)
		return false;
	cursor->span.pieces--;
	if (cursor->span.kind == SPAN_BUFFER) {
		cursor->piece = cursor->span.start + cursor->span.offset;
		cursor->piece_size = cursor->left;
		return true;
	}
	if (bpf_probe_read_kernel(&piece, sizeof(piece), (void *)cursor->span.start))
		return false;
	cursor->span.start += sizeof(piece);
	if (piece.iov_len <= cursor->span.offset) { /* taken before, or empty */
		cursor->span.offset -= piece.iov_len;
		return true;
	}
	piece.iov_len -= cursor->span.offset;
	cursor->piece = (u64)piece.iov_base + cursor->span.offset;
	cursor->piece_size = piece.iov_len < cursor->left ? piece.iov_len : cursor->left;
	cursor->span.offset = 0;
	return true;
}

/* Reads up to max bytes. The address is brought into a register before the size is checked, as
 * http.h says of barrier_var(). */
static __always_inline long parse__copy(void *to, u32 size, u32 max, u64 start, bool from_kernel)
{
	const void *from = (const void *)start;

	barrier_var(from);
	barrier_var(size);
	if (size > max)
		return -1;
	if (from_kernel)
		return bpf_probe_read_kernel(to, size, from);
	return bpf_probe_read_user(to, size, from);
}

static __always_inline long parse__read(struct connection *connection, u32 size)
{
	return parse__copy(connection->scratch, size, SCRATCH_SIZE, connection->cursor.piece,
		connection->cursor.span.kind == SPAN_KERNEL);
}

/* The rest of the send cannot be read. */
static __always_inline int parse__unreadable(struct connection *connection, u32 tid)
{
	parse__skip(connection, connection->cursor.left, UNKNOWN_UNREADABLE, tid);
	connection->cursor.left = 0;
	return STEP_DONE;
}

static __always_inline void parse__consume(struct parse_cursor *cursor, u32 size)
{
	cursor->piece += size;
	cursor->piece_size -= size;
	cursor->left -= size;
}

/* One byte of the scratch buffer. */
LOOP_BODY parse__byte(u32 at, struct connection **context)
{
	struct connection *connection = *context;
	volatile struct parse_cursor *cursor = &connection->cursor;
	enum http_event event;

	barrier_var(at);
	if (at >= SCRATCH_SIZE)
		return 1;
	event = http__byte(&connection->requests, connection->scratch[at]);
	cursor->scanned = at + 1;
	cursor->event = event;
	return event != HTTP_MORE;
}

/*
 * Parses up to size bytes of the scratch buffer, up to the first event. The position and the event
 * are left in memory, where the verifier does not track them: otherwise it would verify all that
 * follows the loop once for each byte at which the loop may end.
 */
static __always_inline void parse__scratch(struct connection *connection, u32 size)
{
	connection->cursor.scanned = 0;
	connection->cursor.event = HTTP_MORE;
	LOOP(size, SCRATCH_SIZE, parse__byte, &connection);
}

/*
 * One parse step: to the next buffer, over a body, or through at most one scratch buffer up to the
 * end of a head. A global function, so that the verifier verifies its loop once, however many steps
 * a send takes; verifiers without bpf_loop() (before 5.17) would refuse long sends otherwise.
 */
__noinline int parse__step(u64 key, u32 tid)
{
	struct connection *connection = bpf_map_lookup_elem(&connections, &key);
	struct parse_cursor *cursor;
	struct http *http;
	u32 size;

	if (!connection)
		return STEP_DONE;
	cursor = &connection->cursor;
	http = &connection->requests;
	if (!cursor->left)
		return STEP_DONE;
	if (!cursor->piece_size) {
		if (parse__next_piece(cursor))
			return STEP_MORE;
		return parse__unreadable(connection, tid);
	}
	size = http__skip(http, cursor->piece_size);
	if (size) {
		parse__consume(cursor, size);
		return STEP_MORE;
	}
	size = cursor->piece_size < SCRATCH_SIZE ? cursor->piece_size : SCRATCH_SIZE;
	if (parse__read(connection, size))
		return parse__unreadable(connection, tid);
	parse__scratch(connection, size);
	parse__consume(cursor, cursor->scanned);
	if (cursor->event == HTTP_HEAD) {
		emit__request(key, connection, tid);
	} else if (cursor->event == HTTP_NOT) {
		connection->sync = SYNC_NEVER;
		connection__report_unknown(connection,
			http->oversized ? UNKNOWN_OVERSIZED : UNKNOWN_NOT_HTTP, &connection->sender,
			tid);
		return STEP_DONE;
	}
	return STEP_MORE;
}

struct steps {
	u64 key;
	u32 tid;
};

LOOP_BODY parse__loop_step(u32 round, struct steps *steps)
{
	int result = parse__step(steps->key, steps->tid);

	/* clang 19 computes with the values that it sees parse__step() return; to the verifier
	 * a global function returns anything */
	barrier_var(result);
	return result != STEP_MORE;
}

/* Parses size bytes of the in-flight send. */
static __always_inline void parse__send(u64 key, struct connection *connection, u32 size, u32 tid)
{
	struct steps steps = {key, tid};
	struct parse_cursor *cursor = &connection->cursor;

	cursor->span = connection->inflight.span;
	cursor->left = size;
	cursor->piece_size = 0;
	if (connection->sync == SYNC_NEVER || !parse__resync(connection))
		return;
	if (cursor->span.kind == SPAN_OPAQUE) {
		parse__unreadable(connection, tid);
		return;
	}
	LOOP(STEPS_MAX, STEPS_MAX, parse__loop_step, &steps);
	parse__skip(connection, cursor->left, UNKNOWN_OVERSIZED, tid);
}

#endif
