/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "lib/sentences.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

#include "lib/text.h"

void sentences__add(struct sentences *sentences, const char *format, ...)
{
	char **grown = reallocarray(sentences->list, sentences->count + 2, sizeof(*grown));
	va_list arguments;
	char *sentence;

	if (!grown) {
		sentences->error = -ENOMEM;
		return;
	}
	sentences->list = grown;
	va_start(arguments, format);
	sentence = text__format(format, arguments);
	va_end(arguments);
	if (sentence)
		grown[sentences->count++] = sentence;
	else
		sentences->error = -ENOMEM;
	grown[sentences->count] = NULL;
}

void sentences__free(char **list)
{
	for (size_t i = 0; list && list[i]; i++)
		free(list[i]);
	free(list);
}
