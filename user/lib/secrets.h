/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Masks secrets in text, by the grammar that the kernel side shares (mask.h). */
#ifndef IMDSTRACE_SECRETS_H
#define IMDSTRACE_SECRETS_H

#include <stdbool.h>
#include <stddef.h>

/* Overwrites each byte of a secret by "*", in place. A NUL ends an argument. cut: the text goes on
 * behind its last byte. */
void secrets__mask(char *bytes, size_t size, bool cut);

#endif
