/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Whose socket it is: families, threads and processes. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "lib/scope.h"
#include "standard.h"
#include "wire.h"

static const struct expected is_v1[] = {V1_EVENT, {0}};
static const struct expected is_v2[] = {V2_EVENT, {0}};
static const struct expected is_all[] = {ALL_EVENTS, {0}};

/* Runs code in a process of its own that belongs to the case, and waits for it. */
static int in_process(struct run *run, int (*code)(struct run *run, int fd), int fd)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		run__join(run);
		_exit(code(run, fd) ? 1 : 0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
		return run__fail(run, "a process of the case failed");
	return 0;
}

static int say_all(struct run *run, int fd)
{
	int error = run__say(run, fd, ALL_TEXT);

	run__expect(run, is_all);
	return error;
}

static int say_v2(struct run *run, int fd)
{
	int error = run__say(run, fd, V2_TEXT);

	run__expect(run, is_v2);
	return error;
}

struct thread_task {
	struct run *run;
	int (*code)(struct run *run, int fd);
	int fd, error;
};

static void *thread__run(void *context)
{
	struct thread_task *task = context;

	prctl(PR_SET_NAME, "some-thread"); /* a thread's name, which is not the process's */
	task->error = task->code(task->run, task->fd);
	return NULL;
}

static int in_thread(struct run *run, int (*code)(struct run *run, int fd), int fd)
{
	struct thread_task task = {.run = run, .code = code, .fd = fd};
	pthread_t thread;

	if (pthread_create(&thread, NULL, thread__run, &task))
		return run__fail(run, "no thread");
	pthread_join(thread, NULL);
	return task.error;
}

static int connected_by_another_thread(struct run *run)
{
	int fd = endpoint__connect(run, SOCKET_IPV4), error;

	if (fd < 0)
		return fd;
	error = in_thread(run, say_all, fd);
	if (!error)
		error = say_v2(run, fd);
	endpoint__finish(fd);
	return error;
}

static int say_rest(struct run *run, int fd)
{
	return run__say(run, fd, "Agent: wire/1\r\n\r\n");
}

/* Half a head by one thread, half by another: either may be named. */
static int head_by_two_threads(struct run *run)
{
	int fd = endpoint__connect(run, SOCKET_IPV4), error;

	if (fd < 0)
		return fd;
	error = run__say(run, fd, "GET " AMI " HTTP/1.1\r\nUser-");
	if (!error)
		error = in_thread(run, say_rest, fd);
	run__expect_from(run, is_v1, getpid(), ANY_TID);
	endpoint__finish(fd);
	return error;
}

static int shared_after_fork(struct run *run)
{
	int fd = endpoint__connect(run, SOCKET_IPV4), error;

	if (fd < 0)
		return fd;
	error = in_process(run, say_all, fd);
	if (!error)
		error = say_v2(run, fd);
	if (!error)
		error = in_process(run, say_v2, fd);
	endpoint__finish(fd);
	return error;
}

static int connect_and_say(struct run *run, int unused)
{
	int fd = endpoint__connect(run, SOCKET_IPV4), error;

	(void)unused;
	if (fd < 0)
		return fd;
	error = say_all(run, fd);
	endpoint__finish(fd);
	return error;
}

/* Like a shell's loop: short-lived processes, each with a connection of its own. */
static int one_process_each(struct run *run)
{
	int error = 0;

	for (int i = 0; i < 5 && !error; i++)
		error = in_process(run, connect_and_say, -1);
	return error;
}

static int fd__pass(int channel, int fd)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec byte = {"f", 1};
	struct msghdr message = {.msg_iov = &byte,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes)};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &fd, sizeof(int));
	return sendmsg(channel, &message, MSG_NOSIGNAL) == 1 ? 0 : -errno;
}

