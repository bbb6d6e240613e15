/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A table of rules; the first that fits a caller is its advice. What was seen outranks what a
 * version says, and a known program outranks the SDK in it, which nobody can upgrade. */
#include "verdict/advice.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/number.h"
#include "lib/scope.h"
#include "report/forwarding.h"
#include "verdict/advice_facts.h"

static const char *const advice_names[ADVICE_COUNT] = {
	[ADVICE_UPGRADE_CLIENT] = "upgrade-client",
	[ADVICE_UPGRADE_PROGRAM] = "upgrade-program",
	[ADVICE_CONFIGURE] = "configure",
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

/* --- What is over ----------------------------------------------------------------------------- */

static bool is__fixed(const struct facts *facts)
{
	return facts->caller->fixed_since;
}

static int64_t caller__last_v1(const struct caller *caller)
{
	int64_t last = 0;

	for (size_t i = 0; i < caller->path_count; i++)
		if (caller->paths[i].cls == CLASS_V1 && caller->paths[i].last > last)
			last = caller->paths[i].last;
	return last;
}

static int write__fixed(char **text, const struct facts *facts)
{
	bool foreign = facts->pattern == PATTERN_FOREIGN_ONLY;
	char last[RFC3339_SIZE], since[RFC3339_SIZE];

	clock__format(last, caller__last_v1(facts->caller));
	clock__format(since, facts->caller->fixed_since);
	return write__format(text,
		"Nothing more has to change: %s is fixed. It last called IMDSv1 on %.10s at %.8s "
		"UTC, and since %.10s %.8s UTC it has %s%s%s.",
		facts->subject, last, last + strlen("2026-01-01T"), since,
		since + strlen("2026-01-01T"),
		foreign ? "asked only for " : "sent a token with every call",
		foreign ? facts->clouds : "", foreign ? " metadata service" : "");
}

/* --- Nothing without a token ------------------------------------------------------------------ */

static bool is__token_refused(const struct facts *facts)
{
	const uint64_t *v2 = facts->caller->answers[CLASS_V2];

	return facts->pattern == PATTERN_V2_ONLY && v2[OUTCOME_REJECTED] &&
	       v2[OUTCOME_REJECTED] == facts->caller->calls[CLASS_V2];
}

static int write__token_refused(char **text, const struct facts *facts)
{
	uint64_t rejected = facts->caller->answers[CLASS_V2][OUTCOME_REJECTED];

	return write__format(text,
		"Find out which token %s sends: %s with it %s answered 401, so its token is "
		"refused. It is empty, wrong or expired, or it is another instance's.",
		facts->subject, rejected == 1 ? "the one call" : "all calls",
		rejected == 1 ? "was" : "were");
}

/* Without a fallback, what a hop limit of 1 does shows in the token requests alone. */
static bool is__token_lost_on_the_way(const struct facts *facts)
{
	return facts->pattern == PATTERN_V2_ONLY && !facts->caller->calls[CLASS_V2] &&
	       facts->one_hop_away && facts->unanswered &&
	       facts->unanswered == facts->caller->calls[CLASS_TOKEN];
}

static bool is__v2_only(const struct facts *facts)
{
	return facts->pattern == PATTERN_V2_ONLY;
}

static int write__v2_only(char **text, const struct facts *facts)
{
	return write__format(
		text, "Nothing has to change: %s uses IMDSv2 already.", facts->subject);
}

static bool is__foreign_only(const struct facts *facts)
{
	return facts->pattern == PATTERN_FOREIGN_ONLY;
}

static bool is__foreign_by_setting(const struct facts *facts)
{
	return is__foreign_only(facts) && facts->program && facts->program->narrows;
}

static int write__foreign_by_setting(char **text, const struct facts *facts)
{
	return write__format(text,
		"Nothing breaks: %s (%s) calls %s metadata service, which EC2 does not have, so "
		"the calls fail whether or not IMDSv2 is required. To stop them, %s.",
		facts->subject, software__said(facts->program), facts->clouds,
		facts->program->narrows);
}

static int write__foreign_only(char **text, const struct facts *facts)
{
	return write__format(text,
		"Nothing has to change: %s calls %s metadata service, which EC2 does not have, so "
		"the calls fail whether or not IMDSv2 is required.",
		facts->subject, facts->clouds);
}

static bool is__rest(const struct facts *facts)
{
	return facts->caller->rest;
}

static int write__rest(char **text, const struct facts *facts)
{
	(void)facts;
	return write__format(text,
		"These are all callers beyond the first %s: fix those that are listed, then trace "
		"again to see which are left.",
		NUMBER(REPORT_CALLERS_MAX));
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
		"its documentation): %s.",
		facts->subject,
		unknown[most] ? unknown_reason__sentence(most) : "it could not be read");
}

