/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "report_fixture.h"

#include "lib/array.h"
#include "lib/clock.h"
#include "verdict/verdict.h"

#define HOUR   (3600 * NSEC_PER_SEC)
#define DAY    (24 * HOUR)
#define STRICT true

#define CALLER(name, calls) "{'name':'" name "','exe':'/usr/bin/" name "','calls':" calls "}"
#define REPORT_OF(hosts, windows, totals, callers) \
	HEAD "'hosts':[" hosts "],'windows':[" windows "]," totals ",'callers':[" callers "]}"

#define WEB1    HOST("m1", "web-1")
#define WEB2    HOST("m2", "web-2")
#define DAY_1   WINDOW("m1", "b1", "01T00", "02T00")
#define DAY_2   WINDOW("m2", "b2", "01T00", "02T00")
#define SHORT_2 WINDOW("m2", "b2", "01T00", "01T02")
#define QUIET   TOTALS(0, 5, 1, 0, 0, 0)
#define GOOD    CALLER("agent", CALLS(0, 5, 1, 0, 0))

static void print_list(char *const *list)
{
	for (; *list; list++)
		print_message("  %s\n", *list);
}

static void the_verdict_follows_from_what_was_seen(void **state)
{
	static const struct {
		const char *name, *report;
		int64_t min_window;
		bool strict;
		enum verdict verdict;
		const char *reasons[4];
	} cases[] = {
		{"watched for a day without v1", REPORT_OF(WEB1, DAY_1, QUIET, GOOD), DAY, false,
			VERDICT_READY,
			{"no caller called IMDSv1: 6 calls seen, 1 host watched for 1d"}},
		{"nothing called at all", REPORT_OF(WEB1, DAY_1, TOTALS(0, 0, 0, 0, 0, 0), ""), DAY,
			false, VERDICT_READY, {"0 calls seen"}},
		{"one caller",
			REPORT_OF(WEB1, DAY_1, TOTALS(1, 0, 0, 0, 0, 0),
				CALLER("curl", CALLS(1, 0, 0, 0, 0))),
			DAY, false, VERDICT_BLOCKED, {"1 caller called IMDSv1 (1 call)"}},
		{"several callers",
			REPORT_OF(WEB1, DAY_1, TOTALS(120, 0, 0, 0, 0, 0),
				CALLER("curl", CALLS(100, 0, 0, 0, 0)) "," CALLER(
					"wget", CALLS(19, 0, 0, 0, 0)) "," CALLER("nc",
					CALLS(1, 0, 0, 0, 0))),
			DAY, false, VERDICT_BLOCKED, {"3 callers called IMDSv1 (120 calls)"}},
		{"v1 that nobody is named for",
			REPORT_OF(WEB1, DAY_1, TOTALS(7, 0, 0, 0, 0, 0), ""), DAY, false,
			VERDICT_BLOCKED, {"7 IMDSv1 calls came from processes that are not known"}},
		{"a caller that the totals forget",
			REPORT_OF(WEB1, DAY_1, TOTALS(0, 0, 0, 0, 0, 0),
				CALLER("curl", CALLS(2, 0, 0, 0, 0))),
			DAY, false, VERDICT_BLOCKED, {"1 caller called IMDSv1 (2 calls)"}},
		{"v1 outranks all that is unsure",
			REPORT_OF(WEB1, "", TOTALS(1, 0, 0, 0, 3, 5),
				CALLER("curl", CALLS(1, 0, 0, 0, 0))),
			DAY, false, VERDICT_BLOCKED,
			{"1 caller called", "3 calls could not be read", "5 events were lost"}},
		{"unknown", REPORT_OF(WEB1, DAY_1, TOTALS(0, 5, 1, 0, 1, 0), GOOD), DAY, false,
			VERDICT_INCONCLUSIVE, {"1 call could not be read"}},
		{"unknown, with the reasons",
			REPORT_OF(WEB1, DAY_1,
				"'totals':{'v1':0,'v2':0,'token':0,'foreign':0,'unknown':3,'lost':"
				"0,'unknown_by_reason':{'not_http':2,'unseen':1}}",
				""),
			DAY, false, VERDICT_INCONCLUSIVE,
			{"3 calls could not be read: the bytes were not an HTTP request (2), the bytes were sent in a way that the tracer does not see (1)"}},
		{"lost", REPORT_OF(WEB1, DAY_1, TOTALS(0, 5, 1, 0, 0, 1), GOOD), DAY, false,
			VERDICT_INCONCLUSIVE, {"1 event was lost"}},
		{"missed",
			REPORT_OF(WEB1, DAY_1,
				"'totals':{'v1':0,'v2':0,'token':0,'foreign':0,'unknown':0,'lost':"
				"0,'missed':2}",
				""),
			DAY, false, VERDICT_INCONCLUSIVE,
			{"2 connections or processes were not tracked"}},
		{"missed, by kind",
			REPORT_OF(WEB1, DAY_1,
				"'totals':{'v1':0,'v2':0,'token':0,'foreign':0,'unknown':0,'lost':"
				"0,'missed':3,'missed_by_kind':{'connections':2,'processes':1}}",
				""),
			DAY, false, VERDICT_INCONCLUSIVE,
			{"2 connections were not tracked", "up to 1 process was not identified"}},
		{"foreign is harmless",
			REPORT_OF(WEB1, DAY_1, TOTALS(0, 0, 0, 3, 0, 0),
				CALLER("cloud-init", CALLS(0, 0, 0, 3, 0))),
			DAY, false, VERDICT_READY, {"3 calls seen"}},
		{"foreign blocks when strict",
			REPORT_OF(WEB1, DAY_1, TOTALS(0, 0, 0, 3, 0, 0),
				CALLER("cloud-init", CALLS(0, 0, 0, 3, 0))),
			DAY, STRICT, VERDICT_BLOCKED,
			{"1 caller called another cloud's metadata service (3 calls)"}},
		{"not watched for long",
			REPORT_OF(WEB1, WINDOW("m1", "b1", "01T00", "01T02"), QUIET, GOOD), DAY,
			false, VERDICT_INCONCLUSIVE,
			{"host web-1 was watched for 2h, less than the 24h required"}},
		{"one of two hosts not watched for long",
			REPORT_OF(WEB1 "," WEB2, DAY_1 "," SHORT_2, QUIET, GOOD), DAY, false,
			VERDICT_INCONCLUSIVE,
			{"host web-2 was watched for 2h, less than the 24h required"}},
		{"a host in no window", REPORT_OF(WEB1 "," WEB2, DAY_1, QUIET, GOOD), DAY, false,
			VERDICT_INCONCLUSIVE, {"host web-2 was not watched, and 24h is required"}},
		{"a window of a host that has no name", REPORT_OF("", SHORT_2, QUIET, GOOD), DAY,
			false, VERDICT_INCONCLUSIVE, {"host m2 was watched for 2h"}},
		{"each host watched for long",
			REPORT_OF(WEB1 "," WEB2, DAY_1 "," DAY_2, QUIET, GOOD), DAY, false,
			VERDICT_READY, {"2 hosts watched for at least 1d"}},
		{"no window at all", REPORT_OF(WEB1, "", QUIET, GOOD), DAY, false,
			VERDICT_INCONCLUSIVE, {"the report does not say how long"}},
		{"no window, and none asked for", REPORT_OF("", "", QUIET, GOOD), 0, false,
			VERDICT_READY, {"no caller called IMDSv1 (6 calls seen)"}},
		{"a short window, and none asked for", REPORT_OF(WEB2, SHORT_2, QUIET, GOOD), 0,
			false, VERDICT_READY, {"1 host watched for 2h"}},
		{"less is asked for", REPORT_OF(WEB2, SHORT_2, QUIET, GOOD), 2 * HOUR, false,
			VERDICT_READY, {"1 host watched for 2h"}},
		{"windows add up, and gaps are named",
			REPORT_OF(WEB1,
				WINDOW("m1", "b1", "01T00", "01T12") "," WINDOW("m1", "b2", "01T14",
					"02T02") "," WINDOW("m1", "b2", "02T03", "02T04"),
				QUIET, GOOD),
			DAY, false, VERDICT_READY,
			{"watched for 1d 1h",
				"note: web-1 was not watched all the time: 2 gaps, the longest 2h"}},
		{"overlaps count once",
			REPORT_OF(WEB1,
				WINDOW("m1", "b1", "01T00", "01T13") "," WINDOW(
					"m1", "b1", "01T01", "01T13"),
				QUIET, GOOD),
			DAY, false, VERDICT_INCONCLUSIVE, {"watched for 13h, less than the 24h"}},
		{"a boot was watched",
			REPORT_OF(WEB1,
				"{'host':'m1','boot_id':'b','start':'2026-01-01T00:01:00Z','end':"
				"'2026-01-03T00:00:00Z','booted':'2026-01-01T00:00:00Z'}",
				QUIET, GOOD),
			DAY, false, VERDICT_READY, {"1 host"}},
		{"nothing was opened before a boot was watched",
			REPORT_OF(WEB1,
				"{'host':'m1','boot_id':'b','start':'2026-01-01T00:01:00Z','end':"
				"'2026-01-03T00:00:00Z','booted':'2026-01-01T00:00:00Z','opened_before':0}",
				QUIET, GOOD),
			DAY, false, VERDICT_READY, {"1 host"}},
		{"connections were opened before a boot was watched",
			REPORT_OF(WEB1,
				"{'host':'m1','boot_id':'b','start':'2026-01-01T00:00:07Z','end':"
				"'2026-01-03T00:00:00Z','booted':'2026-01-01T00:00:00Z','opened_before':3}",
				QUIET, GOOD),
			DAY, false, VERDICT_READY,
			{"1 host",
				"note: at the boot of web-1, 3 TCP connections had been opened before the trace began, 7s into it: calls on them were not seen"}},
		{"no boot was watched",
			REPORT_OF(WEB1,
				"{'host':'m1','boot_id':'b','start':'2026-01-01T00:02:00Z','end':"
				"'2026-01-03T00:00:00Z','booted':'2026-01-01T00:00:00Z'}",
				QUIET, GOOD),
			DAY, false, VERDICT_READY,
			{"1 host", "note: web-1 did not boot while it was watched"}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct verdict_options options = {
			.min_window = cases[i].min_window, .strict = cases[i].strict};
		struct report *report = report__of(cases[i].report);
		struct ruling ruling;

		assert_int_equal(verdict__rule(&ruling, report, &options), 0);
		assert_non_null(ruling.reasons[0]);
		assert_non_null(ruling.next_steps[0]);
		for (size_t j = 0; j < 4 && cases[i].reasons[j]; j++)
			if (!list__says(ruling.reasons, cases[i].reasons[j])) {
				print_list(ruling.reasons);
				fail_msg("%s: nothing says \"%s\"", cases[i].name,
					cases[i].reasons[j]);
			}
		if (ruling.verdict != cases[i].verdict)
			fail_msg("%s: %s", cases[i].name, verdict__name(ruling.verdict));
		if (!cases[i].reasons[1] && list__says(ruling.reasons, "note:"))
			fail_msg("%s: a note too many", cases[i].name);
		verdict__clear(&ruling);
		report__free(report);
	}
}

static void many_short_hosts_are_summed_up(void **state)
{
	char *text = NULL;
	size_t size, reasons = 0;
	FILE *out = open_memstream(&text, &size);
	struct verdict_options options = {.min_window = DAY};
	struct report *report;
	struct ruling ruling;

	(void)state;
	fputs(HEAD QUIET ",'callers':[],'windows':[", out);
	for (int i = 0; i < 50; i++)
		fprintf(out,
			"%s{'host':'m%d','start':'2026-01-01T00:%02d:00Z',"
			"'end':'2026-01-01T01:00:00Z'}",
			i ? "," : "", i, i);
	fputs("]}", out);
	fclose(out);
	report = report__of(text);
	assert_int_equal(verdict__rule(&ruling, report, &options), 0);
	while (ruling.reasons[reasons])
		reasons++;
	assert_int_equal(reasons, 6);
	assert_true(list__says(ruling.reasons, "host m49 was watched for 11m"));
	assert_true(list__says(ruling.reasons, "45 more hosts were watched for less than 24h"));
	verdict__clear(&ruling);
	report__free(report);
	free(text);
}

static void watched_time_is_the_union_of_windows(void **state)
{
	static const struct {
		const char *name, *windows;
		int64_t watched;
	} cases[] = {
		{"none", "", 0},
		{"of another host", DAY_2, 0},
		{"one", DAY_1, DAY},
		{"one within another", DAY_1 "," WINDOW("m1", "b1", "01T05", "01T06"), DAY},
		{"given backwards",
			WINDOW("m1", "b1", "02T00", "02T03") "," WINDOW(
				"m1", "b1", "01T00", "01T03"),
			6 * HOUR},
		{"that touch",
			WINDOW("m1", "b1", "01T00", "01T03") "," WINDOW(
				"m1", "b1", "01T03", "01T05"),
			5 * HOUR},
		{"of two boots",
			WINDOW("m1", "b1", "01T00", "01T03") "," WINDOW(
				"m1", "b2", "01T04", "01T05"),
			4 * HOUR},
		{"empty", WINDOW("m1", "b1", "01T00", "01T00"), 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[1024];
		struct report *report;

		snprintf(text, sizeof(text), HEAD QUIET ",'windows':[%s],'callers':[]}",
			cases[i].windows);
		report = report__of(text);
		if (verdict__watched(report, "m1") != cases[i].watched)
			fail_msg("%s: %lld", cases[i].name,
				(long long)verdict__watched(report, "m1"));
		report__free(report);
	}
}

#define CLONE(id) "{'hostname':'web','machine_id':'m1','instance_id':'" id "'}"
#define CLONE_WINDOW(id, boot, start, end)                                                  \
	"{'id':'" boot "','host':'m1','instance_id':'" id "','boot_id':'" boot "','start':" \
	"'2026-01-" start ":00:00Z','end':'2026-01-" end ":00:00Z'}"

/* Twelve hours here and twelve there are a day of one host only. */
static void clones_are_watched_one_by_one(void **state)
{
	static const struct {
		const char *name, *hosts, *windows;
		enum verdict verdict;
	} cases[] = {
		{"one instance, one boot after another", CLONE("i-0000000a"),
			CLONE_WINDOW("i-0000000a", "b1", "01T00", "01T12") "," CLONE_WINDOW(
				"i-0000000a", "b2", "01T12", "02T00"),
			VERDICT_READY},
		{"two instances, one machine id", CLONE("i-0000000a") "," CLONE("i-0000000b"),
			CLONE_WINDOW("i-0000000a", "b1", "01T00", "01T12") "," CLONE_WINDOW(
				"i-0000000b", "b2", "01T12", "02T00"),
			VERDICT_INCONCLUSIVE},
		{"one behind another that was watched for a day",
			CLONE("i-0000000a") "," CLONE("i-0000000b"),
			CLONE_WINDOW("i-0000000a", "b1", "01T00", "02T00") "," CLONE_WINDOW(
				"i-0000000b", "b1", "01T00", "01T01"),
			VERDICT_INCONCLUSIVE},
		{"both for a day", CLONE("i-0000000a") "," CLONE("i-0000000b"),
			CLONE_WINDOW("i-0000000a", "b1", "01T00", "02T00") "," CLONE_WINDOW(
				"i-0000000b", "b1", "01T00", "02T00"),
			VERDICT_READY},
		{"an older report, whose windows name the machine alone", CLONE("i-0000000a"),
			WINDOW("m1", "b1", "01T00", "01T12") "," WINDOW(
				"m1", "b2", "01T12", "02T00"),
			VERDICT_READY},
		{"no instance ids, boots at the same time", HOST("m1", "web"),
			WINDOW("m1", "b1", "01T00", "01T14") "," WINDOW(
				"m1", "b2", "01T12", "02T00"),
			VERDICT_INCONCLUSIVE},
		{"no instance ids, a short boot within a long one", HOST("m1", "web"),
			WINDOW("m1", "b1", "01T00", "02T00") "," WINDOW(
				"m1", "b2", "01T12", "01T13"),
			VERDICT_INCONCLUSIVE},
		{"no instance ids, boots at the same time, a day each", HOST("m1", "web"),
			WINDOW("m1", "b1", "01T00", "02T00") "," WINDOW(
				"m1", "b2", "01T12", "02T12"),
			VERDICT_READY},
	};
	struct verdict_options options = {.min_window = 24 * HOUR};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[2048];
		struct report *report;
		struct ruling ruling;

		snprintf(text, sizeof(text),
			HEAD QUIET ",'hosts':[%s],'windows':[%s],'callers':[]}", cases[i].hosts,
			cases[i].windows);
		report = report__of(text);
		assert_int_equal(verdict__rule(&ruling, report, &options), 0);
		if (ruling.verdict != cases[i].verdict)
			fail_msg("%s: %s", cases[i].name, verdict__name(ruling.verdict));
		verdict__clear(&ruling);
		report__free(report);
	}
}

#define ID "i-0123456789abcdef0"
#define EC2(id, region) \
	"{'hostname':'web-1','machine_id':'m1','instance_id':'" id "','region':'" region "'}"
#define MODIFY "aws ec2 modify-instance-metadata-options --instance-id "
#define CUT_OFF                                                                             \
	"{'name':'node','exe':'/usr/bin/node','container':{'runtime':'docker','id':'abc'}," \
	"'calls':" CALLS(5, 0, 2, 0, 0) ",'outcomes':{'v1':{'ok':5,'rejected':0,'other':0," \
					"'none':0},'token':{'ok':0,'rejected':0,'other':0," \
					"'none':2}}}"

static void next_steps_are_commands_to_paste(void **state)
{
	static const struct {
		const char *name, *report, *says, *silent;
	} cases[] = {
		{"ready, with the instance's id", REPORT_OF(EC2(ID, ""), DAY_1, QUIET, ""),
			"Require tokens on web-1: " MODIFY ID
			" --http-tokens required --http-endpoint enabled",
			"--http-endpoint enabled --http-put-response-hop-limit"},
		{"ready, with the Region", REPORT_OF(EC2(ID, "eu-west-1"), DAY_1, QUIET, ""),
			MODIFY ID
			" --http-tokens required --http-endpoint enabled --region eu-west-1",
			"each Region"},
		{"ready, without an id", REPORT_OF(WEB1, DAY_1, QUIET, ""),
			MODIFY "ID --http-tokens required --http-endpoint enabled", NULL},
		{"an id that is none", REPORT_OF(EC2("i-1; reboot", ""), DAY_1, QUIET, ""),
			MODIFY "ID --http-tokens", "reboot"},
		{"a Region that is none", REPORT_OF(EC2(ID, "x; reboot"), DAY_1, QUIET, ""),
			MODIFY ID " --http-tokens", "reboot"},
		{"the default of the Region", REPORT_OF(WEB1, DAY_1, QUIET, ""),
			"aws ec2 modify-instance-metadata-defaults --http-tokens required --http-put-response-hop-limit 2",
			NULL},
		{"what is left", REPORT_OF(EC2(ID, "eu-west-1"), DAY_1, QUIET, ""),
			"aws ec2 describe-instances --filters Name=metadata-options.http-tokens,Values=optional --query 'Reservations[].Instances[].InstanceId' --output "
			"text --region eu-west-1",
			NULL},
		{"launch templates", REPORT_OF(WEB1, DAY_1, QUIET, ""),
			"'{\"MetadataOptions\":{\"HttpTokens\":\"required\"", NULL},
		{"images", REPORT_OF(WEB1, DAY_1, QUIET, ""),
			"aws ec2 modify-image-attribute --image-id AMI --imds-support v2.0", NULL},
		{"enforcement", REPORT_OF(WEB1, DAY_1, QUIET, ""), "--http-tokens-enforced enabled",
			NULL},
		{"the organization", REPORT_OF(WEB1, DAY_1, QUIET, ""),
			"aws organizations create-policy", NULL},
		{"no policy before it is ready",
			REPORT_OF(WEB1, DAY_1, TOTALS(1, 0, 0, 0, 0, 0),
				CALLER("curl", CALLS(1, 0, 0, 0, 0))),
			"ec2:MetadataHttpTokens", "create-policy"},
		{"no enforcement before it is ready", REPORT_OF(WEB2, SHORT_2, QUIET, ""),
			"future launches", "enforced"},
		{"IAM", REPORT_OF(WEB1, DAY_1, QUIET, ""), "ec2:MetadataHttpTokens", NULL},
		{"CloudWatch", REPORT_OF(WEB1, DAY_1, QUIET, ""), "MetadataNoTokenRejected", NULL},
		{"blocked: the caller first",
			REPORT_OF(WEB1, DAY_1, TOTALS(1, 0, 0, 0, 0, 0),
				CALLER("curl", CALLS(1, 0, 0, 0, 0))),
			"Make curl ask for a token", NULL},
		{"blocked: then the verdict again",
			REPORT_OF(WEB1, DAY_1, TOTALS(1, 0, 0, 0, 0, 0),
				CALLER("curl", CALLS(1, 0, 0, 0, 0))),
			"imdstrace check --since TIME FILE", NULL},
		{"blocked: what was lost has no time",
			REPORT_OF(WEB1, DAY_1, TOTALS(1, 0, 0, 0, 0, 3),
				CALLER("curl", CALLS(1, 0, 0, 0, 0))),
			"imdstrace check NEW-FILE", NULL},
		{"blocked by a hop limit: raised at once",
			REPORT_OF(EC2(ID, ""), DAY_1, TOTALS(5, 0, 2, 0, 0, 0), CUT_OFF),
			"Raise the hop limit on web-1: " MODIFY ID
			" --http-put-response-hop-limit 2 --http-endpoint enabled",
			NULL},
		{"blocked by a hop limit: and kept with the switch",
			REPORT_OF(EC2(ID, ""), DAY_1, TOTALS(5, 0, 2, 0, 0, 0), CUT_OFF),
			MODIFY ID
			" --http-tokens required --http-endpoint enabled --http-put-response-hop-limit 2",
			NULL},
		{"inconclusive: watch on", REPORT_OF(WEB2, SHORT_2, QUIET, ""),
			"imdstrace trace --quiet --duration 24h --output FILE", NULL},
		{"inconclusive: what was lost stays",
			REPORT_OF(WEB1, DAY_1, TOTALS(0, 0, 0, 0, 0, 3), ""), "into a new file",
			NULL},
	};
	struct verdict_options options = {.min_window = DAY};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct report *report = report__of(cases[i].report);
		struct ruling ruling;

		assert_int_equal(verdict__rule(&ruling, report, &options), 0);
		if (!list__says(ruling.next_steps, cases[i].says) ||
			(cases[i].silent && list__says(ruling.next_steps, cases[i].silent))) {
			print_list(ruling.next_steps);
			fail_msg("%s", cases[i].name);
		}
		verdict__clear(&ruling);
		report__free(report);
	}
}

