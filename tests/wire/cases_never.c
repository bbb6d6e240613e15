/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What looks like a call to the endpoint and is none. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "lib/scope.h"
#include "standard.h"
#include "wire.h"

/* A server that takes connections and never looks at them. */
static int listener__open(struct run *run, const struct sockaddr *address, socklen_t size)
{
	int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	if (fd < 0)
		return run__skip(run, "no such socket: %m");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (!bind(fd, address, size) && !listen(fd, 4))
		return fd;
	close(fd);
	return run__skip(run, "no such address here: %m");
}

/* All classes of requests, to a server of the case's own. */
static int talk_to(struct run *run, const struct sockaddr *listen_on,
	const struct sockaddr *address, socklen_t size)
{
	_close_ int listener = listener__open(run, listen_on, size);
	_close_ int fd = -1;

	if (listener < 0)
		return listener;
	fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, address, size))
		return run__fail(run, "connect: %m");
	return run__say(run, fd, ALL_TEXT);
}

static int talk_ipv4(struct run *run, const char *text, uint16_t port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};

	inet_pton(AF_INET, text, &address.sin_addr);
	return talk_to(run, (void *)&address, (void *)&address, sizeof(address));
}

static int talk_ipv6(struct run *run, const char *text, uint16_t port)
{
	struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

	inet_pton(AF_INET6, text, &address.sin6_addr);
	return talk_to(run, (void *)&address, (void *)&address, sizeof(address));
}

static int other_port(struct run *run)
{
	if (netns__check_private(FAMILY_IPV4))
		return run__fail(run, "the network namespace is not a private one");
	return talk_ipv4(run, "169.254.169.254", 8080);
}

static int other_port_ipv6(struct run *run)
{
	if (!run->held.ipv6)
		return run__skip(run, "lo has no IPv6 address here");
	if (netns__check_private(FAMILY_IPV6))
		return run__fail(run, "the network namespace is not a private one");
	return talk_ipv6(run, "fd00:ec2::254", 8080);
}

/* 80 in the other byte order. */
static int swapped_port(struct run *run)
{
	if (netns__check_private(FAMILY_IPV4))
		return run__fail(run, "the network namespace is not a private one");
	return talk_ipv4(run, "169.254.169.254", 20480);
}

static int loopback(struct run *run)
{
	return talk_ipv4(run, "127.0.0.1", 80);
}

static int loopback_ipv6(struct run *run)
{
	return talk_ipv6(run, "::1", 80);
}

static int loopback_mapped(struct run *run)
{
	return talk_ipv6(run, "::ffff:127.0.0.1", 80);
}

/* Differs from the endpoint in the first byte alone, and is lo's. */
static int similar_address(struct run *run)
{
	return talk_ipv4(run, "127.254.169.254", 80);
}

/* From the endpoint's address, as its own answers are. */
static int from_the_endpoint(struct run *run)
{
	struct sockaddr_in target = {.sin_family = AF_INET, .sin_port = htons(8080)};
	struct sockaddr_storage source;
	socklen_t size = endpoint__address(&source, SOCKET_IPV4, 8081);
	_close_ int listener = -1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	inet_pton(AF_INET, "127.0.0.1", &target.sin_addr);
	listener = listener__open(run, (void *)&target, sizeof(target));
	if (listener < 0)
		return listener;
	if (bind(fd, (void *)&source, size) || connect(fd, (void *)&target, sizeof(target)))
		return run__fail(run, "connect: %m");
	return run__say(run, fd, ALL_TEXT);
}

static int udp(struct run *run)
{
	struct sockaddr_storage address;
	socklen_t size = endpoint__address(&address, SOCKET_IPV4, 0);
	_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (netns__check_private(FAMILY_IPV4))
		return run__fail(run, "the network namespace is not a private one");
	/* Nobody listens: the second send is told so, and either is no request. */
	sendto(fd, V1_TEXT, strlen(V1_TEXT), 0, (void *)&address, size);
	if (connect(fd, (void *)&address, size))
		return run__fail(run, "connect: %m");
	send(fd, V1_TEXT, strlen(V1_TEXT), 0);
	send(fd, V1_TEXT, strlen(V1_TEXT), 0);
	return 0;
}

static int unix_stream(struct run *run)
{
	int ends[2], error;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return run__fail(run, "socketpair: %m");
	error = run__say(run, ends[0], ALL_TEXT);
	close(ends[0]);
	close(ends[1]);
	return error;
}

/* A connection over which nothing is sent. */
static int connected_and_closed(struct run *run)
{
	int fd = endpoint__connect(run, SOCKET_IPV4);

	if (fd < 0)
		return fd;
	endpoint__finish(fd);
	return 0;
}

/* An fd that was the endpoint's and is a pipe now. */
static int reused_fd(struct run *run)
{
	int fd = endpoint__connect(run, SOCKET_IPV4), ends[2], error;

	if (fd < 0)
		return fd;
	if (pipe(ends))
		return run__fail(run, "pipe: %m");
	dup2(ends[1], fd);
	error = run__send(run, "write", fd, ALL_TEXT, strlen(ALL_TEXT));
	close(fd);
	close(ends[0]);
	close(ends[1]);
	return error;
}

const struct wire_case never_cases[] = {
	RUN("never-other-port", other_port),
	RUN("never-other-port-ipv6", other_port_ipv6),
	RUN("never-swapped-port", swapped_port),
	RUN("never-loopback", loopback),
	RUN("never-loopback-ipv6", loopback_ipv6),
	RUN("never-loopback-mapped", loopback_mapped),
	RUN("never-similar-address", similar_address),
	RUN("never-from-the-endpoint", from_the_endpoint),
	RUN("never-udp", udp),
	RUN("never-unix-socket", unix_stream),
	RUN("never-without-a-send", connected_and_closed),
	RUN("never-an-fd-that-was", reused_fd),
	{.name = NULL},
};
