/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Made-up traffic: processes of one to four threads, each with a connection of its own, on which
 * made-up requests are sent by changing ways and cuts. A connection is a case.
 */
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>

#include "lib/complain.h"
#include "random_request.h"
#include "runner.h"
#include "lib/scope.h"

#define THREADS_MAX  4
#define REQUESTS_MAX 20 /* on a connection */
#define AT_ONCE_MAX  3  /* processes */
#define PIECES_FEW   64 /* sends of one batch that may go any way */
#define SLOW_FEW     1  /* and a slow one */
#define SECONDS_MAX  300

/* A process: its connections, each with the chance that it was given. */
struct crowd {
	struct run runs[THREADS_MAX];
	struct chance chances[THREADS_MAX];
	unsigned int requests[THREADS_MAX];
	unsigned int threads;
	pid_t pid;
};

static const struct way *way__choose(struct chance *chance, bool alone, bool readable)
{
	const struct way *way;
	unsigned int count = 0;

	for (way = ways; way->name; way++)
		count++;
	do
		way = &ways[chance__below(chance, count)];
	while ((way->other_thread && !alone) || (way->or_unknown && readable));
	return way;
}

/* The size of a batch's next piece. */
static size_t piece__choose(
	enum cut cut, const char *text, size_t size, unsigned int step, struct chance *chance)
{
	size_t most = size < 400 ? size : 400;

	if (step < 1000 && cut == CUT_LINES_SLOWLY) /* here: anywhere */
		return 1 + chance__below(chance, most);
	return cut__next(step < 1000 ? cut : CUT_NOWHERE, text, size, step);
}

/* Sends one batch, cut in one manner; a slow way only while there are few pieces. */
static int batch__send(
	struct run *run, int fd, const char *text, size_t size, struct chance *chance)
{
	bool alone = !run->record->thread, readable = !run->record->or_unknown;
	enum cut cut = readable ? chance__below(chance, CUT_LINES_SLOWLY + 1) : CUT_NOWHERE;
	int error = 0;

	for (unsigned int step = 0; size && !error; step++) {
		const struct way *way = way__choose(chance, alone, readable);
		size_t piece = piece__choose(cut, text, size, step, chance);

		if (step > (way->slow ? SLOW_FEW : PIECES_FEW))
			way = way__find("send");
		error = way->send(fd, text, piece);
		if (error == -EOPNOTSUPP || error == -ENOSYS)
			error = way__find("send")->send(fd, text, piece);
		if (error)
			run__fail(run, "%s: %s", way->name, strerror(-error));
		text += piece;
		size -= piece;
	}
	return error;
}

/* Makes up to count requests as one batch, and sends it. Where a send may be unreadable it is one
 * request whole, so that whoever starts again behind it does so at a request. How many, or -errno.
 */
static int batch__make(struct run *run, int fd, unsigned int count, struct chance *chance)
{
	unsigned int most = run->record->or_unknown ? 1 : count < 5 ? count : 5;
	unsigned int requests = 1 + chance__below(chance, most);
	_free_ char *text = NULL;
	struct random_request request;
	size_t size = 0;
	FILE *stream = open_memstream(&text, &size);
	int error;

	if (!stream)
		return run__fail(run, "not enough memory");
	for (unsigned int i = 0; i < requests; i++) {
		random_request__make(&request, stream, chance);
		run__expect_from(run, request.expected, getpid(),
			run->record->thread ? run->record->thread : ANY_TID);
	}
	fclose(stream);
	error = batch__send(run, fd, text, size, chance);
	return error ? error : (int)requests;
}

/* An end that is none: in the middle of a head, or with bytes that are no request. */
static int ending__send(struct run *run, int fd, struct chance *chance)
{
	static const struct expected unknown[] = {{.cls = CLASS_UNKNOWN}, {0}};
	_free_ char *text = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&text, &size);

	if (!stream)
		return run__fail(run, "not enough memory");
	if (chance__happens(chance, 50))
		random_request__start(stream, chance);
	else
		random_request__garbage(stream, chance);
	fclose(stream);
	run__expect(run, unknown);
	return batch__send(run, fd, text, size, chance);
}

static int connection__open(struct run *run, struct chance *chance)
{
	enum socket_kind kind = chance__below(chance, SOCKET_MAPPED + 1);

	if (!run->held.ipv6)
		kind = SOCKET_IPV4;
	return endpoint__connect(run, kind);
}

/* What a thread does: one connection. */
static int connection__run(struct run *run, struct chance *chance, unsigned int requests)
{
	struct linger reset = {.l_onoff = 1};
	int fd = connection__open(run, chance), sent = 0;

	if (fd < 0)
		return fd;
	if (chance__happens(chance, 10))
		run__allow_unknown(run);
	while (requests && sent >= 0) {
		sent = batch__make(run, fd, requests, chance);
		requests -= sent < 0 ? 0 : sent;
	}
	if (sent >= 0 && !run->record->thread && chance__happens(chance, 20))
		sent = ending__send(run, fd, chance);
	if (chance__happens(chance, 10))
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	if (chance__happens(chance, 10))
		close(fd);
	else
		endpoint__finish(fd);
	return sent < 0 ? sent : 0;
}

