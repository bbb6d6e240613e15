/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The page, from top to bottom: verdict, figures, calls over time, callers, next steps, hosts, and
 * the words. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "lib/array.h"
#include "lib/clock.h"
#include "lib/number.h"
#include "render/html_page.h"
#include "verdict/next_steps.h"
#include "render/render.h"
#include "render/render_caller.h"
#include "render/render_compare.h"
#include "lib/scope.h"
#include "report/forwarding.h"
#include "report/probes.h"

#define HOSTS_SHOWN 200

/* 16 by 16: a stroke on a disc of the verdict's colour. */
static const struct {
	const char *title, *sign;
} verdict_signs[] = {
	[VERDICT_READY] = {"Ready", "M4.6 8.4l2.3 2.3 4.5-5"},
	[VERDICT_BLOCKED] = {"Blocked", "M5.3 5.3l5.4 5.4M10.7 5.3l-5.4 5.4"},
	[VERDICT_INCONCLUSIVE] = {"Inconclusive", "M8 4.2v4.6M8 11.4v.2"},
};

/* What the verdict means for somebody who has never heard of a token. */
static void meaning__put(struct html *page, const struct report *report, enum verdict verdict)
{
	size_t callers = report__count_to_change(report, false);

	if (verdict == VERDICT_READY) {
		html__put(page,
			"Nothing seen here would break if the instance metadata service required IMDSv2.");
	} else if (verdict == VERDICT_INCONCLUSIVE) {
		html__put(page,
			"No call without a token was seen, but not enough was seen to require IMDSv2 with confidence.");
	} else if (callers) {
		html__count_of(page, callers, "caller", "callers");
		html__put(page,
			" would break if the instance metadata service required IMDSv2 today.");
	} else if (report__count_blockers(report, false)) {
		html__put(page,
			"Every caller that called without a token %s, but the report still holds those calls.",
			report->rehearsal.scope ? "is fixed by now or survived a rehearsal"
						: "is fixed by now");
	} else if (report->totals[CLASS_V1]) {
		html__put(page,
			"Some calls would break if the instance metadata service required IMDSv2 today.");
	} else {
		html__put(page,
			"Nothing seen here would break, but calls that look for another cloud were told to count.");
	}
}

/* Clones of one image have its machine id, so that the report has fewer. */
static size_t report__count_hosts(const struct report *report, const struct host_summaries *hosts)
{
	return hosts && !hosts->unlisted && hosts->count > 1 ? hosts->count : report->host_count;
}

static void header__put(
	struct html *page, const struct report *report, const struct host_summaries *hosts)
{
	size_t count = report__count_hosts(report, hosts);

	html__put(page, "<header><p class=\"brand\">IMDSv2 readiness</p><p class=\"of\">");
	if (count == 1) {
		html__text(page, report->hosts[0].hostname);
		if (report->hosts[0].instance_id && report->hosts[0].instance_id[0]) {
			html__put(page, " · ");
			html__text(page, report->hosts[0].instance_id);
		}
	} else if (count) {
		html__count(page, count);
		html__put(page, " hosts");
	}
	html__put(page, "</p></header>\n<main>\n");
}

static void ruling__put(struct html *page, const struct report *report, const struct ruling *ruling)
{
	html__put(page,
		"<section class=\"verdict %s\" aria-labelledby=\"verdict\">\n"
		"<svg class=\"sign\" viewBox=\"0 0 16 16\" aria-hidden=\"true\">"
		"<circle cx=\"8\" cy=\"8\" r=\"8\"/><path d=\"%s\"/></svg>\n"
		"<div><h1 id=\"verdict\">%s</h1>\n<p class=\"meaning\">",
		verdict__name(ruling->verdict), verdict_signs[ruling->verdict].sign,
		verdict_signs[ruling->verdict].title);
	meaning__put(page, report, ruling->verdict);
	html__put(page, "</p>\n<ul>\n");
	for (size_t i = 0; ruling->reasons[i]; i++) {
		html__put(page, "<li>");
		html__text(page, ruling->reasons[i]);
		html__put(page, "</li>\n");
	}
	html__put(page, "</ul></div>\n</section>\n");
}

static void figure__begin(struct html *page, const char *kind, const char *term)
{
	html__put(page, "<div class=\"figure %s\"><dt>%s</dt><dd>", kind, term);
}

static void figure__put(struct html *page, const char *kind, const char *term, uint64_t count)
{
	figure__begin(page, kind, term);
	html__count(page, count);
	html__put(page, "</dd></div>\n");
}

