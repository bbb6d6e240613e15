/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where a text is cut into sends. */
#include <string.h>

#include "wire.h"

#include "lib/array.h"

/* Behind the first mark, or the end of the text. */
static size_t cut__behind(const char *mark, const char *text, size_t size)
{
	const char *found = memmem(text, size, mark, strlen(mark));

	return found ? found - text + strlen(mark) : size;
}

static size_t cut__name(const char *text, size_t size)
{
	size_t line = cut__behind("\r\n", text, size), colon;

	if (line >= size)
		return size;
	colon = cut__behind(":", text + line, size - line);
	return line + (colon + 1) / 2;
}

static size_t cut__prime(size_t size, unsigned int step)
{
	static const unsigned char primes[] = {2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37};
	size_t prime = primes[step % ARRAY_SIZE(primes)];

	return prime < size ? prime : size;
}

size_t cut__next(enum cut cut, const char *text, size_t size, unsigned int step)
{
	switch (cut) {
	case CUT_HEADS:
		return cut__behind("\r\n\r\n", text, size);
	case CUT_LINES:
	case CUT_LINES_SLOWLY:
		return cut__behind("\n", text, size);
	case CUT_LINE_ENDS: /* the LF that was left goes with the next line */
		return cut__behind("\r", text, size);
	case CUT_NAMES:
		return cut__name(text, size);
	case CUT_BYTES:
		return 1;
	case CUT_PRIMES:
		return cut__prime(size, step);
	default:
		return size;
	}
}
