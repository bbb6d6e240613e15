/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The system calls that a process may still make: all others fail, for good. */
#ifndef IMDSTRACE_SYSCALL_FILTER_H
#define IMDSTRACE_SYSCALL_FILTER_H

#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>

enum syscall_condition {
	SYSCALL_ANY,     /* whatever its arguments are */
	SYSCALL_EQUAL,   /* argument == value (its lower 32 bits) */
	SYSCALL_WITHOUT, /* no bit of value in argument */
};

/* Several rules of one call: any of them is enough. */
struct syscall_rule {
	int number; /* SYS_...; -1: this machine has no such call */
	enum syscall_condition condition;
	uint8_t argument; /* 0 to 5 */
	uint32_t value;
};

/* The rule of a call that is allowed whatever its arguments are. */
#define SYSCALL(name)                         \
	{                                     \
		SYS_##name, SYSCALL_ANY, 0, 0 \
	}

/* The rule of a call of one command alone: argument is where it stands. */
#define SYSCALL_COMMAND(name, argument, command)             \
	{                                                    \
		SYS_##name, SYSCALL_EQUAL, argument, command \
	}

/* What the C library itself asks of a descriptor; F_SETOWN would have a signal sent to any process
 * of the same user. */
#define SYSCALL_FCNTL                                                                   \
	SYSCALL_COMMAND(fcntl, 1, F_GETFL), SYSCALL_COMMAND(fcntl, 1, F_SETFL),         \
		SYSCALL_COMMAND(fcntl, 1, F_GETFD), SYSCALL_COMMAND(fcntl, 1, F_SETFD), \
		SYSCALL_COMMAND(fcntl, 1, F_DUPFD_CLOEXEC)

#define SYSCALL_RULES_MAX 160

/*
 * Allows rules alone from here on, for all that this thread does and starts; no_new_privs has to be
 * set (privileges.h). Another call fails with EPERM; with IMDSTRACE_FILTER_KILLS in the environment
 * it kills the process, so that a test sees it. 0; -EINVAL: more than SYSCALL_RULES_MAX rules; or
 * -errno, as where the kernel was built without seccomp.
 */
int syscall_filter__apply(const struct syscall_rule *rules, size_t count);

#endif
