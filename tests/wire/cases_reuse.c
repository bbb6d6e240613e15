/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Sockets, ports and numbers that a connection leaves to the next one, and connections that are
 * reset. */
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/scope.h"
#include "standard.h"
#include "wire.h"

static const struct expected is_v1[] = {V1_EVENT, {0}};
static const struct expected is_all[] = {ALL_EVENTS, {0}};
static const struct expected is_unknown[] = {UNKNOWN, {0}};

static int reset_in_a_head(struct run *run)
{
	int fd = endpoint__connect(run, SOCKET_IPV4), error;

	if (fd < 0)
		return fd;
	error = run__say(run, fd, "GET " AMI " HTTP/1.1\r\nHost:");
	run__expect(run, is_unknown);
	endpoint__reset(fd);
	return error;
}

static int reset_after_a_head(struct run *run)
{
	int fd = endpoint__connect(run, SOCKET_IPV4), error;

	if (fd < 0)
		return fd;
	error = run__say(run, fd, V1_TEXT);
	run__expect(run, is_v1);
	endpoint__reset(fd);
	return error;
}

/* Twice from the same port: what the first connection left unfinished is not the second's. */
static int same_port_again(struct run *run)
{
	/* Below the ports that the kernel hands out by itself. */
	struct sockaddr_in source = {.sin_family = AF_INET, .sin_port = htons(20080)};
	struct sockaddr_storage address;
	socklen_t size = endpoint__address(&address, SOCKET_IPV4, 0);
	int error = 0, on = 1;

	for (int i = 0; i < 2 && !error; i++) {
		int fd = endpoint__socket(run, SOCKET_IPV4);

		if (fd < 0)
			return fd;
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
		if (bind(fd, (void *)&source, sizeof(source)) ||
			connect(fd, (struct sockaddr *)&address, size))
			return run__fail(run, "connect: %m");
		run__hold(run);
		error = run__say(run, fd, i ? V1_TEXT : "GET /unfinished HTTP/1.1\r\n");
		run__expect(run, i ? is_v1 : is_unknown);
		endpoint__reset(fd);
	}
	return error;
}

static int disconnect(struct run *run, int fd)
{
	struct sockaddr nowhere = {.sa_family = AF_UNSPEC};

	return connect(fd, &nowhere, sizeof(nowhere)) ? run__fail(run, "disconnect: %m") : 0;
}

/* One socket, disconnected by connect(AF_UNSPEC) in the middle of a head and connected again. */
static int same_socket_again(struct run *run)
{
	struct sockaddr_storage address;
	socklen_t size = endpoint__address(&address, SOCKET_IPV4, 0);
	int fd = endpoint__connect(run, SOCKET_IPV4), error;

	if (fd < 0)
		return fd;
	error = run__say(run, fd, "GET /unfinished HTTP/1.1\r\n");
	run__expect(run, is_unknown);
	if (!error)
		error = disconnect(run, fd);
	if (!error && connect(fd, (struct sockaddr *)&address, size))
		error = run__fail(run, "connect: %m");
	if (!error)
		error = run__say(run, fd, ALL_TEXT);
	run__expect(run, is_all);
	endpoint__finish(fd);
	return error;
}

/* Sends text over the socket to a server of the case's own, and disconnects again. */
static int say_elsewhere(struct run *run, int fd, const char *text)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	_close_ int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int error;

	if (bind(listener, (void *)&address, size) || listen(listener, 1) ||
		getsockname(listener, (void *)&address, &size) ||
		connect(fd, (void *)&address, size))
		return run__fail(run, "connect: %m");
	error = run__say(run, fd, text);
	return error ? error : disconnect(run, fd);
}

/* One socket that talks to another server before and after it talks to the endpoint. */
static int elsewhere_before_and_after(struct run *run)
{
	struct sockaddr_storage address;
	socklen_t size = endpoint__address(&address, SOCKET_IPV4, 0);
	int fd = endpoint__socket(run, SOCKET_IPV4), error;

	if (fd < 0)
		return fd;
	error = say_elsewhere(run, fd, V2_TEXT);
	if (error)
		return error;
	if (connect(fd, (struct sockaddr *)&address, size))
		return run__fail(run, "connect: %m");
	run__hold(run);
	error = run__say(run, fd, ALL_TEXT);
	run__expect(run, is_all);
	if (!error)
		error = disconnect(run, fd);
	if (!error)
		error = say_elsewhere(run, fd, V2_TEXT);
	close(fd);
	return error;
}

/* Half a head to the endpoint, and the other half to another server. */
static int rest_of_a_head_elsewhere(struct run *run)
{
	int fd = endpoint__connect(run, SOCKET_IPV4), error;

	if (fd < 0)
		return fd;
	error = run__say(run, fd, "GET " AMI " HTTP/1.1\r\n");
	run__expect(run, is_unknown);
	if (!error)
		error = disconnect(run, fd);
	if (!error)
		error = say_elsewhere(run, fd, HOST EOL V2_TEXT);
	close(fd);
	return error;
}

const struct wire_case reuse_cases[] = {
	RUN("reset-in-a-head", reset_in_a_head),
	RUN("reset-after-a-head", reset_after_a_head),
	RUN("same-port-again", same_port_again),
	RUN("same-socket-again", same_socket_again),
	RUN("elsewhere-before-and-after", elsewhere_before_and_after),
	RUN("rest-of-a-head-elsewhere", rest_of_a_head_elsewhere),
	{.name = NULL},
};
