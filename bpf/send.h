/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A send, in two halves: what it was given is noted at its entry, because the iterator is consumed
 * on the way; what the socket took of it is read afterwards, because a page that was not resident
 * before is then, and because only then their number is known.
 *
 * The second half runs inside the socket's lock and may come several times for one send, whenever
 * the lock is given up (send__progress); in the tracepoint mode it runs once, behind the send
 * (send__exit).
 */
#ifndef IMDSTRACE_SEND_H
#define IMDSTRACE_SEND_H

#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include "answers.h"
#include "books.h"
#include "compat.h"
#include "emit.h"
#include "filter.h"
#include "idle.h"
#include "loop.h"
#include "maps.h"

/* Steps that one send may take: 1,024 buffers and 3.9 MiB of heads, or any mixture. Without
 * bpf_loop(), 96 KiB. A head ends a step, however short it is, and a body is one, however long. */
#ifdef LOOP_BY_HELPER
#define STEPS_MAX 32768
#else
#define STEPS_MAX 4096
#endif

#define MSG_OOB 1 /* include/linux/socket.h */

enum step { STEP_DONE, STEP_MORE };

/* The account of a socket that sends, opened now if it connected before the tracer was there. */
static __always_inline struct connection *send__account(u64 key)
{
	struct connection *connection = bpf_map_lookup_elem(&connections, &key);
	u8 family = 0;

	if (connection)
		return connection;
	if (!filter__socket((const struct sock *)key, &family))
		return NULL;
	connection = books__open(key, family);
	/* a connect that waits for its first send (TCP_FASTOPEN_CONNECT): that is this one */
	if (connection &&
		BPF_CORE_READ((const struct sock *)key, __sk_common.skc_state) == TCP_SYN_SENT) {
		identify();
		identity__current(&connection->opener);
	}
	return connection;
}

/* From here on it is not known where a request begins: see send__regain(). */
static __always_inline void send__lose(
	struct connection *connection, enum unknown_reason reason, u32 tid)
{
	if (connection->deaf)
		return;
	connection->lost = true;
	books__unknown(connection, reason, &connection->sender, tid);
}

/* A send on a connection for which there is no room: all that can be told is who. */
static __always_inline void send__untracked(const struct sock *sk, u32 tid)
{
	struct process_key sender = {};
	u8 family = 0;

	if (!filter__socket(sk, &family))
		return;
	identify();
	identity__current(&sender);
	emit__unknown(UNKNOWN_UNTRACKED, family, &sender, tid);
}

/* The connection of a send that begins. NULL: there is no room for it. */
static __always_inline struct connection *send__connection(u64 key)
{
	const struct sock *sk = (const struct sock *)key;
	struct connection *connection = send__account(key);

	if (!connection)
		return NULL;
	/* opened just now: from here on it counts, also when what follows is skipped; the first
	 * number of an MPTCP connection is told nowhere else */
	if (!connection->based && (!connection->opener.pid || books__is_mptcp(sk))) {
		books__base(connection, books__written(sk));
		identify();
		identity__current(&connection->sender);
		/* what was sent before the tracer may be the beginning of a head; behind FIN a send
		 * fails */
		if (!connection->opener.pid && !(BPF_CORE_READ(sk, sk_shutdown) & SEND_SHUTDOWN) &&
			!socket__is_idle(sk))
			send__lose(connection, UNKNOWN_INCOMPLETE, bpf_get_current_pid_tgid());
	}
	return connection;
}

/*
 * The entry of a send, outside the socket's lock. size: what it was given. Programs of two kinds
 * may be there for it, and note the same. again: the other one counts what has no room. Of two
 * threads' sends that are under way together, the first one's note is overwritten, and its bytes
 * will be unknown.
 */
static __always_inline struct pending *send__begin(u64 key, u32 size, bool again)
{
	const struct sock *sk = (const struct sock *)key;
	u64 thread = bpf_get_current_pid_tgid();
	struct connection *connection = send__connection(key);
	struct pending *pending;

	if (!connection) {
		if (size && !again)
			send__untracked(sk, thread);
		return NULL;
	}
	if (!size)
		return NULL;
	pending = &connection->pending;
	pending->start_known = false;
	pending->left = size;
	books__begin(sk, connection, thread);
	return pending;
}

