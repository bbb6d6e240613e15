/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Connections to the endpoint. No other file of this program makes one without asking here. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire.h"

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

#define ANSWER_SECONDS 30

static const struct {
	int family, protocol;
	enum endpoint_family endpoint;
	const char *address;
} kinds[] = {
	[SOCKET_IPV4] = {AF_INET, 0, FAMILY_IPV4, "169.254.169.254"},
	[SOCKET_IPV6] = {AF_INET6, 0, FAMILY_IPV6, "fd00:ec2::254"},
	[SOCKET_MAPPED] = {AF_INET6, 0, FAMILY_IPV4, "::ffff:169.254.169.254"},
	[SOCKET_MPTCP] = {AF_INET, IPPROTO_MPTCP, FAMILY_IPV4, "169.254.169.254"},
	[SOCKET_MPTCP_IPV6] = {AF_INET6, IPPROTO_MPTCP, FAMILY_IPV6, "fd00:ec2::254"},
};

socklen_t endpoint__address(struct sockaddr_storage *address, enum socket_kind kind, uint16_t port)
{
	struct sockaddr_in6 *ipv6 = (void *)address;
	struct sockaddr_in *ipv4 = (void *)address;

	memset(address, 0, sizeof(*address));
	address->ss_family = kinds[kind].family;
	if (kinds[kind].family == AF_INET6) {
		ipv6->sin6_port = htons(port ? port : ENDPOINT_PORT);
		inet_pton(AF_INET6, kinds[kind].address, &ipv6->sin6_addr);
		return sizeof(*ipv6);
	}
	ipv4->sin_port = htons(port ? port : ENDPOINT_PORT);
	inet_pton(AF_INET, kinds[kind].address, &ipv4->sin_addr);
	return sizeof(*ipv4);
}

int endpoint__socket(struct run *run, enum socket_kind kind)
{
	struct timeval limit = {.tv_sec = ANSWER_SECONDS};
	bool held = kinds[kind].endpoint == FAMILY_IPV6 ? run->held.ipv6 : run->held.ipv4;
	int fd;

	run->family = kinds[kind].endpoint;
	if (!held)
		return run__skip(run, "lo has no IPv6 address here");
	if (netns__check_private(kinds[kind].endpoint))
		return run__fail(run, "the network namespace is not a private one");
	fd = socket(kinds[kind].family, SOCK_STREAM | SOCK_CLOEXEC, kinds[kind].protocol);
	if (fd < 0)
		return run__skip(run, "no such socket: %s", strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	__atomic_fetch_add(&run->record->connections, 1, __ATOMIC_RELAXED);
	return fd;
}

int endpoint__connect(struct run *run, enum socket_kind kind)
{
	struct sockaddr_storage address;
	socklen_t size = endpoint__address(&address, kind, 0);
	int fd = endpoint__socket(run, kind);

	if (fd < 0)
		return fd;
	if (connect(fd, (struct sockaddr *)&address, size)) {
		close(fd);
		return run__fail(run, "connect: %s", strerror(errno));
	}
	run__hold(run);
	return fd;
}

void endpoint__finish(int fd)
{
	char answers[65536];

	shutdown(fd, SHUT_WR);
	while (recv(fd, answers, sizeof(answers), 0) > 0)
		;
	close(fd);
}

void endpoint__reset(int fd)
{
	struct linger now = {.l_onoff = 1};

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(fd);
}
