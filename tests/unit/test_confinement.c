/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a process that is confined can still do: each attempt is made in a child of its own. */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "skipping.h"
#include "trace/confinement.h"

#include "lib/array.h"

#ifdef __SANITIZE_ADDRESS__
#define FILTERED false /* the filter is left out: see syscall_filter.c */
#else
#define FILTERED true
#endif

static char directory[] = "/tmp/confinement.XXXXXX";
static bool ask_for_bpf;
static pid_t parent;

/* In place of the tracer's. */
bool tracer__needs_capability(const struct tracer *tracer)
{
	(void)tracer;
	return ask_for_bpf;
}

static int failed(long result)
{
	return result < 0 ? errno : 0;
}

static int opens_shadow(void)
{
	return failed(open("/etc/shadow", O_RDONLY));
}

static int writes_beside(void)
{
	return failed(open("/tmp/confinement-beside", O_WRONLY | O_CREAT, 0600));
}

static int keeps_a_report(void)
{
	char old[64], new[64];
	int fd;

	snprintf(old, sizeof(old), "%s/a", directory);
	snprintf(new, sizeof(new), "%s/b", directory);
	fd = open(old, O_WRONLY | O_CREAT | O_EXCL, 0600);
	return fd < 0 || write(fd, "x", 1) != 1 || fsync(fd) || rename(old, new) || unlink(new)
		       ? errno
		       : 0;
}

static int makes_a_socket(void)
{
	return failed(socket(AF_INET, SOCK_STREAM, 0));
}

static int executes(void)
{
	char *argv[] = {"true", NULL}, *none[] = {NULL};

	return failed(execve("/bin/true", argv, none));
}

static int forks(void)
{
	pid_t child = fork();

	if (!child)
		_exit(0);
	return failed(child);
}

static int signals_its_parent(void)
{
	return failed(kill(parent, SIGCONT));
}

static int signals_its_parents_thread(void)
{
	return failed(syscall(SYS_tgkill, parent, parent, SIGCONT));
}

static int has_its_parent_signalled(void)
{
	return failed(fcntl(STDIN_FILENO, F_SETOWN, parent));
}

static int types_into_its_terminal(void)
{
	return failed(ioctl(STDIN_FILENO, TIOCSTI, "x"));
}

static int copies_a_descriptor(void)
{
	return failed(fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0));
}

static int asks_whether_it_has_a_terminal(void)
{
	return isatty(STDIN_FILENO) || errno == ENOTTY ? 0 : errno;
}

static int traces(void)
{
	return failed(ptrace(PTRACE_ATTACH, parent, 0, 0));
}

static int maps_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
			       MAP_FAILED
		       ? errno
		       : 0;
}

static int maps_memory(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
			       MAP_FAILED
		       ? errno
		       : 0;
}

static int loads_a_program(void)
{
	union bpf_attr attr = {.prog_type = BPF_PROG_TYPE_SOCKET_FILTER};

	return failed(syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr)));
}

static int mounts(void)
{
	return failed(syscall(SYS_mount, "none", "/mnt", "tmpfs", 0, NULL));
}

static int reads_anothers_exe(void)
{
	char path[64], target[256];

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)parent);
	return failed(readlink(path, target, sizeof(target)));
}

/* 0: no capability in any set but those of allowed in the first two. */
static int has_capabilities(uint64_t allowed)
{
	char text[8192] = "";
	unsigned long long set;
	int fd = open("/proc/self/status", O_RDONLY), error = 0;
	const char *const names[] = {"CapPrm:", "CapEff:", "CapInh:", "CapAmb:", "CapBnd:"};

	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		return errno;
	for (size_t i = 0; i < 5; i++) {
		const char *line = strstr(text, names[i]);

		if (!line || sscanf(line + strlen(names[i]), "%llx", &set) != 1 || set & ~allowed)
			error = EPERM;
	}
	return strstr(text, "NoNewPrivs:\t1") ? error : EPERM;
}

static int has_no_capability(void)
{
	return has_capabilities(0);
}