/* --- What stands between a program and the service ---------------------------------------------
 */

static bool is__proxy(const struct facts *facts)
{
	return facts->program && facts->program->kind == SOFTWARE_PROXY;
}

/* kube2iam and kiam speak for pods and with versions of their own. */
static bool is__pod_proxy(const struct facts *facts)
{
	return is__proxy(facts) && facts->program->v2;
}

/* "python3 /app.py", "python3 /app.py and 2 others"; NULL: nobody's calls could be joined. */
static int write__behind(char **text, const struct facts *facts)
{
	const struct caller *caller = facts->caller;
	unsigned int others = caller->forwards_count ? caller->forwards_count - 1 : 0;

	*text = NULL;
	if (!caller->forwards_count)
		return 0;
	return others ? write__format(text, "%s and %u other%s", caller->forwards[0], others,
				others == 1 ? "" : "s")
		      : write__format(text, "%s", caller->forwards[0]);
}

static int write__pod_proxy(char **text, const struct facts *facts)
{
	_free_ char *behind = NULL;

	if (write__behind(&behind, facts))
		return -ENOMEM;
	return write__format(text,
		"Update %s to %s or later, the first version that uses IMDSv2 itself, and look "
		"at the pods behind %s: it answers in the metadata service's place%s%s%s. Better "
		"than any version of it are roles of the pods' own (IAM roles for service "
		"accounts, EKS Pod Identity).",
		software__said(facts->program), facts->program->v2, facts->subject,
		behind ? " and forwards the calls of " : ", so these calls may be theirs",
		behind ? behind : "", behind ? ", which have to ask for a token, too" : "");
}

static bool is__joined_proxy(const struct facts *facts)
{
	return is__proxy(facts) && facts->caller->forwards_count && caller__forwards(facts->caller);
}

static int write__joined_proxy(char **text, const struct facts *facts)
{
	const struct caller *caller = facts->caller;
	_free_ char *behind = NULL;

	if (write__behind(&behind, facts))
		return -ENOMEM;
	if (caller__only_forwards(caller))
		return write__format(text,
			"Change %s instead: %s, only forwards its calls (%s of %s). CloudWatch "
			"counts such a call once.",
			behind, facts->subject_in_words, NUMBER(caller->forwarded),
			NUMBER(caller->calls[CLASS_V1]));
	return write__format(text,
		"Change %s first, and then see what is left: %s, forwards calls, and %s of its %s "
		"v1 calls are the same as theirs, sent a moment later.",
		behind, facts->subject_in_words, NUMBER(caller->forwarded),
		NUMBER(caller->calls[CLASS_V1]));
}

/* The same call a moment earlier may be an accident. */
static int write__proxy_by_accident(char **text, const struct facts *facts)
{
	_free_ char *behind = NULL;

	if (write__behind(&behind, facts))
		return -ENOMEM;
	return write__format(text,
		"Change the program behind %s, which forwards what others send: what has to ask "
		"for a token is that program. It may be %s, which sent the same a moment earlier.",
		facts->subject_in_words, behind);
}

static int write__proxy(char **text, const struct facts *facts)
{
	if (facts->caller->forwards_count)
		return write__proxy_by_accident(text, facts);
	return write__format(text,
		"Change the program behind %s, which forwards what others send: what has to ask "
		"for a token is that program. No caller on this machine sends the same calls, so "
		"it is set up to use a proxy or runs on another machine; the proxy's own log names "
		"it.",
		facts->subject_in_words);
}

static bool is__caused_by(const struct facts *facts, enum cause cause)
{
	return facts->pattern == PATTERN_FALLBACK && caller__cause(facts->caller) == cause;
}

static bool is__unreachable(const struct facts *facts)
{
	return is__caused_by(facts, CAUSE_UNREACHABLE);
}

