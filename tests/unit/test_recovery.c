/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Who goes on with a token after a 401: from records and counts, as the kernel side hands them
 * over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/array.h"
#include "process/procfs.h"
#include "trace/recovery.h"

#define STEPS_MAX 12
#define MEMBERS   4
#define REFUSED   1000 /* when the first process was, on the boot clock */

static uint64_t ended_ns; /* of every process; 0: nobody has ended */

int rehearsal_hooks__process(const struct rehearsal_hooks *rehearsal, const struct process_key *key,
	struct rehearsed_process *process)
{
	(void)rehearsal;
	(void)key;
	*process = (struct rehearsed_process){.ended_ns = ended_ns};
	return ended_ns ? 0 : -ENOENT;
}

enum what { END, V1, V2, ANSWER, COUNT, LAST };

/* What a process does, or what came back to it; COUNT: the kernel's counts are looked at. */
struct step {
	enum what what;
	int member;
	enum outcome outcome; /* of an answer to what was sent last */
};

/* 0 is refused; 1 and 2 are its parent's next children and run the same program; 3 as well, but it
 * began before. */
struct play {
	struct recovery *recovery;
	struct caller caller;
	struct process processes[MEMBERS];
	struct member members[MEMBERS];
	struct process_stats stats[MEMBERS];
	enum what sent[MEMBERS];
	uint64_t now;
};

static void play__open(struct play *play, const char *program)
{
	*play = (struct play){.recovery = recovery__new(NULL, NULL), .now = REFUSED};
	assert_non_null(play->recovery);
	for (int i = 0; i < MEMBERS; i++) {
		struct process_key key = {.pid = 100 + i, .start_ns = i == 3 ? 1 : 1 + i * 2000};

		play->processes[i] = (struct process){
			.key = key,
			.comm = "curl",
			.exe = (char *)(i ? program : "/usr/bin/curl"),
			.ancestry = {{.pid = 50}},
			.ancestor_count = 1,
		};
		play->members[i] = (struct member){
			.key = key, .process = &play->processes[i], .caller = &play->caller};
	}
}

static void play__send(struct play *play, int member, bool v1)
{
	struct request_record record = {
		.cls = v1 ? CLASS_V1 : CLASS_V2,
		.flags = v1 ? REQUEST_REHEARSED : 0,
		.time_ns = play->now,
		.process = play->members[member].key,
	};

	play->stats[member].calls[record.cls]++;
	play->stats[member].rehearsed += v1;
	play->sent[member] = v1 ? V1 : V2;
	assert_int_equal(
		recovery__request(play->recovery, &play->members[member], &play->caller, &record),
		0);
}

static void play__answer(struct play *play, int member, enum outcome outcome)
{
	struct process_stats *stats = &play->stats[member];

	if (play->sent[member] == V2)
		stats->responses[CLASS_V2][outcome]++;
	else
		stats->rehearsed_responses[outcome]++;
}

static void play__count(struct play *play, bool last)
{
	for (int i = 0; i < MEMBERS; i++) {
		recovery__count(
			play->recovery, &play->members[i], &play->caller, &play->stats[i], last);
		play->members[i].counted = play->stats[i];
	}
}

static void play__step(struct play *play, const struct step *step)
{
	play->now += 1000;
	if (step->what == V1 || step->what == V2)
		play__send(play, step->member, step->what == V1);
	else if (step->what == ANSWER)
		play__answer(play, step->member, step->outcome);
	else
		play__count(play, step->what == LAST);
}

#define REFUSED_FIRST                              \
	{V1, 0, 0}, {ANSWER, 0, OUTCOME_REJECTED}, \
	{                                          \
		COUNT, 0, 0                        \
	}

