/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the tracer itself takes: time until it traces, memory, the kernel's for its maps included,
 * wake-ups and CPU time while nothing calls the endpoint and while much does, and how fast calls
 * may come until one is lost.
 *
 * Everything happens in a private network namespace.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <jansson.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../service/service.h"
#include "../wire/standard.h"
#include "abi.h"
#include "bench.h"
#include "demo/netns.h"

#define STARTS        7
#define IDLE_SECONDS  10
#define BUSY_SECONDS  "10" /* of calls at that rate */
#define BUSY_RATE     "1000"
#define FLOOD_SECONDS 5
#define FLOOD_RATE    50000
#define TICK_NS       1000000 /* between two bursts of a flood */

#define ROW "%-37s "

/* A tracer, and the helper that looks up processes for it. */
struct processes {
	pid_t tracer, helper;
};

struct usage {
	double wall, cpu;
	uint64_t sleeps; /* each ends in a wake-up */
};

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

static uint64_t status_of(pid_t pid, const char *key)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	return sum_of(path, key);
}

static struct processes processes__start(const char *program, const char *output)
{
	struct processes started = {.tracer = tracer__start(program, output)};
	char path[64];
	FILE *children;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", started.tracer, started.tracer);
	children = fopen(path, "r");
	if (!children || fscanf(children, "%d", &started.helper) != 1)
		die("the tracer has no helper");
	fclose(children);
	return started;
}

static struct usage usage__now(const struct processes *processes)
{
	const pid_t both[] = {processes->tracer, processes->helper};
	struct usage usage = {.wall = clock_seconds(CLOCK_MONOTONIC)};

	for (size_t i = 0; i < 2; i++) {
		clockid_t clock;

		if (clock_getcpuclockid(both[i], &clock))
			die("the tracer is gone");
		usage.cpu += clock_seconds(clock);
		usage.sleeps += status_of(both[i], "voluntary_ctxt_switches:");
	}
	return usage;
}

static struct usage usage__since(const struct processes *processes, const struct usage *before)
{
	struct usage now = usage__now(processes);

	return (struct usage){
		now.wall - before->wall, now.cpu - before->cpu, now.sleeps - before->sleeps};
}

static void measure_start(const char *program)
{
	double took[STARTS], peak[STARTS];

	for (int i = 0; i < STARTS; i++) {
		double start = clock_seconds(CLOCK_MONOTONIC);
		pid_t tracer = tracer__start(program, NULL);

		took[i] = clock_seconds(CLOCK_MONOTONIC) - start;
		peak[i] = status_of(tracer, "VmHWM:");
		tracer__stop(tracer);
	}
	printf(ROW "%8.3f s\n", "from exec to \"tracing\"", median(took, STARTS));
	printf(ROW "%8.1f MiB\n", "its memory at most, while it starts",
		median(peak, STARTS) / 1024);
}

static void measure_idle(const char *program)
{
	struct processes processes = processes__start(program, NULL);
	struct usage usage;

	sleep(1); /* what starting takes is over */
	usage = usage__now(&processes);
	sleep(IDLE_SECONDS);
	usage = usage__since(&processes, &usage);
	printf(ROW "%8.1f MiB, %.1f MiB of it its own\n", "its resident memory",
		status_of(processes.tracer, "VmRSS:") / 1024.0,
		status_of(processes.tracer, "RssAnon:") / 1024.0);
	printf(ROW "%8.1f MiB, %.1f MiB of it its own\n", "that of its helper",
		status_of(processes.helper, "VmRSS:") / 1024.0,
		status_of(processes.helper, "RssAnon:") / 1024.0);
	printf(ROW "%8.1f MiB\n", "the kernel's, of maps and programs",
		kernel_memory(processes.tracer) / 1048576.0);
	printf(ROW "%8.2f a second, %.3f %% of a processor\n", "wake-ups while nothing calls",
		usage.sleeps / usage.wall, usage.cpu / usage.wall * 100);
	tracer__stop(processes.tracer);
}

