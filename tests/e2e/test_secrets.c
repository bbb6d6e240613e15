/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The table of mask_cases.h in the kernel: a process for each case, whose arguments it is, calls
 * the service of a private network. The tracer is stopped meanwhile, so that what the kernel side
 * keeps for it can be looked at; then it goes on, and shows them.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../mask_cases.h"
#include "abi.h"
#include "../service/service.h"
#include "demo/netns.h"

#define CASE      "IMDSTRACE_SECRETS_CASE"
#define ARGS_MOST 32
#define TEXT_MAX  4096
#define SECONDS   30

/* In the process of a case: one request, whose path tells the case. */
static int call(const char *number)
{
	struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(80)};
	char request[128], answer[4096];
	int size = snprintf(request, sizeof(request),
		"GET /latest/meta-data/?secrets-%s HTTP/1.0\r\n\r\n", number);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (netns__check_private(FAMILY_IPV4))
		return 1;
	inet_pton(AF_INET, "169.254.169.254", &name.sin_addr);
	return connect(fd, (struct sockaddr *)&name, sizeof(name)) ||
	       send(fd, request, size, MSG_NOSIGNAL) != size ||
	       recv(fd, answer, sizeof(answer), 0) <= 0;
}

/* A NULL-terminated list of the arguments of a text of that size. */
static void split(char *text, size_t size, char *args[ARGS_MOST + 1])
{
	size_t count = 0;

	for (size_t at = 0; at < size && count < ARGS_MOST; at += strlen(text + at) + 1)
		args[count++] = text + at;
	args[count] = NULL;
}

static pid_t pids[MASK_CASES];

static int run(size_t number)
{
	char text[TEXT_MAX], digits[16], *args[ARGS_MOST + 1];
	int status = 1;
	pid_t pid;

	split(text, mask_case__text(&mask_cases[number], 0, text), args);
	snprintf(digits, sizeof(digits), "%zu", number);
	pid = fork();
	if (!pid) {
		setenv(CASE, digits, 1);
		execv("/proc/self/exe", args);
		_exit(127);
	}
	pids[number] = pid;
	waitpid(pid, &status, 0);
	return status;
}

/* The newest map of that name: our tracer's. */
static int open_map(const char *name)
{
	struct bpf_map_info info;
	int found = -1;
	__u32 id = 0;

	while (!bpf_map_get_next_id(id, &id)) {
		int fd = bpf_map_get_fd_by_id(id);
		__u32 size = sizeof(info);

		memset(&info, 0, sizeof(info));
		if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size) || strcmp(info.name, name) ||
			info.value_size != sizeof(struct identity)) {
			close(fd);
			continue;
		}
		close(found);
		found = fd;
	}
	return found;
}

/* What the kernel side captured for the process of a case. */
static int judge_captured(const struct identity *captured, size_t number)
{
	char wanted[TEXT_MAX], secret[TEXT_MAX];
	size_t size = mask_case__text(&mask_cases[number], 1, wanted);
	const char *args = captured->text + captured->exe_size + captured->cgroup_size;
	int failed = captured->args_size != size || memcmp(args, wanted, size);

	mask_case__text(&mask_cases[number], 0, secret);
	/* nowhere else in it either */
	if (memcmp(secret, wanted, size))
		failed |= memmem(captured, sizeof(*captured), secret, size) != NULL;
	failed |= memmem(captured, sizeof(*captured), "JAx7-kQ2", 8) != NULL;
	if (failed)
		printf("FAILED captured: %s: %.*s\n", mask_cases[number].name, captured->args_size,
			args);
	return failed;
}

static int judge_all_captured(void)
{
	static struct identity captured;
	struct process_key key, *last = NULL;
	int fd = open_map("identities"), failed = 0, seen = 0;

	while (fd >= 0 && !bpf_map_get_next_key(fd, last, &key)) {
		last = &key;
		if (bpf_map_lookup_elem(fd, &key, &captured))
			continue;
		for (size_t i = 0; i < MASK_CASES; i++)
			if ((pid_t)key.pid == pids[i] && captured.args_size && captured.ready) {
				failed += judge_captured(&captured, i);
				seen++;
			}
	}
	close(fd);
	if (seen != (int)MASK_CASES)
		printf("FAILED %d of %zu cases were captured\n", seen, MASK_CASES);
	return failed + (seen != (int)MASK_CASES);
}

