/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Traffic for the hour of tests/kernels/stress.sh: threads that share connections to the endpoint,
 * while rehearsals begin and end. Some take turns on a connection, and each of their answers is
 * held to what it has to be; others send all at once, and only the kernel is judged by that.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/array.h"
#include "lib/complain.h"
#include "lib/scope.h"
#include "wire.h"

#define SHARED_CONNECTIONS 4
#define SHARING            3   /* threads for each of them */
#define TORN_CONNECTIONS   2   /* on which all send at once, each with a process of its own */
#define TEARING            4   /* threads for each of these */
#define RECONNECT_ONE_IN   40  /* requests */
#define PAUSE_MAX          200 /* ms between the requests of a thread */
#define NICENESS           10
#define PATIENCE_SECONDS   120
#define BODY_MAX           60000
#define PIPELINED_MAX      12
#define ANSWER_MAX         16384
#define COMPLAINTS_MAX     20
#define HOG_STEP           (256 * 1024)
#define SMALL_BUFFER       8192

#define V1_HEAD "GET /latest/meta-data/ami-id HTTP/1.1\r\nHost: a\r\n\r\n"
#define PUT_HEAD                                        \
	"PUT /latest/api/token HTTP/1.1\r\nHost: a\r\n" \
	"X-aws-ec2-metadata-token-ttl-seconds: 600\r\n\r\n"

/* Whether a rehearsal runs: "on N", "off N", "changing", and "end"; a line. */
struct phase {
	char text[32];
};

struct counts {
	_Atomic unsigned long answers, rejected, let_through, wrong, connections, torn;
	_Atomic bool end;
};

/* A connection that its threads lock for a request and its answer. */
struct shared {
	pthread_mutex_t lock;
	struct stress *stress;
	int fd; /* -1: none */
	size_t have;
	char answers[ANSWER_MAX];
	char body[BODY_MAX];
};

struct stress {
	const char *state;
	bool in_scope;
	struct counts *counts; /* in memory that its processes share */
};

static struct phase phase__read(const struct stress *stress)
{
	struct phase phase = {"changing\n"};
	_close_ int fd = open(stress->state, O_RDONLY | O_CLOEXEC);
	ssize_t size = fd < 0 ? 0 : read(fd, phase.text, sizeof(phase.text) - 1);

	if (size > 0)
		phase.text[size] = 0;
	else
		strcpy(phase.text, "changing\n");
	if (!strncmp(phase.text, "end", 3))
		stress->counts->end = true;
	return phase;
}

static void stress__complain(struct stress *stress, const char *what, const char *phase)
{
	if (stress->counts->wrong++ < COMPLAINTS_MAX)
		complain("%s the scope, %.*s: %s", stress->in_scope ? "in" : "outside",
			(int)strcspn(phase, "\n"), phase, what);
}

static int stress__connect(struct stress *stress, unsigned int *random)
{
	static const int kinds[] = {SOCKET_IPV4, SOCKET_IPV4, SOCKET_MAPPED, SOCKET_IPV6};
	struct run run = {.hold = -1, .held = {.ipv4 = true, .ipv6 = true}};
	struct timeval limit = {.tv_sec = PATIENCE_SECONDS};
	struct record *record = record__new("stress");
	int fd, small = SMALL_BUFFER;

	run.record = record;
	if (!record)
		return -ENOMEM;
	fd = endpoint__connect(&run, kinds[rand_r(random) % ARRAY_SIZE(kinds)]);
	record__free(record);
	if (fd < 0)
		return fd;
	stress->counts->connections++;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
	if (rand_r(random) % 4 == 0)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	return fd;
}

/* --- Threads that take turns ----------------------------------------------------------------- */

static int send_all(int fd, const char *bytes, size_t size)
{
	while (size) {
		ssize_t sent = send(fd, bytes, size, MSG_NOSIGNAL);

		if (sent < 0 && errno != EINTR)
			return -errno;
		bytes += sent > 0 ? sent : 0;
		size -= sent > 0 ? sent : 0;
	}
	return 0;
}

