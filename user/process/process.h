/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The identity of a process: what the kernel side captured, as text that can be shown, with what
 * only user space can add (an ancestor's script). Its owner frees it with process__free().
 */
#ifndef IMDSTRACE_PROCESS_H
#define IMDSTRACE_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi.h"
#include "process/workload.h"

struct ancestor_process {
	uint32_t pid;
	char *comm;
	char *exe;    /* NULL: unknown or a kernel thread */
	char *script; /* NULL: no interpreter, -c, or not known any more */
};

struct process {
	struct process_key key;
	uint32_t uid;
	enum network network;
	char *comm;
	char *exe;   /* NULL: unknown */
	char **args; /* NULL-terminated; empty when nothing could be read */
	bool args_cut;
	char *script;                                    /* as in struct ancestor_process */
	struct ancestor_process ancestry[ANCESTORS_MAX]; /* nearest first */
	unsigned int ancestor_count;
	char *cgroup; /* its path, of the hierarchy that workload comes from; NULL: not known */
	struct workload workload;
};

/* From what the kernel side captured. All texts are valid UTF-8. Looks up the ancestors' scripts in
 * /proc (their start time must match) and the workload's names on disk. NULL: no memory. */
struct process *process__from_identity(const struct identity *identity);

/* For a process whose identity was not captured: what /proc still shows of key.pid if its start
 * time matches; otherwise all but key is NULL or empty, comm is "?". NULL: no memory. */
struct process *process__from_proc(const struct process_key *key);

/* "host" or "own"; NULL: not known. */
const char *network__name(enum network network);

/* What a person would call it: "python3 /opt/etl/load.py", "curl". The interpreter's base name and
 * the script, or exe's base name, or comm. The caller frees. */
char *process__name(const struct process *process);

/* The same for its parent, or NULL where it has none: "bash /etc/cron.daily/tag". The caller frees.
 */
char *process__parent_name(const struct process *process);

void process__free(struct process *process);

/* A captured path (abi.h: components from leaf to root, NUL after each) as "/usr/bin/curl"; valid
 * UTF-8. cut: prefix with "...". The caller frees; NULL for size 0 or no memory. */
char *process__path(const char *components, size_t size, bool cut);

#endif
