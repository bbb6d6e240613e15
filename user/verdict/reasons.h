/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The reasons of a verdict. */
#ifndef IMDSTRACE_REASONS_H
#define IMDSTRACE_REASONS_H

#include "lib/sentences.h"
#include "verdict/verdict.h"

/* Adds the reasons to reasons, whose error is set where there is no memory, and sets *verdict.
 * watches: how long each of count hosts was watched (verdict__watches()). */
void reasons__find(struct sentences *reasons, enum verdict *verdict, const struct report *report,
	const struct verdict_options *options, const struct watch *watches, size_t count);

#endif
