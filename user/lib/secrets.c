/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "lib/secrets.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mask.h"
#include "lib/scope.h"

#define SMALL 1024

void secrets__mask(char *bytes, size_t size, bool cut)
{
	uint8_t small[SMALL], *ahead = small;
	_free_ uint8_t *large = NULL;
	struct mask_look look;
	struct mask mask = {};

	if (size > SMALL)
		ahead = large = malloc(size);
	if (!ahead) {
		/* what cannot be looked at might be secret */
		memset(bytes, '*', size);
		return;
	}
	mask__look_from_end(&look, cut);
	for (size_t at = size; at-- > 0;)
		ahead[at] = mask__look(&look, (uint8_t)bytes[at]);
	for (size_t at = 0; at < size; at++)
		if (mask__step(&mask, (uint8_t)bytes[at], ahead[at]))
			bytes[at] = '*';
}
