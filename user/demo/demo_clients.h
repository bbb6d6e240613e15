/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The demo's clients: a small program each, of one of the kinds that are met on real instances. */
#ifndef IMDSTRACE_DEMO_CLIENTS_H
#define IMDSTRACE_DEMO_CLIENTS_H

#include <stdbool.h>

/* Where a client lives. */
enum demo_stage {
	DEMO_OPEN = 1,
	DEMO_TOKEN_LOST = 2, /* a token's answer gets lost on the way */
	DEMO_REHEARSAL = 4,
};

/* One client; its name is at most 15 bytes, so that it is the process's name whole. */
struct demo_client {
	const char *name;
	const char *story;   /* half a sentence, for the demo's first lines */
	unsigned int stages; /* of enum demo_stage */
	const char *agent;
	bool wants_token;
	bool asks_when_refused;     /* for a token, and then goes on */
	const char *headers;        /* of its own, each line ended by CR LF; or "" */
	const char *const *targets; /* NULL-terminated */
};

/* Ended by one without a name. */
extern const struct demo_client demo_clients[];

/* `imdstrace demo-client NAME`, which the demo alone runs, in its private network: calls the
 * endpoint as that client does, and ends. Refuses anywhere else. An enum exit_status. */
int cmd_demo_client(int argc, char **argv);

#endif
