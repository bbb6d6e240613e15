/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* asprintf */
#endif
#include "trace/roster.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/scope.h"
#include "lib/text.h"
#include "process/procfs.h"

#define BUCKETS     4096 /* a power of two */
#define LINGER      (60 * NSEC_PER_SEC)
#define MEMBERS_MAX 16384 /* beyond, nobody who is gone lingers */
#define CROWD       1024  /* an eighth of the kernel's accounts */
#define SCARCE      6144  /* accounts: the kernel is running out of them */
#define SPARED_MAX  (30 * NSEC_PER_SEC)
#define SPARED_LESS (3 * NSEC_PER_SEC) /* while they are scarce */

struct roster {
	struct tracer *tracer;
	struct lookup *lookup;
	struct report *report;
	char *host;
	struct member *buckets[BUCKETS];
	size_t count;
	unsigned int added;    /* since the last sync */
	unsigned int accounts; /* that the last sync found */
	bool (*counts)(void *context, struct member *member, const struct process_stats *stats);
	void *context;
	bool blind; /* /proc does not show all processes, so that nobody is ever gone */
};

struct roster *roster__new(
	struct tracer *tracer, struct lookup *lookup, struct report *report, const char *host)
{
	struct roster *roster = calloc(1, sizeof(*roster));

	if (!roster)
		return NULL;
	roster->tracer = tracer;
	roster->lookup = lookup;
	roster->report = report;
	roster->host = strdup(host);
	if (roster->host)
		return roster;
	free(roster);
	return NULL;
}

void roster__ask(struct roster *roster,
	bool (*counts)(void *context, struct member *member, const struct process_stats *stats),
	void *context)
{
	roster->counts = counts;
	roster->context = context;
}

static void member__free(struct member *member)
{
	process__free(member->process);
	free(member);
}

int roster__move(struct roster *roster, const char *host)
{
	char *copy = strdup(host);

	if (!copy)
		return -ENOMEM;
	free(roster->host);
	roster->host = copy;
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct member *member = roster->buckets[i]; member; member = member->next)
			member->moved = true;
	return 0;
}

void roster__begin_report(struct roster *roster, struct report *report)
{
	roster->report = report;
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct member *member = roster->buckets[i]; member; member = member->next)
			member->caller = NULL;
}

void roster__free(struct roster *roster)
{
	if (!roster)
		return;
	for (size_t i = 0; i < BUCKETS; i++)
		while (roster->buckets[i]) {
			struct member *member = roster->buckets[i];

			roster->buckets[i] = member->next;
			member__free(member);
		}
	free(roster->host);
	free(roster);
}

/* All that one process has been, from exec to exec, is in one bucket. */
static struct member **roster__bucket(struct roster *roster, const struct process_key *key)
{
	uint64_t hash = (key->start_ns ^ key->pid * 0x9e3779b97f4a7c15ULL) * 0xff51afd7ed558ccdULL;

	return &roster->buckets[hash >> 32 & (BUCKETS - 1)];
}

static bool key__same_process(const struct process_key *a, const struct process_key *b)
{
	return a->start_ns == b->start_ns && a->pid == b->pid;
}

static bool key__equal(const struct process_key *a, const struct process_key *b)
{
	return key__same_process(a, b) && a->exec_count == b->exec_count;
}

/* Whether its process has called again after another exec: what it was before calls no more. */
static bool roster__is_replaced(struct roster *roster, const struct member *member)
{
	const struct member *other = *roster__bucket(roster, &member->key);

	while (other && (!key__same_process(&other->key, &member->key) ||
				other->key.exec_count <= member->key.exec_count))
		other = other->next;
	return other != NULL;
}

/* The kernel's capture, or what /proc still shows where there was no room for one. */
static struct process *roster__identify(struct roster *roster, const struct process_key *key)
{
	static struct identity identity;

	if (!tracer__take_identity(roster->tracer, key, &identity))
		return lookup__captured(roster->lookup, &identity);
	return lookup__shown(roster->lookup, key);
}

bool roster__accounts(struct roster *roster, struct member *member)
{
	struct process_stats stats;

	if (!member->accounted)
		member->accounted = !tracer__stats(roster->tracer, &member->key, &stats);
	return member->accounted;
}

/* Takes process, which may be NULL for want of memory. */
static struct member *roster__add(
	struct roster *roster, const struct process_key *key, struct process *process)
{
	struct member **bucket = roster__bucket(roster, key);
	struct member *member = process ? calloc(1, sizeof(*member)) : NULL;

	if (!member) {
		process__free(process);
		return NULL;
	}
	member->key = *key;
	member->process = process;
	roster__accounts(roster, member);
	member->called = clock__steady();
	member->next = *bucket;
	*bucket = member;
	roster->count++;
	roster->added++;
	return member;
}

static struct member *roster__look_up(struct roster *roster, const struct process_key *key)
{
	struct member *member = *roster__bucket(roster, key);

	while (member && !key__equal(&member->key, key))
		member = member->next;
	return member;
}

struct member *roster__find(struct roster *roster, const struct process_key *key)
{
	struct member *member = roster__look_up(roster, key);

	if (!member)
		member = roster__add(roster, key, roster__identify(roster, key));
	if (member)
		member->seen = clock__steady();
	return member;
}

/* "10.0.0.7 through veth1", as a process without anything else. NULL: no memory. */
static struct process *forwarded__process(
	const struct process_key *key, const struct forwarded_from *from, bool ipv6)
{
	struct process *process = calloc(1, sizeof(*process));
	char address[INET6_ADDRSTRLEN];
	_free_ char *device = text__utf8(from->device, strnlen(from->device, sizeof(from->device)));

	if (!process || !device)
		goto no_memory;
	process->key = *key;
	process->args_cut = true;
	process->args = calloc(1, sizeof(*process->args));
	inet_ntop(ipv6 ? AF_INET6 : AF_INET, from->source, address, sizeof(address));
	if (!process->args || asprintf(&process->comm, "%s through %s", address, device) < 0)
		goto no_memory;
	return process;
no_memory:
	if (process)
		process->comm = NULL;
	process__free(process);
	return NULL;
}

