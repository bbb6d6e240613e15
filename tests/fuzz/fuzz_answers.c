/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The bytes of a server, read by three readers (reading.h). */
#include "compare.h"
#include "mutation.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t room, unsigned int seed);

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The bytes of a client, read by three readers (reading.h). */
#include "compare.h"
#include "mutation.h"

#include "lib/array.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t room, unsigned int seed);

#define END "\r\n\r\n"

static const char *const texts[] = {
	"HTTP/1.1 200 OK\r\nContent-Length: 4" END "abcd",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked" END "4\r\nabcd\r\n0" END,
	"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0" END,
	"HTTP/1.1 100 Continue" END,
	"HTTP/1.1 101 a" END,
	"HTTP/1.1 204 \r\n",
	"HTTP/1.1 304\r\n",
	"HTTP/1.0 404 Not Found\r\n",
	"HTTP/1.1 999 a\n",
	"X-Answers-Head: a\r\n",
	"3;a=b\r\nabc\r\n",
	"0\r\nA: b" END,
	"Content-Length: 3\r\n",
	"Content-Length: 3, 03\r\n",
	"Content-Length: 0\r\n",
	"Transfer-Encoding: chunked\r\n",
	"Transfer-Encoding: gzip, chunked,\r\n",
	"Transfer-Encoding: gzip\r\n",
	"Connection: close\r\n",
	"Connection: upgrade\r\nUpgrade: a\r\n",
	"Server: EC2ws\r\n b\r\n",
	" folded\r\n",
	"\r\n",
};

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t room, unsigned int seed)
{
	static const struct fragments fragments = {texts, ARRAY_SIZE(texts)};

	return mutation__apply(bytes, size, room, seed, &fragments);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct stream stream = {.bytes = bytes, .size = size, .answers = true};

	if (size <= STREAM_MAX)
		compare__all(&stream);
	return 0;
}
