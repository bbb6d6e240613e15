/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * An instance metadata service for the demo, in a private network namespace: it answers as the real
 * service does while tokens are optional. It is a process of its own, with a thread for each
 * connection.
 */
#ifndef IMDSTRACE_IMDS_H
#define IMDSTRACE_IMDS_H

#include <stdbool.h>

#include "demo/imds_process.h"
#include "demo/netns.h"

struct imds_options {
	struct endpoint_addresses addresses; /* to listen on */
	bool drops_puts; /* a hop limit that is too low: a PUT gets no answer, a GET does */
};

/* Starts the service in the caller's network namespace, which netns__check_private() must approve.
 * Listens when this returns. 0 and its pid, for imds__stop(), or -errno after a sentence on stderr.
 */
int imds__start(const struct imds_options *options, pid_t *pid);

#endif
