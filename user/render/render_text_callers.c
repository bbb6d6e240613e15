/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The table of callers: those that need somebody first, each with its advice; then the others in a
 * sentence for each kind. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "verdict/advice.h"
#include "verdict/rehearsal_verdict.h"
#include "lib/array.h"
#include "lib/clock.h"
#include "lib/number.h"
#include "render/render_caller.h"
#include "render/render_text.h"
#include "lib/scope.h"
#include "lib/text.h"

#define CALLERS_SHOWN      30
#define NAMES_SHOWN        8
#define ADVICE_SAID_AGAIN  200 /* bytes: more is said once of callers that differ in name */
#define NAME_COLUMNS_MIN   16
#define PLACE_COLUMNS_MIN  12
#define NAMED_COLUMNS_MAX  40 /* of a caller in a sentence */
#define DETAIL_COLUMNS_MIN 40 /* with less beside the counts, details go below them */
#define DETAIL_INDENT      4
#define BETWEEN            2 /* blanks between columns */

static const enum request_class column_classes[] = {
	CLASS_V1, CLASS_V2, CLASS_TOKEN, CLASS_FOREIGN, CLASS_UNKNOWN};

#define COLUMN_CLASSES ARRAY_SIZE(column_classes)

/* Where the table's columns are; a width of 0 is a column that is not there. */
struct layout {
	size_t counts[COLUMN_CLASSES];
	size_t name, place, pattern;
	size_t indent; /* where names start */
	size_t detail; /* where what is said about a caller starts */
};

static size_t text__printed_columns(const char *text)
{
	_free_ char *safe = text ? text__printable(text) : NULL;

	return safe ? text__columns(safe) : 0;
}

static void widen(size_t *width, size_t needed)
{
	if (needed > *width)
		*width = needed;
}

static void layout__measure(struct layout *layout, const struct caller *caller)
{
	_free_ char *place = caller__place(caller);

	for (size_t i = 0; i < COLUMN_CLASSES; i++) {
		uint64_t calls = caller->calls[column_classes[i]];

		if (!calls && column_classes[i] != CLASS_V1)
			continue;
		widen(&layout->counts[i], strlen(NUMBER(calls)));
		widen(&layout->counts[i], strlen(class__name(column_classes[i])));
	}
	widen(&layout->name, text__printed_columns(caller->name));
	widen(&layout->place, text__printed_columns(place));
	widen(&layout->pattern, strlen(pattern__name(caller__pattern(caller))));
}

/* Names and places share what is left, and the places give way first. Where both would be stumps,
 * place and pattern move under the caller. */
static void layout__fit(struct layout *layout, size_t columns)
{
	size_t room;

	layout->indent = 1;
	for (size_t i = 0; i < COLUMN_CLASSES; i++)
		if (layout->counts[i])
			layout->indent += layout->counts[i] + BETWEEN;
	widen(&layout->name, strlen("caller"));
	widen(&layout->pattern, strlen("pattern"));
	if (layout->place)
		widen(&layout->place, strlen("in"));
	room = columns > layout->indent ? columns - layout->indent : 1;
	layout->detail = room < DETAIL_COLUMNS_MIN ? DETAIL_INDENT : layout->indent;
	if (room < NAME_COLUMNS_MIN + PLACE_COLUMNS_MIN + layout->pattern + 2 * BETWEEN) {
		layout->place = layout->pattern = 0;
		layout->name = room;
		return;
	}
	room -= layout->pattern + BETWEEN;
	if (!layout->place) {
		if (layout->name > room)
			layout->name = room;
		return;
	}
	room -= BETWEEN;
	if (layout->name + layout->place > room && layout->place > room * 2 / 5)
		layout->place = layout->name > room * 3 / 5 ? room * 2 / 5 : room - layout->name;
	if (layout->name > room - layout->place)
		layout->name = room - layout->place;
}

static void row__put_cell(struct page *page, FILE *row, const char *text, size_t columns)
{
	_free_ char *cell = columns ? page__cell(page, text, columns) : NULL;

	if (cell)
		fprintf(row, "%s%*s", cell, BETWEEN, "");
}

static void row__put_counts(FILE *row, const struct layout *layout, const struct caller *caller)
{
	putc(' ', row);
	for (size_t i = 0; i < COLUMN_CLASSES; i++) {
		uint64_t calls = caller ? caller->calls[column_classes[i]] : 0;
		int width = (int)layout->counts[i];

		if (!width)
			continue;
		if (!caller)
			fprintf(row, "%*s%*s", width, class__name(column_classes[i]), BETWEEN, "");
		else if (calls)
			fprintf(row, "%*s%*s", width, NUMBER(calls), BETWEEN, "");
		else
			fprintf(row, "%*s%*s", width, "-", BETWEEN, "");
	}
}

