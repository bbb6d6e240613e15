/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The recogniser, one row a case, named by what a client or a server does. A row's outcome is a
 * text: the heads in order, then how the stream was left where that is not between two messages or
 * in a body.
 *
 *     v1 GET /path "agent" | v2 PUT /other | half a head
 *
 * A target or a name that was cut has a + behind it. Every row also runs cut in two at each of its
 * bytes, and byte by byte.
 */
#ifndef IMDSTRACE_HTTP_FIXTURE_H
#define IMDSTRACE_HTTP_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "../fuzz/feed.h"
#include "lib/scope.h"

#define TOKEN "X-aws-ec2-metadata-token"
#define TTL   "X-aws-ec2-metadata-token-ttl-seconds"
#define LINE  "GET / HTTP/1.1\r\n"
#define POST  "POST / HTTP/1.1\r\n"
#define END   "\r\n"
#define NEXT  "GET /1.0/ HTTP/1.1\r\n\r\n"

#define TWICE(text) text text
#define EIGHT(text) TWICE(TWICE(TWICE(text)))
#define P31         "abcdefghijklmnopqrstuvwxyz01234"
#define P248        EIGHT(P31)
#define P254        P248 "uvwxyz"
#define P255        P248 "tuvwxyz"

struct row {
	const char *name;
	const char *bytes;
	size_t size;
	const char *outcome;
	unsigned int heads; /* of responses: bit N is set where the Nth answers a HEAD */
};

#define ROW(title, text, result)                                                          \
	{                                                                                 \
		.name = title, .bytes = text, .size = sizeof(text) - 1, .outcome = result \
	}
#define HEAD_ROW(title, text, result, which)                                               \
	{                                                                                  \
		.name = title, .bytes = text, .size = sizeof(text) - 1, .outcome = result, \
		.heads = which                                                             \
	}

/* Where the stream goes through the recogniser, and what became of it so far. */
struct stream {
	struct http http;
	FILE *text;
	const char *separator;
	unsigned int heads;
	unsigned int answered;
	bool dead;
};

static inline void stream__say(struct stream *stream, const char *words)
{
	fprintf(stream->text, "%s%s", stream->separator, words);
	stream->separator = " | ";
}

static inline void stream__say_head(struct stream *stream)
{
	static const char *const classes[] = {"token", "v2", "foreign", "v1"};
	const struct http *http = &stream->http;

	if (http->is_response) {
		stream__say(stream, "");
		fprintf(stream->text, http__final(http) ? "%d" : "(%d)", http->status);
		stream->answered += http__final(http);
		return;
	}
	stream__say(stream, classes[http__class(http)]);
	fprintf(stream->text, " %.*s %.*s%s", http->method_size, http->method, http->path_size,
		http->path, http->path_cut ? "+" : "");
	if (http->seen & SEEN_AGENT)
		fprintf(stream->text, " \"%.*s\"%s", http->agent_size, http->agent,
			http->agent_cut ? "+" : "");
}

/* The last head's body is not framed before the next byte comes: until then it is about that one.
 */
static inline bool stream__answers_head(const struct stream *stream)
{
	const struct http *http = &stream->http;
	bool framing = http->is_response && http->state == S_FRAME && http__final(http);

	return stream->heads >> (stream->answered - framing) & 1;
}

static inline void stream__feed(struct stream *stream, const void *bytes, size_t size)
{
	struct piece piece = {.bytes = bytes, .size = size};

	while (piece.size && !stream->dead) {
		stream->http.to_head = stream__answers_head(stream);
		switch (feed__step(&stream->http, &piece)) {
		case HTTP_HEAD:
			stream__say_head(stream);
			break;
		case HTTP_NOT:
			stream->dead = true;
			stream__say(stream, stream->http.oversized ? "too long" : "no HTTP");
			break;
		case HTTP_MORE:
		case HTTP_BODY:
			break;
		}
	}
}

/* Begins a stream: its recogniser is reset, its outcome goes into a new text, which the caller
 * frees once stream->text is closed. */
static inline void stream__open(struct stream *stream, char **text, size_t *size, bool answers)
{
	stream->text = open_memstream(text, size);
	assert_non_null(stream->text);
	stream->separator = "";
	stream->answered = 0;
	stream->dead = false;
	http__reset(&stream->http, answers);
}

/* The outcome of first bytes that come at once, and then of pieces of step bytes. The caller frees.
 */
static inline char *outcome(const struct row *row, size_t first, size_t step, bool answers)
{
	struct stream stream = {.heads = row->heads};
	char *text = NULL;
	size_t text_size, at = first;

	memset(&stream.http, 0xa5, sizeof(stream.http)); /* what a reset must not rely on */
	stream__open(&stream, &text, &text_size, answers);
	stream__feed(&stream, row->bytes, first);
	for (; at + step < row->size; at += step)
		stream__feed(&stream, row->bytes + at, step);
	stream__feed(&stream, row->bytes + at, row->size - at);
	if (!stream.dead && !http__idle(&stream.http))
		stream__say(&stream, "half a head");
	fclose(stream.text);
	return text;
}

static inline bool outcome__is(const struct row *row, size_t first, size_t step, bool answers)
{
	_free_ char *text = outcome(row, first, step, answers);

	if (!strcmp(text, row->outcome))
		return true;
	print_error("%s, %zu bytes first and then %zu:\n  expected %s\n  but was  %s\n", row->name,
		first, step, row->outcome, text);
	return false;
}

static inline bool row__holds(const struct row *row, bool answers)
{
	if (!outcome__is(row, row->size, 1, answers) || !outcome__is(row, 0, 1, answers))
		return false;
	for (size_t cut = 1; cut < row->size; cut++)
		if (!outcome__is(row, cut, row->size, answers))
			return false;
	return true;
}

static inline void rows__hold(const struct row *rows, size_t count, bool answers)
{
	size_t failed = 0;

	for (size_t i = 0; i < count; i++)
		failed += !row__holds(&rows[i], answers);
	assert_int_equal(failed, 0);
}

#endif
