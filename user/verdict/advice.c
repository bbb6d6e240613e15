/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A table of rules; the first that fits a caller is its advice. What was seen outranks what a
 * version says: a client that asks for tokens is not cured by an upgrade. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* vasprintf */
#endif
#include "verdict/advice.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/scope.h"
#include "lib/text.h"

#define NAME_COLUMNS       100
#define CONTAINER_ID_SHOWN 12

static const char *const advice_names[ADVICE_COUNT] = {
	[ADVICE_UPGRADE_CLIENT] = "upgrade-client",
	[ADVICE_SEND_TOKEN] = "send-token",
	[ADVICE_RAISE_HOP_LIMIT] = "raise-hop-limit",
	[ADVICE_DISABLE_FALLBACK] = "disable-fallback",
	[ADVICE_INVESTIGATE] = "investigate",
	[ADVICE_NONE] = "none",
};

const char *advice__name(enum advice advice)
{
	return advice_names[advice];
}

/* What the rules ask about a caller. */
struct facts {
	const struct caller *caller;
	enum pattern pattern;
	struct client client;
	char *subject;                /* "python3 /opt/etl/load.py in etl.service" */
	char *software;               /* "boto3 1.9.42" */
	uint64_t refused, unanswered; /* token requests */
	bool answered;     /* something came back to the caller, so responses were watched */
	bool one_hop_away; /* where a hop limit of 1 loses a token's answer on the way */
};

