/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Compares what the readers found. Each function explains a disagreement on stderr and aborts. */
#ifndef FUZZ_COMPARE_H
#define FUZZ_COMPARE_H

#include "reading.h"

_Noreturn void disagree(const char *what, size_t left, size_t right);
#define AGREE(what, left, right)                     \
	do {                                         \
		if ((left) != (right))               \
			disagree(what, left, right); \
	} while (0)

/* What two heads say. */
void compare__message(const struct message *left, const struct message *right);

/* The recogniser and the plain reader: must be the same. */
void compare__plain(
	const struct stream *stream, const struct reading *plain, const struct reading *ours);

/* The recogniser byte by byte and in pieces: must be the same. */
void compare__cut(
	const struct stream *stream, const struct reading *whole, const struct reading *cut);

/* The recogniser and http-parser: must be the same as far as both read, and may stop at different
 * places for the reasons that compare_peer.c lists. plain: knows why the recogniser refused. */
void compare__peer(const struct stream *stream, const struct reading *plain,
	const struct reading *ours, const struct reading *peer);

/* All of the above for one stream. */
void compare__all(const struct stream *stream);

#endif
