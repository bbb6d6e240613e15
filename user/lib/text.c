/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Makes bytes of unknown origin showable. Nothing here depends on the locale. */
#include "lib/array.h"
#include "lib/text.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "lib/scope.h"
#include "lib/text_width.h"

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */
#define ELLIPSIS    "\xe2\x80\xa6" /* U+2026 */

#define COLUMNS_DEFAULT 80

/* Well-formed sequences by their first byte: Unicode Standard, table 3-7. The bounds of the second
 * byte are what keeps overlong forms, surrogates and code points past U+10FFFF out. */
static const struct lead {
	unsigned char first, last, second_min, second_max;
	size_t length;
} leads[] = {
	{0x00, 0x7f, 0x00, 0x00, 1},
	{0xc2, 0xdf, 0x80, 0xbf, 2},
	{0xe0, 0xe0, 0xa0, 0xbf, 3},
	{0xe1, 0xec, 0x80, 0xbf, 3},
	{0xed, 0xed, 0x80, 0x9f, 3},
	{0xee, 0xef, 0x80, 0xbf, 3},
	{0xf0, 0xf0, 0x90, 0xbf, 4},
	{0xf1, 0xf3, 0x80, 0xbf, 4},
	{0xf4, 0xf4, 0x80, 0x8f, 4},
};

/* Code points that move the cursor, the line or the reading direction. */
static const struct codepoint_range unprintable[] = {
	{0x00, 0x1f},
	{0x7f, 0x9f},
	{0x61c, 0x61c},
	{0x200e, 0x200f},
	{0x2028, 0x202e},
	{0x2066, 0x2069},
	{0xfeff, 0xfeff},
};

static const struct lead *lead__of(unsigned char byte)
{
	for (size_t i = 0; i < ARRAY_SIZE(leads); i++)
		if (byte >= leads[i].first && byte <= leads[i].last)
			return &leads[i];
	return NULL;
}

/* The length of the valid sequence that bytes start with; 0: they start with none. */
static size_t sequence__length(const unsigned char *bytes, size_t size)
{
	const struct lead *lead = lead__of(bytes[0]);

	if (!lead || lead->length > size)
		return 0;
	if (lead->length == 1)
		return 1;
	if (bytes[1] < lead->second_min || bytes[1] > lead->second_max)
		return 0;
	for (size_t i = 2; i < lead->length; i++)
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
	return lead->length;
}

/* Decodes a valid sequence and steps over it. A stray byte, which valid text has none of, counts
 * as U+FFFD, so that a caller's mistake cannot run past the end. */
static uint32_t sequence__next(const char **text)
{
	const unsigned char *bytes = (const unsigned char *)*text;
	size_t length = *bytes < 0x80 ? 1 : sequence__length(bytes, strnlen(*text, 4));
	static const unsigned char payload[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	uint32_t codepoint;

	if (!length) {
		*text += 1;
		return 0xfffd;
	}
	codepoint = bytes[0] & payload[length];
	for (size_t i = 1; i < length; i++)
		codepoint = codepoint << 6 | (bytes[i] & 0x3f);
	*text += length;
	return codepoint;
}

static bool ranges__hold(const struct codepoint_range *ranges, size_t count, uint32_t codepoint)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (codepoint > ranges[middle].last)
			low = middle + 1;
		else if (codepoint < ranges[middle].first)
			high = middle;
		else
			return true;
	}
	return false;
}

static size_t codepoint__columns(uint32_t codepoint)
{
	if (ranges__hold(zero_width, ARRAY_SIZE(zero_width), codepoint))
		return 0;
	return ranges__hold(double_width, ARRAY_SIZE(double_width), codepoint) ? 2 : 1;
}

char *text__utf8(const char *bytes, size_t size)
{
	const unsigned char *in = (const unsigned char *)bytes;
	char *text, *out, *shrunk;

	if (size > (SIZE_MAX - 1) / strlen(REPLACEMENT))
		return NULL;
	text = malloc(size * strlen(REPLACEMENT) + 1);
	if (!text)
		return NULL;
	out = text;
	for (size_t i = 0; i < size;) {
		size_t length = in[i] ? sequence__length(in + i, size - i) : 0;

		memcpy(out, length ? bytes + i : REPLACEMENT,
			length ? length : strlen(REPLACEMENT));
		out += length ? length : strlen(REPLACEMENT);
		i += length ? length : 1;
	}
	*out++ = '\0';
	shrunk = realloc(text, out - text);
	return shrunk ? shrunk : text;
}

size_t text__complete(const char *bytes, size_t size)
{
	const unsigned char *in = (const unsigned char *)bytes;

	for (size_t back = 1; back < 4 && back <= size; back++) {
		const struct lead *lead = lead__of(in[size - back]);

		if (lead)
			return lead->length > back ? size - back : size;
	}
	return size;
}

