/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a process may do: it gives up, for good, what it needs no more. */
#ifndef IMDSTRACE_PRIVILEGES_H
#define IMDSTRACE_PRIVILEGES_H

#include <stdint.h>
#include <sys/types.h>

/* Numbers of include/uapi/linux/capability.h, as bits. */
#define CAPABILITY_DAC_READ_SEARCH (1ULL << 2)
#define CAPABILITY_SYS_PTRACE      (1ULL << 19)
#define CAPABILITY_BPF             (1ULL << 39) /* 5.8 and later */

/* A user to become: see privileges__find_user(). */
struct privileges_user {
	uid_t uid;
	gid_t gid;
};

/* By name or number, of /etc/passwd. 0; -ENOENT: it is not there; or -errno. */
int privileges__find_user(const char *name, struct privileges_user *user);

/* Whether user could do what attempt does, which is called with its effective ids: attempt's result
 * (0 or -errno), or -errno where the ids cannot be taken. */
int privileges__try_as(
	const struct privileges_user *user, int (*attempt)(void *context), void *context);

/* Puts capabilities out of force without giving them up: what needs one fails from here on, and
 * privileges__drop() can still keep some. 0 or -errno. */
int privileges__suspend(void);

/* Becomes user (NULL: stays who it is) and keeps at most the capabilities in keep, in no set
 * others; no exec gains any (no_new_privs), no core is dumped, and no process without
 * CAP_SYS_PTRACE reads its memory. 0 or -errno; after an error the process has to end, for what
 * was given up is not known. */
int privileges__drop(const struct privileges_user *user, uint64_t keep);

#endif