/* The next answer's status, with its body in token if that is not NULL. Else -errno. */
static int shared__answer(struct shared *shared, char *token, size_t token_size)
{
	char *end = NULL, *length;
	size_t whole = SIZE_MAX;
	int status;

	for (;;) {
		ssize_t got;

		shared->answers[shared->have] = 0;
		end = strstr(shared->answers, "\r\n\r\n");
		length = end ? strstr(shared->answers, "Content-Length: ") : NULL;
		if (length)
			whole = end + 4 - shared->answers + strtoul(length + 16, NULL, 10);
		if (whole <= shared->have)
			break;
		if (shared->have == ANSWER_MAX - 1)
			return -EMSGSIZE;
		got = recv(shared->fd, shared->answers + shared->have,
			ANSWER_MAX - 1 - shared->have, 0);
		if (got <= 0)
			return got ? -errno : -ECONNRESET;
		shared->have += got;
	}
	status = atoi(shared->answers + 9);
	if (token)
		snprintf(token, token_size, "%.*s", (int)(shared->answers + whole - end - 4),
			end + 4);
	memmove(shared->answers, shared->answers + whole, shared->have - whole);
	shared->have -= whole;
	shared->stress->counts->answers++;
	return status;
}

static void shared__judge(struct shared *shared, int status, int wanted, const struct phase *before)
{
	struct stress *stress = shared->stress;
	struct phase after = phase__read(stress);
	bool settled = !strcmp(before->text, after.text);
	bool on = !strncmp(after.text, "on ", 3), off = !strncmp(after.text, "off ", 4);
	char what[96];

	if (status == 401 && stress->in_scope && wanted == 200 && !(settled && off)) {
		stress->counts->rejected++;
		return;
	}
	if (status == wanted && settled && on && stress->in_scope && wanted == 200) {
		stress->counts->let_through++;
		printf("let through: %s", before->text);
	}
	if (status == wanted)
		return;
	snprintf(what, sizeof(what), "%s %d, not %d", status < 0 ? strerror(-status) : "status",
		status, wanted);
	stress__complain(stress, what, before->text);
}

/* A tokenless request, in up to three pieces. */
static int shared__ask(struct shared *shared, unsigned int *random)
{
	static const size_t size = sizeof(V1_HEAD) - 1;
	size_t first = rand_r(random) % 3 ? rand_r(random) % size : size - 1;
	int error = 0;

	if (rand_r(random) % 2)
		return send_all(shared->fd, V1_HEAD, size);
	if (first)
		error = send_all(shared->fd, V1_HEAD, first);
	return error ? error : send_all(shared->fd, V1_HEAD + first, size - first);
}

static int shared__ask_many(struct shared *shared, unsigned int count)
{
	char heads[PIPELINED_MAX * sizeof(V1_HEAD)] = "";

	for (unsigned int i = 0; i < count; i++)
		strcat(heads, V1_HEAD);
	return send_all(shared->fd, heads, strlen(heads));
}

static int shared__post(struct shared *shared, unsigned int *random)
{
	size_t size = rand_r(random) % BODY_MAX;
	char head[128];
	struct iovec parts[] = {{head, 0}, {shared->body, size}};
	ssize_t sent;

	parts[0].iov_len = snprintf(head, sizeof(head),
		"POST /latest/meta-data/ami-id HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n",
		size);
	sent = writev(shared->fd, parts, 2);
	if (sent < (ssize_t)parts[0].iov_len)
		return sent < 0 ? -errno : -EIO;
	sent -= parts[0].iov_len;
	return send_all(shared->fd, shared->body + sent, size - sent);
}

/* An answer with a token, and one that it brings. */
static void shared__speak_v2(struct shared *shared, const struct phase *before)
{
	char token[64] = "", request[256];
	int error = send_all(shared->fd, PUT_HEAD, sizeof(PUT_HEAD) - 1);

	shared__judge(
		shared, error ? error : shared__answer(shared, token, sizeof(token)), 200, before);
	snprintf(request, sizeof(request),
		"GET /latest/meta-data/ami-id HTTP/1.1\r\nHost: a\r\n"
		"X-aws-ec2-metadata-token: %s\r\n\r\n",
		token);
	error = send_all(shared->fd, request, strlen(request));
	error = error ? error : shared__answer(shared, NULL, 0);
	if (error != 200)
		shared__judge(shared, error == 401 ? -EACCES : error, 200, before);
}

