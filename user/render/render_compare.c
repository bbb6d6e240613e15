/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "render/render_compare.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/array.h"
#include "lib/clock.h"
#include "lib/number.h"
#include "lib/scope.h"
#include "render/json.h"
#include "render/render_caller.h"

#define CALLERS_SHOWN 5 /* of each kind */
#define HOSTS_SHOWN   5
#define NAME_COLUMNS  60

/* What is compared in numbers, in the order in which it is shown. */
struct figure {
	const char *name;
	uint64_t before, now;
	bool more_is_better;
};

#define FIGURES 4

static void figures__find(struct figure figures[FIGURES], const struct comparison *comparison)
{
	const size_t *before = comparison->verdicts_before, *now = comparison->verdicts_now;
	const struct figure found[FIGURES] = {
		{"hosts ready", before[VERDICT_READY], now[VERDICT_READY], true},
		{"hosts blocked", before[VERDICT_BLOCKED], now[VERDICT_BLOCKED], false},
		{"hosts inconclusive", before[VERDICT_INCONCLUSIVE], now[VERDICT_INCONCLUSIVE],
			false},
		{"v1 calls", comparison->v1_before, comparison->v1_now, false},
	};

	memcpy(figures, found, sizeof(found));
}

/* The kinds of change among callers. */
struct kind {
	const char *name;
	const struct compared_callers *callers;
};

#define KINDS 6

static void kinds__find(struct kind kinds[KINDS], const struct comparison *comparison)
{
	const struct kind found[KINDS] = {
		{"gone", &comparison->gone},
		{"new", &comparison->new},
		{"on fewer hosts", &comparison->fewer},
		{"on more hosts", &comparison->more},
		{"on newly watched hosts", &comparison->newly_watched},
		{"not watched now", &comparison->not_watched},
	};

	memcpy(kinds, found, sizeof(found));
}

/* "curl (bash /etc/cron.daily/tag) in cron.service". The caller frees. NULL: no memory. */
static char *caller__describe(const struct caller *caller)
{
	_free_ char *place = caller__place(caller);
	_free_ char *name = text__shown(caller->name, NAME_COLUMNS);
	_free_ char *parent = text__shown(caller->parent, NAME_COLUMNS);
	char *text;

	if (!place || !name || !parent ||
		asprintf(&text, "%s%s%s%s%s%s", name, *parent ? " (" : "", parent,
			*parent ? ")" : "", *place ? " in " : "", place) < 0)
		return NULL;
	return text;
}

/* "400 hosts before, 193 now"; of one host the calls. */
static char *compared__describe(const struct compared_caller *one)
{
	bool hosts = one->hosts_v1_before > 1 || one->hosts_v1_now > 1;
	uint64_t before = hosts ? one->hosts_v1_before : one->v1_before;
	uint64_t now = hosts ? one->hosts_v1_now : one->v1_now;
	const char *unit = hosts ? "host" : "call";
	char not_watched[64] = "", newly_watched[64] = "", *text;

	if (hosts && one->hosts_not_watched)
		snprintf(not_watched, sizeof(not_watched), " (%s not watched now)",
			NUMBER(one->hosts_not_watched));
	if (hosts && one->hosts_newly_watched)
		snprintf(newly_watched, sizeof(newly_watched), " (%s not watched before)",
			NUMBER(one->hosts_newly_watched));
	if (asprintf(&text, "%s %s%s before%s, %s now%s", NUMBER(before), unit,
		    before == 1 ? "" : "s", not_watched, NUMBER(now), newly_watched) < 0)
		return NULL;
	return text;
}

static void at__format(char *out, size_t size, const struct comparison *comparison)
{
	char time[RFC3339_SIZE];

	clock__format(time, comparison->at);
	if (comparison->at)
		snprintf(out, size, " since %.10s %.5s UTC", time, time + strlen("2026-01-01T"));
	else
		*out = '\0';
}

static bool comparison__callers_are_quiet(const struct comparison *comparison)
{
	struct kind kinds[KINDS];

	kinds__find(kinds, comparison);
	for (size_t i = 0; i < KINDS; i++)
		if (kinds[i].callers->count)
			return false;
	return true;
}

