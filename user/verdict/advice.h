/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What to change about one caller. */
#ifndef IMDSTRACE_ADVICE_H
#define IMDSTRACE_ADVICE_H

#include "report/report.h"

/* The advice for a caller; *text is one sentence in plain English that names versions, the unit or
 * container, and what to change. The caller frees it. 0 or -ENOMEM. */
int advice__for(const struct caller *caller, enum advice *advice, char **text);
const char *advice__name(enum advice advice);

#endif