static int write__unreachable(char **text, const struct facts *facts)
{
	return write__format(text,
		"Find out why %s gets no answer at all, to token requests or to others: it cannot "
		"reach the metadata service (a firewall, a network policy, no route).",
		facts->subject);
}

static bool is__off(const struct facts *facts)
{
	return is__caused_by(facts, CAUSE_OFF);
}

static int write__off(char **text, const struct facts *facts)
{
	return write__format(text,
		"Find out whether access to instance metadata is disabled: the service refuses "
		"every call of %s, "
		"token requests and others alike%s. Enable it if that software needs it (aws ec2 "
		"modify-instance-metadata-options --http-endpoint enabled), else stop the "
		"calls.",
		facts->subject,
		facts->in_pod ? ", unless it is kube2iam or kiam that answers in this pod" : "");
}

static bool is__refused(const struct facts *facts)
{
	return facts->pattern == PATTERN_FALLBACK && facts->refused;
}

static bool is__refused_in_pod(const struct facts *facts)
{
	return is__refused(facts) && facts->in_pod && !facts->client.too_old;
}

/* A pod that is kept from IMDSv1 before PUT works has no credentials any more, so nothing here may
 * sound like it (jtblin/kube2iam#345). */
static int write__refused_in_pod(char **text, const struct facts *facts)
{
	return write__format(text,
		"Find out what answers %s in the metadata service's place: %s token "
		"request%s refused, as kube2iam before 0.12.0 and kiam before 4.0 refuse "
		"them. Update it, or give the pod a role of its own (IAM roles for service "
		"accounts, EKS Pod Identity); leave the program as it is until a token request of "
		"the pod succeeds, because its credentials come without one now.",
		facts->subject, NUMBER(facts->refused), facts->refused == 1 ? " was" : "s were");
}

static bool is__cut_off(const struct facts *facts)
{
	return facts->pattern == PATTERN_FALLBACK && facts->one_hop_away && !facts->refused;
}

static int write__cut_off(char **text, const struct facts *facts)
{
	return write__format(text,
		"Raise the instance's hop limit to 2 (--http-put-response-hop-limit 2) for %s%s%s: "
		"its token requests %s an answer, because with a hop limit of 1 the answer does "
		"not reach its network namespace. It takes 3 where another network stands in "
		"between, as with containers in containers and some CNI plugins. Another version "
		"would change nothing.",
		facts->subject, facts->software[0] ? ", which uses " : "", facts->software,
		facts->answered && facts->unanswered ? "never get" : "seem never to get");
}

/* Two clouds of which EC2 may be one. */
static bool is__detector(const struct facts *facts)
{
	return facts->caller->calls[CLASS_V1] && !facts->caller->calls[CLASS_TOKEN] &&
	       facts->looks_around && facts->caller->calls[CLASS_FOREIGN];
}

static bool is__detector_by_setting(const struct facts *facts)
{
	return is__detector(facts) && facts->program && facts->program->narrows;
}

static int write__detector(char **text, const struct facts *facts)
{
	const char *narrows = facts->program ? facts->program->narrows : NULL;

	return write__format(text,
		"%s checks which cloud it runs on: it calls EC2's metadata service without a "
		"token, "
		"and %s as well. Most likely that is a cloud detector in one of its libraries (for "
		"traces or metrics), which does without an answer, so it is harmless that it gets "
		"none once IMDSv2 is required%s%s; check what it does with the answer before you "
		"rely on that.",
		facts->subject, facts->clouds, narrows ? "; to stop these calls, " : "",
		narrows ? narrows : "");
}

/* --- Known programs --------------------------------------------------------------------------- */

static bool version__before(const char *version, const char *other)
{
	return client__compare_versions(version, other) < 0;
}

/* The version that leaves no call without a token, as far as is known. */
static const char *software__target(const struct software *software)
{
	const char *survives = software__survives(software);

	if (software->never_v1)
		return software->never_v1;
	if (survives && version__before(survives, software->v2))
		return software->v2;
	return survives;
}

/* Where it is seen to speak IMDSv2, only a version that does more can help. */
static bool facts__speaks_v2(const struct facts *facts)
{
	const struct client *client = &facts->client;

	return facts->pattern == PATTERN_MIXED || facts->pattern == PATTERN_FALLBACK ||
	       (client->sdk && client->version[0] && !client->too_old);
}

