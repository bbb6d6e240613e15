/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where cases are run: one private network with a service, and the file of expectations. */
#ifndef WIRE_RUNNER_H
#define WIRE_RUNNER_H

#include <stdio.h>

#include "wire.h"

struct stage {
	FILE *file;
	struct endpoint_addresses held;
	pid_t server;
	bool mptcp;   /* the service offers it */
	int received; /* fd for what the service received; 0: none */
	int bytes;    /* the same, as bytes */
};

/* Moves this process into a private network, starts a service there and opens the file. 0, or
 * -errno after a sentence. stage__close() in both cases. */
int stage__open(struct stage *stage, const struct run_options *options);
void stage__close(struct stage *stage);
/* Writes a case down and says how it went. 0, 1 if the case itself failed, or -errno. */
int stage__settle(struct stage *stage, const struct record *record);

/* Runs code as a case in a process of its own. Its pid, or -1. */
pid_t run__start(struct run *run, int (*code)(struct run *run));
void run__wait(struct run *run, pid_t pid);

#endif
