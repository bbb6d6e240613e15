/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The table of callers: one <tbody> each, with a row of counts, and a row that says what to change
 * and opens to everything else. It is whole without the script, which only sorts, filters and
 * opens it.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "verdict/advice.h"
#include "render/owners.h"
#include "render/html_page.h"
#include "render/render_caller.h"
#include "lib/number.h"
#include "lib/scope.h"

/* A page of more opens in no browser. */
#define CALLERS_SHOWN    1000
#define CALLERS_IN_FULL  100
#define PATHS_SHOWN      100
#define PATHS_SHOWN_LATE 10

static const char *const pattern_meanings[PATTERN_COUNT] = {
	[PATTERN_MIXED] = "calls with a token and without",
	[PATTERN_V1_ONLY] = "never sends a token",
	[PATTERN_V2_ONLY] = "always sends a token",
	[PATTERN_FOREIGN_ONLY] = "calls another cloud's metadata service",
	[PATTERN_UNKNOWN] = "could not be read",
};

static const char *const cause_meanings[CAUSE_COUNT] = {
	[CAUSE_NOT_WATCHED] = "asks for a token, gets none, calls without",
	[CAUSE_NO_ANSWER] = "its token requests get no answer, so it calls without",
	[CAUSE_UNREACHABLE] = "nothing answers it, with a token or without",
	[CAUSE_REFUSED] = "its token requests are refused, so it calls without",
	[CAUSE_OFF] = "all its calls are refused, with a token or without",
};

static const char *caller__meaning(const struct caller *caller)
{
	enum pattern pattern = caller__pattern(caller);

	return pattern == PATTERN_FALLBACK ? cause_meanings[caller__cause(caller)]
					   : pattern_meanings[pattern];
}

struct callers_table {
	struct html *page;
	const struct report *report;
	const struct host_summaries *hosts; /* NULL: not ruled one by one */
	bool strict;
	struct sentences *said;
	bool shows[CLASS_COUNT]; /* classes that anybody called */
	bool shows_rejected;
	size_t columns;
};

static void table__measure(struct callers_table *table)
{
	table->shows[CLASS_V1] = true;
	for (size_t i = 0; i < table->report->caller_count; i++) {
		const struct caller *caller = table->report->callers[i];

		table->shows_rejected |= caller->answers[CLASS_V1][OUTCOME_REJECTED] > 0;
		for (int c = 0; c < CLASS_COUNT; c++)
			table->shows[c] |= caller->calls[c] > 0;
	}
	table->columns = 3 + table->shows_rejected; /* caller, pattern, last call */
	for (int c = 0; c < CLASS_COUNT; c++)
		table->columns += table->shows[c];
}

static void head__put(const struct callers_table *table)
{
	struct html *page = table->page;

	html__put(page, "<thead role=\"rowgroup\"><tr role=\"row\">"
			"<th scope=\"col\" role=\"columnheader\">caller</th>"
			"<th scope=\"col\" role=\"columnheader\">pattern</th>");
	for (int i = 0; i < CLASS_COUNT; i++) {
		if (!table->shows[shown_classes[i]])
			continue;
		html__put(page, "<th scope=\"col\" role=\"columnheader\" class=\"n\">%s</th>",
			class__name(shown_classes[i]));
		if (shown_classes[i] == CLASS_V1 && table->shows_rejected)
			html__put(page, "<th scope=\"col\" role=\"columnheader\" class=\"n\">"
					"rejected</th>");
	}
	html__put(page, "<th scope=\"col\" role=\"columnheader\" class=\"n\">last "
			"call</th></tr></thead>\n");
}

static void count_cell__put(struct html *page, const char *label, const char *kind, uint64_t count)
{
	html__put(page,
		"<td role=\"cell\" class=\"n %s%s\" data-label=\"%s\" data-sort=\"%" PRIu64 "\">",
		kind, count ? "" : " zero", label, count);
	html__count(page, count);
	html__put(page, "</td>");
}