static bool comparison__is_quiet(const struct comparison *comparison)
{
	return comparison__callers_are_quiet(comparison) && !comparison->went_back_count;
}

/* "7 hosts are new, 2 are gone". "" where both states have the same ones. */
static void hosts__format(char *out, size_t size, const struct comparison *comparison)
{
	*out = '\0';
	if (!comparison->hosts_known)
		snprintf(out, size,
			"One of the two does not tell its hosts apart: they cannot be compared one by one.");
	else if (comparison->hosts_new || comparison->hosts_gone)
		snprintf(out, size,
			"The fleet itself changed: %zu host%s now that %s not there before, %zu not there any more.",
			comparison->hosts_new, comparison->hosts_new == 1 ? "" : "s",
			comparison->hosts_new == 1 ? "was" : "were", comparison->hosts_gone);
}

static const char *host__name(const struct host_summary *host)
{
	return host->instance_id ? host->instance_id
	       : host->hostname  ? host->hostname
				 : host->machine_id;
}

/* "i-0123 (web-3): curl, wget". The caller frees. NULL: no memory. */
static char *compared_host__describe(const struct compared_host *one)
{
	const struct host_summary *host = one->host;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	fputs(host__name(host), out);
	if (host->instance_id && host->hostname)
		fprintf(out, " (%s)", host->hostname);
	for (size_t i = 0; host->callers && host->callers[i]; i++)
		fprintf(out, "%s%s", i ? ", " : ": ", host->callers[i]);
	if (!fclose(out))
		return text;
	free(text);
	return NULL;
}

/* What every format says of a comparison. */
struct changes {
	struct figure figures[FIGURES];
	struct kind kinds[KINDS];
	char at[64], hosts[160];
};

static void changes__find(struct changes *changes, const struct comparison *comparison)
{
	at__format(changes->at, sizeof(changes->at), comparison);
	hosts__format(changes->hosts, sizeof(changes->hosts), comparison);
	figures__find(changes->figures, comparison);
	kinds__find(changes->kinds, comparison);
}

/* --- Text ---------------------------------------------------------------------------------------
 */

static void figure__put_text(struct page *page, const struct figure *figure)
{
	bool better = figure->more_is_better == (figure->now > figure->before);
	enum style style = figure->now == figure->before ? STYLE_PLAIN
			   : better                      ? STYLE_GOOD
							 : STYLE_BAD;
	uint64_t change = figure->now > figure->before ? figure->now - figure->before
						       : figure->before - figure->now;
	char sign[32] = "";

	if (change)
		snprintf(sign, sizeof(sign), "  (%c%s)", figure->now > figure->before ? '+' : '-',
			NUMBER(change));
	page__line(page, style, "  %-18s  %10s before  %10s now%s", figure->name,
		NUMBER(figure->before), NUMBER(figure->now), sign);
}

static void kind__put_text(struct page *page, const struct kind *kind)
{
	const struct compared_callers *callers = kind->callers;

	if (!callers->count)
		return;
	page__line(page, STYLE_PLAIN, "  Callers %s: %zu", kind->name, callers->count);
	for (size_t i = 0; i < callers->count && i < CALLERS_SHOWN; i++) {
		_free_ char *who = caller__describe(callers->list[i].caller);
		_free_ char *change = compared__describe(&callers->list[i]);
		_free_ char *line = NULL;

		if (!who || !change || asprintf(&line, "%s: %s", who, change) < 0) {
			line = NULL;
			page->error = -ENOMEM;
			return;
		}
		page__wrap(page, STYLE_PLAIN, "    ", 6, line);
	}
	if (callers->count > CALLERS_SHOWN)
		page__line(page, STYLE_FAINT, "    and %zu more", callers->count - CALLERS_SHOWN);
}

