/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Advice by the program that a caller is, and by the SDK in it. */
#include "verdict/advice_rules.h"

#include <errno.h>
#include <string.h>

#include "lib/array.h"
#include "lib/number.h"
#include "lib/scope.h"
#include "verdict/rehearsal_verdict.h"

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

bool is__program_without_v2(const struct facts *facts)
{
	return is__program(facts) && facts->program->no_release;
}

int write__program_without_v2(char **text, const struct facts *facts)
{
	return write__format(text, "Replace %s (%s): no release supports IMDSv2; move to %s.",
		software__said(facts->program), facts->subject,
		facts->program->instead ? facts->program->instead : "another program");
}

bool is__program_to_upgrade(const struct facts *facts)
{
	return is__program(facts) && facts__target(facts);
}

/* "20.10.0 or 19.03.14" is of two branches. */
static const char *version__or_later(const char *version)
{
	return strstr(version, " or ") ? ", or later," : " or later";
}

int write__program_to_upgrade(char **text, const struct facts *facts)
{
	const struct software *program = facts->program;
	const char *target = facts__target(facts), *setting = program->setting;
	_free_ char *first = NULL;

	if (!program->never_v1 || !strcmp(program->never_v1, program->v2)
			? write__format(
				  &first, "%s", "the first version that asks for a token by itself")
			: write__format(&first,
				  "which never falls back to IMDSv1 (%s is the first that asks for a token first)",
				  program->v2))
		return -ENOMEM;
	return write__format(text, "Upgrade %s to %s%s%s %s: %s belongs to it.%s%s%s",
		software__said(program), target, version__or_later(target),
		strstr(target, " or ") ? "" : ",", first, facts->subject,
		setting ? " Without an upgrade: " : "", setting ? setting : "", setting ? "." : "");
}

bool is__program_to_configure(const struct facts *facts)
{
	return is__program(facts) && facts->program->setting;
}

int write__program_to_configure(char **text, const struct facts *facts)
{
	return write__format(text, "For %s (%s), %s.", facts->subject,
		software__said(facts->program), facts->program->setting);
}

/* --- What a rehearsal showed ------------------------------------------------------------------ */

bool is__survivor(const struct facts *facts)
{
	return caller__survives(facts->caller);
}

/* How to end the calls that are refused, as a sentence goes on. */
static int facts__write_token_first(char **text, const struct facts *facts)
{
	const struct software *known = facts->program ? facts->program : facts->client.software;

	if (known && known->setting)
		return write__format(text, "%s", known->setting);
	if (known && known->never_v1)
		return write__format(text, "upgrade %s to %s%s", software__said(known),
			known->never_v1, version__or_later(known->never_v1));
	return write__format(text, "%s", "make it ask for a token before its first call");
}

int write__survivor(char **text, const struct facts *facts)
{
	uint64_t refused = facts->caller->rehearsal.rejected;
	_free_ char *how = NULL;

	if (facts__write_token_first(&how, facts))
		return -ENOMEM;
	return write__format(text,
		"Nothing has to change before the switch: %s survives it. In a rehearsal %s call%s of it %s refused, and it asked for a token and went on%s. Each call without a token still counts, as IMDSv1 before the switch and in MetadataNoTokenRejected after it; to end them, %s.",
		facts->subject, NUMBER(refused), refused == 1 ? "" : "s",
		refused == 1 ? "was" : "were",
		facts->caller->hosts_total > 1
			? "; rehearse it on its other hosts as well, where its version may be another"
			: "",
		how);
}

/* --- SDKs ------------------------------------------------------------------------------------- */

bool is__too_old(const struct facts *facts)
{
	return facts->client.sdk && facts->client.min_version &&
	       (facts->client.too_old ||
		       (!facts->client.version[0] && !facts->caller->calls[CLASS_TOKEN]));
}

/* An SDK that is compiled into a program comes with it. */
bool is__built_with_old(const struct facts *facts)
{
	static const char *const compiled[] = {"aws-sdk-go", "aws-sdk-go-v2", "aws-sdk-cpp"};
	bool is = false;

	for (size_t i = 0; i < ARRAY_SIZE(compiled); i++)
		is |= !strcmp(facts->client.name, compiled[i]);
	return is && is__too_old(facts) && !facts->caller->script;
}

int write__built_with_old(char **text, const struct facts *facts)
{
	return write__format(text,
		"Get a version of %s that is built with %s %s or later, the first that asks for a token: %s is built with %s%s.",
		facts->caller->name, facts->client.name, facts->client.min_version, facts->subject,
		facts->software,
		facts->client.version[0] ? "" : ", and does not say which version of it");
}

int write__too_old(char **text, const struct facts *facts)
{
	return write__format(text,
		"Upgrade %s, which %s uses, to %s or later, the first version that supports IMDSv2%s.",
		facts->software, facts->subject, facts->client.min_version,
		facts->client.version[0] ? "" : "; which version it is now, it does not say");
}

bool is__refused_sdk(const struct facts *facts)
{
	return is__refused(facts) && facts->client.sdk;
}

#define WHY_REFUSED                                                     \
	"403 comes from a proxy that adds X-Forwarded-For, 400 from a " \
	"missing X-aws-ec2-metadata-token-ttl-seconds"

int write__refused_sdk(char **text, const struct facts *facts)
{
	return write__format(text,
		"Find out why %s token request%s of %s (%s) got no token (" WHY_REFUSED
		"), then " NO_FALLBACK " so that it cannot fall back.",
		NUMBER(facts->refused), facts->refused == 1 ? "" : "s", facts->subject,
		facts->software);
}

int write__refused(char **text, const struct facts *facts)
{
	return write__format(text,
		"Find out why %s token request%s of %s got no token: " WHY_REFUSED ".",
		NUMBER(facts->refused), facts->refused == 1 ? "" : "s", facts->subject);
}

bool is__fallback_sdk(const struct facts *facts)
{
	return facts->pattern == PATTERN_FALLBACK && facts->client.sdk;
}

/* In the host's own network no hop is in the way. */
static const char *facts__why_unanswered(const struct facts *facts)
{
	return facts->caller->network == NETWORK_HOST
		       ? "a firewall, a proxy that lets GET through but not PUT, or the first seconds of a new node"
		       : "a firewall, a proxy that lets GET through but not PUT, or a network namespace one hop away, where a hop limit of 2 helps";
}

int write__fallback_sdk(char **text, const struct facts *facts)
{
	return write__format(text,
		"Find out why the token requests of %s (%s) get no answer (%s), then " NO_FALLBACK
		" so that it cannot fall back.",
		facts->subject, facts->software, facts__why_unanswered(facts));
}

bool is__unanswered(const struct facts *facts)
{
	return facts->pattern == PATTERN_FALLBACK && facts->answered && facts->unanswered;
}

int write__unanswered(char **text, const struct facts *facts)
{
	return write__format(text, "Find out why the token requests of %s get no answer: %s.",
		facts->subject, facts__why_unanswered(facts));
}

bool is__not_watched(const struct facts *facts)
{
	return is__caused_by(facts, CAUSE_NOT_WATCHED);
}

int write__not_watched(char **text, const struct facts *facts)
{
	return write__format(text,
		"Find out whether the token requests of %s are answered, which this trace did not watch, and then why it continues without one.",
		facts->subject);
}
