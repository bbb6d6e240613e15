/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* JSON documents that are read, used and thrown away as a whole, within a bound on memory. */
#ifndef IMDSTRACE_JSON_ARENA_H
#define IMDSTRACE_JSON_ARENA_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct arena_chunk;

struct json_arena {
	struct arena_chunk *chunks; /* the newest first */
	size_t left;                /* bytes of the newest chunk */
	size_t most;                /* bytes that may still be allocated */
	bool exceeded;              /* a document needed more than that */
};

/*
 * Parses size bytes of text with json_loadb()'s flags into arena, which takes at most `most` bytes.
 * Returns the document, which lives until json_arena__free() and must not be given to
 * json_decref(); NULL with *error set where the text is not JSON, or with arena->exceeded where the
 * document is too large, or with neither where memory ran out.
 */
json_t *json_arena__parse(struct json_arena *arena, const char *text, size_t size, size_t flags,
	size_t most, json_error_t *error);

void json_arena__free(struct json_arena *arena);

#endif
