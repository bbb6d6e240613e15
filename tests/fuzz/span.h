/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Spans of a buffer, as the plain reader takes them apart. */
#ifndef FUZZ_SPAN_H
#define FUZZ_SPAN_H

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

struct span {
	const char *at;
	size_t size;
};

static inline bool blank(char byte)
{
	return byte == ' ' || byte == '\t';
}

static inline bool tchar(char byte)
{
	return byte && (isalnum((unsigned char)byte) || strchr("!#$%&'*+-.^_`|~", byte)) &&
	       !(byte & 0x80);
}

static inline struct span span__trim(struct span span)
{
	while (span.size && blank(span.at[span.size - 1]))
		span.size--;
	while (span.size && blank(span.at[0])) {
		span.at++;
		span.size--;
	}
	return span;
}

static inline bool span__is(struct span span, const char *text)
{
	return span.size == strlen(text) && !strncasecmp(span.at, text, span.size);
}

static inline bool span__begins(struct span span, const char *text)
{
	return span.size >= strlen(text) && !memcmp(span.at, text, strlen(text));
}

static inline bool span__equals(struct span span, const char *text)
{
	return span.size == strlen(text) && span__begins(span, text);
}

/* Takes what lies before the first byte of a set off the span; all of it where there is none. */
static inline struct span span__until(struct span *span, const char *set)
{
	struct span first = {span->at, 0};

	while (first.size < span->size && !strchr(set, span->at[first.size]))
		first.size++;
	span->at += first.size;
	span->size -= first.size;
	return first;
}

#endif
