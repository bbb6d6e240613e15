/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A report from its JSON. The file may come from anywhere: each field's type and range is checked,
 * and what the report derives itself (verdict, advice, pattern, client) is not believed.
 */
#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/json_arena.h"
#include "report/report_index.h"
#include "lib/scope.h"

#define SCHEMA             "imdstrace.report/1"
#define TEXT_SIZE_MAX      65536
#define MACHINE_ID_MAX     128 /* callers repeat it */
#define SECONDS_MAX        1e9
#define BUCKET_SECONDS_MAX (60U << 20)

/* A field's place in the document, from the inside out: callers[3].calls. */
struct place {
	const struct place *up;
	const char *name; /* NULL: an element of the array above */
	size_t at;
};

struct reader {
	struct report *report;
	struct caller **callers; /* as they come in the file */
	size_t caller_count;
	char *why;
	size_t why_size;
};

enum need { REQUIRED, OPTIONAL }; /* optional: missing, or null */

static size_t place__print(const struct place *place, char *out, size_t size)
{
	size_t used = 0;
	int more;

	if (!place || !size)
		return 0;
	used = place__print(place->up, out, size);
	more = place->name ? snprintf(out + used, size - used, "%s%s", used ? "." : "", place->name)
			   : snprintf(out + used, size - used, "[%zu]", place->at);
	used += more > 0 ? (size_t)more : 0;
	return used < size ? used : size - 1;
}

/* Fails with "PLACE.name PROBLEM". */
static int reader__fail(
	struct reader *reader, const struct place *up, const char *name, const char *problem)
{
	struct place place = {.up = up, .name = name};
	char where[128] = "";

	place__print(name ? &place : up, where, sizeof(where));
	snprintf(reader->why, reader->why_size, "%s %s", *where ? where : "the document", problem);
	return -EINVAL;
}

__attribute__((format(printf, 2, 3))) static int reader__refuse(
	struct reader *reader, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(reader->why, reader->why_size, format, arguments);
	va_end(arguments);
	return -EINVAL;
}

/* Memory and room are no fault of a field. */
static int reader__check(struct reader *reader, int error)
{
	if (error == -ENOMEM)
		reader__refuse(reader, "there is not enough memory to read it");
	else if (error == -ENOSPC)
		reader__refuse(reader, "it has more hosts and windows than one report may hold");
	return error;
}

/* *value is NULL where an optional field is missing. */
static int get(struct reader *reader, const struct place *place, const json_t *object,
	const char *name, enum need need, json_t **value)
{
	*value = json_object_get(object, name);
	if (json_is_null(*value))
		*value = NULL;
	return *value || need == OPTIONAL ? 0 : reader__fail(reader, place, name, "is missing");
}

static int check__text(
	struct reader *reader, const struct place *place, const char *name, const json_t *value)
{
	if (!json_is_string(value))
		return reader__fail(reader, place, name, "is not a string");
	if (json_string_length(value) > TEXT_SIZE_MAX)
		return reader__fail(reader, place, name, "is longer than 65536 bytes");
	return 0;
}

/* Borrowed; NULL where it is missing. */
static int get__text(struct reader *reader, const struct place *place, const json_t *object,
	const char *name, enum need need, char **text)
{
	json_t *value;
	int error = get(reader, place, object, name, need, &value);

	*text = NULL;
	if (error || !value)
		return error;
	error = check__text(reader, place, name, value);
	if (!error)
		*text = (char *)json_string_value(value);
	return error;
}

static int check__count(struct reader *reader, const struct place *place, const char *name,
	const json_t *value, uint64_t most, uint64_t *count)
{
	json_int_t number = json_integer_value(value);

	if (!json_is_integer(value))
		return reader__fail(reader, place, name, "is not a whole number");
	if (number < 0)
		return reader__fail(reader, place, name, "is negative");
	if ((uint64_t)number > most)
		return reader__fail(reader, place, name, "is too large");
	*count = (uint64_t)number;
	return 0;
}

/* Leaves count alone where it is missing. */
static int get__count(struct reader *reader, const struct place *place, const json_t *object,
	const char *name, enum need need, uint64_t most, uint64_t *count)
{
	json_t *value;
	int error = get(reader, place, object, name, need, &value);

	return error || !value ? error : check__count(reader, place, name, value, most, count);
}

static int get__bool(struct reader *reader, const struct place *place, const json_t *object,
	const char *name, bool *flag)
{
	json_t *value;
	int error = get(reader, place, object, name, OPTIONAL, &value);

	if (error || !value)
		return error;
	if (!json_is_boolean(value))
		return reader__fail(reader, place, name, "is neither true nor false");
	*flag = json_is_true(value);
	return 0;
}

/* A number of seconds as ns; leaves it alone where it is missing. */
static int get__seconds(struct reader *reader, const struct place *place, const json_t *object,
	const char *name, int64_t *ns)
{
	json_t *value;
	int error = get(reader, place, object, name, OPTIONAL, &value);
	double seconds;

	if (error || !value)
		return error;
	if (!json_is_number(value))
		return reader__fail(reader, place, name, "is not a number");
	seconds = json_number_value(value);
	if (!(seconds >= 0 && seconds < SECONDS_MAX))
		return reader__fail(reader, place, name, "is out of range");
	*ns = (int64_t)(seconds * NSEC_PER_SEC);
	return 0;
}

