/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "live.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "scope.h"
#include "text.h"

#define NAME_COLUMNS     28
#define PATH_COLUMNS     48
#define WORKLOAD_COLUMNS 24

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
		.status = isatty(STDERR_FILENO),
		.start = clock__now(),
		.duration = duration,
	};
}

void live__clear(struct live *live)
{
	if (live->status_shown)
		fputs("\r\033[K", stderr);
	live->status_shown = false;
}

/* Printable text, padded to columns; longer text pushes the rest to the right. */
static void live__cell(const char *text, size_t columns)
{
	_free_ char *printable = text__printable(text ? text : "-");
	size_t used;

	if (!printable)
		return;
	used = text__columns(printable);
	printf("%s%*s  ", printable, used < columns ? (int)(columns - used) : 0, "");
}

static void live__head(struct live *live)
{
	if (live->headed)
		return;
	live->headed = true;
	printf("%-12s  %7s  %-*s  ", "TIME", "PID", NAME_COLUMNS, "CALLER");
	if (live->all)
		printf("%-7s  ", "CLASS");
	printf("%-6s  %-*s  %-*s  %s\n", "METHOD", PATH_COLUMNS, "PATH", WORKLOAD_COLUMNS,
		"WORKLOAD", "PARENT");
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
	live__cell(name, NAME_COLUMNS);
	if (live->color)
		fputs("\033[0m", stdout);
	if (live->all)
		live__cell(class__name(request->class), 7);
	live__cell(request->method, 6);
	live__cell(request->class == CLASS_UNKNOWN ? unknown_reason__sentence(request->reason)
						   : request->path,
		PATH_COLUMNS);
	live__cell(workload__label(&process->workload), WORKLOAD_COLUMNS);
	live__cell(parent, 0);
	errno = 0;
	if (putchar('\n') == EOF || fflush(stdout))
		return errno ? -errno : -EIO;
	return 0;
}

void live__status(struct live *live, const struct counters *counters)
{
	const __u64 *calls = counters->requests;
	int64_t elapsed = clock__now() - live->start;
	char gone[32], left[48] = "";

	if (!live->status)
		return;
	duration__format(gone, sizeof(gone), elapsed);
	if (live->duration) {
		char rest[32];

		duration__format(rest, sizeof(rest),
			live->duration > elapsed ? live->duration - elapsed : 0);
		snprintf(left, sizeof(left), ", %s left", rest);
	}
	fprintf(stderr,
		"\r\033[K%s%s | v1 %" PRIu64 "  v2 %" PRIu64 "  token %" PRIu64 "  foreign %" PRIu64
		"  unknown %" PRIu64 "  lost %" PRIu64,
		gone, left, (uint64_t)calls[CLASS_V1], (uint64_t)calls[CLASS_V2],
		(uint64_t)calls[CLASS_TOKEN], (uint64_t)calls[CLASS_FOREIGN],
		(uint64_t)calls[CLASS_UNKNOWN], (uint64_t)counters->lost_records);
	fflush(stderr);
	live->status_shown = true;
}
