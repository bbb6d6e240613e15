/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "lib/array.h"
#include "demo/imds_http.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A line of the head without its end; a view into the connection's buffer. */
struct line {
	const char *text;
	size_t size;
};

/* Cuts a line off *bytes, its CR LF or LF left out. False: no line end in sight. */
static bool line__cut(struct line *line, const char **bytes, size_t *size)
{
	const char *end = memchr(*bytes, '\n', *size);

	if (!end)
		return false;
	line->text = *bytes;
	line->size = end - *bytes;
	*size -= line->size + 1;
	*bytes = end + 1;
	if (line->size && line->text[line->size - 1] == '\r')
		line->size--;
	return true;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t';
}

static void line__trim(struct line *line)
{
	while (line->size && is_space(line->text[0])) {
		line->text++;
		line->size--;
	}
	while (line->size && is_space(line->text[line->size - 1]))
		line->size--;
}

/* Cuts a word off line, and the white space behind it. */
static void line__word(struct line *line, struct line *word)
{
	*word = (struct line){.text = line->text};
	while (word->size < line->size && !is_space(line->text[word->size]))
		word->size++;
	line->text += word->size;
	line->size -= word->size;
	line__trim(line);
}

static bool line__is(const struct line *line, const char *text)
{
	return line->size == strlen(text) && !strncasecmp(line->text, text, line->size);
}

/* Whether line ends in word, as in "gzip, chunked". */
static bool line__ends(const struct line *line, const char *word)
{
	size_t size = strlen(word);

	return line->size >= size && !strncasecmp(line->text + line->size - size, word, size);
}

static int line__copy(const struct line *line, char *out, size_t size)
{
	if (line->size >= size)
		return -ENOSPC;
	memcpy(out, line->text, line->size);
	out[line->size] = '\0';
	return 0;
}

/* -1: no number, or one of more than 18 digits. */
static int64_t line__number(const struct line *line)
{
	int64_t number = 0;

	if (!line->size || line->size > 18)
		return -1;
	for (size_t i = 0; i < line->size; i++) {
		if (!isdigit((unsigned char)line->text[i]))
			return -1;
		number = number * 10 + (line->text[i] - '0');
	}
	return number;
}

static int header__token(struct imds_request *request, const struct line *value)
{
	request->has_token = true;
	if (line__copy(value, request->token, sizeof(request->token)))
		request->token[0] = '\0';
	return 0;
}

static int header__ttl(struct imds_request *request, const struct line *value)
{
	request->has_ttl = true;
	request->ttl = line__number(value);
	return 0;
}

static int header__forwarded(struct imds_request *request, const struct line *value)
{
	(void)value;
	request->forwarded = true;
	return 0;
}

static int header__content_length(struct imds_request *request, const struct line *value)
{
	int64_t length = line__number(value);

	if (length < 0)
		return -EBADMSG;
	request->content_length = length;
	return 0;
}

static int header__transfer_encoding(struct imds_request *request, const struct line *value)
{
	request->chunked = line__ends(value, "chunked");
	return request->chunked ? 0 : -EBADMSG;
}

static int header__expect(struct imds_request *request, const struct line *value)
{
	request->expects_continue = line__is(value, "100-continue");
	return 0;
}

static int header__connection(struct imds_request *request, const struct line *value)
{
	if (line__is(value, "close"))
		request->keep_alive = false;
	else if (line__is(value, "keep-alive"))
		request->keep_alive = true;
	return 0;
}

static const struct {
	const char *name;
	int (*read)(struct imds_request *request, const struct line *value);
} headers[] = {
	{"X-aws-ec2-metadata-token", header__token},
	{"X-aws-ec2-metadata-token-ttl-seconds", header__ttl},
	{"X-Forwarded-For", header__forwarded},
	{"Content-Length", header__content_length},
	{"Transfer-Encoding", header__transfer_encoding},
	{"Expect", header__expect},
	{"Connection", header__connection},
};

static int header__parse(struct imds_request *request, struct line line)
{
	const char *colon = memchr(line.text, ':', line.size);
	struct line name = {.text = line.text};

	if (!colon || colon == line.text || is_space(colon[-1]) ||
		memchr(line.text, '\0', line.size))
		return -EBADMSG;
	name.size = colon - line.text;
	line.text = colon + 1;
	line.size -= name.size + 1;
	line__trim(&line);
	for (size_t i = 0; i < ARRAY_SIZE(headers); i++)
		if (line__is(&name, headers[i].name))
			return headers[i].read(request, &line);
	return 0;
}

