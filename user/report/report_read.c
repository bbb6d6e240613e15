/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A report from its JSON. The file may come from anywhere: each field's type and range is checked,
 * and what the report derives itself (verdict, advice, pattern, client) is not believed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/array.h"
#include "lib/clock.h"
#include "lib/json_tree.h"
#include "report/read_caller.h"
#include "report/reader.h"
#include "report/report_index.h"

#define SCHEMA             "imdstrace.report/1"
#define BUCKET_SECONDS_MAX (60U << 20)

#define HOST_FIELD(name, need, member) FIELD(FIELD_TEXT, name, need, struct report_host, member)

static const struct reader_field host_fields[] = {
	HOST_FIELD("machine_id", REQUIRED, machine_id),
	HOST_FIELD("hostname", OPTIONAL, hostname),
	HOST_FIELD("kernel", OPTIONAL, kernel),
	HOST_FIELD("instance_id", OPTIONAL, instance_id),
	HOST_FIELD("region", OPTIONAL, region),
	HOST_FIELD("account_id", OPTIONAL, account_id),
	{0},
};

static int read__host(struct reader *reader, const struct place *place,
	const struct json_node *element, void *context)
{
	struct report_host host = {0};
	int error = reader__fields(reader, place, element, host_fields, &host);

	(void)context;
	if (!error && strlen(host.machine_id) > MACHINE_ID_MAX)
		error = reader__fail(reader, place, "machine_id", "is longer than 128 bytes");
	return error ? error : reader__check(reader, report__add_host(reader->report, &host));
}

struct window_fields {
	struct window window;
	char *instance_id;
	uint64_t copy;
};

#define WINDOW_FIELD(type, name, need, member) \
	FIELD(type, name, need, struct window_fields, window.member)

static const struct reader_field window_fields[] = {
	WINDOW_FIELD(FIELD_TEXT, "host", REQUIRED, machine_id),
	FIELD(FIELD_TEXT, "instance_id", OPTIONAL, struct window_fields, instance_id),
	WINDOW_FIELD(FIELD_TEXT, "id", OPTIONAL, id),
	WINDOW_FIELD(FIELD_TEXT, "boot_id", OPTIONAL, boot_id),
	WINDOW_FIELD(FIELD_TIME, "start", REQUIRED, start),
	WINDOW_FIELD(FIELD_TIME, "end", REQUIRED, end),
	WINDOW_FIELD(FIELD_TEXT, "hooks", OPTIONAL, hooks),
	WINDOW_FIELD(FIELD_TIME, "booted", OPTIONAL, booted),
	WINDOW_FIELD(FIELD_TIME, "attached", OPTIONAL, attached),
	WINDOW_FIELD(FIELD_BOOL, "responses", OPTIONAL, responses),
	WINDOW_FIELD(FIELD_BOOL, "rehearsal", OPTIONAL, rehearsal),
	WINDOW_FIELD(FIELD_CLASSES, "calls", OPTIONAL, calls),
	COUNT_FIELD("opened_before", OPTIONAL, struct window_fields, window.opened_before),
	BOUNDED_FIELD("copy", OPTIONAL, struct window_fields, copy, REPORT_COPIES_MAX),
	{0},
};

static int read__window(struct reader *reader, const struct place *place,
	const struct json_node *element, void *context)
{
	struct window_fields fields = {.window = {.responses = true}};
	struct window *window = &fields.window;
	int error = reader__fields(reader, place, element, window_fields, &fields);

	(void)context;
	if (error)
		return error;
	if (window->end < window->start)
		return reader__fail(reader, place, NULL, "ends before it starts");
	/* Windows of older reports name their machine alone. */
	window->host = fields.instance_id && *fields.instance_id
			       ? fields.instance_id
			       : (char *)report__host_id(reader->report, window->machine_id);
	if (!window->boot_id)
		window->boot_id = (char *)"";
	window->copy = (unsigned int)fields.copy;
	window->has_calls = json_node__is(json_node__member(element, "calls"), KIND_OBJECT);
	window->opened_known =
		json_node__is(json_node__member(element, "opened_before"), KIND_INTEGER);
	return reader__check(reader, report__add_window(reader->report, window));
}

struct bucket_fields {
	struct timeline_bucket bucket;
	uint64_t seconds;
};

#define BUCKET_COUNT(name, member) COUNT_FIELD(name, OPTIONAL, struct bucket_fields, bucket.member)

