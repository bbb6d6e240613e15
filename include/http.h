/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A streaming HTTP/1 parser (RFC 9112), the same source in the kernel and on the host. It is given
 * the bytes of one direction of one connection, in order and in any pieces, and returns an event at
 * the end of each head.
 *
 * It keeps nothing but struct http: no buffering, no allocation, no libc. Every step is a look-up
 * of the byte's character class, one of the transition, and a short action. A transition that is
 * not in the table leads to S_DEAD: these bytes are no HTTP.
 *
 * Where RFC 9112 lets a recipient choose, it is lenient where a server answers such a request
 * (bare LF, empty lines before a request, runs of blanks in the request line, obs-fold) and strict
 * where a server must refuse it (blank before a colon, bare CR, NUL).
 */
#ifndef IMDSTRACE_HTTP_H
#define IMDSTRACE_HTTP_H

#include "abi.h"
#include "http_table.h"
#include "imds_paths.h"

#define HTTP_HEAD_MAX                                                                              \
	16384 /* bytes of one head, from its first byte to its last LF; of one chunk's framing too \
	       */

/* libbpf's barrier_var() before each check of an index: clang likes to check one copy of it and to
 * use another, which the verifier cannot follow. Verifiers before 5.13 forget the bounds of a
 * register that is spilled, so an index has 64 bits and its base is loaded before the check. */
#ifdef __bpf__
#ifndef barrier_var /* libbpf before 0.4 */
#define barrier_var(value) asm volatile("" : "+r"(value))
#endif
#else
#define barrier_var(value)
#endif

enum http_event {
	HTTP_MORE, /* nothing to tell yet */
	HTTP_HEAD, /* this byte ended a head: the struct describes it until the next byte */
	HTTP_BODY, /* a chunk's data begins: http__skip() comes before the next byte */
	HTTP_NOT,  /* these bytes are no HTTP; so is all that follows */
};

struct http {
	__u8 state;
	__u8 word;        /* row of http_words that the name or value is compared with */
	__u8 match;       /* bytes of that word matched so far, or HTTP_MISMATCH */
	__u8 field;       /* enum http_field of the header whose value is being read */
	__u8 seen;        /* enum http_seen */
	__u8 pending;     /* what the value being read adds to seen if it ends here */
	__u8 is_response; /* this direction carries responses */
	__u8 to_head;     /* the response that comes next answers a HEAD */
	__u8 path_cut;
	__u8 agent_cut;
	__u8 oversized;
	__u8 route;   /* enum http_route of the target so far */
	__u16 status; /* of a response */
	__u16 method_size;
	__u16 path_size;
	__u16 agent_size; /* without trailing blanks */
	__u16 agent_at;   /* with them */
	__u32 head_size;
	__u64 length;   /* Content-Length being read, or bytes of body left */
	__u64 declared; /* Content-Length as said */
	char method[METHOD_SIZE];
	char path[TARGET_SIZE];
	char agent[AGENT_SIZE];
};

#define HTTP_VERSION_SIZE 8

/* Ready for the first byte of a connection's requests, or of its responses. A reset is always
 * possible; what was half read is forgotten. */
HTTP_INLINE void http__reset(struct http *h, bool is_response)
{
	h->is_response = is_response;
	h->state = is_response ? S_RESPONSE : S_START;
	h->head_size = 0;
	h->oversized = 0;
}

/* Whether the bytes so far end between two messages or inside a body: no head is half read. */
HTTP_INLINE bool http__idle(const struct http *h)
{
	return h->state == S_START || h->state == S_START_LF || h->state == S_RESPONSE ||
	       h->state >= S_FRAME || h->state == S_DEAD;
}

HTTP_INLINE void http__begin(struct http *h)
{
	h->seen = 0;
	h->pending = 0;
	h->path_cut = 0;
	h->agent_cut = 0;
	h->status = 0;
	h->route = R_START;
	h->method_size = 0;
	h->path_size = 0;
	h->agent_size = 0;
	h->agent_at = 0;
	h->head_size = 1; /* the byte that begins it */
	h->length = 0;
	h->declared = 0;
}

