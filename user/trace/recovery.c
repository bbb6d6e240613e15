/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "trace/recovery.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/hash.h"
#include "lib/scope.h"
#include "process/procfs.h"

#define REJECTED_MAX 16384
#define ENDS_WITHIN  (60 * NSEC_PER_SEC) /* of the first 401, to be told with it */

/* A v2 call of the process itself that may be answered, and then is a recovery. */
struct attempt {
	struct process_key key; /* of who made it; pid 0: none */
	uint64_t answered;      /* v2 calls of it before, each of which may have been answered */
	uint64_t time_ns;
};

/* A process that had a call rejected. */
struct rejected {
	struct process_key key; /* without its exec count */
	uint32_t parent;
	uint64_t workload; /* hash */
	uint64_t program;  /* likewise */
	bool supervised;   /* its workload is one, so that what has the same parent is the same */
	struct caller *caller;
	uint64_t first_ns;
	struct attempt attempt;
	bool recovered, ended;
	uint64_t ended_ns;
	uint64_t restarted_ns; /* when its unit was started again; 0: it was not */
};

struct recovery {
	const struct rehearsal_hooks *hooks;
	const struct process_scope *scope;
	struct rejected *rejected;
	size_t count, room;
	uint64_t unanswered; /* rejected calls whose answers have not come */
};

struct recovery *recovery__new(
	const struct rehearsal_hooks *hooks, const struct process_scope *scope)
{
	struct recovery *recovery = calloc(1, sizeof(*recovery));

	if (recovery) {
		recovery->hooks = hooks;
		recovery->scope = scope;
	}
	return recovery;
}

void recovery__free(struct recovery *recovery)
{
	if (!recovery)
		return;
	free(recovery->rejected);
	free(recovery);
}

static bool rejected__is(const struct rejected *rejected, const struct process_key *key)
{
	return rejected->key.pid == key->pid && rejected->key.start_ns == key->start_ns;
}

static uint32_t process__parent(const struct process *process)
{
	return process->ancestor_count ? process->ancestry[0].pid : 0;
}

static struct rejected *recovery__find(struct recovery *recovery, const struct process_key *key)
{
	for (size_t i = recovery->count; i--;)
		if (rejected__is(&recovery->rejected[i], key))
			return &recovery->rejected[i];
	return NULL;
}

/* What it runs, as a hash. */
static uint64_t process__program(const struct process *process)
{
	const char *program = process->exe ? process->exe : process->comm;

	return hash__text(hash__text(0, program), process->script);
}

/* 0 or -ENOMEM. */
static int recovery__add(struct recovery *recovery, const struct member *member,
	struct caller *caller, const struct request_record *record)
{
	const struct workload *workload = &member->process->workload;

	if (recovery__find(recovery, &record->process))
		return 0;
	caller->rehearsal.processes++;
	if (recovery->count == REJECTED_MAX)
		return 0; /* one of which nobody will hear that it recovered */
	if (recovery->count == recovery->room) {
		size_t room = recovery->room ? 2 * recovery->room : 64;
		struct rejected *grown =
			reallocarray(recovery->rejected, room, sizeof(*recovery->rejected));

		if (!grown)
			return -ENOMEM;
		recovery->rejected = grown;
		recovery->room = room;
	}
	recovery->rejected[recovery->count++] = (struct rejected){
		.key = record->process,
		.parent = process__parent(member->process),
		.workload = workload__hash(0, workload),
		.program = process__program(member->process),
		.supervised = workload->unit || workload->container.id,
		.caller = caller,
		.first_ns = record->time_ns,
	};
	return 0;
}

/* Whether what another process does may be how a rejected one goes on: it is its parent's next
 * child and runs the same program: another one's token is no recovery. The first process has
 * everybody's orphans, so that only a service's are related. */
static bool rejected__goes_on(const struct rejected *rejected, const struct member *member)
{
	const struct process *process = member->process;
	uint32_t parent = process__parent(process);

	return parent && parent == rejected->parent && (parent != 1 || rejected->supervised) &&
	       member->key.start_ns > rejected->first_ns &&
	       process__program(process) == rejected->program &&
	       workload__hash(0, &process->workload) == rejected->workload;
}

int recovery__request(struct recovery *recovery, struct member *member, struct caller *caller,
	const struct request_record *record)
{
	if (record->cls == CLASS_V1 && (record->flags & REQUEST_REHEARSED))
		return recovery__add(recovery, member, caller, record);
	if (record->cls != CLASS_V2)
		return 0;
	for (size_t i = 0; i < recovery->count; i++) {
		struct rejected *rejected = &recovery->rejected[i];

		if (rejected->recovered || rejected->first_ns > record->time_ns ||
			!rejected__is(rejected, &member->key) ||
			process_key__equal(&rejected->attempt.key, &member->key))
			continue;
		rejected->attempt = (struct attempt){
			.key = member->key,
			.answered = member->v2_calls,
			.time_ns = record->time_ns,
		};
	}
	if (!member->v2_calls++)
		member->v2_first_ns = record->time_ns;
	return 0;
}

/* Any answer but a 401: where there is nothing (404), the token was taken. */
static uint64_t stats__answered(const struct process_stats *stats)
{
	return stats->responses[CLASS_V2][OUTCOME_OK] + stats->responses[CLASS_V2][OUTCOME_OTHER];
}

