/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A send is parsed in two halves. Its entry notes where its bytes are, because tcp_sendmsg()
 * consumes the iterator. The bytes are read after the socket took them, because only then their
 * number is known, and because a page that was not resident before is resident then.
 *
 * The second half runs under the socket's lock, several times for a send that gives the lock up
 * (send__progress); in the tracepoint mode it runs once, at the exit of the send (send__exit).
 */
#ifndef IMDSTRACE_SEND_H
#define IMDSTRACE_SEND_H

#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include "responses.h"
#include "connection.h"
#include "compat.h"
#include "emit.h"
#include "filter.h"
#include "idle.h"
#include "loop.h"
#include "maps.h"

/* Parse steps of one send: 1,024 buffers and 3.9 MiB of heads; 96 KiB without bpf_loop() (5.17).
 * Each head ends a step, and each body is one. */
#ifdef LOOP_BY_HELPER
#define STEPS_MAX 32768
#else
#define STEPS_MAX 4096
#endif

#define MSG_OOB 1 /* include/linux/socket.h */

enum parse_step { STEP_DONE, STEP_MORE };

/* The connection of a socket that sends, opened now if it connected before the trace. NULL: it is
 * not to the endpoint, or the map is full. */
static __always_inline struct connection *send__find_connection(u64 key)
{
	struct connection *connection = bpf_map_lookup_elem(&connections, &key);
	u8 family = 0;

	if (connection)
		return connection;
	if (!filter__socket((const struct sock *)key, &family))
		return NULL;
	connection = connection__open(key, family);
	/* a connect that waits for its first send (TCP_FASTOPEN_CONNECT): that is this one */
	if (connection &&
		BPF_CORE_READ((const struct sock *)key, __sk_common.skc_state) == TCP_SYN_SENT) {
		identity__ensure();
		identity__current(&connection->opener);
	}
	return connection;
}

/* From here on it is not known where a request begins, until send__resync(). */
static __always_inline void send__lose_sync(
	struct connection *connection, enum unknown_reason reason, u32 tid)
{
	if (connection->sync == SYNC_NEVER)
		return;
	connection->sync = SYNC_LOST;
	connection__report_unknown(connection, reason, &connection->sender, tid);
}

/* A send on a connection for which the map is full: only its process is known. */
static __always_inline void send__untracked(const struct sock *sk, u32 tid)
{
	struct process_key sender = {};
	u8 family = 0;

	if (!filter__socket(sk, &family))
		return;
	identity__ensure();
	identity__current(&sender);
	emit__unknown(UNKNOWN_UNTRACKED, family, &sender, tid);
}

/* The connection of a send that begins. NULL as in send__find_connection(). */
static __always_inline struct connection *send__connection(u64 key)
{
	const struct sock *sk = (const struct sock *)key;
	struct connection *connection = send__find_connection(key);

	if (!connection)
		return NULL;
	/* opened just now: it is followed from here on, even if the next program is skipped; an
	 * MPTCP connection's first number is known nowhere else */
	if (!connection->based && (!connection->opener.pid || sock__is_mptcp(sk))) {
		connection__set_base(connection, sock__write_seq(sk));
		identity__ensure();
		identity__current(&connection->sender);
		/* what was sent before the trace may be the beginning of a head; after FIN a send
		 * fails */
		if (!connection->opener.pid && !(BPF_CORE_READ(sk, sk_shutdown) & SEND_SHUTDOWN) &&
			!socket__is_idle(sk))
			send__lose_sync(connection, UNKNOWN_INCOMPLETE, bpf_get_current_pid_tgid());
	}
	return connection;
}

/*
 * The entry of a send of size bytes, outside the socket's lock. Where two programs are attached to
 * it, both note the same, and only the one that is not second counts an untracked send. Of two
 * threads' sends that are in flight together, the first one's note is overwritten, and its bytes
 * become unknown.
 */
static __always_inline struct inflight_send *send__begin(u64 key, u32 size, bool is_second)
{
	const struct sock *sk = (const struct sock *)key;
	u64 thread = bpf_get_current_pid_tgid();
	struct connection *connection = send__connection(key);
	struct inflight_send *inflight;

	if (!connection) {
		if (size && !is_second)
			send__untracked(sk, thread);
		return NULL;
	}
	if (!size)
		return NULL;
	inflight = &connection->inflight;
	inflight->start_known = false;
	inflight->left = size;
	connection__begin_send(sk, connection, thread);
	return inflight;
}

