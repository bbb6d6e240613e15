/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "trace/top.h"

#include <errno.h>
#include <poll.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/number.h"
#include "lib/scope.h"
#include "lib/text.h"
#include "render/page.h"
#include "render/render_caller.h"
#include "trace/live.h"
#include "trace/screen.h"
#include "verdict/advice.h"

#define SAMPLES          61 /* one a second: the first and the last are a minute apart */
#define HEAD_LINES       4
#define DETAIL_LINES     6
#define FIXED_COLUMNS    28 /* marker, calls, calls in the last minute, last call */
#define ADVICE_COLUMNS   16 /* the longest name of an advice */
#define SENTENCE_COLUMNS 48 /* with so many, the advice's sentence says more than its name */

/* One caller. What is shown is what the last update found, so that a pause freezes it. */
struct row {
	const struct caller *caller;
	uint64_t v1_before, total_before; /* this trace */
	uint64_t samples[SAMPLES];        /* its v1 calls, a ring */
	unsigned int sampled;
	uint64_t v1, total, last_minute;
	int64_t last; /* ns since 1970; 0: none */
};

enum order { ORDER_V1, ORDER_RATE, ORDER_LAST, ORDER_CALLER, ORDER_WORKLOAD, ORDERS };

static const char *const order_names[ORDERS] = {
	[ORDER_V1] = "v1 calls",
	[ORDER_RATE] = "the last minute",
	[ORDER_LAST] = "last call",
	[ORDER_CALLER] = "caller",
	[ORDER_WORKLOAD] = "workload",
};

struct top {
	struct top_options options;
	int64_t start;
	void *by_caller; /* tsearch tree of rows */
	struct row **rows;
	size_t count, shown, room;
	const struct caller *selected;
	size_t first; /* row at the top of the table */
	enum order order;
	bool paused, color, save_failed, quit;
	char escape; /* what of an arrow's sequence has come: 0, ESC, or '[' */
	struct counters counters;
};

const char *top__refusal(void)
{
	const char *term = getenv("TERM");

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return "--top needs a terminal on standard input and standard output";
	if (!term || !*term || !strcmp(term, "dumb"))
		return "--top needs a terminal that can be redrawn in place, and TERM says that this one cannot";
	return NULL;
}

static int row__compare_callers(const void *left, const void *right)
{
	const struct caller *a = ((const struct row *)left)->caller;
	const struct caller *b = ((const struct row *)right)->caller;

	return a < b ? -1 : a > b;
}

/* The row of a caller, made where it is new. NULL: no memory. */
static struct row *top__row(struct top *top, const struct caller *caller)
{
	struct row key = {.caller = caller}, *row, **grown;
	void *found = tfind(&key, &top->by_caller, row__compare_callers);

	if (found)
		return *(struct row **)found;
	grown = reallocarray(top->rows, top->count + 1, sizeof(struct row *));
	if (!grown)
		return NULL;
	top->rows = grown;
	row = calloc(1, sizeof(*row));
	if (!row)
		return NULL;
	row->caller = caller;
	if (!tsearch(row, &top->by_caller, row__compare_callers)) {
		free(row);
		return NULL;
	}
	top->rows[top->count++] = row;
	return row;
}

static int top__note_before(struct top *top, const struct report *report)
{
	for (size_t i = 0; i < report->caller_count; i++) {
		const struct caller *caller = report->callers[i];
		struct row *row = top__row(top, caller);

		if (!row)
			return -ENOMEM;
		row->v1_before = caller->calls[CLASS_V1];
		row->total_before = caller__total(caller);
	}
	return 0;
}

struct top *top__start(const struct report *report, const struct top_options *options)
{
	struct top *top = calloc(1, sizeof(*top));

	if (!top)
		return NULL;
	top->options = *options;
	top->start = clock__steady();
	top->color = text__may_color(STDOUT_FILENO);
	if (top__note_before(top, report) || screen__start()) {
		tdestroy(top->by_caller, free);
		free(top->rows);
		free(top);
		return NULL;
	}
	return top;
}

int top__begin_report(struct top *top, const struct report *report)
{
	tdestroy(top->by_caller, free);
	top->by_caller = NULL;
	top->count = 0;
	top->selected = NULL;
	return top__note_before(top, report);
}