/* Times of a report are after 1970; 0 stands for one that is missing. */
static int get__time(struct reader *reader, const struct place *place, const json_t *object,
	const char *name, enum need need, int64_t *time)
{
	char *text;
	int error = get__text(reader, place, object, name, need, &text);

	if (error || !text)
		return error;
	if (clock__parse(text, time) || *time < 0)
		return reader__fail(reader, place, name, "is not an RFC 3339 time after 1970");
	return 0;
}

static int get__array(struct reader *reader, const struct place *place, const json_t *object,
	const char *name, enum need need, json_t **array)
{
	int error = get(reader, place, object, name, need, array);

	if (!error && *array && !json_is_array(*array))
		return reader__fail(reader, place, name, "is not an array");
	return error;
}

static int get__object(struct reader *reader, const struct place *place, const json_t *object,
	const char *name, enum need need, json_t **value)
{
	int error = get(reader, place, object, name, need, value);

	if (!error && *value && !json_is_object(*value))
		return reader__fail(reader, place, name, "is not an object");
	return error;
}

static int get__counts(struct reader *reader, const struct place *place, const json_t *object,
	enum need need, uint64_t counts[CLASS_COUNT])
{
	int error = 0;

	for (int c = 0; !error && c < CLASS_COUNT; c++)
		error = get__count(
			reader, place, object, class__name(c), need, REPORT_COUNT_MAX, &counts[c]);
	return error;
}

static int get__unknown(struct reader *reader, const struct place *up, const json_t *object,
	uint64_t unknown[UNKNOWN_REASONS])
{
	const char *name = "unknown_by_reason";
	const struct place place = {.up = up, .name = name};
	json_t *counts;
	int error = get__object(reader, up, object, name, OPTIONAL, &counts);

	for (int reason = 0; !error && counts && reason < UNKNOWN_REASONS; reason++)
		error = get__count(reader, &place, counts, unknown_reason__name(reason), OPTIONAL,
			REPORT_COUNT_MAX, &unknown[reason]);
	return error;
}

static int get__missed(struct reader *reader, const struct place *up, const json_t *object,
	uint64_t missed[MISSED_KINDS])
{
	const char *name = "missed_by_kind";
	const struct place place = {.up = up, .name = name};
	json_t *counts;
	int error = get__object(reader, up, object, name, OPTIONAL, &counts);

	for (int kind = 0; !error && counts && kind < MISSED_KINDS; kind++)
		error = get__count(reader, &place, counts, missed_kind__name(kind), OPTIONAL,
			REPORT_COUNT_MAX, &missed[kind]);
	return error;
}

/* Calls each(reader, place of the element, element, context) for every element of an array. */
static int get__each(struct reader *reader, const struct place *up, const json_t *object,
	const char *name, enum need need,
	int (*each)(struct reader *, const struct place *, const json_t *, void *), void *context)
{
	const struct place array_place = {.up = up, .name = name};
	json_t *array;
	int error = get__array(reader, up, object, name, need, &array);

	for (size_t i = 0; !error && i < json_array_size(array); i++) {
		const struct place place = {.up = &array_place, .at = i};

		error = each(reader, &place, json_array_get(array, i), context);
	}
	return error;
}

static int read__host(
	struct reader *reader, const struct place *place, const json_t *element, void *context)
{
	struct report_host host = {0};
	const struct {
		const char *name;
		enum need need;
		char **text;
	} fields[] = {
		{"machine_id", REQUIRED, &host.machine_id},
		{"hostname", OPTIONAL, &host.hostname},
		{"kernel", OPTIONAL, &host.kernel},
		{"instance_id", OPTIONAL, &host.instance_id},
		{"region", OPTIONAL, &host.region},
		{"account_id", OPTIONAL, &host.account_id},
	};
	int error = 0;

	(void)context;
	if (!json_is_object(element))
		return reader__fail(reader, place, NULL, "is not an object");
	for (size_t i = 0; !error && i < sizeof(fields) / sizeof(fields[0]); i++)
		error = get__text(
			reader, place, element, fields[i].name, fields[i].need, fields[i].text);
	if (!error && strlen(host.machine_id) > MACHINE_ID_MAX)
		error = reader__fail(reader, place, "machine_id", "is longer than 128 bytes");
	return error ? error : reader__check(reader, report__add_host(reader->report, &host));
}

static int read__window(
	struct reader *reader, const struct place *place, const json_t *element, void *context)
{
	struct window window = {.responses = true};
	uint64_t copy = 0;
	json_t *calls = NULL;
	char *instance_id = NULL;
	int error;

