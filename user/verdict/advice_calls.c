/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Advice by what a caller's calls show alone. */
#include "verdict/advice_rules.h"

#include <errno.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/number.h"
#include "lib/scope.h"

/* --- What is over ----------------------------------------------------------------------------- */

bool is__fixed(const struct facts *facts)
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

int write__fixed(char **text, const struct facts *facts)
{
	bool foreign = facts->pattern == PATTERN_FOREIGN_ONLY;
	char last[RFC3339_SIZE], since[RFC3339_SIZE];

	clock__format(last, caller__last_v1(facts->caller));
	clock__format(since, facts->caller->fixed_since);
	return write__format(text,
		"Nothing more has to change: %s is fixed. It last called IMDSv1 on %.10s at %.8s UTC, and since %.10s %.8s UTC it has %s%s%s.",
		facts->subject, last, last + strlen("2026-01-01T"), since,
		since + strlen("2026-01-01T"),
		foreign ? "asked only for " : "sent a token with every call",
		foreign ? facts->clouds : "", foreign ? " metadata service" : "");
}

/* --- Nothing without a token ------------------------------------------------------------------ */

/* The one v2 request that it makes, if its v2 requests are all the same. */
static const struct report_path *facts__only_v2_path(const struct facts *facts)
{
	const struct report_path *only = NULL;

	for (size_t i = 0; i < facts->caller->path_count; i++) {
		const struct report_path *path = &facts->caller->paths[i];

		if (path->cls != CLASS_V2)
			continue;
		if (only)
			return NULL;
		only = path;
	}
	return only;
}

/* A token is given for PUT alone; asked for in another way, the request has a header of v2 and is
 * no token request. */
bool is__wrong_method(const struct facts *facts)
{
	const struct report_path *path = facts__only_v2_path(facts);

	return facts->pattern == PATTERN_V2_ONLY && !facts->caller->calls[CLASS_TOKEN] && path &&
	       path->path && !strcmp(path->path, "/latest/api/token") &&
	       !facts->caller->answers[CLASS_V2][OUTCOME_OK];
}

int write__wrong_method(char **text, const struct facts *facts)
{
	const char *method = facts__only_v2_path(facts)->method;

	return write__format(text,
		"Make %s ask for its token with PUT: it asks for /latest/api/token with %s, which gives it none.",
		facts->subject, method ? method : "another method");
}

bool is__token_refused(const struct facts *facts)
{
	const uint64_t *v2 = facts->caller->answers[CLASS_V2];

	return facts->pattern == PATTERN_V2_ONLY && v2[OUTCOME_REJECTED] &&
	       v2[OUTCOME_REJECTED] == facts->caller->calls[CLASS_V2];
}

int write__token_refused(char **text, const struct facts *facts)
{
	uint64_t rejected = facts->caller->answers[CLASS_V2][OUTCOME_REJECTED];

	return write__format(text,
		"Find out which token %s sends: %s with it %s answered 401, so its token is refused. It is empty, wrong or expired, or it is another instance's.",
		facts->subject, rejected == 1 ? "the one call" : "all calls",
		rejected == 1 ? "was" : "were");
}

/* Without a fallback, what a hop limit of 1 does shows in the token requests alone. */
bool is__token_lost_on_the_way(const struct facts *facts)
{
	return facts->pattern == PATTERN_V2_ONLY && !facts->caller->calls[CLASS_V2] &&
	       facts->one_hop_away && facts->unanswered &&
	       facts->unanswered == facts->caller->calls[CLASS_TOKEN];
}

bool is__v2_only(const struct facts *facts)
{
	return facts->pattern == PATTERN_V2_ONLY;
}

int write__v2_only(char **text, const struct facts *facts)
{
	return write__format(
		text, "Nothing has to change: %s uses IMDSv2 already.", facts->subject);
}

bool is__foreign_only(const struct facts *facts)
{
	return facts->pattern == PATTERN_FOREIGN_ONLY;
}

bool is__foreign_by_setting(const struct facts *facts)
{
	return is__foreign_only(facts) && facts->program && facts->program->narrows;
}

int write__foreign_by_setting(char **text, const struct facts *facts)
{
	return write__format(text,
		"Nothing breaks: %s (%s) calls %s metadata service, which EC2 does not have, so the calls fail whether or not IMDSv2 is required. To stop them, %s.",
		facts->subject, software__said(facts->program), facts->clouds,
		facts->program->narrows);
}

int write__foreign_only(char **text, const struct facts *facts)
{
	return write__format(text,
		"Nothing has to change: %s calls %s metadata service, which EC2 does not have, so the calls fail whether or not IMDSv2 is required.",
		facts->subject, facts->clouds);
}