/* A caller's row, or the table's head. */
static void row__render(struct page *page, const struct layout *layout, const struct caller *caller)
{
	_free_ char *line = NULL, *place = caller ? caller__place(caller) : NULL;
	enum style style = caller ? STYLE_PLAIN : STYLE_FAINT;
	size_t size;
	FILE *row = open_memstream(&line, &size);

	if (!row || (caller && !place)) {
		page->error = -ENOMEM;
		if (row)
			fclose(row);
		return;
	}
	row__put_counts(row, layout, caller);
	row__put_cell(page, row, caller ? caller->name : "caller", layout->name);
	row__put_cell(page, row, caller ? place : "in", layout->place);
	row__put_cell(page, row, caller ? pattern__name(caller__pattern(caller)) : "pattern",
		layout->pattern);
	if (fclose(row))
		page->error = -ENOMEM;
	else
		page__line_in_two(page, caller && caller->calls[CLASS_V1] ? STYLE_BAD : style,
			layout->counts[0] + 1, style, line);
}

/* What helps to find it: "uid 0, started by bash /etc/cron.daily/tag, last v1 call ...". */
static int caller__put_whereabouts(FILE *line, const struct layout *layout,
	const struct report *report, const struct host_summaries *summaries,
	const struct caller *caller)
{
	_free_ char *hosts = caller__hosts(report, summaries, caller);
	_free_ char *outcomes = caller__v1_outcomes(caller);
	_free_ char *place = layout->pattern ? NULL : caller__place(caller);
	_free_ char *parent = caller->parent ? strdup(caller->parent) : NULL;
	int64_t last = caller__last_of(caller, CLASS_V1);
	char time[RFC3339_SIZE];

	if (!hosts || !outcomes)
		return -ENOMEM;
	if (parent)
		text__keep_end(parent, NAMED_COLUMNS_MAX);
	if (!layout->pattern)
		fprintf(line, "%s, ", pattern__name(caller__pattern(caller)));
	if (place && *place)
		fprintf(line, "in %s, ", place);
	if (!caller->rest)
		fprintf(line, "uid %" PRIu32, caller->uid);
	else
		fprintf(line, "all callers beyond the first %s", NUMBER(REPORT_CALLERS_MAX));
	if (caller->network != NETWORK_UNKNOWN)
		fprintf(line, ", %s network", network__name(caller->network));
	if (parent)
		fprintf(line, ", started by %s", parent);
	if (caller->processes > 1)
		fprintf(line, ", %s processes", NUMBER(caller->processes));
	else if (caller->pid_count == 1)
		fprintf(line, ", pid %" PRIu32, caller->pids[0]);
	if (caller->containers > 1)
		fprintf(line, ", %s containers", NUMBER(caller->containers));
	if (*hosts)
		fprintf(line, ", on %s", hosts);
	if (*outcomes)
		fprintf(line, ", answers to v1: %s", outcomes);
	if (!last)
		return 0;
	clock__format(time, last);
	fprintf(line, ", last v1 call %.10s %.8s UTC", time, time + strlen("2026-01-01T"));
	return 0;
}

static void caller__render_whereabouts(struct page *page, const struct layout *layout,
	const struct report *report, const struct host_summaries *hosts,
	const struct caller *caller)
{
	_free_ char *text = NULL;
	size_t size;
	FILE *line = open_memstream(&text, &size);

	if (!line) {
		page->error = -ENOMEM;
		return;
	}
	if (caller__put_whereabouts(line, layout, report, hosts, caller))
		page->error = -ENOMEM;
	if (fclose(line))
		page->error = -ENOMEM;
	else
		page__wrap(page, STYLE_FAINT, "", layout->detail, text);
}

/* Advice that was given, with what it says of whom taken out. */
struct given {
	char *texts[CALLERS_SHOWN];
	const struct caller *to[CALLERS_SHOWN];
	size_t count;
};

/* text without name. The caller frees. NULL: no memory. */
static char *text__without(const char *text, const char *name)
{
	size_t size = name ? strlen(name) : 0, used = 0;
	char *rest = malloc(strlen(text) + 1);

	while (rest && *text) {
		if (size && !strncmp(text, name, size))
			text += size;
		else
			rest[used++] = *text++;
	}
	if (rest)
		rest[used] = '\0';
	return rest;
}

/* Whom the same advice was given before; NULL: nobody, or it is short enough to be said again. */
static const struct caller *given__find(
	struct given *given, const struct caller *caller, const char *text)
{
	_free_ char *rest = NULL;

	if (strlen(text) < ADVICE_SAID_AGAIN || given->count == CALLERS_SHOWN)
		return NULL;
	rest = text__without(text, caller->name);
	if (!rest)
		return NULL;
	for (size_t i = 0; i < given->count; i++)
		if (!strcmp(given->texts[i], rest))
			return given->to[i];
	given->to[given->count] = caller;
	given->texts[given->count++] = rest;
	rest = NULL;
	return NULL;
}

static void given__clear(struct given *given)
{
	for (size_t i = 0; i < given->count; i++)
		free(given->texts[i]);
}

