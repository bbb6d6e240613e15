/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The books: an account per connection, opened by the connect and balanced against the socket's
 * own sequence numbers, so that what no send hook saw shows as a difference.
 */
#ifndef IMDSTRACE_BOOKS_H
#define IMDSTRACE_BOOKS_H

#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include "answers.h"
#include "compat.h"
#include "emit.h"
#include "filter.h"
#include "identity.h"
#include "idle.h"
#include "maps.h"

enum tcp_state {
	TCP_ESTABLISHED = 1,
	TCP_SYN_SENT,
	TCP_SYN_RECV,
	TCP_FIN_WAIT1,
	TCP_FIN_WAIT2,
	TCP_TIME_WAIT,
	TCP_CLOSE,
	TCP_CLOSE_WAIT,
	TCP_LAST_ACK,
	TCP_LISTEN,
	TCP_CLOSING,
};

#define SEND_SHUTDOWN 2

static __always_inline bool books__is_mptcp(const struct sock *sk)
{
	return BPF_CORE_READ(sk, sk_protocol) == IPPROTO_MPTCP;
}

/* The sequence number behind the last byte that the socket took from its senders. */
static __always_inline u32 books__written(const struct sock *sk)
{
	if (!books__is_mptcp(sk))
		return BPF_CORE_READ((const struct tcp_sock *)sk, write_seq);
	if (bpf_core_type_exists(struct mptcp_sock))
		return BPF_CORE_READ((const struct mptcp_sock *)sk, write_seq);
	return 0;
}

static __always_inline void books__base(struct connection *connection, u32 sequence)
{
	connection->base = sequence;
	connection->next = sequence;
	connection->based = true;
}

/* Counts the connection as unknown, once. process: who is to be named. */
static __always_inline void books__unknown(struct connection *connection,
	enum unknown_reason reason, const struct process_key *process, u32 tid)
{
	if (connection->unknown)
		return;
	connection->unknown = true;
	emit__unknown(reason, connection->family, process, tid);
}

/* A new account under key, or NULL where the table is full. */
static __always_inline struct connection *books__open(u64 key, u8 family)
{
	struct connection *connection;

	bpf_map_update_elem(&connections, &key, &blank_connection, BPF_ANY);
	connection = bpf_map_lookup_elem(&connections, &key);
	if (!connection)
		return NULL;
	connection->family = family;
	connection->answer_next = BPF_CORE_READ((const struct tcp_sock *)key, rcv_nxt);
	http__reset(&connection->requests, false);
	http__reset(&connection->answers, true);
	return connection;
}

/* Whether sk is a subflow of an MPTCP connection. Such a one may send bytes again that another
 * one lost, and only the first is credited with what the connection was given (send.h). */
static __always_inline bool books__is_subflow(const struct sock *sk)
{
	return !books__is_mptcp(sk) && bpf_core_field_exists(struct tcp_sock, is_mptcp) &&
	       BPF_CORE_READ((const struct tcp_sock *)sk, is_mptcp);
}

static __always_inline bool books__is_first_subflow(const struct sock *sk)
{
	struct mptcp_subflow_context *subflow =
		BPF_CORE_READ((const struct inet_connection_sock *)sk, icsk_ulp_data);
	const struct mptcp_sock *whole = (const void *)BPF_CORE_READ(subflow, conn);

	return BPF_CORE_READ(whole, first) == sk;
}

/* Whether the hooks were given every byte that the socket sent. */
static __always_inline bool books__balanced(
	const struct sock *sk, const struct connection *connection)
{
	u32 sent = books__written(sk) - connection->fin - connection->base;
	u32 seen = connection->next - connection->base;

	if (!connection->based || seen == sent)
		return true;
	/* the program that would have noted the FIN may itself have been skipped */
	if (!connection->fin && sent - seen == 1 &&
		(BPF_CORE_READ(sk, sk_shutdown) & SEND_SHUTDOWN))
		return true;
	if (!books__is_subflow(sk))
		return false;
	return seen > sent || !books__is_first_subflow(sk);
}

/*
 * The base of an account that was opened by a connect, where the programs that would have noted it
 * were skipped. What a subflow was credited with stands in next already. A connection that was
 * never established has no byte acknowledged, and sent nothing that counts.
 */
