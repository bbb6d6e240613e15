/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Runs cases in a private network with a metadata service, each in a process, and writes a line of
 * expectations for each.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "lib/complain.h"
#include "../service/service.h"
#include "runner.h"
#include "lib/scope.h"

#define PAUSE_MS      5
#define HELD_SECONDS  60
#define CASES_MAX     512
#define SLOWNESS_STEP 10 /* ms that a held run's processes are looked at again after */

const struct wire_case *const wire_cases[] = {
	http_cases,
	body_cases,
	cut_cases,
	way_cases,
	send_cases,
	split_cases,
	socket_cases,
	reuse_cases,
	before_cases,
	never_cases,
	NULL,
};

void rest(unsigned int milliseconds)
{
	struct timespec span = {
		.tv_sec = milliseconds / 1000, .tv_nsec = milliseconds % 1000 * 1000000L};

	nanosleep(&span, NULL);
}

void run__hold(struct run *run)
{
	char word;

	if (run->hold < 0 || __atomic_exchange_n(&run->record->held, true, __ATOMIC_ACQ_REL))
		return;
	if (read(run->hold, &word, 1) < 0)
		run__fail(run, "the run was not continued: %m");
}

int run__send(struct run *run, const char *name, int fd, const char *bytes, size_t size)
{
	const struct way *way = way__find(name);
	int error = way ? way->send(fd, bytes, size) : -ENOENT;

	if (error == -EOPNOTSUPP || error == -ENOSYS)
		return run__skip(run, "this kernel, or this sandbox, has no %s", name);
	if (error)
		return run__fail(run, "%s: %s", name, strerror(-error));
	return 0;
}

int run__send_cut(
	struct run *run, const char *way, enum cut cut, int fd, const char *text, size_t size)
{
	int error = 0;

	for (unsigned int step = 0; size && !error; step++) {
		size_t piece = cut__next(cut, text, size, step);

		error = run__send(run, way, fd, text, piece);
		text += piece;
		size -= piece;
		if (cut == CUT_LINES_SLOWLY)
			rest(PAUSE_MS);
	}
	return error;
}

int run__say(struct run *run, int fd, const char *text)
{
	return run__send(run, "send", fd, text, strlen(text));
}

static void row__expect(struct run *run, const struct wire_case *row, const struct way *way)
{
	for (const struct expected *each = row->expect; !expected__ends(each); each++)
		run__expect_from(run, each, getpid(),
			way->other_thread || each->cls == CLASS_UNKNOWN ? ANY_TID : getpid());
}

int run__row(struct run *run, const struct wire_case *row)
{
	const struct way *way = way__find(row->way ? row->way : "send");
	int fd = endpoint__connect(run, row->socket);
	int error;

	if (fd < 0)
		return fd;
	if (row->or_unknown || (way->or_unknown && way->or_unknown()))
		run__allow_unknown(run);
	error = run__send_cut(run, way->name, row->cut, fd, row->text, row->size);
	row__expect(run, row, way);
	if (!error && row->everything_twice) {
		error = run__send(run, way->name, fd, row->text, row->size);
		row__expect(run, row, way);
	}
	endpoint__finish(fd);
	return error;
}

static int run__case(struct run *run)
{
	return run->self->run ? run->self->run(run) : run__row(run, run->self);
}

pid_t run__start(struct run *run, int (*code)(struct run *run))
{
	pid_t parent = getpid(), pid = fork();
	int error;

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	prctl(PR_SET_NAME, run->record->comm);
	run__join(run);
	error = code(run);
	if (error && !run->record->skip[0] && !run->record->error[0])
		run__fail(run, "%s", strerror(-error));
	_exit(0);
}

void run__wait(struct run *run, pid_t pid)
{
	_close_ int process = syscall(SYS_pidfd_open, pid, 0);
	int status;

	if (poll(&(struct pollfd){.fd = process, .events = POLLIN}, 1, CASE_SECONDS * 1000) == 0)
		kill(pid, SIGKILL); /* its children go with it */
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFSIGNALED(status) && !run->record->error[0])
		run__fail(run, "ended by signal %d, or had more than %d s", WTERMSIG(status),
			CASE_SECONDS);
	kill(run->server, SIGCONT); /* a case may have stopped it */
}

static int stage__write_server(const struct stage *stage)
{
	if (fprintf(stage->file, "{\"server_pid\":%d}\n", stage->server) < 0 || fflush(stage->file))
		return complain_errno(EIO, "cannot write the expectations: %s", strerror(errno));
	return 0;
}