static const struct reader_field bucket_fields[] = {
	FIELD(FIELD_TIME, "start", REQUIRED, struct bucket_fields, bucket.start),
	BOUNDED_FIELD("seconds", REQUIRED, struct bucket_fields, seconds, BUCKET_SECONDS_MAX),
	BUCKET_COUNT("token", calls[CLASS_TOKEN]),
	BUCKET_COUNT("v2", calls[CLASS_V2]),
	BUCKET_COUNT("foreign", calls[CLASS_FOREIGN]),
	BUCKET_COUNT("v1", calls[CLASS_V1]),
	BUCKET_COUNT("unknown", calls[CLASS_UNKNOWN]),
	BUCKET_COUNT("forwarded", forwarded),
	BUCKET_COUNT("rehearsed", rehearsed),
	{0},
};

static int read__bucket(struct reader *reader, const struct place *place,
	const struct json_node *element, void *context)
{
	struct bucket_fields fields = {0};
	int error = reader__fields(reader, place, element, bucket_fields, &fields);

	(void)context;
	return error ? error
		     : reader__check(reader, report__add_bucket(reader->report, &fields.bucket,
						     (unsigned int)fields.seconds));
}

#define TOTALS_FIELD(type, name, need, member) FIELD(type, name, need, struct report, member)

static const struct reader_field totals_fields[] = {
	COUNT_FIELD("token", REQUIRED, struct report, totals[CLASS_TOKEN]),
	COUNT_FIELD("v2", REQUIRED, struct report, totals[CLASS_V2]),
	COUNT_FIELD("foreign", REQUIRED, struct report, totals[CLASS_FOREIGN]),
	COUNT_FIELD("v1", REQUIRED, struct report, totals[CLASS_V1]),
	COUNT_FIELD("unknown", REQUIRED, struct report, totals[CLASS_UNKNOWN]),
	COUNT_FIELD("lost", REQUIRED, struct report, lost),
	COUNT_FIELD("missed", OPTIONAL, struct report, missed),
	TOTALS_FIELD(FIELD_MISSED, "missed_by_kind", OPTIONAL, missed_kinds),
	TOTALS_FIELD(FIELD_UNKNOWN, "unknown_by_reason", OPTIONAL, unknown),
	{0},
};

struct rehearsal_fields {
	struct report_rehearsal rehearsal;
	char *scope, *command_end; /* borrowed */
};

#define REHEARSAL_COUNT(name, member) \
	COUNT_FIELD(name, OPTIONAL, struct rehearsal_fields, rehearsal.member)

static const struct reader_field rehearsal_fields[] = {
	FIELD(FIELD_TEXT, "scope", REQUIRED, struct rehearsal_fields, scope),
	FIELD(FIELD_TEXT, "command_end", OPTIONAL, struct rehearsal_fields, command_end),
	REHEARSAL_COUNT("requests", requests),
	REHEARSAL_COUNT("unread", unread),
	REHEARSAL_COUNT("rejected", rejected),
	REHEARSAL_COUNT("unproven", unproven),
	REHEARSAL_COUNT("not_covered", not_covered),
	{0},
};

/* Sums take in what the callers have: what is left is nobody's here. */
static void count__subtract(uint64_t *count, uint64_t known)
{
	*count -= *count < known ? *count : known;
}

/* After the callers, which have most of it. */
static int read__rehearsal(struct reader *reader, const struct json_node *object)
{
	const struct place place = {.name = "rehearsal"};
	struct rehearsal_fields fields = {.rehearsal = reader->report->rehearsal};
	struct report_rehearsal *rehearsal = &fields.rehearsal;
	struct rehearsal_sums callers;
	int error;

	if (!object)
		return 0;
	report__rehearsal_sums(reader->report, &callers);
	error = reader__fields(reader, &place, object, rehearsal_fields, &fields);
	if (error)
		return error;
	count__subtract(&rehearsal->rejected, callers.rejected);
	count__subtract(&rehearsal->unproven, callers.unproven);
	count__subtract(&rehearsal->not_covered, callers.not_covered);
	reader->report->rehearsal = *rehearsal;
	error = report__set_rehearsal(reader->report, fields.scope);
	if (!error && fields.command_end)
		error = report__set_command_end(reader->report, fields.command_end);
	return reader__check(reader, error);
}

static int read__sentence(struct reader *reader, const struct place *place,
	const struct json_node *element, void *context)
{
	(void)context;
	return reader__text(reader, place, NULL, element);
}

struct host_caller_fields {
	struct host_caller caller;
	uint64_t at;
};

#define HOST_CALLER_FIELD(type, name, member) \
	FIELD(type, name, OPTIONAL, struct host_caller_fields, caller.member)

