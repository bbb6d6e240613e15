/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "lib/privileges.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/scope.h"

#define CAPABILITIES_MAX 64

/* getpwnam() would load libraries, which a static program cannot. */
int privileges__find_user(const char *name, struct privileges_user *user)
{
	_fclose_ FILE *users = fopen("/etc/passwd", "re");
	const struct passwd *entry;
	char number[sizeof("4294967295")];

	if (!users)
		return -errno;
	while ((entry = fgetpwent(users))) {
		snprintf(number, sizeof(number), "%u", (unsigned int)entry->pw_uid);
		if (strcmp(entry->pw_name, name) && strcmp(number, name))
			continue;
		user->uid = entry->pw_uid;
		user->gid = entry->pw_gid;
		return 0;
	}
	return -ENOENT;
}

int privileges__try_as(
	const struct privileges_user *user, int (*attempt)(void *context), void *context)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	int result;

	if (setegid(user->gid))
		return -errno;
	if (seteuid(user->uid)) {
		result = -errno;
	} else {
		result = attempt(context);
		if (seteuid(uid))
			abort(); /* as somebody else, nothing that follows would be right */
	}
	if (setegid(gid))
		abort();
	return result;
}

/* The C library has no function for capset(2). */
static int capabilities__set(uint64_t effective, uint64_t permitted)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[2] = {
		{.effective = effective, .permitted = permitted},
		{.effective = effective >> 32, .permitted = permitted >> 32},
	};

	return syscall(SYS_capset, &header, sets) ? -errno : 0;
}

/* 0 or -errno. */
static int capabilities__get(uint64_t *permitted)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[2] = {};

	if (syscall(SYS_capget, &header, sets))
		return -errno;
	*permitted = sets[0].permitted | (uint64_t)sets[1].permitted << 32;
	return 0;
}

int privileges__suspend(void)
{
	uint64_t permitted;
	int error = capabilities__get(&permitted);

	return error ? error : capabilities__set(0, permitted);
}

/* Without CAP_SETPCAP the bounding set stays, which no_new_privs makes harmless. */
static void bounding_set__clear(uint64_t keep)
{
	for (unsigned long number = 0; number < CAPABILITIES_MAX; number++)
		if (!(keep & 1ULL << number) && prctl(PR_CAPBSET_DROP, number, 0, 0, 0))
			return;
}

static int become(const struct privileges_user *user)
{
	/* Else leaving uid 0 takes all capabilities, those to keep among them. */
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) || setgroups(0, NULL) ||
		setresgid(user->gid, user->gid, user->gid) ||
		setresuid(user->uid, user->uid, user->uid))
		return -errno;
	return 0;
}

int privileges__drop(const struct privileges_user *user, uint64_t keep)
{
	static const struct rlimit none = {0, 0};
	uint64_t permitted;
	int error = capabilities__get(&permitted);

	if (!error)
		error = capabilities__set(permitted, permitted);
	if (error)
		return error;
	bounding_set__clear(keep);
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (user)
		error = become(user);
	if (!error)
		error = capabilities__set(permitted & keep, permitted & keep);
	if (!error && (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || setrlimit(RLIMIT_CORE, &none)))
		error = -errno;
#ifndef __SANITIZE_ADDRESS__ /* which looks for leaks through ptrace(2) */
	if (!error && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
		error = -errno;
#endif
	return error;
}
