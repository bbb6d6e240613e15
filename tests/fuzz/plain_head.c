/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Heads, line by line and header by header, with nothing in common with the table of states. */
#include "plain.h"

#include "http.h"

#define HEADERS_MAX 8192 /* no head has more */

/* A header's value, folded lines included, without the line ends in it. */
struct header {
	struct span name;
	char *value;
	size_t size;
};

struct head {
	struct header headers[HEADERS_MAX];
	size_t count;
	char values[HTTP_HEAD_MAX + 1];
	size_t used;
};

static struct head head;

/* The next member of a comma-separated list, trimmed. */
static bool list__next(struct span *list, struct span *member)
{
	if (!list->at)
		return false;
	*member = span__trim(span__until(list, ","));
	if (list->size) {
		list->at++;
		list->size--;
	} else {
		list->at = NULL;
	}
	return true;
}

static void text__keep(struct text *text, struct span span, size_t room)
{
	text->cut = span.size > room;
	text->size = text->cut ? room : span.size;
	memcpy(text->bytes, span.at, text->size);
}

bool line__read(const struct stream *stream, size_t at, struct span *line, size_t *next)
{
	const char *start = (const char *)stream->bytes + at;
	const char *end = memchr(start, '\n', stream->size - at);

	if (!end)
		return false;
	*next = at + (end - start) + 1;
	line->at = start;
	line->size = end - start - (end > start && end[-1] == '\r');
	return true;
}

bool line__has_control(struct span line)
{
	return memchr(line.at, '\0', line.size) || memchr(line.at, '\r', line.size);
}

static bool span__is_version(struct span span)
{
	return span.size == 8 && span__begins(span, "HTTP/1.") &&
	       isdigit((unsigned char)span.at[7]);
}

/* RFC 9112, 3.2.2: an absolute form becomes its path. root: where "/?query" is put together. */
static struct span target__reduce(struct span target, char *root, size_t room)
{
	struct span scheme = {target.at, 0}, rest;

	while (scheme.size < target.size && tchar(target.at[scheme.size]))
		scheme.size++;
	rest = (struct span){target.at + scheme.size, target.size - scheme.size};
	if (!scheme.size || !span__begins(rest, "://"))
		return target;
	rest.at += 3;
	rest.size -= 3;
	span__until(&rest, "/?");
	if (rest.size && *rest.at == '/')
		return rest;
	root[0] = '/';
	if (rest.size > room - 1)
		rest.size = room - 1;
	memcpy(root + 1, rest.at, rest.size);
	return (struct span){root, rest.size + 1};
}

static bool segment__is_version(struct span segment)
{
	static const char date[] = "0000-00-00";
	bool number = segment.size && isdigit((unsigned char)segment.at[0]);
	bool dated = segment.size == sizeof(date) - 1;

	for (size_t i = 0; i < segment.size; i++) {
		bool digit = isdigit((unsigned char)segment.at[i]);

		number = number && (digit || segment.at[i] == '.');
		dated = dated && (date[i] == '0' ? digit : segment.at[i] == date[i]);
	}
	return number || dated || span__is(segment, "latest");
}

/*
 * Segment by segment. Of a segment that has parameters behind a semicolon, what comes before them
 * decides; where that is nothing, nobody can say what a server makes of it.
 */
enum destination target__destination(const char *target, size_t size)
{
	struct span rest = {target, size}, path = span__until(&rest, "?#");
	enum destination destination = DESTINATION_ROOT;

	if (!span__begins(path, "/"))
		return DESTINATION_EC2;
	while (path.size) {
		struct span whole, segment;

		path.at++;
		path.size--;
		whole = span__until(&path, "/");
		if (memchr(whole.at, '%', whole.size) || memchr(whole.at, '\\', whole.size))
			return DESTINATION_EC2;
		rest = whole;
		segment = span__until(&rest, ";");
		if (span__equals(segment, ".."))
			return DESTINATION_EC2;
		if (destination == DESTINATION_FOREIGN)
			continue;
		if (!segment.size || span__equals(segment, ".")) {
			if (rest.size)
				return DESTINATION_EC2;
			continue;
		}
		if (segment__is_version(segment))
			return DESTINATION_EC2;
		destination = DESTINATION_FOREIGN;
	}
	return destination;
}