static void who_goes_on_with_a_token_recovers(void **state)
{
	static const struct {
		const char *name, *program;
		bool recovered;
		struct step steps[STEPS_MAX];
	} cases[] = {
		{"the same process", "/usr/bin/curl", true,
			{REFUSED_FIRST, {V2, 0, 0}, {ANSWER, 0, OUTCOME_OK}, {LAST, 0, 0}}},
		{"the same process, where there is nothing", "/usr/bin/curl", true,
			{REFUSED_FIRST, {V2, 0, 0}, {ANSWER, 0, OUTCOME_OTHER}, {LAST, 0, 0}}},
		{"whose token is refused", "/usr/bin/curl", false,
			{REFUSED_FIRST, {V2, 0, 0}, {ANSWER, 0, OUTCOME_REJECTED}, {LAST, 0, 0}}},
		{"without an answer", "/usr/bin/curl", false,
			{REFUSED_FIRST, {V2, 0, 0}, {LAST, 0, 0}}},
		{"a call from before, answered since", "/usr/bin/curl", false,
			{{V2, 0, 0}, {ANSWER, 0, OUTCOME_OK}, REFUSED_FIRST, {LAST, 0, 0}}},
		{"the next child", "/usr/bin/curl", true,
			{REFUSED_FIRST, {V2, 1, 0}, {ANSWER, 1, OUTCOME_OK}, {LAST, 0, 0}}},
		{"the next child, before another one without an answer", "/usr/bin/curl", true,
			{REFUSED_FIRST, {V2, 1, 0}, {ANSWER, 1, OUTCOME_OK}, {V2, 2, 0},
				{COUNT, 0, 0}, {LAST, 0, 0}}},
		{"another one behind the next child without an answer", "/usr/bin/curl", true,
			{REFUSED_FIRST, {V2, 1, 0}, {COUNT, 0, 0}, {V2, 2, 0},
				{ANSWER, 2, OUTCOME_OK}, {LAST, 0, 0}}},
		{"a child that began before", "/usr/bin/curl", false,
			{REFUSED_FIRST, {V2, 3, 0}, {ANSWER, 3, OUTCOME_OK}, {LAST, 0, 0}}},
		{"a child that runs another program", "/usr/bin/aws", false,
			{REFUSED_FIRST, {V2, 1, 0}, {ANSWER, 1, OUTCOME_OK}, {LAST, 0, 0}}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct play play;

		print_message("  %s\n", cases[i].name);
		play__open(&play, cases[i].program);
		for (const struct step *step = cases[i].steps; step->what != END; step++)
			play__step(&play, step);
		assert_int_equal(play.caller.rehearsal.processes, 1);
		assert_int_equal(play.caller.rehearsal.rejected, 1);
		assert_int_equal(play.caller.rehearsal.unproven, 0);
		assert_int_equal(caller__recovered(&play.caller), cases[i].recovered);
		assert_int_equal(play.caller.rehearsal.recovered_after > 0, cases[i].recovered);
		recovery__free(play.recovery);
	}
}

/* The responses of a connection are its last sender's. */
static void an_answer_to_what_another_one_sent_is_counted_once(void **state)
{
	static const struct step steps[] = {{V1, 0, 0}, {COUNT, 0, 0},
		{ANSWER, 1, OUTCOME_REJECTED}, {COUNT, 0, 0}, {LAST, 0, 0}};
	struct play play;

	(void)state;
	play__open(&play, "/usr/bin/curl");
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
		play__step(&play, &steps[i]);
	assert_int_equal(play.caller.rehearsal.rejected, 1);
	assert_int_equal(play.caller.rehearsal.unproven, 1);
	recovery__free(play.recovery);
}

static uint64_t start_ns(pid_t pid)
{
	int process = procfs__open_any(pid);
	struct procfs_stat stat;

	assert_int_equal(procfs__stat(process, &stat), 0);
	close(process);
	return procfs__start_ns(&stat);
}

/* A unit's process that ends beside others, and who is there afterwards. */
static void what_systemd_starts_is_a_restart(void **state)
{
	const struct timespec ticks = {.tv_nsec = 50000000};
	uint32_t pids[2];
	struct {
		const char *name;
		uint32_t *pids;
		uint64_t restarted;
	} cases[] = {
		{"its own next child is none", &pids[0], 0},
		{"who was started from outside is one, for all that ended", &pids[1], 1},
	};
	pid_t child;

	(void)state;
	nanosleep(&ticks, NULL);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		pause();
		_exit(0);
	}
	pids[0] = getpid();
	pids[1] = child;
	ended_ns = start_ns(getpid());
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct process_scope scope = {
			.kind = SCOPE_UNIT, .pids = cases[i].pids, .pid_count = 1};
		struct play play;

		print_message("  %s\n", cases[i].name);
		play__open(&play, "/usr/bin/curl");
		recovery__free(play.recovery);
		play.recovery = recovery__new(NULL, &scope);
		assert_non_null(play.recovery);
		play__send(&play, 0, true);
		play__send(&play, 1, true);
		for (int look = 0; look < 2; look++)
			recovery__sync(play.recovery);
		assert_int_equal(play.caller.rehearsal.restarted, cases[i].restarted);
		recovery__free(play.recovery);
	}
	ended_ns = 0;
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_goes_on_with_a_token_recovers),
		cmocka_unit_test(an_answer_to_what_another_one_sent_is_counted_once),
		cmocka_unit_test(what_systemd_starts_is_a_restart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