/* Whether the last byte is urgent data, which MPTCP has not. */
static __always_inline bool send__is_urgent(const struct sock *sk, const struct msghdr *msg)
{
	return (BPF_CORE_READ(msg, msg_flags) & MSG_OOB) && !sock__is_mptcp(sk);
}

static __always_inline void send__enter(u64 key, const struct msghdr *msg, bool is_second)
{
	struct inflight_send *inflight =
		send__begin(key, BPF_CORE_READ(msg, msg_iter.count), is_second);

	if (!inflight)
		return;
	iov_iter__span(&msg->msg_iter, &inflight->span);
	inflight->urgent = send__is_urgent((const struct sock *)key, msg);
}

/* A page, which has no address that could be read. */
static __always_inline void send__enter_page(u64 key, u32 size)
{
	struct inflight_send *inflight = send__begin(key, size, false);

	if (inflight)
		inflight->span = (struct span){.kind = SPAN_OPAQUE};
}

/*
 * The entry of a send under the socket's lock, so that write_seq is where its first byte goes. The
 * tracepoint sits in a loop: a second call for the same send has the same thread and the same end.
 * The thread alone does not tell, because the program at an older send's exit may have been
 * skipped.
 */
static __always_inline void send__enter_locked(u64 key, const struct msghdr *msg)
{
	const struct sock *sk = (const struct sock *)key;
	u64 thread = bpf_get_current_pid_tgid();
	struct connection *connection = send__connection(key);
	struct inflight_send *inflight;
	u32 start, left;

	if (!connection || connection->rehearsed)
		return;
	inflight = &connection->inflight;
	start = sock__write_seq(sk);
	left = BPF_CORE_READ(msg, msg_iter.count);
	if (inflight->thread == thread &&
		(!inflight->start_known || inflight->start + inflight->left == start + left))
		return;
	iov_iter__span(&msg->msg_iter, &inflight->span);
	inflight->start_known = true;
	inflight->start = start;
	inflight->left = left;
	connection__begin_send(sk, connection, thread);
	inflight->urgent = send__is_urgent(sk, msg);
}

/*
 * Skips size bytes that cannot be read. Inside a body they need not be.
 */
static __always_inline void send__skip(
	struct connection *connection, u32 size, enum unknown_reason reason, u32 tid)
{
	if (!size || connection->sync == SYNC_NEVER)
		return;
	if (connection->sync == SYNC_OK && http__skip(&connection->requests, size) == size)
		return;
	send__lose_sync(connection, reason, tid);
}

/*
 * Whether the parser is in sync, perhaps again. While it is not, the bytes of a body could look
 * like requests. A new request is sure to begin where, before this send, everything was answered
 * that had been sent, including what was not seen. Without responses that is never known.
 */
static __always_inline bool send__resync(struct connection *connection)
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
static __always_inline bool send__next_piece(struct parse_cursor *cursor)
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
static __always_inline long send__copy(void *to, u32 size, u32 max, u64 start, bool from_kernel)
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

static __always_inline long send__read(struct connection *connection, u32 size)
{
	return send__copy(connection->scratch, size, SCRATCH_SIZE, connection->cursor.piece,
		connection->cursor.span.kind == SPAN_KERNEL);
}

/* The rest of the send cannot be read. */
static __always_inline int send__unreadable(struct connection *connection, u32 tid)
{
	send__skip(connection, connection->cursor.left, UNKNOWN_UNREADABLE, tid);
	connection->cursor.left = 0;
	return STEP_DONE;
}

static __always_inline void send__consume(struct parse_cursor *cursor, u32 size)
{
	cursor->piece += size;
	cursor->piece_size -= size;
	cursor->left -= size;
}

/* One byte of the scratch buffer. */
LOOP_BODY send__recognise_byte(u32 at, struct connection **context)
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
static __always_inline void send__recognise(struct connection *connection, u32 size)
{
	connection->cursor.scanned = 0;
	connection->cursor.event = HTTP_MORE;
	LOOP(size, SCRATCH_SIZE, send__recognise_byte, &connection);
}

/*
 * One parse step: to the next buffer, over a body, or through at most one scratch buffer up to the
 * end of a head. A global function, so that the verifier verifies its loop once, however many steps
 * a send takes; verifiers without bpf_loop() (before 5.17) would refuse long sends otherwise.
 */
