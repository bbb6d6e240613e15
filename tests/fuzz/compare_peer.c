/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where http-parser may differ, and no further. Debian builds it without its strict mode, so it is
 * lax with line ends and blanks; it knows a list of methods and what a URL may hold, which is none
 * of our business.
 */
#include "compare.h"

#include <ctype.h>
#include <http_parser.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "lib/array.h"

struct extract {
	const char *at;
	size_t size;
};

/* Where one of the two refused and the other did not. */
struct place {
	bool answers;           /* in a response */
	struct extract line;    /* without its end */
	struct extract message; /* from its beginning up to that line's end */
	bool in_chunks;         /* in chunked framing, trailers included */
	bool behind_chunk;      /* directly behind a chunk's bytes */
};

static bool begins(struct extract text, const char *word)
{
	return text.size >= strlen(word) && !strncasecmp(text.at, word, strlen(word));
}

static bool begins_exactly(struct extract text, const char *word)
{
	return text.size >= strlen(word) && !memcmp(text.at, word, strlen(word));
}

static bool has(struct extract text, char byte)
{
	return memchr(text.at, byte, text.size);
}

static struct extract behind(struct extract text, size_t size)
{
	return (struct extract){text.at + size, text.size - size};
}

/* Takes a line off the text. Returns it without its end. */
static struct extract take_line(struct extract *text)
{
	const char *end = memchr(text->at, '\n', text->size);
	struct extract line = {text->at, end ? (size_t)(end - text->at) : text->size};

	*text = behind(*text, line.size + (end != NULL));
	if (line.size && line.at[line.size - 1] == '\r')
		line.size--;
	return line;
}

/* Takes what comes before the next space off the line, and the spaces. */
static struct extract take_word(struct extract *line)
{
	const char *end = memchr(line->at, ' ', line->size);
	struct extract word = {line->at, end ? (size_t)(end - line->at) : line->size};

	*line = behind(*line, word.size);
	while (line->size && *line->at == ' ')
		*line = behind(*line, 1);
	return word;
}

/* How many lines of the text begin with a word. */
static size_t count_lines(struct extract text, const char *word)
{
	size_t count = 0;

	while (text.size)
		count += begins(take_line(&text), word);
	return count;
}

static struct place place__of(
	const struct stream *stream, const struct reading *ours, size_t refused)
{
	const char *bytes = (const char *)stream->bytes;
	size_t start = 0, line = refused - 1, end = refused - 1;
	struct place place = {.answers = stream->answers};

	for (size_t i = 0; i < ours->count && ours->messages[i].start < refused; i++) {
		const struct message *message = &ours->messages[i];

		start = message->end < refused ? message->end : message->start;
		place.in_chunks = message->framing == FRAMING_CHUNKED &&
				  message->head_end < refused && message->end >= refused;
	}
	while (line > start && bytes[line - 1] != '\n' && !ours->body[line - 1])
		line--;
	while (end < stream->size && bytes[end] != '\n')
		end++;
	place.behind_chunk = place.in_chunks && ours->body[line - 1];
	place.message = (struct extract){bytes + start, end - start};
	place.line = (struct extract){bytes + line, end - line};
	if (place.line.size && bytes[end - 1] == '\r')
		place.line.size--;
	return place;
}

/* The excuses. */

static bool always(const struct place *place)
{
	(void)place;
	return true;
}

/* Any token is a method (RFC 9110, 9.1). */
static bool method_is_not_in_the_list(const struct place *place)
{
#define METHOD(number, name, text) #text " ",
	static const char *const methods[] = {HTTP_METHOD_MAP(METHOD)};

	for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
		if (begins_exactly(place->line, methods[i]))
			return false;
	return true;
}

/* Blanks of any kind and number (RFC 9112, 3), where http-parser takes only spaces, and none at the
 * end. */
static bool blanks_are_odd(const struct place *place)
{
	return has(place->line, '\t') ||
	       has((struct extract){place->line.at + place->line.size - 1, 1}, ' ');
}

