/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "report/rehearsal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/report_index.h"

#define SCOPES_SIZE_MAX 1024 /* bytes of the scopes that a merged report names */
#define MORE_SCOPES     ", ..."

bool caller__recovered(const struct caller *caller)
{
	const struct caller_rehearsal *rehearsal = &caller->rehearsal;

	return rehearsal->rejected && rehearsal->recovered &&
	       rehearsal->recovered >= rehearsal->processes;
}

static bool report__rehearsed_host(const struct report *report, const char *host)
{
	for (size_t i = 0; i < report->window_count; i++)
		if (report->windows[i].rehearsal && !strcmp(report->windows[i].host, host))
			return true;
	return false;
}

bool caller__was_rehearsed_everywhere(const struct caller *caller, const struct report *report)
{
	if (caller->hosts_total <= 1)
		return true;
	for (unsigned int i = 0; i < caller->host_count; i++)
		if (!report__rehearsed_host(report, caller->hosts[i]))
			return false;
	return caller->hosts_exact && caller->hosts_total <= caller->host_count;
}

bool caller__rehearsed(const struct caller *caller)
{
	const struct caller_rehearsal *rehearsal = &caller->rehearsal;

	return rehearsal->rejected || rehearsal->unproven || rehearsal->not_covered;
}

uint64_t caller__rehearsed_calls(const struct caller *caller)
{
	uint64_t calls = caller->rehearsal.rejected;

	count__add(&calls, caller->rehearsal.unproven);
	return calls;
}

/* Whether list, of names that ", " separates, has name. */
static bool scopes__have(const char *list, const char *name)
{
	size_t size = strlen(name);

	for (const char *at = list; *at && (at = strstr(at, name)); at++) {
		bool begins = at == list || (at - list >= 2 && !strncmp(at - 2, ", ", 2));
		bool ends = !at[size] || !strncmp(at + size, ", ", 2);

		if (begins && ends)
			return true;
	}
	return false;
}

int report__set_rehearsal(struct report *report, const char *scope)
{
	char *known = report->rehearsal.scope, *scopes;

	if (!known)
		return text__copy(&report->rehearsal.scope, scope);
	if (!*scope || scopes__have(known, scope) || scopes__have(known, "..."))
		return 0;
	if (strlen(known) + strlen(scope) + strlen(", ") > SCOPES_SIZE_MAX)
		scope = "...";
	if (asprintf(&scopes, "%s, %s", known, scope) < 0)
		return -ENOMEM;
	free(known);
	report->rehearsal.scope = scopes;
	return 0;
}

int report__set_command_end(struct report *report, const char *sentence)
{
	char *copy;

	if (text__copy(&copy, sentence))
		return -ENOMEM;
	free(report->rehearsal.command_end);
	report->rehearsal.command_end = copy;
	return 0;
}

bool report__is_rehearsal(const struct report *report)
{
	for (size_t i = 0; i < report->window_count; i++)
		if (!report->windows[i].rehearsal)
			return false;
	return report->rehearsal.scope;
}

static uint64_t report__requests(const struct report *report)
{
	uint64_t requests = 0;

	for (int c = 0; c < CLASS_COUNT; c++)
		count__add(&requests, report->totals[c]);
	return requests;
}

static uint64_t report__unread(const struct report *report)
{
	uint64_t unread = report->totals[CLASS_UNKNOWN];

	count__add(&unread, report->lost);
	count__add(&unread, report->missed);
	return unread;
}

/* Beside traces: what the rehearsals before counted, and the one that is under way. */
static uint64_t rehearsal__count(
	const struct report_rehearsal *rehearsal, uint64_t earlier, uint64_t before, uint64_t now)
{
	if (rehearsal->under_way)
		count__add(&earlier, now - before);
	return earlier;
}

