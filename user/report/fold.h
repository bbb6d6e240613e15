/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What differs in a path from run to run of one job. */
#ifndef IMDSTRACE_FOLD_H
#define IMDSTRACE_FOLD_H

#include <stddef.h>

/* A copy of text, of paths apart by blanks, with "*" for each uuid, temporary name and run number
 * that nobody chose: "bash /tmp/tmp.*". The caller frees. NULL: no memory, or no text. */
char *fold__text(const char *text);

#endif
