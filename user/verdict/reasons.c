/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The reasons of a verdict, each a sentence, and the verdict that they make. */
#include "verdict/reasons.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "report/probes.h"
#include "lib/number.h"
#include "lib/scope.h"
#include "lib/sentences.h"
#include "lib/text.h"

#define HOSTS_NAMED    5
#define HOSTNAME_SHOWN 64 /* bytes */
#define HOUR           (3600 * NSEC_PER_SEC)
#define LISTED_SIZE    512

static const char *plural(uint64_t count)
{
	return count == 1 ? "" : "s";
}

void min_window__format(char *out, size_t size, int64_t min_window)
{
	if (min_window % HOUR == 0)
		snprintf(out, size, "%lldh", (long long)(min_window / HOUR));
	else
		duration__format(out, size, min_window);
}

/* A host's name, of no more than so many bytes, for "%.*s". */
struct shown {
	int size;
	const char *text;
};

static struct shown watch__host(const struct watch *watch, const struct report *report)
{
	const struct report_host *host = report__find_host(report, watch->machine_id);
	const char *name =
		host && host->hostname && host->hostname[0] ? host->hostname : watch->machine_id;

	return (struct shown){(int)text__complete(name, strnlen(name, HOSTNAME_SHOWN)), name};
}

/* Callers and calls of a class. A report by hand may have more in one place than in the other. */
struct tally {
	size_t callers;
	bool more_callers; /* one of them is the rest */
	uint64_t calls, named;
};

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* A caller's calls of a class, by whichever of its numbers says most. */
static uint64_t caller__tally(const struct caller *caller, enum request_class cls)
{
	uint64_t paths = 0, answers = 0;

	for (size_t i = 0; i < caller->path_count; i++)
		if (caller->paths[i].cls == cls)
			count__add(&paths, caller->paths[i].count);
	for (int outcome = 0; outcome < OUTCOME_NONE; outcome++)
		count__add(&answers, caller->answers[cls][outcome]);
	if (cls == CLASS_UNKNOWN)
		for (int reason = 0; reason < UNKNOWN_REASONS; reason++)
			count__add(&answers, caller->unknown[reason]);
	return larger(caller->calls[cls], larger(paths, answers));
}

/* The calls of a class that no caller need have made, likewise. Since a time, the buckets and
 * hosts' calls that go on across it are whole. */
static uint64_t report__total(const struct report *report, enum request_class cls)
{
	uint64_t buckets = 0, hosts = 0, reasons = 0;

	for (size_t i = 0; !report->since && i < report->timeline_count; i++)
		count__add(&buckets, report->timeline[i].calls[cls]);
	for (size_t i = 0; !report->since && i < report->host_count; i++)
		if (report->hosts[i].facts)
			count__add(&hosts, report->hosts[i].facts->calls[cls]);
	for (int reason = 0; cls == CLASS_UNKNOWN && reason < UNKNOWN_REASONS; reason++)
		count__add(&reasons, report->unknown[reason]);
	return larger(larger(report->totals[cls], reasons), larger(buckets, hosts));
}

static struct tally report__tally(const struct report *report, enum request_class cls)
{
	struct tally tally = {.calls = report__total(report, cls)};

	for (size_t i = 0; i < report->caller_count; i++) {
		const struct caller *caller = report->callers[i];
		uint64_t calls = caller__tally(caller, cls);

		if (!calls)
			continue;
		tally.callers++;
		tally.more_callers |= caller->rest;
		count__add(&tally.named, calls);
	}
	if (tally.named > tally.calls)
		tally.calls = tally.named;
	return tally;
}

static void reasons__add_calls(
	struct sentences *reasons, const struct tally *tally, const char *verb, const char *kind)
{
	uint64_t unnamed = tally->calls - tally->named;

	if (tally->callers)
		sentences__add(reasons, "%s%s caller%s %s (%s call%s)",
			tally->more_callers ? "at least " : "", NUMBER(tally->callers),
			plural(tally->callers), verb, NUMBER(tally->named), plural(tally->named));
	if (unnamed)
		sentences__add(reasons, "%s %s call%s came from processes that are not known",
			NUMBER(unnamed), kind, plural(unnamed));
}

