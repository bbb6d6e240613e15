/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Sets any valid UTF-8 in lines that are safe on a terminal and never wider than the page. */
#ifndef IMDSTRACE_PAGE_H
#define IMDSTRACE_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum style { STYLE_PLAIN, STYLE_HEADING, STYLE_FAINT, STYLE_GOOD, STYLE_BAD, STYLE_DOUBTFUL };

struct page {
	FILE *out;
	size_t columns;
	bool color;
	int error; /* 0 or -ENOMEM: the first; out's own errors stay in out */
};

/* One line, cut where the page ends. */
void page__line(struct page *page, enum style style, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The same, its first columns in one style and the rest in another. */
void page__line_in_two(
	struct page *page, enum style first, size_t columns, enum style rest, const char *line);

/* Words in as many lines as they need: behind first on the first line, behind indent blanks on the
 * others. first must be as wide as indent to look aligned. */
void page__wrap(
	struct page *page, enum style style, const char *first, size_t indent, const char *text);
/* The same with only first in that style. */
void page__wrap_behind(
	struct page *page, enum style style, const char *first, size_t indent, const char *text);

/* A shell command that can be pasted: broken before options, each line but the last ends in "\". */
void page__command(struct page *page, size_t indent, const char *command);

/* A printable copy of text in exactly so many columns, padded with blanks. The caller frees; NULL:
 * no memory, noted in page. */
char *page__cell(struct page *page, const char *text, size_t columns);

#endif
