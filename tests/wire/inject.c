/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Packets of a network stack that is not the kernel's: a connection's first packet and a request in
 * two, put together here and sent as a whole, through a raw socket or as frames of a device. For
 * the virtual machine of tests/kernels alone, which has no network.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/complain.h"
#include "wire.h"

#define SOURCE_PORT 4242
#define HOPS        64

/* The address that the suite gives to the device at the other end. */
static const unsigned char gateway[ETH_ALEN] = {2, 0, 0, 0, 0, 1};

struct packet {
	unsigned char bytes[512];
	size_t size;
};

/* Whether this is that virtual machine, whose boot has such a parameter. */
static bool is_virtual_machine(void)
{
	char line[2048] = "";
	FILE *file = fopen("/proc/cmdline", "re");
	bool is = file && fgets(line, sizeof(line), file) && strstr(line, "imdstrace.port=");

	if (file)
		fclose(file);
	return is;
}

/* Sums up 16-bit words, as RFC 1071 has it. */
static uint32_t sum(uint32_t start, const void *bytes, size_t size)
{
	const unsigned char *each = bytes;

	for (size_t i = 0; i < size; i++)
		start += i % 2 ? each[i] : (uint32_t)each[i] << 8;
	return start;
}

static uint16_t checksum(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons(~sum);
}

static void packet__add(struct packet *packet, const void *bytes, size_t size)
{
	memcpy(packet->bytes + packet->size, bytes, size);
	packet->size += size;
}

static void packet__add_ipv4(struct packet *packet, struct in_addr source, size_t size)
{
	struct iphdr ip = {
		.version = 4,
		.ihl = 5,
		.tot_len = htons(sizeof(ip) + size),
		.ttl = HOPS,
		.protocol = IPPROTO_TCP,
		.saddr = source.s_addr,
	};

	inet_pton(AF_INET, "169.254.169.254", &ip.daddr);
	ip.check = checksum(sum(0, &ip, sizeof(ip)));
	packet__add(packet, &ip, sizeof(ip));
}

static void packet__add_ipv6(struct packet *packet, const struct in6_addr *source, size_t size)
{
	struct ip6_hdr ip = {
		.ip6_flow = htonl(6U << 28),
		.ip6_plen = htons(size),
		.ip6_nxt = IPPROTO_TCP,
		.ip6_hops = HOPS,
		.ip6_src = *source,
	};

	inet_pton(AF_INET6, "fd00:ec2::254", &ip.ip6_dst);
	packet__add(packet, &ip, sizeof(ip));
}

/* The addresses stand in front of TCP's header in both versions. */
static void packet__add_tcp(
	struct packet *packet, size_t addresses, bool first, uint32_t sequence, const char *payload)
{
	size_t size = sizeof(struct tcphdr) + strlen(payload);
	struct tcphdr tcp = {
		.source = htons(SOURCE_PORT),
		.dest = htons(ENDPOINT_PORT),
		.seq = htonl(sequence),
		.ack_seq = htonl(first ? 0 : 7),
		.doff = sizeof(tcp) / 4,
		.syn = first,
		.ack = !first,
		.psh = !first,
		.window = htons(8192),
	};
	uint32_t pseudo =
		sum(IPPROTO_TCP + size, packet->bytes + packet->size - addresses, addresses);

	tcp.check = checksum(sum(sum(pseudo, &tcp, sizeof(tcp)), payload, strlen(payload)));
	packet__add(packet, &tcp, sizeof(tcp));
	packet__add(packet, payload, strlen(payload));
}

/* A socket that takes whole packets, and where it sends them to. */
struct injector {
	int fd;
	struct sockaddr_storage target;
	socklen_t target_size;
	bool ipv6;
	unsigned char source[sizeof(struct in6_addr)];
};

/* 0 or -errno */
static int injector__open(struct injector *injector, const char *device)
{
	struct sockaddr_ll *link = (void *)&injector->target;
	struct sockaddr_in6 *ipv6 = (void *)&injector->target;
	struct sockaddr_in *ipv4 = (void *)&injector->target;

	if (device) {
		injector->fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		link->sll_family = AF_PACKET;
		link->sll_protocol = htons(injector->ipv6 ? ETH_P_IPV6 : ETH_P_IP);
		link->sll_ifindex = if_nametoindex(device);
		link->sll_halen = sizeof(gateway);
		memcpy(link->sll_addr, gateway, sizeof(gateway));
		injector->target_size = sizeof(*link);
	} else if (injector->ipv6) {
		injector->fd = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
		ipv6->sin6_family = AF_INET6;
		inet_pton(AF_INET6, "fd00:ec2::254", &ipv6->sin6_addr);
		injector->target_size = sizeof(*ipv6);
	} else {
		injector->fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
		ipv4->sin_family = AF_INET;
		inet_pton(AF_INET, "169.254.169.254", &ipv4->sin_addr);
		injector->target_size = sizeof(*ipv4);
	}
	return injector->fd < 0 ? -errno : 0;
}

static int injector__send(
	const struct injector *injector, bool first, uint32_t sequence, const char *payload)
{
	size_t size = sizeof(struct tcphdr) + strlen(payload);
	struct packet packet = {.size = 0};
	struct in6_addr ipv6;
	struct in_addr ipv4;

	memcpy(&ipv6, injector->source, sizeof(ipv6));
	memcpy(&ipv4, injector->source, sizeof(ipv4));
	if (injector->ipv6)
		packet__add_ipv6(&packet, &ipv6, size);
	else
		packet__add_ipv4(&packet, ipv4, size);
	packet__add_tcp(&packet, 2 * (injector->ipv6 ? sizeof(ipv6) : sizeof(ipv4)), first,
		sequence, payload);
	if (sendto(injector->fd, packet.bytes, packet.size, 0, (const void *)&injector->target,
		    injector->target_size) < 0)
		return -errno;
	return 0;
}

int inject__run(const char *source, const char *device)
{
	static const char line[] = "GET /latest/ HTTP/1.0\r\n";
	struct injector injector = {.ipv6 = strchr(source, ':')};
	uint32_t sequence = 0;
	int error;

	/* a number of its own for each source, so that none looks like another's packet */
	for (const char *each = source; *each; each++)
		sequence = sequence * 31 + (unsigned char)*each;
	if (!is_virtual_machine()) {
		complain("packets are made up in the virtual machine of tests/kernels alone");
		return 1;
	}
	if (inet_pton(injector.ipv6 ? AF_INET6 : AF_INET, source, injector.source) != 1) {
		complain("%s is no address", source);
		return 2;
	}
	error = injector__open(&injector, device);
	if (!error)
		error = injector__send(&injector, true, sequence, "");
	if (!error)
		error = injector__send(&injector, false, sequence + 1, line);
	if (!error)
		error = injector__send(&injector, false, sequence + 1 + strlen(line), "\r\n");
	if (error)
		complain("a packet could not be sent: %s", strerror(-error));
	if (injector.fd >= 0)
		close(injector.fd);
	return error ? 1 : 0;
}