HTTP_INLINE void http__match(struct http *h, unsigned char byte)
{
	__u8 at = h->match & (HTTP_WORD_SIZE - 1);

	h->match = http_words[h->word & (W_COUNT - 1)][at] == (char)byte ? at + 1 : HTTP_MISMATCH;
}

HTTP_INLINE unsigned char http__lower(unsigned char byte)
{
	return byte >= 'A' && byte <= 'Z' ? byte | 0x20 : byte;
}

/* Whether all of the word was matched. */
HTTP_INLINE bool http__matched(const struct http *h)
{
	__u8 at = h->match & (HTTP_WORD_SIZE - 1);

	return at && at != HTTP_MISMATCH && !http_words[h->word & (W_COUNT - 1)][at];
}

HTTP_INLINE void http__method(struct http *h, unsigned char byte)
{
	char *method = h->method;
	__u64 at = h->method_size;

	barrier_var(method);
	barrier_var(at);
	if (at >= METHOD_SIZE - 1)
		return;
	method[at] = byte;
	h->method_size = at + 1;
}

HTTP_INLINE __u8 http__route(__u8 route, __u8 route_char)
{
	return http_routes[route & (R_COUNT - 1)][route_char & (X_COUNT - 1)];
}

HTTP_INLINE void http__target(struct http *h, unsigned char byte)
{
	char *path = h->path;
	__u64 at = h->path_size;

	h->route = http__route(h->route, http_route_chars[byte]);
	barrier_var(path);
	barrier_var(at);
	if (at >= TARGET_SIZE - 1) {
		h->path_cut = 1;
		return;
	}
	path[at] = byte;
	h->path_size = at + 1;
}

HTTP_INLINE bool http__is_blank(unsigned char byte)
{
	return byte == ' ' || byte == '\t';
}

HTTP_INLINE void http__agent(struct http *h, unsigned char byte)
{
	bool blank = http__is_blank(byte);
	char *agent = h->agent;
	__u64 at = h->agent_at;

	if (blank && !at)
		return;
	barrier_var(agent);
	barrier_var(at);
	if (at >= AGENT_SIZE - 1) {
		h->agent_cut |= !blank;
		return;
	}
	agent[at] = byte;
	h->agent_at = at + 1;
	if (!blank)
		h->agent_size = at + 1;
}

/* Where in its value Content-Length is: h->match. */
enum { LENGTH_NONE, LENGTH_DIGITS, LENGTH_OVER };

#define HTTP_LENGTH_MAX (1ULL << 56) /* more is an attack, not a body */

/* The word that a name of this first letter may be. */
HTTP_INLINE __u8 http__name_word(unsigned char byte)
{
	switch (http__lower(byte)) {
	case 'x':
		return W_TOKEN;
	case 'u':
		return W_AGENT;
	case 'c':
		return W_LENGTH;
	case 't':
		return W_CODING;
	case 'm':
		return W_FLAVOR;
	case 'a':
		return W_AUTHORIZATION;
	}
	return W_NONE;
}

/* The line before is over, and with it its value. */
HTTP_INLINE void http__commit(struct http *h)
{
	h->seen |= h->pending;
	h->pending = 0;
}

HTTP_INLINE void http__name_first(struct http *h, unsigned char byte)
{
	http__commit(h);
	h->word = http__name_word(byte);
	h->match = 1; /* W_NONE matches nothing from there on */
}

HTTP_INLINE void http__name_end(struct http *h)
{
	__u8 field = http__field(h->word, h->match);

	if (field == F_AGENT && (h->seen & SEEN_AGENT))
		field = F_OTHER; /* the first one counts */
	h->seen |= http__presence(field);
	h->pending = field == F_LENGTH ? SEEN_BAD_FRAME : 0; /* until there is a digit */
	h->length = 0;
	h->field = field;
	h->word = http__value_word(field);
	h->match = 0;
}

/*
 * Content-Length: a number, or a list of equal ones (RFC 9112, 6.3), here or in several lines. The
 * first is declared, every other is compared with it as it is read.
 */