static const struct reader_field host_caller_fields[] = {
	COUNT_FIELD("caller", REQUIRED, struct host_caller_fields, at),
	COUNT_FIELD("v1", OPTIONAL, struct host_caller_fields, caller.v1),
	COUNT_FIELD("foreign", OPTIONAL, struct host_caller_fields, caller.foreign),
	HOST_CALLER_FIELD(FIELD_TIME, "last_v1", last_v1),
	HOST_CALLER_FIELD(FIELD_TIME, "last_foreign", last_foreign),
	{0},
};

static int read__host_caller(struct reader *reader, const struct place *place,
	const struct json_node *element, void *context)
{
	struct host_caller_fields fields = {0};
	int error = reader__fields(reader, place, element, host_caller_fields, &fields);

	if (!error && fields.at >= reader->caller_count)
		error = reader__fail(reader, place, "caller", "is none of the callers");
	if (error)
		return error;
	fields.caller.caller = reader->callers[fields.at];
	return reader__check(reader, host_facts__add_caller(context, &fields.caller));
}

struct facts_fields {
	uint64_t hops;
	const struct json_node *last;
};

static const struct reader_field facts_fields[] = {
	COUNT_FIELD("hop_limit_needed", OPTIONAL, struct facts_fields, hops),
	FIELD(FIELD_OBJECT, "last", OPTIONAL, struct facts_fields, last),
	{0},
};

static const struct reader_field host_counts_fields[] = {
	FIELD(FIELD_CLASSES, "calls", REQUIRED, struct host_facts, calls),
	FIELD(FIELD_UNKNOWN, "unknown_by_reason", OPTIONAL, struct host_facts, unknown),
	COUNT_FIELD("lost", OPTIONAL, struct host_facts, lost),
	COUNT_FIELD("missed", OPTIONAL, struct host_facts, missed),
	FIELD(FIELD_MISSED, "missed_by_kind", OPTIONAL, struct host_facts, missed_kinds),
	COUNT_FIELD("foreign_served", OPTIONAL, struct host_facts, foreign_served),
	FIELD(FIELD_BOOL, "at_most", OPTIONAL, struct host_facts, at_most),
	{0},
};

#define LAST_FIELD(name, cls) FIELD(FIELD_TIME, name, OPTIONAL, struct host_facts, last[cls])

static const struct reader_field last_fields[] = {
	LAST_FIELD("token", CLASS_TOKEN),
	LAST_FIELD("v2", CLASS_V2),
	LAST_FIELD("foreign", CLASS_FOREIGN),
	LAST_FIELD("v1", CLASS_V1),
	LAST_FIELD("unknown", CLASS_UNKNOWN),
	{0},
};

static int read__facts_body(struct reader *reader, const struct place *up,
	const struct json_node *element, struct host_facts *facts)
{
	const struct place place = {.up = up, .name = "last"};
	struct facts_fields fields = {0};
	int error = reader__fields(reader, up, element, host_counts_fields, facts);

	if (!error)
		error = reader__fields(reader, up, element, facts_fields, &fields);
	if (!error && fields.last)
		error = reader__fields(reader, &place, fields.last, last_fields, facts);
	facts->needs_hop_limit = fields.hops > 0;
	return error ? error
		     : reader__each(
			       reader, up, element, "calls_by", OPTIONAL, read__host_caller, facts);
}

/* A host of a merged report says by whom it was called; older reports do not. */
static int read__facts(struct reader *reader, const struct place *place,
	const struct json_node *element, void *context)
{
	const char *instance_id = json_node__text(json_node__member(element, "instance_id"));
	const char *machine_id = json_node__text(json_node__member(element, "machine_id"));
	const char *id = instance_id && *instance_id ? instance_id : machine_id;
	struct host_facts *facts;

	(void)context;
	if (!json_node__member(element, "calls_by"))
		return 0;
	facts = report__host_facts(reader->report, id);
	return facts ? read__facts_body(reader, place, element, facts)
		     : reader__check(reader, -ENOMEM);
}

static int read__schema(struct reader *reader, const struct json_node *document)
{
	const struct json_node *schema = json_node__member(document, "schema");

	if (!json_node__is(document, KIND_OBJECT))
		return reader__refuse(reader, "it is JSON, but not a report: no object");
	if (!schema)
		return reader__refuse(reader, "it is JSON, but not a report: schema is missing");
	if (!json_node__is(schema, KIND_TEXT))
		return reader__fail(reader, NULL, "schema", "is not a string");
	if (strcmp(json_node__text(schema), SCHEMA))
		return reader__refuse(reader,
			"its schema is \"%.64s\", and only \"%s\" is understood",
			json_node__text(schema), SCHEMA);
	return 0;
}

struct document_fields {
	char *version, *verdict; /* the verdict is derived again */
	const struct json_node *totals, *rehearsal;
	int64_t since;
	bool at_most;
};

