/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The second witness: packets to the endpoint that come from no socket to the endpoint. One whose
 * address was translated behind a socket to elsewhere and one of a raw socket are seen where they
 * leave (cgroup_skb/egress on the root cgroup, behind the translation); one that the machine only
 * forwards, where it does. Each connection is unknown once, with its first bytes.
 */
#ifndef IMDSTRACE_WITNESS_H
#define IMDSTRACE_WITNESS_H

#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "../include/abi.h"
#include "emit.h"
#include "filter.h"
#include "identity.h"
#include "maps.h"
#include "packet.h"

#define FLOWS_MAX       4096
#define SOCK_STREAM     1
#define IPV4_HEADER     20
#define IPV6_HEADER     40
#define TCP_HEADER      20
#define TCP_FLAG_SYN    0x02
#define TCP_FLAG_ACK    0x10
#define FRAGMENT_OFFSET 0x1fff

/* A connection, by its source, because a packet may be passed on more than once. port 0: of packets
 * whose ports cannot be read. */
struct flow {
	__be32 source[4];
	__be16 port;
	u16 family;
};

struct flow_state {
	struct process_key process; /* who connected */
	u32 syn;                    /* the sequence number that it began with */
	u32 told;                   /* its unknown is counted, or it is a known socket's */
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, FLOWS_MAX);
	__type(key, struct flow);
	__type(value, struct flow_state);
} flows SEC(".maps");

/* Segments that were seen, by sequence and acknowledgment number, which no translation on the way
 * changes: by them a forwarded packet of a container's socket is told from one without a socket,
 * and one that is passed on a second time from another. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, FLOWS_MAX);
	__type(key, u64);
	__type(value, u8);
} segments SEC(".maps");

/* Both halves are attached: before, every forwarded packet would look as if it had no socket. */
bool witnessing = false;

/* A packet to the endpoint. */
struct sighting {
	struct flow flow;
	u32 sequence, acknowledgment;
	u32 payload; /* bytes; of a fragment whose ports cannot be read: all */
	u8 flags;    /* of TCP */
	u8 family;   /* the endpoint's */
};

/* An IP header's first 40 bytes, of either version. */
union ip_header {
	u8 bytes[IPV6_HEADER];
	__be16 halves[IPV6_HEADER / 2];
	__be32 words[IPV6_HEADER / 4];
};

/*
 * What is told by the IP header. Where TCP's begins, 0 where that cannot be known, or -1: it is no
 * TCP packet to the endpoint's address.
 */
static __always_inline int sighting__of_ip(struct sighting *sighting, const union ip_header *ip)
{
	struct in6_addr destination;

	sighting->flow.family = ip->bytes[0] >> 4;
	if (sighting->flow.family == 4) {
		if (!filter__ipv4(ip->words[4]) || ip->bytes[9] != IPPROTO_TCP)
			return -1;
		sighting->flow.source[0] = ip->words[3];
		sighting->family = FAMILY_IPV4;
		if (ip->halves[3] & bpf_htons(FRAGMENT_OFFSET))
			return 0;
		return (ip->bytes[0] & 0xf) * 4;
	}
	__builtin_memcpy(&destination, &ip->words[6], sizeof(destination));
	if (sighting->flow.family != 6 || !filter__ipv6(&destination, &sighting->family) ||
		sighting->family != FAMILY_IPV6)
		return -1;
	__builtin_memcpy(sighting->flow.source, &ip->words[2], sizeof(sighting->flow.source));
	switch (ip->bytes[6]) {
	case IPPROTO_TCP:
		return IPV6_HEADER;
	case 0: /* extension headers, which nobody sends here */
	case 43:
	case 44:
	case 60:
		return 0;
	}
	return -1;
}

/* What is told by the TCP header at offset of a packet of size bytes. Whether it is the endpoint's
 * port. */
static __always_inline bool sighting__of_tcp(
	struct sighting *sighting, const __be32 *tcp, u32 offset, u32 size)
{
	u32 ports = bpf_ntohl(tcp[0]), control = bpf_ntohl(tcp[3]);
	u32 behind = offset + (control >> 28) * 4;

	if ((ports & 0xffff) != ENDPOINT_PORT)
		return false;
	sighting->flow.port = bpf_htons(ports >> 16);
	sighting->sequence = bpf_ntohl(tcp[1]);
	sighting->acknowledgment = bpf_ntohl(tcp[2]);
	sighting->flags = control >> 16;
	sighting->payload = size > behind ? size - behind : 0;
	return true;
}

static __always_inline u64 sighting__segment(const struct sighting *sighting)
{
	return (u64)sighting->sequence << 32 | sighting->acknowledgment;
}

static __always_inline void sighting__remember(const struct sighting *sighting)
{
	u64 segment = sighting__segment(sighting);
	u8 one = 1;

	bpf_map_update_elem(&segments, &segment, &one, BPF_ANY);
}

static __always_inline bool sighting__is_remembered(const struct sighting *sighting)
{
	u64 segment = sighting__segment(sighting);

	return bpf_map_lookup_elem(&segments, &segment) != NULL;
}

static __always_inline bool sighting__begins(const struct sighting *sighting)
{
	return (sighting->flags & (TCP_FLAG_SYN | TCP_FLAG_ACK)) == TCP_FLAG_SYN;
}

/* What a forwarded connection is counted by: its first packet already, because what follows may
 * take a shorter way than ip_forward() (netfilter's flow tables). */
static __always_inline bool sighting__counts(const struct sighting *sighting)
{
	return sighting->payload || sighting__begins(sighting);
}

