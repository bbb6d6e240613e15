/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a case expects, kept in shared memory and written down as a line of JSON. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "lib/scope.h"
#include "wire.h"

static const char *const class_names[] = {
	[CLASS_TOKEN] = "token",
	[CLASS_V2] = "v2",
	[CLASS_FOREIGN] = "foreign",
	[CLASS_V1] = "v1",
	[CLASS_UNKNOWN] = "unknown",
};

bool expected__ends(const struct expected *expected)
{
	return !expected->method && expected->cls != CLASS_UNKNOWN;
}

struct record *record__new(const char *name)
{
	struct record *record = mmap(
		NULL, sizeof(*record), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (record == MAP_FAILED)
		return NULL;
	snprintf(record->name, sizeof(record->name), "%s", name);
	snprintf(record->comm, sizeof(record->comm), "%.*s", COMM_SIZE - 1, name);
	return record;
}

void record__free(struct record *record)
{
	munmap(record, sizeof(*record));
}

/* Cuts as the tracer does: to what its record of a request has room for. */
static void text__cut(char *out, size_t size, const char *text)
{
	snprintf(out, size, "%s", text ? text : "");
}

void run__expect_from(struct run *run, const struct expected *expected, pid_t pid, pid_t tid)
{
	unsigned int place = __atomic_fetch_add(&run->record->event_count, 1, __ATOMIC_RELAXED);
	struct event *event = &run->record->events[place];

	if (place >= EVENTS_MAX) {
		run->record->event_count = EVENTS_MAX;
		run__fail(run, "more than %d events", EVENTS_MAX);
		return;
	}
	event->cls = expected->cls;
	event->family = run->family;
	event->pid = pid;
	event->tid = tid;
	event->path_cut = expected->path_cut;
	event->has_agent = expected->agent;
	text__cut(event->method, sizeof(event->method), expected->method);
	text__cut(event->path, sizeof(event->path), expected->path);
	text__cut(event->agent, sizeof(event->agent), expected->agent);
}

void run__expect(struct run *run, const struct expected *expected)
{
	for (; !expected__ends(expected); expected++)
		run__expect_from(run, expected, getpid(),
			expected->cls == CLASS_UNKNOWN ? ANY_TID : syscall(SYS_gettid));
}

void run__join(struct run *run)
{
	unsigned int place = __atomic_fetch_add(&run->record->pid_count, 1, __ATOMIC_RELAXED);

	if (place < PROCESSES_MAX)
		run->record->pids[place] = getpid();
}

void run__allow_unknown(struct run *run)
{
	run->record->or_unknown = true;
}

int run__skip(struct run *run, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(run->record->skip, sizeof(run->record->skip), format, args);
	va_end(args);
	return -EOPNOTSUPP;
}

int run__fail(struct run *run, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(run->record->error, sizeof(run->record->error), format, args);
	va_end(args);
	return -EIO;
}

static json_t *text__or_null(const char *text, bool present)
{
	return present ? json_string(text) : json_null();
}

static json_t *event__json(const struct event *event)
{
	bool known = event->cls != CLASS_UNKNOWN;

	return json_pack("{s:s, s:o, s:o, s:b, s:o, s:s, s:i, s:o}", "class",
		class_names[event->cls], "method", text__or_null(event->method, known), "path",
		text__or_null(event->path, known), "path_cut", event->path_cut, "user_agent",
		text__or_null(event->agent, known && event->has_agent), "family",
		event->family == FAMILY_IPV6 ? "ipv6" : "ipv4", "pid", event->pid, "tid",
		event->tid == ANY_TID ? json_null() : json_integer(event->tid));
}

static json_t *record__pids(const struct record *record)
{
	json_t *pids = json_array();

	for (unsigned int i = 0; i < record->pid_count && i < PROCESSES_MAX; i++)
		json_array_append_new(pids, json_integer(record->pids[i]));
	return pids;
}

int record__write(const struct record *record, FILE *file)
{
	json_t *expect = json_array();
	unsigned int unknown = 0;
	_decref_ json_t *line = NULL;

	for (unsigned int i = 0; i < record->event_count; i++) {
		unknown += record->events[i].cls == CLASS_UNKNOWN;
		json_array_append_new(expect, event__json(&record->events[i]));
	}
	line = json_pack("{s:s, s:i, s:o, s:o, s:s, s:o, s:o, s:b, s:o, s:{s:i, s:i}}", "case",
		record->name, "pid", record->pids[0], "pids", record__pids(record), "tid",
		record->thread ? json_integer(record->thread) : json_null(), "comm", record->comm,
		"skip", text__or_null(record->skip, record->skip[0]), "error",
		text__or_null(record->error, record->error[0]), "or_unknown", record->or_unknown,
		"expect", expect, "unknown", "min", record->or_unknown ? 0 : (int)unknown, "max",
		(int)(record->or_unknown ? record->connections : unknown));
	if (!line || json_dumpf(line, file, JSON_COMPACT) || fputc('\n', file) == EOF ||
		fflush(file))
		return -EIO;
	return 0;
}
