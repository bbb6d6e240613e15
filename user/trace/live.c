/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "trace/live.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/number.h"
#include "lib/scope.h"
#include "lib/text.h"

#define TIME_COLUMNS       12 /* "15:04:05.123" */
#define SHORT_TIME_COLUMNS 8
#define PID_COLUMNS        7
#define CALLER_COLUMNS     24
#define WORKLOAD_COLUMNS   22
#define CLASS_COLUMNS      7
#define GAP                2
#define WIDE_COLUMNS       110 /* a terminal that has room for milliseconds */
#define ID_LENGTH          64  /* of a container */
#define SHORT_ID_LENGTH    12

static const char *const class_colors[CLASS_COUNT] = {
	[CLASS_V1] = "\033[31m",
	[CLASS_UNKNOWN] = "\033[33m",
	[CLASS_V2] = "\033[32m",
	[CLASS_TOKEN] = "\033[32m",
	[CLASS_FOREIGN] = "\033[36m",
};

void live__start(struct live *live, const struct live_options *options)
{
	*live = (struct live){
		.all = options->all,
		.lines = options->lines,
		.out = options->out,
		.color = text__may_color(options->out),
		.terminal = isatty(options->out),
		.status = options->status && isatty(STDERR_FILENO),
		.start = clock__steady(),
		.duration = options->duration,
	};
}

/* A terminal that was stopped (Ctrl-S) would stop the trace. */
static bool stderr__is_ready(void)
{
	struct pollfd ready = {.fd = STDERR_FILENO, .events = POLLOUT};

	return poll(&ready, 1, 0) > 0;
}

void live__clear(struct live *live)
{
	if (!live->status_shown || !stderr__is_ready())
		return;
	fputs("\r\033[K", stderr);
	live->status_shown = false;
}

/* The columns of a line. On a terminal they leave as much to the call as they can. */
struct layout {
	size_t time, caller, workload;
	size_t call; /* 0: as long as it is */
};

static struct layout live__layout(const struct live *live)
{
	size_t columns, fixed, left;
	struct layout layout = {TIME_COLUMNS, CALLER_COLUMNS, WORKLOAD_COLUMNS, 0};

	if (!live->terminal)
		return layout;
	columns = text__terminal_columns(live->out);
	if (columns < WIDE_COLUMNS)
		layout.time = SHORT_TIME_COLUMNS;
	fixed = layout.time + PID_COLUMNS + (live->all ? CLASS_COLUMNS + GAP : 0) + 4 * GAP;
	left = columns > fixed ? columns - fixed : 1;
	if (layout.caller > left * 3 / 10)
		layout.caller = left * 3 / 10;
	if (layout.workload > left / 5)
		layout.workload = left / 5;
	layout.call = left - layout.caller - layout.workload;
	return layout;
}

/* Text in a column: a person's is cut where it does not fit, a program's is whole. */
static void live__cell(const struct live *live, FILE *line, const char *text, size_t columns)
{
	_free_ char *printable = text__printable(text ? text : "-");
	size_t used;

	if (!printable)
		return;
	if (live->terminal)
		text__ellipsize(printable, columns);
	used = text__columns(printable);
	fprintf(line, "%s%*s  ", printable, used < columns ? (int)(columns - used) : 0, "");
}

static void live__head(struct live *live, FILE *out, const struct layout *layout)
{
	_free_ char *line = NULL;

	if (live->headed)
		return;
	live->headed = true;
	if (asprintf(&line, "%-*s  %*s  %-*s  %-*s  %s%s", (int)layout->time, "TIME", PID_COLUMNS,
		    "PID", (int)layout->caller, "CALLER", (int)layout->workload, "WORKLOAD",
		    live->all ? "CLASS    " : "", "CALL") < 0) {
		line = NULL;
		return;
	}
	if (live->terminal)
		text__ellipsize(line, text__terminal_columns(live->out));
	fprintf(out, "%s\n", line);
}

/* In the machine's own time zone: a person compares it with the wall clock and the logs. */
static void live__time(FILE *line, int64_t time_ns, size_t columns)
{
	time_t seconds = time_ns / NSEC_PER_SEC;
	struct tm local = {0};
	char text[64];

	localtime_r(&seconds, &local);
	snprintf(text, sizeof(text), "%02d:%02d:%02d.%03d", local.tm_hour, local.tm_min,
		local.tm_sec, (int)(time_ns % NSEC_PER_SEC / 1000000));
	fprintf(line, "%.*s  ", (int)columns, text);
}

const char *workload__shown_name(const struct workload *workload)
{
	if (workload->pod.name)
		return workload->pod.name;
	if (workload->container.name)
		return workload->container.name;
	if (workload->container.id)
		return workload->container.id;
	return workload->unit;
}