static const char *facts__target(const struct facts *facts)
{
	const struct software *program = facts->program;
	const char *target = program ? software__target(program) : NULL;
	bool of_its_own = facts->client.software == program && facts->client.version[0];

	if (!target || (of_its_own && !version__before(facts->client.version, target)))
		return NULL;
	return facts__speaks_v2(facts) && !strcmp(target, program->v2) && !program->never_v1
		       ? NULL
		       : target;
}

static bool is__program(const struct facts *facts)
{
	return facts->program && !is__refused(facts);
}

static bool is__program_without_v2(const struct facts *facts)
{
	return is__program(facts) && facts->program->no_release;
}

static int write__program_without_v2(char **text, const struct facts *facts)
{
	return write__format(text, "Replace %s (%s): no release supports IMDSv2; move to %s.",
		software__said(facts->program), facts->subject,
		facts->program->instead ? facts->program->instead : "another program");
}

static bool is__program_to_upgrade(const struct facts *facts)
{
	return is__program(facts) && facts__target(facts);
}

/* "20.10.0 or 19.03.14" is of two branches. */
static const char *version__or_later(const char *version)
{
	return strstr(version, " or ") ? ", or later," : " or later";
}

static int write__program_to_upgrade(char **text, const struct facts *facts)
{
	const struct software *program = facts->program;
	const char *target = facts__target(facts), *setting = program->setting;
	_free_ char *first = NULL;

	if (!program->never_v1 || !strcmp(program->never_v1, program->v2)
			? write__format(
				  &first, "%s", "the first version that asks for a token by itself")
			: write__format(&first,
				  "which never falls back to IMDSv1 (%s is the first that asks for "
				  "a "
				  "token first)",
				  program->v2))
		return -ENOMEM;
	return write__format(text, "Upgrade %s to %s%s%s %s: %s belongs to it.%s%s%s",
		software__said(program), target, version__or_later(target),
		strstr(target, " or ") ? "" : ",", first, facts->subject,
		setting ? " Without an upgrade: " : "", setting ? setting : "", setting ? "." : "");
}

static bool is__program_to_configure(const struct facts *facts)
{
	return is__program(facts) && facts->program->setting;
}

static int write__program_to_configure(char **text, const struct facts *facts)
{
	return write__format(text, "For %s (%s), %s.", facts->subject,
		software__said(facts->program), facts->program->setting);
}

/* --- SDKs ------------------------------------------------------------------------------------- */

static bool is__too_old(const struct facts *facts)
{
	return facts->client.sdk && facts->client.min_version &&
	       (facts->client.too_old ||
		       (!facts->client.version[0] && !facts->caller->calls[CLASS_TOKEN]));
}

/* An SDK that is compiled into a program comes with it. */
static bool is__built_with_old(const struct facts *facts)
{
	static const char *const compiled[] = {"aws-sdk-go", "aws-sdk-go-v2", "aws-sdk-cpp"};
	bool is = false;

	for (size_t i = 0; i < sizeof(compiled) / sizeof(compiled[0]); i++)
		is |= !strcmp(facts->client.name, compiled[i]);
	return is && is__too_old(facts) && !facts->caller->script;
}

static int write__built_with_old(char **text, const struct facts *facts)
{
	return write__format(text,
		"Get a version of %s that is built with %s %s or later, the first that asks for a "
		"token: %s is built with %s%s.",
		facts->caller->name, facts->client.name, facts->client.min_version, facts->subject,
		facts->software,
		facts->client.version[0] ? "" : ", and does not say which version of it");
}

static int write__too_old(char **text, const struct facts *facts)
{
	return write__format(text,
		"Upgrade %s, which %s uses, to %s or later, the first version that supports "
		"IMDSv2%s.",
		facts->software, facts->subject, facts->client.min_version,
		facts->client.version[0] ? "" : "; which version it is now, it does not say");
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
		"Find out why %s token request%s of %s (%s) got no token (" WHY_REFUSED
		"), then " NO_FALLBACK " so that it cannot fall back.",
		NUMBER(facts->refused), facts->refused == 1 ? "" : "s", facts->subject,
		facts->software);
}

static int write__refused(char **text, const struct facts *facts)
{
	return write__format(text,
		"Find out why %s token request%s of %s got no token: " WHY_REFUSED ".",
		NUMBER(facts->refused), facts->refused == 1 ? "" : "s", facts->subject);
}

