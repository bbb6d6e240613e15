/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A connection from its connect to its close. Its socket's write_seq is compared with the bytes
 * that were parsed, so that what no send hook saw is a gap, which is reported once.
 */
#ifndef IMDSTRACE_CONNECTION_H
#define IMDSTRACE_CONNECTION_H

#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include "responses.h"
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

static __always_inline bool sock__is_mptcp(const struct sock *sk)
{
	return BPF_CORE_READ(sk, sk_protocol) == IPPROTO_MPTCP;
}

/* The sequence number after the last byte that the socket took from its senders. */
static __always_inline u32 sock__write_seq(const struct sock *sk)
{
	if (!sock__is_mptcp(sk))
		return BPF_CORE_READ((const struct tcp_sock *)sk, write_seq);
	if (bpf_core_type_exists(struct mptcp_sock))
		return BPF_CORE_READ((const struct mptcp_sock *)sk, write_seq);
	return 0;
}

static __always_inline void connection__set_base(struct connection *connection, u32 sequence)
{
	connection->base = sequence;
	connection->next = sequence;
	connection->based = true;
}

/* Counts the connection as unknown, once. process: the one that the report names. */
static __always_inline void connection__report_unknown(struct connection *connection,
	enum unknown_reason reason, const struct process_key *process, u32 tid)
{
	if (connection->result == REPORTED_UNKNOWN)
		return;
	connection->result = REPORTED_UNKNOWN;
	emit__unknown(reason, connection->family, process, tid);
}

/* A new connection under key, or NULL where the map is full. */
static __always_inline struct connection *connection__open(u64 key, u8 family)
{
	struct connection *connection;

	bpf_map_update_elem(&connections, &key, &blank_connection, BPF_ANY);
	connection = bpf_map_lookup_elem(&connections, &key);
	if (!connection)
		return NULL;
	connection->family = family;
	connection->response_next = BPF_CORE_READ((const struct tcp_sock *)key, rcv_nxt);
	http__reset(&connection->requests, false);
	http__reset(&connection->responses, true);
	return connection;
}

/* Whether sk is a subflow of an MPTCP connection. Such a one may send bytes again that another
 * one lost, and what the connection took is added to the first one's next alone (send.h). */
static __always_inline bool sock__is_subflow(const struct sock *sk)
{
	return !sock__is_mptcp(sk) && bpf_core_field_exists(struct tcp_sock, is_mptcp) &&
	       BPF_CORE_READ((const struct tcp_sock *)sk, is_mptcp);
}

static __always_inline bool sock__is_first_subflow(const struct sock *sk)
{
	struct mptcp_subflow_context *subflow =
		BPF_CORE_READ((const struct inet_connection_sock *)sk, icsk_ulp_data);
	const struct mptcp_sock *whole = (const void *)BPF_CORE_READ(subflow, conn);

	return BPF_CORE_READ(whole, first) == sk;
}

/* Whether the parser was given every byte that the socket sent. */
static __always_inline bool connection__has_no_gap(
	const struct sock *sk, const struct connection *connection)
{
	u32 sent = sock__write_seq(sk) - connection->fin - connection->base;
	u32 parsed = connection->next - connection->base;

	if (!connection->based || parsed == sent)
		return true;
	/* the program that notes FIN may itself have been skipped */
	if (!connection->fin && sent - parsed == 1 &&
		(BPF_CORE_READ(sk, sk_shutdown) & SEND_SHUTDOWN))
		return true;
	if (!sock__is_subflow(sk))
		return false;
	return parsed > sent || !sock__is_first_subflow(sk);
}

/*
 * The base of a connection whose connect was seen, where the programs that set it at the handshake
 * were skipped. A subflow's next holds what was added to it before. A connection that was never
 * established has no byte acknowledged, and sent nothing that counts.
 */
static __always_inline void connection__set_base_late(
	const struct sock *sk, struct connection *connection)
{
	const struct tcp_sock *tp = (const struct tcp_sock *)sk;

	if (connection->based || !connection->opener.pid || sock__is_mptcp(sk) ||
		!BPF_CORE_READ(tp, bytes_acked))
		return;
	connection->base = tcp__first_byte(tp);
	connection->next += connection->base;
	connection->based = true;
}

/* Whether more responses came than requests were seen, so that a request was missed. Those of an
 * MPTCP connection come to its subflows, which have no requests. */
