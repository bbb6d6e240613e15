/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Sends of more than the socket has room for: cut short, interrupted, or sent in several turns. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/array.h"
#include "lib/scope.h"
#include "standard.h"
#include "wire.h"

static const struct expected is_v1[] = {V1_EVENT, {0}};
static const struct expected is_v2[] = {V2_EVENT, {0}};

/* A stream of posts, 300 times a head and 1,500 bytes of body, and a v2 request at the end. */
static char *stream__make(size_t *size)
{
	static const char head[] = "POST /latest HTTP/1.1\r\n" HOST "Content-Length: 1500\r\n\r\n";
	size_t unit = sizeof(head) - 1 + 1500;
	char *stream;

	*size = 300 * unit + strlen(V2_TEXT);
	stream = malloc(*size + 1);
	if (!stream)
		return NULL;
	memset(stream, 'b', *size);
	for (int i = 0; i < 300; i++)
		memcpy(stream + i * unit, head, sizeof(head) - 1);
	strcpy(stream + 300 * unit, V2_TEXT);
	return stream;
}

static void stream__expect(struct run *run)
{
	static const struct expected post[] = {V1("POST", "/latest"), {0}};

	for (int i = 0; i < 300; i++)
		run__expect(run, post);
	run__expect(run, is_v2);
}

/* Offers all that is left again and again; the service stands still until the first refusal. */
static int stream__send(struct run *run, int fd, const char *stream, size_t size, int flags)
{
	unsigned int cut_short = 0;

	for (size_t at = 0; at < size;) {
		ssize_t sent = send(fd, stream + at, size - at, MSG_NOSIGNAL | flags);

		if (sent < 0 && errno != EAGAIN)
			return run__fail(run, "send: %m");
		cut_short += sent < (ssize_t)(size - at);
		at += sent < 0 ? 0 : sent;
		if (cut_short)
			kill(run->server, SIGCONT);
		if (sent < 0)
			poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, 1000);
	}
	return cut_short ? 0 : run__skip(run, "this kernel took all of it at once");
}

/* Waits until a process is in a state, as /proc/PID/stat names it. */
static bool process__comes_to(pid_t pid, const char *state)
{
	char path[32], stat[512];

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	for (int tries = 0; tries < 5000; tries++) {
		_close_ int file = open(path, O_RDONLY | O_CLOEXEC);
		ssize_t size = read(file, stat, sizeof(stat) - 1);

		stat[size > 0 ? size : 0] = '\0';
		if (strstr(stat, state))
			return true;
		rest(1);
	}
	return false;
}

/* Stops the service, and waits until it stands still: the signal alone comes at its leisure. */
static int server__stop(struct run *run)
{
	kill(run->server, SIGSTOP);
	if (!process__comes_to(run->server, ") T "))
		return run__fail(run, "the service does not stop");
	return 0;
}

static int cut_short(struct run *run, int flags)
{
	struct timeval limit = {.tv_usec = 100000};
	int room = 4608, error;
	size_t size;
	_free_ char *stream = stream__make(&size);
	int fd = endpoint__connect(run, SOCKET_IPV4);

	if (fd < 0 || !stream)
		return fd;
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	error = server__stop(run);
	if (!error)
		error = stream__send(run, fd, stream, size, flags);
	kill(run->server, SIGCONT);
	stream__expect(run);
	endpoint__finish(fd);
	return error;
}

static int cut_short_nonblocking(struct run *run)
{
	return cut_short(run, MSG_DONTWAIT);
}

static int cut_short_by_timeout(struct run *run)
{
	return cut_short(run, 0);
}

static void ignore(int signal)
{
	(void)signal;
}

/* A timer's signals cut blocking sends short, or end them before their first byte. */
static int interrupted(struct run *run)
{
	struct itimerval often = {{.tv_usec = 1000}, {.tv_usec = 1000}}, never = {0};
	int fd = endpoint__connect(run, SOCKET_IPV4), room = 4608;
	struct sigaction action = {.sa_handler = ignore};
	size_t size, at = 0;
	_free_ char *stream = stream__make(&size);

	if (fd < 0 || !stream)
		return fd;
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	while (at < size) {
		ssize_t sent = send(fd, stream + at, size - at, MSG_NOSIGNAL);

		if (sent < 0 && errno != EINTR)
			break;
		at += sent < 0 ? 0 : sent;
	}
	setitimer(ITIMER_REAL, &never, NULL);
	if (at < size)
		return run__fail(run, "send: %m");
	stream__expect(run);
	endpoint__finish(fd);
	return 0;
}

/* A child that wakes the service once the caller sleeps, which it does inside its send. */
static pid_t server__wake_later(const struct run *run)
{
	pid_t sender = getpid(), child = fork();

	if (child)
		return child;
	process__comes_to(sender, ") S ");
	kill(run->server, SIGCONT);
	_exit(0);
}

/* How often the process has gone to sleep. */
static long sleeps(void)
{
	struct rusage usage = {0};

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_nvcsw;
}

static ssize_t split__send(int fd, const char *stream, size_t size)
{
	return send(fd, stream, size, MSG_NOSIGNAL);
}

/* Buffers that begin and end anywhere in heads and bodies. */
static ssize_t split__writev(int fd, const char *stream, size_t size)
{
	struct iovec pieces[1000];
	size_t unit = size / ARRAY_SIZE(pieces) + 1, at = 0;
	int count = 0;

	for (; at < size; at += unit)
		pieces[count++] = (struct iovec){
			.iov_base = (char *)stream + at,
			.iov_len = size - at < unit ? size - at : unit,
		};
	return writev(fd, pieces, count);
}

/* One call hands over the stream, and the kernel sends what the socket has room for, waits, and
 * sends again (tcp_push() each time) until all has left. Then another request. */
static int split(struct run *run, enum socket_kind kind,
	ssize_t (*send_all)(int fd, const char *stream, size_t size))
{
	int room = 4608, fd = endpoint__connect(run, kind), error;
	size_t size;
	_free_ char *stream = stream__make(&size);
	ssize_t sent;
	pid_t waker;
	long slept;

	if (fd < 0 || !stream)
		return fd;
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	error = server__stop(run);
	if (error)
		return error;
	slept = sleeps();
	waker = server__wake_later(run);
	if (waker < 0)
		return run__fail(run, "fork: %m");
	sent = send_all(fd, stream, size);
	slept = sleeps() - slept;
	if (sent != (ssize_t)size)
		error = run__fail(run, "%zd bytes of %zu were sent: %m", sent, size);
	waitpid(waker, NULL, 0);
	if (!error && !slept)
		error = run__skip(run, "this kernel took all of it at once");
	if (!error)
		error = run__say(run, fd, V1_TEXT);
	stream__expect(run);
	run__expect(run, is_v1);
	endpoint__finish(fd);
	return error;
}

static int split_send(struct run *run)
{
	return split(run, SOCKET_IPV4, split__send);
}

static int split_writev(struct run *run)
{
	return split(run, SOCKET_IPV4, split__writev);
}

static int split_ipv6(struct run *run)
{
	return split(run, SOCKET_IPV6, split__send);
}

const struct wire_case split_cases[] = {
	RUN("cut-short-nonblocking", cut_short_nonblocking),
	RUN("cut-short-by-timeout", cut_short_by_timeout),
	RUN("interrupted-by-signals", interrupted),
	RUN("split-send", split_send),
	RUN("split-writev", split_writev),
	RUN("split-ipv6", split_ipv6),
	{.name = NULL},
};
