/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Prometheus' text format, for node_exporter's textfile collector. The number of series is bounded:
 * the worst callers have their own, the others share one. Callers that look alike share one as
 * well, because a series that comes twice makes the collector drop the whole file.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "verdict/advice.h"
#include "lib/array.h"
#include "lib/clock.h"
#include "render/render.h"
#include "render/render_caller.h"
#include "lib/scope.h"

#define CALLERS_SHOWN 100
#define HOSTS_SHOWN   100
#define LABEL_COLUMNS 128

/* One caller's labels and values, or those of several that look alike. */
struct series {
	char *labels; /* 'caller="curl",...' */
	char *traits; /* what may change about it, in the same form */
	uint64_t calls[CLASS_COUNT];
	uint64_t answers[CLASS_COUNT][OUTCOME_COUNT];
	bool outcomes_known;
	int64_t last[CLASS_COUNT];
};

struct exposition {
	FILE *out;
	const struct report *report;
	const struct ruling *ruling;
	struct series *series;
	size_t series_count;
	struct watch *watches;
	size_t watch_count;
	char *host_labels[HOSTS_SHOWN]; /* of the first watches; NULL: those of another as well */
};

/* Shared by the callers past CALLERS_SHOWN. */
static const struct caller others = {.name = (char *)REPORT_REST, .rest = true};

/* name="text": what is not printable is gone, and backslash and quote are escaped (Prometheus'
 * exposition format, "Comments, help text, and type information"). */
static int label__put(FILE *out, const char *name, const char *text)
{
	_free_ char *shown = text__shown(text, LABEL_COLUMNS);

	if (!shown)
		return -ENOMEM;
	fprintf(out, "%s=\"", name);
	for (const char *at = shown; *at; at++) {
		if (*at == '\\' || *at == '"')
			putc('\\', out);
		putc(*at, out);
	}
	putc('"', out);
	return 0;
}

struct label {
	const char *name, *text;
	bool optional; /* left out where it is empty, which is the same to Prometheus */
};

/* 'a="1",b="2"'. The caller frees. NULL: no memory. */
static char *labels__join(const struct label *labels, size_t count)
{
	char *joined = NULL;
	size_t size;
	FILE *out = open_memstream(&joined, &size);
	int error = out ? 0 : -ENOMEM;

	for (size_t i = 0; !error && i < count; i++) {
		if (labels[i].optional && (!labels[i].text || !*labels[i].text))
			continue;
		fputs(i ? "," : "", out);
		error = label__put(out, labels[i].name, labels[i].text);
	}
	if (out && fclose(out))
		error = -ENOMEM;
	if (!error)
		return joined;
	free(joined);
	return NULL;
}

static char *caller__labels(const struct caller *caller)
{
	_free_ char *place = caller__place(caller);
	char uid[16] = "";
	const struct label labels[] = {
		{"caller", caller->name, false},
		{"exe", caller->exe, false},
		{"workload", place, false},
		{"uid", uid, false},
		{"parent", caller->parent, true},
	};

	if (!place)
		return NULL;
	if (!caller->rest)
		snprintf(uid, sizeof(uid), "%" PRIu32, caller->uid);
	return labels__join(labels, ARRAY_SIZE(labels));
}

static char *caller__traits(const struct caller *caller)
{
	_free_ char *text = NULL;
	struct client client;
	enum advice advice;

	if (advice__for(caller, &advice, &text))
		return NULL;
	caller__client(caller, &client);
	const struct label labels[] = {
		{"pattern", pattern__name(caller__pattern(caller)), false},
		{"advice", advice__name(advice), false},
		{"client", client.name, false},
		{"client_version", client.version, false},
	};

	return labels__join(labels, ARRAY_SIZE(labels));
}

static void series__add(struct series *series, const struct caller *caller)
{
	for (int c = 0; c < CLASS_COUNT; c++) {
		int64_t last = caller__last_of(caller, c);

		count__add(&series->calls[c], caller->calls[c]);
		for (int o = 0; o < OUTCOME_COUNT; o++)
			count__add(&series->answers[c][o], caller->answers[c][o]);
		if (last > series->last[c])
			series->last[c] = last;
	}
	series->outcomes_known |= caller__outcomes_known(caller);
}

