/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Messages quote untrusted text (paths, names), so they are made printable as a whole. */
#include "lib/complain.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/journal.h"
#include "lib/scope.h"
#include "lib/text.h"

#define STDERR_PATIENCE 200 /* ms */

/* The formatted sentence, or NULL. The caller frees. */
static char *sentence__format(const char *format, va_list args)
{
	va_list again;
	char *sentence;
	int size;

	va_copy(again, args);
	size = vsnprintf(NULL, 0, format, again);
	va_end(again);
	sentence = size < 0 ? NULL : malloc((size_t)size + 1);
	if (sentence)
		vsnprintf(sentence, (size_t)size + 1, format, args);
	return sentence;
}

static void complain__sentence(const char *priority, const char *format, va_list args)
{
	_free_ char *sentence = sentence__format(format, args);
	_free_ char *printable = sentence ? text__printable(sentence) : NULL;
	struct pollfd ready = {.fd = STDERR_FILENO, .events = POLLOUT};

	/* A terminal that was stopped (Ctrl-S) would stop whoever complains. */
	if (!poll(&ready, 1, STDERR_PATIENCE))
		return;
	/* One call, so that a line from another thread or process does not land inside this one. */
	fprintf(stderr, "%simdstrace: %s\n", journal__has_stderr() ? priority : "",
		printable ? printable : "not enough memory");
}

void complain(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	complain__sentence(JOURNAL_ERROR, format, args);
	va_end(args);
}

void complain_warning(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	complain__sentence(JOURNAL_WARNING, format, args);
	va_end(args);
}

int complain_errno(int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	complain__sentence(JOURNAL_ERROR, format, args);
	va_end(args);
	return -error;
}
