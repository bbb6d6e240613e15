/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One host of a fleet: its verdict, and what it takes to switch it. */
#ifndef IMDSTRACE_HOST_SUMMARY_H
#define IMDSTRACE_HOST_SUMMARY_H

#include "verdict/verdict.h"

struct host_summary {
	char *hostname, *machine_id, *kernel, *instance_id, *region; /* NULL: not known */
	enum verdict verdict;
	char **reasons;  /* NULL-terminated */
	int64_t watched; /* ns */
	uint64_t calls[CLASS_COUNT];
	char **callers;       /* those that block it, the worst first; NULL-terminated */
	bool needs_hop_limit; /* of 2: for a container's token requests to be answered */
};

struct host_summaries {
	struct host_summary *list; /* ready ones first, then by Region and instance id */
	size_t count;
	size_t unlisted; /* hosts of merged reports, which no longer say what each called */
};

/* Adds the host of a report that has no other, and notes in whole, which holds its calls as well,
 * whom it is blocked by. 0 or -ENOMEM. */
int host_summaries__add(struct host_summaries *hosts, const struct report *report,
	const struct verdict_options *options, struct report *whole);
void host_summaries__sort(struct host_summaries *hosts);
void host_summaries__clear(struct host_summaries *hosts);
size_t host_summaries__count(const struct host_summaries *hosts, enum verdict verdict);

/* Whether text is an instance's id, or a Region's name, for certain: what people paste into a shell
 * may come from anywhere. */
bool instance_id__is_valid(const char *text);
bool region__is_valid(const char *text);

#endif
