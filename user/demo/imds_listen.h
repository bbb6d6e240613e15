/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The sockets that the demo's metadata service listens on. */
#ifndef IMDSTRACE_IMDS_LISTEN_H
#define IMDSTRACE_IMDS_LISTEN_H

#include "demo/imds.h"

/* Fills listeners with up to two sockets, in a network namespace that netns__check_private()
 * approves. How many, or -errno after a sentence on stderr; then there are none. */
int listeners__open(int listeners[2], const struct imds_options *options);
/* Allows data in the SYN, from the first connection on, without a cookie: the namespace is the
 * caller's own. Says on stderr where the kernel refuses. */
void fast_open__allow(void);

#endif