static void went_back__put_text(struct page *page, const struct comparison *comparison)
{
	if (!comparison->went_back_count)
		return;
	page__line(page, STYLE_BAD, "  Hosts that were ready and are blocked now: %zu",
		comparison->went_back_count);
	for (size_t i = 0; i < comparison->went_back_count && i < HOSTS_SHOWN; i++) {
		_free_ char *line = compared_host__describe(&comparison->went_back[i]);

		if (!line) {
			page->error = -ENOMEM;
			return;
		}
		page__wrap(page, STYLE_PLAIN, "    ", 6, line);
	}
	if (comparison->went_back_count > HOSTS_SHOWN)
		page__line(page, STYLE_FAINT, "    and %zu more",
			comparison->went_back_count - HOSTS_SHOWN);
}

void comparison__put_text(struct page *page, const struct comparison *comparison)
{
	struct changes changes;

	if (!comparison)
		return;
	changes__find(&changes, comparison);
	page__line(page, STYLE_HEADING, "Changed%s", changes.at);
	for (size_t i = 0; i < FIGURES; i++)
		figure__put_text(page, &changes.figures[i]);
	if (*changes.hosts)
		page__wrap(page, STYLE_PLAIN, "  ", 2, changes.hosts);
	for (size_t i = 0; i < KINDS; i++)
		kind__put_text(page, &changes.kinds[i]);
	went_back__put_text(page, comparison);
	if (comparison__is_quiet(comparison))
		page__line(page, STYLE_PLAIN, "  No caller and no host is worse or better.");
	page__line(page, STYLE_PLAIN, "%s", "");
}

/* --- Markdown -----------------------------------------------------------------------------------
 */

static void kind__put_markdown(struct markdown *page, const struct kind *kind)
{
	const struct compared_callers *callers = kind->callers;

	for (size_t i = 0; i < callers->count && i < CALLERS_SHOWN; i++) {
		_free_ char *who = caller__describe(callers->list[i].caller);

		if (!who) {
			page->error = -ENOMEM;
			return;
		}
		fprintf(page->out, "| %s | ", kind->name);
		markdown__code(page, who);
		fprintf(page->out, " | %s | %s | %s | %s |\n",
			NUMBER(callers->list[i].hosts_v1_before),
			NUMBER(callers->list[i].hosts_v1_now), NUMBER(callers->list[i].v1_before),
			NUMBER(callers->list[i].v1_now));
	}
	if (callers->count > CALLERS_SHOWN)
		fprintf(page->out, "| %s | and %zu more | | | | |\n", kind->name,
			callers->count - CALLERS_SHOWN);
}

static void went_back__put_markdown(struct markdown *page, const struct comparison *comparison)
{
	if (!comparison->went_back_count)
		return;
	fprintf(page->out, "\nReady before and blocked now, %zu:\n\n", comparison->went_back_count);
	for (size_t i = 0; i < comparison->went_back_count && i < HOSTS_SHOWN; i++) {
		_free_ char *line = compared_host__describe(&comparison->went_back[i]);

		if (!line) {
			page->error = -ENOMEM;
			return;
		}
		fputs("- ", page->out);
		markdown__code(page, line);
		fputs("\n", page->out);
	}
	if (comparison->went_back_count > HOSTS_SHOWN)
		fprintf(page->out, "- and %zu more\n", comparison->went_back_count - HOSTS_SHOWN);
}

void comparison__put_markdown(struct markdown *page, const struct comparison *comparison)
{
	struct changes changes;

	if (!comparison)
		return;
	changes__find(&changes, comparison);
	fprintf(page->out, "## Changed%s\n\n| | before | now |\n| --- | ---: | ---: |\n",
		changes.at);
	for (size_t i = 0; i < FIGURES; i++)
		fprintf(page->out, "| %s | %s | %s |\n", changes.figures[i].name,
			NUMBER(changes.figures[i].before), NUMBER(changes.figures[i].now));
	if (*changes.hosts)
		fprintf(page->out, "\n%s\n", changes.hosts);
	if (comparison__is_quiet(comparison)) {
		fputs("\nNo caller and no host is worse or better.\n\n", page->out);
		return;
	}
	if (!comparison__callers_are_quiet(comparison))
		fputs("\n| callers | | hosts before | hosts now | v1 before | v1 now |\n"
		      "| --- | --- | ---: | ---: | ---: | ---: |\n",
			page->out);
	for (size_t i = 0; i < KINDS; i++)
		kind__put_markdown(page, &changes.kinds[i]);
	went_back__put_markdown(page, comparison);
	fputs("\n", page->out);
}

