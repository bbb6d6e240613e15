/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "verdict/over.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/number.h"
#include "lib/scope.h"
#include "lib/text.h"

#define NAME_COLUMNS 100

struct over report__find_over(const struct report *report)
{
	struct over over = {.all = true};

	for (size_t i = 0; i < report->caller_count; i++) {
		const struct caller *caller = report->callers[i];

		over.all &= caller->fixed_since || !caller->calls[CLASS_V1];
		if (!caller->fixed_since)
			continue;
		over.count++;
		if (caller->fixed_since > over.since)
			over.since = caller->fixed_since;
		if (!over.worst || caller->calls[CLASS_V1] > over.worst->calls[CLASS_V1])
			over.worst = caller;
	}
	over.all &= over.count > 0;
	return over;
}

char *over__explain(const struct over *over)
{
	_free_ char *name = strdup(over->worst->name);
	char others[48] = "", *text;

	if (!name)
		return NULL;
	text__ellipsize(name, NAME_COLUMNS);
	if (over->count > 1)
		snprintf(others, sizeof(others), " and %s other%s", NUMBER(over->count - 1),
			over->count == 2 ? "" : "s");
	if (asprintf(&text, "it keeps the calls that %s%s made before %s fixed", name, others,
		    over->count == 1 ? "it was" : "they were") < 0)
		return NULL;
	return text;
}
