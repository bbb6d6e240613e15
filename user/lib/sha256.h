/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* SHA-256 (FIPS 180-4), by which a page's policy names the one script and style that it allows. */
#ifndef IMDSTRACE_SHA256_H
#define IMDSTRACE_SHA256_H

#include <stddef.h>

#define SHA256_SIZE        32
#define SHA256_BASE64_SIZE 45 /* with its NUL */

void sha256__digest(unsigned char digest[SHA256_SIZE], const void *bytes, size_t size);
/* The digest as base64 (RFC 4648, with padding). */
void sha256__base64(char out[SHA256_BASE64_SIZE], const void *bytes, size_t size);

#endif