/* The fd that comes through channel, or -errno. */
static int fd__receive(int channel)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	char byte;
	struct iovec piece = {&byte, 1};
	struct msghdr message = {.msg_iov = &piece,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes)};
	struct cmsghdr *header;
	int fd;

	if (recvmsg(channel, &message, MSG_CMSG_CLOEXEC) != 1)
		return -EIO;
	header = CMSG_FIRSTHDR(&message);
	if (!header || header->cmsg_type != SCM_RIGHTS)
		return -EIO;
	memcpy(&fd, CMSG_DATA(header), sizeof(int));
	return fd;
}

static int receive_and_say(struct run *run, int channel)
{
	int fd = fd__receive(channel), error;

	if (fd < 0)
		return run__fail(run, "no fd came");
	error = say_all(run, fd);
	endpoint__finish(fd);
	return error;
}

static int connect_and_pass(struct run *run, int channel)
{
	int fd = endpoint__connect(run, SOCKET_IPV4);

	if (fd < 0)
		return fd;
	return fd__pass(channel, fd) ? run__fail(run, "the fd was not passed") : 0;
}

/* One process connects and is gone before the other sends. */
static int outlives_its_opener(struct run *run)
{
	int ends[2], error;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return run__fail(run, "socketpair: %m");
	error = in_process(run, connect_and_pass, ends[0]);
	if (!error)
		error = in_process(run, receive_and_say, ends[1]);
	close(ends[0]);
	close(ends[1]);
	return error;
}

static int passed_by_scm_rights(struct run *run)
{
	int ends[2], fd, error;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return run__fail(run, "socketpair: %m");
	fd = endpoint__connect(run, SOCKET_IPV4);
	if (fd < 0)
		return fd;
	error = fd__pass(ends[0], fd) ? run__fail(run, "the fd was not passed")
				      : in_process(run, receive_and_say, ends[1]);
	close(ends[0]);
	close(ends[1]);
	close(fd);
	return error;
}

static int become_another_program(struct run *run, int fd)
{
	char number[16];

	run__expect(run, is_v1);
	snprintf(number, sizeof(number), "%d", fd);
	fcntl(fd, F_SETFD, 0);
	execl("/proc/self/exe", run->record->name, "--send-on", number, run->record->name, NULL);
	return run__fail(run, "exec: %m");
}

static int kept_over_exec(struct run *run)
{
	int fd = endpoint__connect(run, SOCKET_IPV4), error;

	if (fd < 0)
		return fd;
	error = say_all(run, fd);
	if (!error)
		error = in_process(run, become_another_program, fd);
	endpoint__finish(fd);
	return error;
}

int exec__send(const char *fd, const char *name)
{
	if (netns__check_private(FAMILY_IPV4))
		return 1;
	prctl(PR_SET_NAME, name);
	return send(atoi(fd), V1_TEXT, strlen(V1_TEXT), MSG_NOSIGNAL) == (ssize_t)strlen(V1_TEXT)
		       ? 0
		       : 1;
}

static int used_as_another_fd(struct run *run)
{
	int fd = endpoint__connect(run, SOCKET_IPV4), other, error;

	if (fd < 0)
		return fd;
	other = dup2(fd, 200);
	close(fd);
	if (other < 0)
		return run__fail(run, "dup2: %m");
	error = say_all(run, other);
	endpoint__finish(other);
	return error;
}

static int nonblocking_connect(struct run *run)
{
	struct sockaddr_storage address;
	socklen_t size = endpoint__address(&address, SOCKET_IPV4, 0);
	int fd = endpoint__socket(run, SOCKET_IPV4), error;

	if (fd < 0)
		return fd;
	run__hold(run);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	if (connect(fd, (struct sockaddr *)&address, size) && errno != EINPROGRESS)
		return run__fail(run, "connect: %m");
	poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, 5000);
	error = run__send(run, "nonblocking", fd, ALL_TEXT, strlen(ALL_TEXT));
	run__expect(run, is_all);
	fcntl(fd, F_SETFL, 0);
	endpoint__finish(fd);
	return error;
}

static int byte_of(struct run *run, int fd, const char *text, size_t i, const struct expected *done)
{
	int error = i < strlen(text) ? run__send(run, "send", fd, text + i, 1) : 0;

	if (i + 1 == strlen(text))
		run__expect(run, done);
	return error;
}

