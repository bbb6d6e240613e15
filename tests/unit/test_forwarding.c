/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A call that a proxy forwards is seen twice: who is joined with whom, and what is counted once. */
#include "report_fixture.h"

#include "lib/array.h"
#include "lib/clock.h"
#include "report/forwarding.h"
#include "verdict/advice.h"
#include "verdict/reconcile.h"

#define START 1767225600LL /* 2026-01-01T00:00:00Z */

struct sender {
	const char *exe, *pod;
	enum network network;
};

/* At a millisecond from START. */
struct sent {
	int sender;
	int at;
	const char *path;
	enum request_class cls;
};

static struct caller *caller__of(struct report *report, const struct sender *sender)
{
	static const struct process none;
	struct process process = none;

	process.comm = (char *)(strrchr(sender->exe, '/') + 1);
	process.exe = (char *)sender->exe;
	process.network = sender->network;
	process.workload.pod.uid = (char *)sender->pod;
	if (sender->pod) {
		process.workload.container.id = (char *)sender->exe;
		process.workload.container.name = process.comm;
		process.workload.container.runtime = (char *)"containerd";
	}
	return report__caller(report, &process, true, "m1");
}

static void send(struct report *report, const struct sender *senders, const struct sent *sent)
{
	static const uint64_t ok[CLASS_COUNT][OUTCOME_COUNT];
	struct caller *caller = caller__of(report, &senders[sent->sender]);
	uint64_t calls[CLASS_COUNT] = {0};
	struct request request = {
		.cls = sent->cls,
		.time = START * NSEC_PER_SEC + sent->at * (NSEC_PER_SEC / 1000),
		.method = "GET",
		.path = sent->path,
	};

	calls[sent->cls] = 1;
	assert_non_null(caller);
	report__add_calls(caller, calls, ok);
	count__add(&report->totals[sent->cls], 1);
	assert_int_equal(report__add_request(report, caller, &request), 0);
}

/* In order: an application, a proxy, a second application. */
static const struct sender mesh[] = {{"/srv/shop", "p1", NETWORK_OWN},
	{"/usr/local/bin/envoy", "p1", NETWORK_OWN}, {"/srv/other", "p2", NETWORK_OWN}};
static const struct sender node[] = {{"/srv/shop", "p1", NETWORK_OWN},
	{"/bin/kube2iam", "p3", NETWORK_HOST}, {"/srv/other", "p2", NETWORK_OWN}};
static const struct sender host[] = {{"/srv/shop", NULL, NETWORK_HOST},
	{"/usr/sbin/squid", NULL, NETWORK_HOST}, {"/srv/other", NULL, NETWORK_HOST}};

#define ID   "/latest/meta-data/instance-id"
#define ROLE "/latest/meta-data/iam/security-credentials/"