void top__stop(struct top *top)
{
	if (!top)
		return;
	screen__stop();
	tdestroy(top->by_caller, free);
	free(top->rows);
	free(top);
}

/* --- What is shown ----------------------------------------------------------------------------
 */

static void row__sample(struct row *row)
{
	row->samples[row->sampled % SAMPLES] = row->caller->calls[CLASS_V1] - row->v1_before;
	row->sampled++;
}

/* Until a minute has passed, all that it called is of the last minute. */
static uint64_t row__last_minute(const struct row *row)
{
	uint64_t newest = row->samples[(row->sampled - 1) % SAMPLES];

	return row->sampled < SAMPLES ? newest : newest - row->samples[row->sampled % SAMPLES];
}

static void row__take(struct row *row, bool all)
{
	const struct caller *caller = row->caller;

	row->v1 = caller->calls[CLASS_V1] - row->v1_before;
	row->last_minute = row__last_minute(row);
	row->total = caller__total(caller) - row->total_before;
	row->last = all && !row->v1 ? caller->last : caller__last_of(caller, CLASS_V1);
}

static enum order sorting;

static int number__compare(uint64_t a, uint64_t b)
{
	return a > b ? -1 : a < b;
}

static int text__compare(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "");
}

static int row__compare(const void *left, const void *right)
{
	const struct row *a = *(struct row *const *)left, *b = *(struct row *const *)right;
	int result = 0;

	if (sorting == ORDER_RATE)
		result = number__compare(a->last_minute, b->last_minute);
	else if (sorting == ORDER_LAST)
		result = number__compare((uint64_t)a->last, (uint64_t)b->last);
	else if (sorting == ORDER_CALLER)
		result = text__compare(a->caller->name, b->caller->name);
	else if (sorting == ORDER_WORKLOAD)
		result = text__compare(workload__shown_name(&a->caller->workload),
			workload__shown_name(&b->caller->workload));
	if (!result)
		result = number__compare(a->v1, b->v1);
	if (!result)
		result = number__compare(a->total, b->total);
	if (!result)
		result = text__compare(a->caller->name, b->caller->name);
	return result ? result : text__compare(a->caller->parent, b->caller->parent);
}

/* Puts the rows that are shown in front, in order. */
static void top__arrange(struct top *top)
{
	size_t shown = 0;

	for (size_t i = 0; i < top->count; i++) {
		struct row *row = top->rows[i];

		if (!row->v1 && !(top->options.all && row->total))
			continue;
		top->rows[i] = top->rows[shown];
		top->rows[shown++] = row;
	}
	top->shown = shown;
	sorting = top->order;
	if (shown)
		qsort(top->rows, shown, sizeof(struct row *), row__compare);
}

static size_t top__selected(const struct top *top)
{
	for (size_t i = 0; i < top->shown; i++)
		if (top->rows[i]->caller == top->selected)
			return i;
	return 0;
}

/* In the machine's own time zone, as the lines of a trace have it. */
static void time__format_clock(char out[sizeof("15:04:05")], int64_t time_ns)
{
	time_t seconds = time_ns / NSEC_PER_SEC;
	struct tm local;

	snprintf(out, sizeof("15:04:05"), "-");
	if (time_ns && localtime_r(&seconds, &local))
		strftime(out, sizeof("15:04:05"), "%H:%M:%S", &local);
}

/* The widths of the columns that take what the others leave. */
struct widths {
	size_t caller, workload, advice;
};

static struct widths widths__of(size_t columns)
{
	size_t left = columns > FIXED_COLUMNS ? columns - FIXED_COLUMNS : 0;
	struct widths widths = {.caller = left * 2 / 5, .workload = left / 4};

	if (widths.caller > 40)
		widths.caller = 40;
	if (widths.workload > 30)
		widths.workload = 30;
	left -= widths.caller + widths.workload;
	widths.advice = left > 4 ? left - 4 : 0;
	return widths;
}

