/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "render/rehearsal_lines.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/array.h"
#include "lib/scope.h"
#include "render/render_caller.h"

static const char *const titles[] = {
	[REHEARSAL_SURVIVES] = "survives the switch",
	[REHEARSAL_BREAKS] = "breaks at the switch",
	[REHEARSAL_INCONCLUSIVE] = "inconclusive",
};

/* Whether its place names it: a service, a container or a pod, and not somebody's session. */
static bool caller__is_service(const struct caller *caller)
{
	const struct workload *in = &caller->workload;
	const char *suffix = in->unit ? strrchr(in->unit, '.') : NULL;

	return in->container.id || in->pod.uid || (suffix && !strcmp(suffix, ".service"));
}

static bool caller__is_alone(const struct report *report, const struct caller *caller)
{
	for (size_t i = 0; i < report->caller_count; i++) {
		const struct caller *other = report->callers[i];

		if (other != caller && caller__rehearsed(other) &&
			workload__same(&other->workload, &caller->workload))
			return false;
	}
	return true;
}

/* As a person would call it: the service where that is one caller, else its name with the place.
 * The caller frees. NULL: no memory. */
static char *caller__label(const struct report *report, const struct caller *caller)
{
	_free_ char *place = caller__place(caller);
	char *label;

	if (!place)
		return NULL;
	if (!*place || !caller__is_service(caller))
		return strdup(caller->name);
	if (caller__is_alone(report, caller))
		return strdup(place);
	return asprintf(&label, "%s in %s", caller->name, place) < 0 ? NULL : label;
}

static int lines__add(
	struct rehearsal_lines *lines, const struct report *report, const struct caller *caller)
{
	struct rehearsal_line line = {
		.who = caller__label(report, caller),
		.what = caller__rehearsal_sentence(caller),
		.verdict = caller__rehearsal_verdict(caller),
	};
	struct rehearsal_line *grown = reallocarray(lines->list, lines->count + 1, sizeof(*grown));

	if (grown)
		lines->list = grown;
	if (grown && line.who && line.what) {
		grown[lines->count++] = line;
		return 0;
	}
	free(line.who);
	free(line.what);
	return -ENOMEM;
}

static int lines__add_all(struct rehearsal_lines *lines, const struct report *report)
{
	static const enum rehearsal_verdict order[] = {
		REHEARSAL_BREAKS, REHEARSAL_INCONCLUSIVE, REHEARSAL_SURVIVES};
	int error = 0;

	for (size_t pass = 0; pass < ARRAY_SIZE(order); pass++)
		for (size_t i = 0; !error && i < report->caller_count; i++)
			if (caller__rehearsed(report->callers[i]) &&
				caller__rehearsal_verdict(report->callers[i]) == order[pass])
				error = lines__add(lines, report, report->callers[i]);
	return error;
}

int rehearsal_lines__of(struct rehearsal_lines *lines, const struct report *report)
{
	int error;

	*lines = (struct rehearsal_lines){0};
	if (!report->rehearsal.scope)
		return 0;
	error = rehearsal__rule(&lines->ruling, report);
	if (!error && asprintf(&lines->title, "Rehearsal of %s: %s", report->rehearsal.scope,
			      titles[lines->ruling.verdict]) < 0) {
		lines->title = NULL;
		error = -ENOMEM;
	}
	if (!error)
		error = lines__add_all(lines, report);
	if (error)
		rehearsal_lines__clear(lines);
	return error;
}

void rehearsal_lines__clear(struct rehearsal_lines *lines)
{
	for (size_t i = 0; i < lines->count; i++) {
		free(lines->list[i].who);
		free(lines->list[i].what);
	}
	free(lines->list);
	free(lines->title);
	rehearsal_ruling__clear(&lines->ruling);
	*lines = (struct rehearsal_lines){0};
}
