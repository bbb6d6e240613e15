/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "render/page.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "lib/scope.h"
#include "lib/text.h"

/* Where an indent leaves less than this to the text, it is given up. */
#define TEXT_COLUMNS_MIN 16
#define CONTINUATION     " \\"

static const char *const style_codes[] = {
	[STYLE_PLAIN] = "",
	[STYLE_HEADING] = "\033[1m",
	[STYLE_FAINT] = "\033[2m",
	[STYLE_GOOD] = "\033[1;32m",
	[STYLE_BAD] = "\033[1;31m",
	[STYLE_DOUBTFUL] = "\033[1;33m",
};

static void page__put(struct page *page, enum style style, const char *text, size_t size)
{
	bool styled = page->color && style != STYLE_PLAIN && strspn(text, " ") < size;

	fprintf(page->out, "%s%.*s%s", styled ? style_codes[style] : "", (int)size, text,
		styled ? "\033[0m" : "");
}

/* Bytes of the character that valid UTF-8 starts with. */
static size_t character__size(const char *text)
{
	size_t size = 1;

	while ((text[size] & 0xc0) == 0x80)
		size++;
	return size;
}

static size_t character__columns(const char *text)
{
	char one[8];
	size_t size = character__size(text);

	if (size >= sizeof(one))
		size = sizeof(one) - 1;
	memcpy(one, text, size);
	one[size] = '\0';
	return text__columns(one);
}

/* Bytes of text, of at most size, that fit in so many columns. */
static size_t text__fit(const char *text, size_t size, size_t columns)
{
	size_t fit = 0, used = 0;

	while (fit < size) {
		used += character__columns(text + fit);
		if (used > columns)
			break;
		fit += character__size(text + fit);
	}
	return fit;
}

void page__line_in_two(
	struct page *page, enum style first, size_t columns, enum style rest, const char *line)
{
	_free_ char *safe = text__printable(line);
	size_t split, length;

	if (!safe) {
		page->error = -ENOMEM;
		return;
	}
	for (length = strlen(safe); length && safe[length - 1] == ' '; length--)
		safe[length - 1] = '\0';
	text__ellipsize(safe, page->columns);
	length = strlen(safe);
	split = first == rest ? length : text__fit(safe, length, columns);
	page__put(page, first, safe, split);
	page__put(page, rest, safe + split, length - split);
	putc('\n', page->out);
}

void page__line(struct page *page, enum style style, const char *format, ...)
{
	_free_ char *line = NULL;
	va_list arguments;

	va_start(arguments, format);
	line = text__format(format, arguments);
	va_end(arguments);
	if (line)
		page__line_in_two(page, style, page->columns, STYLE_PLAIN, line);
	else
		page->error = -ENOMEM;
}

/* Bytes of text that go on one line of so many columns; at least one character. */
static size_t text__line_size(const char *text, size_t columns)
{
	size_t size = strlen(text), fit = text__fit(text, size, columns), end = fit;

	if (fit == size)
		return size;
	while (end && text[end] != ' ')
		end--;
	if (end)
		return end;
	return fit ? fit : character__size(text);
}

static size_t page__indent(const struct page *page, size_t indent)
{
	return page->columns > indent + TEXT_COLUMNS_MIN ? indent : 0;
}

static void page__wrap_safe(struct page *page, enum style first_style, enum style rest_style,
	const char *first, size_t indent, const char *text)
{
	size_t kept = page__indent(page, indent);
	size_t columns = page->columns > kept ? page->columns - kept : 1;
	bool started = false;

	/* No room beside it: it gets a line of its own. */
	if (kept != indent && first[strspn(first, " ")]) {
		page__line(page, first_style, "%s", first);
		started = true;
	}
	do {
		_free_ char *line = NULL;
		size_t size = text__line_size(text, columns);

		if (asprintf(&line, "%*s%.*s", (int)kept,
			    started          ? ""
			    : kept == indent ? first
					     : "",
			    (int)size, text) < 0) {
			line = NULL;
			page->error = -ENOMEM;
			return;
		}
		page__line_in_two(
			page, started ? rest_style : first_style, indent, rest_style, line);
		text += size;
		text += strspn(text, " ");
		started = true;
	} while (*text);
}

void page__wrap(
	struct page *page, enum style style, const char *first, size_t indent, const char *text)
{
	_free_ char *safe = text__printable(text);

	if (safe)
		page__wrap_safe(page, style, style, first, indent, safe);
	else
		page->error = -ENOMEM;
}

void page__wrap_behind(
	struct page *page, enum style style, const char *first, size_t indent, const char *text)
{
	_free_ char *safe = text__printable(text);

	if (safe)
		page__wrap_safe(page, style, STYLE_PLAIN, first, indent, safe);
	else
		page->error = -ENOMEM;
}

/* Bytes of command up to an option, or a blank, that go on a line with a continuation behind. */
static size_t command__line_size(const char *command, size_t columns)
{
	size_t best = 0, size = strlen(command);
	size_t room = columns > strlen(CONTINUATION) ? columns - strlen(CONTINUATION) : 1;

	if (size <= columns)
		return size;
	for (size_t at = 1; at <= room; at++)
		if (!strncmp(command + at, " --", 3))
			best = at;
	for (size_t at = room; !best && at; at--)
		if (command[at] == ' ')
			best = at;
	return best ? best : strcspn(command, " ");
}

void page__command(struct page *page, size_t indent, const char *command)
{
	size_t kept = page__indent(page, indent);

	while (*command) {
		size_t size = command__line_size(command, page->columns - kept);
		bool last = !command[size];

		page__line(page, STYLE_HEADING, "%*s%.*s%s", (int)kept, "", (int)size, command,
			last ? "" : CONTINUATION);
		command += size;
		command += strspn(command, " ");
	}
}

char *page__cell(struct page *page, const char *text, size_t columns)
{
	_free_ char *safe = text__printable(text);
	char *cell = NULL;
	size_t used;

	if (safe) {
		text__ellipsize(safe, columns);
		used = text__columns(safe);
		if (asprintf(&cell, "%s%*s", safe, used < columns ? (int)(columns - used) : 0, "") <
			0)
			cell = NULL;
	}
	if (!cell)
		page->error = -ENOMEM;
	return cell;
}
