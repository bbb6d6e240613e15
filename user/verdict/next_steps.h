/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What to do after a verdict, in order, down to the commands. */
#ifndef IMDSTRACE_NEXT_STEPS_H
#define IMDSTRACE_NEXT_STEPS_H

#include "lib/sentences.h"
#include "verdict/verdict.h"

/* Steps and, in parallel, where in each its command begins (0: it has none). */
struct steps {
	struct sentences sentences;
	size_t *command_at;
};

/* Adds the steps of a verdict. What failed is in steps->sentences.error. */
void next_steps__write(struct steps *steps, const struct report *report, enum verdict verdict,
	const struct verdict_options *options);
/* Adds the step that sums up the callers to fix that have none of their own: a renderer that shows
 * them all need not say it. Nothing where each has its own. */
void next_steps__sum_up(struct sentences *sentences, size_t callers);
void next_steps__clear(struct steps *steps);

#endif