static void row__draw(
	const struct row *row, struct page *page, const struct widths *widths, bool selected)
{
	const struct caller *caller = row->caller;
	_free_ char *label = workload__label(&caller->workload);
	_free_ char *name = page__cell(page, caller->name, widths->caller);
	_free_ char *workload = page__cell(page, label ? label : "?", widths->workload);
	_free_ char *sentence = NULL;
	enum advice advice;
	char last[sizeof("15:04:05")];
	bool before;

	if (advice__for(caller, &advice, &sentence))
		page->error = -ENOMEM;
	if (page->error)
		return;
	time__format_clock(last, row->last);
	before = number__separate(true);
	page__line(page, selected ? STYLE_HEADING : STYLE_PLAIN, "%c %7s  %5s  %-8s  %s  %s  %s",
		selected ? '>' : ' ', NUMBER(row->v1), NUMBER(row->last_minute), last, name,
		workload, widths->advice >= SENTENCE_COLUMNS ? sentence : advice__name(advice));
	number__separate(before);
}

static void top__draw_head(const struct top *top, struct page *page, const struct widths *widths)
{
	int64_t elapsed = clock__steady() - top->start;
	_free_ char *caller = page__cell(page, "CALLER", widths->caller);
	_free_ char *workload = page__cell(page, "WORKLOAD", widths->workload);
	char span[STATUS_SIZE], counts[STATUS_SIZE];

	status__format_span(span, elapsed, top->options.duration);
	status__format_counts(counts, &top->counters);
	page__line(page, STYLE_HEADING, "imdstrace  %s  %zu caller%s  %s hooks%s%s", span,
		top->shown, top->shown == 1 ? "" : "s", top->options.hooks,
		top->paused ? "  PAUSED" : "", top->save_failed ? "  THE REPORT IS NOT SAVED" : "");
	page__line(page, top->counters.requests[CLASS_V1] ? STYLE_BAD : STYLE_PLAIN, "%s", counts);
	page__line(page, STYLE_PLAIN, "%s", "");
	if (caller && workload)
		page__line(page, STYLE_FAINT, "  %7s  %5s  %-8s  %s  %s  %s", "V1", "/MIN", "LAST",
			caller, workload, "WHAT TO DO");
}

/* What the selected row has no room for. */
static void top__draw_detail(const struct top *top, struct page *page)
{
	const struct caller *caller = top->shown ? top->rows[top__selected(top)]->caller : NULL;
	_free_ char *place = NULL, *sentence = NULL;
	enum advice advice;

	if (!caller) {
		page__line(page, STYLE_FAINT, "%s",
			top->options.all ? "No calls yet." : "No calls without a token yet.");
		return;
	}
	place = caller__place(caller);
	if (!place || advice__for(caller, &advice, &sentence)) {
		page->error = -ENOMEM;
		return;
	}
	page__line(page, STYLE_HEADING, "%s%s%s%s%s", caller->name, *place ? " in " : "", place,
		caller->parent ? ", by " : "", caller->parent ? caller->parent : "");
	page__wrap(page, STYLE_PLAIN, "", 0, sentence);
}

/* Draws with at most so many lines; the rest of what it says goes. */
static int part__draw(FILE *out, size_t lines, const char *text)
{
	for (; lines && *text; lines--) {
		size_t size = strcspn(text, "\n");

		fprintf(out, "%.*s\033[K\r\n", (int)size, text);
		text += size + (text[size] == '\n');
	}
	for (; lines; lines--)
		fputs("\033[K\r\n", out);
	return ferror(out) ? -ENOMEM : 0;
}

static void top__draw_rows(struct top *top, struct page *page, const struct widths *widths)
{
	size_t selected = top__selected(top);

	if (top->first > selected)
		top->first = selected;
	if (top->room && selected >= top->first + top->room)
		top->first = selected - top->room + 1;
	/* A table that has become shorter, or a terminal taller, leaves no room unused. */
	if (top->first + top->room > top->shown)
		top->first = top->shown > top->room ? top->shown - top->room : 0;
	for (size_t i = top->first; i < top->shown && i < top->first + top->room; i++)
		row__draw(top->rows[i], page, widths, i == selected);
}

enum part { PART_HEAD, PART_ROWS, PART_DETAIL, PARTS };

static int top__draw_part(struct top *top, enum part part, size_t columns, FILE *out, size_t lines)
{
	struct widths widths = widths__of(columns);
	_free_ char *text = NULL;
	size_t size;
	struct page page = {.columns = columns, .color = top->color};

	page.out = open_memstream(&text, &size);
	if (!page.out)
		return -ENOMEM;
	if (part == PART_HEAD)
		top__draw_head(top, &page, &widths);
	else if (part == PART_ROWS)
		top__draw_rows(top, &page, &widths);
	else
		top__draw_detail(top, &page);
	if (fclose(page.out) || page.error)
		return -ENOMEM;
	return part__draw(out, lines, text);
}

