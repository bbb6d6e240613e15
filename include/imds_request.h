/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a request at the endpoint is: its class, once its head has ended. */
#ifndef IMDSTRACE_IMDS_REQUEST_H
#define IMDSTRACE_IMDS_REQUEST_H

#include "http.h"

/* Whose the request is, once its head has ended: R_EC2, R_ROOT or R_FOREIGN. */
HTTP_INLINE __u8 http__destination(const struct http *h)
{
	return http__route(h->route, X_END);
}

/* At the root, which every cloud's service has: whether another cloud's client asks. */
HTTP_INLINE bool http__is_probe(const struct http *h)
{
	return (h->seen & SEEN_FOREIGN) || HTTP_BEGINS(h, agent, "gcloud-golang/");
}

/* The class of the request whose head has just ended: the first that fits, in enum request_class's
 * order. */
HTTP_INLINE enum request_class http__class(const struct http *h)
{
	const __u16 token_size = sizeof("/latest/api/token") - 1;
	__u8 destination = http__destination(h);

	if (h->method_size == 3 && HTTP_BEGINS(h, method, "PUT") &&
		HTTP_BEGINS(h, path, "/latest/api/token") &&
		(h->path_size == token_size || h->path[token_size] == '?'))
		return CLASS_TOKEN;
	if (h->seen & (SEEN_TOKEN | SEEN_TTL))
		return CLASS_V2;
	if (destination == R_FOREIGN || (destination == R_ROOT && http__is_probe(h)))
		return CLASS_FOREIGN;
	return CLASS_V1;
}

#endif
