/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The callers of which the v1 calls are over, because they were fixed while they were watched. */
#ifndef IMDSTRACE_OVER_H
#define IMDSTRACE_OVER_H

#include "report/report.h"

struct over {
	const struct caller *worst; /* by v1 calls; NULL: nobody's are */
	size_t count;
	bool all;      /* and nobody calls v1 any more */
	int64_t since; /* ns since 1970: from then on none of them called v1 */
};

struct over report__find_over(const struct report *report);
/* "it keeps the calls that shop and 1 other made before they were fixed", with worst. The caller
 * frees. NULL: no memory. */
char *over__explain(const struct over *over);

#endif
