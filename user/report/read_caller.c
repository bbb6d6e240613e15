// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "report/read_caller.h"

#include <errno.h>
#include <string.h>

#define CALLER_TEXT(name, need, member) FIELD(FIELD_TEXT, name, need, struct caller, member)
#define CONTAINER(name, member)         CALLER_TEXT(name, OPTIONAL, workload.container.member)
#define POD(name, member)               CALLER_TEXT(name, OPTIONAL, workload.pod.member)

/* Whose name and surroundings these are. The texts stay the document's. */
static const struct reader_field identity_fields[] = {
	CALLER_TEXT("name", REQUIRED, name),
	CALLER_TEXT("comm", OPTIONAL, comm),
	CALLER_TEXT("exe", OPTIONAL, exe),
	CALLER_TEXT("script", OPTIONAL, script),
	CALLER_TEXT("parent", OPTIONAL, parent),
	CALLER_TEXT("unit", OPTIONAL, workload.unit),
	CALLER_TEXT("slice", OPTIONAL, workload.slice),
	FIELD(FIELD_BOOL, "args_cut", OPTIONAL, struct caller, args_cut),
	{0},
};

static const struct reader_field container_fields[] = {CONTAINER("runtime", runtime),
	CONTAINER("id", id), CONTAINER("name", name), CONTAINER("image", image), {0}};

static const struct reader_field pod_fields[] = {
	POD("uid", uid), POD("name", name), POD("namespace", namespace), {0}};

/* Fields of a caller that are of another form than in struct caller. */
struct caller_fields {
	uint64_t uid, processes, containers, forwarded;
	uint64_t hosts, hosts_fixed;
	bool hosts_exact;
	int64_t first, last;
	char *through;
	const struct json_node *container, *pod, *client, *outcomes, *fixed_outcomes, *rehearsal;
	char *pattern, *advice, *advice_text; /* which the report derives itself */
	uint64_t calls[CLASS_COUNT], fixed_calls[CLASS_COUNT];
};

#define CALLER_FIELD(type, name, member) FIELD(type, name, OPTIONAL, struct caller_fields, member)
#define CALLER_COUNT(name, member)       COUNT_FIELD(name, OPTIONAL, struct caller_fields, member)

static const struct reader_field caller_fields[] = {
	BOUNDED_FIELD("uid", OPTIONAL, struct caller_fields, uid, UINT32_MAX),
	CALLER_COUNT("processes", processes),
	CALLER_COUNT("containers", containers),
	CALLER_COUNT("forwarded", forwarded),
	CALLER_COUNT("hosts_fixed", hosts_fixed),
	CALLER_FIELD(FIELD_BOOL, "hosts_exact", hosts_exact),
	CALLER_FIELD(FIELD_TIME, "first", first),
	CALLER_FIELD(FIELD_TIME, "last", last),
	CALLER_FIELD(FIELD_TEXT, "through", through),
	CALLER_FIELD(FIELD_TEXT, "pattern", pattern),
	CALLER_FIELD(FIELD_TEXT, "advice", advice),
	CALLER_FIELD(FIELD_TEXT, "advice_text", advice_text),
	CALLER_FIELD(FIELD_OBJECT, "container", container),
	CALLER_FIELD(FIELD_OBJECT, "pod", pod),
	CALLER_FIELD(FIELD_OBJECT, "client", client),
	CALLER_FIELD(FIELD_OBJECT, "rehearsal", rehearsal),
	CALLER_FIELD(FIELD_OBJECT, "outcomes", outcomes),
	CALLER_FIELD(FIELD_OBJECT, "fixed_outcomes", fixed_outcomes),
	FIELD(FIELD_CLASSES, "calls", REQUIRED, struct caller_fields, calls),
	{0},
};

static const struct reader_field count_fields[] = {
	FIELD(FIELD_UNKNOWN, "unknown_by_reason", OPTIONAL, struct caller, unknown),
	FIELD(FIELD_BOOL, "at_most", OPTIONAL, struct caller, at_most),
	{0},
};

#define PATH_FIELD(type, name, member) FIELD(type, name, OPTIONAL, struct report_path, member)

static const struct reader_field path_fields[] = {
	PATH_FIELD(FIELD_TEXT, "method", method),
	PATH_FIELD(FIELD_TEXT, "path", path),
	PATH_FIELD(FIELD_BOOL, "path_cut", path_cut),
	COUNT_FIELD("count", REQUIRED, struct report_path, count),
	COUNT_FIELD("fixed", OPTIONAL, struct report_path, fixed),
	PATH_FIELD(FIELD_BOOL, "at_most", at_most),
	PATH_FIELD(FIELD_TIME, "first", first),
	PATH_FIELD(FIELD_TIME, "last", last),
	{0},
};

