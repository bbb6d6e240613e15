/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A caller from its JSON. */
#ifndef IMDSTRACE_READ_CALLER_H
#define IMDSTRACE_READ_CALLER_H

#include "report/reader.h"

#define MACHINE_ID_MAX 128 /* bytes; callers repeat it */

/* An element of "callers", after the hosts: adds it to the report and to reader->callers. For
 * reader__each(). */
int read__caller(struct reader *reader, const struct place *place, const struct json_node *element,
	void *context);

#endif
