/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "render/verdict_line.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/scope.h"
#include "lib/text.h"
#include "render/render_caller.h"

#define CALLERS_NAMED 5
#define CALLER_SHOWN  60 /* columns */

static void put__shown(FILE *out, const char *text, size_t columns)
{
	_free_ char *shown = text ? text__shown(text, columns) : NULL;

	fputs(shown ? shown : "?", out);
}

static void put__caller(FILE *out, const struct caller *caller)
{
	_free_ char *place = caller__place(caller);

	put__shown(out, caller->name, CALLER_SHOWN);
	if (!place || !*place)
		return;
	fputs(" (", out);
	put__shown(out, place, CALLER_SHOWN);
	putc(')', out);
}

static void put__callers(FILE *out, const struct report *report, bool strict)
{
	size_t blockers = report__count_blockers(report, strict), named = 0;

	for (size_t i = 0; i < report->caller_count && named < CALLERS_NAMED; i++) {
		if (!caller__blocks(report->callers[i], strict))
			continue;
		fputs(named++ ? ", " : blockers == 1 ? "; caller: " : "; callers: ", out);
		put__caller(out, report->callers[i]);
	}
	if (blockers > named)
		fprintf(out, " and %zu more", blockers - named);
}

char *verdict_line__of(const struct ruling *ruling, const struct report *report,
	const struct verdict_options *options, size_t *size)
{
	_free_ char *line = NULL;
	FILE *out = open_memstream(&line, size);
	char *result;

	if (!out)
		return NULL;
	fprintf(out, "%s: ", verdict__name(ruling->verdict));
	for (size_t i = 0; ruling->reasons[i]; i++) {
		_free_ char *reason = text__printable(ruling->reasons[i]);

		fprintf(out, "%s%s", i ? "; " : "", reason ? reason : "?");
	}
	put__callers(out, report, options->strict);
	putc('\n', out);
	if (fclose(out))
		return NULL;
	result = line;
	line = NULL;
	return result;
}