/* --- HTML ---------------------------------------------------------------------------------------
 */

static void figure__put_html(struct html *page, const struct figure *figure)
{
	bool better = figure->more_is_better == (figure->now > figure->before);

	html__put(page, "<div class=\"figure%s\"><dt>%s</dt><dd>",
		figure->now == figure->before ? ""
		: better                      ? " good"
					      : " bad",
		figure->name);
	html__count(page, figure->now);
	html__put(page, "<small> from ");
	html__count(page, figure->before);
	html__put(page, "</small></dd></div>\n");
}

static void kind__put_html(struct html *page, const struct kind *kind)
{
	const struct compared_callers *callers = kind->callers;

	for (size_t i = 0; i < callers->count && i < CALLERS_SHOWN; i++) {
		const struct compared_caller *one = &callers->list[i];
		const uint64_t counts[] = {
			one->hosts_v1_before, one->hosts_v1_now, one->v1_before, one->v1_now};
		_free_ char *who = caller__describe(one->caller);

		if (!who) {
			page->error = -ENOMEM;
			return;
		}
		html__put(page, "<tr><td>%s</td><th scope=\"row\">", kind->name);
		html__code(page, who);
		html__put(page, "</th>");
		for (size_t c = 0; c < ARRAY_SIZE(counts); c++) {
			html__put(page, "<td class=\"n\">");
			html__count(page, counts[c]);
			html__put(page, "</td>");
		}
		html__put(page, "</tr>\n");
	}
	if (callers->count > CALLERS_SHOWN)
		html__put(page,
			"<tr><td>%s</td><th scope=\"row\">and %zu more</th>"
			"<td></td><td></td><td></td><td></td></tr>\n",
			kind->name, callers->count - CALLERS_SHOWN);
}

static void went_back__put_html(struct html *page, const struct comparison *comparison)
{
	if (!comparison->went_back_count)
		return;
	html__put(page, "<h3>Ready before, blocked now: ");
	html__count(page, comparison->went_back_count);
	html__put(page, "</h3>\n<ul>\n");
	for (size_t i = 0; i < comparison->went_back_count && i < HOSTS_SHOWN; i++) {
		_free_ char *line = compared_host__describe(&comparison->went_back[i]);

		if (!line) {
			page->error = -ENOMEM;
			return;
		}
		html__put(page, "<li>");
		html__text(page, line);
		html__put(page, "</li>\n");
	}
	if (comparison->went_back_count > HOSTS_SHOWN)
		html__put(
			page, "<li>and %zu more</li>\n", comparison->went_back_count - HOSTS_SHOWN);
	html__put(page, "</ul>\n");
}

void comparison__put_html(struct html *page, const struct comparison *comparison)
{
	struct changes changes;

	if (!comparison)
		return;
	changes__find(&changes, comparison);
	html__put(page,
		"<section class=\"changed\" aria-labelledby=\"changed\">"
		"<h2 id=\"changed\">Changed%s</h2>\n<dl class=\"figures\">\n",
		changes.at);
	for (size_t i = 0; i < FIGURES; i++)
		figure__put_html(page, &changes.figures[i]);
	html__put(page, "</dl>\n");
	if (*changes.hosts)
		html__put(page, "<p class=\"note\">%s</p>\n", changes.hosts);
	if (comparison__is_quiet(comparison)) {
		html__put(page, "<p class=\"note\">No caller and no host is worse or better."
				"</p>\n</section>\n");
		return;
	}
	html__put(page, "<div class=\"scroll\"><table class=\"plain\"><thead><tr>"
			"<th scope=\"col\">callers</th><th scope=\"col\"></th>"
			"<th scope=\"col\" class=\"n\">hosts before</th>"
			"<th scope=\"col\" class=\"n\">hosts now</th>"
			"<th scope=\"col\" class=\"n\">v1 before</th>"
			"<th scope=\"col\" class=\"n\">v1 now</th></tr></thead><tbody>\n");
	for (size_t i = 0; i < KINDS; i++)
		kind__put_html(page, &changes.kinds[i]);
	html__put(page, "</tbody></table></div>\n");
	went_back__put_html(page, comparison);
	html__put(page, "</section>\n");
}

