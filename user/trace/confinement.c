/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "trace/confinement.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "lib/complain.h"
#include "lib/file_rules.h"
#include "lib/syscall_filter.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define NO_EXEC      4 /* PROT_EXEC, which is the third argument's */

#define CALL(name)                            \
	{                                     \
		SYS_##name, SYSCALL_ANY, 0, 0 \
	}
#define COMMAND(command)                           \
	{                                          \
		SYS_bpf, SYSCALL_EQUAL, 0, command \
	}

/* The C libraries of different releases take different calls for one thing. */
static const struct syscall_rule calls[] = {
	/* what is open */
	CALL(read),
	CALL(write),
	CALL(writev),
	CALL(lseek),
	CALL(close),
	CALL(fcntl),
	CALL(ioctl), /* the terminal's size and mode, and a perf event that ends */
	CALL(fstat),
	CALL(fsync),
	CALL(ftruncate),
	CALL(fchmod),
	CALL(fchown),
	CALL(dup3),
	CALL(sendto), /* to the service manager and the journal */
	CALL(sendmsg),
	CALL(recvfrom), /* from the helper */
	/* the report, /proc/PID/stat, the terminal */
	CALL(openat),
	CALL(newfstatat),
	CALL(statx),
	CALL(faccessat),
	CALL(faccessat2),
	CALL(readlinkat),
	CALL(getdents64),
	CALL(renameat),
	CALL(renameat2),
	CALL(linkat),
	CALL(unlinkat),
	CALL(umask),
	/* records and counters */
	COMMAND(BPF_MAP_LOOKUP_ELEM),
	COMMAND(BPF_MAP_UPDATE_ELEM),
	COMMAND(BPF_MAP_DELETE_ELEM),
	COMMAND(BPF_MAP_GET_NEXT_KEY),
	COMMAND(BPF_MAP_LOOKUP_BATCH),
	COMMAND(BPF_OBJ_GET_INFO_BY_FD),
	COMMAND(BPF_PROG_TEST_RUN), /* the connections that stay open at the end */
	COMMAND(BPF_ITER_CREATE),
	COMMAND(BPF_LINK_DETACH),
	COMMAND(BPF_PROG_DETACH),
	CALL(epoll_pwait),
	CALL(ppoll),
	CALL(sched_setscheduler), /* while a map is read: see tracer.c */
	/* memory */
	CALL(brk),
	CALL(munmap),
	CALL(mremap),
	CALL(madvise),
	{SYS_mmap, SYSCALL_WITHOUT, 2, NO_EXEC},
	{SYS_mprotect, SYSCALL_WITHOUT, 2, NO_EXEC},
	/* time, signals, the end */
	CALL(clock_gettime),
	CALL(clock_nanosleep),
	CALL(nanosleep),
	CALL(restart_syscall),
	CALL(rt_sigaction),
	CALL(rt_sigprocmask),
	CALL(rt_sigreturn),
	CALL(getpid),
	CALL(gettid),
	CALL(getuid),
	CALL(geteuid),
	CALL(getgid),
	CALL(getegid),
	CALL(tgkill), /* abort() */
	CALL(getrandom),
	CALL(futex),
	CALL(wait4),
	CALL(waitid),
	CALL(exit),
	CALL(exit_group),
	CALL(uname),
	CALL(sysinfo),
	{SYS_prlimit64, SYSCALL_EQUAL, 2, 0}, /* getrlimit() */
#ifdef SYS_access
	CALL(access),
	CALL(dup2),
	CALL(epoll_wait),
	CALL(poll),
	CALL(readlink),
	CALL(rename),
	CALL(unlink),
#endif
};

static int confine_calls(pid_t command)
{
	struct syscall_rule rules[COUNT(calls) + 2];
	size_t count = COUNT(calls);
	int error;

	memcpy(rules, calls, sizeof(calls));
	if (command) {
		rules[count++] = (struct syscall_rule){SYS_kill, SYSCALL_EQUAL, 0, command};
		rules[count++] = (struct syscall_rule){SYS_kill, SYSCALL_EQUAL, 0, -command};
	}
	error = syscall_filter__apply(rules, count);
	if (error)
		complain("this kernel filters no system calls (%s): the trace goes on without a "
			 "filter",
			strerror(-error));
	return 0;
}

static int confine_files(const struct confinement *confinement)
{
	const struct file_rule rules[] = {
		{.fd = confinement->directory, .access = FILE_ACCESS_KEEP},
		{.path = "/proc", .access = FILE_ACCESS_READ},
		{.path = "/dev/tty", .access = FILE_ACCESS_WRITE},
		{.path = "/dev/null", .access = FILE_ACCESS_WRITE},
	};
	int error;

	/* its file may be anything, and opening it anew is all that a report there takes */
	if (confinement->in_place)
		return 0;
	error = file_rules__apply(rules, COUNT(rules));
	return error == -EOPNOTSUPP ? 0 : error;
}

int confinement__enter(const struct confinement *confinement)
{
	static const struct rlimit real_time = {1, 1};
	uint64_t keep = 0;
	int error;

	tzset(); /* reads the zone's file */
	/* the priority that tracer.c takes for a moment, which needs CAP_SYS_NICE otherwise */
	setrlimit(RLIMIT_RTPRIO, &real_time);
	error = privileges__suspend();
	if (!error && tracer__needs_capability(confinement->tracer))
		keep = CAPABILITY_BPF;
	if (!error)
		error = privileges__drop(confinement->user, keep);
	if (!error)
		error = confine_files(confinement);
	if (!error)
		error = confine_calls(confinement->command);
	if (error)
		complain("the privileges that a trace does without cannot be given up: %s",
			strerror(-error));
	return error;
}
