/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "report_fixture.h"

#include <errno.h>
#include <jansson.h>

#include "verdict/verdict.h"

#include "lib/array.h"

#define ZERO         TOTALS(0, 0, 0, 0, 0, 0)
#define EMPTY(more)  HEAD ZERO ",'callers':[]" more "}"
#define CALLER(more) HEAD ZERO ",'callers':[{'name':'curl','calls':" CALLS(3, 0, 0, 0, 0) more "}]}"

/* Each field of the contract, and each addition. */
#define FULL                                                                                      \
	"{'schema':'imdstrace.report/1','version':'0.0.9',"                                       \
	"'hosts':[{'hostname':'web-1','machine_id':'m1','kernel':'6.1.0','instance_id':'i-0a',"   \
	"'region':'eu-west-1'},{'hostname':'web-2','machine_id':'m2','kernel':'6.1.0',"           \
	"'instance_id':null}],"                                                                   \
	"'windows':[{'id':'w1','host':'m1','instance_id':'i-0a','boot_id':'b1','start':'2026-01-" \
	"01T00:00:00.5Z',"                                                                        \
	"'end':'2026-01-02T00:00:00Z','hooks':'fentry','booted':'2026-01-01T00:00:00Z',"          \
	"'responses':true},{'host':'m2','boot_id':'b2','start':'2026-01-01T00:00:00Z',"           \
	"'end':'2026-01-02T00:00:00Z','hooks':'kprobe','booted':null,'responses':false}],"        \
	"'verdict':'blocked','reasons':['x'],"                                                    \
	"'totals':{'v1':9,'v2':1,'token':1,'foreign':1,'unknown':2,'lost':3,'missed':4,"          \
	"'missed_by_kind':{'connections':3,'processes':1},"                                       \
	"'unknown_by_reason':{'not_http':1,'unreadable':1}},"                                     \
	"'callers':[{'name':'python3 /x.py','comm':'python3','exe':'/usr/bin/python3',"           \
	"'script':'/x.py','uid':4294967295,'network':'own','args':['python3','/"                  \
	"x.py',''],'args_cut':true,"                                                              \
	"'parent':'bash','pids':[1,2],'processes':12,'hosts':{'count':20,'exact':false,"          \
	"'sample':['m1','m2']},'unit':'etl.service','slice':'system.slice',"                      \
	"'container':{'runtime':'docker','id':'abc','name':null,'image':null},"                   \
	"'pod':{'uid':'u','name':'n','namespace':'s'},"                                           \
	"'user_agents':['Boto3/1.9.42','\\u0001\\u001b[31m\xc3\xa9'],"                            \
	"'client':{'name':'boto3','version':'1.9.42','min_version':'1.12.6'},"                    \
	"'pattern':'mixed','advice':'none','advice_text':'x',"                                    \
	"'calls':{'v1':9,'v2':1,'token':1,'foreign':1,'unknown':2},"                              \
	"'outcomes':{'v1':{'ok':3,'rejected':1,'other':1,'none':1},"                              \
	"'v2':{'ok':1,'rejected':0,'other':0,'none':0},"                                          \
	"'token':{'ok':0,'rejected':0,'other':1,'none':0},"                                       \
	"'foreign':{'ok':0,'rejected':0,'other':0,'none':0}},"                                    \
	"'unknown_by_reason':{'untracked':2},"                                                    \
	"'paths':[{'method':'GET','path':'/a','class':'v1','count':4,"                            \
	"'first':'2026-01-01T00:00:01Z','last':'2026-01-01T00:00:02Z','path_cut':true},"          \
	"{'method':null,'path':'(others)','class':'v1','count':2,'first':null,'last':null},"      \
	"{'method':null,'path':null,'class':'unknown','count':1,'first':null,'last':null}],"      \
	"'first':'2026-01-01T00:00:01Z','last':'2026-01-01T00:00:02Z'},"                          \
	"{'name':'(others)','comm':'(others)','exe':null,'calls':{'v1':0,'v2':0,'token':0,"       \
	"'foreign':0,'unknown':0}}],"                                                             \
	"'timeline':[{'start':'2026-01-01T00:00:00Z','seconds':120,'v1':9,'v2':0,'token':0,"      \
	"'foreign':0,'unknown':0}],'next_steps':['x']}"

