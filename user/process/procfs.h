/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What /proc still shows of a process. A pid is reused, so a process is opened by pid and start
 * time; the directory stays that process's own: once it has exited, reads from it fail (-ESRCH)
 * instead of showing whoever has the pid by then.
 */
#ifndef IMDSTRACE_PROCFS_H
#define IMDSTRACE_PROCFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROCFS_CMDLINE_MAX 131072

struct procfs_stat {
	uint32_t parent;
	uint64_t start_ticks; /* since boot, on the boot clock */
	bool dead;            /* all of it has ended, and only its parent has not looked yet */
	char comm[64];        /* as bytes; kernel threads' may be longer than COMM_SIZE */
};

/* A descriptor of /proc/PID, for the caller to close; -ESRCH when that process is gone. start_ns is
 * on the boot clock and compared as exactly as /proc shows it: in ticks. */
int procfs__open(uint32_t pid, uint64_t start_ns);

/* The same without a start time, for who has the pid now. */
int procfs__open_any(uint32_t pid);

/* Whether /proc is mounted and its pids are the host's, not a container's. */
bool procfs__shows_all(void);

/* TCP connections that the host's first network namespace has opened since boot, whatever became of
 * them. 0 or -errno. */
int procfs__connections_opened(uint64_t *count);

/* Whether nothing of that process runs any more; false where that cannot be told. */
bool procfs__is_gone(uint32_t pid, uint64_t start_ns);

/* 0 or -errno. */
int procfs__stat(int process, struct procfs_stat *stat);

/* Reads the start of a file of it ("cmdline"), at most limit bytes, with a NUL behind. *content is
 * the caller's to free and untouched on failure; *cut when there is more. 0 or -errno. */
int procfs__read(
	int process, const char *name, size_t limit, char **content, size_t *size, bool *cut);

/* What a link of it ("exe", "cwd") names. cwd of a deleted directory is NULL; exe is without its
 * "(deleted)". Bytes, not text. The caller frees; NULL: not known. */
char *procfs__link(int process, const char *name);

/* A start time that /proc shows, in ns: rounded down to the tick. */
uint64_t procfs__start_ns(const struct procfs_stat *stat);

#endif
