/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The summary for a person: the verdict, who is to change, and what to do. */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/number.h"
#include "verdict/next_steps.h"
#include "render/owners.h"
#include "render/rehearsal_lines.h"
#include "render/render_caller.h"
#include "render/render_compare.h"
#include "render/render_text.h"
#include "lib/scope.h"
#include "report/forwarding.h"
#include "report/probes.h"

#define COLUMNS_DEFAULT 80
#define PATHS_SHOWN     10
#define HOSTS_SHOWN     5
#define STEP_INDENT     4

static const enum style verdict_styles[] = {
	[VERDICT_READY] = STYLE_GOOD,
	[VERDICT_BLOCKED] = STYLE_BAD,
	[VERDICT_INCONCLUSIVE] = STYLE_DOUBTFUL,
};

static void ruling__render(struct page *page, const struct ruling *ruling)
{
	char word[32];
	size_t indent =
		(size_t)snprintf(word, sizeof(word), "%s  ", verdict__name(ruling->verdict));

	for (size_t i = 0; i < indent; i++)
		word[i] = (char)toupper((unsigned char)word[i]);
	for (size_t i = 0; ruling->reasons[i]; i++)
		page__wrap_behind(page, verdict_styles[ruling->verdict], i ? "" : word, indent,
			ruling->reasons[i]);
}

/* v1 calls to one path by all callers. The texts are the report's. */
struct path_sum {
	const char *method, *path;
	uint64_t count;
	size_t callers;
};

static int compare_texts(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "");
}

static int path_sum__compare(const void *left, const void *right)
{
	const struct path_sum *a = left, *b = right;
	int order = compare_texts(a->path, b->path);

	return order ? order : compare_texts(a->method, b->method);
}

static int path_sum__compare_count(const void *left, const void *right)
{
	const struct path_sum *a = left, *b = right;

	if (a->count != b->count)
		return a->count > b->count ? -1 : 1;
	return path_sum__compare(left, right);
}

static size_t sums__collect(struct path_sum *sums, const struct report *report)
{
	size_t count = 0;

	for (size_t i = 0; i < report->caller_count; i++) {
		const struct caller *caller = report->callers[i];
		uint64_t lost = caller__unrecorded(caller, CLASS_V1);

		for (size_t j = 0; j < caller->path_count; j++)
			if (caller->paths[j].cls == CLASS_V1)
				sums[count++] = (struct path_sum){caller->paths[j].method,
					caller->paths[j].path, caller->paths[j].count, 1};
		if (lost)
			sums[count++] = (struct path_sum){NULL, REPORT_NOT_RECORDED, lost, 1};
	}
	return count;
}

/* Adds up neighbours of the same path; how many are left. */
static size_t sums__fold(struct path_sum *sums, size_t count)
{
	size_t kept = 0;

	qsort(sums, count, sizeof(*sums), path_sum__compare);
	for (size_t i = 0; i < count; i++) {
		if (!kept || path_sum__compare(&sums[kept - 1], &sums[i])) {
			sums[kept++] = sums[i];
			continue;
		}
		count__add(&sums[kept - 1].count, sums[i].count);
		sums[kept - 1].callers++;
	}
	qsort(sums, kept, sizeof(*sums), path_sum__compare_count);
	return kept;
}

static void paths__render(struct page *page, const struct report *report)
{
	_free_ struct path_sum *sums = NULL;
	size_t most = report->caller_count, count;
	int width;

	for (size_t i = 0; i < report->caller_count; i++)
		most += report->callers[i]->path_count;
	sums = calloc(most + 1, sizeof(*sums));
	if (!sums) {
		page->error = -ENOMEM;
		return;
	}
	count = sums__fold(sums, sums__collect(sums, report));
	if (!count)
		return;
	width = (int)strlen(NUMBER(sums[0].count));
	page__line(page, STYLE_PLAIN, "%s", "");
	page__line(page, STYLE_HEADING, "Called without a token");
	for (size_t i = 0; i < count && i < PATHS_SHOWN; i++) {
		char callers[48] = "";

		if (sums[i].callers > 1)
			snprintf(callers, sizeof(callers), "  (%s callers)",
				NUMBER(sums[i].callers));
		page__line(page, STYLE_PLAIN, "  %*s  %s%s%s%s", width, NUMBER(sums[i].count),
			sums[i].method ? sums[i].method : "", sums[i].method ? " " : "",
			sums[i].path ? sums[i].path : "", callers);
	}
	if (count > PATHS_SHOWN)
		page__line(page, STYLE_FAINT, "  and %s more paths", NUMBER(count - PATHS_SHOWN));
}

