/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "trace/confinement.h"

#include <errno.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "lib/array.h"
#include "lib/complain.h"
#include "lib/file_rules.h"
#include "lib/syscall_filter.h"

/* TCGETS2, TCSETS2 and TCSETSW2, whose structure only the kernel's own header has, which cannot
 * stand beside the C library's. */
#define TERMIOS2_SIZE 44
#define TERMIOS2_GET  _IOC(_IOC_READ, 'T', 0x2a, TERMIOS2_SIZE)
#define TERMIOS2_SET  _IOC(_IOC_WRITE, 'T', 0x2b, TERMIOS2_SIZE)
#define TERMIOS2_SETW _IOC(_IOC_WRITE, 'T', 0x2c, TERMIOS2_SIZE)

#define NO_EXEC 4 /* PROT_EXEC, which is the third argument's */

#define COMMAND(command) SYSCALL_COMMAND(bpf, 0, command)
#define IOCTL(command)   SYSCALL_COMMAND(ioctl, 1, command)

/* The C libraries of different releases take different calls for one thing. */
static const struct syscall_rule calls[] = {
	/* what is open */
	SYSCALL(read),
	SYSCALL(write),
	SYSCALL(writev),
	SYSCALL(lseek),
	SYSCALL(close),
	SYSCALL_FCNTL,
	/* the terminal's size and mode: TIOCSTI would type into it */
	IOCTL(TIOCGWINSZ),
	IOCTL(TCGETS),
	IOCTL(TCSETS),
	IOCTL(TCSETSW),
	IOCTL(TERMIOS2_GET), /* glibc 2.42 and later */
	IOCTL(TERMIOS2_SET),
	IOCTL(TERMIOS2_SETW),
	IOCTL(PERF_EVENT_IOC_DISABLE), /* a hook that ends */
	SYSCALL(fstat),
	SYSCALL(fsync),
	SYSCALL(ftruncate),
	SYSCALL(fchmod),
	SYSCALL(fchown),
	SYSCALL(dup3),
	SYSCALL(sendto), /* to the service manager and the journal */
	SYSCALL(sendmsg),
	SYSCALL(recvfrom), /* from the helper */
	/* the report, /proc/PID/stat, the terminal */
	SYSCALL(openat),
	SYSCALL(newfstatat),
	SYSCALL(statx),
	SYSCALL(faccessat),
	SYSCALL(faccessat2),
	SYSCALL(readlinkat),
	SYSCALL(getdents64),
	SYSCALL(renameat),
	SYSCALL(renameat2),
	SYSCALL(linkat),
	SYSCALL(unlinkat),
	SYSCALL(umask),
	/* records and counters */
	COMMAND(BPF_MAP_LOOKUP_ELEM),
	COMMAND(BPF_MAP_UPDATE_ELEM),
	COMMAND(BPF_MAP_DELETE_ELEM),
	COMMAND(BPF_MAP_GET_NEXT_KEY),
	COMMAND(BPF_MAP_LOOKUP_BATCH),
	COMMAND(BPF_OBJ_GET_INFO_BY_FD),
	COMMAND(BPF_PROG_TEST_RUN), /* who calls, and the connections that stay open at the end */
	COMMAND(BPF_ITER_CREATE),
	COMMAND(BPF_LINK_DETACH),
	COMMAND(BPF_PROG_DETACH),
	SYSCALL(epoll_pwait),
	SYSCALL(ppoll),
	/* memory */
	SYSCALL(brk),
	SYSCALL(munmap),
	SYSCALL(mremap),
	SYSCALL(madvise),
	{SYS_mmap, SYSCALL_WITHOUT, 2, NO_EXEC},
	{SYS_mprotect, SYSCALL_WITHOUT, 2, NO_EXEC},
	/* time, signals, the end */
	SYSCALL(clock_gettime),
	SYSCALL(clock_nanosleep),
	SYSCALL(nanosleep),
	SYSCALL(restart_syscall),
	SYSCALL(rt_sigaction),
	SYSCALL(rt_sigprocmask),
	SYSCALL(rt_sigreturn),
	{SYS_kill, SYSCALL_EQUAL, 1, 0}, /* whether a process is there */
	SYSCALL(getpid),
	SYSCALL(gettid),
	SYSCALL(getuid),
	SYSCALL(geteuid),
	SYSCALL(getgid),
	SYSCALL(getegid),
	SYSCALL(getrandom),
	SYSCALL(futex),
	SYSCALL(wait4),
	SYSCALL(waitid),
	SYSCALL(exit),
	SYSCALL(exit_group),
	SYSCALL(uname),
	SYSCALL(sysinfo),
	{SYS_prlimit64, SYSCALL_EQUAL, 2, 0}, /* getrlimit() */
#ifdef SYS_access
	SYSCALL(access),
	SYSCALL(dup2),
	SYSCALL(epoll_wait),
	SYSCALL(poll),
	SYSCALL(readlink),
	SYSCALL(rename),
	SYSCALL(unlink),
#endif
};

static int confine_calls(pid_t command)
{
	struct syscall_rule rules[ARRAY_SIZE(calls) + 3];
	size_t count = ARRAY_SIZE(calls);
	int error;

	memcpy(rules, calls, sizeof(calls));
	/* abort(), and a signal to no other process of the same user */
	rules[count++] = (struct syscall_rule){SYS_tgkill, SYSCALL_EQUAL, 0, getpid()};
	if (command) {
		rules[count++] = (struct syscall_rule){SYS_kill, SYSCALL_EQUAL, 0, command};
		rules[count++] = (struct syscall_rule){SYS_kill, SYSCALL_EQUAL, 0, -command};
	}
	error = syscall_filter__apply(rules, count);
	if (error)
		complain(
			"this kernel filters no system calls (%s): the trace goes on without a filter",
			strerror(-error));
	return 0;
}

static int confine_files(const struct confinement *confinement)
{
	const struct file_rule rules[] = {
		{.fd = confinement->directory, .access = FILE_ACCESS_KEEP},
		{.path = "/proc", .access = FILE_ACCESS_READ},
		{.path = confinement->cgroups ? "/sys/fs/cgroup" : NULL,
			.fd = -1,
			.access = FILE_ACCESS_READ},
		{.path = "/dev/tty", .access = FILE_ACCESS_WRITE},
		{.path = "/dev/null", .access = FILE_ACCESS_WRITE},
	};
	int error;

	/* its file may be anything, and opening it anew is all that a report there takes */
	if (confinement->in_place)
		return 0;
	error = file_rules__apply(rules, ARRAY_SIZE(rules));
	return error == -EOPNOTSUPP ? 0 : error;
}

int confinement__enter(const struct confinement *confinement)
{
	uint64_t keep = 0;
	int error;

	tzset(); /* reads the zone's file */
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