static bool is__fallback_sdk(const struct facts *facts)
{
	return facts->pattern == PATTERN_FALLBACK && facts->client.sdk;
}

/* In the host's own network no hop is in the way. */
static const char *facts__why_unanswered(const struct facts *facts)
{
	return facts->caller->network == NETWORK_HOST
		       ? "a firewall, a proxy that lets GET through but not PUT, or the first "
			 "seconds of a new node"
		       : "a firewall, a proxy that lets GET through but not PUT, or a network "
			 "namespace one hop away, where a hop limit of 2 helps";
}

static int write__fallback_sdk(char **text, const struct facts *facts)
{
	return write__format(text,
		"Find out why the token requests of %s (%s) get no answer (%s), then " NO_FALLBACK
		" so that it cannot fall back.",
		facts->subject, facts->software, facts__why_unanswered(facts));
}

static bool is__unanswered(const struct facts *facts)
{
	return facts->pattern == PATTERN_FALLBACK && facts->answered && facts->unanswered;
}

static int write__unanswered(char **text, const struct facts *facts)
{
	return write__format(text, "Find out why the token requests of %s get no answer: %s.",
		facts->subject, facts__why_unanswered(facts));
}

static bool is__not_watched(const struct facts *facts)
{
	return is__caused_by(facts, CAUSE_NOT_WATCHED);
}

static int write__not_watched(char **text, const struct facts *facts)
{
	return write__format(text,
		"Find out whether the token requests of %s are answered, which was not watched "
		"here, and then why it goes on without the token.",
		facts->subject);
}

/* --- Some calls with a token, others without ---------------------------------------------------
 */

static bool is__mixed(const struct facts *facts)
{
	return facts->pattern == PATTERN_MIXED;
}

static bool is__mixed_without_token(const struct facts *facts)
{
	return is__mixed(facts) && facts->answered && facts->refused + facts->unanswered;
}

static bool is__mixed_sdk_without_token(const struct facts *facts)
{
	return is__mixed_without_token(facts) && facts->client.sdk;
}

static int write__failures(char **text, const struct facts *facts)
{
	return write__format(text, "%s of its %s token requests got no %s",
		NUMBER(facts->refused + facts->unanswered),
		NUMBER(facts->caller->calls[CLASS_TOKEN]), facts->refused ? "token" : "answer");
}

static int write__mixed_sdk_without_token(char **text, const struct facts *facts)
{
	_free_ char *failures = NULL;

	if (write__failures(&failures, facts))
		return -ENOMEM;
	return write__format(text,
		"For %s, " NO_FALLBACK ": %s supports IMDSv2, but %s, and then it falls back to "
		"IMDSv1.",
		facts->subject, facts->software, failures);
}

static int write__mixed_without_token(char **text, const struct facts *facts)
{
	_free_ char *failures = NULL;

	if (write__failures(&failures, facts))
		return -ENOMEM;
	return write__format(text,
		"Make %s try again where it gets no token: %s, and then it calls without one.",
		facts->subject, failures);
}

static bool is__mixed_sdk(const struct facts *facts)
{
	return is__mixed(facts) && facts->client.sdk;
}

/* "GET /latest/meta-data/instance-id", what was called without a token the most; " and 2 more
 * paths" in others. Neither may be known. */
static int facts__write_culprit(const struct facts *facts, char **most, char **others)
{
	const struct report_path *worst = NULL;
	size_t count = 0;

	for (size_t i = 0; i < facts->caller->path_count; i++) {
		const struct report_path *path = &facts->caller->paths[i];

		if (path->cls != CLASS_V1 || !path->path)
			continue;
		count++;
		if (path->method && (!worst || path->count > worst->count))
			worst = path;
	}
	if (worst ? path__describe(most, worst) : write__format(most, "%s", "some paths"))
		return -ENOMEM;
	if (worst && count > 1)
		return write__format(others, " and %s more path%s were", NUMBER(count - 1),
			count == 2 ? "" : "s");
	return write__format(others, "%s", worst ? " was" : " were");
}

