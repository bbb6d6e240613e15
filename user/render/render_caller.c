/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "render/render_caller.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/number.h"
#include "lib/text.h"
#include "verdict/verdict.h"
#include "render/owners.h"
#include "lib/scope.h"

#define CONTAINER_ID_SHOWN 12

const enum request_class shown_classes[CLASS_COUNT] = {
	CLASS_V1,
	CLASS_V2,
	CLASS_TOKEN,
	CLASS_FOREIGN,
	CLASS_UNKNOWN,
};

static bool text__is_set(const char *text)
{
	return text && *text;
}

char *caller__place(const struct caller *caller)
{
	const struct workload *workload = &caller->workload;
	const struct container *container = &workload->container;
	const struct pod *pod = &workload->pod;
	const char *runtime = text__is_set(container->runtime) ? container->runtime : "container";
	const char *id = container->id, *image;
	char *place = NULL;
	size_t size;
	int length;

	if (text__is_set(pod->name)) {
		char *name = caller->hosts_total > 1 ? pod__replicas(pod) : strdup(pod->name);

		if (!name)
			return NULL;
		length = asprintf(&place, "pod %s%s%s", pod->namespace ? pod->namespace : "",
			pod->namespace ? "/" : "", name);
		free(name);
	} else if ((image = workload__image(workload, &size)))
		length = asprintf(&place, "%s image %.*s", runtime, (int)size, image);
	else if (text__is_set(container->name))
		length = asprintf(&place, "%s %s", runtime, container->name);
	else if (text__is_set(id))
		length = asprintf(&place, "%s %.*s", runtime,
			(int)text__complete(id, strnlen(id, CONTAINER_ID_SHOWN)), id);
	else
		length = asprintf(&place, "%s", workload->unit ? workload->unit : "");
	return length < 0 ? NULL : place;
}

#define HOSTS_NAMED      3
#define HOSTNAME_COLUMNS 40

static void host__put_name(FILE *out, const struct report *report, const char *machine_id)
{
	const struct report_host *host = report__find_host(report, machine_id);
	char *name = strdup(host && text__is_set(host->hostname) ? host->hostname : machine_id);

	if (name)
		text__ellipsize(name, HOSTNAME_COLUMNS);
	fputs(name ? name : "?", out);
	free(name);
}

/* Not all may be known by name, or any. */
static void hosts__put(FILE *out, const struct report *report, const struct caller *caller)
{
	bool several = caller->hosts_total > 1, named = caller->host_count;
	unsigned int shown = 0;

	if (several)
		fprintf(out, "%s%s hosts%s", caller->hosts_exact ? "" : "at least ",
			NUMBER(caller->hosts_total), named ? " (" : "");
	for (; shown < caller->host_count && shown < HOSTS_NAMED; shown++) {
		fputs(shown ? ", " : "", out);
		host__put_name(out, report, caller->hosts[shown]);
	}
	if (several && named)
		fputs(shown < caller->hosts_total ? ", …)" : ")", out);
}

char *caller__hosts(const struct report *report, const struct host_summaries *hosts,
	const struct caller *caller)
{
	_free_ char *owners = caller__owners(report, hosts, caller);
	char *text = NULL;
	size_t size;
	FILE *out = owners ? open_memstream(&text, &size) : NULL;

	if (!out)
		return NULL;
	if (report->host_count > 1)
		hosts__put(out, report, caller);
	if (*owners)
		fprintf(out, " in %s", owners);
	if (report->host_count > 1 && caller->hosts_v1 == 1)
		fprintf(out, ", blocks 1 host%s", caller->only_blocker_on ? " alone" : "");
	else if (report->host_count > 1 && caller->hosts_v1)
		fprintf(out, ", blocks %s hosts, %s of them alone", NUMBER(caller->hosts_v1),
			NUMBER(caller->only_blocker_on));
	if (report->host_count > 1 && caller->hosts_fixed)
		fprintf(out, ", fixed on %s", NUMBER(caller->hosts_fixed));
	if (!fclose(out))
		return text;
	free(text);
	return NULL;
}