static void writing_what_was_read_loses_nothing(void **state)
{
	struct report *report = report__of(FULL), *again = NULL;
	char *first = report__to_json(report, 0), *second, why[256];

	(void)state;
	assert_non_null(first);
	assert_int_equal(report__from_json(&again, first, strlen(first), why, sizeof(why)), 0);
	second = report__to_json(again, 0);
	assert_string_equal(first, second);
	assert_int_equal(first[strlen(first) - 1], '\n');
	free(first);
	free(second);
	report__free(report);
	report__free(again);
}

/* The values of a written report, by where they stand ("callers.0.calls.v1"). */
static void what_was_read_is_written(void **state)
{
	static const struct {
		const char *place, *json; /* with ' for " */
	} cases[] = {
		{"schema", "'imdstrace.report/1'"},
		{"version", "'0.0.9'"},
		{"hosts.0.region", "'eu-west-1'"},
		{"hosts.1.instance_id", "null"},
		{"windows.0.id", "'w1'"},
		{"windows.0.host", "'m1'"},
		{"windows.0.instance_id", "'i-0a'"},
		{"windows.1.host", "'m2'"},
		{"windows.1.instance_id", "null"},
		{"windows.0.start", "'2026-01-01T00:00:00.500000000Z'"},
		{"windows.0.booted", "'2026-01-01T00:00:00.000000000Z'"},
		{"windows.1.booted", "null"},
		{"windows.1.responses", "false"},
		{"verdict", "'blocked'"},
		{"totals.lost", "3"},
		{"totals.missed", "4"},
		{"totals.missed_by_kind.connections", "3"},
		{"totals.missed_by_kind.processes", "1"},
		{"totals.unknown_by_reason.unreadable", "1"},
		{"totals.unknown_by_reason.unseen", "0"},
		{"callers.0.name", "'python3 /x.py'"},
		{"callers.0.uid", "4294967295"},
		{"callers.0.network", "'own'"},
		{"callers.0.args", "['python3','/x.py','']"},
		{"callers.0.args_cut", "true"},
		{"callers.0.pids", "[1,2]"},
		{"callers.0.processes", "12"},
		/* Read from the object that older reports have there. */
		{"callers.0.hosts", "20"},
		{"callers.0.hosts_exact", "false"},
		{"callers.0.hosts_sample", "['i-0a','m2']"},
		{"callers.0.unit", "'etl.service'"},
		{"callers.0.container", "{'runtime':'docker','id':'abc','name':null,'image':null}"},
		{"callers.0.pod", "{'uid':'u','name':'n','namespace':'s'}"},
		{"callers.0.client", "{'name':'boto3','version':'1.9.42','min_version':'1.12.6'}"},
		{"callers.0.pattern", "'fallback'"},
		{"callers.0.advice", "'upgrade-client'"},
		{"callers.0.calls", "{'v1':9,'v2':1,'token':1,'foreign':1,'unknown':2}"},
		/* 9 calls, of which 3 were made while responses were not watched */
		{"callers.0.outcomes.v1", "{'ok':3,'rejected':1,'other':1,'none':1}"},
		{"callers.0.unknown_by_reason.untracked", "2"},
		{"callers.0.paths.0.path_cut", "true"},
		{"callers.0.paths.1.path", "'(others)'"},
		{"callers.0.paths.2.path", "null"},
		/* 9 v1 calls, of which the paths hold 6 */
		{"callers.0.paths.6.class", "'v1'"},
		{"callers.0.paths.6.path", "'(not recorded)'"},
		{"callers.0.paths.6.count", "3"},
		{"callers.1.exe", "null"},
		{"callers.1.container", "null"},
		{"callers.1.advice", "'investigate'"},
		{"timeline.0.seconds", "120"},
	};
	struct report *report = report__of(FULL);
	char *text = report__to_json(report, 0);
	json_t *root = json_loads(text, 0, NULL);

	(void)state;
	assert_non_null(root);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *expected = json__of(cases[i].json), *place = strdup(cases[i].place), *got;
		const json_t *value = root;

		for (char *part = strtok(place, "."); part; part = strtok(NULL, "."))
			value = json_is_array(value)
					? json_array_get(value, strtoul(part, NULL, 10))
					: json_object_get(value, part);
		got = value ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
		if (!got || strcmp(got, expected))
			fail_msg("%s is %s", cases[i].place, got ? got : "missing");
		free(expected);
		free(place);
		free(got);
	}
	json_decref(root);
	free(text);
	report__free(report);
}

