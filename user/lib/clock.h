/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Times and durations: nanoseconds inside, RFC 3339 in UTC and "24h" outside. */
#ifndef IMDSTRACE_CLOCK_H
#define IMDSTRACE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

#define NSEC_PER_SEC 1000000000LL
#define RFC3339_SIZE sizeof("2026-01-01T00:00:00.123456789Z")

/* Now, in ns since 1970. */
int64_t clock__now(void);

/* The boot clock, in ns: for spans of time, which a corrected wall clock must not change. */
int64_t clock__steady(void);

/* A boot clock time (ns, as the kernel side gives it) in ns since 1970. Asks both clocks at each
 * call, so that a corrected wall clock does not shift what is traced afterwards. */
int64_t clock__from_boot(uint64_t boot_ns);

/* "2026-01-01T00:00:00.123456789Z". */
void clock__format(char out[RFC3339_SIZE], int64_t time_ns);

/* Reads any RFC 3339 time with "Z" or an offset, 0 to 9 digits of fraction. 0 or -EINVAL. */
int clock__parse(const char *text, int64_t *time_ns);

/* A moment that a person gives: an RFC 3339 time, a date (its midnight in UTC), or a span back from
 * now as duration__parse() reads it. 0, -EINVAL, or -ERANGE for one before 1970. */
int clock__parse_moment(const char *text, int64_t now, int64_t *time_ns);

/* "30s", "10m", "24h", "7d", "1h30m", "0s", a bare number is seconds. 0, or -EINVAL for what is
 * no duration, -ERANGE for one that does not fit. Result in ns. */
int duration__parse(const char *text, int64_t *duration_ns);

/* "1d 2h", "1h 30s", "45s", "0s": the first two units that are not zero; less than a second is
 * dropped. */
void duration__format(char *out, size_t size, int64_t duration_ns);

#endif