static void name_cell__put(struct html *page, const struct caller *caller, bool fleet)
{
	_free_ char *place = caller__place(caller);

	html__put(page, "<th scope=\"row\" role=\"rowheader\"><span class=\"name\">");
	html__code(page, caller->name);
	html__put(page, "</span>");
	if (!place)
		page->error = -ENOMEM;
	html__put(page, "<span class=\"where\">");
	if (place && *place) {
		html__text(page, place);
		html__put(page, " · ");
	}
	if (caller->rest)
		html__put(page, "all callers beyond the first %s", NUMBER(REPORT_CALLERS_MAX));
	else
		html__put(page, "uid %" PRIu32, caller->uid);
	if (caller->parent) {
		html__put(page, " · started by ");
		html__text(page, caller->parent);
	}
	if (fleet && caller->hosts_v1 == 1)
		html__put(page, " · blocks 1 host%s", caller->only_blocker_on ? " alone" : "");
	if (caller->hosts_v1 > 1) {
		html__put(page, " · blocks ");
		html__count(page, caller->hosts_v1);
		html__put(page, " hosts, ");
		html__count(page, caller->only_blocker_on);
		html__put(page, " of them alone");
	}
	if (fleet && caller->hosts_fixed)
		html__put(page, " · fixed on %s", NUMBER(caller->hosts_fixed));
	html__put(page, "</span></th>");
}

static void row__put(const struct callers_table *table, const struct caller *caller)
{
	enum pattern pattern = caller__pattern(caller);
	struct html *page = table->page;

	html__put(page, "<tr class=\"top\" role=\"row\">");
	name_cell__put(page, caller, table->report->host_count > 1);
	html__put(page,
		"<td role=\"cell\" class=\"pattern\" data-label=\"pattern\" data-sort=\"%s\">"
		"<span class=\"chip %s\">%s</span><span class=\"why\">%s</span></td>",
		pattern__name(pattern), pattern__name(pattern), pattern__name(pattern),
		caller__meaning(caller));
	for (int i = 0; i < CLASS_COUNT; i++) {
		enum request_class cls = shown_classes[i];

		if (!table->shows[cls])
			continue;
		count_cell__put(page, class__name(cls), class__name(cls), caller->calls[cls]);
		if (cls == CLASS_V1 && table->shows_rejected)
			count_cell__put(page, "rejected", "v1",
				caller->answers[CLASS_V1][OUTCOME_REJECTED]);
	}
	html__put(page,
		"<td role=\"cell\" class=\"n when\" data-label=\"last call\" data-sort=\"%" PRId64
		"\">",
		caller->last);
	html__time(page, caller->last);
	html__put(page, "</td></tr>\n");
}

static void path_row__put(struct html *page, const struct report_path *path)
{
	const char *name = class__name(path->cls);

	html__put(page, "<tr><td class=\"n\">");
	html__count(page, path->count);
	html__put(page, "</td><td><span class=\"class %s\">%s</span></td><td>", name, name);
	if (path->method) {
		html__text(page, path->method);
		html__put(page, " ");
	}
	if (path->path)
		html__code(page, path->path);
	else
		html__put(page, "<i>no request could be read</i>");
	if (path->path_cut)
		html__put(page, " (cut)");
	html__put(page, "</td><td class=\"when\">");
	html__time(page, path->first);
	html__put(page, "</td><td class=\"when\">");
	html__time(page, path->last);
	html__put(page, "</td></tr>\n");
}

static void paths__put(
	struct html *page, const struct report_path *paths, size_t count, size_t shown)
{
	uint64_t left_out = 0;

