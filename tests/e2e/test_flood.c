/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Many requests from many threads at once, and the proof that none was missed in silence: all
 * were counted, or as many connections as can account for the difference are unknown. A kernel may
 * skip a program that interrupts itself; this is where it would show.
 *
 * FLOOD_REQUESTS (20000) in all; FLOOD_THREADS (16). Half of the threads keep their connections for
 * PER_CONNECTION requests, the other half open one for each and reset it. Bounded by MAX_SECONDS.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <pthread.h>
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

#define NAME           "flood" /* this process's, in the report */
#define PER_CONNECTION 100
#define THREADS_MAX    256
#define MAX_SECONDS    900

static const char request[] = "GET /latest/meta-data/instance-id HTTP/1.1\r\n"
			      "Host: 169.254.169.254\r\n\r\n";

struct flood {
	pthread_t thread;
	unsigned int requests;       /* to be sent */
	unsigned int per_connection; /* and then the connection is closed */
	uint64_t sent, connections;  /* as it came out */
	int error;
};

static time_t deadline;

static int connect_to_endpoint(void)
{
	struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(80)};
	struct linger reset = {.l_onoff = 1};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	inet_pton(AF_INET, "169.254.169.254", &name.sin_addr);
	/* a reset leaves no port waiting behind */
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	if (fd >= 0 && connect(fd, (struct sockaddr *)&name, sizeof(name))) {
		close(fd);
		return -1;
	}
	return fd;
}

static int call(int fd)
{
	char answer[4096];

	if (send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) != (ssize_t)sizeof(request) - 1)
		return -errno;
	return recv(fd, answer, sizeof(answer), 0) > 0 ? 0 : -EPIPE;
}

static void *flood__run(void *argument)
{
	struct flood *flood = argument;

	while (flood->sent < flood->requests && !flood->error && time(NULL) < deadline) {
		int fd = connect_to_endpoint();

		if (fd < 0) {
			flood->error = -errno;
			break;
		}
		flood->connections++;
		for (unsigned int i = 0; i < flood->per_connection && flood->sent < flood->requests;
			i++) {
			flood->error = call(fd);
			if (flood->error)
				break;
			flood->sent++;
		}
		close(fd);
	}
	return NULL;
}

static unsigned int number_from(const char *variable, unsigned int otherwise, unsigned int most)
{
	const char *text = getenv(variable);
	unsigned long number = text ? strtoul(text, NULL, 10) : otherwise;

	return number < 1 ? 1 : number > most ? most : number;
}

/* All threads' requests and connections; -errno of the first that failed. */
static int flood_all(uint64_t *sent, uint64_t *connections)
{
	unsigned int threads = number_from("FLOOD_THREADS", 16, THREADS_MAX);
	unsigned int requests = number_from("FLOOD_REQUESTS", 20000, 10000000);
	static struct flood floods[THREADS_MAX];
	int error = 0;

	for (unsigned int i = 0; i < threads; i++) {
		floods[i].requests = requests / threads + (i < requests % threads);
		floods[i].per_connection = i % 2 ? 1 : PER_CONNECTION;
		if (pthread_create(&floods[i].thread, NULL, flood__run, &floods[i]))
			return -EAGAIN;
	}
	for (unsigned int i = 0; i < threads; i++) {
		pthread_join(floods[i].thread, NULL);
		*sent += floods[i].sent;
		*connections += floods[i].connections;
		error = error ? error : floods[i].error;
	}
	return error;
}

static FILE *tracer_says;

static pid_t start_tracer(const char *program, const char *report)
{
	char line[512] = "";
	int said[2];
	pid_t pid;

	if (pipe(said))
		return -1;
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(said[1], STDERR_FILENO);
		close(said[0]);
		execl(program, program, "trace", "--quiet", "--output", report, (char *)NULL);
		_exit(127);
	}
	close(said[1]);
	tracer_says = fdopen(said[0], "r");
	while (tracer_says && fgets(line, sizeof(line), tracer_says))
		if (!strncmp(line, "imdstrace: tracing", strlen("imdstrace: tracing")))
			return pid;
	printf("the tracer does not trace: %s\n", line);
	return -1;
}

