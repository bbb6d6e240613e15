/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a container and its pod are called: read from the files that runtimes leave on disk. Those
 * files may be somebody else's to write, so each is read whole up to a limit, and only if regular.
 */
#ifndef IMDSTRACE_WORKLOAD_NAMES_H
#define IMDSTRACE_WORKLOAD_NAMES_H

#include <stdbool.h>

#include "process/workload.h"

/* Whose user.slice a cgroup is in. */
struct owner {
	long uid;       /* -1: nobody's */
	bool names_all; /* It is below that user's own service manager: the user can make cgroups
			   there of whatever name, and no container of the system's runtimes is. */
};

/* Fills in container.name, container.image, pod.name and pod.namespace where they are NULL and some
 * file has them; the image not where a pod's log names the container.
 * root as in workload.h. 0 or -ENOMEM. */
int workload__name(struct workload *workload, const struct owner *owner, const char *root);

/* Whether dockerd has a container of that id. */
bool docker__has(const char *id, const char *root);

#endif
