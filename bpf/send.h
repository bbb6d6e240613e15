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
#include "maps.h"
#include "parse.h"

#define MSG_OOB 1 /* include/linux/socket.h */

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
			parse__lose_sync(
				connection, UNKNOWN_INCOMPLETE, bpf_get_current_pid_tgid());
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

/* A rehearsed send, of which its own program is not told with which flags it was made: the last
 * byte may not be where the service reads. */
static __always_inline void send__urgent(u64 key, int flags)
{
	struct connection *connection;

	if (!(flags & MSG_OOB))
		return;
	connection = bpf_map_lookup_elem(&connections, &key);
	if (connection && connection->rehearsed)
		parse__lose_sync(connection, UNKNOWN_URGENT, bpf_get_current_pid_tgid());
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

	if (connection && connection->rehearsed)
		send__urgent(key, BPF_CORE_READ(msg, msg_flags));
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
		parse__lose_sync(connection, UNKNOWN_CONTENDED, tid);
		return false;
	}
	parse__skip(connection, gap, UNKNOWN_UNSEEN, tid);
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
		parse__lose_sync(connection, UNKNOWN_URGENT, tid);
	else if (seen)
		parse__send(key, connection, sent, tid);
	else
		parse__skip(connection, sent, UNKNOWN_UNSEEN, tid);
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
