/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/array.h"
#include "process/args.h"
#include "process/process.h"
#include "process/procfs.h"

#define R "\xef\xbf\xbd"
/* A literal with NULs in it: its bytes and their number, with the last NUL and without. */
#define WHOLE(literal) literal, sizeof(literal)
#define CUT(literal)   literal, sizeof(literal) - 1

static void assert_text(const char *what, const char *found, const char *expected)
{
	if ((found && expected && strcmp(found, expected)) || !found != !expected)
		fail_msg("%s is %s, not %s", what, found ? found : "null",
			expected ? expected : "null");
}

/* --- Paths --------------------------------------------------------------------------------- */

static void components_become_a_path(void **state)
{
	static const struct {
		const char *name, *components;
		size_t size;
		bool cut;
		const char *path;
	} cases[] = {
		{"from leaf to root", WHOLE("curl\0bin\0usr"), false, "/usr/bin/curl"},
		{"one component", WHOLE("init"), false, "/init"},
		{"no more than was captured", WHOLE("curl\0bin"), true, ".../bin/curl"},
		{"the last NUL is missing", CUT("curl\0bin\0us"), false, "/us/bin/curl"},
		{"empty components", WHOLE("\0curl\0\0bin\0"), false, "/bin/curl"},
		{"the root", WHOLE(""), false, "/"},
		{"nothing", "", 0, false, NULL},
		{"nothing, cut", "", 0, true, NULL},
		{"bytes that are no text", WHOLE("c\xff\0bin"), false, "/bin/c" R},
		{"deleted", WHOLE("curl (deleted)\0bin"), false, "/bin/curl"},
		{"only called deleted", WHOLE("x (deleted)y"), false, "/x (deleted)y"},
		{"a file in memory", WHOLE("memfd:x"), false, "/memfd:x"},
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		/* a copy of exactly that size: reading beyond it would be seen */
		char *components = malloc(cases[i].size);
		char *path;

		print_message("  %s\n", cases[i].name);
		memcpy(components, cases[i].components, cases[i].size);
		path = process__path(components, cases[i].size, cases[i].cut);
		assert_text("path", path, cases[i].path);
		free(components);
		free(path);
	}
}

/* --- Arguments ----------------------------------------------------------------------------- */

static void arguments_are_split(void **state)
{
	static const struct {
		const char *name, *bytes;
		size_t size;
		bool cut;
		const char *args[6];
	} cases[] = {
		{"some", WHOLE("curl\0-s\0http://x"), false, {"curl", "-s", "http://x"}},
		{"none", "", 0, false, {NULL}},
		{"an empty one", WHOLE("a\0\0b"), false, {"a", "", "b"}},
		{"an empty one at the end", WHOLE("a\0"), false, {"a", ""}},
		{"a title's padding", WHOLE("nginx: worker\0\0\0\0\0"), false, {"nginx: worker"}},
		{"nothing but padding", WHOLE("\0\0\0\0"), false, {NULL}},
		{"cut in one", CUT("curl\0-s\0htt"), true, {"curl", "-s", "htt"}},
		{"cut between two", WHOLE("curl\0-s"), true, {"curl", "-s"}},
		{"cut inside a character", CUT("a\0b\xe2\x82"), true, {"a", "b"}},
		{"not cut, and no character", CUT("b\xe2\x82"), false, {"b" R R}},
		{"bytes that are no text", WHOLE("\xff"), false, {R}},
		{"a token", WHOLE("-H\0X-aws-ec2-metadata-token: AQ=="), false,
			{"-H", "X-aws-ec2-metadata-token: ****"}},
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char **args = args__split(cases[i].bytes, cases[i].size, cases[i].cut);
		size_t count = 0;

		print_message("  %s\n", cases[i].name);
		for (; cases[i].args[count]; count++)
			assert_text("argument", args[count], cases[i].args[count]);
		assert_null(args[count]);
		args__free(args);
	}
}