/* A target is what stands between blanks. One that is a path, or an asterisk, both must take. */
static bool target_is_no_path(const struct place *place)
{
	struct extract line = place->line, target;

	take_word(&line);
	target = take_word(&line);
	return !target.size || !strchr("/*", *target.at) || has(place->line, '\t');
}

/* No control character stands in a target (RFC 9112, 3.2), but http-parser takes a tab and a form
 * feed. */
static bool target_has_form_feed(const struct place *place)
{
	return has(place->line, '\f');
}

/* HTTP/0.9, which has none, HTTP/2.0, http/1.1 (RFC 9112, 2.3), and ICE/1.0 with SOURCE. */
static bool version_is_not_1(const struct place *place)
{
	struct extract line = place->line;

	if (place->answers)
		return !begins_exactly(line, "HTTP/1.");
	take_word(&line);
	take_word(&line);
	return !begins_exactly(line, "HTTP/1.") || has(place->line, '\t') || has(place->line, '\f');
}

/* Exactly one blank, and three digits of which the first is none but 0 (RFC 9112, 4). */
static bool status_is_odd(const struct place *place)
{
	struct extract line = place->line;

	if (!begins_exactly(line, "HTTP/1.") || line.size < 12)
		return true;
	for (size_t i = 9; i < 12; i++)
		if (!isdigit((unsigned char)line.at[i]))
			return true;
	return line.at[8] != ' ' || line.at[9] == '0';
}

/* RFC 9112, 5.1: no blank before the colon, nor in a name. */
static bool name_has_space(const struct place *place)
{
	const char *colon = memchr(place->line.at, ':', place->line.size);

	return colon && memchr(place->line.at, ' ', colon - place->line.at);
}

/* RFC 9110, 5.5, lets a recipient keep them. */
static bool value_has_control(const struct place *place)
{
	for (size_t i = 0; i < place->line.size; i++)
		if ((place->line.at[i] >= 0 && place->line.at[i] < ' ' &&
			    place->line.at[i] != '\t') ||
			place->line.at[i] == 0x7f)
			return true;
	return false;
}

/* Trailers are passed over, and http-parser reads them. */
static bool is_trailer_or_has_control(const struct place *place)
{
	return place->in_chunks || value_has_control(place);
}

/*
 * A list of equal numbers is a number (RFC 9112, 6.3). And what is none spoils the framing, of
 * which we complain behind the head.
 */
static bool length_is_not_plain(const struct place *place)
{
	struct extract line = place->line;
	size_t digits = 0, words = 0;

	if (place->in_chunks || count_lines(place->message, "Content-Length:") != 1 ||
		!begins(line, "Content-Length:"))
		return true;
	line = behind(line, strlen("Content-Length:"));
	for (size_t i = 0; i < line.size; i++) {
		if (line.at[i] != ' ' && !isdigit((unsigned char)line.at[i]))
			return true;
		digits += line.at[i] != ' ';
		words += line.at[i] != ' ' && (!i || line.at[i - 1] == ' ');
	}
	return words != 1 || digits > 17;
}

/* Another Content-Length of the same number, or a Transfer-Encoding, which overrides it (RFC
 * 9112, 6.3). */
static bool length_is_not_alone(const struct place *place)
{
	return place->in_chunks || count_lines(place->message, "Content-Length:") > 1 ||
	       count_lines(place->message, "Transfer-Encoding") > 0;
}

/* It also takes a name for Transfer-Encoding that only begins so. Other codings spoil our framing
 * as well. */
static bool has_coding(const struct place *place)
{
	return count_lines(place->message, "Transfer-Encoding") > 0;
}

/* A size and what is behind it (RFC 9112, 7.1.1), which may be blanks for us. */
static bool size_has_tab(const struct place *place)
{
	return has(place->line, '\t');
}

/* Any two bytes end a chunk for http-parser, any byte stands for an LF behind a CR, and all bytes
 * from 'p' upwards are the digit 0. */
