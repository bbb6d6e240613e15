/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Text that an untrusted process wrote, made safe to show. Everything that is captured is bytes;
 * everything that is printed is valid UTF-8 without control characters.
 */
#ifndef IMDSTRACE_TEXT_H
#define IMDSTRACE_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

/* A copy of size bytes as valid UTF-8: each byte that is not part of a valid sequence (no
 * surrogates, no overlong forms) and each NUL becomes U+FFFD. Control characters stay: JSON
 * escapes them. NULL when memory is short. The caller frees. */
char *text__utf8(const char *bytes, size_t size);

/* size less a sequence that is cut off at its end: for bytes that were cut at a fixed length, so
 * that half a character does not become U+FFFD. */
size_t text__complete(const char *bytes, size_t size);

/* Like text__utf8, and safe on a terminal: control characters (C0, DEL, C1), bidirectional
 * overrides and line separators are shown as \xNN or \u{NNNN}. The caller frees. */
char *text__printable(const char *text);

/* As vprintf(). The caller frees. NULL: no memory. */
char *text__format(const char *format, va_list arguments) __attribute__((format(printf, 1, 0)));

/* Makes *why a sentence of format for the caller to free, as text__printable() (NULL: no memory),
 * and returns error. */
int text__explain(char **why, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The same JSON with what text__printable() would not print, beyond what JSON escapes anyway, as
 * \uNNNN: a terminal obeys DEL and C1 in JSON, too. The caller frees. NULL: no memory. */
char *text__json(const char *json);

/* Columns that valid UTF-8 takes on a terminal (wcwidth; what it does not know counts as 1). */
size_t text__columns(const char *text);

/* Cuts valid UTF-8 in place to at most columns, the last one an ellipsis where it was cut. */
void text__ellipsize(char *text, size_t columns);

/* The same, but keeps the end, and the first column is the ellipsis: of a path the end tells most.
 */
void text__keep_end(char *text, size_t columns);

/* The width of the terminal behind fd; 80 where there is none, or it does not say. */
size_t text__terminal_columns(int fd);

/* Whether fd is a terminal that may be coloured: isatty, TERM is not "dumb", NO_COLOR is unset or
 * empty. */
bool text__may_color(int fd);

#endif