/* Byte by byte over two connections in turns: each has a state of its own. */
static int two_connections_in_turns(struct run *run)
{
	int one = endpoint__connect(run, SOCKET_IPV4), two, error = 0;

	if (one < 0)
		return one;
	two = endpoint__connect(run, SOCKET_IPV4);
	if (two < 0)
		return two;
	for (size_t i = 0; i < sizeof(V1_TEXT V2_TEXT) && !error; i++) {
		error = byte_of(run, one, V1_TEXT, i, is_v1);
		if (!error)
			error = byte_of(run, two, V2_TEXT, i, is_v2);
	}
	endpoint__finish(one);
	endpoint__finish(two);
	return error;
}

#define MANY 100

/* All open at the same time, each in the middle of its head while the others go on. */
static int many_connections_at_once(struct run *run)
{
	int fds[MANY], error = 0;

	for (int i = 0; i < MANY; i++) {
		fds[i] = endpoint__connect(run, SOCKET_IPV4);
		if (fds[i] < 0)
			return fds[i];
	}
	for (int i = 0; i < MANY && !error; i++)
		error = run__send(run, "send", fds[i], V1_TEXT, 20);
	for (int i = MANY - 1; i >= 0 && !error; i--) {
		error = run__send(run, "send", fds[i], &V1_TEXT[20], strlen(V1_TEXT) - 20);
		run__expect(run, is_v1);
	}
	for (int i = 0; i < MANY; i++)
		endpoint__finish(fds[i]);
	return error;
}

static int many_connections_in_a_row(struct run *run)
{
	int error = 0;

	for (int i = 0; i < MANY && !error; i++) {
		int fd = endpoint__connect(run, i % 2 ? SOCKET_MAPPED : SOCKET_IPV4);

		if (fd < 0)
			return fd;
		error = run__say(run, fd, V1_TEXT);
		run__expect(run, is_v1);
		endpoint__finish(fd);
	}
	return error;
}

static int from_another_source(struct run *run)
{
	struct sockaddr_in source = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000003)};
	struct sockaddr_storage address;
	socklen_t size = endpoint__address(&address, SOCKET_IPV4, 0);
	int fd = endpoint__socket(run, SOCKET_IPV4), error;

	if (fd < 0)
		return fd;
	if (bind(fd, (void *)&source, sizeof(source)) ||
		connect(fd, (struct sockaddr *)&address, size))
		return run__fail(run, "connect: %m");
	run__hold(run);
	error = say_all(run, fd);
	endpoint__finish(fd);
	return error;
}

#define ROW(title, kind, where)                                                        \
	{                                                                              \
		.name = title, TEXT(ALL_TEXT), .expect = {ALL_EVENTS}, .socket = kind, \
		.cut = where                                                           \
	}
const struct wire_case socket_cases[] = {
	ROW("socket-ipv4", SOCKET_IPV4, CUT_HEADS),
	ROW("socket-ipv6", SOCKET_IPV6, CUT_HEADS),
	ROW("socket-ipv6-byte-by-byte", SOCKET_IPV6, CUT_BYTES),
	ROW("socket-mapped", SOCKET_MAPPED, CUT_HEADS),
	ROW("socket-mapped-byte-by-byte", SOCKET_MAPPED, CUT_BYTES),
	RUN("connected-by-another-thread", connected_by_another_thread),
	RUN("head-by-two-threads", head_by_two_threads),
	RUN("shared-after-fork", shared_after_fork),
	RUN("one-process-each", one_process_each),
	RUN("passed-by-scm-rights", passed_by_scm_rights),
	RUN("outlives-its-opener", outlives_its_opener),
	RUN("kept-over-exec", kept_over_exec),
	RUN("used-as-another-fd", used_as_another_fd),
	RUN("nonblocking-connect", nonblocking_connect),
	RUN("two-connections-in-turns", two_connections_in_turns),
	RUN("many-connections-at-once", many_connections_at_once),
	RUN("many-connections-in-a-row", many_connections_in_a_row),
	RUN("from-another-source", from_another_source),
	{.name = NULL},
};