static enum refusal request_line__read(struct span line, struct message *message)
{
	char root[TARGET_SIZE + 1];
	struct span reduced;
	struct span method = span__until(&line, " \t"), target, version;

	if (!method.size)
		return REFUSED_METHOD;
	for (size_t i = 0; i < method.size; i++)
		if (!tchar(method.at[i]))
			return REFUSED_METHOD;
	line = span__trim(line);
	target = span__until(&line, " \t");
	version = span__trim(line);
	for (size_t i = 0; i < target.size; i++)
		if ((unsigned char)target.at[i] < ' ' || target.at[i] == 0x7f)
			return REFUSED_TARGET;
	if (!span__is_version(version))
		return REFUSED_VERSION;
	text__keep(&message->method, method, METHOD_SIZE - 1);
	message->method.cut = false;
	reduced = target__reduce(target, root, sizeof(root));
	message->destination = target__destination(reduced.at, reduced.size);
	text__keep(&message->target, reduced, TARGET_SIZE - 1);
	return REFUSED_NOTHING;
}

static enum refusal status_line__read(struct span line, struct message *message)
{
	struct span version = span__until(&line, " \t"), status;

	if (!span__is_version(version) || !line.size)
		return REFUSED_VERSION;
	line.at++;
	line.size--;
	status = span__until(&line, " \t");
	message->status = 0;
	for (size_t i = 0; i < status.size; i++) {
		if (!isdigit((unsigned char)status.at[i]))
			return REFUSED_STATUS;
		message->status = message->status * 10 + status.at[i] - '0';
		if (message->status > 999)
			return REFUSED_STATUS;
	}
	return message->status < 100 ? REFUSED_STATUS : REFUSED_NOTHING;
}

static void head__append(struct span text)
{
	struct header *header = &head.headers[head.count - 1];

	memcpy(head.values + head.used, text.at, text.size);
	head.used += text.size;
	header->size += text.size;
}

static enum refusal field_line__read(struct span line)
{
	struct span name;

	if (blank(*line.at)) {
		if (!head.count)
			return REFUSED_FIRST_BLANK;
		head__append(line);
		return REFUSED_NOTHING;
	}
	name = span__until(&line, ":");
	for (size_t i = 0; i < name.size; i++)
		if (!tchar(name.at[i]))
			return REFUSED_NAME;
	if (!name.size || !line.size)
		return REFUSED_NAME;
	line.at++;
	line.size--;
	head.headers[head.count++] =
		(struct header){.name = name, .value = head.values + head.used};
	head__append(line);
	return REFUSED_NOTHING;
}

static bool header__is(const struct header *header, const char *name)
{
	return span__is(header->name, name);
}

static struct span header__value(const struct header *header)
{
	return span__trim((struct span){header->value, header->size});
}

/* Of several, the number-th (from 0). */
static const struct header *head__find(const char *name, size_t number)
{
	for (size_t i = 0; i < head.count; i++)
		if (header__is(&head.headers[i], name) && !number--)
			return &head.headers[i];
	return NULL;
}

static bool head__says(const char *name, const char *value)
{
	const struct header *header;

	for (size_t i = 0; (header = head__find(name, i)); i++)
		if (span__is(header__value(header), value))
			return true;
	return false;
}

enum request_class message__class(const struct message *message)
{
	struct span method = {message->method.bytes, message->method.size};
	struct span rest = {message->target.bytes, message->target.size};
	const struct header *agent = head__find("User-Agent", 0);

	if (span__equals(method, "PUT") &&
		span__equals(span__until(&rest, "?"), "/latest/api/token"))
		return CLASS_TOKEN;
	if (head__find("X-aws-ec2-metadata-token", 0) ||
		head__find("X-aws-ec2-metadata-token-ttl-seconds", 0))
		return CLASS_V2;
	if (message->destination != DESTINATION_ROOT)
		return message->destination == DESTINATION_FOREIGN ? CLASS_FOREIGN : CLASS_V1;
	if (head__says("Metadata-Flavor", "Google") || head__says("Metadata", "true") ||
		head__says("Authorization", "Bearer Oracle") ||
		head__says("Authorization", "Bearer\tOracle") ||
		(agent && span__begins(header__value(agent), "gcloud-golang/")))
		return CLASS_FOREIGN;
	return CLASS_V1;
}

