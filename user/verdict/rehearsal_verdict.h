/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a rehearsal showed: whether who was in it survives the switch. */
#ifndef IMDSTRACE_REHEARSAL_VERDICT_H
#define IMDSTRACE_REHEARSAL_VERDICT_H

#include "report/report.h"

enum rehearsal_verdict { REHEARSAL_SURVIVES, REHEARSAL_BREAKS, REHEARSAL_INCONCLUSIVE };

struct rehearsal_ruling {
	enum rehearsal_verdict verdict;
	char **reasons; /* at least one, ended by NULL */
};

/* Of a report that has a rehearsal. 0 or -ENOMEM. */
int rehearsal__rule(struct rehearsal_ruling *ruling, const struct report *report);
void rehearsal_ruling__clear(struct rehearsal_ruling *ruling);
const char *rehearsal_verdict__name(enum rehearsal_verdict verdict);

/* The verdict alone. */
enum rehearsal_verdict report__rehearsal_verdict(const struct report *report);

/* What it is for one caller. */
enum rehearsal_verdict caller__rehearsal_verdict(const struct caller *caller);

/* Whether calls of it were refused and it went on with a token, so that the switch does not break
 * it. Never of a proxy, where one client's token proves nothing of another, nor of one that has an
 * old SDK on one of several hosts. */
bool caller__survives(const struct caller *caller);

/* "3 calls refused, then it asked for a token and went on: survives the switch". The
 * caller frees. NULL: no memory. */
char *caller__rehearsal_sentence(const struct caller *caller);

#endif
