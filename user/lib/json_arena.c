/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "lib/json_arena.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_SIZE (256UL << 10)

struct arena_chunk {
	struct arena_chunk *older;
	alignas(max_align_t) unsigned char bytes[];
};

/* jansson's allocation functions take no context. */
static struct json_arena *current;

static bool json_arena__add_chunk(struct json_arena *arena, size_t size)
{
	struct arena_chunk *chunk = malloc(sizeof(*chunk) + size);

	if (!chunk)
		return false;
	chunk->older = arena->chunks;
	arena->chunks = chunk;
	arena->left = size;
	return true;
}

/* From a chunk's end to its begin, so that `left` is all there is to keep. */
static void *json_arena__allocate(size_t size)
{
	struct json_arena *arena = current;

	if (size > arena->most) {
		arena->exceeded = true;
		return NULL;
	}
	size = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
	if (size > arena->left &&
		!json_arena__add_chunk(arena, size > CHUNK_SIZE ? size : CHUNK_SIZE))
		return NULL;
	arena->most -= arena->most < size ? arena->most : size;
	arena->left -= size;
	return arena->chunks->bytes + arena->left;
}

/* All at once, at the end. */
static void json_arena__release(void *pointer)
{
	(void)pointer;
}

json_t *json_arena__parse(struct json_arena *arena, const char *text, size_t size, size_t flags,
	size_t most, json_error_t *error)
{
	json_malloc_t allocate;
	json_free_t release;
	json_t *document;

	*arena = (struct json_arena){.most = most};
	memset(error, 0, sizeof(*error));
	json_get_alloc_funcs(&allocate, &release);
	current = arena;
	json_set_alloc_funcs(json_arena__allocate, json_arena__release);
	document = json_loadb(text, size, flags, error);
	json_set_alloc_funcs(allocate, release);
	current = NULL;
	return document;
}

void json_arena__free(struct json_arena *arena)
{
	while (arena->chunks) {
		struct arena_chunk *chunk = arena->chunks;

		arena->chunks = chunk->older;
		free(chunk);
	}
}