/* Whether the last byte is urgent data, which MPTCP has not. */
static __always_inline bool send__is_urgent(const struct sock *sk, const struct msghdr *msg)
{
	return (BPF_CORE_READ(msg, msg_flags) & MSG_OOB) && !books__is_mptcp(sk);
}

static __always_inline void send__enter(u64 key, const struct msghdr *msg, bool again)
{
	struct pending *pending = send__begin(key, BPF_CORE_READ(msg, msg_iter.count), again);

	if (!pending)
		return;
	iov_iter__span(&msg->msg_iter, &pending->span);
	pending->urgent = send__is_urgent((const struct sock *)key, msg);
}

/* A page, which has no address to read it at. */
static __always_inline void send__enter_page(u64 key, u32 size)
{
	struct pending *pending = send__begin(key, size, false);

	if (pending)
		pending->span = (struct span){.kind = SPAN_OPAQUE};
}

/*
 * The entry of a send inside the socket's lock, so that its write_seq is where the send's first
 * byte goes. A second call for the same send (the tracepoint sits in a loop) is told by the thread,
 * and by where the send will end: the exit of an older one may have been skipped.
 */
static __always_inline void send__enter_locked(u64 key, const struct msghdr *msg)
{
	const struct sock *sk = (const struct sock *)key;
	u64 thread = bpf_get_current_pid_tgid();
	struct connection *connection = send__connection(key);
	struct pending *pending;
	u32 start, left;

	if (!connection || connection->rehearsed)
		return;
	pending = &connection->pending;
	start = books__written(sk);
	left = BPF_CORE_READ(msg, msg_iter.count);
	if (pending->thread == thread &&
		(!pending->start_known || pending->start + pending->left == start + left))
		return;
	iov_iter__span(&msg->msg_iter, &pending->span);
	pending->start_known = true;
	pending->start = start;
	pending->left = left;
	books__begin(sk, connection, thread);
	pending->urgent = send__is_urgent(sk, msg);
}

/*
 * Passes over size bytes that cannot be looked at. Inside a body that is no loss: they need not be.
 */
static __always_inline void send__pass(
	struct connection *connection, u32 size, enum unknown_reason reason, u32 tid)
{
	if (!size || connection->deaf)
		return;
	if (!connection->lost && http__skip(&connection->requests, size) == size)
		return;
	send__lose(connection, reason, tid);
}

/*
 * Whether the recogniser knows where it is. Once it was lost, what a body holds could look like
 * requests; a new one is sure to begin only where, before this send, everything had been answered,
 * also something that was not seen. Without responses that is never known.
 */
static __always_inline bool send__regain(struct connection *connection)
{
	u32 answered = connection->pending.answered;
	bool alone;

	if (!connection->lost)
		return true;
	if (!connection->pending.answers_idle || (s32)(answered - connection->asked) <= 0)
		return false;
	ATOMIC_ADD(&connection->pairing, 1);
	alone = *(volatile s32 *)&connection->pairing == 1;
	if (alone) {
		connection->asked = answered;
		connection->paired = answered;
		connection->lost = false;
		http__reset(&connection->requests, false);
	}
	ATOMIC_ADD(&connection->pairing, -1);
	return alone;
}

/* The next buffer of the send. */
static __always_inline bool send__next_piece(struct feed *feed)
{
	struct iovec piece = {};

	if (!feed->span.pieces)
		return false;
	feed->span.pieces--;
	if (feed->span.kind == SPAN_BUFFER) {
		feed->piece = feed->span.start + feed->span.offset;
		feed->piece_size = feed->left;
		return true;
	}
	if (bpf_probe_read_kernel(&piece, sizeof(piece), (void *)feed->span.start))
		return false;
	feed->span.start += sizeof(piece);
	if (piece.iov_len <= feed->span.offset) { /* taken before, or empty */
		feed->span.offset -= piece.iov_len;
		return true;
	}
	piece.iov_len -= feed->span.offset;
	feed->piece = (u64)piece.iov_base + feed->span.offset;
	feed->piece_size = piece.iov_len < feed->left ? piece.iov_len : feed->left;
	feed->span.offset = 0;
	return true;
}

