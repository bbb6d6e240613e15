/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Counts in sentences: "1,234,567" for people, "1234567" in what programs read. */
#ifndef IMDSTRACE_NUMBER_H
#define IMDSTRACE_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

#define NUMBER_SIZE 28 /* 20 digits, 6 separators, NUL */

/* Whether counts in sentences get separators from now on, in this thread (at first they do not);
 * returns what held before. Sentences are written far below the command that knows who reads them.
 */
bool number__separate(bool separate);

/* Writes count into out, and returns out. */
const char *number__format(char out[NUMBER_SIZE], uint64_t count);

/* For "%s", as long as the block around it lives. */
#define NUMBER(count) number__format((char[NUMBER_SIZE]){0}, count)

#endif