static __always_inline bool connection__has_extra_responses(
	const struct sock *sk, const struct connection *connection)
{
	return connection->sync == SYNC_OK && !connection->responses_lost &&
	       (s32)(connection->responses_seen - connection->requests_seen) > 0 &&
	       !sock__is_subflow(sk);
}

static __always_inline const struct process_key *connection__sender(
	const struct connection *connection)
{
	return connection->sender.pid ? &connection->sender : &connection->opener;
}

/* Whether a head has begun and not ended. */
static __always_inline bool connection__is_mid_head(const struct connection *connection)
{
	return connection->sync != SYNC_NEVER && !http__idle(&connection->requests);
}

/* Compares write_seq with the bytes parsed, once, and reports a gap. No send may be in flight. */
static __always_inline void connection__check(const struct sock *sk, struct connection *connection)
{
	const struct process_key *sender = connection__sender(connection);

	if (connection->result != UNDECIDED)
		return;
	connection->result = COMPLETE;
	connection__set_base_late(sk, connection);
	if (!connection__has_no_gap(sk, connection))
		connection__report_unknown(connection, UNKNOWN_UNSEEN, sender, 0);
	else if (connection__is_mid_head(connection))
		connection__report_unknown(connection, UNKNOWN_INCOMPLETE, sender, 0);
}

/* Checks and forgets the connection of a closed socket, unless a send is in flight: then that
 * send's exit does. force: no send can be in flight any more. */
static __always_inline void connection__close(const struct sock *sk, u64 key, bool force)
{
	struct connection *connection = bpf_map_lookup_elem(&connections, &key);

	if (!connection)
		return;
	if (connection->inflight.thread && !force) {
		connection->close_left = true;
		return;
	}
	connection__check(sk, connection);
	if (connection__has_extra_responses(sk, connection)) /* also after FIN */
		connection__report_unknown(
			connection, UNKNOWN_UNASKED, connection__sender(connection), 0);
	responses__pair(key);
	bpf_map_delete_elem(&connections, &key);
}

/* Whether a send is in flight: the program at its exit has not run yet. */
static __always_inline bool connection__is_sending(const struct connection *connection)
{
	return ((volatile const struct connection *)connection)->inflight.thread;
}

/* Between two sends, where every request is counted. */
static __always_inline void connection__check_responses(
	const struct sock *sk, struct connection *connection)
{
	if (!connection__has_extra_responses(sk, connection) ||
		connection__is_sending(connection) || !connection__has_no_gap(sk, connection))
		return;
	connection__report_unknown(connection, UNKNOWN_UNASKED, connection__sender(connection), 0);
	connection->responses_lost =
		true; /* which response belongs to which request is not known */
}

/* What every send that begins notes of its connection. */
static __always_inline void connection__begin_send(
	const struct sock *sk, struct connection *connection, u64 thread)
{
	struct inflight_send *inflight = &connection->inflight;

	connection__check_responses(sk, connection);
	inflight->urgent = false;
	inflight->taken = 0;
	inflight->responses_seen = connection->responses_seen;
	inflight->responses_idle =
		!connection->responses_lost && connection->responses.state == S_RESPONSE;
	inflight->thread = thread;
}

/*
 * A connect that a Fast Open send makes. Its entry hook could not filter, because the socket had no
 * address yet. The kernel keeps the message for SYN, and no byte of it is taken yet.
 */
static __always_inline void connection__begin_fastopen(
	const struct sock *sk, struct connection *connection, u64 thread)
{
	struct tcp_fastopen_request *request =
		BPF_CORE_READ((const struct tcp_sock *)sk, fastopen_req);
	const struct msghdr *msg = BPF_CORE_READ(request, data);

	if (!msg || sock__is_subflow(sk))
		return;
	iov_iter__span(&msg->msg_iter, &connection->inflight.span);
	connection->inflight.start_known = false;
	connection->inflight.left = BPF_CORE_READ(msg, msg_iter.count);
	connection__begin_send(sk, connection, thread);
}

/* A connect, in the context of the process that connects. */
static __always_inline void connection__connect(const struct sock *sk, u64 key, u8 family)
{
	struct connection *connection;

	ATOMIC_INC(&counters.connections);
	connection__close(sk, key, true); /* one whose close was missed */
	identity__ensure();
	connection = connection__open(key, family);
	if (!connection) {
		ATOMIC_INC(&counters.untracked_connections);
		return;
	}
	identity__current(&connection->opener);
	if (!sock__is_mptcp(sk))
		connection__begin_fastopen(sk, connection, bpf_get_current_pid_tgid());
}