	(void)context;
	if (!json_is_object(element))
		return reader__fail(reader, place, NULL, "is not an object");
	error = get__text(reader, place, element, "host", REQUIRED, &window.machine_id);
	if (!error)
		error = get__text(reader, place, element, "instance_id", OPTIONAL, &instance_id);
	if (!error)
		error = get__text(reader, place, element, "id", OPTIONAL, &window.id);
	if (!error)
		error = get__text(reader, place, element, "boot_id", OPTIONAL, &window.boot_id);
	if (!error)
		error = get__time(reader, place, element, "start", REQUIRED, &window.start);
	if (!error)
		error = get__time(reader, place, element, "end", REQUIRED, &window.end);
	if (!error)
		error = get__text(reader, place, element, "hooks", OPTIONAL, &window.hooks);
	if (!error)
		error = get__time(reader, place, element, "booted", OPTIONAL, &window.booted);
	if (!error)
		error = get__time(reader, place, element, "attached", OPTIONAL, &window.attached);
	if (!error)
		error = get__bool(reader, place, element, "responses", &window.responses);
	if (!error)
		error = get__bool(reader, place, element, "rehearsal", &window.rehearsal);
	if (!error)
		error = get__count(
			reader, place, element, "copy", OPTIONAL, REPORT_COPIES_MAX, &copy);
	if (!error)
		error = get__object(reader, place, element, "calls", OPTIONAL, &calls);
	if (!error && calls)
		error = get__counts(reader, place, calls, REQUIRED, window.calls);
	if (!error)
		error = get__count(reader, place, element, "opened_before", OPTIONAL,
			REPORT_COUNT_MAX, &window.opened_before);
	window.opened_known = json_is_integer(json_object_get(element, "opened_before"));
	if (error)
		return error;
	if (window.end < window.start)
		return reader__fail(reader, place, NULL, "ends before it starts");
	/* Windows of older reports name their machine alone. */
	window.host = instance_id && *instance_id
			      ? instance_id
			      : (char *)report__host_id(reader->report, window.machine_id);
	if (!window.boot_id)
		window.boot_id = (char *)"";
	window.copy = (unsigned int)copy;
	window.has_calls = calls != NULL;
	return reader__check(reader, report__add_window(reader->report, &window));
}

static int read__bucket(
	struct reader *reader, const struct place *place, const json_t *element, void *context)
{
	struct timeline_bucket bucket = {0};
	uint64_t seconds = 0;
	int error;

	(void)context;
	if (!json_is_object(element))
		return reader__fail(reader, place, NULL, "is not an object");
	error = get__time(reader, place, element, "start", REQUIRED, &bucket.start);
	if (!error)
		error = get__count(
			reader, place, element, "seconds", REQUIRED, BUCKET_SECONDS_MAX, &seconds);
	if (!error)
		error = get__counts(reader, place, element, OPTIONAL, bucket.calls);
	if (!error)
		error = get__count(reader, place, element, "forwarded", OPTIONAL, REPORT_COUNT_MAX,
			&bucket.forwarded);
	if (!error)
		error = get__count(reader, place, element, "rehearsed", OPTIONAL, REPORT_COUNT_MAX,
			&bucket.rehearsed);
	if (error)
		return error;
	return reader__check(
		reader, report__add_bucket(reader->report, &bucket, (unsigned int)seconds));
}

static int read__class(struct reader *reader, const struct place *place, const json_t *object,
	enum request_class *cls)
{
	char *text;
	int error = get__text(reader, place, object, "class", REQUIRED, &text);

	if (error)
		return error;
	for (int c = 0; c < CLASS_COUNT; c++)
		if (!strcmp(text, class__name(c))) {
			*cls = c;
			return 0;
		}
	return reader__fail(
		reader, place, "class", "is none of v1, v2, token, foreign and unknown");
}

static int read__path(
	struct reader *reader, const struct place *place, const json_t *element, void *context)
{
	struct report_path path = {0};
	int error;

	if (!json_is_object(element))
		return reader__fail(reader, place, NULL, "is not an object");
	error = read__class(reader, place, element, &path.cls);
	if (!error)
		error = get__text(reader, place, element, "method", OPTIONAL, &path.method);
	if (!error)
		error = get__text(reader, place, element, "path",
			path.cls == CLASS_UNKNOWN ? OPTIONAL : REQUIRED, &path.path);
	if (!error)
		error = get__bool(reader, place, element, "path_cut", &path.path_cut);
	if (!error)
		error = get__count(
			reader, place, element, "count", REQUIRED, REPORT_COUNT_MAX, &path.count);
	if (!error)
		error = get__count(
			reader, place, element, "fixed", OPTIONAL, path.count, &path.fixed);
	if (!error)
		error = get__bool(reader, place, element, "at_most", &path.at_most);
	if (!error)
		error = get__time(reader, place, element, "first", OPTIONAL, &path.first);
	if (!error)
		error = get__time(reader, place, element, "last", OPTIONAL, &path.last);
	/* What was not recorded follows from the counts. */
	if (error || (!path.method && path.path && !strcmp(path.path, REPORT_NOT_RECORDED)))
		return error;
	return reader__check(reader, caller__add_path(reader->report, context, &path));
}

static int read__agent(
	struct reader *reader, const struct place *place, const json_t *element, void *context)
{
	int error = check__text(reader, place, NULL, element);

	return error ? error
		     : reader__check(reader, caller__add_agent(reader->report, context,
						     json_string_value(element)));
}

static int read__pid(
	struct reader *reader, const struct place *place, const json_t *element, void *context)
{
	uint64_t pid = 0;
	int error = check__count(reader, place, NULL, element, UINT32_MAX, &pid);

	if (!error)
		caller__add_pid(context, (uint32_t)pid);
	return error;
}

struct argument_list {
	char **args; /* borrowed texts, room for CALLER_ARGS_MAX + 2 */
	size_t count;
};

static int read__argument(
	struct reader *reader, const struct place *place, const json_t *element, void *context)
{
	struct argument_list *list = context;
	int error = check__text(reader, place, NULL, element);

	/* One more than a caller holds, so that it knows that they were cut. */
	if (!error && list->count <= CALLER_ARGS_MAX)
		list->args[list->count++] = (char *)json_string_value(element);
	return error;
}

