/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * An instance metadata service for the demo and the tests, in a private network namespace: it
 * answers as the real service would, or fails as it may. It is a process of its own, one thread,
 * and ends with its parent.
 */
#ifndef IMDSTRACE_IMDS_H
#define IMDSTRACE_IMDS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum imds_mode {
	IMDS_OPTIONAL,    /* HttpTokens=optional: answers with and without a token */
	IMDS_REQUIRED,    /* HttpTokens=required: 401 without one */
	IMDS_SILENT,      /* takes connections and requests, and never answers */
	IMDS_PUT_DROPPED, /* a hop limit that is too low: a PUT gets no answer, a GET does */
	IMDS_PUT_REFUSED, /* 403 to every PUT */
	IMDS_CLOSED,      /* takes connections and closes them */
	IMDS_RESET,       /* takes connections and resets them */
	IMDS_MODE_COUNT,
};

/* How an answer is put on the wire. */
enum imds_style {
	IMDS_LENGTH,  /* head and body at once, Content-Length */
	IMDS_CHUNKED, /* Transfer-Encoding: chunked (to HTTP/1.0 like IMDS_CLOSE) */
	IMDS_CLOSE,   /* the body ends where the connection does */
	IMDS_PIECES,  /* like IMDS_LENGTH, each byte of the status line and the rest in segments of
			 their own */
	IMDS_STYLE_COUNT,
};

/* Stands in front of bytes that came in at once. */
struct imds_bytes {
	uint64_t connection; /* another number for each, also of another service */
	uint64_t size;
};

struct imds_options {
	enum imds_mode mode;
	enum imds_style style;
	bool ipv4, ipv6; /* the endpoint's addresses to listen on */
	bool fast_open;  /* take data in the SYN */
	bool mptcp;      /* offer Multipath TCP, where the kernel has it */
	int record; /* fd that gets "METHOD TARGET token|ttl|none STATUS\n" for each request; 0:
		       none */
	int bytes;  /* fd that gets all that comes in, as struct imds_bytes; 0: none */
};

/* Starts the service in a process of its own, in the caller's network namespace, which
 * netns__check_private() must approve. Listens when this returns. 0 and its pid, or -errno after a
 * sentence on stderr. The process ends by SIGTERM or when the calling thread does. */
int imds__start(const struct imds_options *options, pid_t *pid);

/* Ends it and waits for it. */
void imds__stop(pid_t pid);

const char *imds_mode__name(enum imds_mode mode);    /* "put-dropped" */
const char *imds_style__name(enum imds_style style); /* "chunked" */
/* 0, or -EINVAL for a name that is none. */
int imds_mode__find(const char *name, enum imds_mode *mode);
int imds_style__find(const char *name, enum imds_style *style);

#endif