/* The host that was watched for the shortest time decides. */
static void figure__put_watched(struct html *page, const struct report *report)
{
	_free_ struct watch *watches = NULL;
	int64_t shortest = INT64_MAX;
	char watched[32];
	size_t count;

	if (verdict__watches(report, &watches, &count)) {
		page->error = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < count; i++)
		if (watches[i].watched < shortest)
			shortest = watches[i].watched;
	duration__format(watched, sizeof(watched), count ? shortest : 0);
	figure__begin(page, "", count > 1 ? "watched, each host at least" : "watched");
	html__put(page, "%s</dd></div>\n", watched);
}

static void remark__put(struct html *page, const struct report *report,
	int (*say)(const struct report *report, char **sentence))
{
	_free_ char *sentence = NULL;

	if (say(report, &sentence)) {
		page->error = -ENOMEM;
	} else if (sentence) {
		html__put(page, "<p class=\"note\">");
		html__text(page, sentence);
		html__put(page, "</p>\n");
	}
}

static void figures__put(struct html *page, const struct report *report, bool strict)
{
	/* As the verdict counts them: whoever could not be read is counted by itself. */
	size_t to_change = report__count_to_change(report, strict);
	uint64_t with_token = report->totals[CLASS_V2];

	html__put(page, "<dl class=\"figures\">\n");
	figure__put(page, report->totals[CLASS_V1] ? "bad" : "", "calls without a token (v1)",
		report->totals[CLASS_V1]);
	figure__begin(page, to_change ? "bad" : "", "callers to change");
	html__count(page, to_change);
	if (report->caller_count)
		html__put(page, "<small> of %s</small>", NUMBER(report->caller_count));
	html__put(page, "</dd></div>\n");
	figure__put(page, "", "calls with a token (v2)", with_token);
	figure__put(page, "", "token requests", report->totals[CLASS_TOKEN]);
	if (report->totals[CLASS_FOREIGN])
		figure__put(
			page, "", "calls of other clouds' services", report->totals[CLASS_FOREIGN]);
	if (report->totals[CLASS_UNKNOWN])
		figure__put(page, "doubtful", "could not be read", report->totals[CLASS_UNKNOWN]);
	if (report->lost)
		figure__put(page, "doubtful", "calls without details", report->lost);
	if (report->missed)
		figure__put(page, "doubtful", "not tracked", report->missed);
	figure__put_watched(page, report);
	html__put(page, "</dl>\n");
	remark__put(page, report, report__say_probes);
	remark__put(page, report, report__say_forwarded);
}

/* An option stays with its value, and a line breaks before both. */
static void command__put(struct html *page, const char *command)
{
	while (*command) {
		const char *option = strstr(command + 1, " --");
		_free_ char *part =
			option ? strndup(command, (size_t)(option - command)) : strdup(command);

		if (!part) {
			page->error = -ENOMEM;
			return;
		}
		html__put(page, "<span>");
		html__text(page, part);
		html__put(page, "</span>%s", option ? " " : "");
		command = option ? option + 1 : command + strlen(command);
	}
}

static void step__put(struct html *page, const char *step, size_t command_at)
{
	_free_ char *sentence = command_at ? strndup(step, command_at - 1) : strdup(step);

	if (!sentence) {
		page->error = -ENOMEM;
		return;
	}
	html__put(page, "<li>");
	html__text(page, sentence);
	if (command_at) {
		html__put(page, "<div class=\"command\"><pre><code>");
		command__put(page, step + command_at);
		html__put(page, "</code></pre></div>");
	}
	html__put(page, "</li>\n");
}

/* An advice that stands under its caller is not said twice. */
static void steps__put(struct html *page, const struct ruling *ruling, const struct sentences *said)
{
	html__put(page, "<section aria-labelledby=\"steps\"><h2 id=\"steps\">Next steps</h2>\n"
			"<ol class=\"steps\">\n");
	if (ruling->verdict == VERDICT_BLOCKED && said->count)
		html__put(page, "<li>Change the callers above, as it says under each.</li>\n");
	for (size_t i = 0; ruling->next_steps[i]; i++)
		if (!sentences__hold(said, ruling->next_steps[i]))
			step__put(page, ruling->next_steps[i], ruling->command_at[i]);
	html__put(page, "</ol>\n</section>\n");
}

