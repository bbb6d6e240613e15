/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "trace/rehearsing.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "lib/clock.h"
#include "lib/complain.h"
#include "lib/exit_status.h"
#include "lib/scope.h"
#include "process/procfs.h"
#include "trace/recovery.h"
#include "trace/rehearsal_hooks.h"
#include "verdict/rehearsal_verdict.h"

#define GRACE     NSEC_PER_SEC /* for who was rejected last to go on, at most */
#define GRACE_MS  50           /* a part of it */
#define NAMED_MAX 64

struct rehearsing {
	const struct process_scope *scope;
	struct rehearsal_hooks *hooks;
	struct recovery *recovery;
	struct tracer *tracer;
	struct process_cache *process_cache;
	struct report *report;
	const char *host;
	bool over; /* nothing is rejected any more */
	bool last; /* the accounts are looked at for the last time */
};

int rehearsing__new(struct rehearsing **rehearsing, const struct process_scope *scope,
	const struct tracer_addition **addition)
{
	struct rehearsing *created = calloc(1, sizeof(*created));
	int error = created ? rehearsal_hooks__new(&created->hooks, scope) : -ENOMEM;

	if (!error) {
		created->scope = scope;
		created->recovery = recovery__new(created->hooks, scope);
		error = created->recovery ? 0 : -ENOMEM;
	}
	if (!error) {
		*addition = rehearsal_hooks__addition(created->hooks);
		*rehearsing = created;
		return 0;
	}
	rehearsing__free(created);
	if (error == -EBUSY)
		return complain_errno(EBUSY, "another rehearsal of %s is running", scope->name);
	return complain_errno(-error, "the rehearsal cannot begin: %s", strerror(-error));
}

void rehearsing__free(struct rehearsing *rehearsing)
{
	if (!rehearsing)
		return;
	recovery__free(rehearsing->recovery);
	rehearsal_hooks__free(rehearsing->hooks);
	free(rehearsing);
}

bool rehearsing__concerns(struct rehearsing *rehearsing, struct member *member)
{
	struct process_stats stats;

	if (!member->in_scope)
		member->in_scope = rehearsing->scope->kind == SCOPE_ALL ||
				   rehearsal_hooks__had(rehearsing->hooks, &member->key) ||
				   (!tracer__stats(rehearsing->tracer, &member->key, &stats) &&
					   stats.in_scope);
	/* who sends on another's connection, or through an address that is translated, has not
	 * connected to the endpoint */
	if (!member->in_scope && !member->asked_scope) {
		member->asked_scope = true;
		member->in_scope = rehearsal_hooks__has(rehearsing->hooks, member->process);
	}
	return member->in_scope;
}

/* Who called v1 and was not rejected has a connection that is not covered, also where it is not
 * known which. */
static void rehearsing__doubt(struct member *member, struct caller *caller)
{
	static const struct caller_rehearsal one = {.not_covered = 1, .wait_status = -1};

	if (member->uncovered && !caller->rehearsal.not_covered)
		caller__add_rehearsal(caller, &one);
	member->uncovered = false;
}

/* See process_cache__set_filter(). The report's totals are those of the scope. */
static bool rehearsing__counts(
	void *context, struct member *member, const struct process_stats *stats)
{
	struct rehearsing *rehearsing = context;
	const struct process_stats *before = &member->counted;
	uint64_t any = stats->rehearsed | stats->not_covered;
	struct caller *caller;

	member->in_scope |= stats->in_scope;
	if (!rehearsing__concerns(rehearsing, member))
		return false;
	for (int cls = 0; cls < CLASS_COUNT; cls++) {
		count__add(
			&rehearsing->report->totals[cls], stats->calls[cls] - before->calls[cls]);
		any |= stats->calls[cls];
	}
	caller = any ? process_cache__caller(rehearsing->process_cache, member) : NULL;
	if (!caller)
		return true;
	recovery__count(
		rehearsing->recovery, member, caller, stats, rehearsing->last || member->gone);
	if (rehearsing->last || member->gone)
		rehearsing__doubt(member, caller);
	return true;
}