/* The series that like belongs to, made if it is new. NULL: no memory. */
static struct series *series__of(struct exposition *page, const struct caller *like)
{
	struct series *series = &page->series[page->series_count];
	_free_ char *labels = caller__labels(like);

	if (!labels)
		return NULL;
	for (size_t i = 0; i < page->series_count; i++)
		if (!strcmp(page->series[i].labels, labels))
			return &page->series[i];
	series->traits = caller__traits(like);
	if (!series->traits)
		return NULL;
	series->labels = labels;
	labels = NULL;
	page->series_count++;
	return series;
}

static bool host_labels__hold(const struct exposition *page, const char *labels)
{
	for (size_t i = 0; i < HOSTS_SHOWN; i++)
		if (page->host_labels[i] && !strcmp(page->host_labels[i], labels))
			return true;
	return false;
}

static int exposition__collect_hosts(struct exposition *page)
{
	int error = verdict__watches(page->report, &page->watches, &page->watch_count);

	for (size_t i = 0; !error && i < page->watch_count && i < HOSTS_SHOWN; i++) {
		const char *id = page->watches[i].machine_id;
		const struct report_host *host = report__find_host(page->report, id);
		const struct label labels[] = {
			{"machine_id", host ? host->machine_id : id, false},
			{"instance_id", host ? host->instance_id : NULL, true},
			{"hostname", host ? host->hostname : NULL, false},
		};
		_free_ char *joined = labels__join(labels, ARRAY_SIZE(labels));

		if (!joined)
			return -ENOMEM;
		if (host_labels__hold(page, joined))
			continue;
		page->host_labels[i] = joined;
		joined = NULL;
	}
	return error;
}

static int exposition__collect(struct exposition *page)
{
	const struct report *report = page->report;
	struct series *series = NULL;

	page->series = calloc(CALLERS_SHOWN + 1, sizeof(*page->series));
	if (!page->series)
		return -ENOMEM;
	for (size_t i = 0; i < report->caller_count; i++) {
		if (i <= CALLERS_SHOWN)
			series = series__of(page, i < CALLERS_SHOWN ? report->callers[i] : &others);
		if (!series)
			return -ENOMEM;
		series__add(series, report->callers[i]);
	}
	return exposition__collect_hosts(page);
}

static void exposition__clear(struct exposition *page)
{
	for (size_t i = 0; i < page->series_count; i++) {
		free(page->series[i].labels);
		free(page->series[i].traits);
	}
	for (size_t i = 0; i < HOSTS_SHOWN; i++)
		free(page->host_labels[i]);
	free(page->series);
	free(page->watches);
}

static void sample__put_time(FILE *out, int64_t time)
{
	fprintf(out, " %.3f\n", (double)time / NSEC_PER_SEC);
}

static int put__verdict(const struct exposition *page, const char *name)
{
	for (int verdict = VERDICT_READY; verdict <= VERDICT_INCONCLUSIVE; verdict++)
		fprintf(page->out, "%s{verdict=\"%s\"} %d\n", name, verdict__name(verdict),
			page->ruling->verdict == (enum verdict)verdict);
	return 0;
}

static int put__calls(const struct exposition *page, const char *name)
{
	for (int i = 0; i < CLASS_COUNT; i++)
		fprintf(page->out, "%s{class=\"%s\"} %" PRIu64 "\n", name,
			class__name(shown_classes[i]), page->report->totals[shown_classes[i]]);
	return 0;
}

static int put__unknown(const struct exposition *page, const char *name)
{
	for (int reason = 0; reason < UNKNOWN_REASONS; reason++)
		fprintf(page->out, "%s{reason=\"%s\"} %" PRIu64 "\n", name,
			unknown_reason__name(reason), page->report->unknown[reason]);
	return 0;
}

static int put__lost(const struct exposition *page, const char *name)
{
	fprintf(page->out, "%s %" PRIu64 "\n", name, page->report->lost);
	return 0;
}