static void remark__render(struct page *page, const struct report *report,
	int (*say)(const struct report *report, char **sentence))
{
	_free_ char *sentence = NULL;

	if (say(report, &sentence))
		page->error = -ENOMEM;
	else if (sentence)
		page__wrap(page, STYLE_PLAIN, "         ", 9, sentence);
}

static void totals__render(struct page *page, const struct report *report)
{
	const uint64_t *totals = report->totals;
	_free_ char *text = NULL;
	char lost[64] = "", missed[64] = "";

	if (report->lost)
		snprintf(lost, sizeof(lost), ", lost %s", NUMBER(report->lost));
	if (report->missed)
		snprintf(missed, sizeof(missed), ", missed %s", NUMBER(report->missed));
	if (asprintf(&text, "v1 %s, v2 %s, token %s, foreign %s, unknown %s%s%s",
		    NUMBER(totals[CLASS_V1]), NUMBER(totals[CLASS_V2]), NUMBER(totals[CLASS_TOKEN]),
		    NUMBER(totals[CLASS_FOREIGN]), NUMBER(totals[CLASS_UNKNOWN]), lost,
		    missed) < 0) {
		text = NULL;
		page->error = -ENOMEM;
		return;
	}
	page__line(page, STYLE_PLAIN, "%s", "");
	page__wrap_behind(page, STYLE_HEADING, "Calls    ", 9, text);
	remark__render(page, report, report__say_probes);
	remark__render(page, report, report__say_forwarded);
}

static void watch__render(
	struct page *page, const struct report *report, const struct watch *watch, bool first)
{
	const struct report_host *host = report__find_host(report, watch->machine_id);
	char watched[32], start[RFC3339_SIZE], end[RFC3339_SIZE], gaps[GAPS_SIZE];
	bool named = host && host->hostname && host->hostname[0];
	bool instance = host && host->instance_id && host->instance_id[0];
	_free_ char *text = NULL;
	int length;

	duration__format(watched, sizeof(watched), watch->watched);
	gaps__format(gaps, watch);
	clock__format(start, watch->start);
	clock__format(end, watch->end);
	if (watch->windows)
		length = asprintf(&text, "%s%s%s%s for %s, %.10s %.5s to %.10s %.5s UTC%s%s",
			named ? host->hostname : watch->machine_id, instance ? " (" : "",
			instance ? host->instance_id : "", instance ? ")" : "", watched, start,
			start + 11, end, end + 11, *gaps ? ", with " : "", gaps);
	else
		length = asprintf(
			&text, "%s was not watched", named ? host->hostname : watch->machine_id);
	if (length < 0) {
		text = NULL;
		page->error = -ENOMEM;
		return;
	}
	page__wrap_behind(page, STYLE_HEADING, first ? "Watched  " : "", 9, text);
}

static void watches__render(struct page *page, const struct report *report)
{
	_free_ char *owner = report__owner(report), *where = NULL;
	_free_ struct watch *watches = NULL;
	size_t count;

	if (verdict__watches(report, &watches, &count)) {
		page->error = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < count && i < HOSTS_SHOWN; i++)
		watch__render(page, report, &watches[i], !i);
	if (count > HOSTS_SHOWN)
		page__line(
			page, STYLE_PLAIN, "%9sand %s more hosts", "", NUMBER(count - HOSTS_SHOWN));
	if (!owner || asprintf(&where, "in %s", owner) < 0) {
		where = NULL;
		page->error = -ENOMEM;
	} else if (*owner) {
		page__wrap(page, STYLE_PLAIN, "         ", 9, where);
	}
}

#define READY_SHOWN 10

