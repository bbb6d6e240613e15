/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A network namespace with nothing in it but lo, which holds the endpoint's addresses, so that a
 * packet to the endpoint reaches this machine's own metadata service alone.
 */
#ifndef IMDSTRACE_NETNS_H
#define IMDSTRACE_NETNS_H

#include <stdbool.h>

#include "abi.h"

/* Which of the endpoint's addresses lo holds. A kernel without IPv6 has no second one. */
struct endpoint_addresses {
	bool ipv4, ipv6;
};

/* Moves the calling thread, and what it starts from now on, into a new network namespace, brings
 * lo up, gives it the endpoint's addresses and waits for the routes to them. Fills held. Needs
 * CAP_SYS_ADMIN. 0, or -errno after a sentence on stderr; then the thread may be in the new
 * namespace already. */
int netns__enter_private(struct endpoint_addresses *held);

/* Proves that nothing sent to the endpoint from here can leave this machine: the namespace is not
 * the one of pid 1 and not the one that netns__enter_private() left (in this process or in one that
 * exec'ed it), lo is its only interface, is up, and holds the endpoint's address of that family,
 * and the route to that ends here. To be called before the first packet. 0, or -EPERM (else
 * -errno) after a sentence on stderr. */
int netns__check_private(enum endpoint_family family);

#endif