static int write__format(char **text, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static int write__format(char **text, const char *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vasprintf(text, format, arguments);
	va_end(arguments);
	if (length >= 0)
		return 0;
	*text = NULL;
	return -ENOMEM;
}

static bool text__is_set(const char *text)
{
	return text && *text;
}

/* " in etl.service", or nothing. */
static int write__where(char **text, const struct caller *caller)
{
	const struct workload *in = &caller->workload;
	const struct container *container = &in->container;
	_free_ char *replicas = NULL;

	if (text__is_set(in->pod.name)) {
		replicas = caller->hosts_total > 1 ? pod__replicas(&in->pod) : strdup(in->pod.name);
		if (!replicas)
			return -ENOMEM;
		return write__format(text, " in pod %s%s%s",
			in->pod.namespace ? in->pod.namespace : "", in->pod.namespace ? "/" : "",
			replicas);
	}
	if (text__is_set(container->name))
		return write__format(text, " in %s container %s",
			container->runtime ? container->runtime : "the", container->name);
	if (text__is_set(container->id))
		return write__format(text, " in %s container %.*s",
			container->runtime ? container->runtime : "the",
			(int)text__complete(
				container->id, strnlen(container->id, CONTAINER_ID_SHOWN)),
			container->id);
	if (text__is_set(in->unit))
		return write__format(text, " in %s", in->unit);
	return write__format(text, "%s", "");
}

/* " (started by bash /etc/cron.daily/tag)": whoever has to change a program without a script of its
 * own looks in the script that starts it. Nothing where there is none. */
static int write__starter(char **text, const struct caller *caller)
{
	const char *parent = caller->parent;

	if (caller->script || !parent || !strchr(parent, ' '))
		return write__format(text, "%s", "");
	return write__format(text, " (started by %s)", parent);
}

static int facts__write_subject(struct facts *facts)
{
	_free_ char *name = strdup(facts->caller->name), *where = NULL, *starter = NULL;

	if (!name || write__where(&where, facts->caller) || write__starter(&starter, facts->caller))
		return -ENOMEM;
	text__ellipsize(name, NAME_COLUMNS);
	text__ellipsize(where, NAME_COLUMNS);
	text__ellipsize(starter, NAME_COLUMNS);
	return write__format(&facts->subject, "%s%s%s", name, starter, where);
}

/* Behind a network namespace of its own is a hop. Older reports do not say; a container there most
 * likely has one. */
static bool caller__is_one_hop_away(const struct caller *caller)
{
	if (caller->network != NETWORK_UNKNOWN)
		return caller->network == NETWORK_OWN;
	return text__is_set(caller->workload.container.id) ||
	       text__is_set(caller->workload.pod.uid);
}

static int facts__gather(struct facts *facts, const struct caller *caller)
{
	const uint64_t *token = caller->answers[CLASS_TOKEN];

	*facts = (struct facts){
		.caller = caller,
		.pattern = caller__pattern(caller),
		.refused = token[OUTCOME_REJECTED] + token[OUTCOME_OTHER],
		.unanswered = token[OUTCOME_NONE],
		.one_hop_away = caller__is_one_hop_away(caller),
	};
	for (int c = 0; c < CLASS_COUNT; c++)
		for (int o = 0; o < OUTCOME_COUNT; o++)
			facts->answered |= o != OUTCOME_NONE && caller->answers[c][o];
	caller__client(caller, &facts->client);
	if (facts__write_subject(facts))
		return -ENOMEM;
	return write__format(&facts->software, "%s%s%s",
		facts->client.name ? facts->client.name : "", facts->client.version[0] ? " " : "",
		facts->client.version);
}

static void facts__clear(struct facts *facts)
{
	free(facts->subject);
	free(facts->software);
}

static bool is__v2_only(const struct facts *facts)
{
	return facts->pattern == PATTERN_V2_ONLY;
}

static int write__v2_only(char **text, const struct facts *facts)
{
	return write__format(
		text, "Nothing has to change: %s speaks IMDSv2 already.", facts->subject);
}

static bool is__foreign_only(const struct facts *facts)
{
	return facts->pattern == PATTERN_FOREIGN_ONLY;
}

static int write__foreign_only(char **text, const struct facts *facts)
{
	return write__format(text,
		"Nothing has to change: %s looks for another cloud's metadata service, which fails "
		"on "
		"EC2 before and after the switch alike.",
		facts->subject);
}

static bool is__rest(const struct facts *facts)
{
	return facts->caller->rest;
}

static int write__rest(char **text, const struct facts *facts)
{
	(void)facts;
	return write__format(text,
		"These are all callers past the first %d: fix those that are named, then trace "
		"again "
		"to see who is left.",
		REPORT_CALLERS_MAX);
}

/* Also beside calls that are fine: they say nothing about those that could not be read. */
static bool is__unknown(const struct facts *facts)
{
	return facts->pattern == PATTERN_UNKNOWN ||
	       (!facts->caller->calls[CLASS_V1] && facts->caller->calls[CLASS_UNKNOWN]);
}

static int write__unknown(char **text, const struct facts *facts)
{
	const uint64_t *unknown = facts->caller->unknown;
	int most = 0;

	for (int reason = 1; reason < UNKNOWN_REASONS; reason++)
		if (unknown[reason] > unknown[most])
			most = reason;
	return write__format(text,
		"Find out what %s sends to the metadata service (strace -f -e trace=network, or "
		"its "
		"documentation): %s.",
		facts->subject,
		unknown[most] ? unknown_reason__sentence(most) : "it could not be read");
}

/* They take pods' requests and call the service in their place. */
static bool is__pod_proxy(const struct facts *facts)
{
	static const char *const names[] = {"kube2iam", "kiam", "kiam-agent", "kiam-server"};
	const char *exe = facts->caller->exe, *slash = exe ? strrchr(exe, '/') : NULL;
	const char *base = slash ? slash + 1 : exe ? exe : facts->caller->comm;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(base, names[i]))
			return true;
	return false;
}

static int write__pod_proxy(char **text, const struct facts *facts)
{
	return write__format(text,
		"Find the pods behind %s: it answers for them in the metadata service's place, so "
		"these "
		"calls may be theirs; update it and the SDKs in the pods, or give the pods roles "
		"of "
		"their own (IAM roles for service accounts, EKS Pod Identity).",
		facts->subject);
}