__noinline int send__parse_step(u64 key, u32 tid)
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
		if (send__next_piece(cursor))
			return STEP_MORE;
		return send__unreadable(connection, tid);
	}
	size = http__skip(http, cursor->piece_size);
	if (size) {
		send__consume(cursor, size);
		return STEP_MORE;
	}
	size = cursor->piece_size < SCRATCH_SIZE ? cursor->piece_size : SCRATCH_SIZE;
	if (send__read(connection, size))
		return send__unreadable(connection, tid);
	send__recognise(connection, size);
	send__consume(cursor, cursor->scanned);
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

LOOP_BODY send__step(u32 round, struct steps *steps)
{
	int result = send__parse_step(steps->key, steps->tid);

	/* clang 19 computes with the values that it sees send__parse_step() return; to the verifier
	 * a global function returns anything */
	barrier_var(result);
	return result != STEP_MORE;
}

/* Parses size bytes of the in-flight send. */
static __always_inline void send__parse(u64 key, struct connection *connection, u32 size, u32 tid)
{
	struct steps steps = {key, tid};
	struct parse_cursor *cursor = &connection->cursor;

	cursor->span = connection->inflight.span;
	cursor->left = size;
	cursor->piece_size = 0;
	if (connection->sync == SYNC_NEVER || !send__resync(connection))
		return;
	if (cursor->span.kind == SPAN_OPAQUE) {
		send__unreadable(connection, tid);
		return;
	}
	LOOP(STEPS_MAX, STEPS_MAX, send__step, &steps);
	send__skip(connection, cursor->left, UNKNOWN_OVERSIZED, tid);
}

/*
 * Compares where in the stream the send's bytes went with where the parser is. What lies between
 * was not seen. Where they overlap, another send was in flight, and whose bytes are where is not
 * known. Returns whether the noted buffers are those bytes. A Fast Open send may be noted only
 * after SYN took a part of its first buffer: then its span is moved back to its beginning.
 */
static __always_inline bool send__reconcile(
	const struct sock *sk, struct connection *connection, u32 sent, bool seen, u32 tid)
{
	struct inflight_send *inflight = &connection->inflight;
	u32 written = sock__write_seq(sk) - connection->fin;
	u32 start = written - sent;
	u32 before = inflight->start_known ? inflight->start - start : 0;
	s32 gap;

	if (!connection->based) {
		bool fresh = connection->opener.pid && !sock__is_mptcp(sk);

		connection__set_base(
			connection, fresh ? tcp__first_byte((const struct tcp_sock *)sk) : start);
	}
	gap = start - connection->next;
	connection->next = written;
	if (gap < 0) {
		send__lose_sync(connection, UNKNOWN_CONTENDED, tid);
		return false;
	}
	send__skip(connection, gap, UNKNOWN_UNSEEN, tid);
	if (!seen || before > inflight->span.offset)
		return false;
	inflight->span.offset -= before;
	return true;
}

/* The bytes of an MPTCP connection leave through a subflow, which has no send hook of its own: they
 * are added to the first one's next, so that its gap is what the MPTCP connection did not see. */
static __always_inline void send__credit_subflow(const struct sock *sk, u32 sent)
{
	struct connection *connection;
	u64 first;

	if (!sock__is_mptcp(sk) || !bpf_core_type_exists(struct mptcp_sock))
		return;
	first = (u64)BPF_CORE_READ((const struct mptcp_sock *)sk, first);
	connection = bpf_map_lookup_elem(&connections, &first);
	if (connection)
		connection->next += sent;
}

/* Parses sent bytes that the socket took. seen: the send's entry was noted; else they are unknown.
 */
static __always_inline void send__parse_taken(
	const struct sock *sk, u64 key, struct connection *connection, u32 sent, bool seen)
{
	u32 tid = bpf_get_current_pid_tgid();

	identity__ensure();
	identity__current(&connection->sender);
	if (!connection->sender.pid)
		connection->sender = connection->opener;
	seen = send__reconcile(sk, connection, sent, seen, tid);
	send__credit_subflow(sk, sent);
	if (seen && connection->inflight.urgent)
		send__lose_sync(connection, UNKNOWN_URGENT, tid);
	else if (seen)
		send__parse(key, connection, sent, tid);
	else
		send__skip(connection, sent, UNKNOWN_UNSEEN, tid);
}

/* The bytes of a send during which another program was parsing, which may not have set the sender
 * yet. */
static __always_inline void send__contended(struct connection *connection, u32 sent, u32 tid)
{
	struct process_key sender = {};

	connection->sync = SYNC_NEVER;
	connection->next += sent;
	identity__ensure();
	identity__current(&sender);
	if (!sender.pid)
		sender = connection->opener;
	connection__report_unknown(connection, UNKNOWN_CONTENDED, &sender, tid);
}

