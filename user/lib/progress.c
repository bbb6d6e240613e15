/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "lib/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "lib/clock.h"

#define FIRST_AFTER NSEC_PER_SEC
#define THEN_AFTER  (NSEC_PER_SEC / 5)

void progress__at(struct progress *progress, size_t done, size_t total, const char *what)
{
	int64_t now = clock__steady();

	if (!progress->begun) {
		progress->begun = true;
		progress->terminal = isatty(STDERR_FILENO);
		progress->next = now + FIRST_AFTER;
	}
	if (!progress->terminal || now < progress->next)
		return;
	fprintf(stderr, "\r%zu of %zu %s\033[K", done, total, what);
	fflush(stderr);
	progress->drawn = true;
	progress->next = now + THEN_AFTER;
}

void progress__clear(struct progress *progress)
{
	if (progress->drawn) {
		fputs("\r\033[K", stderr);
		fflush(stderr);
	}
	progress->drawn = false;
}