static bool is__caused_by(const struct facts *facts, enum cause cause)
{
	return facts->pattern == PATTERN_FALLBACK && caller__cause(facts->caller) == cause;
}

/* A hop limit would let GET pass. */
static bool is__unreachable(const struct facts *facts)
{
	return is__caused_by(facts, CAUSE_UNREACHABLE);
}

static int write__unreachable(char **text, const struct facts *facts)
{
	return write__format(text,
		"Find out why nothing at all answers %s, neither token requests nor others: the "
		"metadata service is out of its reach (a firewall, a network policy, no route), "
		"and a hop limit of 1 would hold back the token's answer alone.",
		facts->subject);
}

static bool is__off(const struct facts *facts)
{
	return is__caused_by(facts, CAUSE_OFF);
}

static int write__off(char **text, const struct facts *facts)
{
	return write__format(text,
		"Find out whether the metadata service is turned off: it refuses every call of %s, "
		"token requests and others alike. Turn it on if that software needs it (aws ec2 "
		"modify-instance-metadata-options --http-endpoint enabled), else keep it from "
		"asking.",
		facts->subject);
}

static bool is__cut_off(const struct facts *facts)
{
	return facts->pattern == PATTERN_FALLBACK && facts->one_hop_away && !facts->refused;
}

static int write__cut_off(char **text, const struct facts *facts)
{
	return write__format(text,
		"Raise the instance's hop limit to 2 (--http-put-response-hop-limit 2) for %s%s%s: "
		"its "
		"token requests %s an answer, which with a hop limit of 1 is lost on the way into "
		"its network namespace, and another version would change nothing.",
		facts->subject, facts->software[0] ? ", which uses " : "", facts->software,
		facts->answered && facts->unanswered ? "never get" : "seem never to get");
}

static bool is__too_old(const struct facts *facts)
{
	return facts->client.too_old;
}

static int write__too_old(char **text, const struct facts *facts)
{
	const char *first = facts->client.min_version;

	if (!first)
		return write__format(text,
			"Replace %s, which %s uses: no version of it speaks IMDSv2.",
			facts->software, facts->subject);
	return write__format(text,
		"Upgrade %s, which %s uses, to %s or later, the first version that speaks IMDSv2.",
		facts->software, facts->subject, first);
}

static bool is__refused(const struct facts *facts)
{
	return facts->pattern == PATTERN_FALLBACK && facts->refused;
}

static bool is__refused_sdk(const struct facts *facts)
{
	return is__refused(facts) && facts->client.sdk;
}

/* aws-sdk-go#5015, aws-sdk-go-v2#2303 (October 2023), aws-sdk-java-v2#4840 (January 2024). */
#define NO_FALLBACK "set AWS_EC2_METADATA_V1_DISABLED=true (which SDKs know since late 2023)"

#define WHY_REFUSED                                                     \
	"403 comes from a proxy that adds X-Forwarded-For, 400 from a " \
	"missing X-aws-ec2-metadata-token-ttl-seconds"

static int write__refused_sdk(char **text, const struct facts *facts)
{
	return write__format(text,
		"Find out why %" PRIu64 " token request%s of %s (%s) got no token (" WHY_REFUSED
		"), then " NO_FALLBACK " so that it cannot fall back.",
		facts->refused, facts->refused == 1 ? "" : "s", facts->subject, facts->software);
}

static int write__refused(char **text, const struct facts *facts)
{
	return write__format(text,
		"Find out why %" PRIu64 " token request%s of %s got no token: " WHY_REFUSED ".",
		facts->refused, facts->refused == 1 ? "" : "s", facts->subject);
}

static bool is__fallback_sdk(const struct facts *facts)
{
	return facts->pattern == PATTERN_FALLBACK && facts->client.sdk;
}

