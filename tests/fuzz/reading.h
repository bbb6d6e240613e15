/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a reader found in a stream of requests or of responses. Three readers fill it in, each in
 * its own way, and then they are compared (compare.h):
 *
 *     recogniser.c   include/http.h, which is what is tested
 *     plain.c        the same rules, written down a second time over whole lines
 *     peer.c         http-parser, by other people and with rules of its own
 */
#ifndef FUZZ_READING_H
#define FUZZ_READING_H

#include <stddef.h>
#include <stdint.h>

#include "abi.h"

#define STREAM_MAX   49152                 /* twice the longest head, and room */
#define MESSAGES_MAX (STREAM_MAX / 13 + 1) /* no message is shorter */
#define NOWHERE      SIZE_MAX

enum framing {
	FRAMING_NONE,
	FRAMING_LENGTH,
	FRAMING_CHUNKED,
	FRAMING_UNTIL_CLOSE,
	FRAMING_BAD, /* all that follows is unreadable */
};

/* Who has something at a target. */
enum destination { DESTINATION_EC2, DESTINATION_ROOT, DESTINATION_FOREIGN };

struct text {
	char bytes[TARGET_SIZE];
	size_t size;
	bool cut;
};

struct message {
	size_t start;
	size_t head_end; /* behind its head */
	size_t end;      /* behind its body, or NOWHERE */
	enum framing framing;
	enum request_class cls;
	unsigned int status; /* 0: a request */
	enum destination destination;
	struct text method, target, agent;
	bool has_agent;
	bool to_head; /* says so itself, in a header that nothing but these readers knows */
};

/* Why the plain reader refused. */
enum refusal {
	REFUSED_NOTHING,
	REFUSED_METHOD,
	REFUSED_TARGET,
	REFUSED_VERSION,
	REFUSED_STATUS,
	REFUSED_NAME,
	REFUSED_FIRST_BLANK,
	REFUSED_CONTROL, /* NUL or a bare CR */
	REFUSED_LENGTH,  /* too long */
	REFUSED_FRAMING,
	REFUSED_CHUNK,
};

struct reading {
	struct message messages[MESSAGES_MAX]; /* whose heads are complete */
	size_t count;
	size_t refused;   /* behind the byte that was refused, or NOWHERE */
	size_t line;      /* plain: where the line begins that was refused or is not complete */
	enum refusal why; /* plain */
	int error;        /* peer: enum http_errno */
	bool body[STREAM_MAX];
};

struct stream {
	const unsigned char *bytes;
	size_t size;
	bool answers;
};

/* target: all of it, an absolute form reduced to its path. */
enum destination target__destination(const char *target, size_t size);

void plain__read(const struct stream *stream, struct reading *reading);
void peer__read(const struct stream *stream, struct reading *reading);

struct http; /* its head and http-parser's have names in common */

/* Feeds the recogniser byte by byte, and leaves it in http. plain: knows which responses answer a
 * HEAD. */
void recogniser__read(const struct stream *stream, const struct reading *plain, struct http *http,
	struct reading *reading);

/* As above in pieces that chance cuts, which leave start and end unknown. before: bytes of the
 * stream that the recogniser is given first and must forget. */
void recogniser__read_cut(const struct stream *stream, const struct reading *plain, size_t before,
	uint64_t chance, struct http *http, struct reading *reading);

#endif