static bool chunk_is_odd(const struct place *place)
{
	if (place->behind_chunk || has(place->line, '\r') || has(place->line, '\0'))
		return true;
	for (size_t i = 0; i < place->line.size; i++)
		if ((unsigned char)place->line.at[i] >= 'p')
			return true;
	return false;
}

typedef bool (*excuse)(const struct place *place);

/* What http-parser refuses and we do not, by its error. */
static const excuse stricter[] = {
	[HPE_INVALID_METHOD] = method_is_not_in_the_list,
	[HPE_INVALID_URL] = target_is_no_path,
	[HPE_INVALID_VERSION] = blanks_are_odd,
	[HPE_INVALID_CONSTANT] = blanks_are_odd,
	[HPE_INVALID_STATUS] = blanks_are_odd,
	[HPE_INVALID_HEADER_TOKEN] = is_trailer_or_has_control,
	[HPE_INVALID_CONTENT_LENGTH] = length_is_not_plain,
	[HPE_UNEXPECTED_CONTENT_LENGTH] = length_is_not_alone,
	[HPE_INVALID_TRANSFER_ENCODING] = has_coding,
	[HPE_INVALID_CHUNK_SIZE] = size_has_tab,
};

/* What we refuse and http-parser does not. */
static const excuse laxer[] = {
	[REFUSED_TARGET] = target_has_form_feed,
	[REFUSED_VERSION] = version_is_not_1,
	[REFUSED_STATUS] = status_is_odd,
	[REFUSED_NAME] = name_has_space,
	[REFUSED_FIRST_BLANK] = name_has_space,
	[REFUSED_CONTROL] = always, /* RFC 9112, 2.2, and RFC 9110, 5.5 */
	[REFUSED_LENGTH] = always,  /* http-parser: 80 KiB */
	[REFUSED_CHUNK] = chunk_is_odd,
};

static void place__check(const struct place *place, const char *what, const excuse *excuses,
	size_t count, size_t why)
{
	if (why < count && excuses[why] && excuses[why](place))
		return;
	fprintf(stderr, "in the line \"%.*s\":\n", (int)place->line.size, place->line.at);
	disagree(what, why, place->line.size);
}

/* What must not be compared any further. */

static struct extract message__head(const struct stream *stream, const struct message *message)
{
	return (struct extract){
		(const char *)stream->bytes + message->start, message->head_end - message->start};
}

/*
 * A tab separates (RFC 9112, 3) and is a part of the target for http-parser. And any token is a
 * scheme for us, where only letters are one for http-parser: RFC 3986, 3.1, is in between, and no
 * server knows such a scheme.
 */
static bool targets_differ(const struct stream *stream, const struct message *message)
{
	struct extract head = message__head(stream, message), line = take_line(&head), target;
	const char *end;

	if (stream->answers)
		return false;
	if (has(line, '\t'))
		return true;
	take_word(&line);
	target = take_word(&line);
	end = memmem(target.at, target.size, "://", 3);
	for (; end && target.at < end; target.at++)
		if (!isalpha((unsigned char)*target.at))
			return true;
	return false;
}

/* Whether a member of the list behind a header's name is empty, or begins as no token does. */
static bool has_odd_member(struct extract line)
{
	char last = ',';

	for (size_t i = strlen("Transfer-Encoding:"); i < line.size; i++) {
		if (line.at[i] == ' ')
			continue;
		if (last == ',' && !isalnum((unsigned char)line.at[i]) &&
			!memchr("!#$%&'*+-.^_`|~", line.at[i], 15))
			return true;
		last = line.at[i];
	}
	return last == ',';
}

/* Whether a member that is not the last one is "chunked" or begins it: http-parser, in the middle
 * of that word, does not look for the comma. */
