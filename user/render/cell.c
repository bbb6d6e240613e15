/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "render/cell.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "lib/array.h"
#include "lib/scope.h"
#include "render/render_caller.h"

/* What a caller is called repeats in each of its rows, so that it must not be endless; and past
 * 32,767 characters spreadsheets break a cell in two, of which the second could be a formula. */
#define CELL_COLUMNS 1024

/* Characters that start a formula, also in their full width (U+FF0B, U+FF0D, U+FF1D, U+FF20), and
 * behind blanks, which some programs trim. */
static bool cell__is_formula(const char *text)
{
	static const char *const starts[] = {"=", "+", "-", "@", "\t", "\r", "\n", "\xef\xbc\x8b",
		"\xef\xbc\x8d", "\xef\xbc\x9d", "\xef\xbc\xa0"};

	text += strspn(text, " ");
	for (size_t i = 0; i < ARRAY_SIZE(starts); i++)
		if (!strncmp(text, starts[i], strlen(starts[i])))
			return true;
	return false;
}

/* Only what no program, of any locale, reads as anything but text goes without quotes. */
static bool cell__is_plain(const char *text)
{
	return !text[strspn(
		text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:/()-")];
}

int cell__put_text(FILE *out, const char *text)
{
	_free_ char *shown = text__shown(text, CELL_COLUMNS);
	bool formula = text && cell__is_formula(text);

	if (!shown)
		return -ENOMEM;
	if (!formula && cell__is_plain(shown)) {
		fputs(shown, out);
		return 0;
	}
	fputs(formula ? "\"'" : "\"", out);
	for (const char *at = shown; *at; at++) {
		if (*at == '"')
			putc('"', out);
		putc(*at, out);
	}
	putc('"', out);
	return 0;
}
