/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "demo/imds_listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/complain.h"

#define BACKLOG 512

static int listener__socket(int family, int protocol)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, protocol);

	if (fd < 0 && protocol) /* a kernel without it, or one where a sysctl turned it off */
		fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return fd < 0 ? -errno : fd;
}

static int listener__listen(int fd, int family)
{
	struct sockaddr_in ipv4 = {.sin_family = AF_INET, .sin_port = htons(ENDPOINT_PORT)};
	struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6, .sin6_port = htons(ENDPOINT_PORT)};
	struct sockaddr *address = family == AF_INET6 ? (void *)&ipv6 : (void *)&ipv4;
	int on = 1;

	ipv4.sin_addr.s_addr = htonl(ENDPOINT_IPV4);
	inet_pton(AF_INET6, "fd00:ec2::254", &ipv6.sin6_addr);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, address, family == AF_INET6 ? sizeof(ipv6) : sizeof(ipv4)) ||
		listen(fd, BACKLOG))
		return -errno;
	return 0;
}

int listeners__open(int listeners[2], const struct endpoint_addresses *addresses, int protocol)
{
	const struct {
		bool wanted;
		int family;
		enum endpoint_family endpoint;
	} families[] = {
		{addresses->ipv4, AF_INET, FAMILY_IPV4},
		{addresses->ipv6, AF_INET6, FAMILY_IPV6},
	};
	int count = 0, error = 0;

	for (int i = 0; i < 2 && !error; i++) {
		if (!families[i].wanted)
			continue;
		error = netns__check_private(families[i].endpoint);
		if (error)
			break;
		listeners[count] = listener__socket(families[i].family, protocol);
		if (listeners[count] < 0) {
			error = complain_errno(-listeners[count],
				"cannot open a socket for the private metadata service: %s",
				strerror(-listeners[count]));
			break;
		}
		error = listener__listen(listeners[count++], families[i].family);
		if (error)
			complain_errno(-error, "cannot listen on the endpoint's address: %s",
				strerror(-error));
	}
	while (error && count)
		close(listeners[--count]);
	return error ? error : count;
}
