/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* `trace --json`: one JSON object a line for each request. */
#ifndef IMDSTRACE_NDJSON_H
#define IMDSTRACE_NDJSON_H

#include <stdio.h>

#include "process/process.h"
#include "report/report.h"

/* A {"type":"request"} line, written whole or not at all. 0 or -errno. */
int ndjson__request(FILE *out, const struct request *request, const struct process *process);

/* A {"type":"lost"} line: count events never reached user space before this line. 0 or -errno. */
int ndjson__lost(FILE *out, uint64_t count);

#endif
