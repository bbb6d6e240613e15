/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "lib/sentences.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void sentences__add(struct sentences *sentences, const char *format, ...)
{
	char **grown = reallocarray(sentences->list, sentences->count + 2, sizeof(*grown));
	va_list arguments;
	char *sentence;
	int length;

	if (!grown) {
		sentences->error = -ENOMEM;
		return;
	}
	sentences->list = grown;
	va_start(arguments, format);
	length = vasprintf(&sentence, format, arguments);
	va_end(arguments);
	if (length < 0)
		sentences->error = -ENOMEM;
	else
		grown[sentences->count++] = sentence;
	grown[sentences->count] = NULL;
}

void sentences__free(char **list)
{
	for (size_t i = 0; list && list[i]; i++)
		free(list[i]);
	free(list);
}
