/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* systemd's journal: whether it hears us, and entries with fields of their own. */
#ifndef IMDSTRACE_JOURNAL_H
#define IMDSTRACE_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>

/* Priorities (syslog(3)), and what stands in front of a line on stderr for them (sd-daemon(3)). */
#define JOURNAL_ERROR   "<3>"
#define JOURNAL_WARNING "<4>"

/* Whether what is written to stderr goes to the journal: $JOURNAL_STREAM names it
 * (systemd.exec(5)).
 */
bool journal__has_stderr(void);

struct journal_field {
	const char *name, *value; /* value NULL: it is left out */
};

/* Opens what journal__send() needs, which does so itself otherwise: for a process that gives up the
 * right to. 0 or -errno. */
int journal__open(void);

/* Sends one entry by the journal's native protocol, and waits for nobody. 0 or -errno. */
int journal__send(const struct journal_field *fields, size_t count);

#endif
