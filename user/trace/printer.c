/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "trace/printer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/clock.h"
#include "lib/complain.h"
#include "lib/outlet.h"
#include "lib/scope.h"
#include "report/report.h"
#include "trace/ndjson.h"

#define PATIENCE (NSEC_PER_SEC / 4)  /* after a signal: whoever sent it waits for the end */
#define STALL    (10 * NSEC_PER_SEC) /* where the trace ended by itself */

struct printer {
	struct outlet *out;
	bool json;
	uint64_t missing; /* calls without a line that were not told yet */
	int error;
};

struct printer *printer__new(int fd, bool json)
{
	struct printer *printer = calloc(1, sizeof(*printer));

	if (!printer)
		return NULL;
	printer->json = json;
	printer->out = outlet__new(fd);
	if (printer->out)
		return printer;
	free(printer);
	return NULL;
}

void printer__free(struct printer *printer)
{
	if (!printer)
		return;
	outlet__free(printer->out);
	free(printer);
}

/* The caller frees. NULL: no memory. */
static char *printer__gap(const struct printer *printer, size_t *size)
{
	char *text = NULL;
	FILE *line = open_memstream(&text, size);
	int error = 0;

	if (!line)
		return NULL;
	if (printer->json)
		error = ndjson__lost(line, printer->missing);
	else
		fprintf(line, "(%" PRIu64 " call%s not printed: the reader was too slow)\n",
			printer->missing, printer->missing == 1 ? " was" : "s were");
	if (!fclose(line) && !error)
		return text;
	free(text);
	return NULL;
}

/* Tells what is missing where it is missing. 0, -EAGAIN or -errno. */
static int printer__tell_missing(struct printer *printer)
{
	_free_ char *text = NULL;
	size_t size = 0;
	int error;

	if (!printer->missing)
		return 0;
	text = printer__gap(printer, &size);
	error = text ? outlet__put(printer->out, text, size) : -ENOMEM;
	if (!error)
		printer->missing = 0;
	return error;
}

static void printer__settle(struct printer *printer)
{
	int error = printer->error ? 0 : printer__tell_missing(printer);

	if (error && error != -EAGAIN)
		printer->error = error;
}

void printer__line(struct printer *printer, const char *text, size_t size)
{
	int error = printer->error ? printer->error : printer__tell_missing(printer);

	if (!error)
		error = outlet__put(printer->out, text, size);
	if (error == -EAGAIN)
		count__add(&printer->missing, 1);
	else
		printer->error = error;
}

void printer__lost(struct printer *printer, uint64_t count)
{
	count__add(&printer->missing, count);
	printer__settle(printer);
}

void printer__page(struct printer *printer, const char *text, size_t size)
{
	printer__settle(printer);
	if (!printer->error)
		printer->error = outlet__put_all(printer->out, text, size);
}

void printer__turn(struct printer *printer)
{
	if (!printer->error)
		printer->error = outlet__flush(printer->out);
	printer__settle(printer);
}

bool printer__waits(const struct printer *printer)
{
	return !printer->error && outlet__waits(printer->out);
}

int printer__error(const struct printer *printer)
{
	return printer->error;
}

struct patience {
	const volatile sig_atomic_t *signalled;
	bool hurried;
	size_t left; /* bytes, when it read last */
	int64_t since;
};

static bool patience__lasts(void *context, size_t left)
{
	struct patience *patience = context;
	bool hurry = *patience->signalled && !patience->hurried;

	if (hurry || (!patience->hurried && left < patience->left))
		patience->since = clock__steady();
	patience->hurried |= hurry;
	patience->left = left;
	return clock__steady() - patience->since < (patience->hurried ? PATIENCE : STALL);
}

int printer__finish(struct printer *printer, const volatile sig_atomic_t *signalled)
{
	struct patience patience = {.signalled = signalled, .since = clock__steady()};
	int error;

	printer__settle(printer);
	if (printer->error)
		return printer->error;
	error = outlet__drain(printer->out, patience__lasts, &patience);
	if (!error && printer->missing) {
		printer__settle(printer);
		error = outlet__drain(printer->out, patience__lasts, &patience);
	}
	if (error != -ETIME)
		return error;
	if (printer->missing)
		complain("nobody read all of what was to be printed: %" PRIu64
			 " calls are missing there, and what was printed last",
			printer->missing);
	else
		complain(
			"nobody read all of what was to be printed: the end of it is missing there");
	return 0;
}