void report__rehearsal_sums(const struct report *report, struct rehearsal_sums *sums)
{
	const struct report_rehearsal *rehearsal = &report->rehearsal;
	uint64_t requests = report__requests(report), unread = report__unread(report);
	bool alone = report__is_rehearsal(report);

	if (!alone) {
		requests = rehearsal__count(
			rehearsal, rehearsal->requests, rehearsal->requests_before, requests);
		unread = rehearsal__count(
			rehearsal, rehearsal->unread, rehearsal->unread_before, unread);
	}
	*sums = (struct rehearsal_sums){
		.requests = requests,
		.unread = unread,
		.rejected = rehearsal->rejected,
		.broken_calls = rehearsal->rejected,
		.unproven = rehearsal->unproven,
		.not_covered = rehearsal->not_covered,
	};
	for (size_t i = 0; i < report->caller_count; i++) {
		const struct caller *caller = report->callers[i];

		count__add(&sums->rejected, caller->rehearsal.rejected);
		count__add(&sums->unproven, caller->rehearsal.unproven);
		count__add(&sums->not_covered, caller->rehearsal.not_covered);
		if (caller__recovered(caller)) {
			sums->recovered++;
		} else if (caller->rehearsal.rejected) {
			sums->broken++;
			count__add(&sums->broken_calls, caller->rehearsal.rejected);
		}
		if (alone && !caller__rehearsed(caller))
			count__add(&sums->let_through, caller->calls[CLASS_V1]);
	}
	/* what was written and read again is nobody's */
	sums->let_through -=
		sums->let_through < rehearsal->unproven ? sums->let_through : rehearsal->unproven;
	count__add(&sums->unproven, sums->let_through);
}

int report__begin_rehearsal(struct report *report, const char *scope)
{
	struct report_rehearsal *rehearsal = &report->rehearsal;
	struct rehearsal_sums before;

	report__rehearsal_sums(report, &before);
	rehearsal->requests = before.requests;
	rehearsal->unread = before.unread;
	count__add(&rehearsal->unproven, before.let_through);
	rehearsal->under_way = true;
	rehearsal->requests_before = report__requests(report);
	rehearsal->unread_before = report__unread(report);
	return report__set_rehearsal(report, scope);
}

int report__add_rehearsal(
	struct report *report, const struct rehearsal_sums *before, const struct report *other)
{
	struct report_rehearsal *rehearsal = &report->rehearsal;
	struct rehearsal_sums theirs;
	int error = 0;

	report__rehearsal_sums(other, &theirs);
	if (other->rehearsal.scope)
		error = report__set_rehearsal(report, other->rehearsal.scope);
	if (!error && other->rehearsal.command_end)
		error = report__set_command_end(report, other->rehearsal.command_end);
	if (error)
		return error;
	rehearsal->requests = before->requests;
	rehearsal->unread = before->unread;
	count__add(&rehearsal->requests, theirs.requests);
	count__add(&rehearsal->unread, theirs.unread);
	count__add(&rehearsal->rejected, other->rehearsal.rejected);
	count__add(&rehearsal->unproven, before->let_through);
	count__add(&rehearsal->unproven, other->rehearsal.unproven);
	count__add(&rehearsal->unproven, theirs.let_through);
	count__add(&rehearsal->not_covered, other->rehearsal.not_covered);
	return 0;
}

void caller__add_rehearsal(struct caller *caller, const struct caller_rehearsal *more)
{
	struct caller_rehearsal *rehearsal = &caller->rehearsal;

	count__add(&rehearsal->rejected, more->rejected);
	count__add(&rehearsal->unproven, more->unproven);
	count__add(&rehearsal->not_covered, more->not_covered);
	count__add(&rehearsal->processes, more->processes);
	count__add(&rehearsal->recovered, more->recovered);
	count__add(&rehearsal->restarted, more->restarted);
	if (more->ended)
		rehearsal->wait_status = more->wait_status;
	count__add(&rehearsal->ended, more->ended);
	if (more->recovered_after > rehearsal->recovered_after)
		rehearsal->recovered_after = more->recovered_after;
	caller__settle(caller);
}

void report__forget_rehearsal(struct report *report)
{
	free(report->rehearsal.scope);
	free(report->rehearsal.command_end);
	report->rehearsal = (struct report_rehearsal){0};
	for (size_t i = 0; i < report->caller_count; i++) {
		struct caller *caller = report->callers[i];

		count__add(&caller->unwatched[CLASS_V1], caller__rehearsed_calls(caller));
		caller->rehearsal = (struct caller_rehearsal){.wait_status = -1};
	}
}