static int read__texts(struct reader *reader, const struct place *up, const json_t *object,
	const char *name, const char *const names[3], char **const texts[3])
{
	const struct place place = {.up = up, .name = name};
	json_t *value;
	int error = get__object(reader, up, object, name, OPTIONAL, &value);

	for (int i = 0; !error && value && i < 3; i++)
		error = get__text(reader, &place, value, names[i], OPTIONAL, texts[i]);
	return error;
}

static int read__network(struct reader *reader, const struct place *place, const json_t *object,
	enum network *network)
{
	char *text;
	int error = get__text(reader, place, object, "network", OPTIONAL, &text);

	if (error || !text)
		return error;
	for (int n = 0; n < NETWORK_COUNT; n++)
		if (network__name(n) && !strcmp(text, network__name(n))) {
			*network = n;
			return 0;
		}
	return reader__fail(reader, place, "network", "is neither host nor own");
}

/* Whose name and surroundings these are. The texts stay the document's. */
static int read__identity(
	struct reader *reader, const struct place *place, const json_t *object, struct caller *like)
{
	struct container *container = &like->workload.container;
	struct pod *pod = &like->workload.pod;
	const struct {
		const char *name;
		enum need need;
		char **text;
	} fields[] = {
		{"name", REQUIRED, &like->name},
		{"comm", OPTIONAL, &like->comm},
		{"exe", OPTIONAL, &like->exe},
		{"script", OPTIONAL, &like->script},
		{"parent", OPTIONAL, &like->parent},
		{"unit", OPTIONAL, &like->workload.unit},
		{"slice", OPTIONAL, &like->workload.slice},
	};
	uint64_t uid = 0;
	int error = get__count(reader, place, object, "uid", OPTIONAL, UINT32_MAX, &uid);

	if (!error)
		error = read__network(reader, place, object, &like->network);
	for (size_t i = 0; !error && i < sizeof(fields) / sizeof(fields[0]); i++)
		error = get__text(
			reader, place, object, fields[i].name, fields[i].need, fields[i].text);
	if (!error)
		error = read__texts(reader, place, object, "container",
			(const char *const[]){"runtime", "id", "name"},
			(char **const[]){&container->runtime, &container->id, &container->name});
	if (!error)
		error = read__texts(reader, place, object, "pod",
			(const char *const[]){"uid", "name", "namespace"},
			(char **const[]){&pod->uid, &pod->name, &pod->namespace});
	if (error)
		return error;
	like->uid = (uint32_t)uid;
	if (!like->comm)
		like->comm = like->name;
	like->rest =
		!like->exe && !strcmp(like->name, REPORT_REST) && !strcmp(like->comm, REPORT_REST);
	return 0;
}

/* What the outcomes of a class leave of its calls was made unwatched. */
static int read__outcome(struct reader *reader, const struct place *up, const json_t *outcomes,
	enum request_class cls, const uint64_t calls, uint64_t answers[OUTCOME_COUNT],
	uint64_t *unwatched)
{
	const struct place place = {.up = up, .name = class__name(cls)};
	uint64_t watched = 0;
	json_t *counts;
	int error = get__object(reader, up, outcomes, class__name(cls), OPTIONAL, &counts);

	for (int o = 0; !error && counts && o < OUTCOME_COUNT; o++) {
		error = get__count(reader, &place, counts, outcome__name(o), REQUIRED,
			REPORT_COUNT_MAX, &answers[o]);
		count__add(&watched, answers[o]);
	}
	*unwatched = calls > watched ? calls - watched : 0;
	return error;
}

/* wait(2) in the numbers of its two ways to end; -1: neither is there. */
static int wait_status__of(uint64_t exit_status, uint64_t signal)
{
	if (signal <= 127)
		return (int)signal;
	return exit_status <= 255 ? (int)exit_status << 8 : -1;
}

/* What the report derives itself (recovered) is not believed where it can be counted. */
static int read__caller_rehearsal(struct reader *reader, const struct place *up,
	const json_t *object, struct caller_rehearsal *rehearsal)
{
	const struct place place = {.up = up, .name = "rehearsal"};
	uint64_t exit_status = UINT64_MAX, signal = UINT64_MAX;
	const struct {
		const char *name;
		uint64_t most, *count;
	} counts[] = {
		{"rejected", REPORT_COUNT_MAX, &rehearsal->rejected},
		{"unproven", REPORT_COUNT_MAX, &rehearsal->unproven},
		{"not_covered", REPORT_COUNT_MAX, &rehearsal->not_covered},
		{"processes", REPORT_COUNT_MAX, &rehearsal->processes},
		{"processes_recovered", REPORT_COUNT_MAX, &rehearsal->recovered},
		{"ended", REPORT_COUNT_MAX, &rehearsal->ended},
		{"restarted", REPORT_COUNT_MAX, &rehearsal->restarted},
		{"exit_status", 255, &exit_status},
		{"signal", 127, &signal},
	};
	bool recovered = false;
	json_t *value;
	int error = get__object(reader, up, object, "rehearsal", OPTIONAL, &value);

	if (error || !value)
		return error;
	for (size_t i = 0; !error && i < sizeof(counts) / sizeof(counts[0]); i++)
		error = get__count(reader, &place, value, counts[i].name, OPTIONAL, counts[i].most,
			counts[i].count);
	if (!error)
		error = get__bool(reader, &place, value, "recovered", &recovered);
	if (!error)
		error = get__seconds(
			reader, &place, value, "recovered_after", &rehearsal->recovered_after);
	rehearsal->wait_status = wait_status__of(exit_status, signal);
	if (!rehearsal->processes && rehearsal->rejected) {
		rehearsal->processes = 1;
		rehearsal->recovered = recovered;
	}
	return error;
}