/* Reads up to max bytes. Where they come from is brought into a register before the size is checked
 * (see HTTP_INDEX). */
static __always_inline long send__copy(void *to, u32 size, u32 max, u64 start, bool from_kernel)
{
	const void *from = (const void *)start;

	HTTP_INDEX(from);
	HTTP_INDEX(size);
	if (size > max)
		return -1;
	if (from_kernel)
		return bpf_probe_read_kernel(to, size, from);
	return bpf_probe_read_user(to, size, from);
}

static __always_inline long send__read(struct connection *connection, u32 size)
{
	return send__copy(connection->chunk, size, CHUNK_SIZE, connection->feed.piece,
		connection->feed.span.kind == SPAN_KERNEL);
}

/* The rest of the send cannot be read. */
static __always_inline int send__unreadable(struct connection *connection, u32 tid)
{
	send__pass(connection, connection->feed.left, UNKNOWN_UNREADABLE, tid);
	connection->feed.left = 0;
	return STEP_DONE;
}

static __always_inline void send__consume(struct feed *feed, u32 size)
{
	feed->piece += size;
	feed->piece_size -= size;
	feed->left -= size;
}

/* One byte of the chunk. */
LOOP_BODY send__recognise_byte(u32 at, struct connection **context)
{
	struct connection *connection = *context;
	volatile struct feed *feed = &connection->feed;
	enum http_event event;

	HTTP_INDEX(at);
	if (at >= CHUNK_SIZE)
		return 1;
	event = http__byte(&connection->requests, connection->chunk[at]);
	feed->scanned = at + 1;
	feed->event = event;
	return event != HTTP_MORE;
}

/*
 * Feeds up to size bytes of the chunk to the recogniser, up to the first event. How far it came and
 * what the event was are left in memory, where the verifier does not follow them: otherwise it
 * would look at everything behind the loop once for every byte at which the loop may end.
 */
static __always_inline void send__recognise(struct connection *connection, u32 size)
{
	connection->feed.scanned = 0;
	connection->feed.event = HTTP_MORE;
	LOOP(size, CHUNK_SIZE, send__recognise_byte, &connection);
}

/*
 * One step of reading what was sent: to the next buffer, over a body, or through at most one chunk
 * up to the end of a head. A global function, so that the verifier looks at its loop once, however
 * many steps a send takes: this is what lets long sends pass the verifiers without bpf_loop.
 */