static int keeps_bpf_alone(void)
{
	return has_capabilities(CAPABILITY_BPF);
}

static int is_nobody(void)
{
	return getuid() == 65534 && geteuid() == 65534 && getgid() == 65534 && setuid(0) < 0
		       ? 0
		       : EPERM;
}

/* What attempt says in a confined child; 255: it was not confined. */
static int tried(int (*attempt)(void), const struct privileges_user *user)
{
	struct confinement confinement = {.user = user};
	int status;
	pid_t child;

	confinement.directory = open(directory, O_RDONLY | O_DIRECTORY);
	child = fork();
	if (!child)
		_exit(confinement__enter(&confinement) ? 255 : attempt());
	close(confinement.directory);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static bool has_landlock(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0, 1) >= 1;
}

static const struct {
	const char *name;
	int (*attempt)(void);
	int error;
	bool by_filter, by_landlock;
} attempts[] = {
	{"a file of root's", opens_shadow, EACCES, false, true},
	{"a file beside the report's directory", writes_beside, EACCES, false, true},
	{"the report", keeps_a_report, 0, false, false},
	{"a socket", makes_a_socket, EPERM, true, false},
	{"another program", executes, EPERM, true, false},
	{"another process", forks, EPERM, true, false},
	{"a signal", signals_its_parent, EPERM, true, false},
	{"a signal to a thread", signals_its_parents_thread, EPERM, true, false},
	{"a signal by a descriptor", has_its_parent_signalled, EPERM, true, false},
	{"a key in its terminal", types_into_its_terminal, EPERM, true, false},
	{"a copy of a descriptor", copies_a_descriptor, 0, false, false},
	{"whether it has a terminal", asks_whether_it_has_a_terminal, 0, false, false},
	{"ptrace", traces, EPERM, false, false},
	{"executable memory", maps_code, EPERM, true, false},
	{"memory", maps_memory, 0, false, false},
	{"a BPF program", loads_a_program, EPERM, false, false},
	{"a mount", mounts, EPERM, false, false},
	{"no capability", has_no_capability, 0, false, false},
};

static void no_more_than_a_trace_needs(void **state)
{
	(void)state;
	if (geteuid())
		skip_because("it takes root");
	for (size_t i = 0; i < ARRAY_SIZE(attempts); i++) {
		int error;

		if ((attempts[i].by_filter && !FILTERED) ||
			(attempts[i].by_landlock && !has_landlock()))
			continue;
		error = tried(attempts[i].attempt, NULL);
		if (error != attempts[i].error)
			fail_msg("%s: wanted error %d, got %d", attempts[i].name, attempts[i].error,
				error);
	}
}

static void another_user_is_that_for_good(void **state)
{
	const struct privileges_user nobody = {65534, 65534};

	(void)state;
	if (geteuid())
		skip_because("it takes root");
	assert_int_equal(tried(is_nobody, &nobody), 0);
	assert_int_equal(tried(has_no_capability, &nobody), 0);
	assert_int_equal(tried(reads_anothers_exe, &nobody), EACCES);
}

static void the_maps_get_what_they_ask_for(void **state)
{
	const struct privileges_user nobody = {65534, 65534};

	(void)state;
	if (geteuid())
		skip_because("it takes root");
	ask_for_bpf = true;
	assert_int_equal(tried(keeps_bpf_alone, NULL), 0);
	assert_int_equal(tried(keeps_bpf_alone, &nobody), 0);
	assert_int_equal(tried(has_no_capability, &nobody), EPERM);
	ask_for_bpf = false;
}

static int set_up(void **state)
{
	(void)state;
	parent = getpid();
	unsetenv("IMDSTRACE_FILTER_KILLS"); /* an attempt is to come back */
	return !mkdtemp(directory);
}

static int tear_down(void **state)
{
	(void)state;
	return rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_more_than_a_trace_needs),
		cmocka_unit_test(another_user_is_that_for_good),
		cmocka_unit_test(the_maps_get_what_they_ask_for),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