static int write__fallback_sdk(char **text, const struct facts *facts)
{
	return write__format(text,
		"Find out why the token requests of %s (%s) get no answer (a firewall, a proxy%s), "
		"then " NO_FALLBACK " so that it cannot fall back.",
		facts->subject, facts->software,
		facts->caller->network == NETWORK_HOST ? "" : ", a network namespace one hop away");
}

static bool is__unanswered(const struct facts *facts)
{
	return facts->pattern == PATTERN_FALLBACK && facts->answered && facts->unanswered;
}

static int write__unanswered(char **text, const struct facts *facts)
{
	return write__format(text,
		"Find out why the token requests of %s get no answer: a firewall or proxy that "
		"lets GET through but not PUT%s.",
		facts->subject,
		facts->caller->network == NETWORK_HOST
			? ""
			: ", or a network namespace one hop away, where a hop limit of 2 helps");
}

static const struct program *facts__program(const struct facts *facts)
{
	const struct caller *caller = facts->caller;
	const struct program *program = client__program(caller->script);

	if (!program)
		program = client__program(caller->exe);
	/* curl is what its script is */
	return program || caller->script ? program : client__program(caller->parent);
}

static bool is__known_program(const struct facts *facts)
{
	return facts__program(facts) != NULL;
}

static int write__known_program(char **text, const struct facts *facts)
{
	const struct program *program = facts__program(facts);

	return write__format(text,
		"Upgrade %s, to which %s belongs, to %s or later, the first version that asks for "
		"a token by itself.",
		program->name, facts->subject, program->min_version);
}

static bool is__mixed_sdk(const struct facts *facts)
{
	return facts->pattern == PATTERN_MIXED && facts->client.sdk;
}

static bool is__mixed_sdk_without_token(const struct facts *facts)
{
	return is__mixed_sdk(facts) && facts->answered && facts->refused + facts->unanswered;
}

static int write__mixed_sdk_without_token(char **text, const struct facts *facts)
{
	return write__format(text,
		"For %s, " NO_FALLBACK ": %s speaks IMDSv2, but %" PRIu64
		" of its token requests got no token, and then it falls back.",
		facts->subject, facts->software, facts->refused + facts->unanswered);
}

/* "GET /latest/meta-data/instance-id", what was called without a token the most; " and 2 more
 * paths" in others. Neither may be known. */
static int facts__write_culprit(const struct facts *facts, char **most, char **others)
{
	const struct report_path *worst = NULL;
	size_t count = 0;

	for (size_t i = 0; i < facts->caller->path_count; i++) {
		const struct report_path *path = &facts->caller->paths[i];

		if (path->class != CLASS_V1 || !path->path)
			continue;
		count++;
		if (path->method && (!worst || path->count > worst->count))
			worst = path;
	}
	if (worst ? write__format(most, "%s %s", worst->method, worst->path)
		  : write__format(most, "%s", "some paths"))
		return -ENOMEM;
	text__ellipsize(*most, NAME_COLUMNS);
	if (worst && count > 1)
		return write__format(
			others, " and %zu more path%s were", count - 1, count == 2 ? "" : "s");
	return write__format(others, "%s", worst ? " was" : " were");
}

static int write__mixed_sdk(char **text, const struct facts *facts)
{
	_free_ char *most = NULL, *others = NULL;

	if (facts__write_culprit(facts, &most, &others))
		return -ENOMEM;
	return write__format(text,
		"Look for the code of %s that calls without a token: %s speaks IMDSv2 in most of "
		"what it does, but %s%s called without, by an older function of it or by another "
		"library.",
		facts->subject, facts->software, most, others);
}

static bool is__sdk_of_unknown_version(const struct facts *facts)
{
	return facts->client.sdk && !facts->client.version[0] && facts->client.min_version;
}

static int write__sdk_of_unknown_version(char **text, const struct facts *facts)
{
	return write__format(text,
		"Upgrade %s, which %s uses, to %s or later, the first version that speaks IMDSv2; "
		"which "
		"version it is now, it does not say.",
		facts->software, facts->subject, facts->client.min_version);
}