static void watch__put(struct html *page, const struct report *report, const struct watch *watch)
{
	const struct report_host *host = report__find_host(report, watch->machine_id);
	char watched[32], gaps[GAPS_SIZE];

	duration__format(watched, sizeof(watched), watch->watched);
	gaps__format(gaps, watch);
	html__put(page, "<tr><th scope=\"row\">");
	html__text(page,
		host && host->hostname && host->hostname[0] ? host->hostname : watch->machine_id);
	html__put(page, "</th><td>");
	html__text(page, host ? host->instance_id : NULL);
	html__put(page, "</td><td>");
	html__text(page, host ? host->kernel : NULL);
	html__put(page, "</td><td class=\"n\">%s</td><td class=\"when\">", watched);
	html__time(page, watch->start);
	html__put(page, "</td><td class=\"when\">");
	html__time(page, watch->end);
	html__put(page, "</td><td>");
	html__put(page, "%s", *gaps ? gaps : watch->windows ? "none" : "");
	html__put(page, "</td></tr>\n");
}

static void watches__put(struct html *page, const struct report *report)
{
	_free_ struct watch *watches = NULL;
	size_t count;

	if (verdict__watches(report, &watches, &count)) {
		page->error = -ENOMEM;
		return;
	}
	if (!count)
		return;
	html__put(page,
		"<section aria-labelledby=\"hosts\"><h2 id=\"hosts\">Watched</h2>\n"
		"<div class=\"scroll\"><table class=\"plain\"><thead><tr><th "
		"scope=\"col\">host</th>"
		"<th scope=\"col\">instance</th><th scope=\"col\">kernel</th>"
		"<th scope=\"col\" class=\"n\">watched</th><th scope=\"col\">from</th>"
		"<th scope=\"col\">to</th><th scope=\"col\">gaps</th></tr></thead><tbody>\n");
	for (size_t i = 0; i < count && i < HOSTS_SHOWN; i++)
		watch__put(page, report, &watches[i]);
	html__put(page, "</tbody></table></div>\n");
	if (count > HOSTS_SHOWN)
		html__put(page, "<p class=\"note\">And %s more hosts.</p>\n",
			NUMBER(count - HOSTS_SHOWN));
	html__put(page, "</section>\n");
}

static void words__put(struct html *page)
{
	static const struct {
		const char *word, *meaning;
	} words[] = {
		{"v1", "a call without a token: it works now and fails once tokens are required"},
		{"v2", "a call that carries a token, as IMDSv2 wants it"},
		{"token", "a request for a token, with which IMDSv2 begins"},
		{"foreign",
			"a call of another cloud's metadata service; EC2 has nothing there, before and after the switch"},
		{"unknown", "something was sent to the service that could not be read"},
		{"rejected", "the service answered 401, because the call had no valid token"},
		{"fallback", "a caller that asked for a token, got none, and then called v1"},
	};

	html__put(page, "<section aria-labelledby=\"words\"><h2 id=\"words\">Words</h2>\n"
			"<dl class=\"words\">\n");
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		html__put(page, "<div><dt>%s</dt><dd>%s</dd></div>\n", words[i].word,
			words[i].meaning);
	html__put(page, "</dl>\n</section>\n");
}

static void footer__put(struct html *page, const struct report *report)
{
	html__put(page, "</main>\n<footer><p>Report of imdstrace ");
	html__text(page, report->version);
	html__put(page, ". This page asks no server for anything.</p></footer>\n");
}

static int html__write(FILE *out, const struct report *report, const struct render_options *options)
{
	struct html page = {.out = out};
	struct sentences said = {0};
	bool strict = options->verdict.strict;
	struct ruling ruling;
	char title[64];
	int error = verdict__rule(&ruling, report, &options->verdict);

	if (error)
		return error;
	snprintf(title, sizeof(title), "%s: IMDSv2 readiness", verdict_signs[ruling.verdict].title);
	html__begin(&page, title);
	header__put(&page, report, options->hosts);
	comparison__put_html(&page, options->comparison);
	ruling__put(&page, report, &ruling);
	figures__put(&page, report, strict);
	html__timeline(&page, report);
	html__rehearsal(&page, report);
	html__callers(&page, report, options->hosts, strict, &said);
	next_steps__sum_up(&said, report__count_to_change(report, strict));
	steps__put(&page, &ruling, &said);
	if (!html__hosts(&page, options->hosts))
		watches__put(&page, report);
	words__put(&page);
	footer__put(&page, report);
	html__end(&page);
	error = page.error ? page.error : said.error;
	sentences__free(said.list);
	verdict__clear(&ruling);
	return error ? error : ferror(out) ? -EIO : 0;
}

int html__render(FILE *out, const struct report *report, const struct render_options *options)
{
	bool before = number__separate(true);
	int error = html__write(out, report, options);

	number__separate(before);
	return error;
}