static int put__missed(const struct exposition *page, const char *name)
{
	fprintf(page->out, "%s %" PRIu64 "\n", name, page->report->missed);
	return 0;
}

static int put__last_calls(const struct exposition *page, const char *name)
{
	for (int i = 0; i < CLASS_COUNT; i++) {
		int64_t last = 0;

		for (size_t s = 0; s < page->series_count; s++)
			if (page->series[s].last[shown_classes[i]] > last)
				last = page->series[s].last[shown_classes[i]];
		if (!last)
			continue;
		fprintf(page->out, "%s{class=\"%s\"}", name, class__name(shown_classes[i]));
		sample__put_time(page->out, last);
	}
	return 0;
}

static int put__callers(const struct exposition *page, const char *name)
{
	uint64_t callers[PATTERN_COUNT] = {0};

	for (size_t i = 0; i < page->report->caller_count; i++)
		callers[caller__pattern(page->report->callers[i])]++;
	for (int pattern = 0; pattern < PATTERN_COUNT; pattern++)
		fprintf(page->out, "%s{pattern=\"%s\"} %" PRIu64 "\n", name, pattern__name(pattern),
			callers[pattern]);
	return 0;
}

static int put__caller_info(const struct exposition *page, const char *name)
{
	for (size_t i = 0; i < page->series_count; i++)
		fprintf(page->out, "%s{%s,%s} 1\n", name, page->series[i].labels,
			page->series[i].traits);
	return 0;
}

static int put__caller_calls(const struct exposition *page, const char *name)
{
	for (size_t s = 0; s < page->series_count; s++)
		for (int i = 0; i < CLASS_COUNT; i++)
			fprintf(page->out, "%s{%s,class=\"%s\"} %" PRIu64 "\n", name,
				page->series[s].labels, class__name(shown_classes[i]),
				page->series[s].calls[shown_classes[i]]);
	return 0;
}

/* Of the classes that say whether the switch would break something. */
static int put__caller_outcomes(const struct exposition *page, const char *name)
{
	static const enum request_class classes[] = {CLASS_V1, CLASS_TOKEN};

	for (size_t s = 0; s < page->series_count; s++) {
		const struct series *series = &page->series[s];

		for (size_t i = 0; series->outcomes_known && i < 2; i++)
			for (int o = 0; o < OUTCOME_COUNT; o++)
				fprintf(page->out,
					"%s{%s,class=\"%s\",outcome=\"%s\"} %" PRIu64 "\n", name,
					series->labels, class__name(classes[i]), outcome__name(o),
					series->answers[classes[i]][o]);
	}
	return 0;
}

static int put__caller_last_v1(const struct exposition *page, const char *name)
{
	for (size_t s = 0; s < page->series_count; s++) {
		if (!page->series[s].last[CLASS_V1])
			continue;
		fprintf(page->out, "%s{%s}", name, page->series[s].labels);
		sample__put_time(page->out, page->series[s].last[CLASS_V1]);
	}
	return 0;
}

static int put__hosts(const struct exposition *page, const char *name)
{
	fprintf(page->out, "%s %zu\n", name, page->watch_count);
	return 0;
}

static void host__put(const struct exposition *page, const char *name, size_t host, int64_t time)
{
	if (!page->host_labels[host])
		return;
	fprintf(page->out, "%s{%s}", name, page->host_labels[host]);
	sample__put_time(page->out, time);
}

/* What a query joins the other series of a host with: they come from one target. */
static int put__host_info(const struct exposition *page, const char *name)
{
	for (size_t i = 0; i < page->watch_count && i < HOSTS_SHOWN; i++) {
		const char *id = page->watches[i].machine_id;
		const struct report_host *host = report__find_host(page->report, id);
		const struct label label = {.name = "region", .text = host ? host->region : NULL};
		_free_ char *region = labels__join(&label, 1);

		if (!region)
			return -ENOMEM;
		if (page->host_labels[i])
			fprintf(page->out, "%s{%s,%s} 1\n", name, page->host_labels[i], region);
	}
	return 0;
}

static int put__watched(const struct exposition *page, const char *name)
{
	for (size_t i = 0; i < page->watch_count && i < HOSTS_SHOWN; i++)
		host__put(page, name, i, page->watches[i].watched);
	return 0;
}