__noinline int step(u64 key, u32 tid)
{
	struct connection *connection = bpf_map_lookup_elem(&connections, &key);
	struct feed *feed;
	struct http *http;
	u32 size;

	if (!connection)
		return STEP_DONE;
	feed = &connection->feed;
	http = &connection->requests;
	if (!feed->left)
		return STEP_DONE;
	if (!feed->piece_size) {
		if (send__next_piece(feed))
			return STEP_MORE;
		return send__unreadable(connection, tid);
	}
	size = http__skip(http, feed->piece_size);
	if (size) {
		send__consume(feed, size);
		return STEP_MORE;
	}
	size = feed->piece_size < CHUNK_SIZE ? feed->piece_size : CHUNK_SIZE;
	if (send__read(connection, size))
		return send__unreadable(connection, tid);
	send__recognise(connection, size);
	send__consume(feed, feed->scanned);
	if (feed->event == HTTP_HEAD) {
		emit__request(key, connection, tid);
	} else if (feed->event == HTTP_NOT) {
		connection->deaf = true;
		books__unknown(connection, http->oversized ? UNKNOWN_OVERSIZED : UNKNOWN_NOT_HTTP,
			&connection->sender, tid);
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
	int result = step(steps->key, steps->tid);

	/* clang 19 computes with the values that it sees step() return; to the verifier a global
	 * function returns anything */
	barrier_var(result);
	return result != STEP_MORE;
}

/* Feeds size bytes of the pending send to the recogniser. */
static __always_inline void send__feed(u64 key, struct connection *connection, u32 size, u32 tid)
{
	struct steps steps = {key, tid};
	struct feed *feed = &connection->feed;

	feed->span = connection->pending.span;
	feed->left = size;
	feed->piece_size = 0;
	if (connection->deaf || !send__regain(connection))
		return;
	if (feed->span.kind == SPAN_OPAQUE) {
		send__unreadable(connection, tid);
		return;
	}
	LOOP(STEPS_MAX, STEPS_MAX, send__step, &steps);
	send__pass(connection, feed->left, UNKNOWN_OVERSIZED, tid);
}

/*
 * Where in the stream the send's bytes went, compared with where the account stands: what lies
 * between went unseen. Where they overlap, another send was under way, and nobody can say whose
 * bytes are where. Returns whether what was noted is what went there. A Fast Open send is first
 * seen behind what SYN took of its first buffer: then the span is taken back to where it began.
 */
static __always_inline bool send__reconcile(
	const struct sock *sk, struct connection *connection, u32 sent, bool seen, u32 tid)
{
	struct pending *pending = &connection->pending;
	u32 written = books__written(sk) - connection->fin;
	u32 start = written - sent;
	u32 behind = pending->start_known ? pending->start - start : 0;
	s32 gap;

	if (!connection->based) {
		bool fresh = connection->opener.pid && !books__is_mptcp(sk);

		books__base(
			connection, fresh ? tcp__first_byte((const struct tcp_sock *)sk) : start);
	}
	gap = start - connection->next;
	connection->next = written;
	if (gap < 0) {
		send__lose(connection, UNKNOWN_CONTENDED, tid);
		return false;
	}
	send__pass(connection, gap, UNKNOWN_UNSEEN, tid);
	if (!seen || behind > pending->span.offset)
		return false;
	pending->span.offset -= behind;
	return true;
}

/* The bytes of an MPTCP connection leave through a subflow, whose own account has no sender: it is
 * credited here, so that its books tell what the connection above it did not see. */
static __always_inline void send__credit_subflow(const struct sock *sk, u32 sent)
{
	struct connection *connection;
	u64 first;

	if (!books__is_mptcp(sk) || !bpf_core_type_exists(struct mptcp_sock))
		return;
	first = (u64)BPF_CORE_READ((const struct mptcp_sock *)sk, first);
	connection = bpf_map_lookup_elem(&connections, &first);
	if (connection)
		connection->next += sent;
}

/* Bytes that the socket took of a send. seen: its entry was noted; else they are unknown. */
static __always_inline void send__over(
	const struct sock *sk, u64 key, struct connection *connection, u32 sent, bool seen)
{
	u32 tid = bpf_get_current_pid_tgid();

	identify();
	identity__current(&connection->sender);
	if (!connection->sender.pid)
		connection->sender = connection->opener;
	seen = send__reconcile(sk, connection, sent, seen, tid);
	send__credit_subflow(sk, sent);
	if (seen && connection->pending.urgent)
		send__lose(connection, UNKNOWN_URGENT, tid);
	else if (seen)
		send__feed(key, connection, sent, tid);
	else
		send__pass(connection, sent, UNKNOWN_UNSEEN, tid);
}

/* The bytes of a send that found another one at the recogniser, which may not have said yet who it
 * is. */
static __always_inline void send__contended(struct connection *connection, u32 sent, u32 tid)
{
	struct process_key sender = {};

	connection->deaf = true;
	connection->next += sent;
	identify();
	identity__current(&sender);
	if (!sender.pid)
		sender = connection->opener;
	books__unknown(connection, UNKNOWN_CONTENDED, &sender, tid);
}

/* Whether the account stands where the socket does: another program was here. */
static __always_inline bool send__is_accounted(
	const struct sock *sk, const struct connection *connection)
{
	return connection->based && connection->next == books__written(sk) - connection->fin;
}

/* Takes sent more bytes of a send. One program at a time feeds the recogniser: who is not alone
 * keeps off it. */
static __always_inline void send__take(
	const struct sock *sk, u64 key, struct connection *connection, u32 sent, bool seen)
{
	if (!seen)
		COUNT(counters.unnoted_sends);
	ATOMIC_ADD(&connection->users, 1);
	if (*(volatile s32 *)&connection->users == 1)
		send__over(sk, key, connection, sent, seen);
	else
		send__contended(connection, sent, bpf_get_current_pid_tgid());
	ATOMIC_ADD(&connection->users, -1);
}

/*
 * Inside the socket's lock, in the context of whoever holds it: takes what the socket was given
 * since the last time. That is nothing for those that hold the lock for something else than a send.
 * pushed: it is a send's, whose connection is unknown where the send began before the hooks were
 * on.
 */
static __always_inline void send__progress(u64 key, bool pushed)
{
	const struct sock *sk = (const struct sock *)key;
	struct connection *connection = bpf_map_lookup_elem(&connections, &key);
	struct pending *pending;
	u32 sent, taken;
	bool seen;

	if (books__is_subflow(sk) || (connection && connection->rehearsed))
		return;
	if (!connection) {
		if (pushed)
			send__connection(key);
		return;
	}
	pending = &connection->pending;
	seen = pending->thread == bpf_get_current_pid_tgid();
	if (!connection->based) {
		/* before SYN is queued, the numbers are not there yet */
		if (books__is_mptcp(sk) ||
			(!seen && BPF_CORE_READ(sk, __sk_common.skc_state) == TCP_SYN_SENT))
			return;
		books__base(connection, tcp__first_byte((const struct tcp_sock *)sk));
	}
	sent = books__written(sk) - connection->fin - connection->next;
	if ((s32)sent <= 0)
		return;
	taken = seen && sent > pending->left ? pending->left : sent;
	send__take(sk, key, connection, taken, seen);
	if (seen) {
		pending->span.offset += taken;
		pending->start += taken;
		pending->left -= taken;
		pending->taken += taken;
		if (!pending->left)
			pending->thread = 0;
	}
	if (connection->closed)
		books__close(sk, key, true);
}

/* As bpf_get_current_pid_tgid(), which programs of sockets do not have before 6.10. */
static __always_inline u64 send__thread(void)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();

	return (u64)BPF_CORE_READ(task, tgid) << 32 | (u32)BPF_CORE_READ(task, pid);
}

