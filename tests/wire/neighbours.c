/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Neighbours that use up what a tracer has room for: connections by the ten thousands, heads that
 * never end, processes of as many names that call once each, and as many children that live.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/array.h"
#include "lib/complain.h"
#include "lib/scope.h"
#include "standard.h"
#include "wire.h"

#define PER_SOURCE \
	5000 /* connections from one address: few enough that a free port is found at once */
#define SPARE_FDS         256 /* beside those of the connections, here and for the service's others */
#define ENDLESS_SIZE      (1 << 20) /* bytes of a head that does not end */
#define CHILDREN_MAX      10        /* processes that live at the same time */
#define CHILD_STACK       16384     /* bytes */
#define NEIGHBOUR_SECONDS 300       /* after which they end by themselves */

static int neighbours__begin(struct run *run, const char *name)
{
	*run = (struct run){.hold = -1, .held = {.ipv4 = true}, .record = record__new(name)};
	if (!run->record || netns__check_private(FAMILY_IPV4)) {
		complain("neighbours need the private network of wire --serve");
		return -EPERM;
	}
	alarm(NEIGHBOUR_SECONDS);
	return 0;
}

/* Says how many there are, and waits for a line on standard input or its end. */
static void say_and_wait(unsigned int count)
{
	char word;

	printf("%u\n", count);
	fflush(stdout);
	while (read(STDIN_FILENO, &word, 1) < 0 && errno == EINTR)
		;
}

/* --- Connections --------------------------------------------------------------------------- */

/* The nth connection, from one of the addresses that lo has more of than the endpoint has ports.
 * Its fd or -errno. */
static int connect_from(struct run *run, unsigned int number)
{
	struct sockaddr_in source = {.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK + number / PER_SOURCE)};
	struct sockaddr_storage address;
	socklen_t size = endpoint__address(&address, SOCKET_IPV4, 0);
	int fd = endpoint__socket(run, SOCKET_IPV4), error;

	if (fd < 0)
		return fd;
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &(int){1}, sizeof(int));
	if (!bind(fd, (struct sockaddr *)&source, sizeof(source)) &&
		!connect(fd, (struct sockaddr *)&address, size))
		return fd;
	error = -errno;
	close(fd);
	return error;
}

/* As many files as the process may have. */
static unsigned int files__allow(unsigned int count)
{
	struct rlimit files = {count + SPARE_FDS, count + SPARE_FDS};

	if (!setrlimit(RLIMIT_NOFILE, &files))
		return count;
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	return files.rlim_cur - SPARE_FDS;
}

int neighbours__connect(unsigned int count, bool hold)
{
	unsigned int opened = 0, wanted = hold ? files__allow(count) : count;
	_free_ int *fds = calloc(wanted ? wanted : 1, sizeof(*fds));
	struct run run;
	int fd = 0;

	if (wanted > count)
		wanted = count;
	if (!fds || neighbours__begin(&run, "crowd"))
		return 1;
	for (; opened < wanted; opened++) {
		fd = connect_from(&run, opened);
		if (fd < 0)
			break;
		if (hold)
			fds[opened] = fd;
		else
			endpoint__reset(fd);
	}
	if (fd < 0)
		complain("%u connections were opened, no more: %s", opened, strerror(-fd));
	say_and_wait(opened);
	for (unsigned int i = 0; hold && i < opened; i++)
		endpoint__reset(fds[i]);
	record__free(run.record);
	return opened ? 0 : 1;
}

/* --- Heads that never end ------------------------------------------------------------------ */

static const struct {
	const char *name;
	const char *begin, *again; /* again NULL: and no more comes */
} endless[] = {
	{"one value", "GET " AMI " HTTP/1.1\r\nX-Endless: ", "0123456789abcdef"},
	{"one line behind another", "GET " AMI " HTTP/1.1\r\n", "X-Endless: 0123456789abcdef\r\n"},
	{"one name", "GET " AMI " HTTP/1.1\r\n", "0123456789abcdef"},
	{"one path", "GET /latest/", "0123456789abcdef"},
	{"empty lines", "\r\n", "\r\n"},
	{"a head that stops", "GET " AMI " HTTP/1.1\r\nX-Stopped: ", NULL},
};

