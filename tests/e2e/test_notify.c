/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A service manager's view of a trace: READY=1 comes once, and what is called right after it is
 * seen. The calls of $WIRE are made in its private network.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/complain.h"
#include "lib/scope.h"

#define PATIENCE_MS 60000
#define TEXT_SIZE   (1 << 20)

struct trace {
	char directory[64], socket[80], out[80], errors[80];
	int manager; /* the socket of the service manager */
	pid_t pid;
};

static unsigned int passed, failed;

static void check(const char *name, bool so)
{
	printf("%-7s %s\n", so ? "ok" : "FAILED", name);
	if (so)
		passed++;
	else
		failed++;
}

static int fail(const char *what)
{
	return complain_errno(errno ? errno : EIO, "%s: %s", what, strerror(errno));
}

static int trace__prepare(struct trace *trace)
{
	const char *root = getenv("TMPDIR");
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	snprintf(trace->directory, sizeof(trace->directory), "%s/notifyXXXXXX",
		root && strlen(root) < 40 ? root : "/tmp");
	if (!mkdtemp(trace->directory))
		return fail("no directory of its own");
	snprintf(trace->socket, sizeof(trace->socket), "%s/manager", trace->directory);
	snprintf(trace->out, sizeof(trace->out), "%s/out", trace->directory);
	snprintf(trace->errors, sizeof(trace->errors), "%s/errors", trace->directory);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", trace->socket);
	trace->manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (trace->manager < 0 || bind(trace->manager, (void *)&address, sizeof(address)))
		return fail("no socket for a service manager");
	return setenv("NOTIFY_SOCKET", trace->socket, 1) ? fail("no NOTIFY_SOCKET") : 0;
}

/* In the child. */
static void trace__exec(const struct trace *trace, pid_t parent)
{
	const char *program = getenv("IMDSTRACE");
	int out = open(trace->out, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	int errors = open(trace->errors, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent || out < 0 || errors < 0)
		_exit(127);
	dup2(out, STDOUT_FILENO);
	dup2(errors, STDERR_FILENO);
	execl(program, program, "trace", "--json", (char *)NULL);
	_exit(127);
}

/* The next datagram as text; "" for none within so many milliseconds. */
static void manager__hear(const struct trace *trace, int timeout_ms, char *text, size_t size)
{
	struct pollfd ready = {.fd = trace->manager, .events = POLLIN};
	ssize_t got = 0;

	if (poll(&ready, 1, timeout_ms) > 0)
		got = recv(trace->manager, text, size - 1, MSG_DONTWAIT);
	text[got > 0 ? got : 0] = '\0';
}

static bool file__holds(const char *path, const char *wanted)
{
	_free_ char *text = calloc(1, TEXT_SIZE);
	_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

	return text && fd >= 0 && read(fd, text, TEXT_SIZE - 1) >= 0 && strstr(text, wanted);
}

/* One v1 call, beside a service of its own. */
static bool endpoint__call(const char *name)
{
	char command[512];

	snprintf(command, sizeof(command),
		"\"$WIRE\" --serve optional curl -sS -o /dev/null "
		"http://169.254.169.254/latest/meta-data/ami-id?%s",
		name);
	return system(command) == 0;
}

static void trace__watch(struct trace *trace)
{
	char name[64], heard[256];
	int status;

	snprintf(name, sizeof(name), "notify-%d", getpid());
	manager__hear(trace, PATIENCE_MS, heard, sizeof(heard));
	check("READY=1 arrives", strstr(heard, "READY=1"));
	check("the call after it can be made", endpoint__call(name));
	kill(trace->pid, SIGTERM);
	check("the trace ends well", waitpid(trace->pid, &status, 0) == trace->pid &&
					     WIFEXITED(status) && !WEXITSTATUS(status));
	check("the call after it was seen", file__holds(trace->out, name));
	check("stderr says that it traces", file__holds(trace->errors, "imdstrace: tracing"));
	do
		manager__hear(trace, 0, heard, sizeof(heard));
	while (*heard && !strstr(heard, "READY=1"));
	check("READY=1 arrives once", !*heard);
}

static void trace__clear(const struct trace *trace)
{
	unlink(trace->socket);
	unlink(trace->out);
	unlink(trace->errors);
	rmdir(trace->directory);
}

int main(void)
{
	struct trace trace = {.manager = -1};
	pid_t parent = getpid();

	if (!getenv("IMDSTRACE") || !getenv("WIRE")) {
		complain("IMDSTRACE and WIRE have to name the programs");
		return 1;
	}
	if (trace__prepare(&trace))
		return 1;
	trace.pid = fork();
	if (!trace.pid)
		trace__exec(&trace, parent);
	if (trace.pid > 0)
		trace__watch(&trace);
	close(trace.manager);
	trace__clear(&trace);
	printf("%u passed, %u failed, 0 skipped\n", passed, failed);
	return failed || !passed;
}