#define HEADER "X-aws-ec2-metadata-token"

/* --- Names --------------------------------------------------------------------------------- */

static void people_call_it(void **state)
{
	static const struct {
		const char *name, *comm, *exe, *script;
		char *args[4];
		const char *called;
	} cases[] = {
		{"a program", "curl", "/usr/bin/curl", NULL, {"curl"}, "curl"},
		{"a script", "python3", "/usr/bin/python3.11", "/opt/etl/load.py", {"python3"},
			"python3 /opt/etl/load.py"},
		{"an interpreter alone", "python3", "/usr/bin/python3.11", NULL, {"python3"},
			"python3"},
		{"a script that is its own name", "tag", "/usr/bin/bash", "/etc/cron.daily/tag",
			{"bash"}, "bash /etc/cron.daily/tag"},
		{"a name that the kernel cut", "amazon-ssm-agen", "/usr/bin/amazon-ssm-agent", NULL,
			{NULL}, "amazon-ssm-agent"},
		{"a name that the process changed", "kworker/0:1", "/tmp/miner", NULL, {NULL},
			"miner"},
		{"a thread's name", "MainThread", "/usr/bin/node", "/srv/app.js", {"node"},
			"node /srv/app.js"},
		{"a module", "python3", "/usr/bin/python3.11", "-m awscli", {"python3"},
			"python3 -m awscli"},
		{"a class", "java", "/usr/lib/jvm/17/bin/java", "com.example.Main", {"java"},
			"java com.example.Main"},
		{"busybox by its command", "wget", "/bin/busybox", NULL, {"wget", "-q"},
			"busybox wget"},
		{"busybox with its command", "busybox", "/bin/busybox", NULL, {"busybox", "wget"},
			"busybox wget"},
		{"busybox alone", "busybox", "/bin/busybox", NULL, {"busybox"}, "busybox"},
		{"busybox without arguments", "wget", "/bin/busybox", NULL, {NULL}, "busybox"},
		{"a script of busybox", "sh", "/bin/busybox", "/init.sh", {"sh", "/init.sh"},
			"busybox /init.sh"},
		{"no executable", "kworker/0:1", NULL, NULL, {NULL}, "kworker/0:1"},
		{"an empty name", "", "/usr/bin/curl", NULL, {NULL}, "curl"},
		{"an executable that was cut", "x", ".../deep/tool", NULL, {NULL}, "tool"},
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct process process = {.comm = (char *)cases[i].comm,
			.exe = (char *)cases[i].exe,
			.script = (char *)cases[i].script,
			.args = (char **)cases[i].args,
			.ancestor_count = 1,
			.ancestry = {{.comm = (char *)cases[i].comm,
				.exe = (char *)cases[i].exe,
				.script = (char *)cases[i].script}}};
		char *called = process__name(&process), *parent = process__parent_name(&process);

		print_message("  %s\n", cases[i].name);
		assert_text("name", called, cases[i].called);
		if (!strstr(cases[i].called, "busybox ") || cases[i].script)
			assert_text("parent", parent, cases[i].called);
		free(called);
		free(parent);
	}
}

static void nobody_is_the_parent_of_init(void **state)
{
	const struct process process = {.comm = (char *)"systemd"};
	(void)state;

	assert_null(process__parent_name(&process));
}

/* --- From the kernel side ------------------------------------------------------------------ */

static uint16_t add(struct identity *identity, const char *bytes, size_t size)
{
	memcpy(identity->text + identity->text_size, bytes, size);
	identity->text_size += size;
	return size;
}