static void shared__turn(struct shared *shared, unsigned int *random)
{
	struct phase before = phase__read(shared->stress);
	unsigned int count = 1 + rand_r(random) % PIPELINED_MAX, kind = rand_r(random) % 8;
	int error = 0;

	if (shared->fd >= 0 && rand_r(random) % RECONNECT_ONE_IN == 0) {
		close(shared->fd);
		shared->fd = -1;
	}
	if (shared->fd < 0) {
		shared->have = 0;
		shared->fd = stress__connect(shared->stress, random);
	}
	if (shared->fd < 0) {
		stress__complain(shared->stress, "cannot connect", before.text);
		return;
	}
	if (kind == 0) {
		shared__speak_v2(shared, &before);
	} else if (kind == 1) {
		error = shared__post(shared, random);
		shared__judge(
			shared, error ? error : shared__answer(shared, NULL, 0), 405, &before);
	} else if (kind == 2) {
		error = shared__ask_many(shared, count);
		while (count-- && error >= 0) {
			error = error < 0 ? error : shared__answer(shared, NULL, 0);
			shared__judge(shared, error, 200, &before);
		}
	} else {
		error = shared__ask(shared, random);
		shared__judge(
			shared, error ? error : shared__answer(shared, NULL, 0), 200, &before);
	}
}

static void *take_turns(void *context)
{
	struct shared *shared = context;
	unsigned int random = (unsigned int)(uintptr_t)&random ^ getpid();

	while (!shared->stress->counts->end) {
		unsigned long wrong;

		pthread_mutex_lock(&shared->lock);
		wrong = shared->stress->counts->wrong;
		shared__turn(shared, &random);
		if (shared->stress->counts->wrong != wrong && shared->fd >= 0) {
			close(shared->fd);
			shared->fd = -1;
		}
		pthread_mutex_unlock(&shared->lock);
		rest(rand_r(&random) % PAUSE_MAX);
	}
	return NULL;
}

/* --- Threads that do not --------------------------------------------------------------------- */

struct torn {
	struct stress *stress;
	int fd;
	atomic_bool over;
};

static void *tear(void *context)
{
	static const char heads[] = V1_HEAD V1_HEAD PUT_HEAD V1_HEAD
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n";
	struct torn *torn = context;
	unsigned int random = (unsigned int)(uintptr_t)&random ^ getpid();
	_free_ char *bytes = calloc(1, BODY_MAX);

	while (!torn->over && bytes) {
		bool big = rand_r(&random) % 4 == 0;
		size_t size = big ? (size_t)rand_r(&random) % BODY_MAX
				  : 1 + rand_r(&random) % (sizeof(heads) - 1);

		if (send(torn->fd, big ? bytes : heads, size,
			    MSG_NOSIGNAL | (rand_r(&random) % 3 ? 0 : MSG_DONTWAIT)) < 0 &&
			errno != EAGAIN && errno != EINTR)
			break;
		rest(rand_r(&random) % PAUSE_MAX);
	}
	return NULL;
}

/* One connection: its threads, until the service closes it or it has had enough. */
static void torn__run(struct torn *torn, unsigned int *random)
{
	unsigned int left = 50 + rand_r(random) % 200;
	pthread_t threads[TEARING];
	unsigned int count = 0;
	char answers[4096];
	ssize_t got = 1;

	torn->over = false;
	/* memory is short, also for a thread */
	while (count < TEARING && !pthread_create(&threads[count], NULL, tear, torn))
		count++;
	while (left-- && got && !torn->stress->counts->end) {
		phase__read(torn->stress);
		got = recv(torn->fd, answers, sizeof(answers) - 1, MSG_DONTWAIT);
		if (got < 0 && errno != EAGAIN)
			break;
		answers[got > 0 ? got : 0] = 0;
		if (strstr(answers, " 401 ") && !torn->stress->in_scope)
			stress__complain(torn->stress, "401 on a torn connection", "always");
		rest(20);
	}
	torn->over = true;
	switch (rand_r(random) % 3) {
	case 0: /* as a reset, under the sends */
		setsockopt(torn->fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1},
			sizeof(struct linger));
		break;
	case 1:
		shutdown(torn->fd, SHUT_WR);
		break;
	}
	shutdown(torn->fd, SHUT_RD);
	while (recv(torn->fd, answers, sizeof(answers), MSG_DONTWAIT) > 0)
		;
	shutdown(torn->fd, SHUT_RDWR);
	for (unsigned int i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
	close(torn->fd);
	torn->stress->counts->torn++;
}

