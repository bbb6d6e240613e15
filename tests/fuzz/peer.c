/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What http-parser finds, told in the words of reading.h. It is fed byte by byte, to know where it
 * is. */
#include "reading.h"

#include <http_parser.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What is collected of one message. */
struct peer {
	http_parser parser;
	struct reading *reading;
	size_t at;
	struct message message;
	bool in_head;
	bool in_value;
	char name[STREAM_MAX], value[STREAM_MAX], target[STREAM_MAX];
	size_t name_size, value_size, target_size;
	bool token, foreign;
};

static bool blank(char byte)
{
	return byte == ' ' || byte == '\t';
}

static bool is(const char *text, size_t size, const char *word)
{
	return size == strlen(word) && !strncasecmp(text, word, size);
}

static void text__keep(struct text *text, const char *bytes, size_t size, size_t room)
{
	text->cut = size > room;
	text->size = text->cut ? room : size;
	memcpy(text->bytes, bytes, text->size);
}

static void peer__keep_agent(struct peer *peer, const char *value, size_t size)
{
	struct text *agent = &peer->message.agent;

	if (peer->message.has_agent)
		return;
	peer->message.has_agent = true;
	text__keep(agent, value, size, AGENT_SIZE - 1);
	while (agent->size && blank(agent->bytes[agent->size - 1]))
		agent->size--;
}

/* A name and its value are complete. */
static void peer__end_header(struct peer *peer)
{
	const char *value = peer->value;
	size_t size = peer->value_size, name_size = peer->name_size;

	if (!peer->in_value)
		return;
	peer->in_value = false;
	peer->name_size = 0;
	peer->value_size = 0;
	for (; size && blank(*value); size--)
		value++;
	while (size && blank(value[size - 1]))
		size--;
	peer->token |= is(peer->name, name_size, "X-aws-ec2-metadata-token") ||
		       is(peer->name, name_size, "X-aws-ec2-metadata-token-ttl-seconds");
	peer->foreign |= is(peer->name, name_size, "Metadata-Flavor") && is(value, size, "Google");
	peer->foreign |= is(peer->name, name_size, "Metadata") && is(value, size, "true");
	peer->foreign |= is(peer->name, name_size, "Authorization") &&
			 (is(value, size, "Bearer Oracle") || is(value, size, "Bearer\tOracle"));
	peer->message.to_head |= is(peer->name, name_size, "X-Answers-Head");
	if (is(peer->name, name_size, "User-Agent") && peer->parser.type == HTTP_REQUEST)
		peer__keep_agent(peer, value, size);
}

static int on_message_begin(http_parser *parser)
{
	struct peer *peer = parser->data;

	peer->message = (struct message){.start = peer->at, .end = NOWHERE};
	peer->in_head = true;
	peer->in_value = false;
	peer->name_size = 0;
	peer->value_size = 0;
	peer->target_size = 0;
	peer->token = false;
	peer->foreign = false;
	return 0;
}

static int on_url(http_parser *parser, const char *at, size_t size)
{
	struct peer *peer = parser->data;

	memcpy(peer->target + peer->target_size, at, size);
	peer->target_size += size;
	return 0;
}

static int on_header_field(http_parser *parser, const char *at, size_t size)
{
	struct peer *peer = parser->data;

	if (!peer->in_head) /* a trailer */
		return 0;
	peer__end_header(peer);
	memcpy(peer->name + peer->name_size, at, size);
	peer->name_size += size;
	return 0;
}

static int on_header_value(http_parser *parser, const char *at, size_t size)
{
	struct peer *peer = parser->data;

	if (!peer->in_head)
		return 0;
	peer->in_value = true;
	memcpy(peer->value + peer->value_size, at, size);
	peer->value_size += size;
	return 0;
}

static void peer__keep_target(struct peer *peer, const char *target, size_t size)
{
	peer->message.destination = target__destination(target, size);
	text__keep(&peer->message.target, target, size, TARGET_SIZE - 1);
}

