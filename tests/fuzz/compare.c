/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "compare.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chance.h"
#include "http.h"

_Noreturn void disagree(const char *what, size_t left, size_t right)
{
	fprintf(stderr, "disagreement: %s: %zd and %zd\n", what, (ssize_t)left, (ssize_t)right);
	abort();
}

static void text__compare(const char *what, const struct text *left, const struct text *right)
{
	AGREE(what, left->size, right->size);
	AGREE(what, left->cut, right->cut);
	if (memcmp(left->bytes, right->bytes, left->size))
		disagree(what, 0, 0);
}

/* What the head says. */
void compare__message(const struct message *left, const struct message *right)
{
	AGREE("end of a head", left->head_end, right->head_end);
	AGREE("status", left->status, right->status);
	text__compare("method", &left->method, &right->method);
	text__compare("target", &left->target, &right->target);
	AGREE("whether there is a User-Agent", left->has_agent, right->has_agent);
	text__compare("User-Agent", &left->agent, &right->agent);
	AGREE("class", left->cls, right->cls);
}

void compare__plain(
	const struct stream *stream, const struct reading *plain, const struct reading *ours)
{
	AGREE("number of heads", plain->count, ours->count);
	for (size_t i = 0; i < plain->count; i++) {
		const struct message *left = &plain->messages[i], *right = &ours->messages[i];

		compare__message(left, right);
		AGREE("start of a message", left->start, right->start);
		AGREE("framing", left->framing, right->framing);
		AGREE("end of a message", left->end, right->end);
	}
	for (size_t i = 0; i < stream->size; i++)
		if (plain->body[i] != ours->body[i])
			disagree("body", i, i);
	/* the plain reader knows a line only from its end */
	if (ours->refused == NOWHERE)
		AGREE("refusal", plain->refused, NOWHERE);
	else if (ours->refused <= plain->line || ours->refused > plain->refused)
		disagree("place of a refusal", plain->refused, ours->refused);
}

void compare__cut(
	const struct stream *stream, const struct reading *whole, const struct reading *cut)
{
	AGREE("number of heads", whole->count, cut->count);
	AGREE("refusal", whole->refused, cut->refused);
	for (size_t i = 0; i < whole->count; i++)
		compare__message(&whole->messages[i], &cut->messages[i]);
	if (memcmp(whole->body, cut->body, stream->size))
		disagree("body", 0, 0);
}

static uint64_t stream__hash(const struct stream *stream)
{
	uint64_t hash = 0xcbf29ce484222325ULL; /* FNV-1a */

	for (size_t i = 0; i < stream->size; i++)
		hash = (hash ^ stream->bytes[i]) * 0x100000001b3ULL;
	return hash;
}

void compare__all(const struct stream *stream)
{
	static struct reading plain, ours, cut, peer;
	static struct http http, cut_http;
	uint64_t chance = stream__hash(stream);

	plain__read(stream, &plain);
	recogniser__read(stream, &plain, &http, &ours);
	compare__plain(stream, &plain, &ours);
	recogniser__read_cut(stream, &plain, 0, chance, &cut_http, &cut);
	compare__cut(stream, &ours, &cut);
	cut_http.to_head = http.to_head; /* what it is told, which is no state of its own */
	if (memcmp(&http, &cut_http, sizeof(http)))
		disagree("state", http.state, cut_http.state);
	recogniser__read_cut(
		stream, &plain, chance__below(&chance, stream->size + 1), chance, &cut_http, &cut);
	compare__cut(stream, &ours, &cut);
	peer__read(stream, &peer);
	compare__peer(stream, &plain, &ours, &peer);
}
