/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A table of rules; the first that fits a caller is its advice. What was seen outranks what a
 * version says, and a known program outranks the SDK in it, which nobody can upgrade. */
#include "verdict/advice.h"

#include "lib/scope.h"
#include "verdict/advice_rules.h"

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

static const struct rule {
	bool (*applies)(const struct facts *facts);
	enum advice advice;
	int (*write)(char **text, const struct facts *facts);
} rules[] = {
	{is__fixed, ADVICE_NONE, write__fixed},
	{is__survivor, ADVICE_NONE, write__survivor},
	{is__unknown, ADVICE_INVESTIGATE, write__unknown},
	{is__wrong_method, ADVICE_SEND_TOKEN, write__wrong_method},
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
