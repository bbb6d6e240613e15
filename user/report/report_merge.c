/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Two reports into one, no call counted twice. What tells is their windows. */
#include <errno.h>
#include <string.h>

#include "report/report_index.h"

/* How other's windows lie in report. */
struct overlap {
	size_t shared;
	size_t held;  /* of these, as late or later in report: other knows nothing newer */
	size_t late;  /* of these, as late or later in report, of whatever machine */
	size_t newer; /* of these, as late or later in other, and perhaps of the same machine */
};

bool report__is_of_one(const struct report *report)
{
	for (size_t i = 1; i < report->window_count; i++)
		if (strcmp(report->windows[i].host, report->windows[0].host))
			return false;
	return !report->copies && report->host_count <= 1;
}

/* The calls of the machine whose window it is; NULL: not known. */
static const uint64_t *window__calls(
	const struct report *report, bool of_one, const struct window *window)
{
	if (window->has_calls)
		return window->calls;
	return of_one && report->window_count == 1 ? report->totals : NULL;
}

/* Whether a later state of part, as far as the windows say, is whole. */
static bool window__holds(const struct window *whole, const uint64_t *whole_calls,
	const struct window *part, const uint64_t *part_calls)
{
	if (whole->end < part->end || whole->start > part->start)
		return false;
	return !whole_calls || !part_calls || counts__cover(whole_calls, part_calls, CLASS_COUNT);
}

static struct overlap report__overlap(const struct report *report, const struct report *other)
{
	bool other_of_one = report__is_of_one(other), of_one = report__is_of_one(report);
	struct overlap overlap = {0};

	for (size_t i = 0; i < other->window_count; i++) {
		const uint64_t *their_calls =
			window__calls(other, other_of_one, &other->windows[i]);
		struct window theirs = other->windows[i];
		bool shared = false, held = false, late = false, newer = false;

		for (theirs.copy = 0; theirs.copy <= report->copies; theirs.copy++) {
			const struct window *ours = report__find_window(report, &theirs);
			const uint64_t *calls = ours ? window__calls(report, of_one, ours) : NULL;

			shared |= ours != NULL;
			held |= ours && window__holds(ours, calls, &theirs, their_calls);
			late |= ours && ours->end >= theirs.end;
			newer |= ours && window__holds(&theirs, their_calls, ours, calls);
		}
		overlap.shared += shared;
		overlap.held += held;
		overlap.late += late;
		overlap.newer += newer;
	}
	return overlap;
}

/* Whether no host of other is one of report's. */
static bool report__hosts_are_new(const struct report *report, const struct report *other)
{
	for (size_t i = 0; i < other->host_count; i++)
		if (report__find_host(report, report_host__id(&other->hosts[i])))
			return false;
	return other->host_count > 0;
}

/* Those of other's hosts that are no samples: they can be counted only if none is counted already.
 */
static void caller__fold_unsampled_hosts(
	struct caller *caller, const struct caller *other, bool hosts_are_new)
{
	uint64_t unsampled = other->hosts_total - other->host_count;

	if (!unsampled)
		return;
	if (hosts_are_new || caller->hosts_total == 0) {
		count__add(&caller->hosts_total, unsampled);
		return;
	}
	caller->hosts_exact = false;
	if (caller->hosts_total < other->hosts_total)
		caller->hosts_total = other->hosts_total;
}

/* Exact as long as it is certain that no host is counted twice: the samples are all of the caller's
 * hosts, or other's are new to the report. Else the count stays behind, and says so. */
static int caller__fold_hosts(struct caller *caller, const struct caller *other, bool hosts_are_new)
{
	bool complete = caller->hosts_total <= caller->host_count;

	caller->hosts_exact &= other->hosts_exact;
	caller__fold_unsampled_hosts(caller, other, hosts_are_new);
	for (unsigned int i = 0; i < other->host_count; i++) {
		if (caller__has_host(caller, other->hosts[i]))
			continue;
		if (!complete && !hosts_are_new) {
			caller->hosts_exact = false;
			continue;
		}
		count__add(&caller->hosts_total, 1);
		if (caller__sample_host(caller, other->hosts[i]))
			return -ENOMEM;
	}
	return 0;
}

/* The sample is the same container in both, and counts once. */
static void caller__fold_containers(struct caller *caller, const struct caller *other)
{
	uint64_t before = caller->containers;

	caller__add_container(caller, other->workload.container.id);
	if (other->containers)
		count__add(&caller->containers,
			other->containers - (caller->containers != before || before));
}

static void caller__fold_fixed(struct caller *caller, const struct caller *other)
{
	count__add(&caller->hosts_fixed, other->hosts_fixed);
	for (int c = 0; c < CLASS_COUNT; c++) {
		count__add(&caller->fixed[c], other->fixed[c]);
		count__add(&caller->fixed_unwatched[c], other->fixed_unwatched[c]);
		for (int o = 0; o < OUTCOME_COUNT; o++)
			count__add(&caller->fixed_answers[c][o], other->fixed_answers[c][o]);
	}
	caller->at_most |= other->at_most;
}