bool is__rest(const struct facts *facts)
{
	return facts->caller->rest;
}

int write__rest(char **text, const struct facts *facts)
{
	(void)facts;
	return write__format(text,
		"These are all callers beyond the first %s: fix those that are listed, then trace again to see which are left.",
		NUMBER(REPORT_CALLERS_MAX));
}

/* Also beside calls that are fine: they say nothing about those that could not be read. */
bool is__unknown(const struct facts *facts)
{
	return facts->pattern == PATTERN_UNKNOWN ||
	       (!facts->caller->calls[CLASS_V1] && facts->caller->calls[CLASS_UNKNOWN]);
}

int write__unknown(char **text, const struct facts *facts)
{
	const uint64_t *unknown = facts->caller->unknown;
	int most = 0;

	for (int reason = 1; reason < UNKNOWN_REASONS; reason++)
		if (unknown[reason] > unknown[most])
			most = reason;
	return write__format(text,
		"Find out what %s sends to the metadata service (strace -f -e trace=network, or its documentation): %s.",
		facts->subject,
		unknown[most] ? unknown_reason__sentence(most) : "it could not be read");
}

/* --- Some calls with a token, others without ---------------------------------------------------
 */

static bool is__mixed(const struct facts *facts)
{
	return facts->pattern == PATTERN_MIXED;
}

bool is__mixed_without_token(const struct facts *facts)
{
	return is__mixed(facts) && facts->answered && facts->refused + facts->unanswered;
}

bool is__mixed_sdk_without_token(const struct facts *facts)
{
	return is__mixed_without_token(facts) && facts->client.sdk;
}

static int write__failures(char **text, const struct facts *facts)
{
	return write__format(text, "%s of its %s token requests got no %s",
		NUMBER(facts->refused + facts->unanswered),
		NUMBER(facts->caller->calls[CLASS_TOKEN]), facts->refused ? "token" : "answer");
}

int write__mixed_sdk_without_token(char **text, const struct facts *facts)
{
	_free_ char *failures = NULL;

	if (write__failures(&failures, facts))
		return -ENOMEM;
	return write__format(text,
		"For %s, " NO_FALLBACK
		": %s supports IMDSv2, but %s, and then it falls back to IMDSv1.",
		facts->subject, facts->software, failures);
}

int write__mixed_without_token(char **text, const struct facts *facts)
{
	_free_ char *failures = NULL;

	if (write__failures(&failures, facts))
		return -ENOMEM;
	return write__format(text,
		"Make %s try again where it gets no token: %s, and then it calls without one.",
		facts->subject, failures);
}

bool is__mixed_sdk(const struct facts *facts)
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

static const char *facts__tokenless(const struct facts *facts)
{
	const struct software *sdk = facts->client.software;

	return sdk && sdk->tokenless ? sdk->tokenless : "an older function of it";
}

int write__mixed_sdk(char **text, const struct facts *facts)
{
	_free_ char *most = NULL, *others = NULL;

	if (facts__write_culprit(facts, &most, &others))
		return -ENOMEM;
	return write__format(text,
		"Find the code of %s that calls without a token: %s supports IMDSv2, but %s%s called without a token, by %s or by another library.",
		facts->subject, facts->software, most, others, facts__tokenless(facts));
}

bool is__lone_path(const struct facts *facts)
{
	return is__mixed(facts) && facts->lone && !facts->twin;
}

int write__lone_path(char **text, const struct facts *facts)
{
	_free_ char *path = NULL;
	bool more = facts->lone_count > 1;

	if (path__describe(&path, facts->lone))
		return -ENOMEM;
	return write__format(text,
		"Make %s send its token with every call: %s%s go%s without one, where its other calls carry it.",
		facts->subject, path, more ? " and others" : "", more ? "" : "es");
}

bool is__sdk(const struct facts *facts)
{
	return facts->client.sdk;
}

int write__sdk(char **text, const struct facts *facts)
{
	return write__format(text,
		"Find out why %s (%s) never asks for a token although its version could: %s, a setting that turns IMDSv2 off, or another library in the same process.",
		facts->subject, facts->software, facts__tokenless(facts));
}

/* A shell drops a header that is empty: curl -H "NAME: $EMPTY" sends none. */
bool is__token_lost(const struct facts *facts)
{
	return facts->caller->calls[CLASS_TOKEN] && !facts->client.sdk;
}

int write__token_lost(char **text, const struct facts *facts)
{
	return write__format(text,
		"Make %s send the token it asks for with every call: look for an empty variable, as \"X-aws-ec2-metadata-token: $EMPTY\" sends no header at all, and for calls "
		"that leave the header out.",
		facts->subject);
}
