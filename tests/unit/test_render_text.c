/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "report_fixture.h"

#include "lib/array.h"
#include "lib/clock.h"
#include "render/render.h"
#include "lib/text.h"

#define DAY (24 * 3600 * NSEC_PER_SEC)

#define LONG_PATH                                                                               \
	"/latest/meta-data/iam/security-credentials/a-role-whose-name-is-longer-than-any-line-" \
	"that-a-terminal-of-eighty-columns-can-show-at-once"
#define BLOCKED                                                                                    \
	HEAD "'hosts':[{'hostname':'web-1','machine_id':'m1','kernel':'6.1.0',"                    \
	     "'instance_id':'i-0123456789abcdef0'}],"                                              \
	     "'windows':[" WINDOW("m1", "b1", "01T00", "01T02") "]," TOTALS(163, 300, 23, 2, 2,    \
		     5) ",'callers':["                                                             \
			"{'name':'python3 /opt/etl/load.py','exe':'/usr/bin/python3.11',"          \
			"'parent':'bash /etc/cron.daily/tag','unit':'etl.service',"                \
			"'user_agents':['Boto3/1.9.42 Botocore/1.12.42'],'calls':" CALLS(120, 0,   \
				0, 0,                                                              \
				0) ",'paths':[{'method':'GET','path':'" LONG_PATH                  \
				   "','class':'v1','count':100,"                                   \
				   "'first':'2026-01-01T00:00:01Z','last':'2026-01-01T01:12:01Z'}" \
				   "]},"                                                           \
				   "{'name':'node "                                                \
				   "/srv/a-rather-long-directory/orders/index.js','exe':'/usr/"    \
				   "bin/node',"                                                    \
				   "'container':{'runtime':'docker','id':'abababababababab','"     \
				   "name':'orders'},"                                              \
				   "'calls':" CALLS(40, 0, 10, 0,                                  \
					   0) "},"                                                 \
					      "{'name':'evil\\u001b["                              \
					      "31m\\u202e\\n\xe6\x97\xa5\xe6\x9c\xac','exe':'/"    \
					      "e','calls':" CALLS(3, 0, 1, 0,                      \
						      0) "},"                                      \
							 "{'name':'agent','exe':'/"                \
							 "a','calls':" CALLS(0, 300, 12, 0,        \
								 0) "},"                           \
								    "{'name':'cloud-init','exe':'" \
								    "/c','calls':" CALLS(0, 0, 0,  \
									    2,                     \
									    0) "},"                \
									       "{'name':'mystery'" \
									       ",'exe':'/"         \
									       "m','calls'"        \
									       ":" CALLS(0, 0, 0,  \
										       0, 2) "}]}"

static char *rendered(const char *quoted, unsigned int columns, bool color)
{
	struct render_options options = {
		.verdict.min_window = DAY, .columns = columns, .color = color};
	struct report *report = report__of(quoted);
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	report__sort(report);
	assert_int_equal(text__render(out, report, &options), 0);
	fclose(out);
	report__free(report);
	return text;
}

static void no_line_is_wider_than_the_page(void **state)
{
	(void)state;
	for (unsigned int columns = 1; columns <= 250; columns++) {
		char *text = rendered(BLOCKED, columns, false);

		for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
			if (text__columns(line) > columns)
				fail_msg("%u columns: %s", columns, line);
			if (line[strlen(line) - 1] == ' ')
				fail_msg("%u columns: blanks at the end of \"%s\"", columns, line);
		}
		free(text);
	}
}

static void nothing_reaches_the_terminal_unprinted(void **state)
{
	char *text = rendered(BLOCKED, 120, false);

	(void)state;
	for (const char *at = text; *at; at++)
		assert_true(*at == '\n' || ((unsigned char)*at >= 0x20 && *at != 0x7f));
	assert_null(strstr(text, "\xe2\x80\xae"));
	assert_non_null(strstr(text, "evil\\x1b[31m"));
	free(text);
}

static void the_summary_says(void **state)
{
	static const char *const says[] = {
		"3 callers called IMDSv1 (163 calls)",
		"5 events were lost",
		"host web-1 was watched for 2h, less than the 24h required",
		"120",
		"python3 /opt/etl/load.py",
		"etl.service",
		"v1-only",
		"fallback",
		"docker orders",
		"started by bash /etc/cron.daily/tag",
		"last v1 call 2026-01-01 01:12:01 UTC",
		"Upgrade boto3 1.9.42",
		"1 caller uses only IMDSv2 (312 calls): agent",
		"1 caller calls only another cloud's metadata service, which is harmless (2 calls): cloud-init",
		"100  GET /latest/meta-data/iam/security-credentials/",
		"63  (not recorded)",
		"v1 163, v2 300, token 23, foreign 2, unknown 2, lost 5",
		"web-1 (i-0123456789abcdef0) for 2h",
		"Next steps",
		"aws ec2 modify-instance-metadata-options --instance-id i-0123456789abcdef0",
		"ec2:MetadataHttpTokens",
	};
	char *text = rendered(BLOCKED, 200, false);

	(void)state;
	assert_memory_equal(text, "BLOCKED  3 callers", strlen("BLOCKED  3 callers"));
	for (size_t i = 0; i < ARRAY_SIZE(says); i++)
		if (!strstr(text, says[i]))
			fail_msg("nothing says \"%s\" in\n%s", says[i], text);
	free(text);
}

