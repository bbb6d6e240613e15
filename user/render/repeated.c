/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "render/repeated.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/text.h"

#define ALL_ROWS_MAX (80UL << 20) /* bytes that they take together for repeated texts */
#define ELLIPSIS     "\u2026"

size_t report__repeated_room(const struct report *report)
{
	size_t rows = 1;

	/* one more for each class of which details were lost */
	for (size_t i = 0; i < report->caller_count; i++)
		rows += report->callers[i]->path_count + CLASS_COUNT;
	return ALL_ROWS_MAX / rows;
}

int text__cut(char **cut, const char *text, size_t most)
{
	size_t size = text ? strlen(text) : 0;

	*cut = NULL;
	if (!text)
		return 0;
	if (size <= most)
		*cut = strdup(text);
	else if (asprintf(cut, "%.*s" ELLIPSIS, (int)text__complete(text, most), text) < 0)
		*cut = NULL;
	return *cut ? 0 : -ENOMEM;
}
