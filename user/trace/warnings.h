/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One warning in the journal for each caller that calls v1 for the first time. */
#ifndef IMDSTRACE_WARNINGS_H
#define IMDSTRACE_WARNINGS_H

#include <stdbool.h>

#include "report/report.h"

/* Finds the callers that have called v1 since the last look, and warns of each where loud and where
 * stderr is the journal. Whether there were any. */
bool warnings__look(struct report *report, bool loud);

#endif