HTTP_INLINE void http__length(struct http *h, unsigned char byte)
{
	bool digit = byte >= '0' && byte <= '9';

	if (http__is_blank(byte)) {
		if (h->match == LENGTH_DIGITS)
			h->match = LENGTH_OVER;
	} else if (byte == ',') {
		http__commit(h);
		h->length = 0;
		h->pending = SEEN_BAD_FRAME;
		h->match = LENGTH_NONE;
	} else if (!digit || h->match == LENGTH_OVER || h->length > HTTP_LENGTH_MAX) {
		h->seen |= SEEN_BAD_FRAME;
	} else {
		h->length = h->length * 10 + (byte - '0');
		h->match = LENGTH_DIGITS;
		if (!(h->seen & SEEN_LENGTH))
			h->declared = h->length;
		h->pending = SEEN_LENGTH | (h->declared == h->length ? 0 : SEEN_BAD_FRAME);
	}
}

/*
 * A value that is compared with a word. Blanks around it do not count, one inside it does. Of a
 * list of transfer codings only the last decides (RFC 9112, 6.1), and an empty one is none.
 */
HTTP_INLINE void http__word(struct http *h, unsigned char byte)
{
	bool blank = http__is_blank(byte);
	bool coding = h->field == F_CODING;

	if (blank && (!h->match || http__matched(h)))
		return;
	if (coding && byte == ',') {
		h->match = 0;
		return;
	}
	if (coding)
		h->seen &= ~SEEN_CHUNKED; /* the last one of a line before, but not of the list */
	http__match(h, blank ? ' ' : http__lower(byte));
	h->pending = !http__matched(h) ? 0 : coding ? SEEN_CHUNKED : SEEN_FOREIGN;
}

HTTP_INLINE void http__value(struct http *h, unsigned char byte)
{
	if (h->field == F_AGENT)
		http__agent(h, byte);
	else if (h->field == F_LENGTH)
		http__length(h, byte);
	else if (h->field >= F_CODING)
		http__word(h, byte);
}

/* The body's framing (RFC 9112, 6.3). Bad framing makes all that follows unreadable. */
HTTP_INLINE __u8 http__after_head(struct http *h)
{
	h->length = h->declared;
	if (h->is_response) {
		if (h->status < 200)
			return h->status == 101 ? S_UNTIL_CLOSE : S_RESPONSE;
		if (h->to_head || h->status == 204 || h->status == 304)
			return S_RESPONSE;
	}
	if (h->seen & SEEN_CODING)
		return h->seen & SEEN_CHUNKED ? S_CHUNK : h->is_response ? S_UNTIL_CLOSE : S_DEAD;
	if (h->seen & SEEN_BAD_FRAME)
		return S_DEAD;
	if (h->length)
		return S_BODY;
	if (h->is_response)
		return h->seen & SEEN_LENGTH ? S_RESPONSE : S_UNTIL_CLOSE;
	return S_START;
}

HTTP_INLINE void http__version(struct http *h, unsigned char byte)
{
	if (h->match == HTTP_VERSION_SIZE - 1)
		h->match = byte >= '0' && byte <= '9' ? HTTP_VERSION_SIZE : HTTP_MISMATCH;
	else
		http__match(h, byte);
	if (h->match == HTTP_MISMATCH)
		h->state = S_DEAD;
}

HTTP_INLINE void http__version_first(struct http *h, unsigned char byte)
{
	h->word = W_VERSION;
	h->match = 0;
	http__version(h, byte);
}

HTTP_INLINE void http__chunk_digit(struct http *h, unsigned char byte)
{
	if (h->length > HTTP_LENGTH_MAX)
		h->state = S_DEAD;
	h->length = h->length << 4 | (byte <= '9' ? byte - '0' : (byte | 0x20) - 'a' + 10);
}

HTTP_INLINE __u8 http__after_body(struct http *h)
{
	if (h->state == S_CHUNK_DATA)
		return S_CHUNK_END;
	return h->is_response ? S_RESPONSE : S_START;
}

/*
 * To be called before a run of bytes is given to http__byte(): how many of the next size bytes are
 * body, which nobody needs to look at. They count as passed.
 */
