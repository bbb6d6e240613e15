/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The values of which the report as JSON is made; for report_json*.c alone. NULL: no memory. */
#ifndef IMDSTRACE_REPORT_JSON_H
#define IMDSTRACE_REPORT_JSON_H

#include <jansson.h>

#include "report/report.h"

/* No larger than a reader takes. */
json_t *json__count(uint64_t count);
json_t *json__texts(char *const *texts, size_t count);
json_t *json__counts(const uint64_t counts[CLASS_COUNT]);
json_t *json__unknown(const uint64_t unknown[UNKNOWN_REASONS]);
json_t *json__caller(const struct report *report, const struct caller *caller);

#endif