static void an_identity_becomes_a_process(void **state)
{
	struct identity identity = {.key = {.pid = 381, .start_ns = 1, .exec_count = 2},
		.uid = 33,
		.network = NETWORK_HOST,
		.comm = "python3",
		.ancestor_count = 2,
		.ready = 1};
	struct process *process;
	char *name, *parent;
	(void)state;

	identity.exe_size = add(&identity, WHOLE("python3.11\0bin\0usr"));
	identity.cgroup_size = add(&identity, WHOLE("etl.service\0system.slice"));
	identity.args_size = add(&identity, WHOLE("python3\0/opt/etl/load.py"));
	identity.args_total = identity.args_size;
	identity.ancestors[0] = (struct ancestor){.pid = 171, .start_ns = 1, .comm = "bash"};
	identity.ancestors[0].exe_size = add(&identity, WHOLE("bash\0bin\0usr"));
	/* a name of the full length has no NUL */
	memcpy(identity.ancestors[1].comm, "0123456789abcdef", COMM_SIZE);
	identity.ancestors[1].pid = 2;

	process = process__from_identity(&identity);
	assert_non_null(process);
	assert_int_equal(process->key.pid, 381);
	assert_int_equal(process->key.exec_count, 2);
	assert_int_equal(process->uid, 33);
	assert_int_equal(process->network, NETWORK_HOST);
	assert_text("comm", process->comm, "python3");
	assert_text("exe", process->exe, "/usr/bin/python3.11");
	assert_text("script", process->script, "/opt/etl/load.py");
	assert_text("argument", process->args[1], "/opt/etl/load.py");
	assert_false(process->args_cut);
	assert_text("unit", process->workload.unit, "etl.service");
	assert_int_equal(process->ancestor_count, 2);
	assert_int_equal(process->ancestry[0].pid, 171);
	assert_text("ancestor", process->ancestry[0].exe, "/usr/bin/bash");
	assert_null(process->ancestry[0].script);
	assert_text("ancestor", process->ancestry[1].comm, "0123456789abcdef");
	assert_null(process->ancestry[1].exe);
	name = process__name(process);
	parent = process__parent_name(process);
	assert_text("name", name, "python3 /opt/etl/load.py");
	assert_text("parent", parent, "bash");
	free(name);
	free(parent);
	process__free(process);
}

static void a_script_that_was_cut_is_no_script(void **state)
{
	struct identity identity = {.comm = "bash"};
	struct process *process;
	(void)state;

	identity.exe_size = add(&identity, WHOLE("bash\0bin"));
	identity.args_size = add(&identity, CUT("bash\0/etc/cron.da"));
	identity.args_total = identity.args_size + 10;
	process = process__from_identity(&identity);
	assert_null(process->script);
	assert_true(process->args_cut);
	assert_text("argument", process->args[1], "/etc/cron.da");
	process__free(process);
}

/* Whatever the record holds, nothing outside of it is read: the sanitizers look on. */
static void a_torn_identity_does_no_harm(void **state)
{
	unsigned int seed = 1;
	(void)state;

	for (int round = 0; round < 300; round++) {
		struct identity *identity = malloc(sizeof(*identity));
		struct process *process;
		char *name, *parent;

		for (size_t i = 0; i < sizeof(*identity); i++)
			((unsigned char *)identity)[i] = rand_r(&seed) >> 3;
		if (round % 3 == 1) {
			identity->exe_size %= 64;
			identity->cgroup_size %= 64;
			identity->args_size %= 512;
		} else if (round % 3 == 2) {
			memset(&identity->exe_size, 0xff, 8);
		}
		process = process__from_identity(identity);
		assert_non_null(process);
		assert_true(process->ancestor_count <= ANCESTORS_MAX);
		name = process__name(process);
		parent = process__parent_name(process);
		free(name);
		free(parent);
		process__free(process);
		free(identity);
	}
}

/* --- From /proc ---------------------------------------------------------------------------- */

static char directory[PATH_MAX];

