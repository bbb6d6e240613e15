/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One host of a fleet: its verdict, and what it takes to switch it. */
#ifndef IMDSTRACE_HOST_SUMMARY_H
#define IMDSTRACE_HOST_SUMMARY_H

#include "lib/hash.h"
#include "verdict/verdict.h"

struct host_summary {
	char *hostname, *machine_id, *kernel, *instance_id, *region; /* NULL: not known */
	char *account_id;                                            /* likewise */
	struct host_facts facts; /* callers are those of the whole report */
	/* From here on since host_summaries__rule(): */
	enum verdict verdict;
	char **reasons;  /* NULL-terminated */
	int64_t watched; /* ns */
	char **callers;  /* those that block it, the worst first; NULL-terminated */
};

struct host_summaries {
	struct host_summary *list; /* once ruled: ready ones first, then by Region and instance id
				    */
	size_t count;
	size_t unlisted;    /* hosts of merged reports that do not say what each called */
	struct table by_id; /* positions in list, from 1 */
};

/* Adds what the hosts of a report called. whole is the report that it was merged into before, or
 * report itself. 0 or -ENOMEM. */
int host_summaries__add(
	struct host_summaries *hosts, const struct report *report, const struct report *whole);
/* Once all are added: each host's verdict from whole's windows, each of whole's callers the number
 * of hosts that it blocks, and the hosts in order. 0 or -ENOMEM. */
int host_summaries__rule(struct host_summaries *hosts, const struct report *whole,
	const struct verdict_options *options);
/* Its instance id, else its machine id. */
const char *host_summary__id(const struct host_summary *host);
/* The host of that host_summary__id(); NULL: there is none. */
const struct host_summary *host_summaries__find(const struct host_summaries *hosts, const char *id);
void host_summaries__clear(struct host_summaries *hosts);
size_t host_summaries__count(const struct host_summaries *hosts, enum verdict verdict);

/* Whether text is an instance's id, or a Region's name, for certain: what people paste into a shell
 * may come from anywhere. */
bool instance_id__is_valid(const char *text);
bool region__is_valid(const char *text);

#endif
