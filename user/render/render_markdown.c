/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Markdown (CommonMark with GitHub's tables), for a ticket: the verdict, who has to change and how,
 * what to do next. Untrusted names stand in code spans, where a ticket system neither links nor
 * notifies, and sentences that hold them are escaped.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "verdict/advice.h"
#include "lib/array.h"
#include "lib/clock.h"
#include "lib/number.h"
#include "render/markdown.h"
#include "verdict/next_steps.h"
#include "render/owners.h"
#include "render/rehearsal_lines.h"
#include "render/render.h"
#include "render/render_caller.h"
#include "render/render_compare.h"
#include "lib/scope.h"
#include "report/forwarding.h"
#include "report/probes.h"
#include "lib/sentences.h"

#define CALLERS_SHOWN 30
#define OTHERS_SHOWN  8
#define PATHS_SHOWN   5
#define AGENTS_SHOWN  3
#define HOSTS_SHOWN   10

static const char *const advice_titles[ADVICE_COUNT] = {
	[ADVICE_UPGRADE_CLIENT] = "upgrade the client",
	[ADVICE_UPGRADE_PROGRAM] = "upgrade the program",
	[ADVICE_CONFIGURE] = "change a setting",
	[ADVICE_SEND_TOKEN] = "send a token",
	[ADVICE_RAISE_HOP_LIMIT] = "raise the hop limit",
	[ADVICE_DISABLE_FALLBACK] = "turn the fallback off",
	[ADVICE_INVESTIGATE] = "find out more",
	[ADVICE_NONE] = "nothing",
};

static void ruling__put(struct markdown *page, const struct ruling *ruling)
{
	fprintf(page->out, "# IMDSv2 readiness: %s\n\n", verdict__name(ruling->verdict));
	for (size_t i = 0; ruling->reasons[i]; i++) {
		fputs("- ", page->out);
		markdown__prose(page, ruling->reasons[i]);
		fputs("\n", page->out);
	}
}

static void remark__put(struct markdown *page, const struct report *report,
	int (*say)(const struct report *report, char **sentence))
{
	_free_ char *sentence = NULL;

	if (say(report, &sentence)) {
		page->error = -ENOMEM;
	} else if (sentence) {
		fputs("\n", page->out);
		markdown__prose(page, sentence);
		fputs("\n", page->out);
	}
}

static void totals__put(struct markdown *page, const struct report *report)
{
	fputs("\n|", page->out);
	for (int i = 0; i < CLASS_COUNT; i++)
		fprintf(page->out, " %s |", class__name(shown_classes[i]));
	fputs(" lost | missed |\n|", page->out);
	for (int i = 0; i < CLASS_COUNT + 2; i++)
		fputs(" ---: |", page->out);
	fputs("\n|", page->out);
	for (int i = 0; i < CLASS_COUNT; i++)
		fprintf(page->out, " %s |", NUMBER(report->totals[shown_classes[i]]));
	fprintf(page->out, " %s | %s |\n", NUMBER(report->lost), NUMBER(report->missed));
	remark__put(page, report, report__say_probes);
	remark__put(page, report, report__say_forwarded);
}

static void place__put(struct markdown *page, const struct caller *caller)
{
	_free_ char *place = caller__place(caller);

	if (!place)
		page->error = -ENOMEM;
	else if (*place)
		markdown__code(page, place);
}

static void caller__put_row(struct markdown *page, size_t number, const struct caller *caller)
{
	char last[SHORT_TIME_SIZE];
	_free_ char *text = NULL;
	enum advice advice;

	if (advice__for(caller, &advice, &text)) {
		page->error = -ENOMEM;
		return;
	}
	time__format_short(last, caller__last_of(caller, CLASS_V1));
	fprintf(page->out, "| %zu | ", number);
	markdown__code(page, caller->name);
	fputs(" | ", page->out);
	place__put(page, caller);
	fprintf(page->out, " | %s |", pattern__name(caller__pattern(caller)));
	for (int i = 0; i < CLASS_COUNT; i++)
		fprintf(page->out, " %s |", NUMBER(caller->calls[shown_classes[i]]));
	if (caller__outcomes_known(caller))
		fprintf(page->out, " %s", NUMBER(caller->answers[CLASS_V1][OUTCOME_REJECTED]));
	fprintf(page->out, " | %s | %s |\n", last, advice_titles[advice]);
}

static void table__put(struct markdown *page, const struct report *report, bool strict)
{
	size_t number = 0;

	fputs("\n| | caller | in | pattern |", page->out);
	for (int i = 0; i < CLASS_COUNT; i++)
		fprintf(page->out, " %s |", class__name(shown_classes[i]));
	fputs(" v1 rejected | last v1 call | what to change |\n| ---: | --- | --- | --- |",
		page->out);
	for (int i = 0; i < CLASS_COUNT + 1; i++)
		fputs(" ---: |", page->out);
	fputs(" --- | --- |\n", page->out);
	for (size_t i = 0; i < report->caller_count && number < CALLERS_SHOWN; i++)
		if (caller__needs_change(report->callers[i], strict))
			caller__put_row(page, ++number, report->callers[i]);
}

static void caller__put_paths(struct markdown *page, const struct caller *caller)
{
	_free_ struct report_path *paths = NULL;
	size_t count, calling = 0;

	if (caller__list_paths(caller, &paths, &count)) {
		page->error = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < count; i++) {
		const struct report_path *path = &paths[i];

		if (path->cls != CLASS_V1 || ++calling > PATHS_SHOWN)
			continue;
		markdown__subitem(page);
		fprintf(page->out, "%s × ", NUMBER(path->count));
		markdown__code_of_two(page, path->method, path->path);
		fputs("\n", page->out);
	}
	if (calling <= PATHS_SHOWN)
		return;
	markdown__subitem(page);
	fprintf(page->out, "and %s more paths\n", NUMBER(calling - PATHS_SHOWN));
}

static void caller__put_whereabouts(struct markdown *page, const struct report *report,
	const struct host_summaries *summaries, const struct caller *caller)
{
	_free_ char *hosts = caller__hosts(report, summaries, caller);
	_free_ char *outcomes = caller__v1_outcomes(caller);

	if (!hosts || !outcomes)
		page->error = -ENOMEM;
	if (caller->rest)
		return;
	markdown__subitem(page);
	fprintf(page->out, "uid %" PRIu32, caller->uid);
	if (caller->exe) {
		fputs(", executable ", page->out);
		markdown__code(page, caller->exe);
	}
	if (caller->parent) {
		fputs(", started by ", page->out);
		markdown__code(page, caller->parent);
	}
	if (caller->processes > 1)
		fprintf(page->out, ", %s processes", NUMBER(caller->processes));
	else if (caller->pid_count == 1)
		fprintf(page->out, ", pid %" PRIu32, caller->pids[0]);
	if (hosts && *hosts) {
		fputs(", on ", page->out);
		markdown__prose(page, hosts);
	}
	if (outcomes && *outcomes)
		fprintf(page->out, ", answers to v1: %s", outcomes);
	fputs("\n", page->out);
}

static void caller__put_agents(struct markdown *page, const struct caller *caller)
{
	if (!caller->agent_count)
		return;
	markdown__subitem(page);
	for (unsigned int i = 0; i < caller->agent_count && i < AGENTS_SHOWN; i++) {
		fputs(i ? ", " : "User-Agent ", page->out);
		markdown__code(page, caller->agents[i]);
	}
	if (caller->agent_count > AGENTS_SHOWN)
		fprintf(page->out, " and %u more", caller->agent_count - AGENTS_SHOWN);
	fputs("\n", page->out);
}

static void caller__put_advice(struct markdown *page, const struct report *report,
	const struct host_summaries *hosts, size_t number, const struct caller *caller,
	struct sentences *said)
{
	_free_ char *text = NULL;
	enum advice advice;

	if (advice__for(caller, &advice, &text)) {
		page->error = -ENOMEM;
		return;
	}
	if (advice != ADVICE_NONE)
		sentences__add(said, "%s", text);
	markdown__item(page, number);
	markdown__code(page, caller->name);
	fputs(": ", page->out);
	markdown__prose(page, text);
	fputs("\n", page->out);
	caller__put_whereabouts(page, report, hosts, caller);
	caller__put_agents(page, caller);
	caller__put_paths(page, caller);
}

static void callers__put(struct markdown *page, const struct report *report,
	const struct host_summaries *hosts, bool strict, struct sentences *said)
{
	size_t needing = 0, number = 0;
	uint64_t left_out = 0;

	for (size_t i = 0; i < report->caller_count; i++)
		if (caller__needs_change(report->callers[i], strict) && ++needing > CALLERS_SHOWN)
			count__add(&left_out, report->callers[i]->calls[CLASS_V1]);
	if (!needing)
		return;
	fputs("\n## Callers\n", page->out);
	table__put(page, report, strict);
	if (needing > CALLERS_SHOWN)
		fprintf(page->out, "\nAnd %s more with %s v1 calls: see the JSON.\n",
			NUMBER(needing - CALLERS_SHOWN), NUMBER(left_out));
	fputs("\n## What to change\n\n", page->out);
	for (size_t i = 0; i < report->caller_count && number < CALLERS_SHOWN; i++)
		if (caller__needs_change(report->callers[i], strict))
			caller__put_advice(page, report, hosts, ++number, report->callers[i], said);
}

/* One line of the callers of a kind: how many, with how many calls, and the first names. */
static void others__put_kind(struct markdown *page, const struct report *report, bool strict,
	bool foreign, const char *kind)
{
	size_t callers = 0;
	uint64_t calls = 0;

	for (size_t i = 0; i < report->caller_count; i++) {
		const struct caller *caller = report->callers[i];

		if (caller__needs_change(caller, strict) ||
			(caller__pattern(caller) == PATTERN_FOREIGN_ONLY) != foreign)
			continue;
		count__add(&calls, caller__total(caller));
		if (++callers > OTHERS_SHOWN)
			continue;
		if (callers == 1)
			fprintf(page->out, "- %s: ", kind);
		else
			fputs(", ", page->out);
		markdown__code(page, caller->name);
	}
	if (callers > OTHERS_SHOWN)
		fprintf(page->out, " and %s more", NUMBER(callers - OTHERS_SHOWN));
	if (callers)
		fprintf(page->out, " (%s call%s)\n", NUMBER(calls), calls == 1 ? "" : "s");
}

static void others__put(struct markdown *page, const struct report *report, bool strict)
{
	size_t others = 0;

	for (size_t i = 0; i < report->caller_count; i++)
		others += !caller__needs_change(report->callers[i], strict);
	if (!others)
		return;
	fputs("\n## Nothing to change\n\n", page->out);
	others__put_kind(page, report, strict, false, "IMDSv2 only");
	others__put_kind(page, report, strict, true, "Look for another cloud, which is harmless");
}

/* An advice that stands under its caller is not said twice. */
static void steps__put(
	struct markdown *page, const struct ruling *ruling, const struct sentences *said)
{
	size_t number = 0;

	fputs("\n## Next steps\n\n", page->out);
	if (ruling->verdict == VERDICT_BLOCKED && said->count) {
		markdown__item(page, ++number);
		fputs("Change the callers above.\n", page->out);
	}
	for (size_t i = 0; ruling->next_steps[i]; i++) {
		size_t at = ruling->command_at[i];
		_free_ char *sentence = NULL;

		if (sentences__hold(said, ruling->next_steps[i]))
			continue;
		sentence =
			at ? strndup(ruling->next_steps[i], at - 1) : strdup(ruling->next_steps[i]);
		if (!sentence) {
			page->error = -ENOMEM;
			return;
		}
		markdown__item(page, ++number);
		markdown__prose(page, sentence);
		fputs("\n", page->out);
		if (at)
			markdown__block(page, ruling->next_steps[i] + at);
	}
}

static void watch__put(
	struct markdown *page, const struct report *report, const struct watch *watch)
{
	const struct report_host *host = report__find_host(report, watch->machine_id);
	char watched[32], start[SHORT_TIME_SIZE], end[SHORT_TIME_SIZE], gaps[GAPS_SIZE];
	bool named = host && host->hostname && host->hostname[0];

	duration__format(watched, sizeof(watched), watch->watched);
	gaps__format(gaps, watch);
	time__format_short(start, watch->start);
	time__format_short(end, watch->end);
	fputs("- ", page->out);
	markdown__code(page, named ? host->hostname : watch->machine_id);
	if (host && host->instance_id && host->instance_id[0]) {
		fputs(" ", page->out);
		markdown__code(page, host->instance_id);
	}
	if (!watch->windows)
		fputs(", not watched\n", page->out);
	else
		fprintf(page->out, ", for %s, %s to %s%s%s\n", watched, start, end,
			*gaps ? ", with " : "", gaps);
}

static void watches__put(struct markdown *page, const struct report *report)
{
	_free_ char *owner = report__owner(report);
	_free_ struct watch *watches = NULL;
	size_t count;

	if (verdict__watches(report, &watches, &count)) {
		page->error = -ENOMEM;
		return;
	}
	fputs("\n## Watched\n\n", page->out);
	for (size_t i = 0; i < count && i < HOSTS_SHOWN; i++)
		watch__put(page, report, &watches[i]);
	if (count > HOSTS_SHOWN)
		fprintf(page->out, "- and %s more hosts\n", NUMBER(count - HOSTS_SHOWN));
	if (!count)
		fputs("- no host\n", page->out);
	if (!owner) {
		page->error = -ENOMEM;
	} else if (*owner) {
		fputs("- in ", page->out);
		markdown__prose(page, owner);
		fputs("\n", page->out);
	}
	fputs("\nReport of imdstrace ", page->out);
	markdown__prose(page, report->version ? report->version : "");
	fputs(".\n", page->out);
}

#define READY_SHOWN 20

/* Of several hosts, how far they are, and which can be switched today. */
static void hosts__put(struct markdown *page, const struct host_summaries *hosts)
{
	size_t ready;

	if (!hosts || hosts->count < 2)
		return;
	ready = host_summaries__count(hosts, VERDICT_READY);
	fprintf(page->out, "\n## Hosts\n\n%s ready, %s blocked, %s inconclusive, of %s.\n",
		NUMBER(ready), NUMBER(host_summaries__count(hosts, VERDICT_BLOCKED)),
		NUMBER(host_summaries__count(hosts, VERDICT_INCONCLUSIVE)), NUMBER(hosts->count));
	if (!ready)
		return;
	fputs("\n| ready | Region | host |\n| --- | --- | --- |\n", page->out);
	for (size_t i = 0; i < ready && i < READY_SHOWN; i++) {
		const struct host_summary *host = &hosts->list[i];
		const char *const cells[] = {host->instance_id, host->region, host->hostname};

		for (size_t c = 0; c < ARRAY_SIZE(cells); c++) {
			fputs(c ? " | " : "| ", page->out);
			if (cells[c])
				markdown__code(page, cells[c]);
		}
		fputs(" |\n", page->out);
	}
	if (ready > READY_SHOWN)
		fprintf(page->out,
			"\nAnd %s more: `imdstrace check --list ready FILE...` lists them, `imdstrace report --format script FILE...` switches them.\n",
			NUMBER(ready - READY_SHOWN));
}

static void rehearsal__put(struct markdown *page, const struct report *report)
{
	struct rehearsal_lines lines;

	if (rehearsal_lines__of(&lines, report)) {
		page->error = -ENOMEM;
		return;
	}
	if (!lines.title)
		return;
	fputs("\n## ", page->out);
	markdown__prose(page, lines.title);
	fputs("\n\n", page->out);
	for (size_t i = 0; lines.ruling.reasons[i]; i++) {
		fputs("- ", page->out);
		markdown__prose(page, lines.ruling.reasons[i]);
		fputs("\n", page->out);
	}
	for (size_t i = 0; i < lines.count; i++) {
		fputs("- ", page->out);
		markdown__code(page, lines.list[i].who);
		fputs(": ", page->out);
		markdown__prose(page, lines.list[i].what);
		fputs("\n", page->out);
	}
	rehearsal_lines__clear(&lines);
}

static int markdown__write(
	FILE *out, const struct report *report, const struct render_options *options)
{
	struct markdown page = {.out = out};
	struct sentences said = {0};
	bool strict = options->verdict.strict;
	struct ruling ruling;
	int error = verdict__rule(&ruling, report, &options->verdict);

	if (error)
		return error;
	comparison__put_markdown(&page, options->comparison);
	ruling__put(&page, &ruling);
	totals__put(&page, report);
	rehearsal__put(&page, report);
	hosts__put(&page, options->hosts);
	callers__put(&page, report, options->hosts, strict, &said);
	others__put(&page, report, strict);
	next_steps__sum_up(&said, report__count_to_change(report, strict));
	steps__put(&page, &ruling, &said);
	watches__put(&page, report);
	error = page.error ? page.error : said.error;
	sentences__free(said.list);
	verdict__clear(&ruling);
	return error ? error : ferror(out) ? -EIO : 0;
}

int markdown__render(FILE *out, const struct report *report, const struct render_options *options)
{
	bool before = number__separate(true);
	int error = markdown__write(out, report, options);

	number__separate(before);
	return error;
}
