/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Calls beside a load: threads that are blocked in a send to somewhere else, or that send there
 * without a pause, while a number of requests goes to the endpoint. Each of these has to be seen.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/complain.h"
#include "wire.h"

#define BUFFER_SIZE  4096 /* of a socket of the load: 200 blocked sends have to fit into memory */
#define STACK_SIZE   65536
#define SETTLE_MS    100
#define LOAD_SECONDS 900 /* after which a load ends by itself */
#define CHILDREN_MAX 10  /* callers that live at the same time */

/* One thread of the load, and its connection. */
struct sender {
	pthread_t thread;
	int fd, peer;
	_Atomic unsigned long sends;
};

static struct sender senders[2 * LOAD_THREADS_MAX];
static unsigned int sender_count, spinning_from;
static atomic_bool over;
static atomic_uint begun;
static pthread_t drain_thread;

static const char request[] = "GET /latest/meta-data/ami-id HTTP/1.1\r\nHost: 169.254.169.254\r\n"
			      "User-Agent: load/1\r\nConnection: close\r\n\r\n";

static void *send_until_over(void *context)
{
	static const char bytes[BUFFER_SIZE];
	struct sender *sender = context;
	bool spinning = sender - senders >= spinning_from;

	begun++;
	while (!over && send(sender->fd, bytes, spinning ? 1 : sizeof(bytes),
				spinning ? MSG_NOSIGNAL | MSG_DONTWAIT : MSG_NOSIGNAL) != 0)
		sender->sends++;
	return NULL;
}

/* Reads what the spinning threads send. */
static void *drain(void *context)
{
	static char bytes[65536];

	(void)context;
	while (!over) {
		for (unsigned int i = spinning_from; i < sender_count; i++)
			while (recv(senders[i].peer, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
				;
		rest(1);
	}
	return NULL;
}

/* A connection on lo whose ends have small buffers. 0 or -errno. */
static int sender__connect(struct sender *sender, int listener)
{
	struct sockaddr_in name;
	socklen_t size = sizeof(name);
	int small = BUFFER_SIZE;

	sender->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (sender->fd < 0 || getsockname(listener, (struct sockaddr *)&name, &size))
		return -errno;
	setsockopt(sender->fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	setsockopt(sender->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
	if (connect(sender->fd, (struct sockaddr *)&name, size))
		return -errno;
	sender->peer = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	return sender->peer < 0 ? -errno : 0;
}

static int listen_on_lo(void)
{
	struct sockaddr_in name = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int small = BUFFER_SIZE;

	if (listener < 0)
		return -errno;
	setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	if (bind(listener, (struct sockaddr *)&name, sizeof(name)) || listen(listener, 16)) {
		close(listener);
		return -errno;
	}
	return listener;
}

static unsigned long sends_of_blocked(void)
{
	unsigned long sends = 0;

	for (unsigned int i = 0; i < spinning_from; i++)
		sends += senders[i].sends;
	return sends;
}

/* Until each thread has begun, and no blocked one has come out of its send for a while. */
static void wait_until_blocked(void)
{
	unsigned long before;

	do {
		before = sends_of_blocked();
		rest(SETTLE_MS);
	} while (begun < sender_count || sends_of_blocked() != before);
}

static int load__start(const struct load_options *options)
{
	struct rlimit files = {4 * LOAD_THREADS_MAX + 64, 4 * LOAD_THREADS_MAX + 64};
	int listener = listen_on_lo(), error = listener < 0 ? listener : 0;
	pthread_attr_t attributes;

	setrlimit(RLIMIT_NOFILE, &files);
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_SIZE);
	spinning_from = options->blocked;
	while (!error && sender_count < options->blocked + options->spinning) {
		struct sender *sender = &senders[sender_count];

		error = sender__connect(sender, listener);
		if (!error)
			error = -pthread_create(
				&sender->thread, &attributes, send_until_over, sender);
		if (!error)
			sender_count++;
	}
	pthread_attr_destroy(&attributes);
	if (listener >= 0)
		close(listener);
	if (!error)
		error = -pthread_create(&drain_thread, NULL, drain, NULL);
	if (error)
		return complain_errno(-error, "the load cannot begin: %s", strerror(-error));
	wait_until_blocked();
	return 0;
}

static void load__stop(void)
{
	over = true;
	for (unsigned int i = 0; i < sender_count; i++)
		shutdown(senders[i].fd, SHUT_RDWR);
	for (unsigned int i = 0; i < sender_count; i++)
		pthread_join(senders[i].thread, NULL);
	pthread_join(drain_thread, NULL);
}

/* One request on a connection of its own. leave: without waiting for the answer. 0 or -errno. */
static int call(struct run *run, bool leave)
{
	int fd = endpoint__connect(run, SOCKET_IPV4);
	ssize_t sent;

	if (fd < 0)
		return fd;
	sent = send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL);
	if (sent != sizeof(request) - 1) {
		close(fd);
		return sent < 0 ? -errno : -EIO;
	}
	if (leave)
		close(fd);
	else
		endpoint__finish(fd);
	return 0;
}

/* Calls by processes that live for one call each, several at a time. The number that failed. */
static unsigned int call_by_children(struct run *run, unsigned int count)
{
	unsigned int failed = 0;

	for (unsigned int done = 0, i; done < count; done += i) {
		for (i = 0; i < CHILDREN_MAX && done + i < count; i++) {
			pid_t pid = fork();

			if (!pid)
				_exit(call(run, i % 2) ? 1 : 0);
			if (pid < 0)
				failed++;
		}
		for (int status; wait(&status) > 0;)
			failed += status != 0;
	}
	return failed;
}

int load__run(const struct load_options *options)
{
	struct run run = {.hold = -1, .held = {.ipv4 = true}, .record = record__new("load")};
	unsigned int failed = 0, by_one = options->calls / 2;
	int status;

	if (!run.record || netns__check_private(FAMILY_IPV4)) {
		complain("a load needs the private network of wire --serve");
		return 1;
	}
	alarm(LOAD_SECONDS);
	status = load__start(options);
	for (unsigned int i = 0; !status && i < by_one; i++)
		failed += call(&run, false) != 0;
	if (!status)
		failed += call_by_children(&run, options->calls - by_one);
	load__stop();
	if (failed)
		complain("%u of %u calls failed: %s", failed, options->calls, run.record->error);
	record__free(run.record);
	return status || failed ? 1 : 0;
}
