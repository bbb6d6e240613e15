/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The filter: is this socket's peer the endpoint? Everything that is not leaves here, almost all of
 * it after the direct loads of FILTER_MAY_BE_ENDPOINT(), in the entry points themselves.
 */
#ifndef IMDSTRACE_FILTER_H
#define IMDSTRACE_FILTER_H

#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "../include/abi.h"

#define AF_INET       2
#define AF_INET6      10
#define IPPROTO_TCP   6
#define IPPROTO_MPTCP 262
#define TCP_PORT_NET  bpf_htons(ENDPOINT_PORT)

static __always_inline bool filter__ipv4(__be32 address)
{
	return address == bpf_htonl(ENDPOINT_IPV4);
}

/* An IPv4-mapped address (::ffff:169.254.169.254) is the IPv4 endpoint. */
static __always_inline bool filter__ipv6(const struct in6_addr *address, u8 *family)
{
	const __be32 *word = address->in6_u.u6_addr32;

	if (!word[0] && !word[1] && word[2] == bpf_htonl(0xffff)) {
		*family = FAMILY_IPV4;
		return filter__ipv4(word[3]);
	}
	*family = FAMILY_IPV6;
	return word[0] == bpf_htonl(ENDPOINT_IPV6_HI >> 32) &&
	       word[1] == bpf_htonl((u32)ENDPOINT_IPV6_HI) &&
	       word[2] == bpf_htonl(ENDPOINT_IPV6_LO >> 32) &&
	       word[3] == bpf_htonl((u32)ENDPOINT_IPV6_LO);
}

/*
 * False for nearly all that are not to the endpoint, true for all that are. LOAD(field) reads a
 * field of the socket's sock_common: directly where sk is a pointer that the verifier knows. The
 * IPv4 address of an IPv4-mapped peer stands in skc_daddr, too.
 */
#define FILTER_MAY_BE_ENDPOINT(LOAD)                                                \
	(LOAD(skc_dport) == TCP_PORT_NET &&                                         \
		(filter__ipv4(LOAD(skc_daddr)) ||                                   \
			(bpf_core_field_exists(struct sock_common, skc_v6_daddr) && \
				LOAD(skc_family) == AF_INET6 &&                     \
				LOAD(skc_v6_daddr.in6_u.u6_addr32[3]) ==            \
					bpf_htonl((u32)ENDPOINT_IPV6_LO))))

/* Whether sk, whose peer port is known to be the endpoint's, is a TCP or MPTCP socket to it. */
static __always_inline bool filter__socket(const struct sock *sk, u8 *family)
{
	u16 protocol = BPF_CORE_READ(sk, sk_protocol);
	struct in6_addr address;

	if (protocol != IPPROTO_TCP && protocol != IPPROTO_MPTCP)
		return false;
	switch (BPF_CORE_READ(sk, __sk_common.skc_family)) {
	case AF_INET:
		*family = FAMILY_IPV4;
		return filter__ipv4(BPF_CORE_READ(sk, __sk_common.skc_daddr));
	case AF_INET6:
		if (!bpf_core_field_exists(struct sock_common, skc_v6_daddr))
			return false; /* CONFIG_IPV6=n */
		BPF_CORE_READ_INTO(&address, sk, __sk_common.skc_v6_daddr);
		return filter__ipv6(&address, family);
	}
	return false;
}

#endif
