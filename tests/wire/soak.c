/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Traffic for hours: calls of every class at a steady rate, over connections that are opened, kept,
 * closed and reset at random, and from processes that live for one call. What was called is printed
 * by class, so that a trace's counts can be held to it.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/array.h"
#include "lib/clock.h"
#include "lib/complain.h"
#include "lib/scope.h"
#include "standard.h"
#include "wire.h"

#define CONNECTIONS      100
#define PROCESSES_ONE_IN 50  /* calls */
#define CLOSE_ONE_IN     20  /* calls on a connection that was kept */
#define RESET_ONE_IN     40  /* the same */
#define TORN_ONE_IN      200 /* the same: half a head, and a reset */
#define NAMES            300 /* of the processes that live for one call */
#define PATIENCE_SECONDS 60
#define ANSWER_SIZE      4096

static const struct {
	const char *text;
	enum request_class cls;
} calls[] = {
	{V1_TEXT, CLASS_V1},
	{TOKEN_TEXT, CLASS_TOKEN},
	{V2_TEXT, CLASS_V2},
	{FOREIGN_TEXT, CLASS_FOREIGN},
};

static const char half_head[] = "GET " AMI " HTTP/1.1\r\nHost:";

struct soak {
	struct run run;
	int connections[CONNECTIONS]; /* -1: none */
	uint64_t counts[CLASS_COUNT];
	unsigned int random;
};

static bool one_in(struct soak *soak, unsigned int many)
{
	return rand_r(&soak->random) % many == 0;
}

/* A connection, whose answers are waited for so long. Its fd or -errno. */
static int soak__connect(struct soak *soak)
{
	static const enum socket_kind kinds[] = {SOCKET_IPV4, SOCKET_MAPPED, SOCKET_IPV6};
	struct timeval limit = {.tv_sec = PATIENCE_SECONDS};
	int fd = endpoint__connect(&soak->run, kinds[rand_r(&soak->random) % ARRAY_SIZE(kinds)]);

	if (fd < 0)
		return fd;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	/* or the second send of a request waits until the first is acknowledged */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
	return fd;
}

/* One answer, read whole. 0 or -errno. */
static int read_answer(int fd)
{
	char answer[ANSWER_SIZE];
	size_t have = 0;

	for (;;) {
		ssize_t got = recv(fd, answer + have, sizeof(answer) - 1 - have, 0);
		const char *end, *length;

		if (got <= 0)
			return got ? -errno : -ECONNRESET;
		have += got;
		answer[have] = 0;
		end = strstr(answer, EOL EOL);
		length = strcasestr(answer, "Content-Length: ");
		if (end && length && have >= end + 4 - answer + strtoul(length + 16, NULL, 10))
			return 0;
		if (have == sizeof(answer) - 1)
			return -EMSGSIZE;
	}
}

/* A request in one send or in two, and its answer. 0 or -errno. */
static int soak__call(struct soak *soak, int fd, const char *text)
{
	size_t size = strlen(text), first = one_in(soak, 4) ? rand_r(&soak->random) % size : 0;

	if (first && send(fd, text, first, MSG_NOSIGNAL) != (ssize_t)first)
		return -EIO;
	if (send(fd, text + first, size - first, MSG_NOSIGNAL) != (ssize_t)(size - first))
		return -EIO;
	return read_answer(fd);
}

/* A call over one of the connections. 0 or -errno. */
static int soak__call_by_itself(struct soak *soak)
{
	int *fd = &soak->connections[rand_r(&soak->random) % CONNECTIONS];
	unsigned int which = rand_r(&soak->random) % ARRAY_SIZE(calls);
	int error;

	if (*fd < 0)
		*fd = soak__connect(soak);
	if (*fd < 0)
		return *fd;
	if (one_in(soak, TORN_ONE_IN)) {
		if (send(*fd, half_head, sizeof(half_head) - 1, MSG_NOSIGNAL) < 0)
			return -errno;
		soak->counts[CLASS_UNKNOWN]++;
		endpoint__reset(*fd);
		*fd = -1;
		return 0;
	}
	error = soak__call(soak, *fd, calls[which].text);
	if (error)
		return error;
	soak->counts[calls[which].cls]++;
	if (one_in(soak, RESET_ONE_IN)) {
		endpoint__reset(*fd);
		*fd = -1;
	} else if (one_in(soak, CLOSE_ONE_IN)) {
		close(*fd);
		*fd = -1;
	}
	return 0;
}

/* A call without a token by a process of its own, every other one a program of its own, too. */
static int soak__call_by_process(struct soak *soak)
{
	char name[16], text[12];
	pid_t pid = fork();
	int status;

	if (!pid) {
		int fd = soak__connect(soak);

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		snprintf(name, sizeof(name), "soak-%u", rand_r(&soak->random) % NAMES);
		if (fd < 0)
			_exit(1);
		if (one_in(soak, 2))
			_exit(soak__call(soak, fd, V1_TEXT) ? 1 : 0);
		fcntl(fd, F_SETFD, 0);
		snprintf(text, sizeof(text), "%d", fd);
		execl("/proc/self/exe", "wire", "--send-on", text, name, NULL);
		_exit(1);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
		return -ECHILD;
	rand_r(&soak->random); /* or each child would begin with the same */
	soak->counts[CLASS_V1]++;
	return 0;
}

/* Call by call, and where it is late, without a pause until it is no more. 0 or -errno. */
static int soak__go_on(struct soak *soak, unsigned int rate, unsigned int seconds)
{
	uint64_t all = (uint64_t)rate * seconds, step = NSEC_PER_SEC / rate;
	struct timespec next;
	int error = 0;

	clock_gettime(CLOCK_MONOTONIC, &next);
	for (uint64_t i = 0; i < all && !error; i++) {
		error = one_in(soak, PROCESSES_ONE_IN) ? soak__call_by_process(soak)
						       : soak__call_by_itself(soak);
		next.tv_nsec += step;
		next.tv_sec += next.tv_nsec / NSEC_PER_SEC;
		next.tv_nsec %= NSEC_PER_SEC;
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
	}
	return error;
}

int soak__run(unsigned int rate, unsigned int seconds)
{
	struct soak soak = {
		.run = {.hold = -1, .held = {.ipv4 = true, .ipv6 = true}}, .random = getpid()};
	int error;

	soak.run.record = record__new("soak");
	if (!soak.run.record || netns__check_private(FAMILY_IPV4)) {
		complain("the soak needs the private network of wire --serve");
		return 1;
	}
	for (unsigned int i = 0; i < CONNECTIONS; i++)
		soak.connections[i] = -1;
	error = soak__go_on(&soak, rate, seconds);
	for (unsigned int i = 0; i < CONNECTIONS; i++)
		if (soak.connections[i] >= 0)
			close(soak.connections[i]);
	printf("{\"v1\":%" PRIu64 ",\"v2\":%" PRIu64 ",\"token\":%" PRIu64 ",\"foreign\":%" PRIu64
	       ",\"unknown\":%" PRIu64 "}\n",
		soak.counts[CLASS_V1], soak.counts[CLASS_V2], soak.counts[CLASS_TOKEN],
		soak.counts[CLASS_FOREIGN], soak.counts[CLASS_UNKNOWN]);
	record__free(soak.run.record);
	if (error)
		complain("a call failed: %s", strerror(-error));
	return error ? 1 : 0;
}
