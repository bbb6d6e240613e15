/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "report_fixture.h"

#include "verdict/advice.h"

#include "lib/array.h"

#define ANSWERS(ok, rejected, other, none) \
	"{'ok':" #ok ",'rejected':" #rejected ",'other':" #other ",'none':" #none "}"
#define OUTCOMES(v1, token) ",'outcomes':{'v1':" v1 ",'token':" token "}"
#define V1(count)           "'calls':" CALLS(count, 0, 0, 0, 0)
#define AGENT(text)         ",'user_agents':['" text "']"
#define DOCKER              ",'container':{'runtime':'docker','id':'0123456789abcdef0123','name':'orders'}"
#define NETWORK(which)      ",'network':'" which "'"
#define FALLBACK(v1, token, outcome) \
	"'calls':" CALLS(v1, 0, token, 0, 0) OUTCOMES(ANSWERS(v1, 0, 0, 0), outcome)
#define SURVIVED(calls)      ",'rehearsal':{'rejected':" #calls ",'recovered':true}"
#define UNWATCHED(v1, token) "'calls':" CALLS(v1, 0, token, 0, 0)

static void advice_says_what_to_change(void **state)
{
	static const struct {
		const char *name, *caller;
		enum advice advice;
		const char *says[4];
	} cases[] = {
		{"an SDK that is too old",
			"'name':'python3 /opt/etl/load.py','unit':'etl.service'," V1(5)
				AGENT("Boto3/1.9.42 Python/3.7.3 Linux/5.10 Botocore/1.12.42"),
			ADVICE_UPGRADE_CLIENT,
			{"Upgrade boto3 1.9.42", "python3 /opt/etl/load.py in etl.service",
				"to 1.12.6 or later"}},
		{"an SDK that is too old beside curl",
			"'name':'x'," V1(5) ",'user_agents':['curl/7.88.1','Botocore/1.12.0 "
					    "Python/3.7']",
			ADVICE_UPGRADE_CLIENT, {"botocore 1.12.0", "1.13.25"}},
		{"an SDK that does not say its version", "'name':'x'," V1(5) AGENT("aws-sdk-go"),
			ADVICE_UPGRADE_PROGRAM, {"a version of x", "aws-sdk-go 1.25.38 or later"}},
		{"an SDK that is new enough and never asks for a token",
			"'name':'node /a.js'," V1(5) AGENT("aws-sdk-nodejs/2.1692.0 linux/v18"),
			ADVICE_INVESTIGATE, {"aws-sdk-js 2.1692.0", "never asks for a token"}},
		{"an SDK in a container whose token requests get no answer",
			"'name':'node /a.js'" DOCKER AGENT(
				"aws-sdk-nodejs/2.1692.0 linux/v18") "," FALLBACK(5, 3,
				ANSWERS(0, 0, 0, 3)),
			ADVICE_RAISE_HOP_LIMIT,
			{"hop limit to 2", "--http-put-response-hop-limit 2",
				"docker container orders", "never get"}},
		{"the same without a version",
			"'name':'x'" DOCKER "," FALLBACK(5, 3, ANSWERS(0, 0, 0, 3)),
			ADVICE_RAISE_HOP_LIMIT, {"hop limit to 2"}},
		{"the same where responses were not watched",
			"'name':'x'" DOCKER "," UNWATCHED(5, 3), ADVICE_RAISE_HOP_LIMIT,
			{"seem never to get"}},
		{"in a container, refused",
			"'name':'x'" DOCKER "," FALLBACK(5, 3, ANSWERS(0, 0, 3, 0)),
			ADVICE_INVESTIGATE, {"3 token requests", "X-Forwarded-For"}},
		{"an SDK whose token requests are refused",
			"'name':'x'" AGENT("Boto3/1.34.0 Botocore/1.34.0") "," FALLBACK(
				5, 1, ANSWERS(0, 0, 1, 0)),
			ADVICE_DISABLE_FALLBACK,
			{"1 token request of x (boto3 1.34.0)", "X-Forwarded-For",
				"AWS_EC2_METADATA_V1_DISABLED=true"}},
		{"an SDK on the host whose token requests get no answer",
			"'name':'x'" AGENT("Boto3/1.34.0 Botocore/1.34.0") "," FALLBACK(
				5, 2, ANSWERS(0, 0, 0, 2)),
			ADVICE_DISABLE_FALLBACK,
			{"get no answer", "firewall", "AWS_EC2_METADATA_V1_DISABLED=true"}},
		{"a script on the host whose token requests get no answer",
			"'name':'x'" AGENT("curl/8.5.0") "," FALLBACK(5, 2, ANSWERS(0, 0, 0, 2)),
			ADVICE_INVESTIGATE, {"get no answer", "firewall"}},
		{"a script in a network of its own, without a container",
			"'name':'x'" NETWORK("own") "," FALLBACK(5, 3, ANSWERS(0, 0, 0, 3)),
			ADVICE_RAISE_HOP_LIMIT, {"hop limit to 2", "never get"}},
		{"an SDK in a network of its own, without a container",
			"'name':'x'" NETWORK("own")
				AGENT("Boto3/1.34.0 Botocore/1.34.0") "," FALLBACK(
					5, 2, ANSWERS(0, 0, 0, 2)),
			ADVICE_RAISE_HOP_LIMIT, {"boto3 1.34.0", "hop limit to 2"}},
		{"in a network of its own, refused",
			"'name':'x'" NETWORK("own") "," FALLBACK(5, 3, ANSWERS(0, 0, 3, 0)),
			ADVICE_INVESTIGATE, {"3 token requests", "X-Forwarded-For"}},
		{"a container in the host's network",
			"'name':'x'" DOCKER NETWORK("host") "," FALLBACK(5, 3, ANSWERS(0, 0, 0, 3)),
			ADVICE_INVESTIGATE, {"get no answer", "lets GET through but not PUT"}},
		{"an SDK in a container in the host's network",
			"'name':'x'" DOCKER NETWORK("host")
				AGENT("Boto3/1.34.0 Botocore/1.34.0") "," FALLBACK(
					5, 2, ANSWERS(0, 0, 0, 2)),
			ADVICE_DISABLE_FALLBACK,
			{"get no answer (a firewall, a proxy",
				"then set AWS_EC2_METADATA_V1_DISABLED=true"}},
		{"a pod in the host's network, where responses were not watched",
			"'name':'x','pod':{'uid':'u'}" NETWORK("host") "," UNWATCHED(5, 3),
			ADVICE_INVESTIGATE, {"this trace did not watch"}},
		{"an SDK that falls back now and then",
			"'name':'x'" AGENT("Boto3/1.34.0 Botocore/1.34.0") ",'calls':" CALLS(
				2, 9, 4, 0, 0) OUTCOMES(ANSWERS(2, 0, 0, 0), ANSWERS(3, 0, 0, 1)),
			ADVICE_DISABLE_FALLBACK,
			{"1 of its 4 token requests got no answer",
				"AWS_EC2_METADATA_V1_DISABLED=true"}},
		{"an SDK with an older function beside",
			"'name':'x'" AGENT("aws-sdk-nodejs/2.1692.0 linux/v18") ",'calls':" CALLS(
				2, 9, 4, 0, 0) OUTCOMES(ANSWERS(2, 0, 0, 0), ANSWERS(4, 0, 0, 0)),
			ADVICE_INVESTIGATE, {"Find the code"}},
		{"curl in a script",
			"'name':'bash /etc/cron.daily/tag','unit':'cron.service'," V1(1)
				AGENT("curl/7.88.1"),
			ADVICE_SEND_TOKEN,
			{"PUT /latest/api/token", "cron.service", "curl 7.88.1"}},
		{"something without a User-Agent", "'name':'nc'," V1(1), ADVICE_SEND_TOKEN,
			{"Make nc ask for a token"}},
		{"a script that gets a token and does not send it",
			"'name':'curl'" AGENT("curl/7.88.1") "," FALLBACK(
				3, 1, ANSWERS(1, 0, 0, 0)),
			ADVICE_SEND_TOKEN, {"$EMPTY", "sends no header"}},
		{"a script that somebody else's script starts",
			"'name':'curl','unit':'cron.service','parent':'bash /etc/cron.daily/tag'"
			"," V1(1) AGENT("curl/7.88.1"),
			ADVICE_SEND_TOKEN,
			{"curl (started by bash /etc/cron.daily/tag) in cron.service"}},
		{"the ec2-metadata script",
			"'name':'curl','exe':'/usr/bin/curl','parent':'bash /usr/bin/ec2-metadata'"
			"," V1(1) AGENT("curl/7.88.1"),
			ADVICE_UPGRADE_PROGRAM, {"Upgrade amazon-ec2-utils", "to 1.3 or later"}},
		{"a script of a name like the ec2-metadata script's",
			"'name':'curl','exe':'/usr/bin/curl','parent':'bash /usr/local/bin/get-ec2-metadata.sh'"
			"," V1(1) AGENT("curl/7.88.1"),
			ADVICE_SEND_TOKEN,
			{"(started by bash /usr/local/bin/get-ec2-metadata.sh)"}},
		{"an agent that its path names",
			"'name':'agent','exe':'/opt/datadog-agent/bin/agent/agent'," V1(1)
				AGENT("Go-http-client/1.1"),
			ADVICE_UPGRADE_PROGRAM,
			{"Upgrade the Datadog agent", "to 7.64.0 or later"}},
		{"an agent that an agent's script starts",
			"'name':'python3 /a.py','exe':'/usr/bin/python3','script':'/a.py','parent':'bash /usr/bin/ec2-metadata'," V1(
				1),
			ADVICE_SEND_TOKEN, {"Make python3 /a.py"}},
		{"a script of its own, whoever starts it",
			"'name':'python3 /a.py','script':'/a.py','parent':'bash /b.sh'," V1(1),
			ADVICE_SEND_TOKEN, {"Make python3 /a.py ask"}},
		{"boto 2, or who knows", "'name':'x'," V1(1) AGENT("Python-urllib/2.7"),
			ADVICE_SEND_TOKEN, {"Python-urllib 2.7", "boto3 1.12.6"}},
		{"the service is turned off",
			"'name':'x','calls':" CALLS(4, 0, 2, 0, 0)
				OUTCOMES(ANSWERS(0, 0, 4, 0), ANSWERS(0, 0, 2, 0)),
			ADVICE_INVESTIGATE, {"disabled", "--http-endpoint enabled"}},
		{"the service is turned off, for a container",
			"'name':'x'" DOCKER ",'calls':" CALLS(4, 0, 2, 0, 0)
				OUTCOMES(ANSWERS(0, 0, 4, 0), ANSWERS(0, 0, 2, 0)),
			ADVICE_INVESTIGATE, {"disabled"}},
		{"refused, and so is v1, for want of a token",
			"'name':'x','calls':" CALLS(4, 0, 2, 0, 0)
				OUTCOMES(ANSWERS(0, 4, 0, 0), ANSWERS(0, 0, 2, 0)),
			ADVICE_INVESTIGATE, {"2 token requests", "X-Forwarded-For"}},
		{"nothing answers at all",
			"'name':'x','calls':" CALLS(4, 0, 2, 0, 0)
				OUTCOMES(ANSWERS(0, 0, 0, 4), ANSWERS(0, 0, 0, 2)),
			ADVICE_INVESTIGATE, {"x gets no answer at all", "firewall"}},
		{"nothing answers a container at all",
			"'name':'x'" DOCKER ",'calls':" CALLS(4, 0, 2, 0, 0)
				OUTCOMES(ANSWERS(0, 0, 0, 4), ANSWERS(0, 0, 0, 2)),
			ADVICE_INVESTIGATE, {"cannot reach the metadata service"}},
		{"an SDK with an older function, and what that called",
			"'name':'x'" AGENT("aws-sdk-nodejs/2.1692.0 linux/v18") ",'calls':" CALLS(
				5, 9, 4, 0, 0) OUTCOMES(ANSWERS(5, 0, 0, 0),
				ANSWERS(4, 0, 0,
					0)) ",'paths':[{'method':'GET','path':'/"
					    "a','class':'v1','count':2,'first':null,'last':null},{'method':'GET','path':'/"
					    "b','class':'v1','count':3,'first':null,'last':null},{'method':'GET','"
					    "path':'/c','class':'v2','count':9,'first':null,'last':null}]",
			ADVICE_INVESTIGATE, {"but GET /b and 1 more path were called without"}},
		{"kube2iam", "'name':'kube2iam','exe':'/bin/kube2iam'," V1(9), ADVICE_INVESTIGATE,
			{"pods", "in the metadata service's place"}},
		{"speaks v2", "'name':'x','calls':" CALLS(0, 9, 1, 0, 0), ADVICE_NONE,
			{"uses IMDSv2 already"}},
		{"looks for another cloud", "'name':'x','calls':" CALLS(0, 0, 0, 2, 0), ADVICE_NONE,
			{"another cloud's"}},
		{"cannot be read",
			"'name':'x','calls':" CALLS(
				0, 0, 0, 0, 2) ",'unknown_by_reason':{'unreadable':2}",
			ADVICE_INVESTIGATE, {"Find out what x sends", "cannot be read"}},
		{"cannot be read beside v2", "'name':'x','calls':" CALLS(0, 9, 1, 0, 2),
			ADVICE_INVESTIGATE, {"Find out what x sends"}},
		{"the callers past the bound", "'name':'(others)','comm':'(others)'," V1(3),
			ADVICE_INVESTIGATE, {"beyond the first 4096"}},
		{"in a pod",
			"'name':'x','pod':{'uid':'u','name':'orders-5d','namespace':'shop'}," V1(1),
			ADVICE_SEND_TOKEN, {"x in pod shop/orders-5d"}},
		{"in pods of several hosts",
			"'name':'x','pod':{'uid':'u','name':'orders-x7x2k','namespace':'shop'},"
			"'hosts':{'count':2,'exact':true,'sample':['m1','m2']}," V1(1),
			ADVICE_SEND_TOKEN, {"x in pod shop/orders-* ask"}},
		{"in a container without a name",
			"'name':'x','container':{'runtime':'podman','id':'0123456789abcdef0123'}"
			"," V1(1),
			ADVICE_SEND_TOKEN, {"x in podman container 0123456789ab ask"}},
		{"a script that recovered in a rehearsal, and is not told to look for its token",
			"'name':'frugal','calls':" CALLS(1, 2, 1, 0, 0)
				OUTCOMES(ANSWERS(0, 0, 0, 0), ANSWERS(1, 0, 0, 0)) SURVIVED(1),
			ADVICE_NONE,
			{"Nothing has to change before the switch: frugal survives it",
				"1 call of it was refused, and it asked for a token and went on",
				"make it ask for a token before its first call"}},
		{"an SDK that recovered, with calls from before the rehearsal",
			"'name':'x'" AGENT("aws-sdk-nodejs/2.1692.0 linux/v18") ",'calls':" CALLS(
				9, 9, 4, 0, 0) OUTCOMES(ANSWERS(7, 0, 0, 0), ANSWERS(4, 0, 0, 0))
				SURVIVED(2),
			ADVICE_NONE, {"x survives it", "2 calls of it were refused"}},
		{"recovered, on one of several hosts",
			"'name':'x','hosts':{'count':2,'exact':true,'sample':['m1','m2']},'calls':" CALLS(
				2, 2, 1, 0, 0) SURVIVED(2),
			ADVICE_NONE, {"rehearse it on its other hosts as well"}},
		{"recovered on one of several hosts, with an old SDK on some",
			"'name':'x','hosts':{'count':2,'exact':true,'sample':['m1','m2']}" AGENT(
				"Boto3/1.9.42") ",'calls':" CALLS(2, 2, 1, 0, 0) SURVIVED(2),
			ADVICE_UPGRADE_CLIENT, {"Upgrade boto3 1.9.42"}},
		{"did not recover in a rehearsal",
			"'name':'x','calls':" CALLS(3, 2, 1, 0, 0) OUTCOMES(ANSWERS(0, 0, 0, 0),
				ANSWERS(1, 0, 0,
					0)) ",'rehearsal':{'rejected':3,'recovered':false}",
			ADVICE_SEND_TOKEN, {"look for an empty variable"}},
		{"recovered, but not all of it was covered",
			"'name':'x','calls':" CALLS(3, 2, 1, 0, 0) OUTCOMES(ANSWERS(0, 0, 0, 0),
				ANSWERS(1, 0, 0,
					0)) ",'rehearsal':{'rejected':3,'recovered':true,'not_covered':1}",
			ADVICE_SEND_TOKEN, {"Make x send the token"}},
		{"a proxy, of which one client recovered",
			"'name':'kube2iam','exe':'/bin/kube2iam','calls':" CALLS(2, 2, 1, 0, 0)
				SURVIVED(2),
			ADVICE_INVESTIGATE, {"pods"}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[2048], *advice_text = NULL;
		struct report *report;
		enum advice advice;

		snprintf(text, sizeof(text), HEAD TOTALS(0, 0, 0, 0, 0, 0) ",'callers':[{%s}]}",
			cases[i].caller);
		report = report__of(text);
		assert_int_equal(advice__for(report->callers[0], &advice, &advice_text), 0);
		if (advice != cases[i].advice)
			fail_msg("%s: %s, %s", cases[i].name, advice__name(advice), advice_text);
		for (size_t j = 0; j < 4 && cases[i].says[j]; j++)
			if (!strstr(advice_text, cases[i].says[j]))
				fail_msg("%s: %s", cases[i].name, advice_text);
		free(advice_text);
		report__free(report);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(advice_says_what_to_change),
	};

	return cmocka_run_group_tests_name("advice", tests, NULL, NULL);
}
