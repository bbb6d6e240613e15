/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A growing list of sentences. The first failure stays in error, so that it is asked once. */
#ifndef IMDSTRACE_SENTENCES_H
#define IMDSTRACE_SENTENCES_H

#include <stddef.h>

struct sentences {
	char **list; /* NULL-terminated; NULL: none */
	size_t count;
	int error; /* 0 or -ENOMEM */
};

void sentences__add(struct sentences *sentences, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Frees a NULL-terminated list. */
void sentences__free(char **list);

#endif