static int put__window_start(const struct exposition *page, const char *name)
{
	for (size_t i = 0; i < page->watch_count && i < HOSTS_SHOWN; i++)
		if (page->watches[i].windows)
			host__put(page, name, i, page->watches[i].start);
	return 0;
}

static int put__window_end(const struct exposition *page, const char *name)
{
	for (size_t i = 0; i < page->watch_count && i < HOSTS_SHOWN; i++)
		if (page->watches[i].windows)
			host__put(page, name, i, page->watches[i].end);
	return 0;
}

static int put__build_info(const struct exposition *page, const char *name)
{
	fprintf(page->out, "%s{", name);
	if (label__put(page->out, "version", page->report->version))
		return -ENOMEM;
	fputs("} 1\n", page->out);
	return 0;
}

static const struct family {
	const char *name, *type, *help;
	int (*put)(const struct exposition *page, const char *name);
} families[] = {
	{"imdstrace_build_info", "gauge", "The version of imdstrace that made the report.",
		put__build_info},
	{"imdstrace_verdict", "gauge", "1 for the verdict on requiring IMDSv2, 0 for the others.",
		put__verdict},
	{"imdstrace_calls_total", "counter", "Calls to the instance metadata service.", put__calls},
	{"imdstrace_unknown_calls_total", "counter", "Calls that could not be read, by reason.",
		put__unknown},
	{"imdstrace_lost_events_total", "counter",
		"Calls that were counted and of which the details were lost.", put__lost},
	{"imdstrace_missed_total", "counter",
		"Connections and processes that were not tracked, because there were too many.",
		put__missed},
	{"imdstrace_last_call_timestamp_seconds", "gauge", "When a class was last called.",
		put__last_calls},
	{"imdstrace_callers", "gauge", "Callers by how they call.", put__callers},
	{"imdstrace_caller_info", "gauge", "How a caller calls, and what to change about it.",
		put__caller_info},
	{"imdstrace_caller_calls_total", "counter", "Calls of a caller.", put__caller_calls},
	{"imdstrace_caller_outcomes_total", "counter",
		"What came back to a caller: ok (2xx), rejected (401), other, none.",
		put__caller_outcomes},
	{"imdstrace_caller_last_v1_call_timestamp_seconds", "gauge",
		"When a caller last called without a token.", put__caller_last_v1},
	{"imdstrace_hosts", "gauge", "Hosts in the report.", put__hosts},
	{"imdstrace_host_info", "gauge", "Which instance a host is.", put__host_info},
	{"imdstrace_watched_seconds", "gauge", "How long a host was watched.", put__watched},
	{"imdstrace_window_start_timestamp_seconds", "gauge",
		"When the first window of a host began.", put__window_start},
	{"imdstrace_window_end_timestamp_seconds", "gauge", "When the last window of a host ended.",
		put__window_end},
};

/* A family without a sample is left out, with its HELP and TYPE. */
static int family__put(const struct exposition *page, const struct family *family)
{
	struct exposition part = *page;
	_free_ char *samples = NULL;
	size_t size;
	int error;

	part.out = open_memstream(&samples, &size);
	if (!part.out)
		return -ENOMEM;
	error = family->put(&part, family->name);
	if (fclose(part.out))
		error = -ENOMEM;
	if (!error && size)
		fprintf(page->out, "# HELP %s %s\n# TYPE %s %s\n%s", family->name, family->help,
			family->name, family->type, samples);
	return error;
}

int prometheus__render(FILE *out, const struct report *report, const struct render_options *options)
{
	struct exposition page = {.out = out, .report = report};
	struct ruling ruling;
	int error = verdict__rule(&ruling, report, &options->verdict);

	if (error)
		return error;
	page.ruling = &ruling;
	error = exposition__collect(&page);
	for (size_t i = 0; !error && i < ARRAY_SIZE(families); i++)
		error = family__put(&page, &families[i]);
	exposition__clear(&page);
	verdict__clear(&ruling);
	return error ? error : ferror(out) ? -EIO : 0;
}