static uint64_t total(const json_t *report, const char *name)
{
	return json_integer_value(json_object_get(json_object_get(report, "totals"), name));
}

static void pass_on(FILE *stream)
{
	char line[512];

	while (fgets(line, sizeof(line), stream))
		fputs(line, stdout);
}

/* What the counts of callers of that name (NULL: of all) sum up to. Others may call meanwhile. */
static uint64_t calls_of(const json_t *report, const char *comm, const char *cls)
{
	const json_t *callers = json_object_get(report, "callers");
	uint64_t sum = 0;

	for (size_t i = 0; i < json_array_size(callers); i++) {
		const json_t *caller = json_array_get(callers, i);

		if (!comm || !strcmp(comm, json_string_value(json_object_get(caller, "comm"))))
			sum += json_integer_value(
				json_object_get(json_object_get(caller, "calls"), cls));
	}
	return sum;
}

static int check(const char *name, int ok)
{
	printf("%s %s\n", ok ? "ok" : "FAILED", name);
	return !ok;
}

static void print_reasons(const json_t *report)
{
	json_t *reasons = json_object_get(json_object_get(report, "totals"), "unknown_by_reason");
	const char *name;
	json_t *count;

	json_object_foreach (reasons, name, count)
		if (json_integer_value(count))
			printf("  unknown because %s: %lld\n", name,
				(long long)json_integer_value(count));
}

static int judge(const char *path, uint64_t sent, uint64_t connections)
{
	json_t *report = json_load_file(path, 0, NULL);
	uint64_t v1 = calls_of(report, NAME, "v1"), unknown = calls_of(report, NAME, "unknown");
	uint64_t missed = sent > v1 ? sent - v1 : 0;
	int failed = 0;

	printf("%llu requests on %llu connections: %llu counted, %llu unknown, %llu records lost\n",
		(unsigned long long)sent, (unsigned long long)connections, (unsigned long long)v1,
		(unsigned long long)unknown, (unsigned long long)total(report, "lost"));
	print_reasons(report);
	failed += check("nothing-counted-twice", v1 <= sent);
	failed += check("nothing-missed-in-silence",
		missed <= unknown * PER_CONNECTION && unknown <= connections);
	failed += check(
		"totals-are-the-callers", calls_of(report, NULL, "v1") == total(report, "v1"));
	json_decref(report);
	return failed;
}

int main(void)
{
	const char *program = getenv("IMDSTRACE") ? getenv("IMDSTRACE") : "build/imdstrace";
	char directory[] = "/tmp/imdstrace-flood-XXXXXX", path[64];
	struct endpoint_addresses held;
	struct service_options imds = {.mode = SERVICE_OPTIONAL};
	uint64_t sent = 0, connections = 0;
	pid_t service, tracer;
	int failed = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	prctl(PR_SET_NAME, NAME);
	if (netns__enter_private(&held) || netns__check_private(FAMILY_IPV4) || !mkdtemp(directory))
		return 1;

	snprintf(path, sizeof(path), "%s/report.json", directory);
	imds.addresses.ipv4 = held.ipv4;
	if (service__start(&imds, &service))
		return 1;
	tracer = start_tracer(program, path);
	if (tracer < 0)
		return 1;
	deadline = time(NULL) + MAX_SECONDS;
	failed += check("every-request-was-answered", !flood_all(&sent, &connections));
	kill(tracer, SIGTERM);
	waitpid(tracer, NULL, 0);
	pass_on(tracer_says);
	imds__stop(service);
	failed += judge(path, sent, connections);
	unlink(path);
	rmdir(directory);
	printf("%d passed, %d failed, 0 skipped\n", 4 - failed, failed);
	return failed ? 1 : 0;
}