HTTP_INLINE __u32 http__skip(struct http *h, __u32 size)
{
	if (h->state == S_FRAME)
		h->state = http__after_head(h);
	if (h->state == S_UNTIL_CLOSE)
		return size;
	if (h->state != S_BODY && h->state != S_CHUNK_DATA)
		return 0;
	if (size < h->length) {
		h->length -= size;
		return size;
	}
	size = h->length;
	h->length = 0;
	h->state = http__after_body(h);
	return size;
}

/* One byte of a head or of chunked framing. */
HTTP_INLINE enum http_event http__byte(struct http *h, unsigned char byte)
{
	/* volatile: a state that is loaded anew is one that the verifier knows nothing about, so
	 * that it looks at this function once for each byte and not once for each way of getting
	 * there */
	__u8 state = *(const volatile __u8 *)&h->state & (S_COUNT - 1);
	const struct http_transition *transition =
		&http_transitions[state][http_chars[byte] & (C_COUNT - 1)];

	if (++h->head_size > HTTP_HEAD_MAX) {
		h->oversized = 1;
		h->state = S_DEAD;
		return HTTP_NOT;
	}
	h->state = transition->next;

	switch (transition->action) {
	case A_METHOD_FIRST:
		http__begin(h);
		http__method(h, byte);
		break;
	case A_METHOD:
		http__method(h, byte);
		break;
	case A_TARGET:
		http__target(h, byte);
		break;
	case A_AUTHORITY: /* "scheme:/" was taken for the target */
		h->path_size = 0;
		h->path_cut = 0;
		h->route = R_START;
		break;
	case A_ROOT:
		http__target(h, '/');
		break;
	case A_ROOT_QUERY:
		h->path[0] = '/';
		h->path[1] = '?';
		h->path_size = 2;
		h->route = R_ROOT;
		break;
	case A_RESPONSE_FIRST:
		http__begin(h);
		http__version_first(h, byte);
		break;
	case A_VERSION_FIRST:
		http__version_first(h, byte);
		break;
	case A_VERSION:
		http__version(h, byte);
		break;
	case A_VERSION_END:
		if (h->match != HTTP_VERSION_SIZE)
			h->state = S_DEAD;
		break;
	case A_STATUS:
		h->status = h->status * 10 + (byte - '0');
		if (h->status > 999)
			h->state = S_DEAD;
		break;
	case A_STATUS_END:
		if (h->status < 100)
			h->state = S_DEAD;
		break;
	case A_NAME_FIRST:
		http__name_first(h, byte);
		break;
	case A_NAME:
		http__match(h, http__lower(byte));
		break;
	case A_NAME_END:
		http__name_end(h);
		break;
	case A_VALUE:
		http__value(h, byte);
		break;
	case A_HEAD_END:
		http__commit(h);
		h->head_size = 0;
		return HTTP_HEAD;
	case A_CHUNK_FIRST:
		h->length = 0;
		http__chunk_digit(h, byte);
		break;
	case A_CHUNK_DIGIT:
		http__chunk_digit(h, byte);
		break;
	case A_CHUNK:
		h->head_size = 0;
		if (h->length)
			return HTTP_BODY;
		h->state = S_TRAILER;
		break;
	case A_MESSAGE_END:
		h->head_size = 0;
		h->state = h->is_response ? S_RESPONSE : S_START;
		break;
	}
	return h->state == S_DEAD ? HTTP_NOT : HTTP_MORE;
}

/* Whether a head that ended is a final one: an interim response (1xx) is followed by another. */
HTTP_INLINE bool http__final(const struct http *h)
{
	return !h->is_response || h->status >= 200;
}

HTTP_INLINE bool http__begins(const char *text, __u16 size, const char *word, __u16 word_size)
{
	if (size < word_size)
		return false;
#pragma GCC unroll 32
	for (__u16 i = 0; i < word_size; i++)
		if (text[i] != word[i])
			return false;
	return true;
}

#define HTTP_BEGINS(h, member, word) \
	http__begins((h)->member, (h)->member##_size, word, sizeof(word) - 1)

#endif
