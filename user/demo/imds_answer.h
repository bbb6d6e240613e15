/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a private metadata service answers to a request; knows nothing of sockets. */
#ifndef IMDSTRACE_IMDS_ANSWER_H
#define IMDSTRACE_IMDS_ANSWER_H

#include "demo/imds_http.h"

#define IMDS_TOKENS_MAX   1024 /* of which the oldest is forgotten first */
#define IMDS_CONTENT_SIZE 2048

struct imds_tokens {
	struct {
		char text[IMDS_TOKEN_SIZE];
		int64_t expires; /* ns, boot clock */
	} all[IMDS_TOKENS_MAX];
	unsigned int next;
};

struct imds_answer {
	unsigned int status;
	const char *reason;
	const char *type;
	long ttl; /* seconds, of the token in content; -1: it is none */
	size_t size;
	char content[IMDS_CONTENT_SIZE];
};

/* As while tokens are optional. */
void imds__answer(
	struct imds_answer *answer, struct imds_tokens *tokens, const struct imds_request *request);

/* An answer without a request: 400 and the like. */
void imds__refuse(struct imds_answer *answer, unsigned int status);

#endif
