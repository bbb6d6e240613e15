/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The sockets that a private metadata service listens on. */
#ifndef IMDSTRACE_IMDS_LISTEN_H
#define IMDSTRACE_IMDS_LISTEN_H

#include "demo/netns.h"

/* Fills listeners with up to two sockets, in a network namespace that netns__check_private()
 * approves. protocol: IPPROTO_MPTCP where the kernel has it, or 0. How many, or -errno after a
 * sentence on stderr; then there are none. */
int listeners__open(int listeners[2], const struct endpoint_addresses *addresses, int protocol);

#endif