static int caller__fold(struct report *report, struct caller *caller, const struct caller *other,
	bool hosts_are_new)
{
	uint64_t answers[CLASS_COUNT][OUTCOME_COUNT];
	int error = caller__fold_hosts(caller, other, hosts_are_new);

	for (unsigned int i = 0; !error && i < other->agent_count; i++)
		error = caller__add_agent(report, caller, other->agents[i]);
	for (size_t i = 0; !error && i < other->path_count; i++)
		error = caller__add_path(report, caller, &other->paths[i]);
	for (unsigned int i = 0; !error && i < other->forwards_count; i++)
		error = caller__add_forwarded(caller, other->forwards[i]);
	if (!error)
		error = caller__go_through(caller, other->through);
	if (error)
		return error;
	count__add(&caller->forwarded, other->forwarded);
	for (unsigned int i = 0; i < other->pid_count; i++)
		caller__add_pid(caller, other->pids[i]);
	count__add(&caller->processes, other->processes);
	caller__fold_containers(caller, other);
	/* there the last column says how many cannot be told, here how many got no answer */
	memcpy(answers, other->answers, sizeof(answers));
	for (int c = 0; c < CLASS_COUNT; c++)
		answers[c][OUTCOME_NONE] = other->unwatched[c];
	for (int reason = 0; reason < UNKNOWN_REASONS; reason++)
		count__add(&caller->unknown[reason], other->unknown[reason]);
	span__widen(&caller->first, &caller->last, other->first, other->last);
	caller__add_rehearsal(caller, &other->rehearsal);
	report__add_calls(caller, other->calls, answers);
	caller__fold_fixed(caller, other);
	return 0;
}

static int report__add_callers(struct report *report, const struct report *other)
{
	bool hosts_are_new = report__hosts_are_new(report, other);

	for (size_t i = 0; i < other->caller_count; i++) {
		struct caller *caller = report__caller_like(report, other->callers[i]);
		int error = caller ? caller__fold(report, caller, other->callers[i], hosts_are_new)
				   : -ENOMEM;

		if (error)
			return error;
		other->callers[i]->into = caller;
	}
	return 0;
}

static int report__add_timeline(struct report *report, const struct report *other)
{
	for (size_t i = 0; i < other->timeline_count; i++) {
		int error =
			report__add_bucket(report, &other->timeline[i], other->timeline_seconds);

		if (error)
			return error;
	}
	return 0;
}

/* Of one machine so far: beside a copy, its windows say which calls are its own. */
static void report__note_calls(struct report *report)
{
	if (!report__is_of_one(report))
		return;
	for (size_t i = 0; i < report->window_count; i++) {
		report->windows[i].has_calls = true;
		memcpy(report->windows[i].calls, report->totals, sizeof(report->totals));
	}
}

/* Where they share a window, all of other's are a copy's. */
static int report__add_windows(struct report *report, const struct report *other)
{
	struct overlap overlap = report__overlap(report, other);
	bool of_one = report__is_of_one(other);
	unsigned int copies = overlap.shared ? report->copies + 1 : 0;
	int error = copies + other->copies > REPORT_COPIES_MAX ? -EEXIST : 0;

	if (!error && copies)
		report__note_calls(report);
	for (size_t i = 0; !error && i < other->window_count; i++) {
		struct window window = other->windows[i];
		const uint64_t *calls = window__calls(other, of_one, &window);

		window.copy += copies;
		if (copies && calls && !window.has_calls) {
			window.has_calls = true;
			memcpy(window.calls, calls, sizeof(window.calls));
		}
		error = report__add_window(report, &window);
	}
	return error;
}

int report__add(struct report *report, const struct report *other)
{
	bool rehearsed = report->rehearsal.scope || other->rehearsal.scope;
	struct rehearsal_sums before = {0};
	int error;

	/* Of its own windows. */
	if (rehearsed)
		report__rehearsal_sums(report, &before);
	/* Before anything that could not be taken back. */
	error = report__add_windows(report, other);
	/* Before what its sums are made of. */
	if (!error && rehearsed)
		error = report__add_rehearsal(report, &before, other);

	/* Before the hosts: whether a caller's hosts are new to the report is asked there. */
	if (!error)
		error = report__add_callers(report, other);
	for (size_t i = 0; !error && i < other->host_count; i++)
		error = report__add_host(report, &other->hosts[i]);
	if (!error)
		error = report__add_timeline(report, other);
	if (error)
		return error;
	for (int c = 0; c < CLASS_COUNT; c++)
		count__add(&report->totals[c], other->totals[c]);
	for (int reason = 0; reason < UNKNOWN_REASONS; reason++)
		count__add(&report->unknown[reason], other->unknown[reason]);
	if (other->since > report->since)
		report->since = other->since;
	report->at_most |= other->at_most;
	count__add(&report->lost, other->lost);
	count__add(&report->missed, other->missed);
	for (int kind = 0; kind < MISSED_KINDS; kind++)
		count__add(&report->missed_kinds[kind], other->missed_kinds[kind]);
	return 0;
}

static int report__replace(struct report *report, const struct report *other)
{
	struct report *fresh = report__new(), old = *report;
	int error = fresh ? report__add(fresh, other) : -ENOMEM;

	if (!error) {
		*report = *fresh;
		*fresh = old;
	}
	report__free(fresh);
	return error;
}

bool report__covers(const struct report *whole, const struct report *part)
{
	return part->window_count && report__overlap(whole, part).held == part->window_count &&
	       report__says_all(whole, part);
}

/* Whether part, which whole does not cover, is not what a machine of whole became: whole holds all
 * its windows as late and would say all that it does, or what it says is less. */
static bool report__is_another(const struct report *whole, const struct report *part)
{
	struct overlap overlap = report__overlap(whole, part);

	return report__is_of_one(part) &&
	       (overlap.late == part->window_count || !(overlap.held || overlap.newer));
}

int report__merge(struct report *report, const struct report *other)
{
	struct overlap overlap = report__overlap(report, other);

	/* Neither can cover the other then, which is not asked, because it would look at every
	 * window of the sum for each report that is added. */
	if (!overlap.shared)
		return report__add(report, other);
	if (report__covers(report, other))
		return 0;
	if (report__covers(other, report))
		return report__replace(report, other);
	if (report__is_another(report, other) || report__is_another(other, report))
		return report__add(report, other);
	return -EEXIST;
}