static __always_inline void books__base_late(const struct sock *sk, struct connection *connection)
{
	const struct tcp_sock *tp = (const struct tcp_sock *)sk;

	if (connection->based || !connection->opener.pid || books__is_mptcp(sk) ||
		!BPF_CORE_READ(tp, bytes_acked))
		return;
	connection->base = tcp__first_byte(tp);
	connection->next += connection->base;
	connection->based = true;
}

/* Whether more responses came back than requests were seen: something asked that was not seen.
 * Those of an MPTCP connection come to its subflows, which have no requests. */
static __always_inline bool books__unasked(
	const struct sock *sk, const struct connection *connection)
{
	return !connection->deaf && !connection->lost && !connection->answers_lost &&
	       (s32)(connection->answered - connection->asked) > 0 && !books__is_subflow(sk);
}

static __always_inline const struct process_key *books__sender(const struct connection *connection)
{
	return connection->sender.pid ? &connection->sender : &connection->opener;
}

/* Whether a head has begun that has not ended. */
static __always_inline bool books__is_half_read(const struct connection *connection)
{
	return !connection->deaf && !http__idle(&connection->requests);
}

/* Strikes the balance. Nothing may be under way. */
static __always_inline void books__settle(const struct sock *sk, struct connection *connection)
{
	const struct process_key *sender = books__sender(connection);

	if (connection->settled)
		return;
	connection->settled = true;
	books__base_late(sk, connection);
	if (!books__balanced(sk, connection))
		books__unknown(connection, UNKNOWN_UNSEEN, sender, 0);
	else if (books__is_half_read(connection))
		books__unknown(connection, UNKNOWN_INCOMPLETE, sender, 0);
}

/* Settles and ends the account of a socket that is closed, unless a send is under way on it: then
 * that send's exit does. force: no send can be under way any more. */
static __always_inline void books__close(const struct sock *sk, u64 key, bool force)
{
	struct connection *connection = bpf_map_lookup_elem(&connections, &key);

	if (!connection)
		return;
	if (connection->pending.thread && !force) {
		connection->closed = true;
		return;
	}
	books__settle(sk, connection);
	if (books__unasked(sk, connection)) /* also of what came behind FIN */
		books__unknown(connection, UNKNOWN_UNASKED, books__sender(connection), 0);
	pair(key);
	bpf_map_delete_elem(&connections, &key);
}

/* Whether the program that will end the send under way has not run yet. */
static __always_inline bool books__in_flight(const struct connection *connection)
{
	return ((volatile const struct connection *)connection)->pending.thread;
}

/* Looks at a connection between two sends, where all that was asked for is counted. */
static __always_inline void books__check_responses(
	const struct sock *sk, struct connection *connection)
{
	if (!books__unasked(sk, connection) || books__in_flight(connection) ||
		!books__balanced(sk, connection))
		return;
	books__unknown(connection, UNKNOWN_UNASKED, books__sender(connection), 0);
	connection->answers_lost = true; /* which response is whose cannot be told any more */
}

/* What every send that begins remembers of its connection as it was before. */
static __always_inline void books__begin(
	const struct sock *sk, struct connection *connection, u64 thread)
{
	struct pending *pending = &connection->pending;

	books__check_responses(sk, connection);
	pending->urgent = false;
	pending->taken = 0;
	pending->answered = connection->answered;
	pending->answers_idle = !connection->answers_lost && connection->answers.state == S_ANSWER;
	pending->thread = thread;
}

/*
 * A connect that a Fast Open send makes on its way. No entry hook knew where to: the socket had no
 * address yet. The message is where the kernel keeps it for SYN, and nothing of it is taken yet.
 */
static __always_inline void books__open_fast(
	const struct sock *sk, struct connection *connection, u64 thread)
{
	struct tcp_fastopen_request *request =
		BPF_CORE_READ((const struct tcp_sock *)sk, fastopen_req);
	const struct msghdr *msg = BPF_CORE_READ(request, data);

	if (!msg || books__is_subflow(sk))
		return;
	iov_iter__span(&msg->msg_iter, &connection->pending.span);
	connection->pending.start_known = false;
	connection->pending.left = BPF_CORE_READ(msg, msg_iter.count);
	books__begin(sk, connection, thread);
}