char *text__printable(const char *text)
{
	char *valid = text__utf8(text, strlen(text)), *out, *printable;
	/* The worst case: each byte of one column becomes "\xNN". A longer sequence grows less. */
	size_t worst = valid ? strlen(valid) * 4 + 1 : 0;

	printable = valid ? malloc(worst) : NULL;
	out = printable;
	for (const char *at = valid; printable && *at;) {
		const char *start = at;
		uint32_t codepoint = sequence__next(&at);

		if (!ranges__hold(unprintable, ARRAY_SIZE(unprintable), codepoint)) {
			memcpy(out, start, at - start);
			out += at - start;
		} else if (codepoint < 0x80) {
			out += sprintf(out, "\\x%02x", (unsigned int)codepoint);
		} else {
			out += sprintf(out, "\\u{%04x}", (unsigned int)codepoint);
		}
	}
	if (printable)
		*out = '\0';
	free(valid);
	return printable;
}

char *text__format(const char *format, va_list arguments)
{
	char *text;

	return vasprintf(&text, format, arguments) < 0 ? NULL : text;
}

int text__explain(char **why, int error, const char *format, ...)
{
	_free_ char *sentence = NULL;
	va_list arguments;

	va_start(arguments, format);
	sentence = text__format(format, arguments);
	va_end(arguments);
	*why = sentence ? text__printable(sentence) : NULL;
	return error;
}

/* None of them stands outside a string, and none needs a surrogate pair. */
char *text__json(const char *json)
{
	/* The worst case: one byte, DEL, becomes six. */
	char *escaped = malloc(strlen(json) * strlen("\\u007f") + 1), *out = escaped;

	while (escaped && *json) {
		const char *start = json;
		uint32_t codepoint = 0;

		/* Nearly all of it. */
		while (*json && (unsigned char)*json < 0x7f)
			json++;
		memcpy(out, start, json - start);
		out += json - start;
		if (!*json)
			break;
		start = json;
		codepoint = sequence__next(&json);
		if (ranges__hold(unprintable, ARRAY_SIZE(unprintable), codepoint)) {
			out += sprintf(out, "\\u%04x", (unsigned int)codepoint);
			continue;
		}
		memcpy(out, start, json - start);
		out += json - start;
	}
	if (escaped)
		*out = '\0';
	return escaped;
}

size_t text__columns(const char *text)
{
	size_t columns = 0;

	while (*text)
		columns += codepoint__columns(sequence__next(&text));
	return columns;
}

/* How many bytes of text take at most columns, whole characters with their combining marks. */
static size_t text__fitting(const char *text, size_t columns)
{
	const char *at = text, *end = text;

	while (*at) {
		size_t width = codepoint__columns(sequence__next(&at));

		if (width > columns)
			break;
		columns -= width;
		end = at;
	}
	return end - text;
}

void text__ellipsize(char *text, size_t columns)
{
	size_t size = strlen(text), kept;

	if (text__columns(text) <= columns)
		return;
	if (!columns) {
		*text = '\0';
		return;
	}
	/* The ellipsis takes three bytes, and the text must not grow: where it would replace two
	 * ("abc" in two columns), it replaces one character more; where there is none, a dot does.
	 */
	for (size_t room = columns; room-- > 0;) {
		kept = text__fitting(text, room);
		if (kept + strlen(ELLIPSIS) <= size) {
			memcpy(text + kept, ELLIPSIS, sizeof(ELLIPSIS));
			return;
		}
	}
	memcpy(text, ".", sizeof("."));
}

void text__keep_end(char *text, size_t columns)
{
	size_t size = strlen(text), used = text__columns(text);
	const char *at = text;

	if (used <= columns)
		return;
	/* The ellipsis takes three bytes, which must have gone before. */
	while (*at && (used + 1 > columns || (size_t)(at - text) < strlen(ELLIPSIS)))
		used -= codepoint__columns(sequence__next(&at));
	if (!columns || !*at) {
		text__ellipsize(text, columns);
		return;
	}
	memmove(text + strlen(ELLIPSIS), at, size - (size_t)(at - text) + 1);
	memcpy(text, ELLIPSIS, strlen(ELLIPSIS));
}

size_t text__terminal_columns(int fd)
{
	struct winsize size;

	return !ioctl(fd, TIOCGWINSZ, &size) && size.ws_col ? size.ws_col : COLUMNS_DEFAULT;
}

bool text__may_color(int fd)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	if (no_color && *no_color)
		return false;
	return term && strcmp(term, "dumb") && isatty(fd);
}
