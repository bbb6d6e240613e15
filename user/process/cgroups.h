/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The cgroups of this machine, by their paths in any hierarchy: version 2, systemd's own of
 * version 1, and the controllers that every container runtime uses.
 */
#ifndef IMDSTRACE_CGROUPS_H
#define IMDSTRACE_CGROUPS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CGROUP_HIERARCHIES_MAX 8

/* In the order in which the kernel side asks where a process lives (identity.h). */
struct cgroup_hierarchy {
	char directory[PATH_MAX]; /* where it is mounted */
	const char *controller;   /* as /proc/PID/cgroup has it; "" for version 2 */
};

/* Those that are mounted; how many. root as in workload.h. */
size_t cgroups__hierarchies(
	struct cgroup_hierarchy hierarchies[CGROUP_HIERARCHIES_MAX], const char *root);

enum cgroup_step { CGROUP_DESCEND, CGROUP_PRUNE, CGROUP_STOP };

/* Calls each(context, path) for every cgroup but the roots, parents first, and does what it
 * returns. A path that is in several hierarchies comes several times. */
typedef enum cgroup_step (*cgroup_visitor)(void *context, const char *path);
void cgroups__visit(const char *root, cgroup_visitor each, void *context);

/* Whether there is such a cgroup in any hierarchy. */
bool cgroups__have(const char *path, const char *root);

/* The processes of a cgroup and those below it, in every hierarchy, where each lives as the kernel
 * side sees it: appends their pids. 0 or -ENOMEM. */
struct pid_list {
	uint32_t *pids;
	size_t count, room;
};
int cgroups__pids(const char *path, const char *root, struct pid_list *list);

/* Appends. 0 or -ENOMEM. */
int pid_list__add(struct pid_list *list, uint32_t pid);
/* Sorts, and drops what is there twice. */
void pid_list__settle(struct pid_list *list);

/* Where that process lives (0: this one): the path, and in *hierarchy which of hierarchies it is
 * of; of the first one where it is in the root of each. -ESRCH: there is no such process, or it is
 * in none. -EXDEV: paths are seen from inside a cgroup namespace. path has room for PATH_MAX bytes.
 */
int cgroups__of(uint32_t pid, const struct cgroup_hierarchy *hierarchies, size_t count,
	const char *root, char *path, size_t *hierarchy);

#endif
