/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "lib/array.h"
#include "process/lookup.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/complain.h"
#include "lib/privileges.h"
#include "lib/scope.h"
#include "lib/syscall_filter.h"
#include "process/process_message.h"

#define ANSWER_MAX (4U << 20)

enum question { ASK_CAPTURED, ASK_SHOWN, ASK_HOST };

/* A question, then the struct identity or process_key that it is about. An answer is its size, as
 * uint32_t, and then that many bytes; size 0: it is not known. */
static const size_t subjects[] = {
	[ASK_CAPTURED] = sizeof(struct identity),
	[ASK_SHOWN] = sizeof(struct process_key),
	[ASK_HOST] = 0,
};

struct lookup {
	int socket;
	pid_t helper;
	bool failed;
};

/* 0; -EPIPE: the other side has gone; or -errno. */
static int bytes__send(int socket, const void *bytes, size_t size)
{
	const char *from = bytes;

	while (size) {
		ssize_t sent = send(socket, from, size, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return -errno;
		from += sent;
		size -= sent;
	}
	return 0;
}

static int bytes__receive(int socket, void *bytes, size_t size)
{
	char *to = bytes;

	while (size) {
		ssize_t got = recv(socket, to, size, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got ? -errno : -EPIPE;
		to += got;
		size -= got;
	}
	return 0;
}

/* --- The helper ---------------------------------------------------------------------------- */

static const struct syscall_rule helper_calls[] = {
	SYSCALL(read),
	SYSCALL(recvfrom),
	SYSCALL(sendto),
	SYSCALL(close),
	{SYS_openat, SYSCALL_WITHOUT, 2, O_WRONLY | O_RDWR | O_CREAT | O_TRUNC},
	SYSCALL(readlinkat),
	SYSCALL(newfstatat),
	SYSCALL(fstat),
	SYSCALL(statx),
	SYSCALL(faccessat),
	SYSCALL(faccessat2),
	SYSCALL(getdents64),
	SYSCALL(lseek),
	SYSCALL_FCNTL,
	SYSCALL(uname),
	SYSCALL(brk),
	SYSCALL(munmap),
	SYSCALL(mremap),
	SYSCALL(madvise),
	{SYS_mmap, SYSCALL_WITHOUT, 2, 4 /* PROT_EXEC */},
	SYSCALL(rt_sigreturn),
	SYSCALL(rt_sigprocmask),
	SYSCALL(restart_syscall),
	SYSCALL(getpid),
	SYSCALL(gettid),
	SYSCALL(exit_group),
	SYSCALL(clock_gettime), /* where the vDSO has no clock */
	SYSCALL(getrandom),
#ifdef SYS_access
	SYSCALL(access),
	SYSCALL(readlink),
#endif
};

/* As syscall_filter__apply(). */
static int helper__filter_calls(void)
{
	struct syscall_rule rules[ARRAY_SIZE(helper_calls) + 1];

	memcpy(rules, helper_calls, sizeof(helper_calls));
	/* abort(), and a signal to no other process of the same user */
	rules[ARRAY_SIZE(helper_calls)] =
		(struct syscall_rule){SYS_tgkill, SYSCALL_EQUAL, 0, getpid()};
	return syscall_filter__apply(rules, ARRAY_SIZE(rules));
}

static int answer__send(int socket, const char *text, size_t size)
{
	uint32_t length = size;
	int error = bytes__send(socket, &length, sizeof(length));

	return error ? error : bytes__send(socket, text, length);
}

static void process__answer(FILE *out, struct process *process)
{
	if (process)
		process_message__write(out, process);
	process__free(process);
}

static void host__answer(FILE *out)
{
	struct host host;

	if (host__read(&host, host__root()))
		return;
	host_message__write(out, &host);
	host__clear(&host);
}

/* 0, or -errno: the conversation is over. */
static int helper__answer(int socket)
{
	static struct identity subject;
	_free_ char *text = NULL;
	size_t size = 0;
	uint8_t question;
	FILE *out;
	int error = bytes__receive(socket, &question, sizeof(question));

	if (!error && question > ASK_HOST)
		error = -EBADMSG;
	if (!error)
		error = bytes__receive(socket, &subject, subjects[question]);
	if (error)
		return error;
	out = open_memstream(&text, &size);
	if (!out)
		return -ENOMEM;
	if (question == ASK_CAPTURED)
		process__answer(out, process__from_identity(&subject));
	else if (question == ASK_SHOWN)
		process__answer(out, process__from_proc((const struct process_key *)&subject));
	else
		host__answer(out);
	if (fclose(out) || size > ANSWER_MAX)
		size = 0;
	return answer__send(socket, text, size);
}

static void close_all_but(int kept)
{
	int most = getdtablesize();

#ifdef SYS_close_range
	if ((kept <= 3 || !syscall(SYS_close_range, 3, kept - 1, 0)) &&
		!syscall(SYS_close_range, kept + 1, ~0U, 0))
		return;
#endif
	/* before 5.9 */
	for (int fd = 3; fd < most && fd < 65536; fd++)
		if (fd != kept)
			close(fd);
}

/* The terminal's signals are for the tracer, whose last questions come after them. */
static void ignore_signals(void)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGPIPE};

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		signal(signals[i], SIG_IGN);
}