static const char *network__word(int network)
{
	return network__name(network);
}

static int read__path(struct reader *reader, const struct place *place,
	const struct json_node *element, void *context)
{
	struct report_path path = {0};
	int error = reader__object(reader, place, NULL, element);

	if (!error)
		error = reader__class(reader, place, element, "class", &path.cls);
	if (!error)
		error = reader__fields(reader, place, element, path_fields, &path);
	if (error)
		return error;
	if (!path.path && path.cls != CLASS_UNKNOWN)
		return reader__fail(reader, place, "path", "is missing");
	if (path.fixed > path.count)
		return reader__fail(reader, place, "fixed", "is too large");
	/* What was not recorded follows from the counts. */
	if (!path.method && path.path && !strcmp(path.path, REPORT_NOT_RECORDED))
		return 0;
	return reader__check(reader, caller__add_path(reader->report, context, &path));
}

static int read__agent(struct reader *reader, const struct place *place,
	const struct json_node *element, void *context)
{
	int error = reader__text(reader, place, NULL, element);

	return error ? error
		     : reader__check(reader, caller__add_agent(reader->report, context,
						     json_node__text(element)));
}

static int read__pid(struct reader *reader, const struct place *place,
	const struct json_node *element, void *context)
{
	uint64_t pid = 0;
	int error = reader__count(reader, place, NULL, element, UINT32_MAX, &pid);

	if (!error)
		caller__add_pid(context, (uint32_t)pid);
	return error;
}

struct argument_list {
	char **args; /* borrowed texts, room for CALLER_ARGS_MAX + 2 */
	size_t count;
};

static int read__argument(struct reader *reader, const struct place *place,
	const struct json_node *element, void *context)
{
	struct argument_list *list = context;
	int error = reader__text(reader, place, NULL, element);

	/* One more than a caller holds, so that it knows that they were cut. */
	if (!error && list->count <= CALLER_ARGS_MAX)
		list->args[list->count++] = (char *)json_node__text(element);
	return error;
}

static int read__forwarded(struct reader *reader, const struct place *place,
	const struct json_node *element, void *context)
{
	int error = reader__text(reader, place, NULL, element);

	return error ? error
		     : reader__check(
			       reader, caller__add_forwarded(context, json_node__text(element)));
}

static int read__caller_host(struct reader *reader, const struct place *place,
	const struct json_node *element, void *context)
{
	int error = reader__text(reader, place, NULL, element);

	if (!error && element->size > MACHINE_ID_MAX)
		error = reader__fail(reader, place, NULL, "is longer than 128 bytes");
	return error ? error
		     : reader__check(reader,
			       caller__add_host(context,
				       report__host_id(reader->report, json_node__text(element))));
}

static int read__part(struct reader *reader, const struct place *up, const char *name,
	const struct json_node *object, const struct reader_field *fields, struct caller *like)
{
	const struct place place = {.up = up, .name = name};

	return object ? reader__fields(reader, &place, object, fields, like) : 0;
}

/* What of it is no text. */
static int read__identity(struct reader *reader, const struct place *place,
	const struct json_node *object, const struct caller_fields *fields, struct caller *like)
{
	int network = like->network;
	int error = reader__word(reader, place, object, "network", OPTIONAL, network__word,
		NETWORK_COUNT, "is neither host nor own", &network);

	if (!error)
		error = read__part(
			reader, place, "container", fields->container, container_fields, like);
	if (!error)
		error = read__part(reader, place, "pod", fields->pod, pod_fields, like);
	if (error)
		return error;
	like->uid = (uint32_t)fields->uid;
	like->network = network;
	if (!like->comm)
		like->comm = like->name;
	like->rest =
		!like->exe && !strcmp(like->name, REPORT_REST) && !strcmp(like->comm, REPORT_REST);
	return 0;
}

