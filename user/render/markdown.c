/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "render/markdown.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "render/render_caller.h"
#include "lib/scope.h"

#define CODE_COLUMNS  200
#define PROSE_COLUMNS 2000
#define FENCE         "```"

/* A backslash in front of a pipe or of the closing backtick means different things to different
 * parsers, so one at the end is shown in the same way. */
static void code__put(FILE *out, const char *shown)
{
	size_t size = strlen(shown);

	if (!size)
		return;
	putc('`', out);
	for (size_t i = 0; i < size; i++) {
		if (strchr("`|<", shown[i]) || (shown[i] == '\\' && i + 1 == size))
			fprintf(out, "\\x%02x", (unsigned int)shown[i]);
		else
			putc(shown[i], out);
	}
	putc('`', out);
}

void markdown__code(struct markdown *page, const char *text)
{
	_free_ char *shown = text__shown(text, CODE_COLUMNS);

	if (shown)
		code__put(page->out, shown);
	else
		page->error = -ENOMEM;
}

void markdown__code_of_two(struct markdown *page, const char *first, const char *second)
{
	_free_ char *both = NULL;

	if (asprintf(&both, "%s%s%s", first ? first : "", first && second ? " " : "",
		    second ? second : "") < 0) {
		both = NULL;
		page->error = -ENOMEM;
		return;
	}
	markdown__code(page, both);
}

/* Ticket systems look for @someone and #123 in what is left after Markdown, where an escape no
 * longer shows; in a code span they do not look. */
static bool prose__refers(const char *text, size_t at)
{
	bool inside_word = at && isalnum((unsigned char)text[at - 1]);

	return !inside_word &&
	       (text[at] == '@' || (text[at] == '#' && isdigit((unsigned char)text[at + 1])));
}

/* A colon before // and a dot behind www would make a link. */
static bool prose__needs_escape(const char *text, size_t at)
{
	if (text[at] == ':')
		return text[at + 1] == '/';
	if (text[at] == '.')
		return at >= 3 && !strncasecmp(text + at - 3, "www", 3);
	return text[at] && strchr("\\`*_{}[]#~|$!", text[at]);
}

void markdown__prose(struct markdown *page, const char *text)
{
	_free_ char *shown = text__shown(text, PROSE_COLUMNS);

	if (!shown) {
		page->error = -ENOMEM;
		return;
	}
	for (size_t i = 0; shown[i]; i++) {
		if (prose__refers(shown, i))
			fprintf(page->out, "`%c`", shown[i]);
		else if (shown[i] == '<')
			fputs("&lt;", page->out);
		else if (shown[i] == '>')
			fputs("&gt;", page->out);
		else if (shown[i] == '&')
			fputs("&amp;", page->out);
		else
			fprintf(page->out, "%s%c", prose__needs_escape(shown, i) ? "\\" : "",
				shown[i]);
	}
}

void markdown__item(struct markdown *page, size_t number)
{
	page->indent = fprintf(page->out, "%zu. ", number);
	if (page->indent < 0)
		page->indent = 0;
}

void markdown__subitem(struct markdown *page)
{
	fprintf(page->out, "%*s- ", page->indent, "");
}

void markdown__block(struct markdown *page, const char *text)
{
	_free_ char *shown = text__shown(text, PROSE_COLUMNS);
	int indent = page->indent;

	if (shown)
		fprintf(page->out, "%*s" FENCE "sh\n%*s%s\n%*s" FENCE "\n", indent, "", indent, "",
			shown, indent, "");
	else
		page->error = -ENOMEM;
}