/* When a v2 call was sent that is answered and by which a rejected process goes on; 0: none was. */
static uint64_t rejected__answered(
	const struct rejected *rejected, const struct member *member, uint64_t answered)
{
	const struct attempt *attempt = &rejected->attempt;

	if (!answered || !member->v2_calls)
		return 0;
	if (rejected__is(rejected, &member->key))
		return process_key__equal(&attempt->key, &member->key) &&
				       answered > attempt->answered
			       ? attempt->time_ns
			       : 0;
	/* all calls of a later child came after the 401 */
	return rejected__goes_on(rejected, member) ? member->v2_first_ns : 0;
}

static void rejected__recover(struct rejected *rejected, uint64_t time_ns)
{
	struct caller_rehearsal *rehearsal = &rejected->caller->rehearsal;
	int64_t after = time_ns - rejected->first_ns;

	rejected->recovered = true;
	rehearsal->recovered++;
	if (after > rehearsal->recovered_after)
		rehearsal->recovered_after = after;
}

void recovery__count(struct recovery *recovery, const struct member *member, struct caller *caller,
	const struct process_stats *stats, bool last)
{
	const struct process_stats *before = &member->counted;
	struct caller_rehearsal more = {.wait_status = -1};
	uint64_t answered = 0;

	for (int outcome = 0; outcome < OUTCOME_NONE; outcome++) {
		uint64_t new =
			stats->rehearsed_responses[outcome] - before->rehearsed_responses[outcome];

		answered += stats->rehearsed_responses[outcome];
		*(outcome == OUTCOME_REJECTED ? &more.rejected : &more.unproven) += new;
	}
	recovery->unanswered += stats->rehearsed - before->rehearsed;
	for (int outcome = 0; outcome < OUTCOME_COUNT; outcome++)
		recovery->unanswered -=
			stats->rehearsed_responses[outcome] - before->rehearsed_responses[outcome];
	/* a connection's answers are its last sender's, who may be another one */
	if (last && stats->rehearsed > answered)
		more.unproven += stats->rehearsed - answered;
	more.not_covered = stats->not_covered - before->not_covered;
	caller__add_rehearsal(caller, &more);
	for (size_t i = 0; i < recovery->count; i++) {
		struct rejected *rejected = &recovery->rejected[i];
		uint64_t time_ns;

		if (rejected->recovered)
			continue;
		time_ns = rejected__answered(rejected, member, stats__answered(stats));
		if (time_ns)
			rejected__recover(rejected, time_ns);
	}
}

static bool is_among(uint32_t pid, const uint32_t *pids, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (pids[i] == pid)
			return true;
	return false;
}

/* When somebody in the scope began whom nobody in it had started, after that time, on the boot
 * clock; 0: nobody. */
static uint64_t recovery__started_since(const struct recovery *recovery, uint64_t time_ns)
{
	_free_ uint32_t *pids = NULL;
	size_t count;

	if (process_scope__pids(recovery->scope, "", &pids, &count))
		return 0;
	for (size_t i = 0; i < count; i++) {
		_close_ int process = procfs__open_any(pids[i]);
		struct procfs_stat stat;

		if (process >= 0 && !procfs__stat(process, &stat) &&
			procfs__start_ns(&stat) > time_ns && !is_among(stat.parent, pids, count))
			return procfs__start_ns(&stat);
	}
	return 0;
}

/* Several processes of a caller that end are started again at once. */
static void recovery__note_restart(
	struct recovery *recovery, struct rejected *rejected, uint64_t time_ns)
{
	bool known = false;

	for (size_t i = 0; i < recovery->count; i++)
		known |= recovery->rejected[i].caller == rejected->caller &&
			 recovery->rejected[i].restarted_ns == time_ns;
	rejected->restarted_ns = time_ns;
	rejected->caller->rehearsal.restarted += !known;
}

static void recovery__look(struct recovery *recovery, struct rejected *rejected)
{
	struct caller_rehearsal *rehearsal = &rejected->caller->rehearsal;
	struct rehearsed_process process;
	uint64_t started_ns = 0;

	if (!rejected->ended &&
		!rehearsal_hooks__process(recovery->hooks, &rejected->key, &process) &&
		process.ended_ns) {
		rejected->ended = true;
		rejected->ended_ns = process.ended_ns;
		if ((int64_t)(process.ended_ns - rejected->first_ns) <= ENDS_WITHIN) {
			rehearsal->ended++;
			rehearsal->wait_status = process.status;
		}
	}
	if (rejected->ended && !rejected->restarted_ns && recovery->scope->kind == SCOPE_UNIT)
		started_ns = recovery__started_since(recovery, rejected->ended_ns);
	if (started_ns)
		recovery__note_restart(recovery, rejected, started_ns);
}

void recovery__sync(struct recovery *recovery)
{
	for (size_t i = 0; i < recovery->count; i++)
		if (!recovery->rejected[i].ended || !recovery->rejected[i].restarted_ns)
			recovery__look(recovery, &recovery->rejected[i]);
}

bool recovery__awaits(const struct recovery *recovery)
{
	if (recovery->unanswered)
		return true;
	for (size_t i = 0; i < recovery->count; i++)
		if (!recovery->rejected[i].recovered && !recovery->rejected[i].ended)
			return true;
	return false;
}
