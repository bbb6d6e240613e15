/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The rules of include/http.h a second time: over a buffer that holds the whole stream, line by
 * line and header by header, with nothing in common with the table of states.
 */
#include "plain.h"

#include "http.h"

/* The size of a chunk, of which line is all that comes before the line's end. */
static bool chunk_line__read(struct span line, uint64_t *size)
{
	struct span digits = span__until(&line, " \t;");

	return !line__has_control(line) && number__read(digits, 16, HTTP_LENGTH_MAX, size);
}

static bool body__pass(
	const struct stream *stream, struct reading *reading, size_t at, uint64_t size)
{
	bool complete = size <= stream->size - at;

	memset(reading->body + at, true, complete ? size : stream->size - at);
	return complete;
}

static bool trailers__read(
	const struct stream *stream, struct reading *reading, size_t at, size_t *end)
{
	size_t start = at, next;
	struct span line;

	for (; line__read(stream, at, &line, &next) && next - start <= HTTP_HEAD_MAX; at = next) {
		if (!line.size) {
			*end = next;
			return true;
		}
		if (line__has_control(line)) {
			refuse(reading, REFUSED_CONTROL, at, next);
			return false;
		}
	}
	reading->line = at;
	if (stream->size - start > HTTP_HEAD_MAX)
		refuse(reading, REFUSED_LENGTH, at, start + HTTP_HEAD_MAX + 1);
	return false;
}

/* Chunk by chunk. Returns whether all of them are there; end: behind them. */
static bool chunks__read(
	const struct stream *stream, struct reading *reading, size_t at, size_t *end)
{
	size_t framing = at, next; /* framing: where the bytes began that are no body */
	struct span line;
	uint64_t size;

	while (line__read(stream, at, &line, &next) && next - framing <= HTTP_HEAD_MAX) {
		if (!chunk_line__read(line, &size)) {
			refuse(reading, REFUSED_CHUNK, at, next);
			return false;
		}
		if (!size)
			return trailers__read(stream, reading, next, end);
		if (!body__pass(stream, reading, next, size))
			return false;
		at = framing = next + size;
		if (line__read(stream, at, &line, &next)) {
			if (line.size) {
				refuse(reading, REFUSED_CHUNK, at, next);
				return false;
			}
			at = next;
		}
	}
	reading->line = at;
	if (stream->size - framing > HTTP_HEAD_MAX)
		refuse(reading, REFUSED_LENGTH, at, framing + HTTP_HEAD_MAX + 1);
	return false;
}

/* Returns whether another message may follow, behind end. */
static bool body__read(
	const struct stream *stream, struct reading *reading, struct message *message)
{
	uint64_t length = 0;
	size_t at = message->head_end;

	reading->line = at;
	message->end = NOWHERE;
	message->framing = message__framing(message, &length);
	switch (message->framing) {
	case FRAMING_BAD:
		if (at < stream->size)
			refuse(reading, REFUSED_FRAMING, at, at + 1);
		return false;
	case FRAMING_UNTIL_CLOSE:
		body__pass(stream, reading, at, stream->size - at);
		return false;
	case FRAMING_CHUNKED:
		return chunks__read(stream, reading, at, &message->end);
	case FRAMING_LENGTH:
	case FRAMING_NONE:
		break;
	}
	if (!body__pass(stream, reading, at, length * (message->framing == FRAMING_LENGTH)))
		return false;
	message->end = at + length * (message->framing == FRAMING_LENGTH);
	return true;
}

/* Empty lines before a request (RFC 9112, 2.2); before a response, their bytes in any order. */
static bool empty_lines__pass(const struct stream *stream, struct reading *reading, size_t *at)
{
	const char *bytes = (const char *)stream->bytes;
	size_t start = *at;

	for (; *at < stream->size; ++*at) {
		reading->line = *at;
		if (stream->answers && *at - start >= HTTP_HEAD_MAX) {
			refuse(reading, REFUSED_LENGTH, *at, *at + 1);
			return false;
		}
		if (bytes[*at] == '\n')
			continue;
		if (bytes[*at] != '\r')
			return true;
		if (!stream->answers && *at + 1 < stream->size && bytes[*at + 1] != '\n') {
			refuse(reading, REFUSED_CONTROL, *at, *at + 2);
			return false;
		}
	}
	return false;
}

void plain__read(const struct stream *stream, struct reading *reading)
{
	size_t at = 0;

	reading->count = 0;
	reading->refused = NOWHERE;
	reading->why = REFUSED_NOTHING;
	reading->line = 0;
	memset(reading->body, false, stream->size);
	while (empty_lines__pass(stream, reading, &at)) {
		struct message *message = &reading->messages[reading->count];

		if (!head__read(stream, reading, at, message))
			return;
		message->to_head = stream->answers && head__answers_head();
		if (!stream->answers) {
			message__name_agent(message);
			message->cls = message__class(message);
		}
		reading->count++;
		if (!body__read(stream, reading, message))
			return;
		at = message->end;
	}
}