static int enter_directory(void **state)
{
	const char *base = getenv("TMPDIR");
	char made[PATH_MAX];
	int fd;
	(void)state;

	snprintf(made, sizeof(made), "%s/test_process.XXXXXX", base && *base ? base : "/tmp");
	if (!mkdtemp(made) || !realpath(made, directory) || chdir(directory))
		return -1;
	/* waits for its standard input to end; "read" is the shell's own, so there is no child */
	fd = open("wait.sh", O_WRONLY | O_CREAT, 0644);
	dprintf(fd, "echo\nread line\n:\n");
	return close(fd);
}

static int leave_directory(void **state)
{
	(void)state;
	return unlink("wait.sh") || chdir("/") || rmdir(directory);
}

/* A child that runs until its pipe is closed. */
struct child {
	pid_t pid;
	int input;
	uint64_t start_ns;
};

static struct child start(const char *const *args)
{
	int input[2], output[2];
	struct procfs_stat stat;
	struct child child;
	char byte;
	int shown;

	assert_int_equal(pipe2(input, O_CLOEXEC), 0);
	assert_int_equal(pipe2(output, O_CLOEXEC), 0);
	child.pid = fork();
	assert_true(child.pid >= 0);
	if (!child.pid) {
		dup2(input[0], 0);
		dup2(output[1], 1);
		execvp(args[0], (char *const *)args);
		_exit(127);
	}
	close(input[0]);
	close(output[1]);
	child.input = input[1];
	/* it speaks once it runs its script */
	assert_int_equal(read(output[0], &byte, 1), 1);
	close(output[0]);
	shown = procfs__open_any(child.pid);
	assert_true(shown >= 0);
	assert_int_equal(procfs__stat(shown, &stat), 0);
	close(shown);
	child.start_ns = procfs__start_ns(&stat);
	return child;
}

static void stop_child(struct child *child)
{
	close(child->input);
	assert_int_equal(waitpid(child->pid, NULL, 0), child->pid);
}

/* What the kernel side would capture of a process whose parent the child is. */
static struct process *child_of(
	const struct child *parent, uint64_t start_ns, const char *exe, size_t size)
{
	struct identity identity = {.comm = "curl", .ancestor_count = 1};

	identity.exe_size = add(&identity, WHOLE("curl\0bin\0usr"));
	identity.ancestors[0] =
		(struct ancestor){.pid = parent->pid, .start_ns = start_ns, .comm = "sh"};
	identity.ancestors[0].exe_size = add(&identity, exe, size);
	return process__from_identity(&identity);
}

/* The base name of what runs, as captured: one component and a NUL. */
static size_t capture_exe(const struct child *child, char component[NAME_MAX + 1])
{
	int shown = procfs__open(child->pid, child->start_ns);
	char *exe = procfs__link(shown, "exe");
	size_t size;

	close(shown);
	assert_non_null(exe);
	size = snprintf(component, NAME_MAX + 1, "%s", strrchr(exe, '/') + 1) + 1;
	free(exe);
	return size;
}

static void an_ancestors_script_comes_from_proc(void **state)
{
	static const char *const args[] = {"sh", "./wait.sh", "x", NULL};
	struct child child = start(args);
	char exe[NAME_MAX + 1], script[PATH_MAX + 16];
	size_t size = capture_exe(&child, exe);
	struct process *process;
	(void)state;

	snprintf(script, sizeof(script), "%s/wait.sh", directory);
	print_message("  of the same start time\n");
	process = child_of(&child, child.start_ns + 12345, exe, size);
	assert_text("script", process->ancestry[0].script, script);
	process__free(process);
	print_message("  of a process that had the pid before\n");
	process = child_of(&child, child.start_ns - 1000000000, exe, size);
	assert_null(process->ancestry[0].script);
	process__free(process);
	print_message("  of one that has called exec since\n");
	process = child_of(&child, child.start_ns, WHOLE("zsh\0bin"));
	assert_null(process->ancestry[0].script);
	process__free(process);
	stop_child(&child);
	print_message("  of one that is gone\n");
	process = child_of(&child, child.start_ns, exe, size);
	assert_null(process->ancestry[0].script);
	process__free(process);
}

