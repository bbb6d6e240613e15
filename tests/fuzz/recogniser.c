/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The reader that is tested. */
#include "reading.h"

#include <string.h>

#include "chance.h"
#include "feed.h"

#define POISON 0xa5 /* what nobody may rely on */

static void text__set(struct text *text, const char *bytes, size_t size, bool cut)
{
	memcpy(text->bytes, bytes, size);
	text->size = size;
	text->cut = cut;
}

static void recogniser__head(
	struct reading *reading, const struct http *http, size_t start, size_t head_end)
{
	struct message *message = &reading->messages[reading->count++];

	*message = (struct message){.start = start, .head_end = head_end, .end = NOWHERE};
	if (http->is_response) {
		message->status = http->status;
		return;
	}
	message->cls = http__class(http);
	text__set(&message->method, http->method, http->method_size, false);
	text__set(&message->target, http->path, http->path_size, http->path_cut);
	message->has_agent = http->seen & SEEN_AGENT;
	if (message->has_agent)
		text__set(&message->agent, http->agent, http->agent_size, http->agent_cut);
}

/* As in bpf/responses.h: until the last head's body is framed, it is about that one. */
static bool recogniser__answers_head(
	const struct http *http, const struct reading *reading, const struct reading *plain)
{
	size_t at = reading->count - (http->state == S_FRAME);

	return at < plain->count && plain->messages[at].to_head;
}

/* Takes one step. Returns how many bytes it took. */
static size_t recogniser__step(const struct stream *stream, const struct reading *plain, size_t at,
	size_t size, size_t start, struct http *http, struct reading *reading)
{
	struct piece piece = {.bytes = stream->bytes + at, .size = size};
	enum http_event event;

	http->to_head = recogniser__answers_head(http, reading, plain);
	event = feed__step(http, &piece);
	size -= piece.size;
	if (piece.body)
		memset(reading->body + at, true, size);
	if (event == HTTP_HEAD)
		recogniser__head(reading, http, start, at + size);
	else if (event == HTTP_NOT)
		reading->refused = at + size;
	return size;
}

static void recogniser__begin(
	struct http *http, struct reading *reading, const struct stream *stream)
{
	reading->count = 0;
	reading->refused = NOWHERE;
	memset(reading->body, false, stream->size);
	http__reset(http, stream->answers);
}

/* What it makes of the body, as soon as the head is over. */
static void recogniser__frame(
	struct http *http, struct reading *reading, const struct reading *plain)
{
	struct message *message = &reading->messages[reading->count - 1];

	http->to_head = recogniser__answers_head(http, reading, plain);
	http__skip(http, 0);
	switch (http->state) {
	case S_BODY:
		message->framing = FRAMING_LENGTH;
		break;
	case S_CHUNK:
		message->framing = FRAMING_CHUNKED;
		break;
	case S_UNTIL_CLOSE:
		message->framing = FRAMING_UNTIL_CLOSE;
		break;
	case S_DEAD:
		message->framing = FRAMING_BAD;
		break;
	default:
		message->framing = FRAMING_NONE;
		message->end = message->head_end;
	}
}

void recogniser__read(const struct stream *stream, const struct reading *plain, struct http *http,
	struct reading *reading)
{
	size_t start = 0, heads = 0;

	memset(http, POISON, sizeof(*http));
	recogniser__begin(http, reading, stream);
	for (size_t at = 0; at < stream->size && reading->refused == NOWHERE; at++) {
		bool idle = http->state == S_START || http->state == S_RESPONSE;

		recogniser__step(stream, plain, at, 1, start, http, reading);
		if (idle && (http->state == S_METHOD || http->state == S_RESPONSE_VERSION))
			start = at;
		if (reading->count > heads) {
			heads = reading->count;
			reading->messages[heads - 1].start = start;
			recogniser__frame(http, reading, plain);
		} else if (!idle && heads && reading->messages[heads - 1].end == NOWHERE &&
			   (http->state == S_START || http->state == S_RESPONSE)) {
			reading->messages[heads - 1].end = at + 1;
		}
	}
}

void recogniser__read_cut(const struct stream *stream, const struct reading *plain, size_t before,
	uint64_t chance, struct http *http, struct reading *reading)
{
	size_t at, size;

	memset(http, POISON, sizeof(*http));
	recogniser__begin(http, reading, stream);
	for (at = 0; at < before && reading->refused == NOWHERE; at += size)
		size = recogniser__step(stream, plain, at, before - at, 0, http, reading);
	recogniser__begin(http, reading, stream);
	for (at = 0; at < stream->size && reading->refused == NOWHERE; at += size) {
		size = 1 + chance__below(&chance, chance__below(&chance, 4) ? 16 : 4096);
		size = size < stream->size - at ? size : stream->size - at;
		size = recogniser__step(stream, plain, at, size, NOWHERE, http, reading);
	}
	http->to_head = recogniser__answers_head(http, reading, plain);
	http__skip(http, 0);
}