/* ": the bytes were no HTTP request (3), ..." or nothing. */
static void unknown__list(char list[LISTED_SIZE], const struct report *report)
{
	size_t used = 0;

	list[0] = '\0';
	for (int reason = 0; reason < UNKNOWN_REASONS; reason++) {
		if (!report->unknown[reason] || used >= LISTED_SIZE)
			continue;
		used += (size_t)snprintf(list + used, LISTED_SIZE - used, "%s%s (%s)",
			used ? ", " : ": ", unknown_reason__sentence(reason),
			NUMBER(report->unknown[reason]));
	}
}

/* A report by another hand may have a sum alone. */
static void reasons__add_missed(struct sentences *reasons, const struct report *report)
{
	uint64_t connections = report->missed_kinds[MISSED_CONNECTIONS];
	uint64_t processes = report->missed_kinds[MISSED_PROCESSES];
	uint64_t named = connections;

	count__add(&named, processes);
	if (connections)
		sentences__add(reasons,
			"%s connection%s not tracked, because too many were open at once",
			NUMBER(connections), connections == 1 ? " was" : "s were");
	if (processes)
		/* one without an account is counted at each of its calls */
		sentences__add(reasons,
			"up to %s process%s not identified, because too many called at once",
			NUMBER(processes), processes == 1 ? " was" : "es were");
	if (report->missed > named)
		sentences__add(reasons,
			"%s connection%s or process%s not tracked, because there were too many at once",
			NUMBER(report->missed - named), plural(report->missed - named),
			report->missed - named == 1 ? " was" : "es were");
}

static void reasons__add_unread(struct sentences *reasons, const struct report *report)
{
	struct tally unknown = report__tally(report, CLASS_UNKNOWN);
	char list[LISTED_SIZE];

	if (unknown.calls) {
		unknown__list(list, report);
		sentences__add(reasons, "%s call%s could not be read%s", NUMBER(unknown.calls),
			plural(unknown.calls), list);
	}
	if (report->lost)
		sentences__add(reasons,
			"%s event%s lost: the calls are counted, but their paths and times are not known",
			NUMBER(report->lost), report->lost == 1 ? " was" : "s were");
	reasons__add_missed(reasons, report);
}

/* EC2 is taken to have nothing where a foreign call goes; the root aside, an answer says otherwise.
 */
static void reasons__add_served(struct sentences *reasons, const struct report *report)
{
	uint64_t served = report__foreign_served(report);

	if (served)
		sentences__add(reasons,
			"%s foreign call%s %s answered with success, so something is served there",
			NUMBER(served), plural(served), served == 1 ? "was" : "were");
}

static int watch__compare_watched(const void *left, const void *right)
{
	const struct watch *a = *(const struct watch *const *)left;
	const struct watch *b = *(const struct watch *const *)right;

	if (a->watched != b->watched)
		return a->watched < b->watched ? -1 : 1;
	return strcmp(a->machine_id, b->machine_id);
}

static void reasons__add_short(struct sentences *reasons, const struct report *report,
	const struct watch *watches, size_t count, int64_t min_window)
{
	_free_ const struct watch **late = calloc(count + 1, sizeof(*late));
	char watched[32], asked[32];
	struct shown shown;
	size_t late_count = 0;

	if (!late) {
		reasons->error = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < count; i++)
		if (watches[i].watched < min_window)
			late[late_count++] = &watches[i];
	qsort(late, late_count, sizeof(*late), watch__compare_watched);
	min_window__format(asked, sizeof(asked), min_window);
	for (size_t i = 0; i < late_count && i < HOSTS_NAMED; i++) {
		duration__format(watched, sizeof(watched), late[i]->watched);
		shown = watch__host(late[i], report);
		if (!late[i]->watched)
			sentences__add(reasons, "host %.*s was not watched, and %s is required",
				shown.size, shown.text, asked);
		else
			sentences__add(reasons,
				"host %.*s was watched for %s, less than the %s required",
				shown.size, shown.text, watched, asked);
	}
	if (late_count > HOSTS_NAMED)
		sentences__add(reasons, "%s more host%s watched for less than %s",
			NUMBER(late_count - HOSTS_NAMED),
			late_count - HOSTS_NAMED == 1 ? " was" : "s were", asked);
}