static int read__calls(struct reader *reader, const struct place *place, const json_t *object,
	struct caller *caller)
{
	const struct place calls_place = {.up = place, .name = "calls"};
	const struct place outcomes_place = {.up = place, .name = "outcomes"};
	uint64_t calls[CLASS_COUNT] = {0}, answers[CLASS_COUNT][OUTCOME_COUNT] = {0};
	struct caller_rehearsal rehearsal = {0};
	uint64_t unwatched, rehearsed;
	json_t *counts, *outcomes;
	int error = get__object(reader, place, object, "calls", REQUIRED, &counts);

	if (!error)
		error = read__caller_rehearsal(reader, place, object, &rehearsal);
	rehearsed = rehearsal.rejected;
	count__add(&rehearsed, rehearsal.unproven);
	if (!error)
		error = get__counts(reader, &calls_place, counts, REQUIRED, calls);
	if (!error)
		error = get__object(reader, place, object, "outcomes", OPTIONAL, &outcomes);
	for (int c = 0; !error && c < CLASS_COUNT; c++) {
		error = read__outcome(
			reader, &outcomes_place, outcomes, c, calls[c], answers[c], &unwatched);
		if (error)
			break;
		if (c == CLASS_V1)
			unwatched -= unwatched < rehearsed ? unwatched : rehearsed;
		count__add(&caller->unwatched[c], unwatched);
		/* Known to have had no answer, and derived again; for report__add_calls() it would
		 * be those that cannot be told. */
		answers[c][OUTCOME_NONE] = 0;
	}
	if (error)
		return error;
	caller__add_rehearsal(caller, &rehearsal);
	report__add_calls(caller, calls, answers);
	return 0;
}

/* Of a caller's calls, those of hosts where it is fixed; never more than it has. */
static int read__fixed(struct reader *reader, const struct place *place, const json_t *object,
	struct caller *caller)
{
	const struct place calls_place = {.up = place, .name = "fixed_calls"};
	const struct place outcomes_place = {.up = place, .name = "fixed_outcomes"};
	uint64_t calls[CLASS_COUNT] = {0}, answers[OUTCOME_COUNT], unwatched, hosts = 0;
	json_t *counts, *outcomes;
	int error = get__bool(reader, place, object, "at_most", &caller->at_most);

	if (!error)
		error = get__count(
			reader, place, object, "hosts_fixed", OPTIONAL, REPORT_COUNT_MAX, &hosts);
	if (!error)
		error = get__object(
			reader, place, object, "fixed_calls", hosts ? REQUIRED : OPTIONAL, &counts);
	if (!error)
		error = get__object(reader, place, object, "fixed_outcomes", OPTIONAL, &outcomes);
	if (error || !hosts)
		return error;
	count__add(&caller->hosts_fixed, hosts);
	error = get__counts(reader, &calls_place, counts, REQUIRED, calls);
	for (int c = 0; !error && c < CLASS_COUNT; c++) {
		memset(answers, 0, sizeof(answers));
		error = read__outcome(
			reader, &outcomes_place, outcomes, c, calls[c], answers, &unwatched);
		if (error)
			break;
		count__add(&caller->fixed[c], calls[c]);
		count__add(&caller->fixed_unwatched[c], unwatched);
		for (int o = 0; o < OUTCOME_COUNT; o++)
			count__add(&caller->fixed_answers[c][o], answers[o]);
	}
	return error;
}

static int read__caller_host(
	struct reader *reader, const struct place *place, const json_t *element, void *context)
{
	int error = check__text(reader, place, NULL, element);

	if (!error && json_string_length(element) > MACHINE_ID_MAX)
		error = reader__fail(reader, place, NULL, "is longer than 128 bytes");
	return error ? error
		     : reader__check(reader,
			       caller__add_host(context, report__host_id(reader->report,
								 json_string_value(element))));
}

/* What of the hosts was counted, and those that are known by name. */
static int read__host_numbers(
	struct reader *reader, const struct place *up, const json_t *object, struct caller *caller)
{
	uint64_t total = 0;
	bool exact = true;
	int error =
		get__each(reader, up, object, "hosts_sample", OPTIONAL, read__caller_host, caller);

	if (!error)
		error = get__bool(reader, up, object, "hosts_exact", &exact);
	if (!error)
		error = get__count(reader, up, object, "hosts", OPTIONAL, REPORT_COUNT_MAX, &total);
	if (error)
		return error;
	if (total > caller->hosts_total)
		caller->hosts_total = total;
	caller->hosts_exact &= exact;
	return 0;
}

/* A report without the field says it all the same if it has one host. */
static int read__caller_hosts(
	struct reader *reader, const struct place *up, const json_t *object, struct caller *caller)
{
	const struct place place = {.up = up, .name = "hosts"};
	const struct report *report = reader->report;
	uint64_t total = 0;
	bool exact = true;
	json_t *hosts = json_object_get(object, "hosts");
	int error;

