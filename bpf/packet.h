/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The socket of a packet, as programs of cgroups and sockets see it. */
#ifndef IMDSTRACE_PACKET_H
#define IMDSTRACE_PACKET_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "filter.h"
#include "maps.h"

/* A packet's socket as a number: through memory, because verifiers before 5.13 have no other way
 * from a pointer of this kind to one. */
static __always_inline u64 packet__key(struct bpf_sock *sk)
{
	u32 zero = 0;
	volatile u64 *key = bpf_map_lookup_elem(&packet_keys, &zero);

	if (!key)
		return 0;
	*key = (u64)sk;
	return *key;
}

static __always_inline bool packet__may_be_ours(const struct bpf_sock *sk)
{
	return filter__ipv4(sk->dst_ip4) || sk->dst_ip6[3] == bpf_htonl((u32)ENDPOINT_IPV6_LO);
}

#endif