/* A connect: whoever connects is current. */
static __always_inline void books__connect(const struct sock *sk, u64 key, u8 family)
{
	struct connection *connection;

	COUNT(counters.connections);
	books__close(sk, key, true); /* an account whose close was missed */
	identify();
	connection = books__open(key, family);
	if (!connection) {
		COUNT(counters.untracked_connections);
		return;
	}
	identity__current(&connection->opener);
	if (!books__is_mptcp(sk))
		books__open_fast(sk, connection, bpf_get_current_pid_tgid());
}

/*
 * The end of a connection that has no account, although it sent something since the hooks were
 * attached: each program that would have opened one was skipped. tcp_sock.lsndtime is when it last
 * sent data, on the jiffies' clock.
 */
static __always_inline void books__close_unaccounted(
	const struct sock *sk, u8 family, int from, int to)
{
	u32 last = BPF_CORE_READ((const struct tcp_sock *)sk, lsndtime);
	struct process_key process = {};

	if (books__is_mptcp(sk) || counters.untracked_connections || (s32)(last - attached) < 0)
		return;
	if (to == TCP_CLOSE) {
		if (from != TCP_ESTABLISHED && from != TCP_CLOSE_WAIT)
			return; /* FIN was sent before: that was the end */
	} else {
		/* whoever closes is current; at a reset anybody may be */
		identify();
		identity__current(&process);
	}
	emit__unknown(UNKNOWN_UNSEEN, family, &process, 0);
}

/* Every change of a TCP state, in whatever context. */
static __always_inline void books__state(
	const struct sock *sk, u64 key, u8 family, int from, int to)
{
	bool ends = to == TCP_FIN_WAIT1 || to == TCP_LAST_ACK || to == TCP_CLOSE;
	struct connection *connection;

	if (to == TCP_SYN_SENT) {
		books__connect(sk, key, family);
		return;
	}
	connection = bpf_map_lookup_elem(&connections, &key);
	if (!connection) {
		if (ends)
			books__close_unaccounted(sk, family, from, to);
		return;
	}
	if (to == TCP_CLOSE) {
		/* one that was never established loses its address before its send's exit, and of
		 * an MPTCP one nobody tells when it is destroyed */
		books__close(sk, key,
			books__is_mptcp(sk) || (connection->opener.pid && !connection->based));
		return;
	}
	if (to == TCP_ESTABLISHED && !connection->based && !books__is_mptcp(sk)) {
		books__base(connection, tcp__first_byte((const struct tcp_sock *)sk));
		connection->answer_next = BPF_CORE_READ((const struct tcp_sock *)sk, rcv_nxt);
	} else if (ends) {
		/* FIN is queued after this: nothing more can be sent, and the numbers are still
		 * exact */
		if (!connection->pending.thread)
			books__settle(sk, connection);
		connection->fin = true;
	}
}

/*
 * Whether bytes went out that were not parsed: while the hooks are on, between two sends, of which
 * one may come while the numbers are read; once they are off, of a send that was in flight. What
 * else is sent then comes behind the trace.
 */
static __always_inline bool books__is_behind(const struct sock *sk, struct connection *connection)
{
	volatile struct connection *now = connection;
	u32 next = now->next;
	u8 family;

	if (!filter__socket(sk, &family)) /* its end was missed: nothing is left to compare with */
		return false;
	return !books__balanced(sk, connection) && books__in_flight(connection) == detached &&
	       now->next == next;
}

/*
 * The end of the trace, for a connection that stays. Called twice: before the hooks are off, for
 * those between two sends, whose numbers can be compared; and after, when what is half read or in
 * flight will stay so.
 */
static __always_inline void books__end_of_trace(u64 key)
{
	struct connection *connection = bpf_map_lookup_elem(&connections, &key);
	const struct sock *sk = (const struct sock *)key;

	if (!connection || connection->settled || (!detached && books__in_flight(connection)))
		return;
	if (books__is_behind(sk, connection))
		books__unknown(connection, detached ? UNKNOWN_INCOMPLETE : UNKNOWN_UNSEEN,
			books__sender(connection), 0);
	else if (books__is_half_read(connection))
		books__unknown(connection, UNKNOWN_INCOMPLETE, books__sender(connection), 0);
	else if (books__unasked(sk, connection))
		books__unknown(connection, UNKNOWN_UNASKED, books__sender(connection), 0);
	else
		return;
	connection->deaf = true; /* what is told is not told again by what follows */
}

#endif