	/* Older reports have an object there. */
	if (json_is_integer(hosts))
		return read__host_numbers(reader, up, object, caller);
	error = get__object(reader, up, object, "hosts", OPTIONAL, &hosts);
	if (error)
		return error;
	if (!hosts && report->host_count == 1)
		return reader__check(
			reader, caller__add_host(caller, report_host__id(&report->hosts[0])));
	if (!hosts) {
		caller->hosts_exact = false;
		return 0;
	}
	error = get__each(reader, &place, hosts, "sample", OPTIONAL, read__caller_host, caller);
	if (!error)
		error = get__bool(reader, &place, hosts, "exact", &exact);
	if (!error)
		error = get__count(
			reader, &place, hosts, "count", OPTIONAL, REPORT_COUNT_MAX, &total);
	if (error)
		return error;
	if (total > caller->hosts_total)
		caller->hosts_total = total;
	caller->hosts_exact &= exact;
	return 0;
}

/* What the report derives itself is only checked for its type. */
static int check__derived(struct reader *reader, const struct place *place, const json_t *object)
{
	static const char *const texts[] = {"pattern", "advice", "advice_text"};
	char *text;
	json_t *client;
	int error = get__object(reader, place, object, "client", OPTIONAL, &client);

	for (size_t i = 0; !error && i < sizeof(texts) / sizeof(texts[0]); i++)
		error = get__text(reader, place, object, texts[i], OPTIONAL, &text);
	return error;
}

static int read__forwarded(
	struct reader *reader, const struct place *place, const json_t *element, void *context)
{
	int error = check__text(reader, place, NULL, element);

	return error ? error
		     : reader__check(
			       reader, caller__add_forwarded(context, json_string_value(element)));
}

/* What is joined between a proxy and those behind it. */
static int read__forwarding(struct reader *reader, const struct place *place, const json_t *object,
	struct caller *caller)
{
	uint64_t forwarded = 0;
	char *through;
	int error = get__count(
		reader, place, object, "forwarded", OPTIONAL, REPORT_COUNT_MAX, &forwarded);

	if (!error)
		error = get__each(
			reader, place, object, "forwards", OPTIONAL, read__forwarded, caller);
	if (!error)
		error = get__text(reader, place, object, "through", OPTIONAL, &through);
	if (error)
		return error;
	count__add(&caller->forwarded, forwarded);
	return reader__check(reader, caller__go_through(caller, through));
}

static int read__caller_body(struct reader *reader, const struct place *place, const json_t *object,
	struct caller *caller)
{
	int64_t first = 0, last = 0;
	uint64_t processes = 0, containers = 0;
	int error = get__count(
		reader, place, object, "processes", OPTIONAL, REPORT_COUNT_MAX, &processes);

	if (!error)
		error = get__count(reader, place, object, "containers", OPTIONAL, REPORT_COUNT_MAX,
			&containers);
	if (!error)
		error = get__each(reader, place, object, "pids", OPTIONAL, read__pid, caller);
	if (!error)
		error = get__each(
			reader, place, object, "user_agents", OPTIONAL, read__agent, caller);
	if (!error)
		error = read__caller_hosts(reader, place, object, caller);
	if (!error)
		error = read__calls(reader, place, object, caller);
	if (!error)
		error = read__fixed(reader, place, object, caller);
	if (!error)
		error = get__unknown(reader, place, object, caller->unknown);
	if (!error)
		error = get__each(reader, place, object, "paths", OPTIONAL, read__path, caller);
	if (!error)
		error = get__time(reader, place, object, "first", OPTIONAL, &first);
	if (!error)
		error = get__time(reader, place, object, "last", OPTIONAL, &last);
	if (!error)
		error = read__forwarding(reader, place, object, caller);
	if (!error)
		error = check__derived(reader, place, object);
	if (error)
		return error;
	count__add(&caller->processes, processes);
	caller__add_container(caller, caller->workload.container.id);
	if (containers > 1)
		count__add(&caller->containers, containers - 1);
	span__widen(&caller->first, &caller->last, first, last);
	return 0;
}

static int read__caller(
	struct reader *reader, const struct place *place, const json_t *element, void *context)
{
	char *args[CALLER_ARGS_MAX + 2] = {NULL};
	struct argument_list list = {.args = args};
	struct caller like = {.args = args}, *caller;
	int error;

	(void)context;
	if (!json_is_object(element))
		return reader__fail(reader, place, NULL, "is not an object");
	error = read__identity(reader, place, element, &like);
	if (!error)
		error = get__each(reader, place, element, "args", OPTIONAL, read__argument, &list);
	if (!error)
		error = get__bool(reader, place, element, "args_cut", &like.args_cut);
	if (error)
		return error;
	caller = report__caller_like(reader->report, &like);
	if (!caller)
		return reader__check(reader, -ENOMEM);
	reader->callers[reader->caller_count++] = caller;
	return read__caller_body(reader, place, element, caller);
}

static int read__totals(struct reader *reader, const json_t *document)
{
	const struct place place = {.name = "totals"};
	struct report *report = reader->report;
	json_t *totals;
	int error = get__object(reader, NULL, document, "totals", REQUIRED, &totals);

	if (!error)
		error = get__counts(reader, &place, totals, REQUIRED, report->totals);
	if (!error)
		error = get__count(
			reader, &place, totals, "lost", REQUIRED, REPORT_COUNT_MAX, &report->lost);
	if (!error)
		error = get__count(reader, &place, totals, "missed", OPTIONAL, REPORT_COUNT_MAX,
			&report->missed);
	if (!error)
		error = get__missed(reader, &place, totals, report->missed_kinds);
	return error ? error : get__unknown(reader, &place, totals, report->unknown);
}