static void the_first_line_is_the_verdict(void **state)
{
	static const struct {
		const char *name, *report, *first, *color;
	} cases[] = {
		{"blocked", BLOCKED, "BLOCKED  ", "\033[1;31mBLOCKED"},
		{"ready",
			HEAD "'windows':[" WINDOW("m1", "b1", "01T00", "03T00") "]," TOTALS(
				0, 0, 0, 0, 0, 0) ",'callers':[]}",
			"READY  no caller called IMDSv1", "\033[1;32mREADY"},
		{"inconclusive", HEAD TOTALS(0, 0, 0, 0, 0, 0) ",'callers':[]}",
			"INCONCLUSIVE  the report does not say", "\033[1;33mINCONCLUSIVE"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *plain = rendered(cases[i].report, 80, false);
		char *colored = rendered(cases[i].report, 80, true);

		if (strncmp(plain, cases[i].first, strlen(cases[i].first)))
			fail_msg("%s: %s", cases[i].name, plain);
		if (strncmp(colored, cases[i].color, strlen(cases[i].color)))
			fail_msg("%s: %s", cases[i].name, colored);
		assert_null(strchr(plain, '\033'));
		free(plain);
		free(colored);
	}
}

/* Continuations joined, the command is the one that was meant. */
static void commands_survive_being_pasted(void **state)
{
	static const unsigned int columns[] = {60, 80, 100, 200};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(columns); i++) {
		char *text = rendered(BLOCKED, columns[i], false), *out = text;

		for (char *at = text; *at; at++) {
			if (!strncmp(at, " \\\n", 3)) {
				at += 2;
				while (at[1] == ' ' && at[2] == ' ')
					at++;
				continue;
			}
			*out++ = *at;
		}
		*out = '\0';
		if (!strstr(text,
			    "\n    aws ec2 modify-instance-metadata-options --instance-id i-0123456789abcdef0 --http-tokens required --http-endpoint enabled --http-put-response-hop-limit 2\n"))
			fail_msg("%u columns: %s", columns[i], text);
		free(text);
	}
}

static void an_advice_is_said_once(void **state)
{
	char *text = rendered(BLOCKED, 200, false), *first;

	(void)state;
	first = strstr(text, "Upgrade boto3 1.9.42");
	assert_non_null(first);
	assert_null(strstr(first + 1, "Upgrade boto3 1.9.42"));
	free(text);
}

static void a_thousand_callers_are_no_thousand_lines(void **state)
{
	char *report = NULL, *text;
	size_t size, lines = 0;
	FILE *out = open_memstream(&report, &size);

	(void)state;
	fputs(HEAD TOTALS(2000, 0, 0, 0, 0, 0) ",'callers':[", out);
	for (int i = 0; i < 1000; i++)
		fprintf(out, "%s{'name':'caller-%d','exe':'/%d','calls':" CALLS(2, 0, 0, 0, 0) "}",
			i ? "," : "", i, i);
	fputs("]}", out);
	fclose(out);
	text = rendered(report, 80, false);
	for (const char *at = text; *at; at++)
		lines += *at == '\n';
	assert_true(lines < 250);
	assert_non_null(strstr(text, "and 970 more with 1,940 v1 calls"));
	assert_null(strstr(text, "other callers"));
	free(text);
	free(report);
}

static void a_fleet_s_callers_say_where_and_what_came_back(void **state)
{
	static const char *const says[] = {
		"curl",
		"uid 0, on web-2, answers to v1: 1 ok, 4 rejected",
		"uid 0, on 4 hosts (web-1, web-2, m3, …)", /* all ok: nothing to add */
		"uid 0, on 40 hosts\n",
		"for 23h, 2026-01-01 00:00 to 2026-01-02 00:00 UTC, with 1 gap of 1h",
	};
	char *text = rendered(HEAD
		"'hosts':[" HOST("m1", "web-1") "," HOST("m2", "web-2") "],'windows':[" WINDOW("m1",
			"b", "01T00",
			"01T12") "," WINDOW("m1", "b", "01T13", "02T00") "]," TOTALS(8, 0, 0, 0, 0,
			0) ",'callers':[{'name':'curl','uid':0,'calls':" CALLS(5, 0, 0, 0,
			0) ",'hosts':{'count':1,'exact':true,'sample':['m2']},'outcomes':{'v1':{'"
			   "ok':1,'rejected':4,'other':0,'none':0}}},{'name':'wget','uid':0,'calls'"
			   ":" CALLS(2, 0, 0, 0, 0) ",'hosts':{'count':4,'exact':true,'sample':['"
						    "m1','m2','m3','m4']},"
						    "'outcomes':{'v1':{'ok':2,'rejected':0,'other':"
						    "0,'none':0}}},"
						    "{'name':'nc','uid':0,'calls':" CALLS(1, 0, 0,
							    0, 0) ",'hosts':{'count':40,'exact':"
								  "true,'sample':[]}}]}",
		200, false);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(says); i++)
		if (!strstr(text, says[i]))
			fail_msg("nothing says \"%s\" in\n%s", says[i], text);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_line_is_wider_than_the_page),
		cmocka_unit_test(nothing_reaches_the_terminal_unprinted),
		cmocka_unit_test(the_summary_says),
		cmocka_unit_test(the_first_line_is_the_verdict),
		cmocka_unit_test(commands_survive_being_pasted),
		cmocka_unit_test(an_advice_is_said_once),
		cmocka_unit_test(a_fleet_s_callers_say_where_and_what_came_back),
		cmocka_unit_test(a_thousand_callers_are_no_thousand_lines),
	};

	return cmocka_run_group_tests_name("text summary", tests, NULL, NULL);
}
