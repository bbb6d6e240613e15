/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Feeds a piece of a stream to the parser on the host, as bpf/parse.h and bpf/responses.h do in the
 * kernel, up to the next event. */
#ifndef FUZZ_FEED_H
#define FUZZ_FEED_H

#include <stddef.h>

#include "imds_request.h"

struct piece {
	const unsigned char *bytes;
	size_t size;
	bool body; /* what the last step went over */
};

/* Takes one step into the piece, over a body or through a head up to the first event. Returns it.
 */
static inline enum http_event feed__step(struct http *http, struct piece *piece)
{
	enum http_event event = HTTP_MORE;
	size_t taken = http__skip(http, piece->size);

	piece->body = taken;
	if (!taken)
		while (taken < piece->size && event == HTTP_MORE)
			event = http__byte(http, piece->bytes[taken++]);
	piece->bytes += taken;
	piece->size -= taken;
	return event;
}

#endif
