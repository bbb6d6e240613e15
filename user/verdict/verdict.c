/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The verdict. */
#include "verdict/verdict.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/scope.h"
#include "lib/sentences.h"
#include "verdict/next_steps.h"
#include "verdict/reasons.h"
#include "verdict/rehearsal_verdict.h"

static const char *const verdict_names[] = {
	[VERDICT_READY] = "ready",
	[VERDICT_BLOCKED] = "blocked",
	[VERDICT_INCONCLUSIVE] = "inconclusive",
};

const char *verdict__name(enum verdict verdict)
{
	return verdict_names[verdict];
}

bool caller__blocks(const struct caller *caller, bool strict)
{
	return caller->calls[CLASS_V1] || (strict && caller->calls[CLASS_FOREIGN]);
}

size_t report__count_blockers(const struct report *report, bool strict)
{
	size_t count = 0;

	for (size_t i = 0; i < report->caller_count; i++)
		count += caller__blocks(report->callers[i], strict);
	return count;
}

bool caller__is_to_change(const struct caller *caller, bool strict)
{
	if (caller->fixed_since || caller__survives(caller))
		return strict && caller->calls[CLASS_FOREIGN];
	return caller__blocks(caller, strict);
}

size_t report__count_to_change(const struct report *report, bool strict)
{
	size_t count = 0;

	for (size_t i = 0; i < report->caller_count; i++)
		count += caller__is_to_change(report->callers[i], strict);
	return count;
}

int verdict__explain(enum verdict *verdict, char ***reasons, const struct report *report,
	const struct verdict_options *options)
{
	struct sentences found = {0};
	_free_ struct watch *watches = NULL;
	size_t count;
	int error = verdict__watches(report, &watches, &count);

	if (error)
		return error;
	reasons__find(&found, verdict, report, options, watches, count);
	if (found.error) {
		sentences__free(found.list);
		return -ENOMEM;
	}
	*reasons = found.list;
	return 0;
}

int verdict__rule(
	struct ruling *ruling, const struct report *report, const struct verdict_options *options)
{
	struct steps steps = {0};
	enum verdict verdict;
	char **reasons;
	int error = verdict__explain(&verdict, &reasons, report, options);

	if (error)
		return error;
	next_steps__write(&steps, report, verdict, options);
	if (steps.sentences.error) {
		sentences__free(reasons);
		next_steps__clear(&steps);
		return -ENOMEM;
	}
	*ruling = (struct ruling){
		.verdict = verdict,
		.reasons = reasons,
		.next_steps = steps.sentences.list,
		.command_at = steps.command_at,
	};
	return 0;
}

void verdict__clear(struct ruling *ruling)
{
	sentences__free(ruling->reasons);
	sentences__free(ruling->next_steps);
	free(ruling->command_at);
	*ruling = (struct ruling){0};
}