/* Before SYN is sent, inside the socket's lock: where the connect is a send's, that one begins. */
static __always_inline void send__connect(u64 key)
{
	struct connection *connection = send__account(key);

	if (connection && !books__is_mptcp((const struct sock *)key))
		books__open_fast((const struct sock *)key, connection, send__thread());
}

/*
 * Behind a send that took sent bytes, or failed (sent <= 0). again: another program is there for
 * the same, and counts what has no account, which could not tell the two apart.
 */
static __always_inline void send__exit(u64 key, int sent, bool again)
{
	const struct sock *sk = (const struct sock *)key;
	u64 thread = bpf_get_current_pid_tgid();
	struct connection *connection = bpf_map_lookup_elem(&connections, &key);
	bool seen;

	if (!connection) {
		bool closed = BPF_CORE_READ(sk, __sk_common.skc_state) == TCP_CLOSE;

		/* a socket that is closed by now was settled without this send, unless there was
		 * no room for its account */
		if (sent <= 0 || (closed && !counters.untracked_connections))
			return;
		connection = closed ? NULL : send__account(key);
		if (!connection) {
			if (!again)
				send__untracked(sk, thread);
			return;
		}
	}
	if (connection->rehearsed)
		return;
	seen = connection->pending.thread == thread;
	if (seen && sent > 0)
		sent -= connection->pending.taken;
	if (sent > 0 && !send__is_accounted(sk, connection))
		send__take(sk, key, connection, sent, seen);
	else if (!seen)
		return;
	if (seen)
		connection->pending.thread = 0;
	if (connection->closed)
		books__close(sk, key, true);
}

#endif
