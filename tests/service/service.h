/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * An instance metadata service for the tests, in a private network namespace: it answers as the
 * real service would, or fails as it may, in every framing that HTTP has. It is a process of its
 * own, one thread, and ends with its parent.
 */
#ifndef IMDSTRACE_SERVICE_H
#define IMDSTRACE_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "demo/imds_process.h"
#include "demo/netns.h"

enum service_mode {
	SERVICE_OPTIONAL,    /* HttpTokens=optional: answers with and without a token */
	SERVICE_REQUIRED,    /* HttpTokens=required: 401 without one */
	SERVICE_SILENT,      /* takes connections and requests, and never answers */
	SERVICE_PUT_DROPPED, /* a hop limit that is too low: a PUT gets no answer, a GET does */
	SERVICE_PUT_REFUSED, /* 403 to every PUT */
	SERVICE_CLOSED,      /* takes connections and closes them */
	SERVICE_RESET,       /* takes connections and resets them */
	SERVICE_MODE_COUNT,
};

/* How an answer is put on the wire. */
enum service_style {
	SERVICE_LENGTH,  /* head and body at once, Content-Length */
	SERVICE_CHUNKED, /* Transfer-Encoding: chunked (to HTTP/1.0 like SERVICE_CLOSE) */
	SERVICE_CLOSE,   /* the body ends where the connection does */
	SERVICE_PIECES,  /* like SERVICE_LENGTH, each byte of the status line and the rest in
			 segments of  their own */
	SERVICE_STYLE_COUNT,
};

/* Stands in front of bytes that came in at once. */
struct service_bytes {
	uint64_t connection; /* another number for each, also of another service */
	uint64_t size;
};

struct service_options {
	enum service_mode mode;
	enum service_style style;
	struct endpoint_addresses addresses; /* to listen on */
	bool fast_open;                      /* take data in the SYN */
	bool mptcp;                          /* offer Multipath TCP, where the kernel has it */
	int record; /* fd that gets "METHOD TARGET token|ttl|none STATUS\n" for each request; 0:
		       none */
	int bytes;  /* fd that gets all that comes in, as struct service_bytes; 0: none */
};

/* Starts the service in a process of its own, in the caller's network namespace, which
 * netns__check_private() must approve. Listens when this returns. 0 and its pid, for imds__stop(),
 * or -errno after a sentence on stderr. */
int service__start(const struct service_options *options, pid_t *pid);

const char *service_mode__name(enum service_mode mode);    /* "put-dropped" */
const char *service_style__name(enum service_style style); /* "chunked" */
/* 0, or -EINVAL for a name that is none. */
int service_mode__find(const char *name, enum service_mode *mode);
int service_style__find(const char *name, enum service_style *style);

#endif
