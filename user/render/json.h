/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The JSON values that a live line and a report have in common. */
#ifndef IMDSTRACE_JSON_H
#define IMDSTRACE_JSON_H

#include <jansson.h>
#include <stdint.h>

#include "process/workload.h"

/* A string, or null for NULL. Valid UTF-8 whatever text is. NULL: no memory. */
json_t *json__text(const char *text);
/* A NULL-terminated list (or NULL) as an array. NULL: no memory. */
json_t *json__list(char *const *texts);
/* A time in ns since 1970 as RFC 3339, or null for 0. NULL: no memory. */
json_t *json__time(int64_t time_ns);
/* {"runtime","id","name"} or null. NULL: no memory. */
json_t *json__container(const struct container *container);
/* {"uid","name","namespace"} or null. NULL: no memory. */
json_t *json__pod(const struct pod *pod);

#endif
