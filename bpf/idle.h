/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Whether a connection that was open before the tracer stands between two requests, as far as its
 * socket tells: what was sent before cannot be read any more.
 */
#ifndef IMDSTRACE_IDLE_H
#define IMDSTRACE_IDLE_H

#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include "filter.h"

#define TCP_IS_ESTABLISHED 1 /* include/net/tcp_states.h */

/*
 * The sequence number of the first byte that the socket ever sends: snd_una starts at the initial
 * sequence number, which SYN takes, and bytes_acked (since 4.1) counts every step of it. Exact
 * also when SYN carried data, and only while nobody else moves the two: under the socket's lock.
 */
static __always_inline u32 tcp__first_byte(const struct tcp_sock *tp)
{
	return BPF_CORE_READ(tp, snd_una) - (u32)BPF_CORE_READ(tp, bytes_acked) + 1;
}

static __always_inline bool tcp__sent_nothing(const struct tcp_sock *tp)
{
	return BPF_CORE_READ(tp, write_seq) == tcp__first_byte(tp);
}

/*
 * Whether the peer has everything that was sent and spoke last, so that it waits for a request. Of
 * the two times, in jiffies, the later one tells; where they are equal, snd_wl1 does: it is the
 * peer's sequence number in the segment that acknowledged our last byte, and behind that one came
 * data. A segment without data later moves it to the end, and then nothing can be told.
 */
static __always_inline bool tcp__peer_spoke_last(const struct tcp_sock *tp)
{
	const struct inet_connection_sock *connection = (const void *)tp;
	s32 later = BPF_CORE_READ(connection, icsk_ack.lrcvtime) - BPF_CORE_READ(tp, lsndtime);

	if (BPF_CORE_READ((const struct sock *)tp, __sk_common.skc_state) != TCP_IS_ESTABLISHED ||
		BPF_CORE_READ(tp, snd_una) != BPF_CORE_READ(tp, write_seq) ||
		!BPF_CORE_READ(tp, bytes_received))
		return false;
	return later > 0 || (!later && BPF_CORE_READ(tp, snd_wl1) != BPF_CORE_READ(tp, rcv_nxt));
}

/* An MPTCP connection has sent over several sockets, of which each knows its own part alone: there
 * only one that has sent nothing yet is known to be idle. */
static __always_inline bool socket__is_idle(const struct sock *sk)
{
	const struct sock *first;

	if (BPF_CORE_READ(sk, sk_protocol) != IPPROTO_MPTCP)
		return tcp__sent_nothing((const struct tcp_sock *)sk) ||
		       tcp__peer_spoke_last((const struct tcp_sock *)sk);
	if (!bpf_core_type_exists(struct mptcp_sock))
		return false;
	first = BPF_CORE_READ((const struct mptcp_sock *)sk, first);
	return first && tcp__sent_nothing((const struct tcp_sock *)first);
}

#endif
