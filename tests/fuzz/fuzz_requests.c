/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The bytes of a client, read by three readers (reading.h). */
#include "compare.h"
#include "mutation.h"

#include "lib/array.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t room, unsigned int seed);

#define TOKEN "X-aws-ec2-metadata-token"
#define END   "\r\n\r\n"

static const char *const texts[] = {
	"GET / HTTP/1.1" END,
	"GET /latest/meta-data/ HTTP/1.1\r\n",
	"PUT /latest/api/token HTTP/1.1\r\n" TOKEN "-ttl-seconds: 60" END,
	"HEAD http://h/latest/api/token HTTP/1.0\r\n",
	"PUT http://h?q HTTP/1.1\r\n",
	"CONNECT h:80 HTTP/1.1\r\n",
	"GET /computeMetadata/v1/ HTTP/1.1\r\n",
	"GET /openstack HTTP/1.9 \n",
	"GET //./latest;a HTTP/1.1\r\n",
	"GET /1.0/ HTTP/1.1\r\n",
	"GET /2007-01-19?a HTTP/1.1\r\n",
	"GET /a/../latest HTTP/1.1\r\n",
	"GET /%6Catest HTTP/1.1\r\n",
	"POST / HTTP/1.1\r\nContent-Length: 4" END "abcd",
	"POST / HTTP/1.1\r\nTransfer-Encoding: chunked" END "4\r\nabcd\r\n0" END,
	"3;a=b\r\nabc\r\n",
	"0\r\nA: b" END,
	TOKEN ": a\r\n",
	TOKEN "-ttl-seconds: 1\r\n",
	"X-" TOKEN ": a\r\n",
	TOKEN "s: a\r\n",
	"User-Agent: a/1 \r\n",
	"Metadata-Flavor: Google\r\n",
	"Metadata: true\r\n",
	"User-Agent: gcloud-golang/0.1\r\n",
	"Authorization: Bearer Oracle\r\n",
	"Content-Length: 3\r\n",
	"Content-Length: 3, 03\r\n",
	"Transfer-Encoding: chunked\r\n",
	"Transfer-Encoding: gzip, chunked,\r\n",
	"Connection: close\r\n",
	"Connection: upgrade\r\nUpgrade: a\r\n",
	"Host: a\r\n b\r\n",
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
	struct stream stream = {.bytes = bytes, .size = size};

	if (size <= STREAM_MAX)
		compare__all(&stream);
	return 0;
}
