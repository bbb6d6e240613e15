/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Parses the requests of one connection to a private metadata service (RFC 9112). Another parser
 * than the tracer's, which buffers whole heads, so that neither can hide the other's mistakes.
 */
#ifndef IMDSTRACE_IMDS_HTTP_H
#define IMDSTRACE_IMDS_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IMDS_METHOD_SIZE 32
#define IMDS_TARGET_SIZE 8192
#define IMDS_TOKEN_SIZE  64

struct imds_request {
	char method[IMDS_METHOD_SIZE];
	char target[IMDS_TARGET_SIZE]; /* as sent */
	unsigned int minor;            /* HTTP/1.minor */
	bool has_token, has_ttl, forwarded, expects_continue, keep_alive;
	char token[IMDS_TOKEN_SIZE]; /* a longer one is cut, and then is none of ours */
	long ttl;                    /* -1: no number */
	bool chunked;
	uint64_t content_length;
};

/* Reads one head from the start of size bytes. The size of the head in bytes; 0: not complete yet;
 * -EBADMSG: no HTTP/1 request. */
int imds_request__parse(struct imds_request *request, const char *bytes, size_t size);

/* Where in a body the bytes stand. Starts zeroed. */
struct imds_chunks {
	enum {
		CHUNK_SIZE,
		CHUNK_EXTENSION,
		CHUNK_BYTES,
		CHUNK_BYTES_END,
		CHUNK_TRAILER,
		CHUNK_TRAILER_LINE,
		CHUNK_DONE
	} state;
	uint64_t left; /* the chunk's size while it is read, then its bytes to come */
	unsigned int digits;
};

/* Takes the bytes of a chunked body from the start of size bytes; done tells whether it ended.
 * How many bytes were taken, or -EBADMSG. */
long imds_chunks__take(struct imds_chunks *chunks, const char *bytes, size_t size, bool *done);

#endif
