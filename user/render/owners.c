/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "render/owners.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/number.h"
#include "lib/scope.h"
#include "lib/text.h"

#define ACCOUNTS_SHOWN 4
#define REGIONS_SHOWN  4
#define NAME_SHOWN     64 /* bytes: whoever wrote the report chose them */

/* Where one host is; "" is not known. */
struct place {
	const char *account, *region;
};

/* Neighbours of one account in a list of places in order. */
struct owner {
	const struct place *places;
	size_t count;
};

static const char *text__or_empty(const char *text)
{
	return text ? text : "";
}

static struct place place__of(const char *account, const char *region)
{
	return (struct place){text__or_empty(account), text__or_empty(region)};
}

static int place__compare(const void *left, const void *right)
{
	const struct place *a = left, *b = right;
	int order = strcmp(a->account, b->account);

	return order ? order : strcmp(a->region, b->region);
}

/* Who has most hosts first, and last whoever is not known. */
static int owner__compare(const void *left, const void *right)
{
	const struct owner *a = left, *b = right;

	if (!*a->places->account != !*b->places->account)
		return *a->places->account ? -1 : 1;
	if (a->count != b->count)
		return a->count > b->count ? -1 : 1;
	return strcmp(a->places->account, b->places->account);
}

static size_t owners__find(struct owner *owners, struct place *places, size_t count)
{
	size_t found = 0;

	qsort(places, count, sizeof(*places), place__compare);
	for (size_t i = 0; i < count; i++) {
		if (!found || strcmp(owners[found - 1].places->account, places[i].account) != 0)
			owners[found++] = (struct owner){&places[i], 1};
		else
			owners[found - 1].count++;
	}
	qsort(owners, found, sizeof(*owners), owner__compare);
	return found;
}

static bool owner__begins_region(const struct owner *owner, size_t at)
{
	return *owner->places[at].region &&
	       (!at || strcmp(owner->places[at - 1].region, owner->places[at].region) != 0);
}

static void name__put(FILE *out, const char *name)
{
	fprintf(out, "%.*s", (int)text__complete(name, strnlen(name, NAME_SHOWN)), name);
}

/* "eu-west-1, us-east-1", or "7 Regions" */
static void owner__put_regions(FILE *out, const struct owner *owner)
{
	size_t regions = 0, shown = 0;

	for (size_t i = 0; i < owner->count; i++)
		regions += owner__begins_region(owner, i);
	if (regions > REGIONS_SHOWN)
		fprintf(out, "%s Regions", NUMBER(regions));
	for (size_t i = 0; regions <= REGIONS_SHOWN && i < owner->count; i++)
		if (owner__begins_region(owner, i)) {
			fputs(shown++ ? ", " : "", out);
			name__put(out, owner->places[i].region);
		}
}

/* Whether a Region of it is known: the empty one is the first in order. */
static bool owner__has_region(const struct owner *owner)
{
	return *owner->places[owner->count - 1].region;
}

static void owners__put(FILE *out, const struct owner *owners, size_t count)
{
	size_t named = count && !*owners[count - 1].places->account ? count - 1 : count;

	if (!named && count)
		owner__put_regions(out, &owners[0]);
	if (!named)
		return;
	fprintf(out, "account%s ", named > 1 ? "s" : "");
	for (size_t i = 0; i < named && i < ACCOUNTS_SHOWN; i++) {
		bool regions = owner__has_region(&owners[i]);

		fputs(i ? ", " : "", out);
		name__put(out, owners[i].places->account);
		fputs(regions ? " (" : "", out);
		owner__put_regions(out, &owners[i]);
		fputs(regions ? ")" : "", out);
	}
	if (named > ACCOUNTS_SHOWN)
		fprintf(out, " and %s more", NUMBER(named - ACCOUNTS_SHOWN));
	if (named < count)
		fputs(" and one that is not known", out);
}

static char *places__describe(struct place *places, size_t count)
{
	_free_ struct owner *owners = calloc(count + 1, sizeof(*owners));
	char *text = NULL;
	size_t size;
	FILE *out = owners ? open_memstream(&text, &size) : NULL;

	if (!out)
		return NULL;
	owners__put(out, owners, owners__find(owners, places, count));
	if (!fclose(out))
		return text;
	free(text);
	return NULL;
}

static bool report__is_in_one_place(const struct report *report)
{
	const struct report_host *hosts = report->hosts;

	for (size_t i = 1; i < report->host_count; i++) {
		struct place first = place__of(hosts[0].account_id, hosts[0].region),
			     place = place__of(hosts[i].account_id, hosts[i].region);

		if (place__compare(&first, &place))
			return false;
	}
	return true;
}

static bool host_summary__has(const struct host_summary *host, const struct caller *caller)
{
	for (size_t i = 0; i < host->facts.caller_count; i++)
		if (host->facts.callers[i].caller == caller && host->facts.callers[i].v1)
			return true;
	return false;
}

/* Whether the hosts that it names itself are those that it blocks, so that nobody has to look for
 * them among all. */
static bool caller__names_hosts(const struct caller *caller)
{
	return !caller->hosts_v1 ||
	       (caller->hosts_exact && caller->host_count == caller->hosts_v1 &&
		       caller->hosts_total == caller->hosts_v1);
}

char *caller__owners(const struct report *report, const struct host_summaries *hosts,
	const struct caller *caller)
{
	bool named = !hosts || caller__names_hosts(caller);
	size_t most = named ? REPORT_HOSTS_PER_CALLER_MAX : hosts->count + 1, count = 0;
	_free_ struct place *places = NULL;

	if (report__is_in_one_place(report))
		return strdup("");
	places = calloc(most, sizeof(*places));
	if (!places)
		return NULL;
	for (size_t i = 0; !named && i < hosts->count; i++)
		if (host_summary__has(&hosts->list[i], caller))
			places[count++] =
				place__of(hosts->list[i].account_id, hosts->list[i].region);
	for (unsigned int i = 0; named && i < caller->host_count; i++) {
		const struct report_host *host = report__find_host(report, caller->hosts[i]);

		if (host)
			places[count++] = place__of(host->account_id, host->region);
	}
	return places__describe(places, count);
}

char *report__owner(const struct report *report)
{
	struct place place;

	if (!report->host_count || !report__is_in_one_place(report))
		return strdup("");
	place = place__of(report->hosts[0].account_id, report->hosts[0].region);
	return places__describe(&place, 1);
}