static int write__mixed_sdk(char **text, const struct facts *facts)
{
	_free_ char *most = NULL, *others = NULL;

	if (facts__write_culprit(facts, &most, &others))
		return -ENOMEM;
	return write__format(text,
		"Find the code of %s that calls without a token: %s supports IMDSv2, but %s%s "
		"called "
		"without a token, by an older function of it or by another library.",
		facts->subject, facts->software, most, others);
}

static bool is__lone_path(const struct facts *facts)
{
	return is__mixed(facts) && facts->lone && !facts->twin;
}

static int write__lone_path(char **text, const struct facts *facts)
{
	_free_ char *path = NULL;
	bool more = facts->lone_count > 1;

	if (path__describe(&path, facts->lone))
		return -ENOMEM;
	return write__format(text,
		"Make %s send its token with every call: %s%s go%s without one, where its other "
		"calls carry it.",
		facts->subject, path, more ? " and others" : "", more ? "" : "es");
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
		"as \"X-aws-ec2-metadata-token: $EMPTY\" sends no header at all, and for calls "
		"that "
		"leave the header out.",
		facts->subject);
}

/* --- What to paste ---------------------------------------------------------------------------- */

#define IMDS "http://169.254.169.254/latest/"
#define TTL  "X-aws-ec2-metadata-token-ttl-seconds: 21600"

static const char *const snippets[] = {
	[TOOL_NONE] = "",
	[TOOL_CURL] = "TOKEN=$(curl -sf -X PUT -H '" TTL "' " IMDS "api/token); curl -sf -H "
		      "\"X-aws-ec2-metadata-token: $TOKEN\" " IMDS "%s",
	[TOOL_WGET] =
		"TOKEN=$(wget -qO- --method=PUT --header='" TTL "' " IMDS
		"api/token); wget -qO- --header=\"X-aws-ec2-metadata-token: $TOKEN\" " IMDS "%s",
	[TOOL_PYTHON] =
		"from urllib.request import Request, urlopen; imds = \"" IMDS
		"\"; token = urlopen(Request(imds + \"api/token\", method=\"PUT\", "
		"headers={\"X-aws-ec2-metadata-token-ttl-seconds\": \"21600\"})).read().decode(); "
		"value = urlopen(Request(imds + \"%s\", headers={\"X-aws-ec2-metadata-token\": "
		"token})).read().decode()",
};

/* What a shell and Python take as it is. */
static bool path__is_plain(const char *path)
{
	for (; *path; path++)
		if (!isalnum((unsigned char)*path) && !strchr("/._-", *path))
			return false;
	return true;
}