struct worker {
	struct crowd *crowd;
	unsigned int place;
	pthread_t thread;
};

static void *worker__run(void *context)
{
	struct worker *worker = context;
	struct run *run = &worker->crowd->runs[worker->place];

	run->record->thread = syscall(SYS_gettid);
	connection__run(run, &worker->crowd->chances[worker->place],
		worker->crowd->requests[worker->place]);
	return NULL;
}

/* The process of a crowd; run is the first of its runs. */
static int crowd__run(struct run *run)
{
	struct crowd *crowd = (struct crowd *)run;
	struct worker workers[THREADS_MAX];

	if (crowd->threads == 1)
		return connection__run(run, &crowd->chances[0], crowd->requests[0]);
	for (unsigned int i = 0; i < crowd->threads; i++) {
		if (i)
			run__join(&crowd->runs[i]);
		workers[i] = (struct worker){.crowd = crowd, .place = i};
		if (pthread_create(&workers[i].thread, NULL, worker__run, &workers[i]))
			return run__fail(run, "no thread");
	}
	for (unsigned int i = 0; i < crowd->threads; i++)
		pthread_join(workers[i].thread, NULL);
	return 0;
}

_Static_assert(!offsetof(struct crowd, runs), "crowd__run() finds the crowd by its first run");

/* The record of a crowd's next connection. */
static int crowd__add(struct crowd *crowd, struct stage *stage, unsigned int number)
{
	struct run *run = &crowd->runs[crowd->threads];
	char name[32];

	snprintf(name, sizeof(name), "random-%u", number);
	*run = (struct run){.held = stage->held, .server = stage->server, .hold = -1};
	run->record = record__new(name);
	if (!run->record)
		return -ENOMEM;
	/* A process has one name, its threads' cases included. */
	memcpy(run->record->comm, crowd->runs[0].record->comm, COMM_SIZE);
	crowd->threads++;
	return 0;
}

/* Makes a crowd up and starts it. How many requests it sends, at most left, or -errno. */
static int crowd__start(struct crowd *crowd, struct stage *stage, struct chance *chance,
	unsigned int *number, unsigned int left)
{
	unsigned int threads = chance__happens(chance, 60) ? 1 : 2 + chance__below(chance, 3);
	unsigned int total = 0;

	*crowd = (struct crowd){.threads = 0};
	for (unsigned int i = 0; i < threads && total < left; i++) {
		unsigned int requests = 1 + chance__below(chance, REQUESTS_MAX);
		int error = crowd__add(crowd, stage, (*number)++);

		if (error)
			return error;
		crowd->chances[i].state = chance__below(chance, UINT64_MAX);
		crowd->requests[i] = requests < left - total ? requests : left - total;
		total += crowd->requests[i];
	}
	crowd->pid = run__start(crowd->runs, crowd__run);
	return crowd->pid < 0 ? -errno : (int)total;
}

static int crowd__settle(struct crowd *crowd, struct stage *stage)
{
	int status = 0;

	run__wait(crowd->runs, crowd->pid);
	for (unsigned int i = 0; i < crowd->threads; i++) {
		if (stage__settle(stage, crowd->runs[i].record))
			status = 1;
		record__free(crowd->runs[i].record);
	}
	return status;
}

/* Up to AT_ONCE_MAX processes at the same time. How many requests, or -errno. */
static int wave__run(struct stage *stage, struct chance *chance, unsigned int *number,
	unsigned int left, int *failed)
{
	struct crowd crowds[AT_ONCE_MAX];
	unsigned int count = 1 + chance__below(chance, AT_ONCE_MAX), total = 0, started = 0;
	int error = 0;

	while (started < count && total < left && error >= 0) {
		error = crowd__start(&crowds[started], stage, chance, number, left - total);
		total += error < 0 ? 0 : error;
		started += error >= 0;
	}
	while (started)
		*failed |= crowd__settle(&crowds[--started], stage);
	return error < 0 ? error : (int)total;
}

int random__run(const struct run_options *options)
{
	struct chance chance = {.state = options->seed};
	unsigned int number = 0, left = options->count;
	time_t end = time(NULL) + SECONDS_MAX;
	struct stage stage;
	int failed = 0, sent = stage__open(&stage, options);

	printf("seed %llu\n", (unsigned long long)options->seed);
	fflush(stdout);
	while (left && sent >= 0 && time(NULL) < end) {
		sent = wave__run(&stage, &chance, &number, left, &failed);
		left -= sent < 0 ? 0 : sent;
	}
	if (sent < 0)
		complain("the random run failed: %s", strerror(-sent));
	printf("%u requests on %u connections\n", options->count - left, number);
	stage__close(&stage);
	return sent < 0 || failed ? 1 : 0;
}
