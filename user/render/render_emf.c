/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * CloudWatch's embedded metric format: one JSON object a line, first the sum, then each caller of
 * v1. The sum's metrics have the names of EC2's own: MetadataNoToken counts the v1 calls that were
 * served, MetadataNoTokenRejected those that were refused. A caller's have other names, so that a
 * sum over all dimensions of a name counts each call once. Counts are the whole report's, so a
 * report is to be sent once, when its window is over.
 *
 * Limits are those of the specification (Amazon CloudWatch User Guide, "Embedded metric format
 * specification") and of the CloudWatch API's type Dimension.
 */
#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "verdict/advice.h"
#include "lib/array.h"
#include "lib/clock.h"
#include "report/forwarding.h"
#include "render/json.h"
#include "render/render.h"
#include "render/render_caller.h"
#include "lib/scope.h"
#include "lib/text.h"

#define NAMESPACE      "imdstrace"
#define DIMENSION_MAX  1024 /* characters, all of them ASCII */
#define PROPERTY_BYTES 1024
#define NSEC_PER_MSEC  1000000LL

/* The metrics of one event. */
struct measured {
	uint64_t ok, rejected;
	uint64_t unwatched; /* v1 calls of which nobody watched what came back */
	bool known;
};

static uint64_t measured__ok(const struct measured *measured)
{
	return measured->ok;
}

static uint64_t measured__rejected(const struct measured *measured)
{
	return measured->rejected;
}

static uint64_t measured__unwatched(const struct measured *measured)
{
	return measured->unwatched;
}

static bool is__known(const struct measured *measured)
{
	return measured->known;
}

static bool is__unwatched(const struct measured *measured)
{
	return measured->unwatched > 0;
}

static const struct metric {
	const char *name, *of_caller;
	uint64_t (*value)(const struct measured *measured);
	bool (*applies)(const struct measured *measured);
} metrics[] = {
	{"MetadataNoToken", "CallerMetadataNoToken", measured__ok, is__known},
	{"MetadataNoTokenRejected", "CallerMetadataNoTokenRejected", measured__rejected, is__known},
	{"MetadataNoTokenOutcomeUnknown", "CallerMetadataNoTokenOutcomeUnknown",
		measured__unwatched, is__unwatched},
};

#define METRICS ARRAY_SIZE(metrics)

static struct measured measured__of(const struct caller *caller)
{
	const uint64_t *answers = caller->answers[CLASS_V1];
	uint64_t unwatched = caller->unwatched[CLASS_V1];

	return (struct measured){
		.ok = answers[OUTCOME_OK],
		.rejected = answers[OUTCOME_REJECTED],
		.unwatched = unwatched,
		.known = !unwatched || unwatched < caller->calls[CLASS_V1],
	};
}

static struct measured measured__sum(const struct report *report)
{
	struct measured sum = {.known = !report->caller_count};

	for (size_t i = 0; i < report->caller_count; i++) {
		struct measured one = measured__of(report->callers[i]);

		/* EC2's metric counts a forwarded call once. */
		if (caller__only_forwards(report->callers[i]))
			continue;
		count__add(&sum.ok, one.ok);
		count__add(&sum.rejected, one.rejected);
		count__add(&sum.unwatched, one.unwatched);
		sum.known |= one.known;
	}
	return sum;
}

/* A dimension's value: printable ASCII, 1 to DIMENSION_MAX characters, one of them not blank, and
 * no colon in front. What is not ASCII is shown by its bytes. The caller frees. */
static char *text__dimension(const char *text)
{
	_free_ char *shown = text__shown(text, DIMENSION_MAX);
	size_t used = 0;
	char *value;

	if (!shown)
		return NULL;
	value = malloc(DIMENSION_MAX + 1);
	if (!value)
		return NULL;
	if (*shown == ':' || !shown[strspn(shown, " ")])
		value[used++] = '-';
	for (const char *at = shown; *at && used + strlen("\\xff") <= DIMENSION_MAX; at++)
		used += (size_t)sprintf(value + used, isascii(*at) ? "%c" : "\\x%02x",
			(unsigned int)(unsigned char)*at);
	value[used] = '\0';
	return value;
}

static json_t *json__dimension(const char *text)
{
	_free_ char *value = text__dimension(text);

	return value ? json_string(value) : NULL;
}

/* A field that is no dimension. null where there is nothing to say. */
static json_t *json__property(const char *text)
{
	_free_ char *shown = NULL;

	if (!text || !*text)
		return json_null();
	shown = text__shown(text, PROPERTY_BYTES);
	return shown ? json_string(shown) : NULL;
}

/* When the report ends: with its last window, else with its last call, else now. */
static int64_t report__end(const struct report *report)
{
	int64_t end = 0;

	for (size_t i = 0; i < report->window_count; i++)
		if (report->windows[i].end > end)
			end = report->windows[i].end;
	for (size_t i = 0; !report->window_count && i < report->caller_count; i++)
		if (report->callers[i]->last > end)
			end = report->callers[i]->last;
	return end > 0 ? end : clock__now();
}

/* The instance's id, if the report is of one host that knows it. */
static const char *report__instance(const struct report *report)
{
	const char *id = report->host_count == 1 ? report->hosts[0].instance_id : NULL;

	return id && *id ? id : NULL;
}

static const char *metric__name(const struct metric *metric, bool of_caller)
{
	return of_caller ? metric->of_caller : metric->name;
}

static json_t *json__metrics(const struct measured *measured, bool of_caller)
{
	_decref_ json_t *list = json_array();

	for (size_t i = 0; i < METRICS; i++)
		if (metrics[i].applies(measured) &&
			json_array_append_new(list,
				json_pack("{ss,ss}", "Name", metric__name(&metrics[i], of_caller),
					"Unit", "Count")))
			return NULL;
	return json_incref(list);
}

/* dimensions: their names, taken. */
static json_t *event__new(const struct report *report, const struct measured *measured,
	bool of_caller, json_t *dimensions)
{
	_decref_ json_t *event = json_pack("{s{sI,s[{ss,s[o],so}]}}", "_aws", "Timestamp",
		(json_int_t)(report__end(report) / NSEC_PER_MSEC), "CloudWatchMetrics", "Namespace",
		NAMESPACE, "Dimensions", dimensions, "Metrics", json__metrics(measured, of_caller));

	for (size_t i = 0; i < METRICS; i++)
		if (metrics[i].applies(measured) &&
			json_object_set_new(event, metric__name(&metrics[i], of_caller),
				json_integer((json_int_t)metrics[i].value(measured))))
			return NULL;
	return json_incref(event);
}

static int event__set_calls(json_t *event, const uint64_t calls[CLASS_COUNT])
{
	for (int i = 0; i < CLASS_COUNT; i++)
		if (json_object_set_new(event, class__name(shown_classes[i]),
			    json_integer((json_int_t)calls[shown_classes[i]])))
			return -ENOMEM;
	return 0;
}

/* Takes event; NULL is out of memory. */
static int event__put(FILE *out, json_t *event)
{
	int failed = !event || json_dumpf(event, out, JSON_COMPACT | JSON_ENSURE_ASCII);

	json_decref(event);
	putc('\n', out);
	return failed ? -ENOMEM : 0;
}

static json_t *event__of_sum(const struct report *report, const struct ruling *ruling)
{
	const char *instance = report__instance(report);
	struct measured sum = measured__sum(report);
	_decref_ json_t *event = event__new(
		report, &sum, false, instance ? json_pack("[s]", "InstanceId") : json_array());
	_decref_ json_t *more = json_pack("{ss,sI,sI,sI}", "verdict",
		verdict__name(ruling->verdict), "lost", (json_int_t)report->lost, "missed",
		(json_int_t)report->missed, "hosts", (json_int_t)report->host_count);

	if (!more || json_object_update(event, more) || event__set_calls(event, report->totals))
		return NULL;
	if (instance && json_object_set_new(event, "InstanceId", json__dimension(instance)))
		return NULL;
	return json_incref(event);
}

static json_t *caller__dimensions(const struct report *report)
{
	if (report__instance(report))
		return json_pack("[s,s,s]", "InstanceId", "Caller", "Workload");
	return json_pack("[s,s]", "Caller", "Workload");
}

static json_t *event__of_caller(const struct report *report, const struct caller *caller)
{
	const char *instance = report__instance(report);
	_free_ char *place = caller__place(caller), *advice_text = NULL;
	struct measured measured = measured__of(caller);
	_decref_ json_t *event = NULL, *more = NULL;
	enum advice advice;

	if (!place || advice__for(caller, &advice, &advice_text))
		return NULL;
	event = event__new(report, &measured, true, caller__dimensions(report));
	more = json_pack("{so,so,ss,ss,so,so,so,so,so,sI,sI,so,so,so}", "Caller",
		json__dimension(caller->name), "Workload", json__dimension(*place ? place : "-"),
		"pattern", pattern__name(caller__pattern(caller)), "advice", advice__name(advice),
		"advice_text", json__property(advice_text), "exe", json__property(caller->exe),
		"script", json__property(caller->script), "parent", json__property(caller->parent),
		"user_agent", json__property(caller->agent_count ? caller->agents[0] : NULL), "uid",
		(json_int_t)caller->uid, "processes", (json_int_t)caller->processes, "container",
		json__property(caller->workload.container.id), "first", json__time(caller->first),
		"last", json__time(caller->last));
	if (!more || json_object_update(event, more) || event__set_calls(event, caller->calls))
		return NULL;
	if (instance && json_object_set_new(event, "InstanceId", json__dimension(instance)))
		return NULL;
	return json_incref(event);
}

int emf__render(FILE *out, const struct report *report, const struct render_options *options)
{
	struct ruling ruling;
	int error = verdict__rule(&ruling, report, &options->verdict);

	if (error)
		return error;
	error = event__put(out, event__of_sum(report, &ruling));
	verdict__clear(&ruling);
	for (size_t i = 0; !error && i < report->caller_count; i++)
		if (report->callers[i]->calls[CLASS_V1])
			error = event__put(out, event__of_caller(report, report->callers[i]));
	return error ? error : ferror(out) ? -EIO : 0;
}
