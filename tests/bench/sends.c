/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What tracing costs those who send: CPU time for each send with the tracer attached, as a ratio
 * to the same with programs at its hooks that do nothing, in turns within one run. And what the
 * tracer itself takes: memory, the kernel's for its maps included, and CPU time while nothing calls
 * the endpoint.
 *
 * Everything happens in a private network namespace.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../service/service.h"
#include "demo/netns.h"
#include "empty.h"

#define ROUNDS       7
#define IDLE_SECONDS 5

static const char request[] = "GET /latest/meta-data/instance-id HTTP/1.1\r\n"
			      "Host: 169.254.169.254\r\nUser-Agent: bench/1\r\n\r\n";

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

static const struct load loads[] = {
	{"a send to another port", "127.0.0.1", 8080, "x", 1, false, false, 200000},
	{"a send to port 80 of another address", "127.0.0.1", 80, "x", 1, false, false, 200000},
	{"a send and its receive, elsewhere", "127.0.0.1", 8081, "x", 1, false, true, 200000},
	{"a request to the endpoint", "169.254.169.254", 80, request, sizeof(request) - 1, true,
		false, 20000},
};

/* Of what this process receives itself. */
static int own_listener;

#define LOADS (sizeof(loads) / sizeof(*loads))

static void die(const char *what)
{
	fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
	exit(1);
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

static double cpu_seconds(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return time.tv_sec + time.tv_nsec / 1e9;
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
	start = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID);
	for (unsigned int i = 0; i < load->sends; i++) {
		if (write(fd, load->bytes, load->size) != (ssize_t)load->size)
			die(load->name);
		if (load->answered && read(fd, answer, sizeof(answer)) <= 0)
			die(load->name);
		if (load->received && read(peer, answer, load->size) != (ssize_t)load->size)
			die(load->name);
	}
	start = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID) - start;
	close(fd);
	close(peer);
	return start;
}

/* Starts the tracer and waits until its hooks are attached. */
static pid_t start_tracer(const char *program)
{
	char line[512] = "";
	int said[2];
	FILE *stream;
	pid_t pid;

	if (pipe(said))
		die("pipe");
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(said[1], STDERR_FILENO);
		close(said[0]);
		execl(program, program, "trace", "--quiet", (char *)NULL);
		_exit(127);
	}
	close(said[1]);
	stream = fdopen(said[0], "r");
	while (stream && fgets(line, sizeof(line), stream))
		if (!strncmp(line, "imdstrace: tracing", strlen("imdstrace: tracing")))
			return pid;
	fprintf(stderr, "bench: the tracer does not trace: %s\n", line);
	exit(1);
}

static void stop_tracer(pid_t pid)
{
	kill(pid, SIGTERM);
	waitpid(pid, NULL, 0);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(double *values, size_t count)
{
	qsort(values, count, sizeof(*values), compare);
	return values[count / 2];
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

static void measure_sends(const char *program)
{
	static double with[LOADS][ROUNDS], without[LOADS][ROUNDS], empty[LOADS][ROUNDS];
	int cgroup = open_cgroup_root(), left_out = 0;

	for (int round = 0; round < ROUNDS; round++) {
		struct empty_programs programs;
		pid_t tracer;

		for (size_t i = 0; i < LOADS; i++)
			without[i][round] = run(&loads[i]);
		tracer = start_tracer(program);
		for (size_t i = 0; i < LOADS; i++)
			with[i][round] = run(&loads[i]);
		empty_programs__attach(&programs, tracer, cgroup);
		left_out = programs.left_out;
		stop_tracer(tracer);
		for (size_t i = 0; i < LOADS; i++)
			empty[i][round] = run(&loads[i]);
		empty_programs__detach(&programs);
	}
	close(cgroup);
	printf("%-40s %10s %10s %10s %8s\n", "CPU time of the sender", "without", "empty", "with",
		"ratio");
	for (size_t i = 0; i < LOADS; i++) {
		double ratios[ROUNDS];

		for (int round = 0; round < ROUNDS; round++)
			ratios[round] = with[i][round] / empty[i][round];
		printf("%-40s %7.0f ns %7.0f ns %7.0f ns %8.3f\n", loads[i].name,
			median(without[i], ROUNDS) / loads[i].sends * 1e9,
			median(empty[i], ROUNDS) / loads[i].sends * 1e9,
			median(with[i], ROUNDS) / loads[i].sends * 1e9, median(ratios, ROUNDS));
	}
	printf("The ratio is that of the tracer's programs to empty ones at the same hooks%s.\n",
		left_out ? " (but kprobes and netfilter's, which are left out)" : "");
}

/* The sum of a number behind key in the lines of a file. */
static uint64_t sum_of(const char *path, const char *key)
{
	FILE *file = fopen(path, "r");
	char line[256];
	uint64_t sum = 0;

	while (file && fgets(line, sizeof(line), file))
		if (!strncmp(line, key, strlen(key)))
			sum += strtoull(line + strlen(key), NULL, 10);
	if (file)
		fclose(file);
	return sum;
}

/* Bytes of kernel memory that the BPF maps and programs behind a process's descriptors take. */
static uint64_t kernel_memory(pid_t pid)
{
	char path[64], entry_path[512];
	struct dirent *entry;
	uint64_t sum = 0;
	DIR *directory;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo", pid);
	directory = opendir(path);
	while (directory && (entry = readdir(directory))) {
		snprintf(entry_path, sizeof(entry_path), "%s/%s", path, entry->d_name);
		sum += sum_of(entry_path, "memlock:");
	}
	if (directory)
		closedir(directory);
	return sum;
}

static void measure_tracer(const char *program)
{
	pid_t pid = start_tracer(program);
	char path[64];
	clockid_t clock;
	double busy;

	clock_getcpuclockid(pid, &clock);
	sleep(1); /* what starting takes is over */
	busy = cpu_seconds(clock);
	sleep(IDLE_SECONDS);
	busy = cpu_seconds(clock) - busy;
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	printf("\n%-40s %.2f %% of one CPU\n", "the tracer while nothing calls",
		busy / IDLE_SECONDS * 100);
	printf("%-40s %.1f MiB\n", "its resident memory", sum_of(path, "VmRSS:") / 1024.0);
	printf("%-40s %.1f MiB\n", "kernel memory of its maps and programs",
		kernel_memory(pid) / 1048576.0);
	stop_tracer(pid);
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
	if (netns__enter_private(&held) || netns__check_private(FAMILY_IPV4))
		return 1;
	imds.addresses.ipv4 = held.ipv4;
	if (service__start(&imds, &service))
		return 1;
	start_sink("127.0.0.1", 8080);
	start_sink("127.0.0.1", 80);
	own_listener = listen_on("127.0.0.1", 8081);
	measure_sends(argv[1]);
	measure_tracer(argv[1]);
	imds__stop(service);
	return 0;
}
