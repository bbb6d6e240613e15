/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is known about software, as text, JSON and the manual's section. */
#ifndef IMDSTRACE_RENDER_SOFTWARE_H
#define IMDSTRACE_RENDER_SOFTWARE_H

#include <stdio.h>

#include "report/software.h"

/* Whether part stands in what a product is called or told by, in any letter case. NULL: yes. */
bool software__matches(const struct software *software, const char *part);

void render_software__text(FILE *out, const char *part);
/* 0 or -ENOMEM. */
int render_software__json(FILE *out, const char *part);
/* The list in dist/imdstrace.8. */
void render_software__manual(FILE *out);

#endif
