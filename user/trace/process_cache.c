/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "trace/process_cache.h"

#include <arpa/inet.h>
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/scope.h"
#include "lib/text.h"
#include "process/procfs.h"

#define BUCKETS                    4096 /* a power of two */
#define LINGER                     (60 * NSEC_PER_SEC)
#define MEMBERS_MAX                16384 /* beyond, nobody who is gone lingers */
#define TRIM_MIN                   64    /* whose memory is worth a look for free pages */
#define ADDED_PRESSURE             1024  /* an eighth of the kernel's map */
#define STATS_PRESSURE             6144  /* entries of the kernel's map, of 8,192 */
#define RECHECK_MAX                (30 * NSEC_PER_SEC)
#define RECHECK_MAX_UNDER_PRESSURE (3 * NSEC_PER_SEC) /* while the kernel's map fills up */

struct process_cache {
	struct tracer *tracer;
	struct lookup *lookup;
	struct report *report;
	char *host;
	struct member *buckets[BUCKETS];
	size_t count;
	size_t most;              /* that it was since memory was given back */
	unsigned int added;       /* since the last sync */
	unsigned int stats_count; /* that the last sync found */
	bool (*counts)(void *context, struct member *member, const struct process_stats *stats);
	void *context;
	bool pids_hidden; /* /proc does not show all processes, so that none is seen to be gone */
};

struct process_cache *process_cache__new(
	struct tracer *tracer, struct lookup *lookup, struct report *report, const char *host)
{
	struct process_cache *cache = calloc(1, sizeof(*cache));

	if (!cache)
		return NULL;
	cache->tracer = tracer;
	cache->lookup = lookup;
	cache->report = report;
	cache->host = strdup(host);
	if (cache->host)
		return cache;
	free(cache);
	return NULL;
}

void process_cache__set_filter(struct process_cache *cache,
	bool (*counts)(void *context, struct member *member, const struct process_stats *stats),
	void *context)
{
	cache->counts = counts;
	cache->context = context;
}

static void member__free(struct member *member)
{
	process__free(member->process);
	free(member);
}

int process_cache__move(struct process_cache *cache, const char *host)
{
	char *copy = strdup(host);

	if (!copy)
		return -ENOMEM;
	free(cache->host);
	cache->host = copy;
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct member *member = cache->buckets[i]; member; member = member->next)
			member->moved = true;
	return 0;
}

void process_cache__begin_report(struct process_cache *cache, struct report *report)
{
	cache->report = report;
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct member *member = cache->buckets[i]; member; member = member->next)
			member->caller = NULL;
}

void process_cache__free(struct process_cache *cache)
{
	if (!cache)
		return;
	for (size_t i = 0; i < BUCKETS; i++)
		while (cache->buckets[i]) {
			struct member *member = cache->buckets[i];

			cache->buckets[i] = member->next;
			member__free(member);
		}
	free(cache->host);
	free(cache);
}

/* All that one process has been, from exec to exec, is in one bucket. */
static struct member **process_cache__bucket(
	struct process_cache *cache, const struct process_key *key)
{
	uint64_t hash = (key->start_ns ^ key->pid * 0x9e3779b97f4a7c15ULL) * 0xff51afd7ed558ccdULL;

	return &cache->buckets[hash >> 32 & (BUCKETS - 1)];
}

static bool key__same_process(const struct process_key *a, const struct process_key *b)
{
	return a->start_ns == b->start_ns && a->pid == b->pid;
}

bool process_key__equal(const struct process_key *a, const struct process_key *b)
{
	return key__same_process(a, b) && a->exec_count == b->exec_count;
}

/* Whether its process has called again after another exec: what it was before calls no more. */
static bool process_cache__is_replaced(struct process_cache *cache, const struct member *member)
{
	const struct member *other = *process_cache__bucket(cache, &member->key);

	while (other && (!key__same_process(&other->key, &member->key) ||
				other->key.exec_count <= member->key.exec_count))
		other = other->next;
	return other != NULL;
}

/* The kernel's capture, or what /proc still shows where there was no room for one. */
static struct process *process_cache__identify(
	struct process_cache *cache, const struct process_key *key)
{
	static struct identity identity;

	if (!tracer__take_identity(cache->tracer, key, &identity))
		return lookup__captured(cache->lookup, &identity);
	return lookup__shown(cache->lookup, key);
}

bool process_cache__has_stats(struct process_cache *cache, struct member *member)
{
	struct process_stats stats;

	if (!member->has_stats)
		member->has_stats = !tracer__stats(cache->tracer, &member->key, &stats);
	return member->has_stats;
}

/* Takes process, which may be NULL for want of memory. */
static struct member *process_cache__add(
	struct process_cache *cache, const struct process_key *key, struct process *process)
{
	struct member **bucket = process_cache__bucket(cache, key);
	struct member *member = process ? calloc(1, sizeof(*member)) : NULL;

	if (!member) {
		process__free(process);
		return NULL;
	}
	member->key = *key;
	member->process = process;
	process_cache__has_stats(cache, member);
	member->called = clock__steady();
	member->next = *bucket;
	*bucket = member;
	cache->count++;
	if (cache->count > cache->most)
		cache->most = cache->count;
	cache->added++;
	return member;
}

static struct member *process_cache__look_up(
	struct process_cache *cache, const struct process_key *key)
{
	struct member *member = *process_cache__bucket(cache, key);

	while (member && !process_key__equal(&member->key, key))
		member = member->next;
	return member;
}

struct member *process_cache__find(struct process_cache *cache, const struct process_key *key)
{
	struct member *member = process_cache__look_up(cache, key);

