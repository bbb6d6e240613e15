/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a container and its pod are called: read from the files that runtimes leave on disk. Those
 * files may be somebody else's to write, so each is read whole up to a limit, and only if regular.
 */
#ifndef IMDSTRACE_WORKLOAD_NAMES_H
#define IMDSTRACE_WORKLOAD_NAMES_H

#include <stdbool.h>

#include "process/workload.h"

/* Fills in container.name, container.image, pod.name and pod.namespace where they are NULL and some
 * file has them; the image not where a pod's log names the container.
 * uid: whose user.slice the container is in, or -1. root as in workload.h. 0 or -ENOMEM. */
int workload__name(struct workload *workload, long uid, const char *root);

/* Whether dockerd has a container of that id. */
bool docker__has(const char *id, const char *root);

#endif