static void outcomes_are_null_where_nothing_was_watched(void **state)
{
	static const struct {
		const char *name, *windows, *outcomes;
		bool null;
	} cases[] = {
		{"not watched in any window",
			"{'host':'m','start':'2026-01-01T00:00:00Z','end':'2026-01-01T00:00:00Z',"
			"'responses':false}",
			"null", true},
		{"watched in one of two",
			"{'host':'m','start':'2026-01-01T00:00:00Z','end':'2026-01-01T00:00:00Z',"
			"'responses':false},"
			"{'host':'n','start':'2026-01-01T00:00:00Z','end':'2026-01-01T00:00:00Z',"
			"'responses':true}",
			"null", false},
		{"no window, and no outcomes", "", "null", true},
		{"no window, but outcomes", "", "{'v1':{'ok':1,'rejected':0,'other':0,'none':0}}",
			false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[1024], *written;
		struct report *report;

		snprintf(text, sizeof(text),
			HEAD TOTALS(1, 0, 0, 0, 0, 0) ",'windows':[%s],'callers':[{'name':'x',"
						      "'calls':" CALLS(
							      1, 0, 0, 0, 0) ",'outcomes':%s}]}",
			cases[i].windows, cases[i].outcomes);
		report = report__of(text);
		written = report__to_json(report, 0);
		if (!strstr(written, "\"outcomes\":null") == cases[i].null)
			fail_msg("%s", cases[i].name);
		free(written);
		report__free(report);
	}
}

static void what_is_no_report_is_refused_with_a_reason(void **state)
{
	static const struct {
		const char *name, *text, *why;
	} cases[] = {
		{"an empty file", "", "is empty"},
		{"a byte order mark alone", "\xef\xbb\xbf", "is empty"},
		{"a compressed report", "\x1f\x8b\x08\x08", "compressed: unpack it first"},
		{"a text", "hello", "not JSON"},
		{"half a report", HEAD ZERO ",'callers':[{'name'", "ends in the middle"},
		{"two reports", EMPTY("") EMPTY(""), "not JSON"},
		{"an array", "[]", "no object"},
		{"no schema", "{}", "schema is missing"},
		{"a schema that is no string", "{'schema':1}", "schema is not a string"},
		{"another schema", "{'schema':'imdstrace.report/2'}", "imdstrace.report/2"},
		{"no totals", HEAD "'callers':[]}", "totals is missing"},
		{"totals without v1",
			HEAD "'totals':{'v2':0,'token':0,'foreign':0,'unknown':0,'lost':0},"
			     "'callers':[]}",
			"totals.v1 is missing"},
		{"no callers", HEAD ZERO "}", "callers is missing"},
		{"a field given twice", EMPTY(",'callers':[]"), "not JSON"},
		{"a negative count", HEAD TOTALS(-1, 0, 0, 0, 0, 0) ",'callers':[]}",
			"totals.v1 is negative"},
		{"a count with a fraction", HEAD TOTALS(1.5, 0, 0, 0, 0, 0) ",'callers':[]}",
			"totals.v1 is not a whole number"},
		{"a count as a string", HEAD TOTALS('1', 0, 0, 0, 0, 0) ",'callers':[]}",
			"totals.v1 is not a whole number"},
		{"a count over 2^53", HEAD TOTALS(9007199254740992, 0, 0, 0, 0, 0) ",'callers':[]}",
			"totals.v1 is too large"},
		{"a count over 2^64",
			HEAD TOTALS(99999999999999999999999, 0, 0, 0, 0, 0) ",'callers':[]}",
			"number that is too large"},
		{"callers as an object", HEAD ZERO ",'callers':{}}", "callers is not an array"},
		{"a caller that is null", HEAD ZERO ",'callers':[null]}",
			"callers[0] is not an object"},
		{"a caller without a name", HEAD ZERO ",'callers':[{}]}",
			"callers[0].name is missing"},
		{"a caller without calls", HEAD ZERO ",'callers':[{'name':'x'}]}",
			"callers[0].calls is missing"},
		{"a caller's calls without v1",
			HEAD ZERO ",'callers':[{'name':'x','calls':{'token':0,'v2':0,'foreign':0,"
				  "'unknown':0}}]}",
			"callers[0].calls.v1 is missing"},
		{"a network that is none", CALLER(",'network':'bridge'"),
			"callers[0].network is neither host nor own"},
		{"a user that is too large", CALLER(",'uid':4294967296"),
			"callers[0].uid is too large"},
		{"args that are a string", CALLER(",'args':'x'"),
			"callers[0].args is not an array"},
		{"an argument that is a number", CALLER(",'args':['x',1]"),
			"callers[0].args[1] is not a string"},
		{"a container that is a string", CALLER(",'container':'x'"),
			"callers[0].container is not an object"},
		{"a container's id that is a number", CALLER(",'container':{'id':1}"),
			"callers[0].container.id is not a string"},
		{"outcomes without one", CALLER(",'outcomes':{'v1':{'ok':1}}"),
			"callers[0].outcomes.v1.rejected is missing"},
		{"a path without a class", CALLER(",'paths':[{'path':'/','count':1}]"),
			"callers[0].paths[0].class is missing"},
		{"a path of another class",
			CALLER(",'paths':[{'path':'/','class':'v3','count':1}]"),
			"callers[0].paths[0].class is none of"},
		{"a v1 path without a path", CALLER(",'paths':[{'class':'v1','count':1}]"),
			"callers[0].paths[0].path is missing"},
		{"a time that is none", CALLER(",'first':'yesterday'"),
			"callers[0].first is not an RFC 3339 time"},
		{"an advice that is a number", CALLER(",'advice':1"),
			"callers[0].advice is not a string"},
		{"a host without an id", EMPTY(",'hosts':[{'hostname':'x'}]"),
			"hosts[0].machine_id is missing"},
		{"a window without an end",
			EMPTY(",'windows':[{'host':'m','start':'2026-01-01T00:00:00Z'}]"),
			"windows[0].end is missing"},
		{"a window that ends before it starts",
			EMPTY(",'windows':[{'host':'m','start':'2026-01-01T00:00:01Z',"
			      "'end':'2026-01-01T00:00:00Z'}]"),
			"windows[0] ends before it starts"},
		{"a window before 1970",
			EMPTY(",'windows':[{'host':'m','start':'1969-01-01T00:00:01Z',"
			      "'end':'2026-01-01T00:00:00Z'}]"),
			"windows[0].start is not"},
		{"responses that are a word",
			EMPTY(",'windows':[{'host':'m','start':'2026-01-01T00:00:00Z',"
			      "'end':'2026-01-01T00:00:00Z','responses':'yes'}]"),
			"windows[0].responses is neither"},
		{"a bucket without a length",
			EMPTY(",'timeline':[{'start':'2026-01-01T00:00:00Z'}]"),
			"timeline[0].seconds is missing"},
		{"a bucket of ages",
			EMPTY(",'timeline':[{'start':'2026-01-01T00:00:00Z','seconds':4000000000}"
			      "]"),
			"timeline[0].seconds is too large"},
		{"a verdict that is a number", EMPTY(",'verdict':1"), "verdict is not a string"},
		{"reasons that are a word", EMPTY(",'reasons':'x'"), "reasons is not an array"},
		{"a byte that is no UTF-8", EMPTY(",'x':'\xff'"), "not JSON"},
		{"a NUL in a string", EMPTY(",'x':'\\u0000'"), "not JSON"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct report *report = (struct report *)&cases;
		char *text = json__of(cases[i].text), why[256] = "";
		int error = report__from_json(&report, text, strlen(text), why, sizeof(why));

		if (error != -EINVAL || !strstr(why, cases[i].why))
			fail_msg("%s: %d, %s", cases[i].name, error, why);
		assert_ptr_equal(report, &cases);
		free(text);
	}
}

static void what_the_contract_leaves_open_is_accepted(void **state)
{
	static const struct {
		const char *name, *text;
	} cases[] = {
		{"nothing but counts", EMPTY("")},
		{"a byte order mark in front", "\xef\xbb\xbf" EMPTY("")},
		{"unknown fields", EMPTY(",'later':{'x':[1]}")},
		{"empty lists", EMPTY(",'hosts':[],'windows':[],'timeline':[],'reasons':[]")},
		{"times with an offset",
			EMPTY(",'windows':[{'host':'m','start':'2026-01-01T01:00:00+01:00',"
			      "'end':'2026-01-01T00:00:00.25Z'}]")},
		{"nulls where nothing is known",
			CALLER(",'exe':null,'script':null,'parent':null,'"
			       "unit':null,'container':null,'pod':null,'outcomes':null,'first':null,'"
			       "last':null,'client':null")},
		{"more paths than calls",
			CALLER(",'paths':[{'method':'GET','path':'/','class':'v1',"
			       "'count':99}]")},
		{"the same caller twice",
			HEAD ZERO ",'callers':[{'name':'x','calls':" CALLS(
				1, 0, 0, 0, 0) "},"
					       "{'name':'x','calls':" CALLS(1, 0, 0, 0, 0) "}]}"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		report__free(report__of(cases[i].text));
}

static void a_caller_without_hosts_is_of_the_one_host(void **state)
{
	struct report *report = report__of(
		HEAD ZERO ",'hosts':[{'machine_id':'m1'}],'callers':[{'name':'x','calls':" CALLS(
			1, 0, 0, 0, 0) "}]}");

	(void)state;
	assert_int_equal(report->callers[0]->hosts_total, 1);
	assert_string_equal(report->callers[0]->hosts[0], "m1");
	report__free(report);
}

/* text, count times, between head and tail. */
static char *text__repeated(const char *head, const char *text, size_t count, const char *tail)
{
	char *result = NULL;
	size_t size;
	FILE *out = open_memstream(&result, &size);

	fputs(head, out);
	for (size_t i = 0; i < count; i++)
		fputs(text, out);
	fputs(tail, out);
	fclose(out);
	for (size_t i = 0; i < size; i++)
		if (result[i] == '\'')
			result[i] = '"';
	return result;
}

static void hostile_sizes_are_survived(void **state)
{
	static const struct {
		const char *name, *head, *repeated;
		size_t count;
		const char *tail;
		bool accepted;
	} cases[] = {
		{"deep nesting", HEAD ZERO ",'callers':", "[", 100000, "", false},
		{"deep and closed", HEAD ZERO ",'callers':[],'x':[", "[", 3000, "", false},
		{"ten million numbers", HEAD ZERO ",'callers':[],'x':[1", ",1", 10000000, "]}",
			false},
		{"a million numbers as pids",
			HEAD ZERO
			",'callers':[{'name':'x','calls':" CALLS(1, 0, 0, 0, 0) ",'pids':[1",
			",2222222", 1000000, "]}]}", true},
		{"many arguments",
			HEAD ZERO
			",'callers':[{'name':'x','calls':" CALLS(1, 0, 0, 0, 0) ",'args':['x'",
			",'argument'", 100000, "]}]}", true},
		{"a name of a megabyte", HEAD ZERO ",'callers':[{'name':'", "x", 1000000,
			"','calls':" CALLS(1, 0, 0, 0, 0) "}]}", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *text = text__repeated(
			cases[i].head, cases[i].repeated, cases[i].count, cases[i].tail);
		struct report *report = NULL;
		char why[256] = "";
		int error = report__from_json(&report, text, strlen(text), why, sizeof(why));

		if (!error != cases[i].accepted)
			fail_msg("%s: %d, %s", cases[i].name, error, why);
		report__free(report);
		free(text);
	}
}

static void callers_past_the_bound_fold_when_read(void **state)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	struct report *report;
	uint64_t calls = 0;

	(void)state;
	fputs(HEAD TOTALS(9000, 0, 0, 0, 0, 0) ",'callers':[", out);
	for (int i = 0; i < 9000; i++)
		fprintf(out, "%s{'name':'x','exe':'/%d','calls':" CALLS(1, 0, 0, 0, 0) "}",
			i ? "," : "", i);
	fputs("]}", out);
	fclose(out);
	report = report__of(text);
	assert_int_equal(report->caller_count, REPORT_CALLERS_MAX + 1);
	for (size_t i = 0; i < report->caller_count; i++)
		calls += report->callers[i]->calls[CLASS_V1];
	assert_int_equal(calls, 9000);
	free(text);
	report__free(report);
}

/* A small generator of its own: the same bytes in each run. */
static uint32_t next_random(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

static void broken_bytes_are_survived(void **state)
{
	char *good = json__of(FULL);
	size_t size = strlen(good);
	uint32_t seed = 20260101;

	(void)state;
	for (int round = 0; round < 3000; round++) {
		char *text = malloc(size), why[256];
		struct report *report = NULL;
		size_t used = round % 3 ? size : next_random(&seed) % size;

		memcpy(text, good, size);
		for (uint32_t i = 0; i <= next_random(&seed) % 4; i++)
			text[next_random(&seed) % size] =
				"0123456789\"[]{},:nx\\-"[next_random(&seed) % 21];
		if (!report__from_json(&report, text, used, why, sizeof(why))) {
			char *written = report__to_json(report, 0);

			assert_non_null(written);
			free(written);
		}
		report__free(report);
		free(text);
	}
	free(good);
}

static void a_report_is_valid_utf8_whatever_is_in_it(void **state)
{
	struct report *report = report__new();
	struct report_host host = {.machine_id = (char *)"m\xff", .hostname = (char *)"\x1b\n\"\\"};
	char *text;
	json_t *root;

	(void)state;
	assert_int_equal(report__add_host(report, &host), 0);
	text = report__to_json(report, DEFAULT_MIN_WINDOW);
	root = json_loads(text, 0, NULL);
	assert_non_null(root);
	json_decref(root);
	free(text);
	report__free(report);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writing_what_was_read_loses_nothing),
		cmocka_unit_test(what_was_read_is_written),
		cmocka_unit_test(outcomes_are_null_where_nothing_was_watched),
		cmocka_unit_test(what_is_no_report_is_refused_with_a_reason),
		cmocka_unit_test(what_the_contract_leaves_open_is_accepted),
		cmocka_unit_test(a_caller_without_hosts_is_of_the_one_host),
		cmocka_unit_test(hostile_sizes_are_survived),
		cmocka_unit_test(callers_past_the_bound_fold_when_read),
		cmocka_unit_test(broken_bytes_are_survived),
		cmocka_unit_test(a_report_is_valid_utf8_whatever_is_in_it),
	};

	return cmocka_run_group_tests_name("report JSON", tests, NULL, NULL);
}
