/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A cell of CSV (RFC 4180) that no spreadsheet takes for a formula. */
#ifndef IMDSTRACE_CELL_H
#define IMDSTRACE_CELL_H

#include <stdio.h>

/* text, quoted where it has to be; NULL is empty. 0 or -ENOMEM. */
int cell__put_text(FILE *out, const char *text);

#endif
