/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Arguments: the bytes of a process's argument area as a list that can be shown. */
#ifndef IMDSTRACE_ARGS_H
#define IMDSTRACE_ARGS_H

#include <stdbool.h>
#include <stddef.h>

/* The arguments in bytes, NUL after each, as a NULL-terminated list of valid UTF-8, with secrets
 * masked. cut: the process has more, so the last one may lack its end. NULL: no memory. */
char **args__split(const char *bytes, size_t size, bool cut);
void args__free(char **args);

#endif
