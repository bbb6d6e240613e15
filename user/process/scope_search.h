/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The cgroups of a unit, container or pod, found by name among all that there are. */
#ifndef IMDSTRACE_SCOPE_SEARCH_H
#define IMDSTRACE_SCOPE_SEARCH_H

#include "process/process_scope.h"

/* A cgroup that fits. Those with the same key are one workload. */
struct scope_match {
	char *key, *path;
	char *label; /* what to call it among others */
	bool exact;  /* not by the beginning of an id alone */
};

struct scope_search {
	enum scope_kind kind; /* SCOPE_UNIT, SCOPE_CONTAINER or SCOPE_POD */
	const char *what, *root;
	struct scope_match *matches;
	size_t match_count;
	char **others; /* what else there is of that kind, each once */
	size_t other_count;
	int error;
};

/* 0 or -ENOMEM. */
int scope_search__run(struct scope_search *search);
/* How many workloads fit. */
size_t scope_search__keys(const struct scope_search *search);
/* Those that fit, or where none does what there is, the most alike first: "a, b and 12 more"; ""
 * for nothing. The caller frees. NULL: no memory. */
char *scope_search__list(const struct scope_search *search);
void scope_search__clear(struct scope_search *search);

#endif