/* The service as the case needs it: the one that runs, or a new one. */
static int stage__serve(struct stage *stage, bool mptcp)
{
	struct service_options options = {.addresses = stage->held,
		.fast_open = true,
		.mptcp = mptcp,
		.record = stage->received,
		.bytes = stage->bytes};
	int error;

	if (stage->server && stage->mptcp == mptcp)
		return 0;
	if (stage->server)
		imds__stop(stage->server);
	stage->server = 0;
	stage->mptcp = mptcp;
	error = service__start(&options, &stage->server);
	return error ? error : stage__write_server(stage);
}

static int received__open(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);

	return fd < 0 ? complain_errno(errno, "cannot write %s: %s", path, strerror(errno)) : fd;
}

int stage__open(struct stage *stage, const struct run_options *options)
{
	int error;

	*stage = (struct stage){.file = fopen(options->file, "we")};
	if (!stage->file)
		return complain_errno(errno, "cannot write %s: %s", options->file, strerror(errno));
	if (options->received)
		stage->received = received__open(options->received);
	if (options->bytes)
		stage->bytes = received__open(options->bytes);
	if (stage->received < 0 || stage->bytes < 0)
		return -EIO;
	error = netns__enter_private(&stage->held);
	return error ? error : stage__serve(stage, false);
}

void stage__close(struct stage *stage)
{
	if (stage->server)
		imds__stop(stage->server);
	if (stage->file)
		fclose(stage->file);
	if (stage->received > 0)
		close(stage->received);
	if (stage->bytes > 0)
		close(stage->bytes);
}

/* Writes a case down and says how it went. 0, 1 if the case itself failed, or -errno. */
int stage__settle(struct stage *stage, const struct record *record)
{
	if (record->error[0])
		printf("ERROR %s: %s\n", record->name, record->error);
	else if (record->skip[0])
		printf("SKIP %s: %s\n", record->name, record->skip);
	fflush(stdout);
	if (record__write(record, stage->file))
		return complain_errno(EIO, "cannot write the expectations: %s", strerror(errno));
	return record->error[0] ? 1 : 0;
}

static int stage__run_case(struct stage *stage, const struct wire_case *each)
{
	struct run run = {.self = each, .held = stage->held, .hold = -1};
	int status = stage__serve(stage, each->mptcp);
	pid_t pid;

	if (status)
		return status;
	if (stage->received > 0)
		dprintf(stage->received, "# %s\n", each->name);
	if (stage->bytes > 0)
		bytes__begin_case(stage->bytes, each->name);
	run.server = stage->server;
	run.record = record__new(each->name);
	if (!run.record)
		return complain_errno(ENOMEM, "not enough memory");
	pid = run__start(&run, run__case);
	if (pid < 0)
		run__fail(&run, "fork: %s", strerror(errno));
	else
		run__wait(&run, pid);
	status = stage__settle(stage, run.record);
	record__free(run.record);
	return status;
}

/* Whether a list of names with commas between them has it. */
static bool names__have(const char *names, const char *name)
{
	size_t size = strlen(name);

	for (; names && *names; names += strcspn(names, ","), names += *names == ',')
		if (strcspn(names, ",") == size && !strncmp(names, name, size))
			return true;
	return false;
}

/* The cases of that name. */
static unsigned int cases__select(
	const char *name, const char *except, const struct wire_case **chosen)
{
	unsigned int count = 0;

	for (size_t table = 0; wire_cases[table]; table++)
		for (const struct wire_case *each = wire_cases[table]; each->name; each++)
			if (count < CASES_MAX && !names__have(except, each->name) &&
				(!strcmp(name, "all") || !strcmp(name, each->name)))
				chosen[count++] = each;
	return count;
}

/* A held case: its process waits for its turn with a connection that was there before. */
struct held_case {
	struct run run;
	pid_t pid;
	int release; /* the end of a pipe */
};

static int held__start(struct held_case *held, struct stage *stage, const struct wire_case *each)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		return complain_errno(errno, "cannot hold a case: %s", strerror(errno));
	held->run = (struct run){.self = each,
		.held = stage->held,
		.server = stage->server,
		.hold = ends[0],
		.record = record__new(each->name)};
	held->release = ends[1];
	held->pid = -1;
	if (!held->run.record)
		return complain_errno(ENOMEM, "not enough memory");
	if (each->mptcp)
		run__skip(&held->run, "a held run has one service, without MPTCP");
	else
		held->pid = run__start(&held->run, run__case);
	close(ends[0]);
	return 0;
}