/* The state of a sighting's flow, begun anew where it is another connection from the same port. */
static __always_inline struct flow_state *sighting__flow(const struct sighting *sighting)
{
	struct flow_state *state = bpf_map_lookup_elem(&flows, &sighting->flow);
	struct flow_state fresh = {.syn = sighting->sequence};

	if (state && !(sighting__begins(sighting) && state->syn != sighting->sequence))
		return state;
	bpf_map_update_elem(&flows, &sighting->flow, &fresh, BPF_ANY);
	return bpf_map_lookup_elem(&flows, &sighting->flow);
}

static __always_inline bool witness__parse_sent(struct __sk_buff *packet, struct sighting *sighting)
{
	union ip_header ip = {};
	__be32 tcp[TCP_HEADER / 4] = {};
	int offset;

	if (bpf_skb_load_bytes(packet, 0, &ip, sizeof(ip)))
		return false;
	offset = sighting__of_ip(sighting, &ip);
	if (offset < 0)
		return false;
	if (!offset || bpf_skb_load_bytes(packet, offset, tcp, sizeof(tcp))) {
		sighting->payload = packet->len;
		return true;
	}
	return sighting__of_tcp(sighting, tcp, offset, packet->len);
}

/* Cheap, and true for all that are to the endpoint. */
static __always_inline bool witness__may_be_endpoint(struct __sk_buff *packet)
{
	const u8 *data = (const u8 *)(unsigned long)packet->data;
	const u8 *end = (const u8 *)(unsigned long)packet->data_end;

	if (data + IPV6_HEADER > end)
		return packet->len >= IPV4_HEADER + TCP_HEADER;
	if (*data >> 4 == 4)
		return filter__ipv4(*(const __be32 *)(data + 16));
	return *(const __be32 *)(data + 36) == bpf_htonl((u32)ENDPOINT_IPV6_LO);
}

/* A TCP socket to the endpoint, whose sends are seen. */
static __always_inline bool witness__is_known(const struct sock *sk)
{
	u8 family;

	return BPF_CORE_READ(sk, __sk_common.skc_dport) == TCP_PORT_NET &&
	       BPF_CORE_READ(sk, sk_type) == SOCK_STREAM && filter__socket(sk, &family);
}

/*
 * Whether the current process is the one whose packet this is. One of a raw socket leaves in its
 * send; of a TCP socket only whoever holds its lock sends, or an interrupt, which does not hold it.
 */
static __always_inline bool witness__is_current(const struct sock *sk)
{
	return BPF_CORE_READ(sk, sk_type) != SOCK_STREAM || BPF_CORE_READ(sk, sk_lock.owned);
}

static __always_inline void witness__name(struct flow_state *state, const struct sock *sk)
{
	struct process_key process = {};

	if (state->process.pid || !witness__is_current(sk))
		return;
	identity__ensure();
	identity__current(&process);
	state->process = process;
}

/* A packet that leaves a socket of this machine. */
static __always_inline void witness__sent(struct __sk_buff *packet)
{
	struct sighting sighting = {};
	struct bpf_sock *socket = packet->sk;
	const struct sock *sk = socket ? (const struct sock *)packet__key(socket) : NULL;
	struct flow_state *state;

	if (!sk || !witness__parse_sent(packet, &sighting))
		return;
	if (sighting__counts(&sighting))
		sighting__remember(&sighting);
	if (witness__is_known(sk))
		return;
	state = sighting__flow(&sighting);
	if (!state || state->told)
		return;
	witness__name(state, sk);
	if (!sighting.payload)
		return;
	state->told = 1;
	emit__unknown(UNKNOWN_REDIRECTED, sighting.family, &state->process, 0);
}

static __always_inline bool witness__parse_forwarded(
	const struct sk_buff *packet, struct sighting *sighting)
{
	const u8 *header = BPF_CORE_READ(packet, head) + BPF_CORE_READ(packet, network_header);
	u32 size = BPF_CORE_READ(packet, len), paged = BPF_CORE_READ(packet, data_len);
	union ip_header ip = {};
	__be32 tcp[TCP_HEADER / 4] = {};
	int offset;

	if (bpf_probe_read_kernel(&ip, sizeof(ip), header))
		return false;
	offset = sighting__of_ip(sighting, &ip);
	if (offset < 0)
		return false;
	if (!offset || (u32)offset + TCP_HEADER > size - paged ||
		bpf_probe_read_kernel(tcp, sizeof(tcp), header + offset)) {
		sighting->payload = size;
		return true;
	}
	return sighting__of_tcp(sighting, tcp, offset, size);
}

static __always_inline void witness__tell_forwarded(
	const struct sighting *sighting, const struct sk_buff *packet)
{
	const struct net_device *device = BPF_CORE_READ(packet, dev);
	struct process_key nobody = {};
	struct forwarded_from *from;
	struct request_record *record;

	record = emit__reserve_unknown(
		UNKNOWN_FORWARDED, sighting->family, &nobody, 0, sizeof(*from));
	if (!record)
		return;
	record->path_size = sizeof(*from);
	from = (void *)record->text;
	from->ifindex = BPF_CORE_READ(packet, skb_iif);
	__builtin_memcpy(from->source, sighting->flow.source, sizeof(from->source));
	bpf_probe_read_kernel_str(from->device, sizeof(from->device),
		(const void *)device + bpf_core_field_offset(struct net_device, name));
	bpf_ringbuf_submit(record, 0);
}

/* A packet that this machine passes on. */
static __always_inline void witness__forwarded(const struct sk_buff *packet)
{
	struct sighting sighting = {};
	struct flow_state *state;

	if (!witnessing || !witness__parse_forwarded(packet, &sighting))
		return;
	state = sighting__flow(&sighting);
	if (!sighting__counts(&sighting) || !state || state->told)
		return;
	state->told = 1;
	if (sighting__is_remembered(&sighting))
		return;
	sighting__remember(&sighting);
	witness__tell_forwarded(&sighting, packet);
}

#endif