static void only_our_own_commands_are_commands(void **state)
{
	struct report *report = report__of(REPORT_OF(
		"{'hostname':'x: aws ec2 terminate','machine_id':'m1'}", DAY_1,
		TOTALS(1, 0, 0, 0, 0, 0), CALLER("x: aws ec2 terminate", CALLS(1, 0, 0, 0, 0))));
	struct verdict_options options = {.min_window = DAY};
	struct ruling ruling;

	(void)state;
	assert_int_equal(verdict__rule(&ruling, report, &options), 0);
	for (size_t i = 0; ruling.next_steps[i]; i++) {
		const char *command = ruling.next_steps[i] + ruling.command_at[i];

		if (ruling.command_at[i])
			assert_null(strstr(command, "terminate"));
	}
	verdict__clear(&ruling);
	report__free(report);
}

static void the_hop_limit_is_raised_where_it_is_needed(void **state)
{
	struct report *report = report__of(REPORT_OF(WEB1 "," WEB2, DAY_1 "," DAY_2,
		TOTALS(5, 0, 2, 0, 0, 0),
		"{'name':'node','container':{'id':'abc'},'hosts':{'count':1,'exact':true,'sample':"
		"['m2']},'calls':" CALLS(5, 0, 2, 0, 0) "}"));
	struct verdict_options options = {.min_window = DAY};
	struct ruling ruling;

	(void)state;
	assert_int_equal(verdict__rule(&ruling, report, &options), 0);
	assert_true(list__says(ruling.next_steps, "Raise the hop limit on web-2"));
	assert_false(list__says(ruling.next_steps, "Raise the hop limit on web-1"));
	verdict__clear(&ruling);
	report__free(report);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_verdict_follows_from_what_was_seen),
		cmocka_unit_test(many_short_hosts_are_summed_up),
		cmocka_unit_test(watched_time_is_the_union_of_windows),
		cmocka_unit_test(next_steps_are_commands_to_paste),
		cmocka_unit_test(only_our_own_commands_are_commands),
		cmocka_unit_test(the_hop_limit_is_raised_where_it_is_needed),
		cmocka_unit_test(clones_are_watched_one_by_one),
	};

	return cmocka_run_group_tests_name("verdict", tests, NULL, NULL);
}