static enum network network_of_this(void)
{
	struct stat own, first;

	if (!procfs__shows_all() || stat("/proc/self/ns/net", &own) ||
		stat("/proc/2/ns/net", &first))
		return NETWORK_UNKNOWN;
	return own.st_ino == first.st_ino ? NETWORK_HOST : NETWORK_OWN;
}

static void proc_shows_a_process_that_was_not_captured(void **state)
{
	static const char *const args[] = {"sh", "wait.sh", HEADER ": AQ==", NULL};
	struct child child = start(args);
	struct process_key key = {.pid = child.pid, .start_ns = child.start_ns};
	char script[PATH_MAX + 16], *parent;
	struct process *process = process__from_proc(&key);
	(void)state;

	snprintf(script, sizeof(script), "%s/wait.sh", directory);
	assert_non_null(process->exe);
	assert_text("script", process->script, script);
	assert_text("argument", process->args[1], "wait.sh");
	assert_text("argument", process->args[2], HEADER ": ****");
	assert_int_equal(process->uid, getuid());
	assert_int_equal(process->network, network_of_this());
	assert_true(process->ancestor_count >= 1);
	assert_int_equal(process->ancestry[0].pid, getpid());
	parent = process__parent_name(process);
	assert_non_null(parent);
	free(parent);
	process__free(process);
	stop_child(&child);

	process = process__from_proc(&key);
	assert_text("comm", process->comm, "?");
	assert_null(process->exe);
	assert_null(process->args[0]);
	assert_int_equal(process->ancestor_count, 0);
	assert_int_equal(process->key.pid, key.pid);
	process__free(process);
}

/* The start of the script's name is where the capture ended. */
static void proc_adds_a_script_beyond_what_was_captured(void **state)
{
	static const char *const args[] = {"sh", "wait.sh", NULL};
	struct child child = start(args);
	struct identity identity = {
		.comm = "sh", .key = {.pid = child.pid, .start_ns = child.start_ns}};
	char exe[NAME_MAX + 1], script[PATH_MAX + 16];
	struct process *process;
	(void)state;

	snprintf(script, sizeof(script), "%s/wait.sh", directory);
	identity.exe_size = add(&identity, exe, capture_exe(&child, exe));
	identity.args_size = add(&identity, CUT("sh\0wai"));
	identity.args_total = 11;
	process = process__from_identity(&identity);
	assert_text("script", process->script, script);
	process__free(process);
	print_message("  but not of a process with other arguments\n");
	identity.text[identity.exe_size] = 'x';
	process = process__from_identity(&identity);
	assert_null(process->script);
	process__free(process);
	stop_child(&child);
}

static void a_name_with_parentheses_is_read(void **state)
{
	struct procfs_stat stat;
	int shown;
	(void)state;

	assert_int_equal(prctl(PR_SET_NAME, "a) R 1 (b c"), 0);
	shown = procfs__open_any(getpid());
	assert_int_equal(procfs__stat(shown, &stat), 0);
	close(shown);
	assert_string_equal(stat.comm, "a) R 1 (b c");
	assert_int_equal(stat.parent, getppid());
	assert_true(stat.start_ticks > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(components_become_a_path),
		cmocka_unit_test(arguments_are_split),
		cmocka_unit_test(people_call_it),
		cmocka_unit_test(nobody_is_the_parent_of_init),
		cmocka_unit_test(an_identity_becomes_a_process),
		cmocka_unit_test(a_script_that_was_cut_is_no_script),
		cmocka_unit_test(a_torn_identity_does_no_harm),
		cmocka_unit_test(an_ancestors_script_comes_from_proc),
		cmocka_unit_test(proc_shows_a_process_that_was_not_captured),
		cmocka_unit_test(proc_adds_a_script_beyond_what_was_captured),
		cmocka_unit_test(a_name_with_parentheses_is_read),
	};

	return cmocka_run_group_tests(tests, enter_directory, leave_directory);
}
