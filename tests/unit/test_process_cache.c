/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The process cache against a kernel side of the test's own: the tracer's functions that it calls,
 * over a table. Processes are this one, a child, and pids that nobody has.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "skipping.h"
#include "process/procfs.h"
#include "trace/process_cache.h"

#define PROCESSES_MAX 64
#define PID_NOBODYS   0x7ffffff0 /* above every kernel's PID_MAX_LIMIT */

struct tracer {
	struct process_key keys[PROCESSES_MAX];
	struct process_stats accounts[PROCESSES_MAX];
	size_t count;
};

static size_t account__find(const struct tracer *tracer, const struct process_key *key)
{
	size_t at = 0;

	while (at < tracer->count && memcmp(&tracer->keys[at], key, sizeof(*key)))
		at++;
	return at;
}

bool tracer__responses(const struct tracer *tracer)
{
	(void)tracer;
	return false;
}

int tracer__take_identity(
	struct tracer *tracer, const struct process_key *key, struct identity *identity)
{
	(void)tracer;
	*identity = (struct identity){.key = *key, .ready = 1};
	strcpy(identity->comm, "caller");
	return 0;
}

int tracer__stats(
	const struct tracer *tracer, const struct process_key *key, struct process_stats *stats)
{
	size_t at = account__find(tracer, key);

	if (at == tracer->count)
		return -ENOENT;
	*stats = tracer->accounts[at];
	return 0;
}

int tracer__next_stats(const struct tracer *tracer, const struct process_key *key,
	struct process_key *next, struct process_stats *stats)
{
	size_t at = key ? account__find(tracer, key) + 1 : 0;

	if (at >= tracer->count)
		return -ENOENT;
	*next = tracer->keys[at];
	*stats = tracer->accounts[at];
	return 0;
}

/* Later ones move up, which is only good for who has asked for the next one already. */
void tracer__forget(struct tracer *tracer, const struct process_key *key)
{
	size_t at = account__find(tracer, key);

	if (at == tracer->count)
		return;
	tracer->count--;
	memmove(&tracer->keys[at], &tracer->keys[at + 1],
		(tracer->count - at) * sizeof(tracer->keys[0]));
	memmove(&tracer->accounts[at], &tracer->accounts[at + 1],
		(tracer->count - at) * sizeof(tracer->accounts[0]));
}

/* As the kernel side does for a v1 request; false: no room for an stats. */
static bool tracer__call(struct tracer *tracer, const struct process_key *key)
{
	size_t at = account__find(tracer, key);

	if (at == PROCESSES_MAX)
		return false;
	if (at == tracer->count) {
		tracer->keys[tracer->count] = *key;
		tracer->accounts[tracer->count++] = (struct process_stats){};
	}
	tracer->accounts[at].calls[CLASS_V1]++;
	return true;
}

struct stage {
	struct tracer tracer;
	struct report *report;
	struct process_cache *cache;
};

static void stage__open(struct stage *stage)
{
	*stage = (struct stage){.report = report__new()};
	assert_non_null(stage->report);
	stage->cache = process_cache__new(&stage->tracer, NULL, stage->report, "host");
	assert_non_null(stage->cache);
}

static void stage__close(struct stage *stage)
{
	process_cache__free(stage->cache);
	report__free(stage->report);
}

/* A call and its record, as trace.c takes it. */
static void stage__call(struct stage *stage, const struct process_key *key)
{
	uint64_t calls[CLASS_COUNT] = {[CLASS_V1] = 1};
	struct member *member;
	struct caller *caller;

	tracer__call(&stage->tracer, key);
	member = process_cache__find(stage->cache, key);
	assert_non_null(member);
	caller = process_cache__caller(stage->cache, member);
	assert_non_null(caller);
	if (!process_cache__has_stats(stage->cache, member))
		report__add_calls(caller, calls, NULL);
}

static uint64_t counted(const struct stage *stage)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < stage->report->caller_count; i++)
		sum += stage->report->callers[i]->calls[CLASS_V1];
	return sum;
}

static uint64_t processes(const struct stage *stage)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < stage->report->caller_count; i++)
		sum += stage->report->callers[i]->processes;
	return sum;
}

static struct process_key self(void)
{
	struct process_key key = {.pid = getpid()};
	int process = procfs__open_any(key.pid);
	struct procfs_stat stat;

	assert_true(process >= 0);
	assert_int_equal(procfs__stat(process, &stat), 0);
	close(process);
	key.start_ns = procfs__start_ns(&stat);
	return key;
}

/* Only where /proc shows all processes can one be said to be gone. */
static void need_all_processes(void)
{
	if (!procfs__is_gone(PID_NOBODYS, 0))
		skip_because("/proc does not show all processes");
}

