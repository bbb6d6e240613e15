/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "lib/gzip.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <zlib.h>

#define WINDOW_BITS (15 + 16) /* of gzip's format, zlib.h */
#define SIZE_BYTES  4         /* at the end, RFC 1952, 2.3.1: ISIZE */

int gzip__expand(const char *bytes, size_t size, void **file, size_t *file_size)
{
	z_stream stream = {.next_in = (Bytef *)bytes, .avail_in = size};
	const unsigned char *isize = (const unsigned char *)bytes + size - SIZE_BYTES;
	uint32_t whole;
	int result;

	if (size < SIZE_BYTES)
		return -EINVAL;
	whole = isize[0] | isize[1] << 8 | isize[2] << 16 | (uint32_t)isize[3] << 24;
	*file = malloc(whole + 1);
	if (!*file || inflateInit2(&stream, WINDOW_BITS) != Z_OK) {
		free(*file);
		return -ENOMEM;
	}
	stream.next_out = *file;
	stream.avail_out = whole;
	result = inflate(&stream, Z_FINISH);
	inflateEnd(&stream);
	if (result == Z_STREAM_END && !stream.avail_out) {
		*file_size = whole;
		return 0;
	}
	free(*file);
	return result == Z_MEM_ERROR ? -ENOMEM : -EINVAL;
}
