/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "trace/warnings.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/array.h"
#include "lib/journal.h"
#include "lib/scope.h"
#include "lib/text.h"
#include "verdict/advice.h"

/* The path that it called without a token the most. NULL: no detail of it came through. */
static const struct report_path *caller__worst_path(const struct caller *caller)
{
	const struct report_path *worst = NULL;

	for (size_t i = 0; i < caller->path_count; i++)
		if (caller->paths[i].cls == CLASS_V1 &&
			(!worst || caller->paths[i].count > worst->count))
			worst = &caller->paths[i];
	return worst;
}

static const char *caller__workload(const struct caller *caller)
{
	const struct workload *in = &caller->workload;

	if (in->pod.name)
		return in->pod.name;
	return in->container.name ? in->container.name : in->unit;
}

static void warn_of(const struct caller *caller)
{
	const struct report_path *path = caller__worst_path(caller);
	_free_ char *advice_text = NULL, *message = NULL, *printable = NULL;
	const char *workload = caller__workload(caller);
	enum advice advice;

	if (advice__for(caller, &advice, &advice_text))
		return;
	if (asprintf(&message, "%s%s%s called %s without a token (IMDSv1): %s", caller->name,
		    workload ? " in " : "", workload ? workload : "",
		    path && path->path ? path->path : "the metadata service", advice_text) < 0) {
		message = NULL;
		return;
	}
	printable = text__printable(message);
	if (printable) {
		const struct journal_field fields[] = {
			{"MESSAGE", printable},
			{"PRIORITY", "4"},
			{"SYSLOG_IDENTIFIER", "imdstrace"},
			{"IMDS_CLASS", class__name(CLASS_V1)},
			{"IMDS_CALLER", caller->name},
			{"IMDS_PATH", path ? path->path : NULL},
			{"IMDS_WORKLOAD", workload},
			{"IMDS_ADVICE", advice__name(advice)},
		};

		if (journal__send(fields, ARRAY_SIZE(fields)))
			fprintf(stderr, JOURNAL_WARNING "imdstrace: %s\n", printable);
	}
}

bool warnings__look(struct report *report, bool loud)
{
	bool heard = loud && journal__has_stderr(), any = false;

	for (size_t i = 0; i < report->caller_count; i++) {
		struct caller *caller = report->callers[i];

		if (caller->warned || !caller->calls[CLASS_V1])
			continue;
		caller->warned = any = true;
		if (heard)
			warn_of(caller);
	}
	return any;
}
