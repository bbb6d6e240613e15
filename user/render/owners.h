/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Whose hosts a caller is on: accounts and Regions have owners. */
#ifndef IMDSTRACE_OWNERS_H
#define IMDSTRACE_OWNERS_H

#include "verdict/host_summary.h"

/* "accounts 111122223333 (eu-west-1, us-east-1), 444455556666 (us-west-2) and 3 more", those with
 * most of the hosts first, or the Regions alone; of the hosts that it blocks, where these are known
 * (hosts NULL: they are not). Empty where nothing is known, or where all hosts of the report are in
 * one place. The caller frees. NULL: no memory. */
char *caller__owners(const struct report *report, const struct host_summaries *hosts,
	const struct caller *caller);
/* "account 111122223333 (eu-west-1)" where all hosts of the report are there, else empty. Likewise.
 */
char *report__owner(const struct report *report);

#endif
