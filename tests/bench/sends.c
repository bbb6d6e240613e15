/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What tracing costs those who send: CPU time for each send with the tracer attached, as a ratio
 * to the same with programs at its hooks that do nothing, in turns within one run. And what a
 * request to the endpoint takes more, by its class and by its size.
 *
 * Everything happens in a private network namespace, and on one processor, so that no answer waits
 * for another one to wake up.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <mntent.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../service/service.h"
#include "bench.h"
#include "demo/netns.h"
#include "empty.h"
#include "lib/array.h"

#define ROUNDS     9
#define SMALL_HEAD 200 /* bytes */
#define LARGE_HEAD 2000

struct load {
	const char *name;
	const char *address;
	uint16_t port;
	const char *bytes;
	size_t size;
	bool answered; /* wait for an answer after each send */
	bool received; /* by the same process, so that what receiving takes is measured too */
	unsigned int sends;
};

#define ENDPOINT "169.254.169.254"

static char v1_small[SMALL_HEAD + 1], v1_large[LARGE_HEAD + 1];
static char v2_small[SMALL_HEAD + 1], v2_large[LARGE_HEAD + 1];

static const struct load loads[] = {
	{"a send to another port", "127.0.0.1", 8080, "x", 1, false, false, 200000},
	{"a send to port 80 of another address", "127.0.0.1", 80, "x", 1, false, false, 200000},
	{"a send and its receive, elsewhere", "127.0.0.1", 8081, "x", 1, false, true, 200000},
	{"a request without a token, 200 bytes", ENDPOINT, 80, v1_small, SMALL_HEAD, true, false,
		4000},
	{"the same, 2,000 bytes", ENDPOINT, 80, v1_large, LARGE_HEAD, true, false, 4000},
	{"a request with a token, 200 bytes", ENDPOINT, 80, v2_small, SMALL_HEAD, true, false,
		4000},
	{"the same, 2,000 bytes", ENDPOINT, 80, v2_large, LARGE_HEAD, true, false, 4000},
};

/* Of what this process receives itself. */
static int own_listener;

enum { V1_SMALL = 3, V1_LARGE, V2_SMALL, V2_LARGE, LOADS };

_Static_assert(LOADS == ARRAY_SIZE(loads), "a load has no name");

/* A head of that size, ended by its empty line. */
static void fill_head(char *head, size_t size, const char *header)
{
	int start = snprintf(head, size,
		"GET /latest/meta-data/instance-id HTTP/1.1\r\nHost: 169.254.169.254\r\n%s"
		"User-Agent: bench/",
		header);

	memset(head + start, '1', size - start);
	memcpy(head + size - 4, "\r\n\r\n", 4);
}

static struct sockaddr_in address_of(const char *address, uint16_t port)
{
	struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(port)};

	inet_pton(AF_INET, address, &name.sin_addr);
	return name;
}

static void swallow(int listener)
{
	static char bytes[65536];

	for (;;) {
		int connection = accept(listener, NULL, NULL);

		while (connection >= 0 && read(connection, bytes, sizeof(bytes)) > 0)
			;
		close(connection);
	}
}

static int listen_on(const char *address, uint16_t port)
{
	struct sockaddr_in name = address_of(address, port);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (listener < 0 || bind(listener, (struct sockaddr *)&name, sizeof(name)) ||
		listen(listener, 16))
		die("a server cannot listen");
	return listener;
}

/* A server in a process of its own that reads everything and says nothing. */
static void start_sink(const char *address, uint16_t port)
{
	int listener = listen_on(address, port);

	if (!fork()) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		swallow(listener);
	}
	close(listener);
}