/* What the outcomes of a class leave of its calls was made unwatched. */
static int read__outcome(struct reader *reader, const struct place *up,
	const struct json_node *outcomes, enum request_class cls, uint64_t calls,
	uint64_t answers[OUTCOME_COUNT], uint64_t *unwatched)
{
	const struct place place = {.up = up, .name = class__name(cls)};
	const struct json_node *counts = json_node__member(outcomes, class__name(cls));
	uint64_t watched = 0;
	int error = 0;

	if (json_node__is(counts, KIND_NULL))
		counts = NULL;
	if (counts)
		error = reader__object(reader, up, class__name(cls), counts);
	for (int o = 0; !error && counts && o < OUTCOME_COUNT; o++) {
		const char *name = outcome__name(o);
		const struct json_node *count = json_node__member(counts, name);

		error = count && !json_node__is(count, KIND_NULL)
				? reader__count(reader, &place, name, count, REPORT_COUNT_MAX,
					  &answers[o])
				: reader__fail(reader, &place, name, "is missing");
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

struct rehearsal_fields {
	struct caller_rehearsal rehearsal;
	uint64_t exit_status, signal;
	bool recovered;
};

#define REHEARSAL_COUNT(name, member) \
	COUNT_FIELD(name, OPTIONAL, struct rehearsal_fields, rehearsal.member)

static const struct reader_field rehearsal_fields[] = {
	REHEARSAL_COUNT("rejected", rejected),
	REHEARSAL_COUNT("unproven", unproven),
	REHEARSAL_COUNT("not_covered", not_covered),
	REHEARSAL_COUNT("processes", processes),
	REHEARSAL_COUNT("processes_recovered", recovered),
	REHEARSAL_COUNT("ended", ended),
	REHEARSAL_COUNT("restarted", restarted),
	BOUNDED_FIELD("exit_status", OPTIONAL, struct rehearsal_fields, exit_status, 255),
	BOUNDED_FIELD("signal", OPTIONAL, struct rehearsal_fields, signal, 127),
	FIELD(FIELD_BOOL, "recovered", OPTIONAL, struct rehearsal_fields, recovered),
	FIELD(FIELD_SECONDS, "recovered_after", OPTIONAL, struct rehearsal_fields,
		rehearsal.recovered_after),
	{0},
};

/* What the report derives itself (recovered) is not believed where it can be counted. */
static int read__caller_rehearsal(struct reader *reader, const struct place *up,
	const struct json_node *object, struct caller_rehearsal *rehearsal)
{
	const struct place place = {.up = up, .name = "rehearsal"};
	struct rehearsal_fields fields = {.exit_status = UINT64_MAX, .signal = UINT64_MAX};
	int error;

	if (!object)
		return 0;
	error = reader__fields(reader, &place, object, rehearsal_fields, &fields);
	*rehearsal = fields.rehearsal;
	rehearsal->wait_status = wait_status__of(fields.exit_status, fields.signal);
	if (!rehearsal->processes && rehearsal->rejected) {
		rehearsal->processes = 1;
		rehearsal->recovered = fields.recovered;
	}
	return error;
}

static int read__calls(struct reader *reader, const struct place *up,
	const struct caller_fields *fields, struct caller *caller)
{
	const struct place place = {.up = up, .name = "outcomes"};
	uint64_t answers[CLASS_COUNT][OUTCOME_COUNT] = {0}, unwatched, rehearsed;
	struct caller_rehearsal rehearsal = {0};
	int error = read__caller_rehearsal(reader, up, fields->rehearsal, &rehearsal);

	rehearsed = rehearsal.rejected;
	count__add(&rehearsed, rehearsal.unproven);
	for (int c = 0; !error && c < CLASS_COUNT; c++) {
		error = read__outcome(reader, &place, fields->outcomes, c, fields->calls[c],
			answers[c], &unwatched);
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
	report__add_calls(caller, fields->calls, answers);
	return 0;
}

/* Of a caller's calls, those of hosts where it is fixed; never more than it has. */
static int read__fixed(struct reader *reader, const struct place *up,
	const struct json_node *object, struct caller_fields *fields, struct caller *caller)
{
	static const struct reader_field calls_field[] = {
		FIELD(FIELD_CLASSES, "fixed_calls", REQUIRED, struct caller_fields, fixed_calls),
		{0},
	};
	const struct place place = {.up = up, .name = "fixed_outcomes"};
	uint64_t answers[OUTCOME_COUNT], unwatched;
	int error;

	if (!fields->hosts_fixed)
		return 0;
	error = reader__fields(reader, up, object, calls_field, fields);
	count__add(&caller->hosts_fixed, fields->hosts_fixed);
	for (int c = 0; !error && c < CLASS_COUNT; c++) {
		memset(answers, 0, sizeof(answers));
		error = read__outcome(reader, &place, fields->fixed_outcomes, c,
			fields->fixed_calls[c], answers, &unwatched);
		if (error)
			break;
		count__add(&caller->fixed[c], fields->fixed_calls[c]);
		count__add(&caller->fixed_unwatched[c], unwatched);
		for (int o = 0; o < OUTCOME_COUNT; o++)
			count__add(&caller->fixed_answers[c][o], answers[o]);
	}
	return error;
}

/* Where "hosts" is an object, as older reports have it. */
static int read__older_hosts(struct reader *reader, const struct place *up,
	const struct json_node *hosts, struct caller_fields *fields, struct caller *caller)
{
	static const struct reader_field hosts_fields[] = {
		CALLER_FIELD(FIELD_BOOL, "exact", hosts_exact),
		CALLER_COUNT("count", hosts),
		{0},
	};
	const struct place place = {.up = up, .name = "hosts"};
	int error = reader__object(reader, up, "hosts", hosts);

	if (!error)
		error = reader__each(
			reader, &place, hosts, "sample", OPTIONAL, read__caller_host, caller);
	return error ? error : reader__fields(reader, &place, hosts, hosts_fields, fields);
}

/* A report without the field says it all the same if it has one host. */
static int read__caller_hosts(struct reader *reader, const struct place *up,
	const struct json_node *object, struct caller_fields *fields, struct caller *caller)
{
	const struct report *report = reader->report;
	const struct json_node *hosts = json_node__member(object, "hosts");
	int error;

	if (json_node__is(hosts, KIND_INTEGER)) {
		error = reader__each(
			reader, up, object, "hosts_sample", OPTIONAL, read__caller_host, caller);
		if (!error)
			error = reader__count(
				reader, up, "hosts", hosts, REPORT_COUNT_MAX, &fields->hosts);
	} else if (hosts && !json_node__is(hosts, KIND_NULL)) {
		fields->hosts_exact = true;
		error = read__older_hosts(reader, up, hosts, fields, caller);
	} else if (report->host_count == 1) {
		return reader__check(
			reader, caller__add_host(caller, report_host__id(&report->hosts[0])));
	} else {
		caller->hosts_exact = false;
		return 0;
	}
	if (error)
		return error;
	if (fields->hosts > caller->hosts_total)
		caller->hosts_total = fields->hosts;
	caller->hosts_exact &= fields->hosts_exact;
	return 0;
}

/* What is joined between a proxy and those whose calls it forwards. */
static int read__forwarding(struct reader *reader, const struct place *place,
	const struct json_node *object, const struct caller_fields *fields, struct caller *caller)
{
	int error =
		reader__each(reader, place, object, "forwards", OPTIONAL, read__forwarded, caller);

	if (error)
		return error;
	count__add(&caller->forwarded, fields->forwarded);
	return reader__check(reader, caller__go_through(caller, fields->through));
}

static int read__caller_body(struct reader *reader, const struct place *place,
	const struct json_node *object, struct caller_fields *fields, struct caller *caller)
{
	int error = reader__each(reader, place, object, "pids", OPTIONAL, read__pid, caller);

	if (!error)
		error = reader__each(
			reader, place, object, "user_agents", OPTIONAL, read__agent, caller);
	if (!error)
		error = read__caller_hosts(reader, place, object, fields, caller);
	if (!error)
		error = read__calls(reader, place, fields, caller);
	if (!error)
		error = reader__fields(reader, place, object, count_fields, caller);
	if (!error)
		error = read__fixed(reader, place, object, fields, caller);
	if (!error)
		error = reader__each(reader, place, object, "paths", OPTIONAL, read__path, caller);
	if (!error)
		error = read__forwarding(reader, place, object, fields, caller);
	if (error)
		return error;
	count__add(&caller->processes, fields->processes);
	caller__add_container(caller, caller->workload.container.id);
	if (fields->containers > 1)
		count__add(&caller->containers, fields->containers - 1);
	span__widen(&caller->first, &caller->last, fields->first, fields->last);
	return 0;
}

int read__caller(struct reader *reader, const struct place *place, const struct json_node *element,
	void *context)
{
	char *args[CALLER_ARGS_MAX + 2] = {NULL};
	struct argument_list list = {.args = args};
	struct caller_fields fields = {.hosts_exact = true};
	struct caller like = {.args = args}, *caller;
	int error = reader__fields(reader, place, element, identity_fields, &like);

	(void)context;
	if (!error)
		error = reader__fields(reader, place, element, caller_fields, &fields);
	if (!error)
		error = read__identity(reader, place, element, &fields, &like);
	if (!error)
		error = reader__each(
			reader, place, element, "args", OPTIONAL, read__argument, &list);
	if (error)
		return error;
	caller = report__caller_like(reader->report, &like);
	if (!caller)
		return reader__check(reader, -ENOMEM);
	reader->callers[reader->caller_count++] = caller;
	return read__caller_body(reader, place, element, &fields, caller);
}
