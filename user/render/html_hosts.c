/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The hosts of a fleet in one table: how far each is, and what holds it up. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "lib/number.h"
#include "lib/clock.h"
#include "lib/scope.h"
#include "render/html_page.h"

#define HOSTS_SHOWN 10000

/* Without the script these would do nothing, so it is the script that shows them. */
static void tools__put(struct html *page)
{
	html__put(page,
		"<div class=\"host-tools tools\" hidden>\n"
		"<label class=\"search\"><span>Search</span><input type=\"search\" "
		"autocomplete=\"off\" spellcheck=\"false\" "
		"placeholder=\"name, instance, Region, account, caller\"></label>\n"
		"<label><span>Show</span><select><option value=\"\">all</option>"
		"<option>ready</option><option>blocked</option><option>inconclusive</option>"
		"</select></label>\n"
		"<button type=\"button\">Export CSV</button>\n"
		"<output class=\"found\" aria-live=\"polite\"></output>\n</div>\n");
}

/* Where hosts are of several accounts, each is named. */
static bool hosts__show_accounts(const struct host_summaries *hosts)
{
	for (size_t i = 1; i < hosts->count; i++) {
		const char *account = hosts->list[i].account_id, *first = hosts->list[0].account_id;

		if (!account != !first || (account && strcmp(account, first) != 0))
			return true;
	}
	return false;
}

static void head__put(struct html *page, bool accounts)
{
	html__put(page, "<div class=\"scroll\"><table class=\"plain hosts\"><thead><tr>"
			"<th scope=\"col\">host</th><th scope=\"col\">verdict</th>"
			"<th scope=\"col\">instance</th><th scope=\"col\">Region</th>");
	if (accounts)
		html__put(page, "<th scope=\"col\">account</th>");
	html__put(page, "<th scope=\"col\" class=\"n\">v1</th>"
			"<th scope=\"col\" class=\"n\">watched</th>"
			"<th scope=\"col\" class=\"n\">hop limit</th>"
			"<th scope=\"col\">what holds it up</th></tr></thead><tbody>\n");
}

/* Its callers where it is blocked, else the reasons. */
static void why__put(struct html *page, const struct host_summary *host)
{
	char *const *list = host->verdict == VERDICT_BLOCKED ? host->callers : host->reasons;

	if (host->verdict == VERDICT_READY)
		return;
	for (size_t i = 0; list && list[i]; i++) {
		html__put(page, "%s", i ? ", " : "");
		html__text(page, list[i]);
	}
}

static void host__put(struct html *page, const struct host_summary *host, bool accounts)
{
	const char *verdict = verdict__name(host->verdict);
	char watched[32];

	duration__format(watched, sizeof(watched), host->watched);
	html__put(page, "<tr><th scope=\"row\">");
	html__text(page, host->hostname ? host->hostname : host->machine_id);
	html__put(page, "</th><td><span class=\"chip %s\">%s</span></td><td>", verdict, verdict);
	html__text(page, host->instance_id);
	html__put(page, "</td><td>");
	html__text(page, host->region);
	html__put(page, "</td>");
	if (accounts) {
		html__put(page, "<td>");
		html__text(page, host->account_id);
		html__put(page, "</td>");
	}
	html__put(page, "<td class=\"n\" data-sort=\"%" PRIu64 "\">", host->facts.calls[CLASS_V1]);
	html__count(page, host->facts.calls[CLASS_V1]);
	html__put(page,
		"</td><td class=\"n\" data-sort=\"%lld\">%s</td><td class=\"n\">%s</td><td>",
		(long long)(host->watched / NSEC_PER_SEC), watched,
		host->facts.needs_hop_limit ? "2" : "");
	why__put(page, host);
	html__put(page, "</td></tr>\n");
}

bool html__hosts(struct html *page, const struct host_summaries *hosts)
{
	bool accounts;

	if (!hosts || hosts->count < 2)
		return false;
	accounts = hosts__show_accounts(hosts);
	html__put(page, "<section aria-labelledby=\"hosts\"><h2 id=\"hosts\">Hosts</h2>\n"
			"<p class=\"note\">");
	html__count(page, host_summaries__count(hosts, VERDICT_READY));
	html__put(page, " ready, ");
	html__count(page, host_summaries__count(hosts, VERDICT_BLOCKED));
	html__put(page, " blocked, ");
	html__count(page, host_summaries__count(hosts, VERDICT_INCONCLUSIVE));
	html__put(page,
		" inconclusive. <code>imdstrace report --format script</code> writes what switches those that are ready.");
	if (hosts->unlisted)
		html__put(page,
			" Not listed are %s hosts of merged reports, which do not say what each one called.",
			NUMBER(hosts->unlisted));
	html__put(page, "</p>\n");
	tools__put(page);
	head__put(page, accounts);
	for (size_t i = 0; i < hosts->count && i < HOSTS_SHOWN; i++)
		host__put(page, &hosts->list[i], accounts);
	html__put(page, "</tbody></table></div>\n<p class=\"note on-paper\">On paper the first 100 "
			"stand here; --format hosts lists them all.</p>\n");
	if (hosts->count > HOSTS_SHOWN)
		html__put(page, "<p class=\"note\">And %s more, which the CSV lists.</p>\n",
			NUMBER(hosts->count - HOSTS_SHOWN));
	html__put(page, "</section>\n");
	return true;
}