/* Sums take in what the callers have: what is left is nobody's here. */
static void count__subtract(uint64_t *count, uint64_t known)
{
	*count -= *count < known ? *count : known;
}

static int read__rehearsal(struct reader *reader, const json_t *document)
{
	const struct place place = {.name = "rehearsal"};
	struct report_rehearsal *rehearsal = &reader->report->rehearsal;
	const struct {
		const char *name;
		uint64_t *count;
	} counts[] = {
		{"requests", &rehearsal->requests},
		{"unread", &rehearsal->unread},
		{"rejected", &rehearsal->rejected},
		{"unproven", &rehearsal->unproven},
		{"not_covered", &rehearsal->not_covered},
	};
	struct rehearsal_sums callers;
	char *scope, *command_end = NULL;
	json_t *value;
	int error = get__object(reader, NULL, document, "rehearsal", OPTIONAL, &value);

	if (error || !value)
		return error;
	report__rehearsal_sums(reader->report, &callers);
	error = get__text(reader, &place, value, "scope", REQUIRED, &scope);
	if (!error)
		error = get__text(reader, &place, value, "command_end", OPTIONAL, &command_end);
	for (size_t i = 0; !error && i < sizeof(counts) / sizeof(counts[0]); i++)
		error = get__count(reader, &place, value, counts[i].name, OPTIONAL,
			REPORT_COUNT_MAX, counts[i].count);
	if (error)
		return error;
	count__subtract(&rehearsal->rejected, callers.rejected);
	count__subtract(&rehearsal->unproven, callers.unproven);
	count__subtract(&rehearsal->not_covered, callers.not_covered);
	error = report__set_rehearsal(reader->report, scope);
	if (!error && command_end)
		error = report__set_command_end(reader->report, command_end);
	return reader__check(reader, error);
}

static int read__schema(struct reader *reader, const json_t *document)
{
	const json_t *schema = json_object_get(document, "schema");

	if (!json_is_object(document))
		return reader__refuse(reader, "it is JSON, but not a report: no object");
	if (!schema)
		return reader__refuse(reader, "it is JSON, but not a report: schema is missing");
	if (!json_is_string(schema))
		return reader__fail(reader, NULL, "schema", "is not a string");
	if (strcmp(json_string_value(schema), SCHEMA))
		return reader__refuse(reader,
			"its schema is \"%.64s\", and only \"%s\" is understood",
			json_string_value(schema), SCHEMA);
	return 0;
}

static int read__version(struct reader *reader, const json_t *document)
{
	char *text;
	int error = get__text(reader, NULL, document, "version", OPTIONAL, &text);

	if (error || !text)
		return error;
	return reader__check(reader, report__set_version(reader->report, text));
}

static int read__sentence(
	struct reader *reader, const struct place *place, const json_t *element, void *context)
{
	(void)context;
	return check__text(reader, place, NULL, element);
}

static int read__host_caller(
	struct reader *reader, const struct place *place, const json_t *element, void *context)
{
	struct host_facts *facts = context;
	struct host_caller caller = {0};
	uint64_t at = 0;
	int error;

	if (!json_is_object(element))
		return reader__fail(reader, place, NULL, "is not an object");
	error = get__count(reader, place, element, "caller", REQUIRED, REPORT_COUNT_MAX, &at);
	if (!error && at >= reader->caller_count)
		error = reader__fail(reader, place, "caller", "is none of the callers");
	if (!error)
		error = get__count(
			reader, place, element, "v1", OPTIONAL, REPORT_COUNT_MAX, &caller.v1);
	if (!error)
		error = get__count(reader, place, element, "foreign", OPTIONAL, REPORT_COUNT_MAX,
			&caller.foreign);
	if (!error)
		error = get__time(reader, place, element, "last_v1", OPTIONAL, &caller.last_v1);
	if (!error)
		error = get__time(
			reader, place, element, "last_foreign", OPTIONAL, &caller.last_foreign);
	if (error)
		return error;
	caller.caller = reader->callers[at];
	return reader__check(reader, host_facts__add_caller(facts, &caller));
}

static int read__lasts(struct reader *reader, const struct place *up, const json_t *object,
	int64_t lasts[CLASS_COUNT])
{
	const struct place place = {.up = up, .name = "last"};
	json_t *times;
	int error = get__object(reader, up, object, "last", OPTIONAL, &times);

	for (int c = 0; !error && times && c < CLASS_COUNT; c++)
		error = get__time(reader, &place, times, class__name(c), OPTIONAL, &lasts[c]);
	return error;
}

static int read__facts_body(struct reader *reader, const struct place *place, const json_t *element,
	struct host_facts *facts)
{
	const struct place calls_place = {.up = place, .name = "calls"};
	uint64_t hops = 0;
	json_t *counts;
	int error = get__object(reader, place, element, "calls", REQUIRED, &counts);

	if (!error)
		error = get__counts(reader, &calls_place, counts, REQUIRED, facts->calls);
	if (!error)
		error = read__lasts(reader, place, element, facts->last);
	if (!error)
		error = get__unknown(reader, place, element, facts->unknown);
	if (!error)
		error = get__count(
			reader, place, element, "lost", OPTIONAL, REPORT_COUNT_MAX, &facts->lost);
	if (!error)
		error = get__count(reader, place, element, "missed", OPTIONAL, REPORT_COUNT_MAX,
			&facts->missed);
	if (!error)
		error = get__missed(reader, place, element, facts->missed_kinds);
	if (!error)
		error = get__count(reader, place, element, "hop_limit_needed", OPTIONAL,
			REPORT_COUNT_MAX, &hops);
	if (!error)
		error = get__count(reader, place, element, "foreign_served", OPTIONAL,
			REPORT_COUNT_MAX, &facts->foreign_served);
	if (!error)
		error = get__bool(reader, place, element, "at_most", &facts->at_most);
	facts->needs_hop_limit = hops > 0;
	return error ? error
		     : get__each(reader, place, element, "calls_by", OPTIONAL, read__host_caller,
			       facts);
}