struct member *roster__forwarded(struct roster *roster, const struct request_record *record)
{
	struct forwarded_from from;
	struct process_key key = {0};
	struct member *member;
	__u64 halves[2];

	memcpy(&from, record->path, sizeof(from));
	memcpy(halves, from.source, sizeof(halves));
	/* no process has number 0, and so none has this key */
	key.start_ns = halves[0] ^ halves[1] * 0x9e3779b97f4a7c15ULL;
	key.exec_count = from.ifindex;
	member = roster__look_up(roster, &key);
	if (!member)
		member = roster__add(roster, &key,
			forwarded__process(&key, &from, record->family == FAMILY_IPV6));
	if (member)
		member->seen = clock__steady();
	return member;
}

struct caller *roster__caller(struct roster *roster, struct member *member)
{
	if (!member->caller || member->moved)
		member->caller = report__caller(
			roster->report, member->process, !member->caller, roster->host);
	member->moved = false;
	return member->caller;
}

/* The difference between an account and what was counted of it, added to the caller. */
static int roster__count(
	struct roster *roster, struct member *member, const struct process_stats *stats)
{
	uint64_t calls[CLASS_COUNT], answers[CLASS_COUNT][OUTCOME_COUNT], any = 0;
	struct caller *caller;

	member->accounted = true;
	if (roster->counts && !roster->counts(roster->context, member, stats)) {
		member->counted = *stats;
		return 0;
	}
	for (int cls = 0; cls < CLASS_COUNT; cls++) {
		calls[cls] = stats->calls[cls] - member->counted.calls[cls];
		any |= calls[cls];
		for (int outcome = 0; outcome < OUTCOME_COUNT; outcome++) {
			answers[cls][outcome] = stats->responses[cls][outcome] -
						member->counted.responses[cls][outcome];
			any |= answers[cls][outcome];
		}
	}
	if (!any) {
		member->counted = *stats; /* of a rehearsal it may hold something new */
		return 0;
	}
	caller = roster__caller(roster, member);
	if (!caller)
		return -ENOMEM;
	report__add_calls(caller, calls, tracer__responses(roster->tracer) ? answers : NULL);
	member->counted = *stats;
	member->called = clock__steady();
	return 0;
}

/* Its account goes; the member stays for a while. What it may still be blamed for, as a connection
 * that another process closes for it, is in no stats. */
static void roster__forget(struct roster *roster, struct member *member)
{
	tracer__forget(roster->tracer, &member->key);
	member->counted = (struct process_stats){};
	member->accounted = false;
}

/* Where nobody can be seen to be gone, who is silent must do when room is short: if it calls again,
 * the kernel opens another account for it. */
static bool roster__is_silent(const struct roster *roster, const struct member *member, int64_t now)
{
	return roster->blind && now - member->called >= LINGER;
}

/* Whether nobody asks for a member any more. One with an account is asked for at each sync: if it
 * was not known then, all its calls would be counted afresh. */
static bool roster__is_over(
	const struct roster *roster, struct member *member, int64_t now, bool full)
{
	if (member->accounted || (!full && now - member->seen < LINGER))
		return false;
	if (!member->gone)
		member->gone = procfs__is_gone(member->key.pid, member->key.start_ns);
	if (!member->gone)
		member->seen = now;
	return member->gone || (full && roster__is_silent(roster, member, now));
}

static void roster__expire(struct roster *roster)
{
	int64_t now = clock__steady();
	bool full = roster->count > MEMBERS_MAX;

	for (size_t i = 0; i < BUCKETS; i++)
		for (struct member **at = &roster->buckets[i]; *at;) {
			struct member *member = *at;

			if (!roster__is_over(roster, member, now, full)) {
				at = &member->next;
				continue;
			}
			*at = member->next;
			member__free(member);
			roster->count--;
		}
}

bool roster__is_crowded(const struct roster *roster)
{
	return roster->added >= CROWD;
}

static void member__ask(struct member *member, int64_t now, int64_t most)
{
	if (now - member->asked < (member->spared < most ? member->spared : most))
		return;
	member->gone = procfs__is_gone(member->key.pid, member->key.start_ns);
	member->asked = now;
	member->spared = member->spared ? 2 * member->spared : NSEC_PER_SEC;
	if (member->spared > SPARED_MAX)
		member->spared = SPARED_MAX;
}

int roster__sync(struct roster *roster)
{
	int64_t now = clock__steady();
	bool scarce = roster->accounts > SCARCE;
	struct process_key at, next;
	struct process_stats stats;
	int more = tracer__next_stats(roster->tracer, NULL, &next, &stats);

	roster->blind = !procfs__shows_all();
	for (roster->accounts = 0; !more; roster->accounts++) {
		struct member *member = roster__find(roster, &next);

		if (!member || roster__count(roster, member, &stats))
			return -ENOMEM;
		at = next;
		/* the next key is asked for while this one is still there to be found */
		more = tracer__next_stats(roster->tracer, &at, &next, &stats);
		if (member->gone || (scarce && roster__is_silent(roster, member, now)))
			roster__forget(roster, member);
		else if (roster__is_replaced(roster, member))
			member->gone = true;
		else
			member__ask(member, now, scarce ? SPARED_LESS : SPARED_MAX);
	}
	roster__expire(roster);
	roster->added = 0;
	return 0;
}
