/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Another cloud's probes of the root: foreign calls, but EC2's service has a root as well, answers
 * them while tokens are optional, and CloudWatch counts them with the tokenless calls. */
#ifndef IMDSTRACE_PROBES_H
#define IMDSTRACE_PROBES_H

#include <stdint.h>

#include "report/report.h"

uint64_t caller__probes(const struct caller *caller);

/* Those of all callers that were answered with success. A caller's outcomes are counted for each
 * class and not for each path, and elsewhere EC2 has nothing to answer a foreign call with. Not
 * exact: there may be more, because the paths of some calls are not known. */
uint64_t report__probes_answered(const struct report *report, bool *exact);

/* Foreign calls for other paths than the root that were answered with success, though EC2 is taken
 * to have nothing there: at least so many. */
uint64_t report__foreign_served(const struct report *report);

/* Probes of the root that were answered, as a sentence, to be freed; NULL where there are none. 0
 * or -ENOMEM. */
int report__say_probes(const struct report *report, char **sentence);

#endif