/* "And 276 more", with the command that lists them. */
static void ready__render(struct page *page, const struct host_summaries *hosts, size_t ready)
{
	page__line(page, STYLE_PLAIN, "Ready now:");
	for (size_t i = 0; i < ready && i < READY_SHOWN; i++) {
		const struct host_summary *host = &hosts->list[i];
		const char *id = host->instance_id ? host->instance_id : host->machine_id;

		page__line(page, STYLE_PLAIN, "  %-20s  %-14s  %s", id ? id : "-",
			host->region ? host->region : "-", host->hostname ? host->hostname : "");
	}
	if (ready > READY_SHOWN)
		page__line(page, STYLE_FAINT, "  and %s more", NUMBER(ready - READY_SHOWN));
	page__wrap(page, STYLE_PLAIN, "", 2,
		"List them: imdstrace check --list ready FILE...; switch them: imdstrace report --format script FILE...");
}

#define PLACES_SHOWN 20

/* The hosts of one account in one Region. */
struct host_place {
	const char *account, *region;
	size_t verdicts[VERDICT_INCONCLUSIVE + 1];
};

static const char *text__or_dash(const char *text)
{
	return text && *text ? text : "-";
}

static int host_place__compare(const void *left, const void *right)
{
	const struct host_place *a = left, *b = right;
	int order = strcmp(a->account, b->account);

	return order ? order : strcmp(a->region, b->region);
}

/* One for each account and Region, in their order; how many. */
static size_t host_places__find(struct host_place *places, const struct host_summaries *hosts)
{
	size_t kept = 0;

	for (size_t i = 0; i < hosts->count; i++) {
		const struct host_summary *host = &hosts->list[i];

		places[i] = (struct host_place){
			text__or_dash(host->account_id), text__or_dash(host->region), {0}};
		places[i].verdicts[host->verdict] = 1;
	}
	qsort(places, hosts->count, sizeof(*places), host_place__compare);
	for (size_t i = 0; i < hosts->count; i++) {
		if (!kept || host_place__compare(&places[kept - 1], &places[i]))
			places[kept++] = places[i];
		else
			for (int v = VERDICT_READY; v <= VERDICT_INCONCLUSIVE; v++)
				places[kept - 1].verdicts[v] += places[i].verdicts[v];
	}
	return kept;
}

/* Whose hosts they are: accounts and Regions have owners. */
static void places__render(struct page *page, const struct host_summaries *hosts)
{
	_free_ struct host_place *places = calloc(hosts->count, sizeof(*places));
	size_t count = places ? host_places__find(places, hosts) : 0;

	if (!places)
		page->error = -ENOMEM;
	if (count < 2)
		return;
	page__line(page, STYLE_FAINT, "  %-12s  %-14s  %8s  %8s  %12s", "account", "Region",
		"ready", "blocked", "inconclusive");
	for (size_t i = 0; i < count && i < PLACES_SHOWN; i++)
		page__line(page, STYLE_PLAIN, "  %-12s  %-14s  %8s  %8s  %12s", places[i].account,
			places[i].region, NUMBER(places[i].verdicts[VERDICT_READY]),
			NUMBER(places[i].verdicts[VERDICT_BLOCKED]),
			NUMBER(places[i].verdicts[VERDICT_INCONCLUSIVE]));
	if (count > PLACES_SHOWN)
		page__line(page, STYLE_FAINT, "  and %s more, as --format hosts lists them",
			NUMBER(count - PLACES_SHOWN));
}

/* Of several hosts, how far each is, and which can be switched today. */
static void hosts__render_summary(struct page *page, const struct host_summaries *hosts)
{
	size_t ready;

	if (!hosts || hosts->count + hosts->unlisted < 2 || !hosts->count)
		return;
	ready = host_summaries__count(hosts, VERDICT_READY);
	page__line(page, STYLE_PLAIN, "%s", "");
	page__line(page, STYLE_HEADING, "Hosts");
	page__line(page, ready ? STYLE_GOOD : STYLE_PLAIN,
		"%s ready, %s blocked, %s inconclusive, of %s", NUMBER(ready),
		NUMBER(host_summaries__count(hosts, VERDICT_BLOCKED)),
		NUMBER(host_summaries__count(hosts, VERDICT_INCONCLUSIVE)), NUMBER(hosts->count));
	if (hosts->unlisted)
		page__line(page, STYLE_DOUBTFUL,
			"and %s of merged reports, which do not say what each one called",
			NUMBER(hosts->unlisted));
	places__render(page, hosts);
	if (ready)
		ready__render(page, hosts, ready);
}