/* Names who has a connection open that could not be taken in. 0 or -ENOMEM. */
static int rehearsing__name_left_out(struct rehearsing *rehearsing)
{
	uint32_t pids[NAMED_MAX];
	size_t count = rehearsal_hooks__left_out(rehearsing->hooks, pids, NAMED_MAX);
	uint64_t unnamed = rehearsal_hooks__not_covered(rehearsing->hooks);

	for (size_t i = 0; i < count; i++) {
		_close_ int directory = procfs__open_any(pids[i]);
		struct caller_rehearsal one = {.not_covered = 1, .wait_status = -1};
		struct process_key key = {.pid = pids[i]};
		struct procfs_stat stat;
		struct process *process;
		struct caller *caller;

		if (directory < 0 || procfs__stat(directory, &stat))
			continue;
		key.start_ns = procfs__start_ns(&stat);
		process = process__from_proc(&key);
		caller = process ? report__caller(
					   rehearsing->report, process, true, rehearsing->host)
				 : NULL;
		process__free(process);
		if (!caller)
			return -ENOMEM;
		caller__add_rehearsal(caller, &one);
		unnamed--;
	}
	count__add(&rehearsing->report->rehearsal.not_covered, unnamed);
	return 0;
}

int rehearsing__begin(struct rehearsing *rehearsing, struct tracer *tracer,
	struct process_cache *process_cache, struct report *report, const char *host)
{
	int error = rehearsal_hooks__take_in(rehearsing->hooks);

	rehearsing->tracer = tracer;
	rehearsing->process_cache = process_cache;
	rehearsing->report = report;
	rehearsing->host = host;
	process_cache__set_filter(process_cache, rehearsing__counts, rehearsing);
	return error ? error : rehearsing__name_left_out(rehearsing);
}

/* make check-stress locked 5.10 up, for a reason that is not known; 7.2 went through it. */
static void rehearsing__warn(void)
{
	struct utsname kernel;

	if (!uname(&kernel) && !strncmp(kernel.release, "5.", 2))
		complain_warning(
			"a stress test of rehearsals locked Linux 5.10 up (imdstrace(8)): rehearse on a machine only that may be restarted");
}

void rehearsing__say(const struct rehearsing *rehearsing, int64_t duration)
{
	char span[64];

	rehearsing__warn();
	duration__format(span, sizeof(span), duration);
	if (rehearsing->scope->kind == SCOPE_COMMAND)
		snprintf(span, sizeof(span), "it ends");
	fprintf(stderr,
		"imdstrace: rehearsing with %s hooks: calls of %s without a token are rejected (401) %s %s; Ctrl-C ends it at once, and then all is as before\n",
		tracer__mode(rehearsing->tracer), rehearsing->scope->name,
		rehearsing->scope->kind == SCOPE_COMMAND ? "until" : "for", span);
}

int rehearsing__request(struct rehearsing *rehearsing, struct member *member, struct caller *caller,
	const struct request_record *record)
{
	static const struct caller_rehearsal one = {.not_covered = 1, .wait_status = -1};

	/* such a one is told once for each connection */
	if (record->cls == CLASS_UNKNOWN && record->reason == UNKNOWN_REDIRECTED &&
		!rehearsing->over)
		caller__add_rehearsal(caller, &one);
	if (record->cls == CLASS_V1 && !(record->flags & REQUEST_REHEARSED) && !rehearsing->over)
		member->uncovered = true;
	if (!member->has_stats)
		rehearsing__doubt(member, caller);
	return recovery__request(rehearsing->recovery, member, caller, record);
}

void rehearsing__sync(struct rehearsing *rehearsing)
{
	recovery__sync(rehearsing->recovery);
}

int rehearsing__end(struct rehearsing *rehearsing)
{
	int64_t deadline = clock__steady() + GRACE;
	int error = 0;

	rehearsing->over = true;
	tracer__end_rehearsal(rehearsing->tracer);
	while (!error && clock__steady() < deadline) {
		error = process_cache__sync(rehearsing->process_cache);
		recovery__sync(rehearsing->recovery);
		if (error || !recovery__awaits(rehearsing->recovery))
			break;
		tracer__poll(rehearsing->tracer, GRACE_MS);
	}
	rehearsal_hooks__stop(rehearsing->hooks);
	rehearsing->last = true;
	return error;
}

int rehearsing__status(const struct report *report)
{
	static const int statuses[] = {
		[REHEARSAL_SURVIVES] = EXIT_DONE,
		[REHEARSAL_BREAKS] = EXIT_BLOCKED,
		[REHEARSAL_INCONCLUSIVE] = EXIT_INCONCLUSIVE,
	};

	return statuses[report__rehearsal_verdict(report)];
}
