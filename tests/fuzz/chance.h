/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Numbers that look like chance and follow from their seed (xorshift64*). */
#ifndef FUZZ_CHANCE_H
#define FUZZ_CHANCE_H

#include <stddef.h>
#include <stdint.h>

/* The next number below limit. */
static inline size_t chance__below(uint64_t *chance, size_t limit)
{
	*chance |= !*chance; /* zero would stay so */
	*chance ^= *chance >> 12;
	*chance ^= *chance << 25;
	*chance ^= *chance >> 27;
	return (*chance * 0x2545f4914f6cdd1dULL >> 16) % limit;
}

#endif
