/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "lib/array.h"
#include "process/command.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/scope.h"
#include "lib/text.h"
#include "process/cgroups.h"

#define CGROUP_PREFIX "imdstrace-"
#define EMPTY_TRIES   100 /* to move out what forks meanwhile */
#define NOT_FOUND     127 /* the shell's statuses */

struct command {
	pid_t pid;
	char *program;   /* argv[0] */
	char *cgroup;    /* path in its hierarchy; NULL: none */
	char *directory; /* of the cgroup, as it can be opened */
	char *parent;    /* of that of which it was made */
	int go;          /* a byte here lets it run; -1: it does already, or never will */
	int failed;      /* where it says its errno if it cannot */
	int status;      /* as wait(2) */
	volatile bool ended;
	pid_t keeper;
	int requests; /* to the keeper: a signal's number each, and at its end the cgroup goes */
};

/* --- Its cgroup ------------------------------------------------------------------------------- */

/* Moves a process into the cgroup of that directory. 0 or -errno. */
static int directory__take(const char *directory, pid_t pid)
{
	char path[2 * PATH_MAX], number[16];
	_close_ int fd = -1;
	int size = snprintf(number, sizeof(number), "%d\n", (int)pid);

	snprintf(path, sizeof(path), "%s/cgroup.procs", directory);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, number, (size_t)size) != size)
		return -errno;
	return 0;
}

static void command__forget_cgroup(struct command *command)
{
	free(command->cgroup);
	free(command->directory);
	free(command->parent);
	command->cgroup = command->directory = command->parent = NULL;
}

/* One that was killed could not remove its cgroup. */
static void cgroup__remove_orphans(const char *parent)
{
	char pattern[PATH_MAX];
	glob_t found = {0};

	if (snprintf(pattern, sizeof(pattern), "%s/" CGROUP_PREFIX "[0-9]*", parent) >=
		(int)sizeof(pattern))
		return;
	if (!glob(pattern, GLOB_NOSORT, NULL, &found))
		for (size_t i = 0; i < found.gl_pathc; i++) {
			const char *pid = strrchr(found.gl_pathv[i], '-') + 1;

			if (kill(atoi(pid), 0) && errno == ESRCH)
				rmdir(found.gl_pathv[i]);
		}
	globfree(&found);
}

/* Below the one that this process lives in, so that the command stays in its unit or container, and
 * in its limits. Leaves it alone where that cannot be. */
static void command__make_cgroup(struct command *command)
{
	struct cgroup_hierarchy hierarchies[CGROUP_HIERARCHIES_MAX];
	size_t count = cgroups__hierarchies(hierarchies, ""), at;
	char own[PATH_MAX];

	if (cgroups__of(0, hierarchies, count, "", own, &at) ||
		asprintf(&command->parent, "%s%s", hierarchies[at].directory, own) < 0) {
		command->parent = NULL;
		return;
	}
	cgroup__remove_orphans(command->parent);
	if (asprintf(&command->cgroup, "%s/" CGROUP_PREFIX "%d", own, (int)command->pid) < 0)
		command->cgroup = NULL;
	else if (asprintf(&command->directory, "%s%s", hierarchies[at].directory, command->cgroup) <
		 0)
		command->directory = NULL;
	if (!command->directory || mkdir(command->directory, 0755)) {
		command__forget_cgroup(command);
		return;
	}
	if (!directory__take(command->directory, command->pid))
		return;
	rmdir(command->directory);
	command__forget_cgroup(command);
}

/* Whether some process was there to be moved. */
static bool cgroup__move_out(const char *directory, const char *parent)
{
	char path[2 * PATH_MAX];
	_fclose_ FILE *procs = NULL;
	bool moved = false;
	int pid;

	snprintf(path, sizeof(path), "%s/cgroup.procs", directory);
	procs = fopen(path, "re");
	while (procs && fscanf(procs, "%d", &pid) == 1)
		moved |= !directory__take(parent, pid);
	return moved;
}

/* What still runs in it goes where it would have been without it. */
static void command__remove_cgroup(struct command *command)
{
	for (int tries = 0; command->directory && tries < EMPTY_TRIES; tries++) {
		if (!rmdir(command->directory) || errno != EBUSY)
			return;
		if (!cgroup__move_out(command->directory, command->parent))
			usleep(10000); /* who is ending counts for a while */
	}
}

/* --- Its process ------------------------------------------------------------------------------ */

/* Whether there is a file that could be run; the kernel decides at the exec. */
static bool file__may_run(const char *path)
{
	struct stat status;

	return !stat(path, &status) && S_ISREG(status.st_mode) && !access(path, X_OK);
}

/* As execvp(3) looks for it. */
static bool program__exists(const char *program)
{
	const char *path = getenv("PATH");
	char full[2 * PATH_MAX];

	if (strchr(program, '/'))
		return file__may_run(program);
	for (path = path && *path ? path : "/usr/bin:/bin"; path; path = strchr(path, ':')) {
		int size;

		path += *path == ':';
		size = (int)strcspn(path, ":");
		snprintf(full, sizeof(full), "%.*s%s%s", size, path, size ? "/" : "", program);
		if (*program && file__may_run(full))
			return true;
	}
	return false;
}

/* Waits until it is let go: the end of the pipe without a byte says that it never will. */
__attribute__((noreturn)) static void child__run(char *const *argv, int go, int failed)
{
	char byte;
	ssize_t got;

	do {
		got = read(go, &byte, 1);
	} while (got < 0 && errno == EINTR);
	if (got == 1) {
		execvp(argv[0], argv);
		got = write(failed, &errno, sizeof(errno));
	}
	_exit(NOT_FOUND);
}

