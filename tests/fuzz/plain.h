/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the plain reader's two halves share: heads (plain_head.c), and what stands between them. */
#ifndef FUZZ_PLAIN_H
#define FUZZ_PLAIN_H

#include "reading.h"
#include "span.h"

/* A line without its end. Returns false where it is not complete. */
bool line__read(const struct stream *stream, size_t at, struct span *line, size_t *next);
bool line__has_control(struct span line);
/* A number up to about limit, which is there to keep far from 2^64. */
bool number__read(struct span digits, unsigned int base, uint64_t limit, uint64_t *number);
void refuse(struct reading *reading, enum refusal why, size_t line, size_t next);

/* Returns whether the head that begins at start is complete and right. What follows is about it. */
bool head__read(const struct stream *stream, struct reading *reading, size_t start,
	struct message *message);
bool head__answers_head(void);
void message__name_agent(struct message *message);
enum request_class message__class(const struct message *message);
enum framing message__framing(const struct message *message, uint64_t *length);

#endif