	html__put(page, "<div class=\"scroll\"><table class=\"plain paths\">"
			"<caption>What it asked for</caption>"
			"<thead><tr><th scope=\"col\" class=\"n\">calls</th><th scope=\"col\">class"
			"</th><th scope=\"col\">request</th><th scope=\"col\">first</th>"
			"<th scope=\"col\">last</th></tr></thead><tbody>\n");
	for (size_t i = 0; i < count && i < shown; i++)
		path_row__put(page, &paths[i]);
	for (size_t i = shown; i < count; i++)
		count__add(&left_out, paths[i].count);
	if (count > shown) {
		html__put(page, "<tr><td class=\"n\">");
		html__count(page, left_out);
		html__put(page,
			"</td><td></td><td colspan=\"3\">for %s more paths, which the CSV and the "
			"JSON list</td></tr>\n",
			NUMBER(count - shown));
	}
	html__put(page, "</tbody></table></div>\n");
}

static void outcomes__put(struct html *page, const struct caller *caller)
{
	if (!caller__outcomes_known(caller)) {
		html__put(page, "<p class=\"note\">What came back was not watched.</p>\n");
		return;
	}
	html__put(page, "<div class=\"scroll\"><table class=\"plain outcomes\"><caption>What came "
			"back</caption><thead>"
			"<tr><th scope=\"col\">class</th>");
	for (int o = 0; o < OUTCOME_COUNT; o++)
		html__put(page, "<th scope=\"col\" class=\"n\">%s</th>", outcome__name(o));
	html__put(page, "</tr></thead><tbody>");
	for (int i = 0; i < CLASS_COUNT; i++) {
		enum request_class cls = shown_classes[i];

		if (cls == CLASS_UNKNOWN || !caller->calls[cls])
			continue;
		html__put(page, "<tr><th scope=\"row\">%s</th>", class__name(cls));
		for (int o = 0; o < OUTCOME_COUNT; o++) {
			html__put(page, "<td class=\"n\">");
			html__count(page, caller->answers[cls][o]);
			html__put(page, "</td>");
		}
		html__put(page, "</tr>");
	}
	html__put(page, "</tbody></table></div>\n");
}

static void fact__begin(struct html *page, const char *term)
{
	html__put(page, "<div><dt>%s</dt><dd>", term);
}

static void fact__put(struct html *page, const char *term, const char *text)
{
	if (!text || !*text)
		return;
	fact__begin(page, term);
	html__code(page, text);
	html__put(page, "</dd></div>\n");
}

static void arguments__put(struct html *page, const struct caller *caller)
{
	_free_ char *joined = NULL;
	size_t size;
	FILE *out;

	if (!caller->args || !caller->args[0])
		return;
	out = open_memstream(&joined, &size);
	if (!out) {
		page->error = -ENOMEM;
		return;
	}
	for (char *const *arg = caller->args; *arg; arg++)
		fprintf(out, "%s%s", arg == caller->args ? "" : " ", *arg);
	if (caller->args_cut)
		fputs(" …", out);
	if (fclose(out))
		page->error = -ENOMEM;
	else
		fact__put(page, "arguments", joined);
}

static void processes__put(struct html *page, const struct caller *caller)
{
	fact__begin(page, "processes");
	html__count(page, caller->processes);
	for (unsigned int i = 0; i < caller->pid_count; i++)
		html__put(page, "%s%" PRIu32,
			i                       ? ", "
			: caller->pid_count > 1 ? " (pids "
						: " (pid ",
			caller->pids[i]);
	html__put(page, "%s</dd></div>\n",
		!caller->pid_count                      ? ""
		: caller->pid_count < caller->processes ? ", …)"
							: ")");
}

static void client__put(struct html *page, const struct caller *caller)
{
	struct client client;

	caller__client(caller, &client);
	if (!client.known)
		return;
	fact__begin(page, "client");
	html__text(page, client.name);
	html__put(page, " ");
	html__text(page, client.version);
	if (client.min_version)
		html__put(page, " (IMDSv2 from %s on)", client.min_version);
	html__put(page, "</dd></div>\n");
}

