/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The readiness protocol of sd_notify(3). */
#ifndef IMDSTRACE_NOTIFY_H
#define IMDSTRACE_NOTIFY_H

/* Sends state ("READY=1") to $NOTIFY_SOCKET. 0, also where none is set; -errno. */
int notify__send(const char *state);

#endif