/* More processes than are kept when they are gone, in less time than they are kept for. */
static void each_process_counts_once(void **state)
{
	struct stage stage;
	(void)state;

	need_all_processes();
	stage__open(&stage);
	for (uint32_t i = 0; i < 20000; i++) {
		stage__call(&stage, &(struct process_key){.start_ns = i, .pid = PID_NOBODYS});
		if (i % 25 == 24)
			assert_int_equal(process_cache__sync(stage.cache), 0);
	}
	for (int i = 0; i < 5; i++)
		assert_int_equal(process_cache__sync(stage.cache), 0);
	assert_int_equal(stage.tracer.count, 0);
	assert_int_equal(counted(&stage), 20000);
	assert_int_equal(processes(&stage), 20000);
	stage__close(&stage);
}

static void who_is_there_stays(void **state)
{
	struct process_key key = self();
	struct stage stage;
	(void)state;

	stage__open(&stage);
	for (int i = 0; i < 10; i++) {
		stage__call(&stage, &key);
		assert_int_equal(process_cache__sync(stage.cache), 0);
	}
	assert_int_equal(stage.tracer.count, 1);
	assert_int_equal(counted(&stage), 10);
	assert_int_equal(processes(&stage), 1);
	stage__close(&stage);
}

/* A program that starts itself again and again: the kernel has no room for all that it was. */
static void a_new_exec_replaces_the_last_one(void **state)
{
	struct process_key key = self();
	struct stage stage;
	(void)state;

	stage__open(&stage);
	for (key.exec_count = 0; key.exec_count < 3000; key.exec_count += 3) {
		stage__call(&stage, &key);
		if (key.exec_count % 2)
			assert_int_equal(process_cache__sync(stage.cache), 0);
		assert_true(stage.tracer.count < 8);
	}
	for (int i = 0; i < 3; i++)
		assert_int_equal(process_cache__sync(stage.cache), 0);
	assert_int_equal(stage.tracer.count, 1);
	assert_int_equal(counted(&stage), 1000);
	key.exec_count = 0; /* a connection of its first days that is closed at last */
	stage__call(&stage, &key);
	assert_int_equal(process_cache__sync(stage.cache), 0);
	assert_int_equal(counted(&stage), 1001);
	stage__close(&stage);
}

/* A connection that a child closes for it, or one that the kernel's table has room for again. */
static void calls_after_the_account_count(void **state)
{
	struct process_key key = {.pid = PID_NOBODYS};
	struct stage stage;
	(void)state;

	need_all_processes();
	stage__open(&stage);
	for (int i = 0; i < 4; i++) {
		stage__call(&stage, &key);
		for (int sync = 0; sync < 3; sync++)
			assert_int_equal(process_cache__sync(stage.cache), 0);
		assert_int_equal(stage.tracer.count, 0);
	}
	for (; stage.tracer.count < PROCESSES_MAX; stage.tracer.count++)
		stage.tracer.keys[stage.tracer.count] = (struct process_key){.pid = 1};
	stage__call(&stage, &key);
	stage.tracer.count = 0;
	assert_int_equal(process_cache__sync(stage.cache), 0);
	assert_int_equal(counted(&stage), 5);
	assert_int_equal(processes(&stage), 1);
	stage__close(&stage);
}

/* What a parent has not waited for can call no more. */
static void a_zombie_is_gone(void **state)
{
	struct process_key key = {.pid = fork()};
	struct procfs_stat stat;
	siginfo_t info;
	int process;
	(void)state;

	if (!key.pid)
		_exit(0);
	assert_int_equal(waitid(P_PID, key.pid, &info, WEXITED | WNOWAIT), 0);
	process = procfs__open_any(key.pid);
	assert_int_equal(procfs__stat(process, &stat), 0);
	close(process);
	assert_true(stat.dead);
	waitpid(key.pid, NULL, 0);
	key = self();
	assert_false(procfs__is_gone(key.pid, key.start_ns));
}

static void a_crowd_does_not_wait(void **state)
{
	struct stage stage;
	(void)state;

	stage__open(&stage);
	for (uint32_t i = 0; !process_cache__is_under_pressure(stage.cache); i++) {
		assert_true(i < 100000);
		stage.tracer.count = 0;
		stage__call(&stage, &(struct process_key){.start_ns = i, .pid = PID_NOBODYS});
	}
	assert_int_equal(process_cache__sync(stage.cache), 0);
	assert_false(process_cache__is_under_pressure(stage.cache));
	stage__close(&stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_process_counts_once),
		cmocka_unit_test(who_is_there_stays),
		cmocka_unit_test(a_new_exec_replaces_the_last_one),
		cmocka_unit_test(calls_after_the_account_count),
		cmocka_unit_test(a_zombie_is_gone),
		cmocka_unit_test(a_crowd_does_not_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