/* Calls of every class, in a private network of their own. How many. */
static double run_soak(const char *wire)
{
	int said[2], status;
	char line[256] = "";
	double calls = 0;
	json_t *counts, *count;
	const char *class;
	FILE *stream;
	pid_t pid;

	if (pipe(said))
		die("pipe");
	pid = fork();
	if (!pid) {
		dup2(said[1], STDOUT_FILENO);
		close(said[0]);
		execl(wire, wire, "--serve", "optional", wire, "--soak", BUSY_SECONDS, "--rate",
			BUSY_RATE, (char *)NULL);
		_exit(127);
	}
	close(said[1]);
	stream = fdopen(said[0], "r");
	if (!stream || !fgets(line, sizeof(line), stream) || waitpid(pid, &status, 0) != pid ||
		status)
		die("the calls failed");
	fclose(stream);
	counts = json_loads(line, 0, NULL);
	json_object_foreach (counts, class, count)
		calls += json_integer_value(count);
	json_decref(counts);
	return calls;
}

static void measure_busy(const char *program, const char *wire)
{
	struct processes processes = processes__start(program, NULL);
	struct usage usage = usage__now(&processes);
	double calls = run_soak(wire);

	usage = usage__since(&processes, &usage);
	printf(ROW "%8.1f us a call, %.1f %% of a processor\n",
		"its CPU time at " BUSY_RATE " calls a second", usage.cpu / calls * 1e6,
		usage.cpu / usage.wall * 100);
	tracer__stop(processes.tracer);
}

static int connect_to_endpoint(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
		.sin_port = htons(ENDPOINT_PORT),
		.sin_addr.s_addr = htonl(ENDPOINT_IPV4)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) ||
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)))
		die("the endpoint cannot be called");
	return fd;
}

/* Sends requests at that rate, where it can, to a service that only reads. How many. */
static double flood(unsigned int rate)
{
	double start = clock_seconds(CLOCK_MONOTONIC), now = start;
	const struct timespec tick = {.tv_nsec = TICK_NS};
	int fd = connect_to_endpoint();
	double sent = 0;

	while (now - start < FLOOD_SECONDS) {
		while (sent < (now - start) * rate) {
			if (send(fd, V1_TEXT, sizeof(V1_TEXT) - 1, MSG_NOSIGNAL) !=
				(ssize_t)sizeof(V1_TEXT) - 1)
				die("send");
			sent++;
		}
		nanosleep(&tick, NULL);
		now = clock_seconds(CLOCK_MONOTONIC);
	}
	close(fd);
	return sent;
}

static json_int_t total(const json_t *report, const char *name)
{
	return json_integer_value(json_object_get(json_object_get(report, "totals"), name));
}

static void measure_flood(const char *program, const char *name)
{
	char path[] = "/tmp/imdstrace-bench-XXXXXX";
	int file = mkstemp(path);
	struct processes processes;
	struct usage usage;
	json_t *report;
	double sent;

	if (file < 0)
		die(path);
	close(file);
	unlink(path);
	processes = processes__start(program, path);
	usage = usage__now(&processes);
	sent = flood(FLOOD_RATE);
	usage = usage__since(&processes, &usage);
	tracer__stop(processes.tracer);
	report = json_load_file(path, 0, NULL);
	if (!report)
		die("the trace left no report");
	printf(ROW "%8.0f a second, %.0f %% of a processor\n", name, sent / usage.wall,
		usage.cpu / usage.wall * 100);
	printf(ROW "%8lld lost, %lld missed of %.0f\n", "", total(report, "lost"),
		total(report, "missed") + (json_int_t)sent - total(report, "v1"), sent);
	json_decref(report);
	unlink(path);
}

int main(int argc, char **argv)
{
	struct endpoint_addresses held;
	struct service_options imds = {.mode = SERVICE_SILENT};
	pid_t service;

	if (argc != 3) {
		fprintf(stderr, "Usage: footprint IMDSTRACE WIRE\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (netns__enter_private(&held) || netns__check_private(FAMILY_IPV4))
		return 1;
	printf("The tracer\n");
	measure_start(argv[1]);
	measure_idle(argv[1]);
	measure_busy(argv[1], argv[2]);
	imds.addresses.ipv4 = held.ipv4;
	stay_on_one_cpu(false);
	if (service__start(&imds, &service))
		return 1;
	measure_flood(argv[1], "50,000 calls a second of 1 processor");
	stay_on_one_cpu(true);
	measure_flood(argv[1], "the same, the tracer on it as well");
	imds__stop(service);
	return 0;
}
