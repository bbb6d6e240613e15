/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "report/probes.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/number.h"

static bool path__is_probe(const struct report_path *path)
{
	size_t slashes = path->path ? strspn(path->path, "/") : 0;

	return path->cls == CLASS_FOREIGN && slashes &&
	       (!path->path[slashes] || path->path[slashes] == '?');
}

uint64_t caller__probes(const struct caller *caller)
{
	uint64_t probes = 0;

	for (size_t i = 0; i < caller->path_count; i++)
		if (path__is_probe(&caller->paths[i]))
			count__add(&probes, caller->paths[i].count);
	return probes;
}

/* Foreign calls of which the path is not known: lost on the way, or past the bound of paths. */
static uint64_t caller__hidden(const struct caller *caller)
{
	uint64_t hidden = caller__unrecorded(caller, CLASS_FOREIGN);

	for (size_t i = 0; i < caller->path_count; i++)
		if (caller->paths[i].cls == CLASS_FOREIGN &&
			(!caller->paths[i].path || !strcmp(caller->paths[i].path, REPORT_REST)))
			count__add(&hidden, caller->paths[i].count);
	return hidden;
}

uint64_t report__probes_answered(const struct report *report, bool *exact)
{
	uint64_t sum = 0;

	*exact = true;
	for (size_t i = 0; i < report->caller_count; i++) {
		const struct caller *caller = report->callers[i];
		uint64_t probes = caller__probes(caller);
		uint64_t answered = caller->answers[CLASS_FOREIGN][OUTCOME_OK];

		count__add(&sum, probes < answered ? probes : answered);
		if (probes < answered && caller__hidden(caller))
			*exact = false;
	}
	return sum;
}

static uint64_t caller__foreign_served(const struct caller *caller)
{
	uint64_t probes = caller__probes(caller);
	uint64_t answered = caller->answers[CLASS_FOREIGN][OUTCOME_OK];

	return answered > probes ? answered - probes : 0;
}

uint64_t report__foreign_served(const struct report *report)
{
	uint64_t by_callers = 0, by_hosts = report->foreign_served;

	for (size_t i = 0; i < report->caller_count; i++)
		count__add(&by_callers, caller__foreign_served(report->callers[i]));
	/* added up over hosts, one's probes hide what was served on another */
	for (size_t i = 0; i < report->host_count; i++)
		if (report->hosts[i].facts)
			count__add(&by_hosts, report->hosts[i].facts->foreign_served);
	return by_hosts > by_callers ? by_hosts : by_callers;
}

int report__say_probes(const struct report *report, char **sentence)
{
	bool exact;
	uint64_t probes = report__probes_answered(report, &exact);
	bool one = probes == 1;

	*sentence = NULL;
	if (!probes && exact)
		return 0;
	if (!probes) {
		*sentence = strdup(
			"Some foreign calls may have been for /, which is answered, and CloudWatch's MetadataNoToken counts these as well.");
		return *sentence ? 0 : -ENOMEM;
	}
	if (asprintf(sentence,
		    "%s%s foreign call%s for / %s answered, so CloudWatch's MetadataNoToken counts %s as well.",
		    exact ? "" : "At least ", NUMBER(probes), one ? "" : "s", one ? "was" : "were",
		    one ? "it" : "them") < 0) {
		*sentence = NULL;
		return -ENOMEM;
	}
	return 0;
}
