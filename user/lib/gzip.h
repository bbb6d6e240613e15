/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef IMDSTRACE_GZIP_H
#define IMDSTRACE_GZIP_H

#include <stddef.h>

/* What gzip made of a file is made that file again, in memory that the caller frees. 0, -ENOMEM, or
 * -EINVAL for bytes that are not of one. */
int gzip__expand(const char *bytes, size_t size, void **file, size_t *file_size);

#endif