static void advice__render(struct page *page, const struct layout *layout, const char *text,
	const struct caller *before)
{
	_free_ char *name = before ? text__shown(before->name, NAMED_COLUMNS_MAX) : NULL;
	_free_ char *same = NULL;

	if (!before) {
		page__wrap(page, STYLE_PLAIN, "", layout->detail, text);
		return;
	}
	if (!name || asprintf(&same, "What to do is the same as for %s.", name) < 0) {
		same = NULL;
		page->error = -ENOMEM;
		return;
	}
	page__wrap(page, STYLE_PLAIN, "", layout->detail, same);
}

static void caller__render(struct page *page, const struct layout *layout,
	const struct report *report, const struct host_summaries *hosts,
	const struct caller *caller, struct sentences *advices, struct given *given)
{
	_free_ char *text = NULL;
	enum advice advice;

	row__render(page, layout, caller);
	caller__render_whereabouts(page, layout, report, hosts, caller);
	if (advice__for(caller, &advice, &text)) {
		page->error = -ENOMEM;
		return;
	}
	if (advice == ADVICE_NONE && !caller->fixed_since && !caller__survives(caller))
		return;
	advice__render(page, layout, text, given__find(given, caller, text));
	if (advice != ADVICE_NONE)
		sentences__add(advices, "%s", text);
}

/* "4 callers KIND (340 calls): a, b and 2 more". */
static void callers__render_sentence(struct page *page, const struct report *report, bool strict,
	bool foreign, const char *one, const char *many)
{
	_free_ char *names = NULL, *sentence = NULL;
	size_t size, callers = 0;
	uint64_t calls = 0;
	FILE *list = open_memstream(&names, &size);

	if (!list) {
		page->error = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < report->caller_count; i++) {
		const struct caller *caller = report->callers[i];
		_free_ char *name = NULL;

		if (caller__needs_change(caller, strict) ||
			(caller__pattern(caller) == PATTERN_FOREIGN_ONLY) != foreign)
			continue;
		count__add(&calls, caller__total(caller));
		if (++callers > NAMES_SHOWN)
			continue;
		name = strdup(caller->name);
		if (name)
			text__ellipsize(name, NAMED_COLUMNS_MAX);
		fprintf(list, "%s%s", callers > 1 ? ", " : "", name ? name : "?");
	}
	if (callers > NAMES_SHOWN)
		fprintf(list, " and %s more", NUMBER(callers - NAMES_SHOWN));
	if (fclose(list) || asprintf(&sentence, "%s %s (%s call%s): %s", NUMBER(callers),
				    callers == 1 ? one : many, NUMBER(calls), calls == 1 ? "" : "s",
				    names) < 0) {
		sentence = NULL;
		page->error = -ENOMEM;
		return;
	}
	if (callers)
		page__wrap(page, STYLE_PLAIN, "  ", 2, sentence);
}

static void callers__render_left_out(
	struct page *page, const struct report *report, size_t left_out, bool strict)
{
	uint64_t v1 = 0;
	size_t seen = 0;

	for (size_t i = 0; i < report->caller_count; i++)
		if (caller__needs_change(report->callers[i], strict) && ++seen > CALLERS_SHOWN)
			count__add(&v1, report->callers[i]->calls[CLASS_V1]);
	page__line(page, STYLE_PLAIN, "  and %s more with %s v1 calls: see --format json",
		NUMBER(left_out), NUMBER(v1));
}

void callers__render(struct page *page, const struct report *report,
	const struct render_options *options, struct sentences *advices)
{
	bool strict = options->verdict.strict;
	struct layout layout = {0};
	struct given given = {0};
	size_t shown = 0, needing = 0;

	for (size_t i = 0; i < report->caller_count; i++)
		if (caller__needs_change(report->callers[i], strict) && needing++ < CALLERS_SHOWN)
			layout__measure(&layout, report->callers[i]);
	page__line(page, STYLE_PLAIN, "%s", "");
	page__line(page, STYLE_HEADING, "Callers");
	if (!report->caller_count)
		page__line(page, STYLE_PLAIN, "  none: nothing called the metadata service");
	if (needing) {
		layout__fit(&layout, page->columns);
		row__render(page, &layout, NULL);
	}
	for (size_t i = 0; i < report->caller_count && shown < CALLERS_SHOWN; i++) {
		if (!caller__needs_change(report->callers[i], strict))
			continue;
		caller__render(
			page, &layout, report, options->hosts, report->callers[i], advices, &given);
		shown++;
	}
	given__clear(&given);
	if (needing > shown)
		callers__render_left_out(page, report, needing - shown, strict);
	if (needing && needing < report->caller_count)
		page__line(page, STYLE_PLAIN, "%s", "");
	callers__render_sentence(
		page, report, strict, false, "caller uses only IMDSv2", "callers use only IMDSv2");
	callers__render_sentence(page, report, strict, true,
		"caller calls only another cloud's metadata service, which is harmless",
		"callers call only another cloud's metadata service, which is harmless");
}
