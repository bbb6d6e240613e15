/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "trace/live.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/scope.h"
#include "lib/text.h"

#define NAME_COLUMNS     24
#define WORKLOAD_COLUMNS 22

static const char *const class_colors[CLASS_COUNT] = {
	[CLASS_V1] = "\033[31m",
	[CLASS_UNKNOWN] = "\033[33m",
	[CLASS_V2] = "\033[32m",
	[CLASS_TOKEN] = "\033[32m",
	[CLASS_FOREIGN] = "\033[36m",
};

void live__start(struct live *live, bool lines, bool all, int64_t duration)
{
	*live = (struct live){
		.all = all,
		.lines = lines,
		.color = text__may_color(STDOUT_FILENO),
		.terminal = isatty(STDOUT_FILENO),
		.status = isatty(STDERR_FILENO),
		.start = clock__steady(),
		.duration = duration,
	};
}

void live__clear(struct live *live)
{
	if (live->status_shown)
		fputs("\r\033[K", stderr);
	live->status_shown = false;
}

static void live__text(const char *text)
{
	_free_ char *printable = text__printable(text ? text : "-");

	if (printable)
		fputs(printable, stdout);
}

/* Text in a column: a person's is cut where it does not fit, a program's is whole. */
static void live__cell(const struct live *live, const char *text, size_t columns)
{
	_free_ char *printable = text__printable(text ? text : "-");
	size_t used;

	if (!printable)
		return;
	if (live->terminal)
		text__ellipsize(printable, columns);
	used = text__columns(printable);
	printf("%s%*s  ", printable, used < columns ? (int)(columns - used) : 0, "");
}

static void live__head(struct live *live)
{
	if (live->headed)
		return;
	live->headed = true;
	printf("%-12s  %7s  %-*s  %-*s  ", "TIME", "PID", NAME_COLUMNS, "CALLER", WORKLOAD_COLUMNS,
		"WORKLOAD");
	if (live->all)
		printf("%-7s  ", "CLASS");
	puts("CALL");
}

/* In the machine's own time zone: a person compares it with the wall clock and the logs. */
static void live__time(int64_t time_ns)
{
	time_t seconds = time_ns / NSEC_PER_SEC;
	struct tm local;

	localtime_r(&seconds, &local);
	printf("%02d:%02d:%02d.%03d  ", local.tm_hour, local.tm_min, local.tm_sec,
		(int)(time_ns % NSEC_PER_SEC / 1000000));
}

static const char *workload__label(const struct workload *workload)
{
	if (workload->pod.name)
		return workload->pod.name;
	if (workload->container.name)
		return workload->container.name;
	if (workload->container.id)
		return workload->container.id;
	return workload->unit;
}

int live__request(struct live *live, const struct request *request, const struct process *process)
{
	_free_ char *name = process__name(process);
	_free_ char *parent = process__parent_name(process);

	if (!live->lines || (!live->all && request->class != CLASS_V1))
		return 0;
	live__clear(live);
	live__head(live);
	live__time(request->time);
	printf("%7" PRIu32 "  ", process->key.pid);
	if (live->color)
		fputs(class_colors[request->class], stdout);
	live__cell(live, name, NAME_COLUMNS);
	if (live->color)
		fputs("\033[0m", stdout);
	live__cell(live, workload__label(&process->workload), WORKLOAD_COLUMNS);
	if (live->all)
		live__cell(live, class__name(request->class), 7);
	if (request->class == CLASS_UNKNOWN) {
		live__text(unknown_reason__sentence(request->reason));
	} else {
		live__text(request->method);
		putchar(' ');
		live__text(request->path);
	}
	if (parent) {
		fputs("  by ", stdout);
		live__text(parent);
	}
	errno = 0;
	if (putchar('\n') == EOF || fflush(stdout))
		return errno ? -errno : -EIO;
	return 0;
}

void live__status(struct live *live, const struct counters *counters)
{
	const __u64 *calls = counters->requests;
	int64_t elapsed = clock__steady() - live->start;
	char gone[32], left[48] = "", line[256];

	if (!live->status)
		return;
	duration__format(gone, sizeof(gone), elapsed);
	if (live->duration) {
		char rest[32];

		duration__format(rest, sizeof(rest),
			live->duration > elapsed ? live->duration - elapsed : 0);
		snprintf(left, sizeof(left), ", %s left", rest);
	}
	snprintf(line, sizeof(line),
		"%s%s | v1 %" PRIu64 "  v2 %" PRIu64 "  token %" PRIu64 "  foreign %" PRIu64
		"  unknown %" PRIu64 "  lost %" PRIu64,
		gone, left, (uint64_t)calls[CLASS_V1], (uint64_t)calls[CLASS_V2],
		(uint64_t)calls[CLASS_TOKEN], (uint64_t)calls[CLASS_FOREIGN],
		(uint64_t)calls[CLASS_UNKNOWN], (uint64_t)counters->lost_records);
	/* A line that wraps could not be taken away; one that fills the last column may. */
	text__ellipsize(line, text__terminal_columns(STDERR_FILENO) - 1);
	fprintf(stderr, "\r\033[K%s", line);
	fflush(stderr);
	live->status_shown = true;
}
