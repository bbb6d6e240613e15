/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A struct process or host as bytes, to send from one process of this program to another. */
#ifndef IMDSTRACE_PROCESS_MESSAGE_H
#define IMDSTRACE_PROCESS_MESSAGE_H

#include <stdio.h>

#include "process/host.h"
#include "process/process.h"

/* Write to out; what fails shows in ferror(out). */
void process_message__write(FILE *out, const struct process *process);
void host_message__write(FILE *out, const struct host *host);

/* Read what these wrote. The texts are the result's own. NULL, or -EBADMSG and an empty host: that
 * is no such message; NULL, or -ENOMEM: no memory. */
struct process *process_message__read(const char *bytes, size_t size);
int host_message__read(struct host *host, const char *bytes, size_t size);

#endif