static int command__fork(struct command *command, char *const *argv)
{
	int go[2], failed[2];

	if (pipe2(go, O_CLOEXEC))
		return -errno;
	if (pipe2(failed, O_CLOEXEC)) {
		close(go[0]);
		close(go[1]);
		return -EMFILE;
	}
	fflush(NULL);
	command->pid = fork();
	if (!command->pid) {
		close(go[1]);
		close(failed[0]);
		child__run(argv, go[0], failed[1]);
	}
	/* An ignored SIGCHLD, which the command has by now, would hide how it ended. */
	signal(SIGCHLD, SIG_DFL);
	close(go[0]);
	close(failed[1]);
	command->go = go[1];
	command->failed = failed[0];
	return command->pid < 0 ? -EAGAIN : 0;
}

/* --- Its keeper ------------------------------------------------------------------------------- */

/* A process that still has the privileges which a trace gives up, and outlives one that is killed:
 * it passes signals on, and removes the cgroup. */
__attribute__((noreturn)) static void keeper__run(struct command *command, int requests)
{
	static const int ignored[] = {SIGINT, SIGTERM, SIGQUIT, SIGHUP, SIGPIPE, SIGTSTP};
	int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
	unsigned char signal_number;
	ssize_t got;

	for (size_t i = 0; i < ARRAY_SIZE(ignored); i++)
		signal(ignored[i], SIG_IGN);
	close(command->go);
	close(command->failed);
	for (int fd = STDIN_FILENO; nowhere >= 0 && fd <= STDERR_FILENO; fd++)
		dup2(nowhere, fd);
	while ((got = read(requests, &signal_number, 1)) != 0)
		if (got == 1)
			kill(command->pid, signal_number);
		else if (errno != EINTR)
			break;
	command__remove_cgroup(command);
	_exit(0);
}

static int command__fork_keeper(struct command *command)
{
	int requests[2];

	if (pipe2(requests, O_CLOEXEC))
		return -errno;
	command->keeper = fork();
	if (!command->keeper) {
		close(requests[1]);
		keeper__run(command, requests[0]);
	}
	close(requests[0]);
	command->requests = requests[1];
	return command->keeper < 0 ? -EAGAIN : 0;
}

int command__start(struct command **command, char *const *argv, char **why)
{
	struct command *started;
	int error;

	*why = NULL;
	if (!program__exists(argv[0]))
		return text__explain(
			why, -ENOENT, "there is no program \"%s\" that can be run", argv[0]);
	started = calloc(1, sizeof(*started));
	if (!started)
		return -ENOMEM;
	*started = (struct command){
		.go = -1, .failed = -1, .requests = -1, .program = strdup(argv[0])};
	error = started->program ? command__fork(started, argv) : -ENOMEM;
	started->ended = error;
	if (!error)
		command__make_cgroup(started);
	if (!error)
		error = command__fork_keeper(started);
	if (error) {
		text__explain(why, error, "no process could be made for %s: %s", argv[0],
			strerror(-error));
		command__free(started);
		return error;
	}
	*command = started;
	return 0;
}

const char *command__cgroup(const struct command *command)
{
	return command->cgroup;
}

uint32_t command__pid(const struct command *command)
{
	return (uint32_t)command->pid;
}

int command__go(struct command *command, char **why)
{
	ssize_t got = write(command->go, "", 1);
	int error;

	*why = NULL;
	close(command->go);
	command->go = -1;
	/* Its end of the pipe closes with the exec. */
	do {
		got = read(command->failed, &error, sizeof(error));
	} while (got < 0 && errno == EINTR);
	if (got != sizeof(error))
		return 0;
	return text__explain(
		why, -error, "%s cannot be run: %s", command->program, strerror(error));
}

bool command__ended(struct command *command)
{
	int status;
	pid_t pid = command->ended ? 0 : waitpid(command->pid, &status, WNOHANG);

	if (pid == command->pid) {
		command->status = status;
		command->ended = true;
	}
	return command->ended;
}

char *command__failure(const struct command *command)
{
	char *sentence = NULL;
	int size = 0;

	if (!command->ended)
		return strdup("did not end");
	if (WIFSIGNALED(command->status))
		size = asprintf(&sentence, "was killed by signal %d", WTERMSIG(command->status));
	else if (WEXITSTATUS(command->status))
		size = asprintf(&sentence, "ended with status %d", WEXITSTATUS(command->status));
	return size < 0 ? NULL : sentence;
}

void command__signal(const struct command *command, int signal)
{
	unsigned char signal_number = (unsigned char)signal;
	ssize_t sent = command->ended ? 0 : write(command->requests, &signal_number, 1);

	(void)sent; /* a keeper that is gone passes nothing on */
}

void command__free(struct command *command)
{
	if (!command)
		return;
	if (command->go >= 0) {
		close(command->go);
		/* It ends because it never will run. */
		while (!command->ended && waitpid(command->pid, &command->status, 0) < 0)
			if (errno != EINTR)
				break;
	}
	if (command->failed >= 0)
		close(command->failed);
	if (command->requests >= 0)
		close(command->requests);
	if (command->keeper > 0)
		while (waitpid(command->keeper, NULL, 0) < 0 && errno == EINTR)
			;
	else
		command__remove_cgroup(command);
	command__forget_cgroup(command);
	free(command->program);
	free(command);
}