static uint64_t report__calls(const struct report *report)
{
	uint64_t calls = 0;

	for (int c = 0; c < CLASS_COUNT; c++)
		count__add(&calls, report__tally(report, c).calls);
	return calls;
}

static void reasons__add_few(
	struct sentences *reasons, const struct report *report, uint64_t required)
{
	uint64_t calls = report__calls(report);

	if (calls < required)
		sentences__add(reasons, "%s call%s seen, fewer than the %s required", NUMBER(calls),
			calls == 1 ? " was" : "s were", NUMBER(required));
}

/* "web-1, web-2 and 3 more", of the hosts for which concerned holds; how many these are. */
static size_t watches__list(char list[LISTED_SIZE], const struct report *report,
	const struct watch *watches, size_t count, bool (*concerned)(const struct watch *))
{
	size_t used = 0, found = 0;

	list[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		struct shown shown = watch__host(&watches[i], report);

		if (!concerned(&watches[i]) || ++found > HOSTS_NAMED || used >= LISTED_SIZE)
			continue;
		used += (size_t)snprintf(list + used, LISTED_SIZE - used, "%s%.*s",
			used ? ", " : "", shown.size, shown.text);
	}
	if (found > HOSTS_NAMED && used < LISTED_SIZE)
		snprintf(list + used, LISTED_SIZE - used, " and %s more",
			NUMBER(found - HOSTS_NAMED));
	return found;
}

static bool watch__has_gaps(const struct watch *watch)
{
	return watch->gaps > 0;
}

static bool watch__has_rehearsals_alone(const struct watch *watch)
{
	return watch->rehearsals && !watch->windows;
}

static bool watch__missed_boot(const struct watch *watch)
{
	return watch->boot_known && !watch->boot_watched;
}

/* Who was not in the scope may have called as it likes. */
static void reasons__add_rehearsals(struct sentences *reasons, const struct report *report,
	const struct watch *watches, size_t count)
{
	char list[LISTED_SIZE];

	if (watches__list(list, report, watches, count, watch__has_rehearsals_alone))
		sentences__add(reasons,
			"only a rehearsal ran on %s, and it covers no other software", list);
}

static void reasons__add_rehearsed_calls(struct sentences *reasons, const struct report *report)
{
	struct rehearsal_sums sums;

	report__rehearsal_sums(report, &sums);
	if (sums.rejected)
		sentences__add(reasons, "note: %s of the IMDSv1 calls %s refused by a rehearsal",
			NUMBER(sums.rejected), sums.rejected == 1 ? "was" : "were");
}

/* Nothing before it counts, and where that could not be told, it counts. */
static void reasons__add_since(struct sentences *reasons, const struct report *report)
{
	char since[RFC3339_SIZE];

	if (!report->since)
		return;
	clock__format(since, report->since);
	sentences__add(reasons, "note: only what was called since %.10s %.8s UTC counts%s", since,
		since + strlen("2026-01-01T"),
		report->at_most
			? "; where calls went on across that time, or have no time, they are counted whole, so counts are upper bounds"
			: "");
}

static bool watch__opened_before(const struct watch *watch)
{
	return watch->opened_known && watch->opened;
}

static void reasons__add_opened_before(struct sentences *reasons, const struct report *report,
	const struct watch *watches, size_t count)
{
	char list[LISTED_SIZE], delay[32];
	uint64_t opened = 0;
	int64_t longest = 0;

	for (size_t i = 0; i < count; i++) {
		if (!watch__opened_before(&watches[i]))
			continue;
		count__add(&opened, watches[i].opened);
		if (watches[i].boot_delay > longest)
			longest = watches[i].boot_delay;
	}
	if (!watches__list(list, report, watches, count, watch__opened_before))
		return;
	duration__format(delay, sizeof(delay), longest);
	sentences__add(reasons,
		"note: at the boot of %s, %" PRIu64
		" TCP connection%s had been opened before the trace began, %s into it: calls on %s were not seen",
		list, opened, plural(opened), delay, opened == 1 ? "it" : "them");
}

