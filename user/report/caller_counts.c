/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a caller's calls and their outcomes add up to, and which pattern they make. */
#include "report/report_index.h"

static const char *const pattern_names[PATTERN_COUNT] = {
	[PATTERN_FALLBACK] = "fallback",
	[PATTERN_MIXED] = "mixed",
	[PATTERN_V1_ONLY] = "v1-only",
	[PATTERN_V2_ONLY] = "v2-only",
	[PATTERN_FOREIGN_ONLY] = "foreign-only",
	[PATTERN_UNKNOWN] = "unknown",
};

static const char *const cause_names[CAUSE_COUNT] = {
	[CAUSE_NOT_WATCHED] = "not-watched",
	[CAUSE_NO_ANSWER] = "no-answer",
	[CAUSE_UNREACHABLE] = "unreachable",
	[CAUSE_REFUSED] = "refused",
	[CAUSE_OFF] = "off",
};

const char *cause__name(enum cause cause)
{
	return cause_names[cause];
}

const char *pattern__name(enum pattern pattern)
{
	return pattern_names[pattern];
}

uint64_t caller__answered(const struct caller *caller, enum request_class cls)
{
	uint64_t answered = 0;

	for (int o = 0; o < OUTCOME_COUNT; o++)
		if (o != OUTCOME_NONE)
			count__add(&answered, caller->answers[cls][o]);
	return answered;
}

void caller__settle(struct caller *caller)
{
	for (int c = 0; c < CLASS_COUNT; c++) {
		uint64_t settled = caller__answered(caller, c);

		count__add(&settled, caller->unwatched[c]);
		if (c == CLASS_V1)
			count__add(&settled, caller__rehearsed_calls(caller));
		caller->answers[c][OUTCOME_NONE] =
			caller->calls[c] > settled ? caller->calls[c] - settled : 0;
	}
}

void report__add_calls(struct caller *caller, const uint64_t calls[CLASS_COUNT],
	const uint64_t answers[CLASS_COUNT][OUTCOME_COUNT])
{
	for (int c = 0; c < CLASS_COUNT; c++) {
		count__add(&caller->calls[c], calls[c]);
		count__add(&caller->unwatched[c], answers ? answers[c][OUTCOME_NONE] : calls[c]);
		for (int o = 0; answers && o < OUTCOME_COUNT; o++)
			if (o != OUTCOME_NONE)
				count__add(&caller->answers[c][o], answers[c][o]);
	}
	caller__settle(caller);
}

uint64_t caller__total(const struct caller *caller)
{
	uint64_t total = 0;

	for (int c = 0; c < CLASS_COUNT; c++)
		count__add(&total, caller->calls[c]);
	return total;
}

uint64_t caller__unrecorded(const struct caller *caller, enum request_class cls)
{
	uint64_t recorded = 0;

	for (size_t i = 0; i < caller->path_count; i++)
		if (caller->paths[i].cls == cls)
			count__add(&recorded, caller->paths[i].count);
	return caller->calls[cls] > recorded ? caller->calls[cls] - recorded : 0;
}

/* v1 after token requests of which none got a token. Where nothing at all came back, responses may
 * not have been watched; then a v2 call is the proof that there was a token. */
static bool caller__falls_back(const struct caller *caller)
{
	bool answered = false;

	if (!caller->calls[CLASS_V1] || !caller->calls[CLASS_TOKEN] ||
		caller->answers[CLASS_TOKEN][OUTCOME_OK])
		return false;
	for (int c = 0; c < CLASS_COUNT; c++)
		answered |= caller__answered(caller, c) > 0;
	return answered || !caller->calls[CLASS_V2];
}

static enum pattern caller__own_pattern(const struct caller *caller)
{
	bool v1 = caller->calls[CLASS_V1],
	     v2 = caller->calls[CLASS_V2] || caller->calls[CLASS_TOKEN];

	if (caller->fixed_since)
		return caller->fixed_as;
	if (caller__falls_back(caller))
		return PATTERN_FALLBACK;
	if (v1)
		return v2 ? PATTERN_MIXED : PATTERN_V1_ONLY;
	if (v2)
		return PATTERN_V2_ONLY;
	return caller->calls[CLASS_FOREIGN] ? PATTERN_FOREIGN_ONLY : PATTERN_UNKNOWN;
}

enum pattern caller__pattern(const struct caller *caller)
{
	struct caller now;

	caller__count_now(caller, &now);
	return caller__own_pattern(&now);
}

static enum cause caller__own_cause(const struct caller *caller)
{
	const uint64_t *v1 = caller->answers[CLASS_V1], *token = caller->answers[CLASS_TOKEN];
	uint64_t answered = 0;

	if (token[OUTCOME_REJECTED] || token[OUTCOME_OTHER])
		return v1[OUTCOME_OTHER] && !v1[OUTCOME_OK] && !v1[OUTCOME_REJECTED]
			       ? CAUSE_OFF
			       : CAUSE_REFUSED;
	if (!token[OUTCOME_NONE])
		return CAUSE_NOT_WATCHED;
	for (int c = 0; c < CLASS_COUNT; c++)
		count__add(&answered, caller__answered(caller, c));
	if (answered)
		return CAUSE_NO_ANSWER;
	/* A silence is one only where all of it was watched. */
	return v1[OUTCOME_NONE] >= caller->calls[CLASS_V1] ? CAUSE_UNREACHABLE : CAUSE_NOT_WATCHED;
}

enum cause caller__cause(const struct caller *caller)
{
	struct caller now;

	caller__count_now(caller, &now);
	return caller__own_cause(&now);
}
