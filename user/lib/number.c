/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "lib/number.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static _Thread_local bool separated;

bool number__separate(bool separate)
{
	bool before = separated;

	separated = separate;
	return before;
}

const char *number__format(char out[NUMBER_SIZE], uint64_t count)
{
	char digits[NUMBER_SIZE];
	size_t length = (size_t)snprintf(digits, sizeof(digits), "%" PRIu64, count), used = 0;

	for (size_t i = 0; i < length; i++) {
		if (separated && i && (length - i) % 3 == 0)
			out[used++] = ',';
		out[used++] = digits[i];
	}
	out[used] = '\0';
	return out;
}
