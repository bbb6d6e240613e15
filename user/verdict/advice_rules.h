/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The rules of the advice, which advice.c puts into an order: is__x() says whether one fits a
 * caller, and write__x() makes its sentence, 0 or -ENOMEM.
 */
#ifndef IMDSTRACE_ADVICE_RULES_H
#define IMDSTRACE_ADVICE_RULES_H

#include "verdict/advice_facts.h"

/* aws-sdk-go#5015, aws-sdk-go-v2#2303 (October 2023), aws-sdk-java-v2#4840 (January 2024). */
#define NO_FALLBACK "set AWS_EC2_METADATA_V1_DISABLED=true (which SDKs know since late 2023)"

bool is__fixed(const struct facts *facts);
int write__fixed(char **text, const struct facts *facts);
bool is__survivor(const struct facts *facts);
int write__survivor(char **text, const struct facts *facts);
bool is__unknown(const struct facts *facts);
int write__unknown(char **text, const struct facts *facts);
bool is__wrong_method(const struct facts *facts);
int write__wrong_method(char **text, const struct facts *facts);
bool is__token_refused(const struct facts *facts);
int write__token_refused(char **text, const struct facts *facts);
bool is__token_lost_on_the_way(const struct facts *facts);
int write__cut_off(char **text, const struct facts *facts);
bool is__v2_only(const struct facts *facts);
int write__v2_only(char **text, const struct facts *facts);
bool is__foreign_by_setting(const struct facts *facts);
int write__foreign_by_setting(char **text, const struct facts *facts);
bool is__foreign_only(const struct facts *facts);
int write__foreign_only(char **text, const struct facts *facts);
bool is__rest(const struct facts *facts);
int write__rest(char **text, const struct facts *facts);
bool is__pod_proxy(const struct facts *facts);
int write__pod_proxy(char **text, const struct facts *facts);
bool is__joined_proxy(const struct facts *facts);
int write__joined_proxy(char **text, const struct facts *facts);
bool is__proxy(const struct facts *facts);
int write__proxy(char **text, const struct facts *facts);
bool is__unreachable(const struct facts *facts);
int write__unreachable(char **text, const struct facts *facts);
bool is__off(const struct facts *facts);
int write__off(char **text, const struct facts *facts);
bool is__refused_in_pod(const struct facts *facts);
int write__refused_in_pod(char **text, const struct facts *facts);
bool is__cut_off(const struct facts *facts);
bool is__detector_by_setting(const struct facts *facts);
int write__detector(char **text, const struct facts *facts);
bool is__program_without_v2(const struct facts *facts);
int write__program_without_v2(char **text, const struct facts *facts);
bool is__program_to_upgrade(const struct facts *facts);
int write__program_to_upgrade(char **text, const struct facts *facts);
bool is__program_to_configure(const struct facts *facts);
int write__program_to_configure(char **text, const struct facts *facts);
bool is__detector(const struct facts *facts);
bool is__built_with_old(const struct facts *facts);
int write__built_with_old(char **text, const struct facts *facts);
bool is__too_old(const struct facts *facts);
int write__too_old(char **text, const struct facts *facts);
bool is__refused_sdk(const struct facts *facts);
int write__refused_sdk(char **text, const struct facts *facts);
bool is__refused(const struct facts *facts);
int write__refused(char **text, const struct facts *facts);
bool is__not_watched(const struct facts *facts);
int write__not_watched(char **text, const struct facts *facts);
bool is__fallback_sdk(const struct facts *facts);
int write__fallback_sdk(char **text, const struct facts *facts);
bool is__unanswered(const struct facts *facts);
int write__unanswered(char **text, const struct facts *facts);
bool is__mixed_sdk_without_token(const struct facts *facts);
int write__mixed_sdk_without_token(char **text, const struct facts *facts);
bool is__mixed_without_token(const struct facts *facts);
int write__mixed_without_token(char **text, const struct facts *facts);
bool is__mixed_sdk(const struct facts *facts);
int write__mixed_sdk(char **text, const struct facts *facts);
bool is__lone_path(const struct facts *facts);
int write__lone_path(char **text, const struct facts *facts);
bool is__sdk(const struct facts *facts);
int write__sdk(char **text, const struct facts *facts);
bool is__token_lost(const struct facts *facts);
int write__token_lost(char **text, const struct facts *facts);
bool is__anything(const struct facts *facts);
int write__send_token(char **text, const struct facts *facts);
bool is__caused_by(const struct facts *facts, enum cause cause);

#endif