static void tear_until_end(struct stress *stress)
{
	struct torn torn = {.stress = stress};
	unsigned int random = getpid();

	while (!stress->counts->end) {
		torn.fd = stress__connect(stress, &random);
		if (torn.fd >= 0)
			torn__run(&torn, &random);
		else
			rest(1000);
	}
}

/* --- All of it ------------------------------------------------------------------------------- */

static pid_t start_tearing(struct stress *stress)
{
	pid_t parent = getpid(), pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() == parent)
		tear_until_end(stress);
	_exit(0);
}

static void share_until_end(struct stress *stress)
{
	static struct shared all[SHARED_CONNECTIONS];
	pthread_t threads[SHARED_CONNECTIONS * SHARING];

	for (unsigned int i = 0; i < SHARED_CONNECTIONS; i++) {
		all[i].stress = stress;
		all[i].fd = -1;
		pthread_mutex_init(&all[i].lock, NULL);
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(threads); i++)
		if (pthread_create(&threads[i], NULL, take_turns, &all[i % SHARED_CONNECTIONS]))
			exit(1);
	for (unsigned int i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
}

int stress__run(const char *scope, const char *state)
{
	struct stress stress = {.state = state, .in_scope = !strcmp(scope, "in")};
	pid_t children[TORN_CONNECTIONS];
	struct counts *counts;
	char what[64];
	int status;

	setvbuf(stdout, NULL, _IOLBF, 0);
	setpriority(PRIO_PROCESS, 0, NICENESS); /* who rehearses has to get on beside it */
	if (netns__check_private(FAMILY_IPV4)) {
		complain("the stress needs the private network of wire --serve");
		return 1;
	}
	stress.counts = mmap(NULL, sizeof(*stress.counts), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (stress.counts == MAP_FAILED)
		return 1;
	counts = stress.counts;
	for (unsigned int i = 0; i < TORN_CONNECTIONS; i++)
		children[i] = start_tearing(&stress);
	share_until_end(&stress);
	for (unsigned int i = 0; i < TORN_CONNECTIONS; i++) {
		status = -1;
		if (children[i] < 0 || waitpid(children[i], &status, 0) < 0 || status) {
			snprintf(what, sizeof(what), "a process ended with wait status %#x",
				(unsigned int)status);
			stress__complain(&stress, what, "at the end");
		}
	}
	printf("%s: answers %lu rejected %lu let-through %lu wrong %lu connections %lu torn %lu\n",
		scope, counts->answers, counts->rejected, counts->let_through, counts->wrong,
		counts->connections, counts->torn);
	return counts->wrong || !counts->answers ? 1 : 0;
}

/* Takes memory step by step, up to limit, and gives it back; until somebody ends it. */
int hog__run(uint64_t limit)
{
	for (;;) {
		char *memory = mmap(NULL, limit, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

		if (memory == MAP_FAILED)
			return 1;
		for (uint64_t at = 0; at + HOG_STEP <= limit; at += HOG_STEP) {
			memset(memory + at, 1, HOG_STEP);
			if (at > limit / 2)
				rest(1);
		}
		for (unsigned int i = 0; i < 200; i++) {
			madvise(memory, HOG_STEP * 4, MADV_DONTNEED);
			rest(10);
			memset(memory, 1, HOG_STEP * 4);
		}
		munmap(memory, limit);
		rest(500);
	}
}