static void hosts__put(struct html *page, const struct report *report, const struct caller *caller)
{
	if (report->host_count < 2 || !caller->host_count)
		return;
	fact__begin(page, "hosts");
	html__put(page, "%s", caller->hosts_exact ? "" : "at least ");
	html__count(page, caller->hosts_total);
	html__put(page, ": ");
	for (unsigned int i = 0; i < caller->host_count; i++) {
		const struct report_host *host = report__find_host(report, caller->hosts[i]);
		bool named = host && host->hostname && host->hostname[0];

		html__put(page, "%s", i ? ", " : "");
		html__text(page, named ? host->hostname : caller->hosts[i]);
	}
	html__put(page, "%s</dd></div>\n", caller->host_count < caller->hosts_total ? ", …" : "");
}

static void unknown__put(struct html *page, const struct caller *caller)
{
	if (!caller->calls[CLASS_UNKNOWN])
		return;
	fact__begin(page, "could not be read");
	html__count_of(page, caller->calls[CLASS_UNKNOWN], "call", "calls");
	for (int reason = 0; reason < UNKNOWN_REASONS; reason++) {
		if (!caller->unknown[reason])
			continue;
		html__put(page, "; %s: ", unknown_reason__sentence(reason));
		html__count(page, caller->unknown[reason]);
	}
	html__put(page, "</dd></div>\n");
}

static void workload__put(struct html *page, const struct workload *workload)
{
	const struct container *container = &workload->container;

	fact__put(page, "unit", workload->unit);
	fact__put(page, "slice", workload->slice);
	fact__put(page, "container runtime", container->runtime);
	fact__put(page, "container name", container->name);
	fact__put(page, "container image", container->image);
	fact__put(page, "container id", container->id);
	fact__put(page, "pod", workload->pod.name);
	fact__put(page, "pod namespace", workload->pod.namespace);
	fact__put(page, "pod uid", workload->pod.uid);
}

static void owners__put(const struct callers_table *table, const struct caller *caller)
{
	_free_ char *owners = caller__owners(table->report, table->hosts, caller);

	if (!owners) {
		table->page->error = -ENOMEM;
	} else if (*owners) {
		fact__begin(table->page, "in");
		html__text(table->page, owners);
		html__put(table->page, "</dd></div>\n");
	}
}

static void facts__put(const struct callers_table *table, const struct caller *caller)
{
	struct html *page = table->page;

	html__put(page, "<dl class=\"facts\">\n");
	fact__put(page, "executable", caller->exe);
	fact__put(page, "script", caller->script);
	arguments__put(page, caller);
	fact__put(page, "process name", caller->comm);
	fact__put(page, "started by", caller->parent);
	processes__put(page, caller);
	workload__put(page, &caller->workload);
	client__put(page, caller);
	for (unsigned int i = 0; i < caller->agent_count; i++)
		fact__put(page, "User-Agent", caller->agents[i]);
	hosts__put(page, table->report, caller);
	owners__put(table, caller);
	unknown__put(page, caller);
	fact__begin(page, "first call");
	html__time(page, caller->first);
	html__put(page, "</dd></div>\n</dl>\n");
}

static void details__put(
	const struct callers_table *table, const struct caller *caller, size_t paths_shown)
{
	_free_ struct report_path *paths = NULL;
	struct html *page = table->page;
	size_t count;

	if (caller__list_paths(caller, &paths, &count)) {
		page->error = -ENOMEM;
		return;
	}
	html__put(page, "<details><summary>");
	html__count_of(page, count, "path", "paths");
	html__put(page, ", ");
	html__count_of(page, caller->processes, "process", "processes");
	html__put(page, ", outcomes</summary>\n<div class=\"inside\">\n");
	if (count)
		paths__put(page, paths, count, paths_shown);
	html__put(page, "<div class=\"pair\">\n");
	facts__put(table, caller);
	outcomes__put(page, caller);
	html__put(page, "</div>\n</div></details>");
}