#define DOCUMENT_FIELD(type, name, need, member) \
	FIELD(type, name, need, struct document_fields, member)

static const struct reader_field document_fields[] = {
	DOCUMENT_FIELD(FIELD_TEXT, "version", OPTIONAL, version),
	DOCUMENT_FIELD(FIELD_TEXT, "verdict", OPTIONAL, verdict),
	DOCUMENT_FIELD(FIELD_OBJECT, "totals", REQUIRED, totals),
	DOCUMENT_FIELD(FIELD_TIME, "since", OPTIONAL, since),
	DOCUMENT_FIELD(FIELD_BOOL, "at_most", OPTIONAL, at_most),
	DOCUMENT_FIELD(FIELD_OBJECT, "rehearsal", OPTIONAL, rehearsal),
	{0},
};

static int read__document(struct reader *reader, const struct json_node *document)
{
	/* Hosts first: callers that do not name theirs are of the one host there is. */
	static const struct {
		const char *name;
		enum need need;
		int (*each)(
			struct reader *, const struct place *, const struct json_node *, void *);
	} lists[] = {
		{"hosts", OPTIONAL, read__host},
		{"windows", OPTIONAL, read__window},
		{"callers", REQUIRED, read__caller},
		{"hosts", OPTIONAL, read__facts},
		{"timeline", OPTIONAL, read__bucket},
		{"reasons", OPTIONAL, read__sentence},
		{"next_steps", OPTIONAL, read__sentence},
	};
	const struct place totals = {.name = "totals"};
	struct document_fields fields = {0};
	struct report *report = reader->report;
	int error = read__schema(reader, document);

	if (!error)
		error = reader__fields(reader, NULL, document, document_fields, &fields);
	if (!error && fields.version)
		error = reader__check(reader, report__set_version(report, fields.version));
	if (!error)
		error = reader__fields(reader, &totals, fields.totals, totals_fields, report);
	report->since = fields.since;
	report->at_most = fields.at_most;
	for (size_t i = 0; !error && i < ARRAY_SIZE(lists); i++)
		error = reader__each(
			reader, NULL, document, lists[i].name, lists[i].need, lists[i].each, NULL);
	return error ? error : read__rehearsal(reader, fields.rehearsal);
}

#define GZIP "\x1f\x8b"     /* RFC 1952, section 2.3.1 */
#define BOM  "\xef\xbb\xbf" /* which some editors put in front of UTF-8 */

static int reader__refuse_syntax(
	struct reader *reader, const char *text, size_t size, const struct json_tree *tree)
{
	if (!size)
		return reader__refuse(reader, "it is empty");
	if (size >= strlen(GZIP) && !memcmp(text, GZIP, strlen(GZIP)))
		return reader__refuse(reader, "it is compressed: unpack it first (gzip -d)");
	switch (tree->problem) {
	case PROBLEM_EXCEEDS:
		return reader__refuse(reader, "it has more values than a report may have");
	case PROBLEM_ENDS:
		return reader__refuse(reader, "it ends in the middle of the report");
	case PROBLEM_NUMBER:
		return reader__refuse(
			reader, "it has a number that is too large, in line %u", tree->line);
	case PROBLEM_SYNTAX:
		return reader__refuse(
			reader, "it is not JSON: %s, in line %u", tree->what, tree->line);
	case PROBLEM_NONE:
	case PROBLEM_MEMORY:
		break;
	}
	return reader__check(reader, -ENOMEM);
}

static int reader__read(struct reader *reader, const struct json_node *document)
{
	const struct json_node *callers = json_node__member(document, "callers");
	size_t count = json_node__is(callers, KIND_ARRAY) ? callers->size : 0;
	int error;

	reader->report = report__new();
	/* One more, so that there is something to allocate where there are none. */
	reader->callers = calloc(count + 1, sizeof(struct caller *));
	error = reader->report && reader->callers ? read__document(reader, document)
						  : reader__check(reader, -ENOMEM);
	free(reader->callers);
	return error;
}

/*
 * Each `0,` costs the parser 32 bytes, so a file of nothing else would grow sixteenfold in memory.
 * A report grows three- to fourfold: one of 15,000 hosts fits.
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
	struct json_tree tree;
	const struct json_node *document;
	int error;

	if (size >= strlen(BOM) && !memcmp(text, BOM, strlen(BOM))) {
		text += strlen(BOM);
		size -= strlen(BOM);
	}
	document = json_tree__parse(&tree, text, size, document__memory(size));
	error = document ? reader__read(&reader, document)
			 : reader__refuse_syntax(&reader, text, size, &tree);
	json_tree__free(&tree);
	if (error)
		report__free(reader.report);
	else
		*report = reader.report;
	return error;
}