/* A host of a merged report says by whom it was called; older reports do not. */
static int read__facts(
	struct reader *reader, const struct place *place, const json_t *element, void *context)
{
	const char *instance_id = json_string_value(json_object_get(element, "instance_id"));
	const char *machine_id = json_string_value(json_object_get(element, "machine_id"));
	const char *id = instance_id && *instance_id ? instance_id : machine_id;
	struct host_facts *facts;

	(void)context;
	if (!json_object_get(element, "calls_by"))
		return 0;
	facts = report__host_facts(reader->report, id);
	return facts ? read__facts_body(reader, place, element, facts)
		     : reader__check(reader, -ENOMEM);
}

static int read__since(struct reader *reader, const json_t *document)
{
	int error = get__time(reader, NULL, document, "since", OPTIONAL, &reader->report->since);

	return error ? error
		     : get__bool(reader, NULL, document, "at_most", &reader->report->at_most);
}

static int read__document(struct reader *reader, const json_t *document)
{
	/* Hosts first: callers that do not name theirs are of the one host there is. */
	static const struct {
		const char *name;
		enum need need;
		int (*each)(struct reader *, const struct place *, const json_t *, void *);
	} lists[] = {
		{"hosts", OPTIONAL, read__host},
		{"windows", OPTIONAL, read__window},
		{"callers", REQUIRED, read__caller},
		{"hosts", OPTIONAL, read__facts},
		{"timeline", OPTIONAL, read__bucket},
		{"reasons", OPTIONAL, read__sentence},
		{"next_steps", OPTIONAL, read__sentence},
	};
	char *verdict;
	int error = read__schema(reader, document);

	if (!error)
		error = read__version(reader, document);
	if (!error)
		error = get__text(reader, NULL, document, "verdict", OPTIONAL, &verdict);
	if (!error)
		error = read__totals(reader, document);
	if (!error)
		error = read__since(reader, document);
	for (size_t i = 0; !error && i < sizeof(lists) / sizeof(lists[0]); i++)
		error = get__each(
			reader, NULL, document, lists[i].name, lists[i].need, lists[i].each, NULL);
	return error ? error : read__rehearsal(reader, document);
}

#define GZIP "\x1f\x8b"     /* RFC 1952, section 2.3.1 */
#define BOM  "\xef\xbb\xbf" /* which some editors put in front of UTF-8 */

static int reader__refuse_syntax(struct reader *reader, const char *text, size_t size,
	const json_error_t *error, const struct json_arena *arena)
{
	if (arena->exceeded)
		return reader__refuse(reader, "it has more values than a report may have");
	if (!size)
		return reader__refuse(reader, "it is empty");
	if (size >= strlen(GZIP) && !memcmp(text, GZIP, strlen(GZIP)))
		return reader__refuse(reader, "it is compressed: unpack it first (gzip -d)");
	if (json_error_code(error) == json_error_premature_end_of_input)
		return reader__refuse(reader, "it ends in the middle of the report");
	if (json_error_code(error) == json_error_numeric_overflow)
		return reader__refuse(
			reader, "it has a number that is too large, in line %d", error->line);
	if (!*error->text)
		return reader__check(reader, -ENOMEM);
	return reader__refuse(reader, "it is not JSON: %s, in line %d", error->text, error->line);
}

static int reader__read(struct reader *reader, const json_t *document)
{
	int error;

	reader->report = report__new();
	/* One more, so that there is something to allocate where there are none. */
	reader->callers = calloc(
		json_array_size(json_object_get(document, "callers")) + 1, sizeof(struct caller *));
	error = reader->report && reader->callers ? read__document(reader, document)
						  : reader__check(reader, -ENOMEM);
	free(reader->callers);
	return error;
}

/*
 * Each `[]` costs the parser some hundred bytes, so a file of nothing else would grow a hundredfold
 * in memory. A report grows eight- to tenfold: one of 15,000 hosts fits.
 */
static size_t document__memory(size_t size)
{
	const size_t both = 240UL << 20; /* the text and what is parsed from it */

	return size < both ? both - size : 0;
}

int report__from_json(
	struct report **report, const char *text, size_t size, char *why, size_t why_size)
{
	struct reader reader = {.why = why, .why_size = why_size};
	struct json_arena arena;
	json_t *document;
	json_error_t syntax;
	int error;

	if (size >= strlen(BOM) && !memcmp(text, BOM, strlen(BOM))) {
		text += strlen(BOM);
		size -= strlen(BOM);
	}
	document = json_arena__parse(
		&arena, text, size, JSON_REJECT_DUPLICATES, document__memory(size), &syntax);
	error = document ? reader__read(&reader, document)
			 : reader__refuse_syntax(&reader, text, size, &syntax, &arena);
	json_arena__free(&arena);
	if (error)
		report__free(reader.report);
	else
		*report = reader.report;
	return error;
}
