/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "mutation.h"

#include <ctype.h>
#include <string.h>

#include "chance.h"
#include "http.h"

#include "lib/array.h"

size_t LLVMFuzzerMutate(uint8_t *bytes, size_t size, size_t room);

struct draft {
	uint8_t *bytes;
	size_t size, room;
	uint64_t chance;
	const struct fragments *fragments;
};

/* Makes room for size bytes at a place, or does nothing. */
static bool draft__open(struct draft *draft, size_t at, size_t size)
{
	if (size > draft->room - draft->size)
		return false;
	memmove(draft->bytes + at + size, draft->bytes + at, draft->size - at);
	draft->size += size;
	return true;
}

static void draft__remove(struct draft *draft, size_t at, size_t size)
{
	memmove(draft->bytes + at, draft->bytes + at + size, draft->size - at - size);
	draft->size -= size;
}

static void draft__insert(struct draft *draft, size_t at, const char *text)
{
	if (draft__open(draft, at, strlen(text)))
		memcpy(draft->bytes + at, text, strlen(text));
}

static size_t draft__any(struct draft *draft)
{
	return chance__below(&draft->chance, draft->size + 1);
}

/* Where a line begins, at a place or before it. */
static size_t draft__line(const struct draft *draft, size_t at)
{
	while (at && draft->bytes[at - 1] != '\n')
		at--;
	return at;
}

static size_t draft__line_size(const struct draft *draft, size_t at)
{
	const uint8_t *end = memchr(draft->bytes + at, '\n', draft->size - at);

	return end ? (size_t)(end - draft->bytes) + 1 - at : draft->size - at;
}

static void add_fragment(struct draft *draft)
{
	size_t which = chance__below(&draft->chance, draft->fragments->count);

	draft__insert(draft, draft__line(draft, draft__any(draft)), draft->fragments->texts[which]);
}

static void append_fragment(struct draft *draft)
{
	size_t which = chance__below(&draft->chance, draft->fragments->count);

	draft__insert(draft, draft->size, draft->fragments->texts[which]);
}

static void remove_line(struct draft *draft)
{
	size_t at = draft__line(draft, draft__any(draft));

	draft__remove(draft, at, draft__line_size(draft, at));
}

static void repeat_line(struct draft *draft)
{
	size_t at = draft__line(draft, draft__any(draft)), size = draft__line_size(draft, at);

	if (draft__open(draft, at, size))
		memcpy(draft->bytes + at, draft->bytes + at + size, size);
}

static void move_line(struct draft *draft)
{
	char line[256];
	size_t at = draft__line(draft, draft__any(draft)), size = draft__line_size(draft, at);

	if (size >= sizeof(line))
		return;
	memcpy(line, draft->bytes + at, size);
	line[size] = '\0';
	draft__remove(draft, at, size);
	draft__insert(draft, draft__line(draft, draft__any(draft)), line);
}

static void end_line_otherwise(struct draft *draft)
{
	size_t at = draft__line(draft, draft__any(draft));

	if (at > 1 && draft->bytes[at - 2] == '\r')
		draft__remove(draft, at - 2, 1);
	else if (at)
		draft__insert(draft, at - 1, "\r");
}

static void insert_little(struct draft *draft)
{
	static const char *const little[] = {"\r\n ", "\n\t", "\r\n", "\r", " ", "\t", ",", ", ",
		":", ";", "0", "-", "?", "/", "://", "\x80", "\x01", "\"", "chunked", "\r\n\r\n"};

	draft__insert(draft, draft__any(draft),
		little[chance__below(&draft->chance, ARRAY_SIZE(little))]);
}

static void insert_nul(struct draft *draft)
{
	size_t at = draft__any(draft);

	if (draft__open(draft, at, 1))
		draft->bytes[at] = '\0';
}

static void change_case(struct draft *draft)
{
	size_t at = draft__any(draft), end = at + chance__below(&draft->chance, 32);

	for (; at < end && at < draft->size; at++)
		draft->bytes[at] = islower(draft->bytes[at]) ? toupper(draft->bytes[at])
							     : tolower(draft->bytes[at]);
}

static void change_digit(struct draft *draft)
{
	for (size_t at = draft__any(draft); at < draft->size; at++) {
		if (!isxdigit(draft->bytes[at]))
			continue;
		draft->bytes[at] = "0123456789abcdefABCDEF"[chance__below(&draft->chance, 22)];
		return;
	}
}

/* Up to where something is cut, or a little less or more. */
static void stretch(struct draft *draft)
{
	static const size_t sizes[] = {METHOD_SIZE - 1, TARGET_SIZE - 1, 1000, HTTP_HEAD_MAX};
	size_t at = draft__any(draft),
	       size = sizes[chance__below(&draft->chance, ARRAY_SIZE(sizes))];

	size += 2;
	size -= chance__below(&draft->chance, size > 600 ? 600 : 5);
	if (at == draft->size || !isalpha(draft->bytes[at]) || !draft__open(draft, at, size))
		return;
	memset(draft->bytes + at, draft->bytes[at + size], size);
}

size_t mutation__apply(uint8_t *bytes, size_t size, size_t room, unsigned int seed,
	const struct fragments *fragments)
{
	static void (*const changes[])(struct draft * draft) = {add_fragment, add_fragment,
		append_fragment, remove_line, repeat_line, move_line, end_line_otherwise,
		insert_little, insert_little, insert_nul, change_case, change_digit, stretch};
	struct draft draft = {bytes, size, room, seed, fragments};
	size_t count = chance__below(&draft.chance, 5);

	if (!count) /* what nobody who knows HTTP would do */
		return LLVMFuzzerMutate(bytes, size, room);
	while (count--)
		changes[chance__below(&draft.chance, ARRAY_SIZE(changes))](&draft);
	return draft.size;
}