/*
 * The end of a connection that is in no map although it sent something since the hooks were
 * attached: each program that would have put it there was skipped. tcp_sock.lsndtime is the time of
 * its last data, in jiffies.
 */
static __always_inline void connection__close_untracked(
	const struct sock *sk, u8 family, int from, int to)
{
	u32 last = BPF_CORE_READ((const struct tcp_sock *)sk, lsndtime);
	struct process_key process = {};

	if (sock__is_mptcp(sk) || counters.untracked_connections || (s32)(last - attached) < 0)
		return;
	if (to == TCP_CLOSE) {
		if (from != TCP_ESTABLISHED && from != TCP_CLOSE_WAIT)
			return; /* FIN was sent before, and reported then */
	} else {
		/* the process that closes is current; at a reset any may be */
		identity__ensure();
		identity__current(&process);
	}
	emit__unknown(UNKNOWN_UNSEEN, family, &process, 0);
}

/* Every change of a TCP state, in whatever context. */
static __always_inline void connection__tcp_state(
	const struct sock *sk, u64 key, u8 family, int from, int to)
{
	bool ends = to == TCP_FIN_WAIT1 || to == TCP_LAST_ACK || to == TCP_CLOSE;
	struct connection *connection;

	if (to == TCP_SYN_SENT) {
		connection__connect(sk, key, family);
		return;
	}
	connection = bpf_map_lookup_elem(&connections, &key);
	if (!connection) {
		if (ends)
			connection__close_untracked(sk, family, from, to);
		return;
	}
	if (to == TCP_CLOSE) {
		/* one that was never established loses its address before its send's exit, and an
		 * MPTCP one's destruction has no tracepoint */
		connection__close(sk, key,
			sock__is_mptcp(sk) || (connection->opener.pid && !connection->based));
		return;
	}
	if (to == TCP_ESTABLISHED && !connection->based && !sock__is_mptcp(sk)) {
		connection__set_base(connection, tcp__first_byte((const struct tcp_sock *)sk));
		connection->response_next = BPF_CORE_READ((const struct tcp_sock *)sk, rcv_nxt);
	} else if (ends) {
		/* FIN is queued after this: nothing more can be sent, and write_seq is exact */
		if (!connection->inflight.thread)
			connection__check(sk, connection);
		connection->fin = 1;
	}
}

/*
 * Whether bytes were sent that were not parsed. While the hooks are attached, only between two
 * sends, of which one may begin while the numbers are read; once they are detached, only of a send
 * that was in flight, because other bytes were sent after the trace.
 */
static __always_inline bool connection__has_gap_at_end(
	const struct sock *sk, struct connection *connection)
{
	volatile struct connection *now = connection;
	u32 next = now->next;
	u8 family;

	if (!filter__socket(sk, &family)) /* its end was missed, and the socket is another's */
		return false;
	return !connection__has_no_gap(sk, connection) &&
	       connection__is_sending(connection) == detached && now->next == next;
}

/*
 * The end of the trace, for a connection that stays open. Called twice: before the hooks are
 * detached, for those between two sends, whose numbers can be compared; and afterwards, for heads
 * and sends of which no more will be seen.
 */
static __always_inline void connection__end_of_trace(u64 key)
{
	struct connection *connection = bpf_map_lookup_elem(&connections, &key);
	const struct sock *sk = (const struct sock *)key;

	if (!connection || connection->result == COMPLETE ||
		(!detached && connection__is_sending(connection)))
		return;
	if (connection__has_gap_at_end(sk, connection))
		connection__report_unknown(connection,
			detached ? UNKNOWN_INCOMPLETE : UNKNOWN_UNSEEN,
			connection__sender(connection), 0);
	else if (connection__is_mid_head(connection))
		connection__report_unknown(
			connection, UNKNOWN_INCOMPLETE, connection__sender(connection), 0);
	else if (connection__has_extra_responses(sk, connection))
		connection__report_unknown(
			connection, UNKNOWN_UNASKED, connection__sender(connection), 0);
	else
		return;
	connection->sync = SYNC_NEVER; /* so that the second call does not report it again */
}

#endif
