/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Compares a tracer's events (`trace --all --json`) with the file of expectations, case by case.
 *
 * Requests must be shown exactly and in order. Unknown ones are counted: when a connection ends in
 * the middle of a head, its last event may come behind the next connection's first.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/array.h"
#include "lib/complain.h"
#include "lib/scope.h"
#include "wire.h"

struct verdicts {
	unsigned int passed, failed, skipped;
};

/* An array of the objects in a file, a line each. NULL after a sentence. */
static json_t *lines__read(const char *path)
{
	_fclose_ FILE *file = fopen(path, "re");
	_free_ char *line = NULL;
	json_t *lines = json_array();
	json_error_t where;
	size_t room = 0, number = 0;

	if (!file) {
		complain("cannot read %s: %s", path, strerror(errno));
		json_decref(lines);
		return NULL;
	}
	while (getline(&line, &room, file) > 0) {
		json_t *object = json_loads(line, 0, &where);

		number++;
		if (!json_is_object(object)) {
			complain("%s: line %zu is no JSON object", path, number);
			json_decref(object);
			json_decref(lines);
			return NULL;
		}
		json_array_append_new(lines, object);
	}
	return lines;
}

static bool event__is_unknown(const json_t *event)
{
	const char *cls = json_string_value(json_object_get(event, "class"));

	return cls && !strcmp(cls, "unknown");
}

static bool pids__have(const json_t *pids, const json_t *pid)
{
	size_t i;
	json_t *each;

	json_array_foreach (pids, i, each)
		if (json_equal(each, pid))
			return true;
	return false;
}

/* Whether the event is one of the case's processes'. */
static bool case__owns(const json_t *expectation, const json_t *event)
{
	const char *type = json_string_value(json_object_get(event, "type"));
	const json_t *tid = json_object_get(expectation, "tid");

	if (type && strcmp(type, "request"))
		return false;
	return pids__have(json_object_get(expectation, "pids"), json_object_get(event, "pid")) &&
	       (!json_is_integer(tid) || json_equal(tid, json_object_get(event, "tid")));
}

/* The tracer's events, and an array of them for each pid: a random run has many of both. */
struct shown {
	json_t *all, *by_pid;
};

static void pid__print(char *out, size_t size, const json_t *pid)
{
	snprintf(out, size, "%lld", (long long)json_integer_value(pid));
}

static void shown__index(struct shown *shown)
{
	json_t *each;
	size_t i;

	json_array_foreach (shown->all, i, each) {
		char pid[32];
		json_t *of_pid;

		pid__print(pid, sizeof(pid), json_object_get(each, "pid"));
		of_pid = json_object_get(shown->by_pid, pid);
		if (!of_pid) {
			of_pid = json_array();
			json_object_set_new(shown->by_pid, pid, of_pid);
		}
		json_array_append(of_pid, each);
	}
}

/* The events of a process; of all, where the case has several, so that their order is kept. */
static json_t *shown__of(const struct shown *shown, const json_t *pids)
{
	char pid[32];

	if (json_array_size(pids) != 1)
		return shown->all;
	pid__print(pid, sizeof(pid), json_array_get(pids, 0));
	return json_object_get(shown->by_pid, pid);
}

/* The case's events, in the order in which they were shown. */
static json_t *case__events(const json_t *expectation, const struct shown *shown)
{
	json_t *of_pids = shown__of(shown, json_object_get(expectation, "pids"));
	json_t *own = json_array(), *each;
	size_t i;

	json_array_foreach (of_pids, i, each)
		if (case__owns(expectation, each))
			json_array_append(own, each);
	return own;
}

/* Fields that must be there and equal. */
static const char *const exact[] = {"class", "method", "path", "user_agent", "family", "pid"};

/* The first field in which they differ, or NULL. */
static const char *event__difference(
	const json_t *expected, const json_t *event, const json_t *comm)
{
	const json_t *tid = json_object_get(expected, "tid");

	for (size_t i = 0; i < ARRAY_SIZE(exact); i++) {
		const json_t *value = json_object_get(event, exact[i]);

		if (!value || !json_equal(json_object_get(expected, exact[i]), value))
			return exact[i];
	}
	if (json_is_true(json_object_get(expected, "path_cut")) !=
		json_is_true(json_object_get(event, "path_cut")))
		return "path_cut";
	if (json_is_integer(tid) && !json_equal(tid, json_object_get(event, "tid")))
		return "tid";
	return json_equal(comm, json_object_get(event, "comm")) ? NULL : "comm";
}

/* Those of events that are, or are not, unknown. */
static json_t *events__select(const json_t *events, bool unknown)
{
	json_t *selected = json_array(), *each;
	size_t i;

	json_array_foreach (events, i, each)
		if (event__is_unknown(each) == unknown)
			json_array_append(selected, each);
	return selected;
}

/* Whether events are expected ones in their order, of which some may be missing. */
static bool events__are_some_of(const json_t *events, const json_t *expected, const json_t *comm)
{
	size_t next = 0, i;
	json_t *event;

	json_array_foreach (events, i, event) {
		while (next < json_array_size(expected) &&
			event__difference(json_array_get(expected, next), event, comm))
			next++;
		if (next++ == json_array_size(expected))
			return false;
	}
	return true;
}

