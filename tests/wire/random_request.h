/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Random requests, and what each of them is. */
#ifndef WIRE_RANDOM_REQUEST_H
#define WIRE_RANDOM_REQUEST_H

#include <stdint.h>
#include <stdio.h>

#include "wire.h"

struct chance {
	uint64_t state;
};

/* The next number below limit. */
uint64_t chance__below(struct chance *chance, uint64_t limit);
/* Whether it happens, in percent of all times. */
bool chance__happens(struct chance *chance, unsigned int percent);

struct random_request {
	struct expected expected[2]; /* one, and the list's end */
	char path[1024], agent[256];
};

/* Writes a request to text and fills request with what it is. */
void random_request__make(struct random_request *request, FILE *text, struct chance *chance);
/* Writes bytes to text that are the start of a head, and no more. */
void random_request__start(FILE *text, struct chance *chance);
/* Writes bytes to text that no recogniser may take for a request. */
void random_request__garbage(FILE *text, struct chance *chance);

#endif