/* What it asks for behind "/latest/", for the lines to paste. */
static const char *facts__asked(const struct facts *facts)
{
	static const char latest[] = "/latest/";

	for (size_t i = 0; i < facts->caller->path_count; i++) {
		const struct report_path *path = &facts->caller->paths[i];

		if (path->cls == CLASS_V1 && path->path && !path->path_cut &&
			!strncmp(path->path, latest, sizeof(latest) - 1) &&
			path__is_plain(path->path))
			return path->path + sizeof(latest) - 1;
	}
	return "meta-data/instance-id";
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static int write__snippet(char **text, const struct facts *facts)
{
	_free_ char *lines = NULL;

	if (!facts->tool)
		return write__format(text, "%s", "");
	if (write__format(&lines, snippets[facts->tool], facts__asked(facts)))
		return -ENOMEM;
	return write__format(text, ". To paste: %s", lines);
}
#pragma GCC diagnostic pop

static bool is__anything(const struct facts *facts)
{
	(void)facts;
	return true;
}

/* Only a program of its own has versions that could do it; a script is to be changed. */
static bool facts__may_have_newer(const struct facts *facts)
{
	return !facts->tool && !facts->caller->script;
}

static int write__send_token(char **text, const struct facts *facts)
{
	const char *hint = facts->client.hint;
	_free_ char *snippet = NULL;

	if (write__snippet(&snippet, facts))
		return -ENOMEM;
	return write__format(text,
		"Make %s%s%s%s ask for a token (PUT /latest/api/token with "
		"X-aws-ec2-metadata-token-ttl-seconds: 21600) and send it as "
		"X-aws-ec2-metadata-token with every call%s%s%s%s",
		facts->subject, facts->software[0] ? ", which calls itself " : "", facts->software,
		facts->software[0] ? "," : "", hint ? "; " : "", hint ? hint : "",
		!hint && facts__may_have_newer(facts) ? ", or update it to a version that does"
						      : "",
		facts->tool ? snippet : ".");
}

static const struct rule {
	bool (*applies)(const struct facts *facts);
	enum advice advice;
	int (*write)(char **text, const struct facts *facts);
} rules[] = {
	{is__fixed, ADVICE_NONE, write__fixed},
	{is__unknown, ADVICE_INVESTIGATE, write__unknown},
	{is__token_refused, ADVICE_INVESTIGATE, write__token_refused},
	{is__token_lost_on_the_way, ADVICE_RAISE_HOP_LIMIT, write__cut_off},
	{is__v2_only, ADVICE_NONE, write__v2_only},
	{is__foreign_by_setting, ADVICE_CONFIGURE, write__foreign_by_setting},
	{is__foreign_only, ADVICE_NONE, write__foreign_only},
	{is__rest, ADVICE_INVESTIGATE, write__rest},
	{is__pod_proxy, ADVICE_INVESTIGATE, write__pod_proxy},
	{is__joined_proxy, ADVICE_INVESTIGATE, write__joined_proxy},
	{is__proxy, ADVICE_INVESTIGATE, write__proxy},
	{is__unreachable, ADVICE_INVESTIGATE, write__unreachable},
	{is__off, ADVICE_INVESTIGATE, write__off},
	{is__refused_in_pod, ADVICE_INVESTIGATE, write__refused_in_pod},
	{is__cut_off, ADVICE_RAISE_HOP_LIMIT, write__cut_off},
	{is__detector_by_setting, ADVICE_CONFIGURE, write__detector},
	{is__program_without_v2, ADVICE_UPGRADE_PROGRAM, write__program_without_v2},
	{is__program_to_upgrade, ADVICE_UPGRADE_PROGRAM, write__program_to_upgrade},
	{is__program_to_configure, ADVICE_CONFIGURE, write__program_to_configure},
	{is__detector, ADVICE_INVESTIGATE, write__detector},
	{is__built_with_old, ADVICE_UPGRADE_PROGRAM, write__built_with_old},
	{is__too_old, ADVICE_UPGRADE_CLIENT, write__too_old},
	{is__refused_sdk, ADVICE_DISABLE_FALLBACK, write__refused_sdk},
	{is__refused, ADVICE_INVESTIGATE, write__refused},
	{is__not_watched, ADVICE_INVESTIGATE, write__not_watched},
	{is__fallback_sdk, ADVICE_DISABLE_FALLBACK, write__fallback_sdk},
	{is__unanswered, ADVICE_INVESTIGATE, write__unanswered},
	{is__mixed_sdk_without_token, ADVICE_DISABLE_FALLBACK, write__mixed_sdk_without_token},
	{is__mixed_without_token, ADVICE_INVESTIGATE, write__mixed_without_token},
	{is__mixed_sdk, ADVICE_INVESTIGATE, write__mixed_sdk},
	{is__lone_path, ADVICE_SEND_TOKEN, write__lone_path},
	{is__sdk, ADVICE_INVESTIGATE, write__sdk},
	{is__token_lost, ADVICE_SEND_TOKEN, write__token_lost},
	{is__anything, ADVICE_SEND_TOKEN, write__send_token},
};

/* Behind a proxy, a refusal or a silence may be the proxy's. */
static int advice__add_proxy(char **text, const struct caller *caller)
{
	_free_ char *without = *text;

	*text = NULL;
	return write__format(text, "%s Its calls go through %s, a proxy, which is listed as well.",
		without, caller->through);
}

static int advice__for_now(const struct caller *caller, enum advice *advice, char **text)
{
	const struct rule *rule = rules;
	struct facts facts;
	int error = facts__gather(&facts, caller);

	while (!error && !rule->applies(&facts))
		rule++;
	if (!error)
		error = rule->write(text, &facts);
	if (!error && caller->through && caller->calls[CLASS_V1] && !caller->fixed_since)
		error = advice__add_proxy(text, caller);
	if (!error)
		*advice = rule->advice;
	facts__clear(&facts);
	return error;
}

int advice__for(const struct caller *caller, enum advice *advice, char **text)
{
	struct caller now;
	int error = caller__now(caller, &now);

	if (!error)
		error = advice__for_now(&now, advice, text);
	caller__forget_now(&now);
	return error;
}