	if (!member)
		member = process_cache__add(cache, key, process_cache__identify(cache, key));
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

struct member *process_cache__forwarded(
	struct process_cache *cache, const struct request_record *record)
{
	struct forwarded_from from;
	struct process_key key = {0};
	struct member *member;
	__u64 halves[2];

	memcpy(&from, record->text, sizeof(from));
	memcpy(halves, from.source, sizeof(halves));
	/* no process has number 0, and so none has this key */
	key.start_ns = halves[0] ^ halves[1] * 0x9e3779b97f4a7c15ULL;
	key.exec_count = from.ifindex;
	member = process_cache__look_up(cache, &key);
	if (!member)
		member = process_cache__add(cache, &key,
			forwarded__process(&key, &from, record->family == FAMILY_IPV6));
	if (member)
		member->seen = clock__steady();
	return member;
}

struct caller *process_cache__caller(struct process_cache *cache, struct member *member)
{
	if (!member->caller || member->moved)
		member->caller = report__caller(
			cache->report, member->process, !member->caller, cache->host);
	member->moved = false;
	return member->caller;
}

/* Adds what the kernel counted since the last sync to the caller. */
static int process_cache__count(
	struct process_cache *cache, struct member *member, const struct process_stats *stats)
{
	uint64_t calls[CLASS_COUNT], answers[CLASS_COUNT][OUTCOME_COUNT], any = 0;
	struct caller *caller;

	member->has_stats = true;
	if (cache->counts && !cache->counts(cache->context, member, stats)) {
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
	caller = process_cache__caller(cache, member);
	if (!caller)
		return -ENOMEM;
	report__add_calls(caller, calls, tracer__responses(cache->tracer) ? answers : NULL);
	member->counted = *stats;
	member->called = clock__steady();
	return 0;
}

/* Deletes the kernel's counts; the member is kept for a while. What may still be reported of it,
 * such as a connection that another process closes for it, is in no counts. */
static void process_cache__forget(struct process_cache *cache, struct member *member)
{
	tracer__forget(cache->tracer, &member->key);
	member->counted = (struct process_stats){};
	member->has_stats = false;
}

/* Where /proc hides processes, one that has not called for a while is evicted under pressure: if it
 * calls again, the kernel counts it anew. */
static bool process_cache__may_evict(
	const struct process_cache *cache, const struct member *member, int64_t now)
{
	return cache->pids_hidden && now - member->called >= LINGER;
}

/* Whether a member can be freed. One with counts in the kernel cannot: the next sync would count
 * all of its calls again. */
static bool process_cache__is_expired(
	const struct process_cache *cache, struct member *member, int64_t now, bool full)
{
	if (member->has_stats || (!full && now - member->seen < LINGER))
		return false;
	if (!member->gone)
		member->gone = procfs__is_gone(member->key.pid, member->key.start_ns);
	if (!member->gone)
		member->seen = now;
	return member->gone || (full && process_cache__may_evict(cache, member, now));
}

/* After a crowd has gone, its memory goes as well: the allocator keeps what lies below anything
 * that stays. */
static void process_cache__give_back(struct process_cache *cache)
{
	if (cache->most < TRIM_MIN || cache->count > cache->most - cache->most / 4)
		return;
	cache->most = cache->count;
	malloc_trim(0);
}

static void process_cache__expire(struct process_cache *cache)
{
	int64_t now = clock__steady();
	bool full = cache->count > MEMBERS_MAX;

	for (size_t i = 0; i < BUCKETS; i++)
		for (struct member **at = &cache->buckets[i]; *at;) {
			struct member *member = *at;

			if (!process_cache__is_expired(cache, member, now, full)) {
				at = &member->next;
				continue;
			}
			*at = member->next;
			member__free(member);
			cache->count--;
		}
	process_cache__give_back(cache);
}

bool process_cache__is_under_pressure(const struct process_cache *cache)
{
	return cache->added >= ADDED_PRESSURE;
}

static void member__check_gone(struct member *member, int64_t now, int64_t most)
{
	if (now - member->checked < (member->recheck_after < most ? member->recheck_after : most))
		return;
	member->gone = procfs__is_gone(member->key.pid, member->key.start_ns);
	member->checked = now;
	member->recheck_after = member->recheck_after ? 2 * member->recheck_after : NSEC_PER_SEC;
	if (member->recheck_after > RECHECK_MAX)
		member->recheck_after = RECHECK_MAX;
}

int process_cache__sync(struct process_cache *cache)
{
	int64_t now = clock__steady();
	bool pressure = cache->stats_count > STATS_PRESSURE;
	struct process_key at, next;
	struct process_stats stats;
	int more = tracer__next_stats(cache->tracer, NULL, &next, &stats);

	cache->pids_hidden = !procfs__shows_all();
	for (cache->stats_count = 0; !more; cache->stats_count++) {
		struct member *member = process_cache__find(cache, &next);

		if (!member || process_cache__count(cache, member, &stats))
			return -ENOMEM;
		at = next;
		/* the next key is asked for while this one is still there to be found */
		more = tracer__next_stats(cache->tracer, &at, &next, &stats);
		if (member->gone || (pressure && process_cache__may_evict(cache, member, now)))
			process_cache__forget(cache, member);
		else if (process_cache__is_replaced(cache, member))
			member->gone = true;
		else
			member__check_gone(
				member, now, pressure ? RECHECK_MAX_UNDER_PRESSURE : RECHECK_MAX);
	}
	process_cache__expire(cache);
	cache->added = 0;
	return 0;
}