/* --- JSON ---------------------------------------------------------------------------------------
 */

static json_t *json__compared(const struct compared_caller *one)
{
	_free_ char *place = caller__place(one->caller);

	if (!place)
		return NULL;
	return json_pack("{so,so,so,sI,sI,sI,sI,sI,sI}", "name", json__text(one->caller->name),
		"parent", json__text(one->caller->parent), "workload",
		json__text(*place ? place : NULL), "hosts_v1_before",
		(json_int_t)one->hosts_v1_before, "hosts_v1_now", (json_int_t)one->hosts_v1_now,
		"hosts_not_watched", (json_int_t)one->hosts_not_watched, "hosts_newly_watched",
		(json_int_t)one->hosts_newly_watched, "v1_before", (json_int_t)one->v1_before,
		"v1_now", (json_int_t)one->v1_now);
}

static int json__append_compared(json_t *list, const struct compared_callers *callers)
{
	for (size_t i = 0; i < callers->count; i++)
		if (json_array_append_new(list, json__compared(&callers->list[i])))
			return -ENOMEM;
	return 0;
}

static json_t *json__compared_callers(
	const struct compared_callers *callers, const struct compared_callers *more)
{
	_decref_ json_t *list = json_array();

	if (!list || json__append_compared(list, callers) ||
		(more && json__append_compared(list, more)))
		return NULL;
	return json_incref(list);
}

static json_t *json__went_back(const struct comparison *comparison)
{
	_decref_ json_t *list = json_array();

	for (size_t i = 0; i < comparison->went_back_count; i++) {
		const struct host_summary *host = comparison->went_back[i].host;

		if (json_array_append_new(list,
			    json_pack("{so,so,so,so}", "instance_id", json__text(host->instance_id),
				    "hostname", json__text(host->hostname), "region",
				    json__text(host->region), "callers",
				    json__list(host->callers))))
			return NULL;
	}
	return json_incref(list);
}

json_t *json__comparison(const struct comparison *comparison)
{
	const size_t *before = comparison->verdicts_before, *now = comparison->verdicts_now;

	return json_pack("{so,sI,sI,sI,sI,sI,sI,sI,sI,sI,sI,so,so,so,so,so,so,sI,sI,sI}", "before",
		json__time(comparison->at), "ready_before", (json_int_t)before[VERDICT_READY],
		"ready_now", (json_int_t)now[VERDICT_READY], "blocked_before",
		(json_int_t)before[VERDICT_BLOCKED], "blocked_now",
		(json_int_t)now[VERDICT_BLOCKED], "inconclusive_before",
		(json_int_t)before[VERDICT_INCONCLUSIVE], "inconclusive_now",
		(json_int_t)now[VERDICT_INCONCLUSIVE], "hosts_before",
		(json_int_t)comparison->hosts_before, "hosts_now",
		(json_int_t)comparison->hosts_now, "v1_before", (json_int_t)comparison->v1_before,
		"v1_now", (json_int_t)comparison->v1_now, "gone",
		json__compared_callers(&comparison->gone, NULL), "not_watched",
		json__compared_callers(&comparison->not_watched, NULL), "new",
		json__compared_callers(&comparison->new, NULL), "newly_watched",
		json__compared_callers(&comparison->newly_watched, NULL), "changed",
		json__compared_callers(&comparison->fewer, &comparison->more), "went_back",
		json__went_back(comparison), "became_ready", (json_int_t)comparison->became_ready,
		"hosts_new", (json_int_t)comparison->hosts_new, "hosts_gone",
		(json_int_t)comparison->hosts_gone);
}
