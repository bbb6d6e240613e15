/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Text of any origin in Markdown, where it stays text: no link, no emphasis, no HTML, no mention of
 * a person, no new cell, no new line. */
#ifndef IMDSTRACE_MARKDOWN_H
#define IMDSTRACE_MARKDOWN_H

#include <stddef.h>
#include <stdio.h>

struct markdown {
	FILE *out;
	int indent; /* of what belongs to the item of a list */
	int error;  /* 0 or -ENOMEM: the first; out's own errors stay in out */
};

/* A code span, also inside a table. What could end it, or a cell, is shown as \xNN. */
void markdown__code(struct markdown *page, const char *text);
/* "first second" in one span; first may be NULL. */
void markdown__code_of_two(struct markdown *page, const char *first, const char *second);
/* Running text in which every character means itself. */
void markdown__prose(struct markdown *page, const char *text);

/* Starts the item of that number, and one of a list inside it. */
void markdown__item(struct markdown *page, size_t number);
void markdown__subitem(struct markdown *page);
/* A shell command of one line, as a block in the item. */
void markdown__block(struct markdown *page, const char *text);

#endif