static bool is__sdk(const struct facts *facts)
{
	return facts->client.sdk;
}

static int write__sdk(char **text, const struct facts *facts)
{
	return write__format(text,
		"Find out why %s (%s) never asks for a token although its version could: an older "
		"function of the SDK, a setting that turns IMDSv2 off, or another library in the "
		"same process.",
		facts->subject, facts->software);
}

/* A shell drops a header that is empty: curl -H "NAME: $EMPTY" sends none. */
static bool is__token_lost(const struct facts *facts)
{
	return facts->caller->calls[CLASS_TOKEN] && !facts->client.sdk;
}

static int write__token_lost(char **text, const struct facts *facts)
{
	return write__format(text,
		"Make %s send the token it asks for with every call: look for an empty variable, "
		"as "
		"\"X-aws-ec2-metadata-token: $EMPTY\" sends no header at all, and for calls that "
		"leave the header out.",
		facts->subject);
}

static bool is__anything(const struct facts *facts)
{
	(void)facts;
	return true;
}

static int write__send_token(char **text, const struct facts *facts)
{
	const char *hint = facts->client.hint;

	return write__format(text,
		"Make %s%s%s%s ask for a token (PUT /latest/api/token with "
		"X-aws-ec2-metadata-token-ttl-seconds: 21600) and send it as "
		"X-aws-ec2-metadata-token with every call%s%s.",
		facts->subject, facts->software[0] ? ", which calls itself " : "", facts->software,
		facts->software[0] ? "," : "",
		hint ? "; " : ", or update it to a version that does", hint ? hint : "");
}

static const struct rule {
	bool (*applies)(const struct facts *facts);
	enum advice advice;
	int (*write)(char **text, const struct facts *facts);
} rules[] = {
	{is__unknown, ADVICE_INVESTIGATE, write__unknown},
	{is__v2_only, ADVICE_NONE, write__v2_only},
	{is__foreign_only, ADVICE_NONE, write__foreign_only},
	{is__rest, ADVICE_INVESTIGATE, write__rest},
	{is__pod_proxy, ADVICE_INVESTIGATE, write__pod_proxy},
	{is__unreachable, ADVICE_INVESTIGATE, write__unreachable},
	{is__off, ADVICE_INVESTIGATE, write__off},
	{is__cut_off, ADVICE_RAISE_HOP_LIMIT, write__cut_off},
	{is__too_old, ADVICE_UPGRADE_CLIENT, write__too_old},
	{is__refused_sdk, ADVICE_DISABLE_FALLBACK, write__refused_sdk},
	{is__refused, ADVICE_INVESTIGATE, write__refused},
	{is__fallback_sdk, ADVICE_DISABLE_FALLBACK, write__fallback_sdk},
	{is__unanswered, ADVICE_INVESTIGATE, write__unanswered},
	{is__known_program, ADVICE_UPGRADE_CLIENT, write__known_program},
	{is__mixed_sdk_without_token, ADVICE_DISABLE_FALLBACK, write__mixed_sdk_without_token},
	{is__mixed_sdk, ADVICE_INVESTIGATE, write__mixed_sdk},
	{is__sdk_of_unknown_version, ADVICE_UPGRADE_CLIENT, write__sdk_of_unknown_version},
	{is__sdk, ADVICE_INVESTIGATE, write__sdk},
	{is__token_lost, ADVICE_SEND_TOKEN, write__token_lost},
	{is__anything, ADVICE_SEND_TOKEN, write__send_token},
};

int advice__for(const struct caller *caller, enum advice *advice, char **text)
{
	const struct rule *rule = rules;
	struct facts facts;
	int error = facts__gather(&facts, caller);

	while (!error && !rule->applies(&facts))
		rule++;
	if (!error)
		error = rule->write(text, &facts);
	if (!error)
		*advice = rule->advice;
	facts__clear(&facts);
	return error;
}