void message__name_agent(struct message *message)
{
	const struct header *header = head__find("User-Agent", 0);

	if (!header)
		return;
	message->has_agent = true;
	text__keep(&message->agent, header__value(header), AGENT_SIZE - 1);
	while (message->agent.size && blank(message->agent.bytes[message->agent.size - 1]))
		message->agent.size--;
}

/* RFC 9112, 6.1: whether the last of all codings is chunked. */
static bool head__is_chunked(void)
{
	const struct header *header;
	bool chunked = false;

	for (size_t i = 0; (header = head__find("Transfer-Encoding", i)); i++) {
		struct span list = {header->value, header->size}, coding;

		while (list__next(&list, &coding))
			if (coding.size)
				chunked = span__is(coding, "chunked");
	}
	return chunked;
}

bool number__read(struct span digits, unsigned int base, uint64_t limit, uint64_t *number)
{
	static const char all[] = "0123456789abcdef";

	*number = 0;
	for (size_t i = 0; i < digits.size; i++) {
		const char *digit = strchr(all, tolower((unsigned char)digits.at[i]));

		if (!digits.at[i] || !digit || (unsigned int)(digit - all) >= base ||
			*number > limit)
			return false;
		*number = *number * base + (digit - all);
	}
	return digits.size;
}

/* RFC 9112, 6.3: all Content-Lengths are one number. */
static bool head__length(uint64_t *length)
{
	const struct header *header;
	uint64_t number;

	for (size_t i = 0; (header = head__find("Content-Length", i)); i++) {
		struct span list = {header->value, header->size}, member;

		for (size_t n = i; list__next(&list, &member); n++) {
			if (!number__read(member, 10, HTTP_LENGTH_MAX, &number))
				return false;
			if (n && number != *length)
				return false;
			*length = number;
		}
	}
	return true;
}

enum framing message__framing(const struct message *message, uint64_t *length)
{
	bool response = message->status;
	bool lengths = head__length(length);

	if (message->status == 101)
		return FRAMING_UNTIL_CLOSE;
	if (response && (message->status < 200 || message->status == 204 ||
				message->status == 304 || message->to_head))
		return FRAMING_NONE;
	if (head__is_chunked())
		return FRAMING_CHUNKED;
	if (head__find("Transfer-Encoding", 0))
		return response ? FRAMING_UNTIL_CLOSE : FRAMING_BAD;
	if (!lengths)
		return FRAMING_BAD;
	if (*length)
		return FRAMING_LENGTH;
	return response && !head__find("Content-Length", 0) ? FRAMING_UNTIL_CLOSE : FRAMING_NONE;
}

void refuse(struct reading *reading, enum refusal why, size_t line, size_t next)
{
	reading->why = why;
	reading->line = line;
	reading->refused = next;
}

static enum refusal line__take(
	const struct stream *stream, struct span line, bool first, struct message *message)
{
	if (line__has_control(line))
		return REFUSED_CONTROL;
	if (!first)
		return field_line__read(line);
	return stream->answers ? status_line__read(line, message)
			       : request_line__read(line, message);
}

bool head__read(
	const struct stream *stream, struct reading *reading, size_t start, struct message *message)
{
	size_t at = start, next;
	struct span line;

	*message = (struct message){.start = start};
	head.count = 0;
	head.used = 0;
	for (; line__read(stream, at, &line, &next) && next - start <= HTTP_HEAD_MAX; at = next) {
		enum refusal why;

		if (at > start && !line.size) {
			message->head_end = next;
			return true;
		}
		why = line__take(stream, line, at == start, message);
		if (why) {
			refuse(reading, why, at, next);
			return false;
		}
	}
	reading->line = at;
	if (stream->size - start > HTTP_HEAD_MAX)
		refuse(reading, REFUSED_LENGTH, at, start + HTTP_HEAD_MAX + 1);
	return false;
}

bool head__answers_head(void)
{
	return head__find("X-Answers-Head", 0);
}
