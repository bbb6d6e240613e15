/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Whom a command is for: a unit, container, pod, cgroup, process, command, or everybody; found by
 * name, as cgroups with all that is below them or as processes with their children.
 */
#ifndef IMDSTRACE_PROCESS_SCOPE_H
#define IMDSTRACE_PROCESS_SCOPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct command;

enum scope_kind {
	SCOPE_UNIT,
	SCOPE_CONTAINER,
	SCOPE_POD,
	SCOPE_CGROUP,
	SCOPE_PID,
	SCOPE_ALL,
	SCOPE_COMMAND,
};

struct process_scope {
	enum scope_kind kind;
	char *name;     /* "unit etl.service", "pod shop/web-0", "all": what a report calls it */
	char **cgroups; /* absolute paths as the kernel has them, NULL-terminated; NULL: none */
	size_t cgroup_count;
	uint32_t *pids; /* of the processes that are there by now, sorted; NULL: none */
	size_t pid_count;
	bool not_running; /* a unit that systemd knows, and nobody lives in yet */
};

/*
 * Finds what. root as in workload.h. 0, or -errno, and then *why is a sentence with what there is,
 * for the caller to free (NULL: no memory): -ENOENT: nothing is called so; -EEXIST: several are;
 * -EINVAL: it is no name of that kind; -ENOMEM. scope is untouched on failure.
 */
int process_scope__resolve(struct process_scope *scope, enum scope_kind kind, const char *what,
	const char *root, char **why);
/* Everybody. 0 or -ENOMEM. */
int process_scope__all(struct process_scope *scope);
/* A command that was started (command.h), called label. 0 or -ENOMEM. */
int process_scope__of_command(
	struct process_scope *scope, const struct command *command, const char *label);
void process_scope__clear(struct process_scope *scope);

/* Whether a cgroup of that path (as captured; NULL: none) is in it. */
bool process_scope__has_cgroup(const struct process_scope *scope, const char *cgroup);

/* Who is in it now, sorted, for the caller to free. 0 or -ENOMEM. */
int process_scope__pids(
	const struct process_scope *scope, const char *root, uint32_t **pids, size_t *count);

#endif
