/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the measurements share. */
#ifndef IMDSTRACE_BENCH_H
#define IMDSTRACE_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

/* A sentence on stderr, and the end. */
void die(const char *what) __attribute__((noreturn));

double clock_seconds(clockid_t clock);
/* Sorts values. */
double median(double *values, size_t count);
/* The sum of a number behind key in the lines of a file. */
uint64_t sum_of(const char *path, const char *key);

/* This process and what it starts from now on; tracers: those, too. */
void stay_on_one_cpu(bool tracers);

/* Starts `imdstrace trace` and waits until its hooks are attached. output: its report; NULL: none.
 */
pid_t tracer__start(const char *program, const char *output);
void tracer__stop(pid_t pid);

#endif