static pid_t start_tracer(const char *program, const char *events, const char *report)
{
	char said[512] = "";
	pid_t pid = fork();

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(open(events, O_WRONLY | O_CREAT, 0600), STDOUT_FILENO);
		dup2(memfd_create("said", 0), STDERR_FILENO);
		execl(program, program, "trace", "--all", "--json", "--output", report,
			(char *)NULL);
		_exit(127);
	}
	snprintf(said, sizeof(said), "/proc/%d/fd/2", pid);
	for (time_t until = time(NULL) + SECONDS; time(NULL) < until; usleep(20000)) {
		char line[512] = "";
		int fd = open(said, O_RDONLY | O_CLOEXEC);

		if (fd < 0)
			continue;
		if (read(fd, line, sizeof(line) - 1) > 0 && strstr(line, "imdstrace: tracing")) {
			close(fd);
			return pid;
		}
		close(fd);
	}
	printf("the tracer does not trace\n");
	return -1;
}

/* The number in "...?secrets-NUMBER"; -1: another request. */
static long case_of(const json_t *request)
{
	const char *path = json_string_value(json_object_get(request, "path"));
	const char *at = path ? strstr(path, "?secrets-") : NULL;

	return at ? atol(at + strlen("?secrets-")) : -1;
}

static int judge(size_t number, const json_t *request)
{
	char text[TEXT_MAX], *wanted[ARGS_MOST + 1];
	json_t *shown = json_object_get(request, "args");
	size_t count = 0;
	int failed = 0;

	split(text, mask_case__text(&mask_cases[number], 1, text), wanted);
	for (; wanted[count]; count++) {
		const char *got = json_string_value(json_array_get(shown, count));

		if (got && !strcmp(got, wanted[count]))
			continue;
		printf("  wanted %s\n  got    %s\n", wanted[count], got ? got : "nothing");
		failed = 1;
	}
	failed |= json_array_size(shown) != count;
	printf("%s %s\n", failed ? "FAILED" : "ok", mask_cases[number].name);
	return failed;
}

static int judge_all(const char *events, unsigned int *seen)
{
	FILE *lines = fopen(events, "re");
	static char line[65536];
	int failed = 0, leaked = 0;

	while (lines && fgets(line, sizeof(line), lines)) {
		json_t *request = json_loads(line, 0, NULL);
		long number = case_of(request);

		if (number >= 0 && number < (long)MASK_CASES) {
			failed += judge(number, request);
			leaked |= strstr(line, "JAx7-kQ2") != NULL;
			(*seen)++;
		}
		json_decref(request);
	}
	if (lines)
		fclose(lines);
	printf("%s no token is in what was printed\n", leaked ? "FAILED" : "ok");
	return failed + leaked;
}

int main(void)
{
	const char *program = getenv("IMDSTRACE") ? getenv("IMDSTRACE") : "build/imdstrace";
	char directory[] = "/tmp/imdstrace-secrets-XXXXXX", events[64], report[64];
	struct endpoint_addresses held;
	struct service_options imds = {.mode = SERVICE_OPTIONAL};
	unsigned int seen = 0;
	pid_t service, tracer;
	int failed = 0, passed;

	if (getenv(CASE))
		return call(getenv(CASE));
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (netns__enter_private(&held) || netns__check_private(FAMILY_IPV4) || !mkdtemp(directory))
		return 1;

	snprintf(events, sizeof(events), "%s/events", directory);
	snprintf(report, sizeof(report), "%s/report", directory);
	imds.addresses.ipv4 = held.ipv4;
	if (service__start(&imds, &service))
		return 1;
	tracer = start_tracer(program, events, report);
	if (tracer < 0)
		return 1;
	kill(tracer, SIGSTOP);
	for (size_t i = 0; i < MASK_CASES; i++)
		if (run(i))
			printf("%s: no answer\n", mask_cases[i].name);
	failed += judge_all_captured();
	kill(tracer, SIGCONT);
	kill(tracer, SIGTERM);
	waitpid(tracer, NULL, 0);
	imds__stop(service);
	failed += judge_all(events, &seen);
	if (seen != MASK_CASES)
		printf("FAILED %u of %zu cases were seen\n", seen, MASK_CASES);
	failed += (int)MASK_CASES - (int)seen;
	unlink(events);
	unlink(report);
	rmdir(directory);
	passed = 2 * (int)MASK_CASES + 1 - failed;
	printf("%d passed, %d failed, 0 skipped\n", passed > 0 ? passed : 0, failed);
	return failed ? 1 : 0;
}