static bool has_begun_member(struct extract line)
{
	static const char chunked[] = "chunked";
	bool begins = true;
	size_t matched = 0;

	for (size_t i = strlen("Transfer-Encoding:"); i < line.size; i++) {
		char byte = line.at[i];

		if (byte == ',' && begins && matched)
			return true;
		if (byte == ',') {
			begins = true;
			matched = 0;
		} else if (byte == ' ') {
			begins &= !matched || !chunked[matched];
		} else {
			begins &= tolower((unsigned char)byte) == chunked[matched];
			matched += begins;
		}
	}
	return false;
}

/*
 * An empty member is none (RFC 9110, 5.6.1.2), a tab is a blank, and what comes last decides (RFC
 * 9112, 6.1), whatever stands before it. Not so for http-parser, which on the other hand takes a
 * name for Transfer-Encoding that only begins so.
 */
static bool codings_differ(struct extract head)
{
	while (head.size) {
		struct extract line = take_line(&head);

		if (!begins(line, "Transfer-Encoding"))
			continue;
		if (line.at[17] != ':' || has_odd_member(line) || has_begun_member(line) ||
			has(line, '\t') || strchr(" \t", *head.at))
			return true;
	}
	return false;
}

/* We take LF for a line's end in chunked framing as well (RFC 9112, 2.2); http-parser takes it for
 * a part of the line, or for whatever it expects. */
static bool chunks_end_in_lf(
	const struct stream *stream, const struct reading *ours, const struct message *message)
{
	size_t end = message->end < stream->size ? message->end : stream->size;

	if (message->framing != FRAMING_CHUNKED)
		return false;
	for (size_t at = message->head_end; at < end; at++)
		if (stream->bytes[at] == '\n' && !ours->body[at] &&
			(stream->bytes[at - 1] != '\r' || ours->body[at - 1]))
			return true;
	return false;
}

static bool message__parts(
	const struct stream *stream, const struct reading *ours, const struct message *message)
{
	struct extract head = message__head(stream, message);

	if (message->framing == FRAMING_BAD || message->status == 101)
		return true; /* the rest is no HTTP to us */
	if (begins_exactly(head, "CONNECT ") && message->framing != FRAMING_NONE)
		return true; /* to http-parser, in spite of RFC 9112, 6.3 */
	return codings_differ(head) || chunks_end_in_lf(stream, ours, message);
}

static void compare__ends(const struct stream *stream, const struct reading *plain,
	const struct reading *ours, const struct reading *peer)
{
	struct place place;

	if (peer->refused != NOWHERE &&
		(ours->refused == NOWHERE || peer->refused <= plain->line)) {
		place = place__of(stream, ours, peer->refused);
		place__check(&place, "http-parser alone refuses", stricter, ARRAY_SIZE(stricter),
			peer->error);
	} else if (plain->refused != NOWHERE && peer->refused > plain->refused) {
		place = place__of(stream, ours, plain->refused);
		place__check(
			&place, "http-parser alone goes on", laxer, ARRAY_SIZE(laxer), plain->why);
	} else if (ours->refused == NOWHERE) {
		AGREE("number of heads", ours->count, peer->count);
	}
}

void compare__peer(const struct stream *stream, const struct reading *plain,
	const struct reading *ours, const struct reading *peer)
{
	for (size_t i = 0; i < ours->count && i < peer->count; i++) {
		const struct message *left = &ours->messages[i], *right = &peer->messages[i];

		AGREE("start of a message", left->start, right->start);
		if (targets_differ(stream, left))
			return;
		compare__message(left, right);
		if (message__parts(stream, ours, left))
			return;
		if (!(left->end == NOWHERE && ours->refused != NOWHERE) &&
			!(right->end == NOWHERE && peer->refused != NOWHERE))
			AGREE("end of a message", left->end, right->end);
	}
	for (size_t i = 0; i < stream->size && i < plain->line && i + 1 < peer->refused; i++)
		if (ours->body[i] != peer->body[i])
			disagree("body", i, i);
	compare__ends(stream, plain, ours, peer);
}
