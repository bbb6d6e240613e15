/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where a process lives: the systemd unit, container and pod that its cgroup path names.
 * No daemon is asked; names come from files that the runtimes leave on disk.
 */
#ifndef IMDSTRACE_WORKLOAD_H
#define IMDSTRACE_WORKLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct container {
	char *runtime; /* docker, containerd, cri-o, podman, ecs, lxc, nspawn; NULL: not in a
			  container */
	char *id;
	char *name;  /* NULL: not known */
	char *image; /* what it was started from, as its owner wrote it; NULL: not known */
};

struct pod {
	char *uid;              /* NULL: not in a pod */
	char *name, *namespace; /* NULL: not known */
};

struct workload {
	char *unit;  /* "etl.service"; NULL: none, or the cgroup is the container's own */
	char *slice; /* "system.slice"; NULL: none */
	struct container container;
	struct pod pod;
};

/* Fills workload from an absolute cgroup path ("/system.slice/cron.service"; NULL allowed), of
 * either cgroup version. root: the directory in front of every file that is read ("" in
 * production, a fixture in tests). 0 or -ENOMEM, then workload is empty. */
int workload__find(struct workload *workload, const char *cgroup, const char *root);

void workload__clear(struct workload *workload);

/* Whether they are one service: the same unit, container and pod but for what is drawn or numbered
 * anew at each start and on each host (a container's id where it has a name or an image, the end of
 * a pod's name, a session's number). The hash is the same for those that are. */
bool workload__same(const struct workload *a, const struct workload *b);
uint64_t workload__hash(uint64_t seed, const struct workload *workload);

/* Whether it is a container of which nobody chose the name: one is like the other. */
bool workload__is_passing(const struct workload *workload);

/* The image of a container of which nobody chose the name, without tag and digest: size bytes of
 * what is returned. NULL: it has a name, or the image is not known, or only by an id. */
const char *workload__image(const struct workload *workload, size_t *size);

/* "web-*" for what the pod's replicas are called, or its name where that is all. The caller frees.
 * NULL: no memory, or no name. */
char *pod__replicas(const struct pod *pod);

#endif