/* CPU seconds of this process for one load. */
static double run(const struct load *load)
{
	struct sockaddr_in name = address_of(load->address, load->port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char answer[4096];
	int peer = -1;
	double start;

	if (fd < 0 || connect(fd, (struct sockaddr *)&name, sizeof(name)))
		die(load->name);
	if (load->received)
		peer = accept(own_listener, NULL, NULL);
	start = clock_seconds(CLOCK_PROCESS_CPUTIME_ID);
	for (unsigned int i = 0; i < load->sends; i++) {
		if (write(fd, load->bytes, load->size) != (ssize_t)load->size)
			die(load->name);
		if (load->answered && read(fd, answer, sizeof(answer)) <= 0)
			die(load->name);
		if (load->received && read(peer, answer, load->size) != (ssize_t)load->size)
			die(load->name);
	}
	start = clock_seconds(CLOCK_PROCESS_CPUTIME_ID) - start;
	close(fd);
	close(peer);
	return start;
}

/* -1: there is none. */
static int open_cgroup_root(void)
{
	FILE *mounts = setmntent("/proc/self/mounts", "r");
	struct mntent *mount;
	int root = -1;

	while (mounts && root < 0 && (mount = getmntent(mounts)))
		if (!strcmp(mount->mnt_type, "cgroup2"))
			root = open(mount->mnt_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (mounts)
		endmntent(mounts);
	return root;
}

typedef double rounds[ROUNDS];

/* What the tracer's programs take more than empty ones, for a small head and for each byte more. */
static void print_heads(
	const char *name, const rounds *with, const rounds *empty, size_t small, size_t large)
{
	double head[ROUNDS], byte[ROUNDS];

	for (int round = 0; round < ROUNDS; round++) {
		double more = (with[large][round] - empty[large][round]) / loads[large].sends;

		head[round] = (with[small][round] - empty[small][round]) / loads[small].sends;
		byte[round] = (more - head[round]) / (LARGE_HEAD - SMALL_HEAD);
	}
	printf("%-37s %6.0f ns for 200 bytes, %.2f ns a byte\n", name, median(head, ROUNDS) * 1e9,
		median(byte, ROUNDS) * 1e9);
}

static void measure_sends(const char *program)
{
	static rounds with[LOADS], without[LOADS], empty[LOADS];
	int cgroup = open_cgroup_root(), left_out = 0;

	for (int round = 0; round < ROUNDS; round++) {
		struct empty_programs programs;
		pid_t tracer;

		for (size_t i = 0; i < LOADS; i++)
			without[i][round] = run(&loads[i]);
		tracer = tracer__start(program, NULL);
		for (size_t i = 0; i < LOADS; i++)
			with[i][round] = run(&loads[i]);
		empty_programs__attach(&programs, tracer, cgroup);
		left_out = programs.left_out;
		tracer__stop(tracer);
		for (size_t i = 0; i < LOADS; i++)
			empty[i][round] = run(&loads[i]);
		empty_programs__detach(&programs);
	}
	close(cgroup);
	printf("%-37s %9s %9s %9s %7s\n", "CPU time of the sender", "without", "empty", "with",
		"ratio");
	for (size_t i = 0; i < LOADS; i++) {
		double ratios[ROUNDS];

		for (int round = 0; round < ROUNDS; round++)
			ratios[round] = with[i][round] / empty[i][round];
		printf("%-37s %6.0f ns %6.0f ns %6.0f ns %7.3f\n", loads[i].name,
			median(without[i], ROUNDS) / loads[i].sends * 1e9,
			median(empty[i], ROUNDS) / loads[i].sends * 1e9,
			median(with[i], ROUNDS) / loads[i].sends * 1e9, median(ratios, ROUNDS));
	}
	printf("The ratio is that of the tracer's programs to empty ones at the same\nhooks%s.\n",
		left_out ? " (but kprobes and netfilter's, which are left out)" : "");
	print_heads("a head without a token", with, empty, V1_SMALL, V1_LARGE);
	print_heads("a head with a token", with, empty, V2_SMALL, V2_LARGE);
}

int main(int argc, char **argv)
{
	struct endpoint_addresses held;
	struct service_options imds = {.mode = SERVICE_OPTIONAL};
	pid_t service;

	if (argc != 2) {
		fprintf(stderr, "Usage: sends IMDSTRACE\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	stay_on_one_cpu(false);
	fill_head(v1_small, SMALL_HEAD, "");
	fill_head(v1_large, LARGE_HEAD, "");
	fill_head(v2_small, SMALL_HEAD, "X-aws-ec2-metadata-token: bench\r\n");
	fill_head(v2_large, LARGE_HEAD, "X-aws-ec2-metadata-token: bench\r\n");
	if (netns__enter_private(&held) || netns__check_private(FAMILY_IPV4))
		return 1;
	imds.addresses.ipv4 = held.ipv4;
	if (service__start(&imds, &service))
		return 1;
	start_sink("127.0.0.1", 8080);
	start_sink("127.0.0.1", 80);
	own_listener = listen_on("127.0.0.1", 8081);
	measure_sends(argv[1]);
	imds__stop(service);
	return 0;
}