static int request_line__parse(struct imds_request *request, struct line line)
{
	struct line method, target;

	line__trim(&line);
	line__word(&line, &method);
	line__word(&line, &target);
	if (!method.size || !target.size || line.size != strlen("HTTP/1.x") ||
		memcmp(line.text, "HTTP/1.", 7) || !isdigit((unsigned char)line.text[7]) ||
		memchr(target.text, '\0', target.size))
		return -EBADMSG;
	for (size_t i = 0; i < method.size; i++)
		if (!method.text[i] || (!isalnum((unsigned char)method.text[i]) &&
					       !strchr("!#$%&'*+-.^_`|~", method.text[i])))
			return -EBADMSG;
	request->minor = line.text[7] - '0';
	request->keep_alive = request->minor > 0;
	if (line__copy(&method, request->method, sizeof(request->method)) ||
		line__copy(&target, request->target, sizeof(request->target)))
		return -EBADMSG;
	return 0;
}

int imds_request__parse(struct imds_request *request, const char *bytes, size_t size)
{
	const char *start = bytes;
	bool first = true;
	struct line line;
	int error;

	*request = (struct imds_request){.ttl = -1};
	do { /* RFC 9112, 2.2: empty lines before a request are to be ignored */
		if (!line__cut(&line, &bytes, &size))
			return 0;
	} while (!line.size);
	error = request_line__parse(request, line);
	while (!error) {
		if (!line__cut(&line, &bytes, &size))
			return 0;
		if (!line.size)
			return bytes - start;
		if (!is_space(
			    line.text[0])) /* else obs-fold: more of a value that we do not need */
			error = header__parse(request, line);
		else if (first)
			error = -EBADMSG;
		first = false;
	}
	return error;
}

static int hex__digit(char c)
{
	if (!isxdigit((unsigned char)c))
		return -1;
	return isdigit((unsigned char)c) ? c - '0' : (tolower((unsigned char)c) - 'a') + 10;
}

/* One byte of a chunk's size line. */
static int chunks__size(struct imds_chunks *chunks, char c)
{
	int digit = hex__digit(c);

	if (chunks->state == CHUNK_SIZE && digit >= 0) {
		chunks->left = chunks->left * 16 + digit;
		return ++chunks->digits > 15 ? -EBADMSG : 0;
	}
	if (!chunks->digits)
		return -EBADMSG;
	chunks->state = CHUNK_EXTENSION;
	if (c == '\n') {
		chunks->state = chunks->left ? CHUNK_BYTES : CHUNK_TRAILER;
		chunks->digits = 0;
	}
	return 0;
}

/* One byte that is no chunk's content. */
static int chunks__step(struct imds_chunks *chunks, char c)
{
	switch (chunks->state) {
	case CHUNK_SIZE:
	case CHUNK_EXTENSION:
		return chunks__size(chunks, c);
	case CHUNK_BYTES_END:
		if (c == '\n')
			chunks->state = CHUNK_SIZE;
		return c == '\n' || c == '\r' ? 0 : -EBADMSG;
	case CHUNK_TRAILER:
		if (c == '\n')
			chunks->state = CHUNK_DONE;
		else if (c != '\r')
			chunks->state = CHUNK_TRAILER_LINE;
		return 0;
	case CHUNK_TRAILER_LINE:
		if (c == '\n')
			chunks->state = CHUNK_TRAILER;
		return 0;
	default:
		return -EBADMSG;
	}
}

long imds_chunks__take(struct imds_chunks *chunks, const char *bytes, size_t size, bool *done)
{
	size_t taken = 0;

	while (taken < size && chunks->state != CHUNK_DONE) {
		if (chunks->state == CHUNK_BYTES) {
			uint64_t here = chunks->left < size - taken ? chunks->left : size - taken;

			taken += here;
			chunks->left -= here;
			if (!chunks->left)
				chunks->state = CHUNK_BYTES_END;
		} else if (chunks__step(chunks, bytes[taken++])) {
			return -EBADMSG;
		}
	}
	*done = chunks->state == CHUNK_DONE;
	return taken;
}
