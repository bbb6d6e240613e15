/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "bench.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* Where tracers may run; empty: where this process may. */
static cpu_set_t of_tracers;

void die(const char *what)
{
	fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
	exit(1);
}

double clock_seconds(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return time.tv_sec + time.tv_nsec / 1e9;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

double median(double *values, size_t count)
{
	qsort(values, count, sizeof(*values), compare);
	return values[count / 2];
}

uint64_t sum_of(const char *path, const char *key)
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

void stay_on_one_cpu(bool tracers)
{
	int last = CPU_SETSIZE - 1;
	cpu_set_t one;

	if (sched_getaffinity(0, sizeof(one), &one))
		die("sched_getaffinity");
	if (!tracers && !CPU_COUNT(&of_tracers))
		of_tracers = one;
	else if (tracers)
		CPU_ZERO(&of_tracers);
	while (last > 0 && !CPU_ISSET(last, &one))
		last--;
	CPU_ZERO(&one);
	CPU_SET(last, &one);
	if (sched_setaffinity(0, sizeof(one), &one))
		die("sched_setaffinity");
}

static void exec_tracer(const char *program, const char *output, const int said[2])
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (CPU_COUNT(&of_tracers))
		sched_setaffinity(0, sizeof(of_tracers), &of_tracers);
	dup2(said[1], STDERR_FILENO);
	close(said[0]);
	execl(program, program, "trace", "--quiet", output ? "--output" : NULL, output,
		(char *)NULL);
	_exit(127);
}

pid_t tracer__start(const char *program, const char *output)
{
	char line[512] = "";
	int said[2];
	FILE *stream;
	pid_t pid;

	if (pipe(said))
		die("pipe");
	pid = fork();
	if (!pid)
		exec_tracer(program, output, said);
	close(said[1]);
	stream = fdopen(said[0], "r");
	while (stream && fgets(line, sizeof(line), stream))
		if (!strncmp(line, "imdstrace: tracing", strlen("imdstrace: tracing")))
			return pid;
	fprintf(stderr, "bench: the tracer does not trace: %s\n", line);
	exit(1);
}

void tracer__stop(pid_t pid)
{
	kill(pid, SIGTERM);
	waitpid(pid, NULL, 0);
}