static const struct situation {
	const char *name;
	const struct sender *senders;
	struct sent sent[6];
	size_t count;
	uint64_t forwarded;
	bool exact, first_through, second_through;
} situations[] = {
	{"the mesh's sidecar, twice", mesh,
		{{0, 0, ID, CLASS_V1}, {1, 3, ID, CLASS_V1}, {0, 500, ID, CLASS_V1},
			{1, 504, ID, CLASS_V1}},
		4, 2, true, true, false},
	{"the proxy's record comes first", mesh, {{1, 1, ID, CLASS_V1}, {0, 0, ID, CLASS_V1}}, 2, 1,
		true, true, false},
	{"another pod's calls are not this sidecar's", mesh,
		{{2, 0, ID, CLASS_V1}, {1, 3, ID, CLASS_V1}}, 2, 0, true, false, false},
	{"another path", mesh, {{0, 0, ID, CLASS_V1}, {1, 3, ROLE, CLASS_V1}}, 2, 0, true, false,
		false},
	{"too long afterwards", mesh, {{0, 0, ID, CLASS_V1}, {1, 1500, ID, CLASS_V1}}, 2, 0, true,
		false, false},
	{"the proxy was first by far", mesh, {{1, 0, ID, CLASS_V1}, {0, 700, ID, CLASS_V1}}, 2, 0,
		true, false, false},
	{"one original, two calls of the proxy", mesh,
		{{0, 0, ID, CLASS_V1}, {1, 3, ID, CLASS_V1}, {1, 5, ID, CLASS_V1}}, 3, 1, false,
		true, false},
	{"two originals, one call of the proxy", mesh,
		{{0, 0, ID, CLASS_V1}, {0, 2, ID, CLASS_V1}, {1, 3, ID, CLASS_V1}}, 3, 1, true,
		true, false},
	{"a node's proxy serves all pods", node,
		{{0, 0, ID, CLASS_V1}, {1, 3, ID, CLASS_V1}, {2, 100, ROLE, CLASS_V1},
			{1, 103, ROLE, CLASS_V1}, {2, 200, ID, CLASS_V1}, {1, 203, ID, CLASS_V1}},
		6, 3, true, true, true},
	{"on a whole machine two may be an accident", node,
		{{0, 0, ID, CLASS_V1}, {1, 3, ID, CLASS_V1}, {2, 100, ROLE, CLASS_V1},
			{1, 103, ROLE, CLASS_V1}},
		4, 2, false, true, true},
	{"and has calls of its own", node,
		{{0, 0, ID, CLASS_V1}, {1, 3, ID, CLASS_V1}, {1, 103, ROLE, CLASS_V1}}, 3, 1, false,
		true, false},
	{"a token request is forwarded, too, and is no v1 call", mesh,
		{{0, 0, "/latest/api/token", CLASS_TOKEN},
			{1, 3, "/latest/api/token", CLASS_TOKEN}},
		2, 0, true, true, false},
	{"a machine's own", host, {{2, 0, ID, CLASS_V1}, {1, 1, ID, CLASS_V1}}, 2, 1, false, false,
		true},
	{"a machine's own, half a second later", host,
		{{2, 0, ID, CLASS_V1}, {1, 500, ID, CLASS_V1}}, 2, 0, true, false, false},
	{"applications do not forward one another", host,
		{{0, 0, ID, CLASS_V1}, {2, 1, ID, CLASS_V1}}, 2, 0, true, false, false},
};

static struct report *situation__report(const struct situation *situation)
{
	struct report *report = report__new();

	assert_non_null(report);
	for (size_t i = 0; i < situation->count; i++)
		send(report, situation->senders, &situation->sent[i]);
	return report;
}

static void who_is_joined_with_whom(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(situations); i++) {
		const struct situation *situation = &situations[i];
		struct report *report = situation__report(situation);
		uint64_t forwarded, buckets = 0;
		bool exact;

		print_message("  %s\n", situation->name);
		forwarded = report__forwarded(report, &exact);
		assert_int_equal(forwarded, situation->forwarded);
		assert_int_equal(exact, situation->exact);
		assert_int_equal(!!caller__of(report, &situation->senders[0])->through,
			situation->first_through);
		assert_int_equal(!!caller__of(report, &situation->senders[2])->through,
			situation->second_through);
		for (size_t b = 0; b < report->timeline_count; b++)
			buckets += report->timeline[b].forwarded;
		assert_int_equal(buckets, situation->forwarded);
		report__free(report);
	}
}