char *workload__label(const struct workload *workload)
{
	const char *name = workload__shown_name(workload), *image;
	size_t size;

	image = workload__image(workload, &size);
	if (image) {
		const char *slash = memrchr(image, '/', size);

		return slash ? strndup(slash + 1, size - (size_t)(slash + 1 - image))
			     : strndup(image, size);
	}
	if (name && name == workload->container.id)
		return strndup(name, strlen(name) == ID_LENGTH ? SHORT_ID_LENGTH : strlen(name));
	return strdup(name ? name : "-");
}

/* "GET /latest/...", by whom where there is room. Of a path that is too long the end is kept: that
 * tells what was asked for. */
static void live__call(
	const struct layout *layout, FILE *line, const struct request *request, const char *parent)
{
	bool unknown = request->cls == CLASS_UNKNOWN;
	_free_ char *what = text__printable(
		unknown ? unknown_reason__sentence(request->reason) : request->path);
	_free_ char *method = text__printable(unknown ? "" : request->method);
	_free_ char *by = text__printable(parent ? parent : "");
	size_t used, room = layout->call;

	if (!what || !method || !by)
		return;
	used = text__columns(method) + (unknown ? 0 : 1);
	if (room && unknown)
		text__ellipsize(what, room);
	else if (room)
		text__keep_end(what, room > used ? room - used : 1);
	fprintf(line, "%s%s%s", method, unknown ? "" : " ", what);
	used += text__columns(what) + strlen("  by ") + text__columns(by);
	if (*by && (!room || used <= room))
		fprintf(line, "  by %s", by);
}

/* The line's caller is from *name for *size bytes. The caller frees. NULL: no memory. */
static char *live__line(const struct live *live, const struct layout *layout,
	const struct request *request, const struct process *process, size_t *name, size_t *size)
{
	_free_ char *caller = process__name(process);
	_free_ char *parent = process__parent_name(process);
	_free_ char *label = workload__label(&process->workload);
	char *line = NULL;
	size_t length;
	FILE *out = open_memstream(&line, &length);

	if (!out)
		return NULL;
	live__time(out, request->time, layout->time);
	fprintf(out, "%*" PRIu32 "  ", PID_COLUMNS, process->key.pid);
	*name = (size_t)ftell(out);
	live__cell(live, out, caller, layout->caller);
	*size = (size_t)ftell(out) - *name;
	live__cell(live, out, label, layout->workload);
	if (live->all)
		live__cell(live, out, class__name(request->cls), CLASS_COLUMNS);
	live__call(layout, out, request, parent);
	if (!fclose(out))
		return line;
	free(line);
	return NULL;
}

int live__request(
	struct live *live, FILE *out, const struct request *request, const struct process *process)
{
	struct layout layout;
	size_t name, size, length;
	_free_ char *line = NULL;

	if (!live->lines || (!live->all && request->cls != CLASS_V1))
		return 0;
	layout = live__layout(live);
	line = live__line(live, &layout, request, process, &name, &size);
	if (!line)
		return -ENOMEM;
	live__head(live, out, &layout);
	if (live->terminal)
		text__ellipsize(line, text__terminal_columns(live->out));
	length = strlen(line);
	if (live->color && name + size <= length)
		fprintf(out, "%.*s%s%.*s\033[0m%s\n", (int)name, line, class_colors[request->cls],
			(int)size, line + name, line + name + size);
	else
		fprintf(out, "%s\n", line);
	return 0;
}

void status__format_span(char out[STATUS_SIZE], int64_t elapsed, int64_t duration)
{
	char gone[32], rest[32];

	duration__format(gone, sizeof(gone), elapsed);
	duration__format(rest, sizeof(rest), duration > elapsed ? duration - elapsed : 0);
	snprintf(out, STATUS_SIZE, "%s%s%s%s", gone, duration ? ", " : "", duration ? rest : "",
		duration ? " left" : "");
}

void status__format_counts(char out[STATUS_SIZE], const struct counters *counters)
{
	const __u64 *calls = counters->requests;
	bool before = number__separate(true);

	snprintf(out, STATUS_SIZE, "v1 %s  v2 %s  token %s  foreign %s  unknown %s  lost %s",
		NUMBER(calls[CLASS_V1]), NUMBER(calls[CLASS_V2]), NUMBER(calls[CLASS_TOKEN]),
		NUMBER(calls[CLASS_FOREIGN]), NUMBER(calls[CLASS_UNKNOWN]),
		NUMBER(counters->lost_records));
	number__separate(before);
}

void live__status(struct live *live, const struct counters *counters)
{
	char span[STATUS_SIZE], counts[STATUS_SIZE], line[2 * STATUS_SIZE + 4];

	live->counted = *counters;
	if (!live->status || !stderr__is_ready())
		return;
	status__format_span(span, clock__steady() - live->start, live->duration);
	status__format_counts(counts, counters);
	snprintf(line, sizeof(line), "%s | %s", span, counts);
	/* A line that wraps could not be taken away; one that fills the last column may. */
	text__ellipsize(line, text__terminal_columns(STDERR_FILENO) - 1);
	fprintf(stderr, "\r\033[K%s", line);
	fflush(stderr);
	live->status_shown = true;
}