char *caller__v1_outcomes(const struct caller *caller)
{
	const uint64_t *answers = caller->answers[CLASS_V1];
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	bool any = false;

	if (!out)
		return NULL;
	for (int o = 0; o < OUTCOME_COUNT && answers[OUTCOME_OK] < caller->calls[CLASS_V1]; o++) {
		if (!answers[o])
			continue;
		fprintf(out, "%s%s %s", any ? ", " : "", NUMBER(answers[o]), outcome__name(o));
		any = true;
	}
	if (!fclose(out))
		return text;
	free(text);
	return NULL;
}

void gaps__format(char out[GAPS_SIZE], const struct watch *watch)
{
	char longest[32];

	out[0] = '\0';
	if (!watch->gaps)
		return;
	duration__format(longest, sizeof(longest), watch->longest_gap);
	if (watch->gaps == 1)
		snprintf(out, GAPS_SIZE, "1 gap of %s", longest);
	else
		snprintf(out, GAPS_SIZE, "%zu gaps, the longest %s", watch->gaps, longest);
}

bool caller__needs_change(const struct caller *caller, bool strict)
{
	return caller__blocks(caller, strict) || caller->calls[CLASS_UNKNOWN];
}

bool caller__outcomes_known(const struct caller *caller)
{
	uint64_t unwatched = 0;

	for (int c = 0; c < CLASS_COUNT; c++)
		count__add(&unwatched, caller->unwatched[c]);
	return unwatched < caller__total(caller);
}

int64_t caller__last_of(const struct caller *caller, enum request_class cls)
{
	int64_t last = 0;

	for (size_t i = 0; i < caller->path_count; i++)
		if (caller->paths[i].cls == cls && caller->paths[i].last > last)
			last = caller->paths[i].last;
	return last;
}

static size_t class__rank(enum request_class cls)
{
	size_t rank = 0;

	while (rank < CLASS_COUNT && shown_classes[rank] != cls)
		rank++;
	return rank;
}

static int path__compare(const void *left, const void *right)
{
	const struct report_path *a = left, *b = right;
	size_t rank_a = class__rank(a->cls), rank_b = class__rank(b->cls);
	int order;

	if (rank_a != rank_b)
		return rank_a < rank_b ? -1 : 1;
	if (a->count != b->count)
		return a->count > b->count ? -1 : 1;
	order = strcmp(a->path ? a->path : "", b->path ? b->path : "");
	return order ? order : strcmp(a->method ? a->method : "", b->method ? b->method : "");
}

int caller__list_paths(const struct caller *caller, struct report_path **paths, size_t *count)
{
	struct report_path *list = calloc(caller->path_count + CLASS_COUNT, sizeof(*list));
	size_t used = caller->path_count;

	if (!list)
		return -ENOMEM;
	if (used)
		memcpy(list, caller->paths, used * sizeof(*list));
	qsort(list, used, sizeof(*list), path__compare);
	for (int i = 0; i < CLASS_COUNT; i++) {
		uint64_t lost = caller__unrecorded(caller, shown_classes[i]);

		if (lost)
			list[used++] = (struct report_path){
				.path = REPORT_NOT_RECORDED,
				.cls = shown_classes[i],
				.count = lost,
				.first = caller->first,
				.last = caller->last,
			};
	}
	*paths = list;
	*count = used;
	return 0;
}

void time__format_short(char out[SHORT_TIME_SIZE], int64_t time_ns)
{
	char time[RFC3339_SIZE];

	out[0] = '\0';
	if (!time_ns)
		return;
	clock__format(time, time_ns);
	snprintf(out, SHORT_TIME_SIZE, "%.10s %.8s UTC", time, time + strlen("2026-01-01T"));
}

char *text__shown(const char *text, size_t columns)
{
	char *shown = text__printable(text ? text : "");

	if (shown)
		text__ellipsize(shown, columns);
	return shown;
}

bool sentences__hold(const struct sentences *sentences, const char *sentence)
{
	for (size_t i = 0; i < sentences->count; i++)
		if (!strcmp(sentences->list[i], sentence))
			return true;
	return false;
}
