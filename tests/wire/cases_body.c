/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Bodies: what stands in them is no request and proves no token. */
#include <stdio.h>
#include <string.h>

#include "lib/scope.h"
#include "standard.h"
#include "wire.h"

#define POST    "POST /latest HTTP/1.1\r\n"
#define CHUNKED "Transfer-Encoding: chunked\r\n"
#define POSTED  V1("POST", "/latest")

#define ROW(title, bytes, ...)                                        \
	{                                                             \
		.name = title, TEXT(bytes), .expect = { __VA_ARGS__ } \
	}
#define CUT_ROW(title, where, bytes, ...)                                           \
	{                                                                           \
		.name = title, TEXT(bytes), .cut = where, .expect = { __VA_ARGS__ } \
	}

/* The body is longer than any buffer on the way, and full of requests. */
static int large_body(struct run *run)
{
	static const struct expected expected[] = {POSTED, V2_EVENT, {0}};
	size_t unit = strlen(V1_TEXT), units = 2000;
	_free_ char *body = malloc(unit * units);
	int fd = endpoint__connect(run, SOCKET_IPV4);
	char head[128];
	int error;

	if (fd < 0)
		return fd;
	for (size_t i = 0; i < units; i++)
		memcpy(body + i * unit, V1_TEXT, unit);
	snprintf(head, sizeof(head), POST "Content-Length: %zu\r\n\r\n", unit * units);
	error = run__say(run, fd, head);
	for (size_t at = 0; at < unit * units && !error; at += 10000) {
		size_t left = unit * units - at;

		error = run__send(run, "send", fd, body + at, left < 10000 ? left : 10000);
	}
	if (!error)
		error = run__say(run, fd, V2_TEXT);
	run__expect(run, expected);
	endpoint__finish(fd);
	return error;
}

/* Waits for the service's word before the body, as curl does. */
static int expect_continue(struct run *run)
{
	static const struct expected expected[] = {POSTED, V1_EVENT, {0}};
	int fd = endpoint__connect(run, SOCKET_IPV4);
	char word[256];
	int error;

	if (fd < 0)
		return fd;
	error = run__say(run, fd, POST "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n");
	if (!error && recv(fd, word, sizeof(word), 0) <= 0)
		return run__fail(run, "no 100 Continue: %m");
	if (!error)
		error = run__say(run, fd, "GET /");
	if (!error)
		error = run__say(run, fd, V1_TEXT);
	run__expect(run, expected);
	endpoint__finish(fd);
	return error;
}

const struct wire_case body_cases[] = {
	ROW("body-of-requests", POST "Content-Length: 97\r\n\r\n" V1_TEXT V2_TEXT, POSTED,
		V2_EVENT),
	ROW("body-with-token-header", POST "Content-Length: 33\r\n\r\n" TOKEN_NAME ": abcde\r\n",
		POSTED),
	ROW("body-then-request", POST "content-length:\t5 \r\n\r\nGET /" V1_TEXT, POSTED, V1_EVENT),
	ROW("body-of-nothing", POST "Content-Length: 0\r\n\r\n" V1_TEXT, POSTED, V1_EVENT),
	ROW("body-with-leading-zeros", POST "Content-Length: 0005\r\n\r\nGET /" V1_TEXT, POSTED,
		V1_EVENT),
	ROW("body-of-a-get", "GET /latest HTTP/1.1\r\nContent-Length: 4\r\n\r\nPUT " V1_TEXT,
		V1("GET", "/latest"), V1_EVENT),
	ROW("body-of-a-token-request",
		"PUT " TOKEN_PATH " HTTP/1.1\r\n" TTL_NAME
		": 1\r\nContent-Length: 2\r\n\r\n{}" V2_TEXT,
		TOKEN_EVENT, V2_EVENT),
	ROW("body-never-complete", POST "Content-Length: 1000\r\n\r\n" V1_TEXT, POSTED),
	ROW("body-far-from-complete", POST "Content-Length: 99999999999\r\n\r\n" V1_TEXT, POSTED),
	CUT_ROW("body-cut-byte-by-byte", CUT_BYTES,
		POST "Content-Length: 12\r\n\r\nGET / HTTP/1" V1_TEXT, POSTED, V1_EVENT),
	CUT_ROW("body-behind-its-head", CUT_HEADS,
		POST "Content-Length: 19\r\n\r\nGET / HTTP/1.1\r\n\r\n\n" V1_TEXT, POSTED,
		V1_EVENT),
	ROW("body-with-length-in-another-name", POST "X-Content-Length: 500\r\n\r\n" V1_TEXT,
		POSTED, V1_EVENT),
	{.name = "body-of-200k", .run = large_body},
	{.name = "body-after-100-continue", .run = expect_continue},

	ROW("chunks", POST CHUNKED "\r\n5\r\nGET /\r\n0\r\n\r\n" V1_TEXT, POSTED, V1_EVENT),
	ROW("chunks-of-requests",
		POST CHUNKED
		"\r\n12\r\nGET / HTTP/1.1\r\n\r\n\r\nc\r\nGET /2 HTTP/\r\n0\r\n\r\n" V2_TEXT,
		POSTED, V2_EVENT),
	ROW("chunks-with-extension", POST CHUNKED "\r\n5;a=\"b\"\r\nGET /\r\n0;x\r\n\r\n" V1_TEXT,
		POSTED, V1_EVENT),
	ROW("chunks-with-trailers",
		POST CHUNKED "\r\n1\r\nx\r\n0\r\n" TOKEN_NAME ": a\r\nX-B: c\r\n\r\n" V1_TEXT,
		POSTED, V1_EVENT),
	ROW("chunks-of-capital-size", POST CHUNKED "\r\nA\r\n0123456789\r\n0\r\n\r\n" V1_TEXT,
		POSTED, V1_EVENT),
	ROW("chunks-with-leading-zeros", POST CHUNKED "\r\n0005\r\nGET /\r\n000\r\n\r\n" V1_TEXT,
		POSTED, V1_EVENT),
	ROW("chunked-in-capitals",
		POST "TRANSFER-ENCODING: Chunked\r\n\r\n1\r\nG\r\n0\r\n\r\n" V1_TEXT, POSTED,
		V1_EVENT),
	ROW("chunked-after-gzip",
		POST "Transfer-Encoding: gzip, chunked\r\n\r\n1\r\nG\r\n0\r\n\r\n" V1_TEXT, POSTED,
		V1_EVENT),
	ROW("chunked-outranks-length",
		POST "Content-Length: 3\r\n" CHUNKED "\r\n1\r\nG\r\n0\r\n\r\n" V1_TEXT, POSTED,
		V1_EVENT),
	ROW("chunks-never-complete", POST CHUNKED "\r\nff\r\n" V1_TEXT, POSTED),
	CUT_ROW("chunks-cut-byte-by-byte", CUT_BYTES,
		POST CHUNKED "\r\n5;a\r\nGET /\r\n0\r\nX: y\r\n\r\n" V1_TEXT, POSTED, V1_EVENT),
	CUT_ROW("chunks-cut-line-by-line", CUT_LINES,
		POST CHUNKED "\r\n5\r\nGET /\r\n0\r\n\r\n" V1_TEXT, POSTED, V1_EVENT),
	ROW("posts-pipelined",
		POST "Content-Length: 1\r\n\r\nx" POST CHUNKED "\r\n1\r\nx\r\n0\r\n\r\n" POST
		     "Content-Length: 2\r\n\r\nxy" V1_TEXT,
		POSTED, POSTED, POSTED, V1_EVENT),
	{.name = NULL},
};