/* What does not change the verdict, yet whoever relies on it should know. */
static void reasons__add_notes(struct sentences *reasons, const struct report *report,
	const struct watch *watches, size_t count)
{
	char list[LISTED_SIZE], longest[32];
	int64_t longest_gap = 0;
	size_t gaps = 0, hosts;

	for (size_t i = 0; i < count; i++) {
		gaps += watches[i].gaps;
		if (watches[i].longest_gap > longest_gap)
			longest_gap = watches[i].longest_gap;
	}
	if (watches__list(list, report, watches, count, watch__has_gaps)) {
		duration__format(longest, sizeof(longest), longest_gap);
		sentences__add(reasons, "note: %s was not watched all the time: %s gap%s, %s%s",
			list, NUMBER(gaps), plural(gaps), gaps == 1 ? "of " : "the longest ",
			longest);
	}
	reasons__add_since(reasons, report);
	hosts = watches__list(list, report, watches, count, watch__missed_boot);
	if (hosts)
		sentences__add(reasons,
			"note: %s did not boot while it was watched, and cloud-init and user data call the metadata service at boot",
			list);
	reasons__add_opened_before(reasons, report, watches, count);
}

/* What a ready verdict rests on. */
static void reasons__add_ready(struct sentences *reasons, const struct report *report,
	const struct watch *watches, size_t count)
{
	int64_t shortest = INT64_MAX;
	uint64_t seen = report__calls(report);
	char watched[32];

	for (size_t i = 0; i < count; i++)
		if (watches[i].watched < shortest)
			shortest = watches[i].watched;
	if (!count) {
		sentences__add(reasons, "no caller called IMDSv1 (%s call%s seen)", NUMBER(seen),
			plural(seen));
		return;
	}
	duration__format(watched, sizeof(watched), shortest);
	sentences__add(reasons,
		"no caller called IMDSv1: %s call%s seen, %s host%s watched for %s%s", NUMBER(seen),
		plural(seen), NUMBER(count), plural(count), count == 1 ? "" : "at least ", watched);
}

/* Those that called v1, but not any more when they were seen last. */
static void reasons__add_fixed(struct sentences *reasons, const struct report *report)
{
	uint64_t calls = 0;
	size_t callers = 0;

	for (size_t i = 0; i < report->caller_count; i++) {
		if (!report->callers[i]->fixed_since)
			continue;
		callers++;
		count__add(&calls, report->callers[i]->calls[CLASS_V1]);
	}
	if (callers)
		sentences__add(reasons, "note: %s of them %s been fixed since (%s of the calls)",
			NUMBER(callers), callers == 1 ? "has" : "have", NUMBER(calls));
}

void reasons__find(struct sentences *reasons, enum verdict *verdict, const struct report *report,
	const struct verdict_options *options, const struct watch *watches, size_t count)
{
	struct tally v1 = report__tally(report, CLASS_V1);
	struct tally foreign = report__tally(report, CLASS_FOREIGN);

	if (v1.calls)
		reasons__add_calls(reasons, &v1, "called IMDSv1", "IMDSv1");
	if (options->strict && foreign.calls)
		reasons__add_calls(
			reasons, &foreign, "called another cloud's metadata service", "foreign");
	*verdict = reasons->count ? VERDICT_BLOCKED : VERDICT_READY;
	reasons__add_fixed(reasons, report);
	reasons__add_unread(reasons, report);
	reasons__add_served(reasons, report);
	if (options->min_window > 0 && !report->window_count)
		sentences__add(reasons, "the report does not say how long any host was watched");
	else if (options->min_window > 0)
		reasons__add_short(reasons, report, watches, count, options->min_window);
	if (options->left_out)
		sentences__add(reasons, "%s report%s given could not be counted",
			NUMBER(options->left_out), plural(options->left_out));
	reasons__add_few(reasons, report, options->require_calls);
	reasons__add_rehearsals(reasons, report, watches, count);
	if (*verdict == VERDICT_BLOCKED) {
		reasons__add_rehearsed_calls(reasons, report);
		reasons__add_since(reasons, report);
		return;
	}
	if (reasons->count)
		*verdict = VERDICT_INCONCLUSIVE;
	else
		reasons__add_ready(reasons, report, watches, count);
	reasons__add_notes(reasons, report, watches, count);
}