/* command_at: where its command begins, or 0. */
static void step__render(struct page *page, size_t number, const char *step, size_t command_at)
{
	_free_ char *sentence = NULL;
	char first[16];

	/* Up to the colon in front of the command. */
	sentence = command_at ? strndup(step, command_at - 1) : strdup(step);
	if (!sentence) {
		page->error = -ENOMEM;
		return;
	}
	snprintf(first, sizeof(first), "%2zu. ", number);
	page__wrap(page, STYLE_PLAIN, first, STEP_INDENT, sentence);
	if (command_at)
		page__command(page, STEP_INDENT, step + command_at);
}

static bool list__holds(const struct sentences *sentences, const char *sentence)
{
	for (size_t i = 0; i < sentences->count; i++)
		if (!strcmp(sentences->list[i], sentence))
			return true;
	return false;
}

/* An advice that stands under its caller is not said twice. */
static void steps__render(
	struct page *page, const struct ruling *ruling, const struct sentences *shown)
{
	size_t number = 0;

	page__line(page, STYLE_PLAIN, "%s", "");
	page__line(page, STYLE_HEADING, "Next steps");
	if (ruling->verdict == VERDICT_BLOCKED && shown->count)
		step__render(
			page, ++number, "Change the callers above, as described under each.", 0);
	for (size_t i = 0; ruling->next_steps[i]; i++)
		if (!list__holds(shown, ruling->next_steps[i]))
			step__render(page, ++number, ruling->next_steps[i], ruling->command_at[i]);
}

#define REHEARSED_SHOWN 20

static void rehearsal__render(struct page *page, const struct report *report)
{
	static const enum style styles[] = {
		[REHEARSAL_SURVIVES] = STYLE_GOOD,
		[REHEARSAL_BREAKS] = STYLE_BAD,
		[REHEARSAL_INCONCLUSIVE] = STYLE_DOUBTFUL,
	};
	struct rehearsal_lines lines;

	if (rehearsal_lines__of(&lines, report)) {
		page->error = -ENOMEM;
		return;
	}
	if (!lines.title)
		return;
	page__wrap(page, styles[lines.ruling.verdict], "", 0, lines.title);
	for (size_t i = 0; lines.ruling.reasons[i]; i++)
		page__wrap(page, STYLE_PLAIN, "  ", 2, lines.ruling.reasons[i]);
	for (size_t i = 0; i < lines.count && i < REHEARSED_SHOWN; i++) {
		_free_ char *line = NULL;

		if (asprintf(&line, "%s: %s", lines.list[i].who, lines.list[i].what) < 0) {
			line = NULL;
			page->error = -ENOMEM;
			break;
		}
		page__wrap_behind(page, styles[lines.list[i].verdict], "* ", 2, line);
	}
	if (lines.count > REHEARSED_SHOWN)
		page__line(page, STYLE_FAINT, "  and %s more callers",
			NUMBER(lines.count - REHEARSED_SHOWN));
	page__line(page, STYLE_PLAIN, "%s", "");
	rehearsal_lines__clear(&lines);
}

static int text__write(FILE *out, const struct report *report, const struct render_options *options)
{
	struct page page = {
		.out = out,
		.columns = options->columns ? options->columns : COLUMNS_DEFAULT,
		.color = options->color,
	};
	struct sentences shown = {0};
	struct ruling ruling;
	int error = verdict__rule(&ruling, report, &options->verdict);

	if (error)
		return error;
	rehearsal__render(&page, report);
	comparison__put_text(&page, options->comparison);
	ruling__render(&page, &ruling);
	hosts__render_summary(&page, options->hosts);
	callers__render(&page, report, options, &shown);
	paths__render(&page, report);
	totals__render(&page, report);
	watches__render(&page, report);
	next_steps__sum_up(&shown, report__count_to_change(report, options->verdict.strict));
	steps__render(&page, &ruling, &shown);
	error = page.error ? page.error : shown.error;
	sentences__free(shown.list);
	verdict__clear(&ruling);
	return error ? error : ferror(out) ? -EIO : 0;
}

int text__render(FILE *out, const struct report *report, const struct render_options *options)
{
	bool before = number__separate(true);
	int error = text__write(out, report, options);

	number__separate(before);
	return error;
}