/* 0 or -errno. */
static int send_endless(int fd, const char *begin, const char *again)
{
	size_t size = again ? strlen(again) : 0, sent = 0;
	char piece[4096];
	size_t fill = 0;

	if (send(fd, begin, strlen(begin), MSG_NOSIGNAL) != (ssize_t)strlen(begin))
		return -errno;
	for (; again && fill + size <= sizeof(piece); fill += size)
		memcpy(piece + fill, again, size);
	while (again && sent < ENDLESS_SIZE) {
		ssize_t taken = send(fd, piece, fill, MSG_NOSIGNAL);

		if (taken < 0)
			return -errno;
		sent += taken;
	}
	return 0;
}

int neighbours__endless(unsigned int count)
{
	_free_ int *fds = calloc(count, sizeof(*fds));
	struct run run;
	int error = 0;

	if (!fds || neighbours__begin(&run, "endless"))
		return 1;
	for (unsigned int i = 0; i < count && !error; i++) {
		size_t kind = i % ARRAY_SIZE(endless);

		fds[i] = connect_from(&run, i);
		error = fds[i] < 0 ? fds[i]
				   : send_endless(fds[i], endless[kind].begin, endless[kind].again);
		if (error)
			complain("%s cannot be sent: %s", endless[kind].name, strerror(-error));
	}
	say_and_wait(count);
	record__free(run.record);
	return error ? 1 : 0;
}

/* --- Processes ----------------------------------------------------------------------------- */

/* In a process of its own: becomes a program of its own, in the current directory, which calls once
 * over the connection that it is given. Returns only where that failed. */
static int become_one_of_many(struct run *run, unsigned int number)
{
	char program[PATH_MAX] = "", name[24], fd_text[12];
	int fd = connect_from(run, number);

	snprintf(name, sizeof(name), "swarm-%u", number);
	snprintf(fd_text, sizeof(fd_text), "%d", fd);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (fd < 0 || readlink("/proc/self/exe", program, sizeof(program) - 1) < 0 ||
		link(program, name) || fcntl(fd, F_SETFD, 0))
		return 1;
	execl(name, name, "--send-on", fd_text, name, NULL);
	return 1;
}

int neighbours__swarm(unsigned int count)
{
	unsigned int failed = 0, living = 0;
	struct run run;
	int status;

	if (neighbours__begin(&run, "swarm"))
		return 1;
	for (unsigned int i = 0; i < count || living;) {
		pid_t pid;

		if (living == CHILDREN_MAX || i == count) {
			failed += wait(&status) < 0 || status;
			living--;
			continue;
		}
		pid = fork();
		if (!pid)
			_exit(become_one_of_many(&run, i));
		if (pid < 0)
			failed++;
		else
			living++;
		i++;
	}
	if (failed)
		complain("%u of %u processes could not call", failed, count);
	record__free(run.record);
	return failed ? 1 : 0;
}

/* --- A family ------------------------------------------------------------------------------ */

static int live_on(void *unused)
{
	(void)unused;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (pause() < 0)
		;
	return 0;
}

/* In its parent's memory, because so many copies of it would be gigabytes. Its pid or -errno. */
static pid_t bear_child(char *stack)
{
	pid_t pid = clone(live_on, stack + CHILD_STACK, CLONE_VM | SIGCHLD, NULL);

	return pid < 0 ? -errno : pid;
}

/* The youngest, which calls. 0 where it could. */
static int family__call(struct run *run)
{
	pid_t pid = fork();
	int status;

	if (!pid)
		_exit(become_one_of_many(run, 0));
	return pid < 0 || waitpid(pid, &status, 0) != pid || status;
}

int neighbours__family(unsigned int count)
{
	size_t size = (size_t)count * CHILD_STACK;
	char *stacks = mmap(NULL, size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	_free_ pid_t *pids = calloc(count, sizeof(*pids));
	unsigned int born = 0;
	struct run run;
	int failed;

	if (stacks == MAP_FAILED || !pids || neighbours__begin(&run, "family"))
		return 1;
	say_and_wait(0);
	for (; born < count; born++) {
		pids[born] = bear_child(stacks + (size_t)born * CHILD_STACK);
		if (pids[born] < 0) {
			complain("%u children were born, no more: %s", born, strerror(-pids[born]));
			break;
		}
	}
	failed = family__call(&run);
	say_and_wait(born);
	for (unsigned int i = 0; i < born; i++)
		kill(pids[i], SIGKILL);
	for (unsigned int i = 0; i < born; i++)
		waitpid(pids[i], NULL, 0);
	munmap(stacks, size);
	record__free(run.record);
	return failed || born < count ? 1 : 0;
}