static void caller__put(const struct callers_table *table, size_t number)
{
	const struct caller *caller = table->report->callers[number];
	bool needs_change = caller__needs_change(caller, table->strict);
	struct html *page = table->page;
	_free_ char *text = NULL;
	enum advice advice;
	bool to_do;

	if (advice__for(caller, &advice, &text)) {
		page->error = -ENOMEM;
		return;
	}
	html__put(page, "<tbody role=\"rowgroup\" data-state=\"%s\">\n",
		needs_change ? "change" : "fine");
	row__put(table, caller);
	html__put(page, "<tr class=\"more\" role=\"row\"><td role=\"cell\" colspan=\"%zu\">",
		table->columns);
	/* who never called v1 may need something as well, and who did may not any more */
	to_do = advice != ADVICE_NONE && caller__pattern(caller) != PATTERN_FOREIGN_ONLY;
	html__put(page, "<p class=\"advice %s\">", to_do ? "change" : "fine");
	html__text(page, text);
	html__put(page, "</p>\n");
	if (needs_change && advice != ADVICE_NONE)
		sentences__add(table->said, "%s", text);
	details__put(table, caller, number < CALLERS_IN_FULL ? PATHS_SHOWN : PATHS_SHOWN_LATE);
	html__put(page, "</td></tr>\n</tbody>\n");
}

/* Without the script these would do nothing, so it is the script that shows them. */
static void tools__put(struct html *page)
{
	html__put(page,
		"<div class=\"tools\" hidden>\n"
		"<label class=\"search\"><span>Search</span><input type=\"search\" "
		"autocomplete=\"off\" spellcheck=\"false\" "
		"placeholder=\"name, path, unit, User-Agent\"></label>\n"
		"<label><span>Show</span><select class=\"show\"><option value=\"\">all</option>"
		"<option value=\"change\">to act on</option>"
		"<option value=\"fine\">nothing to change</option></select></label>\n"
		"<label class=\"sort\"><span>Sort by</span><select class=\"sort-by\"></select>"
		"</label>\n"
		"<button type=\"button\" class=\"open-all\">Open all</button>\n"
		"<output class=\"found\" aria-live=\"polite\"></output>\n</div>\n");
}

static void left_out__put(const struct callers_table *table)
{
	uint64_t v1 = 0;

	if (table->report->caller_count <= CALLERS_SHOWN)
		return;
	for (size_t i = CALLERS_SHOWN; i < table->report->caller_count; i++)
		count__add(&v1, table->report->callers[i]->calls[CLASS_V1]);
	html__put(table->page, "<p class=\"note\">And %s more callers with ",
		NUMBER(table->report->caller_count - CALLERS_SHOWN));
	html__count_of(table->page, v1, "v1 call", "v1 calls");
	html__put(table->page, ", which the CSV and the JSON list.</p>\n");
}

void html__callers(struct html *page, const struct report *report,
	const struct host_summaries *hosts, bool strict, struct sentences *said)
{
	struct callers_table table = {
		.page = page, .report = report, .hosts = hosts, .strict = strict, .said = said};

	html__put(page, "<section aria-labelledby=\"callers\"><h2 id=\"callers\">Callers</h2>\n");
	if (!report->caller_count) {
		html__put(page, "<p class=\"note\">Nothing called the metadata service.</p>\n"
				"</section>\n");
		return;
	}
	table__measure(&table);
	tools__put(page);
	html__put(page, "<table class=\"callers\" role=\"table\" aria-labelledby=\"callers\">\n");
	head__put(&table);
	for (size_t i = 0; i < report->caller_count && i < CALLERS_SHOWN; i++)
		caller__put(&table, i);
	html__put(page, "</table>\n<p class=\"none\" hidden>No caller matches.</p>\n");
	left_out__put(&table);
	html__put(page, "</section>\n");
}