/* Whether every byte of the socket is parsed: another program did it. */
static __always_inline bool send__is_parsed(
	const struct sock *sk, const struct connection *connection)
{
	return connection->based && connection->next == sock__write_seq(sk) - connection->fin;
}

/* Takes sent more bytes of a send, in one program at a time. */
static __always_inline void send__take(
	const struct sock *sk, u64 key, struct connection *connection, u32 sent, bool seen)
{
	if (!seen)
		ATOMIC_INC(&counters.unnoted_sends);
	if (conn__trylock(&connection->parsing))
		send__parse_taken(sk, key, connection, sent, seen);
	else
		send__contended(connection, sent, bpf_get_current_pid_tgid());
	conn__unlock(&connection->parsing);
}

/*
 * Under the socket's lock, in the context of the thread that holds it: takes what the socket was
 * given since the last call, which is nothing where the lock is held for something else than a
 * send. pushed: the caller is a send, perhaps one that began before the hooks were attached.
 */
static __always_inline void send__progress(u64 key, bool pushed)
{
	const struct sock *sk = (const struct sock *)key;
	struct connection *connection = bpf_map_lookup_elem(&connections, &key);
	struct inflight_send *inflight;
	u32 sent, taken;
	bool seen;

	if (sock__is_subflow(sk) || (connection && connection->rehearsed))
		return;
	if (!connection) {
		if (pushed)
			send__connection(key);
		return;
	}
	inflight = &connection->inflight;
	seen = inflight->thread == bpf_get_current_pid_tgid();
	if (!connection->based) {
		/* before SYN is queued, the sequence numbers are not set */
		if (sock__is_mptcp(sk) ||
			(!seen && BPF_CORE_READ(sk, __sk_common.skc_state) == TCP_SYN_SENT))
			return;
		connection__set_base(connection, tcp__first_byte((const struct tcp_sock *)sk));
	}
	sent = sock__write_seq(sk) - connection->fin - connection->next;
	if ((s32)sent <= 0)
		return;
	taken = seen && sent > inflight->left ? inflight->left : sent;
	send__take(sk, key, connection, taken, seen);
	if (seen) {
		inflight->span.offset += taken;
		inflight->start += taken;
		inflight->left -= taken;
		inflight->taken += taken;
		if (!inflight->left)
			inflight->thread = 0;
	}
	if (connection->close_left)
		connection__close(sk, key, true);
}

/* As bpf_get_current_pid_tgid(), which programs of sockets do not have before 6.10. */
static __always_inline u64 send__thread(void)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();

	return (u64)BPF_CORE_READ(task, tgid) << 32 | (u32)BPF_CORE_READ(task, pid);
}

/* Before SYN is sent, under the socket's lock: where a send makes the connect, that send begins. */
static __always_inline void send__connect(u64 key)
{
	struct connection *connection = send__find_connection(key);

	if (connection && !sock__is_mptcp((const struct sock *)key))
		connection__begin_fastopen((const struct sock *)key, connection, send__thread());
}

/*
 * The exit of a send that took sent bytes, or failed (sent <= 0). is_second: another program is
 * attached to the same exit, and counts an untracked send, which must be counted once.
 */
static __always_inline void send__exit(u64 key, int sent, bool is_second)
{
	const struct sock *sk = (const struct sock *)key;
	u64 thread = bpf_get_current_pid_tgid();
	struct connection *connection = bpf_map_lookup_elem(&connections, &key);
	bool seen;

	if (!connection) {
		bool closed = BPF_CORE_READ(sk, __sk_common.skc_state) == TCP_CLOSE;

		/* a closed socket was checked without this send, unless the map was full when it
		 * connected */
		if (sent <= 0 || (closed && !counters.untracked_connections))
			return;
		connection = closed ? NULL : send__find_connection(key);
		if (!connection) {
			if (!is_second)
				send__untracked(sk, thread);
			return;
		}
	}
	if (connection->rehearsed)
		return;
	seen = connection->inflight.thread == thread;
	if (seen && sent > 0)
		sent -= connection->inflight.taken;
	if (sent > 0 && !send__is_parsed(sk, connection))
		send__take(sk, key, connection, sent, seen);
	else if (!seen)
		return;
	if (seen)
		connection->inflight.thread = 0;
	if (connection->close_left)
		connection__close(sk, key, true);
}

#endif