/* Whether it waits for its turn, or needs none any more. */
static bool held__ready(const struct held_case *held)
{
	siginfo_t ended = {0};

	if (held->pid < 0 || __atomic_load_n(&held->run.record->held, __ATOMIC_ACQUIRE))
		return true;
	return !waitid(P_PID, held->pid, &ended, WEXITED | WNOHANG | WNOWAIT) && ended.si_pid;
}

/* Says "connected" when all are ready, and waits for a line. */
static int held__wait_all(const struct held_case *held, unsigned int count)
{
	char line[64];

	for (unsigned int i = 0, tries = 0; i < count; tries++) {
		if (held__ready(&held[i]))
			i++;
		else if (tries > HELD_SECONDS * 1000 / SLOWNESS_STEP + count)
			return complain_errno(
				ETIMEDOUT, "%s has no connection", held[i].run.record->name);
		else
			rest(SLOWNESS_STEP);
	}
	puts("connected");
	fflush(stdout);
	return fgets(line, sizeof(line), stdin) ? 0 : complain_errno(EIO, "no line came");
}

static int held__finish(struct held_case *held, struct stage *stage)
{
	int status;

	if (held->pid >= 0 && write(held->release, "g", 1) != 1 && errno != EPIPE)
		complain("%s cannot be continued", held->run.record->name);
	if (held->pid >= 0)
		run__wait(&held->run, held->pid);
	close(held->release);
	status = stage__settle(stage, held->run.record);
	record__free(held->run.record);
	return status;
}

static int stage__run_held(struct stage *stage, const struct wire_case **chosen, unsigned int count)
{
	_free_ struct held_case *held = calloc(count, sizeof(*held));
	int error = 0, failed = 0;

	for (unsigned int i = 0; held && i < count && !error; i++)
		error = held__start(&held[i], stage, chosen[i]);
	if (!held || error || held__wait_all(held, count))
		return -EIO;
	for (unsigned int i = 0; i < count && !error; i++) {
		int status = held__finish(&held[i], stage);

		error = status < 0 ? status : 0;
		failed |= status > 0;
	}
	return error ? error : failed;
}

static int stage__run_each(struct stage *stage, const struct wire_case **chosen, unsigned int count)
{
	int failed = 0;

	for (unsigned int i = 0; i < count; i++) {
		int status = stage__run_case(stage, chosen[i]);

		if (status < 0)
			return status;
		failed |= status;
	}
	return failed;
}

int runner__run(const struct run_options *options)
{
	const struct wire_case *chosen[CASES_MAX];
	unsigned int count = cases__select(options->name, options->except, chosen);
	struct stage stage;
	int status;

	if (!count) {
		complain("there is no case %s; see wire --list", options->name);
		return 2;
	}
	signal(SIGPIPE, SIG_IGN); /* a held case may have ended before its turn */
	status = stage__open(&stage, options);
	if (!status)
		status = options->hold ? stage__run_held(&stage, chosen, count)
				       : stage__run_each(&stage, chosen, count);
	stage__close(&stage);
	return status ? 1 : 0;
}

/* MODE or MODE,STYLE. */
static int serve__parse(const char *text, struct service_options *options)
{
	char mode[32];
	size_t size = strcspn(text, ",");

	if (size >= sizeof(mode))
		return -EINVAL;
	memcpy(mode, text, size);
	mode[size] = '\0';
	if (service_mode__find(mode, &options->mode))
		return -EINVAL;
	return text[size] ? service_style__find(text + size + 1, &options->style) : 0;
}

int runner__serve(const char *mode, const char *received, char **command)
{
	struct service_options options = {0};
	struct endpoint_addresses held = {0};
	int status;
	pid_t imds, pid;

	if (serve__parse(mode, &options)) {
		complain("%s is no mode of the service", mode);
		return 2;
	}
	if (received)
		options.record = received__open(received);
	if (options.record < 0 || netns__enter_private(&held))
		return 1;
	options.addresses = held;
	if (service__start(&options, &imds))
		return 1;
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execvp(command[0], command);
		complain("cannot run %s: %s", command[0], strerror(errno));
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid) {
		complain("cannot run %s: %s", command[0], strerror(errno));
		imds__stop(imds);
		return 1;
	}
	imds__stop(imds);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