static int top__draw(struct top *top)
{
	_free_ char *frame = NULL, *keys = NULL;
	size_t size, detail, lines, columns = text__terminal_columns(STDOUT_FILENO);
	struct winsize window = {.ws_row = 24};
	FILE *out = open_memstream(&frame, &size);
	int error = 0;

	if (!out)
		return -ENOMEM;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) || !window.ws_row)
		window.ws_row = 24;
	/* On a low terminal the rows come first. */
	detail = window.ws_row / 4 < DETAIL_LINES ? window.ws_row / 4 : DETAIL_LINES;
	lines = HEAD_LINES + detail + 2;
	top->room = window.ws_row > lines ? window.ws_row - lines : 1;
	fputs("\033[H", out);
	error = top__draw_part(top, PART_HEAD, columns, out, HEAD_LINES);
	if (!error)
		error = top__draw_part(top, PART_ROWS, columns, out, top->room);
	fputs("\033[K\r\n", out);
	if (!error)
		error = top__draw_part(top, PART_DETAIL, columns, out, detail);
	if (asprintf(&keys, "q quit  p %s  up, down: select  left, right: sort (by %s)",
		    top->paused ? "go on" : "pause", order_names[top->order]) < 0) {
		keys = NULL;
		error = -ENOMEM;
	}
	if (keys) {
		text__ellipsize(keys, columns - 1);
		fprintf(out, "%s\033[K\033[J", keys);
	}
	if (fclose(out) || error)
		return -ENOMEM;
	screen__write(frame, size);
	return 0;
}

int top__update(struct top *top, const struct report *report, const struct counters *counters,
	bool save_failed)
{
	for (size_t i = 0; i < report->caller_count; i++) {
		struct row *row = top__row(top, report->callers[i]);

		if (!row)
			return -ENOMEM;
		row__sample(row);
		if (!top->paused)
			row__take(row, top->options.all);
	}
	top->save_failed = save_failed;
	if (!top->paused) {
		top->counters = *counters;
		top__arrange(top);
	}
	return top__draw(top);
}

/* --- Keys --------------------------------------------------------------------------------------
 */

static void top__move(struct top *top, int by)
{
	size_t at = top__selected(top);

	if (by < 0 && at)
		at--;
	else if (by > 0 && at + 1 < top->shown)
		at++;
	if (top->shown)
		top->selected = top->rows[at]->caller;
}

static void top__press_arrow(struct top *top, char key)
{
	if (key == 'A' || key == 'B')
		top__move(top, key == 'A' ? -1 : 1);
	if (key == 'C')
		top->order = (top->order + 1) % ORDERS;
	if (key == 'D')
		top->order = (top->order + ORDERS - 1) % ORDERS;
	if (key == 'C' || key == 'D')
		top__arrange(top);
}

/* Arrows come as ESC [ A or, in a terminal's other mode, as ESC O A. */
static void top__press(struct top *top, char key)
{
	if (top->escape == '[') {
		/* Parameters, as of an arrow with Shift, stand before the final byte. */
		if ((key >= '0' && key <= '9') || key == ';')
			return;
		top->escape = 0;
		top__press_arrow(top, key);
	} else if (key == '\033') {
		top->escape = key;
	} else if (top->escape && (key == '[' || key == 'O')) {
		top->escape = '[';
	} else {
		top->escape = 0;
		if (key == 'q')
			top->quit = true;
		else if (key == 'p')
			top->paused = !top->paused;
	}
}

bool top__obey(struct top *top)
{
	struct pollfd pressed = {.fd = STDIN_FILENO, .events = POLLIN};
	bool redraw = screen__changed();
	char keys[64];

	if (poll(&pressed, 1, 0) > 0) {
		ssize_t got = read(STDIN_FILENO, keys, sizeof(keys));

		/* Nothing, though something was there: the terminal is gone. */
		if (!got || (got < 0 && errno != EAGAIN && errno != EINTR))
			top->quit = true;
		for (ssize_t i = 0; i < got; i++)
			top__press(top, keys[i]);
		redraw = true;
	}
	if (redraw && !top->quit && top__draw(top))
		top->quit = true;
	return top->quit;
}