/* Writes the first difference to why. Whether there is none. */
static bool events__equal(
	const json_t *events, const json_t *expected, const json_t *comm, char **why)
{
	size_t count = json_array_size(expected);

	for (size_t i = 0; i < count && i < json_array_size(events); i++) {
		json_t *want = json_array_get(expected, i), *got = json_array_get(events, i);
		const char *field = event__difference(want, got, comm);
		_free_ char *want_text = NULL, *got_text = NULL;

		if (!field)
			continue;
		want_text = json_dumps(want, JSON_COMPACT);
		got_text = json_dumps(got, JSON_COMPACT);
		if (asprintf(why, "event %zu differs in %s\n\texpected %s\n\tshown    %s", i + 1,
			    field, want_text, got_text) < 0)
			*why = NULL;
		return false;
	}
	if (json_array_size(events) == count)
		return true;
	if (asprintf(why, "%zu requests expected, %zu shown", count, json_array_size(events)) < 0)
		*why = NULL;
	return false;
}

static bool unknown__within(const json_t *expectation, size_t count, char **why)
{
	const json_t *bounds = json_object_get(expectation, "unknown");
	size_t min = json_integer_value(json_object_get(bounds, "min"));
	size_t max = json_integer_value(json_object_get(bounds, "max"));

	if (count >= min && count <= max)
		return true;
	if (asprintf(why, "%zu unknown shown, %zu to %zu expected", count, min, max) < 0)
		*why = NULL;
	return false;
}

/* The unknown ones are the case's too: its family, and one of its processes' names. */
static bool unknown__attributed(const json_t *unknown, const json_t *comm, char **why)
{
	json_t *each;
	size_t i;

	json_array_foreach (unknown, i, each)
		if (!json_equal(json_object_get(each, "comm"), comm) ||
			!json_is_null(json_object_get(each, "method")) ||
			!json_is_null(json_object_get(each, "path"))) {
			_free_ char *text = json_dumps(each, JSON_COMPACT);

			if (asprintf(why, "an unknown that names another process, or a path: %s",
				    text) < 0)
				*why = NULL;
			return false;
		}
	return true;
}

/* Whether the tracer showed the case's events as expected. */
static bool case__right(const json_t *expectation, const struct shown *shown, char **why)
{
	const json_t *comm = json_object_get(expectation, "comm");
	_decref_ json_t *own = case__events(expectation, shown);
	_decref_ json_t *known = events__select(own, false);
	_decref_ json_t *unknown = events__select(own, true);
	_decref_ json_t *expected = events__select(json_object_get(expectation, "expect"), false);
	size_t unknown_count = json_array_size(unknown);

	if (!unknown__within(expectation, unknown_count, why) ||
		!unknown__attributed(unknown, comm, why))
		return false;
	if (json_is_true(json_object_get(expectation, "or_unknown")) && unknown_count &&
		events__are_some_of(known, expected, comm))
		return true;
	return events__equal(known, expected, comm, why);
}

static void case__judge(
	const json_t *expectation, const struct shown *shown, struct verdicts *verdicts)
{
	const char *name = json_string_value(json_object_get(expectation, "case"));
	const char *skip = json_string_value(json_object_get(expectation, "skip"));
	const char *error = json_string_value(json_object_get(expectation, "error"));
	_free_ char *why = NULL;

	if (error) {
		printf("FAILED %s: the case itself: %s\n", name, error);
		verdicts->failed++;
	} else if (skip) {
		printf("SKIP %s: %s\n", name, skip);
		verdicts->skipped++;
	} else if (case__right(expectation, shown, &why)) {
		printf("ok %s\n", name);
		verdicts->passed++;
	} else {
		printf("FAILED %s: %s\n", name, why ? why : "not enough memory");
		verdicts->failed++;
	}
}

/* What a server sends is no call: nothing may be shown of it. */
static void server__judge(const json_t *pid, const json_t *events, struct verdicts *verdicts)
{
	json_t *each;
	size_t i;

	json_array_foreach (events, i, each) {
		if (!json_equal(json_object_get(each, "pid"), pid))
			continue;
		printf("FAILED server: events are shown of the service itself, pid %lld\n",
			(long long)json_integer_value(pid));
		verdicts->failed++;
		return;
	}
}

static void lost__tell(const json_t *events)
{
	json_int_t lost = 0;
	json_t *each;
	size_t i;

	json_array_foreach (events, i, each) {
		const char *type = json_string_value(json_object_get(each, "type"));

		if (type && !strcmp(type, "lost"))
			lost += json_integer_value(json_object_get(each, "count"));
	}
	if (lost)
		printf("The tracer says that it lost %lld events.\n", (long long)lost);
}

int compare__run(const char *events_path, const char *expectations_path)
{
	_decref_ json_t *events = lines__read(events_path);
	_decref_ json_t *expectations = events ? lines__read(expectations_path) : NULL;
	_decref_ json_t *by_pid = json_object();
	struct shown shown = {.all = events, .by_pid = by_pid};
	struct verdicts verdicts = {0};
	json_t *each;
	size_t i;

	if (!expectations)
		return 2;
	shown__index(&shown);
	json_array_foreach (expectations, i, each) {
		if (json_object_get(each, "server_pid"))
			server__judge(json_object_get(each, "server_pid"), events, &verdicts);
		else
			case__judge(each, &shown, &verdicts);
	}
	lost__tell(events);
	printf("%u passed, %u failed, %u skipped\n", verdicts.passed, verdicts.failed,
		verdicts.skipped);
	return verdicts.failed || !verdicts.passed ? 1 : 0;
}
