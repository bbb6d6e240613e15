/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Changes a stream as one who knows HTTP would: by lines, headers, folds, sizes and whole messages.
 */
#ifndef FUZZ_MUTATION_H
#define FUZZ_MUTATION_H

#include <stddef.h>
#include <stdint.h>

/* What is put into a stream at the beginning of a line. */
struct fragments {
	const char *const *texts;
	size_t count;
};

/* Changes size of room bytes, in place. Returns their new number. */
size_t mutation__apply(uint8_t *bytes, size_t size, size_t room, unsigned int seed,
	const struct fragments *fragments);

#endif