static void what_has_to_change_is_the_application(void **state)
{
	struct report *report = situation__report(&situations[0]);
	enum advice advice;
	char *text;

	(void)state;
	assert_int_equal(advice__for(caller__of(report, &mesh[1]), &advice, &text), 0);
	assert_int_equal(advice, ADVICE_INVESTIGATE);
	assert_non_null(strstr(text, "Change shop instead"));
	assert_non_null(strstr(text, "only forwards its calls (2 of 2)"));
	assert_non_null(strstr(text, "CloudWatch counts such a call once"));
	free(text);
	assert_int_equal(advice__for(caller__of(report, &mesh[0]), &advice, &text), 0);
	assert_int_equal(advice, ADVICE_SEND_TOKEN);
	assert_non_null(strstr(text, "go through envoy"));
	free(text);
	report__free(report);

	report = situation__report(&situations[10]);
	assert_int_equal(advice__for(caller__of(report, &node[1]), &advice, &text), 0);
	assert_non_null(strstr(text, "Update kube2iam to 0.12.0"));
	assert_non_null(strstr(text, "forwards the calls of shop"));
	free(text);
	report__free(report);
}

static void it_survives_the_file_and_merging(void **state)
{
	struct report *report = situation__report(&situations[0]), *read = NULL;
	char *text = report__to_json(report, 0), why[256] = "", *sentence;
	bool exact;

	(void)state;
	assert_non_null(text);
	assert_int_equal(report__from_json(&read, text, strlen(text), why, sizeof(why)), 0);
	assert_int_equal(report__merge(read, report), 0);
	assert_int_equal(report__forwarded(read, &exact), 4);
	assert_true(exact);
	assert_int_equal(report__say_forwarded(read, &sentence), 0);
	assert_string_equal(sentence,
		"4 v1 calls were seen twice, as the application's and as that of the proxy that forwards them; CloudWatch's MetadataNoToken counts them once.");
	free(sentence);
	free(text);
	report__free(read);
	report__free(report);
}

/* What CloudWatch counts in the one minute: the result. */
static enum balance balance__of(const struct situation *situation, uint64_t cloudwatch,
	uint64_t *counted, uint64_t *forwarded)
{
	struct report *report = situation__report(situation);
	struct datapoint point = {.start = START * NSEC_PER_SEC, .sum = cloudwatch};
	struct metric metric = {.period = 60 * NSEC_PER_SEC, .points = &point, .count = 1};
	struct window window = {.host = (char *)"m1",
		.boot_id = (char *)"b",
		.start = START * NSEC_PER_SEC,
		.end = (START + 60) * NSEC_PER_SEC};
	struct reconciliation result;
	enum balance balance;

	assert_int_equal(report__add_window(report, &window), 0);
	assert_int_equal(reconcile(&result, report, &metric), 0);
	balance = result.balance;
	*counted = result.report;
	*forwarded = result.forwarded;
	reconcile__clear(&result);
	report__free(report);
	return balance;
}

static void cloudwatch_counts_it_once(void **state)
{
	static const struct {
		size_t situation;
		uint64_t cloudwatch;
		enum balance balance;
		uint64_t report, forwarded;
	} cases[] = {{0, 2, BALANCE_EQUAL, 2, 2}, {0, 4, BALANCE_MORE, 2, 2},
		{0, 1, BALANCE_FEWER, 2, 2}, {2, 2, BALANCE_EQUAL, 2, 0},
		{2, 1, BALANCE_FEWER, 2, 0},
		/* not known for certain: only as far as CloudWatch agrees */
		{10, 2, BALANCE_EQUAL, 2, 1}, {10, 3, BALANCE_EQUAL, 3, 0},
		{10, 1, BALANCE_FEWER, 2, 1}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t counted, forwarded;

		print_message("  %s, %u\n", situations[cases[i].situation].name,
			(unsigned int)cases[i].cloudwatch);
		assert_int_equal(balance__of(&situations[cases[i].situation], cases[i].cloudwatch,
					 &counted, &forwarded),
			cases[i].balance);
		assert_int_equal(counted, cases[i].report);
		assert_int_equal(forwarded, cases[i].forwarded);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_is_joined_with_whom),
		cmocka_unit_test(what_has_to_change_is_the_application),
		cmocka_unit_test(it_survives_the_file_and_merging),
		cmocka_unit_test(cloudwatch_counts_it_once),
	};

	return cmocka_run_group_tests_name("calls that a proxy forwards", tests, NULL, NULL);
}
