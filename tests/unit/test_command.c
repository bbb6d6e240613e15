/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A command that waits, runs, ends, fails, is signalled, and leaves no cgroup behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "skipping.h"
#include "lib/array.h"
#include "process/cgroups.h"
#include "process/command.h"
#include "process/process_scope.h"

static void wait_for_end(struct command *command)
{
	while (!command__ended(command))
		usleep(1000);
}

static struct command *start(char *script)
{
	char *argv[] = {"/bin/sh", "-c", script, NULL}, *why;
	struct command *command;

	assert_int_equal(command__start(&command, argv, &why), 0);
	return command;
}

static void run(struct command *command)
{
	char *why;

	assert_int_equal(command__go(command, &why), 0);
}

static void it_runs_when_it_is_let_go(void **state)
{
	char file[] = "/tmp/imdstrace.XXXXXX", script[64];
	int fd = mkstemp(file);
	struct stat status;
	struct command *command;

	(void)state;
	snprintf(script, sizeof(script), "echo ran >%s", file);
	command = start(script);
	usleep(50000);
	assert_false(command__ended(command));
	assert_int_equal(fstat(fd, &status), 0);
	assert_int_equal(status.st_size, 0);
	run(command);
	wait_for_end(command);
	assert_null(command__failure(command));
	assert_int_equal(fstat(fd, &status), 0);
	assert_int_equal(status.st_size, 4);
	command__free(command);
	close(fd);
	unlink(file);
}

static void it_says_how_it_ended(void **state)
{
	static const struct {
		char *script;
		const char *failure;
	} cases[] = {
		{"exit 0", NULL},
		{"exit 3", "ended with status 3"},
		{"kill -9 $$", "was killed by signal 9"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct command *command = start(cases[i].script);
		char *failure = command__failure(command);

		assert_string_equal(failure, "did not end");
		free(failure);
		run(command);
		wait_for_end(command);
		failure = command__failure(command);
		if (cases[i].failure)
			assert_string_equal(failure, cases[i].failure);
		else
			assert_null(failure);
		free(failure);
		command__free(command);
	}
}

static void what_cannot_be_run_is_refused(void **state)
{
	char *missing[] = {"no-such-program-here", NULL}, *directory[] = {"/tmp", NULL};
	char *empty[] = {"", NULL}, *broken[] = {NULL, NULL}, *why;
	char file[] = "/tmp/imdstrace.XXXXXX";
	int fd = mkstemp(file);
	struct command *command;

	(void)state;
	assert_int_equal(command__start(&command, missing, &why), -ENOENT);
	assert_string_equal(why, "there is no program \"no-such-program-here\" that can be run");
	free(why);
	assert_int_equal(command__start(&command, directory, &why), -ENOENT);
	free(why);
	assert_int_equal(command__start(&command, empty, &why), -ENOENT);
	free(why);
	/* Only the exec can tell. */
	assert_int_equal(write(fd, "#!/no/such/interpreter\n", 23), 23);
	assert_int_equal(fchmod(fd, 0755), 0);
	close(fd);
	broken[0] = file;
	assert_int_equal(command__start(&command, broken, &why), 0);
	assert_int_equal(command__go(command, &why), -ENOENT);
	assert_non_null(strstr(why, "cannot be run: No such file or directory"));
	free(why);
	wait_for_end(command);
	command__free(command);
	unlink(file);
}

static void signals_reach_it(void **state)
{
	char file[] = "/tmp/imdstrace.XXXXXX", script[128];
	int fd = mkstemp(file);
	struct command *command;
	struct stat status = {0};
	char *failure;

	(void)state;
	snprintf(script, sizeof(script),
		"trap 'exit 7' TERM; echo ready >%s; while :; do sleep 0.02; done", file);
	command = start(script);
	run(command);
	while (!status.st_size && !fstat(fd, &status))
		usleep(1000);
	command__signal(command, SIGTERM);
	wait_for_end(command);
	failure = command__failure(command);
	assert_string_equal(failure, "ended with status 7");
	free(failure);
	command__free(command);
	close(fd);
	unlink(file);
}

static void what_never_ran_ends(void **state)
{
	struct command *command = start("sleep 60");
	pid_t pid = (pid_t)command__pid(command);

	(void)state;
	command__free(command);
	assert_int_equal(kill(pid, 0), -1);
	assert_int_equal(errno, ESRCH);
}

/* Where a cgroup can be made, all that it starts is in it, and what stays is moved out. */
static void its_cgroup_comes_and_goes(void **state)
{
	struct command *command = start("sleep 30 & exec sleep 0.2");
	struct process_scope scope;
	const char *cgroup = command__cgroup(command);
	uint32_t *pids;
	size_t count;
	char *path;

	(void)state;
	assert_int_equal(process_scope__of_command(&scope, command, "sh"), 0);
	assert_string_equal(scope.name, "command sh");
	if (!cgroup) {
		assert_int_equal(scope.pid_count, 1);
		assert_int_equal(scope.pids[0], command__pid(command));
		process_scope__clear(&scope);
		command__free(command);
		skip_because("no cgroup can be made here");
	}
	assert_true(cgroups__have(cgroup, ""));
	assert_true(process_scope__has_cgroup(&scope, cgroup));
	assert_int_equal(process_scope__pids(&scope, "", &pids, &count), 0);
	assert_int_equal(count, 1);
	assert_int_equal(pids[0], command__pid(command));
	free(pids);
	run(command);
	wait_for_end(command);
	/* The one in the background is left. */
	assert_int_equal(process_scope__pids(&scope, "", &pids, &count), 0);
	assert_int_equal(count, 1);
	path = strdup(cgroup);
	command__free(command);
	assert_false(cgroups__have(path, ""));
	assert_int_equal(kill((pid_t)pids[0], SIGKILL), 0);
	free(pids);
	free(path);
	process_scope__clear(&scope);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_runs_when_it_is_let_go),
		cmocka_unit_test(it_says_how_it_ended),
		cmocka_unit_test(what_cannot_be_run_is_refused),
		cmocka_unit_test(signals_reach_it),
		cmocka_unit_test(what_never_ran_ends),
		cmocka_unit_test(its_cgroup_comes_and_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