/* RFC 9112, 3.2.2: the path of an absolute form. http-parser only lets letters be a scheme. */
static void peer__reduce_target(struct peer *peer)
{
	char *end = peer->target + peer->target_size, *at = peer->target;

	while (at < end && ((*at | 0x20) >= 'a' && (*at | 0x20) <= 'z'))
		at++;
	if (at == peer->target || end - at < 3 || memcmp(at, "://", 3)) {
		peer__keep_target(peer, peer->target, peer->target_size);
		return;
	}
	for (at += 3; at < end && *at != '/' && *at != '?';)
		at++;
	if (at == end || *at == '?')
		*--at = '/'; /* over what is no path */
	peer__keep_target(peer, at, end - at);
}

static bool text__begins(const struct text *text, const char *word)
{
	return text->size >= strlen(word) && !memcmp(text->bytes, word, strlen(word));
}

static enum request_class peer__class(const struct peer *peer)
{
	const struct text *target = &peer->message.target;

	if (peer->parser.method == HTTP_PUT && text__begins(target, "/latest/api/token") &&
		(target->size == 17 || target->bytes[17] == '?'))
		return CLASS_TOKEN;
	if (peer->token)
		return CLASS_V2;
	if (peer->message.destination != DESTINATION_ROOT)
		return peer->message.destination == DESTINATION_FOREIGN ? CLASS_FOREIGN : CLASS_V1;
	return peer->foreign || text__begins(&peer->message.agent, "gcloud-golang/") ? CLASS_FOREIGN
										     : CLASS_V1;
}

/* RFC 9112, 6.3, which http-parser leaves to its user: so is it told. */
static bool status__has_no_body(unsigned int status)
{
	return status < 200 || status == 204 || status == 304;
}

/* 1: the message has no body. */
static int on_headers_complete(http_parser *parser)
{
	struct peer *peer = parser->data;
	struct message *message = &peer->message;

	peer__end_header(peer);
	peer->in_head = false;
	message->head_end = peer->at + 1;
	if (parser->type == HTTP_REQUEST) {
		const char *method = http_method_str(parser->method);

		text__keep(&message->method, method, strlen(method), METHOD_SIZE - 1);
		peer__reduce_target(peer);
		message->cls = peer__class(peer);
	} else {
		message->status = parser->status_code;
	}
	peer->reading->messages[peer->reading->count++] = *message;
	return parser->type == HTTP_RESPONSE &&
	       (message->to_head || status__has_no_body(parser->status_code));
}

static int on_body(http_parser *parser, const char *at, size_t size)
{
	struct peer *peer = parser->data;

	(void)at;
	memset(peer->reading->body + peer->at, true, size);
	return 0;
}

static int on_message_complete(http_parser *parser)
{
	struct peer *peer = parser->data;

	peer->reading->messages[peer->reading->count - 1].end = peer->at + 1;
	return 0;
}

void peer__read(const struct stream *stream, struct reading *reading)
{
	static const http_parser_settings settings = {
		.on_message_begin = on_message_begin,
		.on_url = on_url,
		.on_header_field = on_header_field,
		.on_header_value = on_header_value,
		.on_headers_complete = on_headers_complete,
		.on_body = on_body,
		.on_message_complete = on_message_complete,
	};
	static struct peer peer;

	http_parser_init(&peer.parser, stream->answers ? HTTP_RESPONSE : HTTP_REQUEST);
	peer.parser.data = &peer;
	peer.parser.allow_chunked_length = 1;
	peer.reading = reading;
	reading->count = 0;
	reading->refused = NOWHERE;
	memset(reading->body, false, stream->size);
	for (peer.at = 0; peer.at < stream->size; peer.at++) {
		http_parser_execute(
			&peer.parser, &settings, (const char *)stream->bytes + peer.at, 1);
		if (HTTP_PARSER_ERRNO(&peer.parser) == HPE_OK)
			continue;
		reading->refused = peer.at + 1;
		reading->error = HTTP_PARSER_ERRNO(&peer.parser);
		return;
	}
}