static _Noreturn void helper__run(int socket, pid_t owner)
{
	int nowhere = open("/dev/null", O_RDWR);

	ignore_signals();
	prctl(PR_SET_NAME, "imds-lookup", 0, 0, 0);
	close_all_but(socket);
	if (nowhere >= 0) {
		dup2(nowhere, STDIN_FILENO);
		dup2(nowhere, STDOUT_FILENO);
		dup2(nowhere, STDERR_FILENO);
	}
	host__root(); /* while it may be found out by a stat of all there is */
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (getppid() != owner ||
		privileges__drop(NULL, CAPABILITY_SYS_PTRACE | CAPABILITY_DAC_READ_SEARCH))
		_exit(1);
	if (helper__filter_calls() == -EACCES)
		_exit(1);
	while (!helper__answer(socket))
		;
	_exit(0);
}

int lookup__start(struct lookup **lookup)
{
	struct lookup *started = calloc(1, sizeof(*started));
	pid_t owner = getpid();
	int pair[2], error;

	if (!started)
		return -ENOMEM;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) {
		error = -errno;
		free(started);
		return error;
	}
	started->helper = fork();
	if (!started->helper)
		helper__run(pair[1], owner);
	error = -errno;
	close(pair[1]);
	started->socket = pair[0];
	if (started->helper < 0) {
		close(pair[0]);
		free(started);
		return error;
	}
	*lookup = started;
	return 0;
}

/* --- Its owner ----------------------------------------------------------------------------- */

/* The answer, for the caller to free; NULL, where there is none. */
static char *lookup__ask(
	struct lookup *lookup, enum question question, const void *subject, uint32_t *size)
{
	uint8_t word = question;
	char *answer = NULL;
	int error;

	if (!lookup || lookup->failed)
		return NULL;
	error = bytes__send(lookup->socket, &word, sizeof(word));
	if (!error)
		error = bytes__send(lookup->socket, subject, subjects[question]);
	if (!error)
		error = bytes__receive(lookup->socket, size, sizeof(*size));
	if (!error && *size > ANSWER_MAX)
		error = -EBADMSG;
	if (!error && !*size)
		return NULL;
	answer = error ? NULL : malloc(*size);
	if (answer)
		error = bytes__receive(lookup->socket, answer, *size);
	if (answer && !error)
		return answer;
	free(answer);
	/* an answer that was not read would be taken for the next one */
	lookup->failed = true;
	complain(
		"the helper that looks up processes has ended (%s): some names may be missing from now on",
		strerror(error ? -error : ENOMEM));
	return NULL;
}

static struct process *lookup__process(
	struct lookup *lookup, enum question question, const void *subject)
{
	uint32_t size = 0;
	_free_ char *answer = lookup__ask(lookup, question, subject, &size);

	return answer ? process_message__read(answer, size) : NULL;
}

struct process *lookup__captured(struct lookup *lookup, const struct identity *identity)
{
	struct process *process = lookup__process(lookup, ASK_CAPTURED, identity);

	return process ? process : process__from_identity(identity);
}

struct process *lookup__shown(struct lookup *lookup, const struct process_key *key)
{
	struct process *process = lookup__process(lookup, ASK_SHOWN, key);

	return process ? process : process__from_proc(key);
}

int lookup__host(struct lookup *lookup, struct host *host)
{
	uint32_t size = 0;
	_free_ char *answer = lookup__ask(lookup, ASK_HOST, NULL, &size);

	if (answer && !host_message__read(host, answer, size))
		return 0;
	return host__read(host, host__root());
}

void lookup__stop(struct lookup *lookup)
{
	if (!lookup)
		return;
	close(lookup->socket);
	while (waitpid(lookup->helper, NULL, 0) < 0 && errno == EINTR)
		;
	free(lookup);
}
