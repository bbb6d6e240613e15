/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Advice by what stands between a caller and the service. */
#include "verdict/advice_rules.h"

#include <errno.h>
#include <string.h>

#include "lib/number.h"
#include "lib/scope.h"
#include "report/forwarding.h"

/* --- What stands between a program and the service ---------------------------------------------
 */

bool is__proxy(const struct facts *facts)
{
	return facts->program && facts->program->kind == SOFTWARE_PROXY;
}

/* kube2iam and kiam speak for pods and with versions of their own. */
bool is__pod_proxy(const struct facts *facts)
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

int write__pod_proxy(char **text, const struct facts *facts)
{
	_free_ char *behind = NULL;

	if (write__behind(&behind, facts))
		return -ENOMEM;
	return write__format(text,
		"Update %s to %s or later, the first version that uses IMDSv2 itself, and look at the pods behind %s: it answers in the metadata service's place%s%s%s. Better than any version of it are roles of the pods' own (IAM roles for service accounts, EKS Pod Identity).",
		software__said(facts->program), facts->program->v2, facts->subject,
		behind ? " and forwards the calls of " : ", so these calls may be theirs",
		behind ? behind : "", behind ? ", which have to ask for a token, too" : "");
}

bool is__joined_proxy(const struct facts *facts)
{
	return is__proxy(facts) && facts->caller->forwards_count && caller__forwards(facts->caller);
}

int write__joined_proxy(char **text, const struct facts *facts)
{
	const struct caller *caller = facts->caller;
	_free_ char *behind = NULL;

	if (write__behind(&behind, facts))
		return -ENOMEM;
	if (caller__only_forwards(caller))
		return write__format(text,
			"Change %s instead: %s, only forwards its calls (%s of %s). CloudWatch counts such a call once.",
			behind, facts->subject_in_words, NUMBER(caller->forwarded),
			NUMBER(caller->calls[CLASS_V1]));
	return write__format(text,
		"Change %s first, and then see what is left: %s, forwards calls, and %s of its %s v1 calls are the same as theirs, sent a moment later.",
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
		"Change the program behind %s, which forwards what others send: what has to ask for a token is that program. It may be %s, which sent the same a moment earlier.",
		facts->subject_in_words, behind);
}

int write__proxy(char **text, const struct facts *facts)
{
	if (facts->caller->forwards_count)
		return write__proxy_by_accident(text, facts);
	return write__format(text,
		"Change the program behind %s, which forwards what others send: what has to ask for a token is that program. No caller on this machine sends the same calls, so it is set up to use a proxy or runs on another machine; the proxy's own log names it.",
		facts->subject_in_words);
}

bool is__caused_by(const struct facts *facts, enum cause cause)
{
	return facts->pattern == PATTERN_FALLBACK && caller__cause(facts->caller) == cause;
}

bool is__unreachable(const struct facts *facts)
{
	return is__caused_by(facts, CAUSE_UNREACHABLE);
}

int write__unreachable(char **text, const struct facts *facts)
{
	return write__format(text,
		"Find out why %s gets no answer at all, to token requests or to others: it cannot reach the metadata service (a firewall, a network policy, no route).",
		facts->subject);
}

bool is__off(const struct facts *facts)
{
	return is__caused_by(facts, CAUSE_OFF);
}

int write__off(char **text, const struct facts *facts)
{
	return write__format(text,
		"Find out whether access to instance metadata is disabled: the service refuses every call of %s, token requests and others alike%s. Enable it if that software needs it (aws ec2 modify-instance-metadata-options --http-endpoint enabled), else stop the calls.",
		facts->subject,
		facts->in_pod ? ", unless it is kube2iam or kiam that answers in this pod" : "");
}

bool is__refused(const struct facts *facts)
{
	return facts->pattern == PATTERN_FALLBACK && facts->refused;
}

bool is__refused_in_pod(const struct facts *facts)
{
	return is__refused(facts) && facts->in_pod && !facts->client.too_old;
}

/* A pod that is kept from IMDSv1 before PUT works has no credentials any more, so nothing here may
 * sound like it (jtblin/kube2iam#345). */
int write__refused_in_pod(char **text, const struct facts *facts)
{
	return write__format(text,
		"Find out what answers %s in the metadata service's place: %s token request%s refused, as kube2iam before 0.12.0 and kiam before 4.0 refuse them. Update it, or give the pod a role of its own (IAM roles for service accounts, EKS Pod Identity); leave the program as it is until a token request of the pod succeeds, because its credentials come without one now.",
		facts->subject, NUMBER(facts->refused), facts->refused == 1 ? " was" : "s were");
}

bool is__cut_off(const struct facts *facts)
{
	return facts->pattern == PATTERN_FALLBACK && facts->one_hop_away && !facts->refused;
}

int write__cut_off(char **text, const struct facts *facts)
{
	return write__format(text,
		"Raise the instance's hop limit to 2 (--http-put-response-hop-limit 2) for %s%s%s: its token requests %s an answer, because with a hop limit of 1 the answer does not reach its network namespace. It takes 3 where another network stands in between, as with containers in containers and some CNI plugins. Another version would change nothing.",
		facts->subject, facts->software[0] ? ", which uses " : "", facts->software,
		facts->answered && facts->unanswered ? "never get" : "seem never to get");
}

/* Two clouds of which EC2 may be one. */
bool is__detector(const struct facts *facts)
{
	return facts->caller->calls[CLASS_V1] && !facts->caller->calls[CLASS_TOKEN] &&
	       facts->looks_around && facts->caller->calls[CLASS_FOREIGN];
}

bool is__detector_by_setting(const struct facts *facts)
{
	return is__detector(facts) && facts->program && facts->program->narrows;
}

int write__detector(char **text, const struct facts *facts)
{
	const char *narrows = facts->program ? facts->program->narrows : NULL;

	return write__format(text,
		"%s checks which cloud it runs on: it calls EC2's metadata service without a token, and %s as well. Most likely that is a cloud detector in one of its libraries (for traces or metrics), which does without an answer, so it is harmless that it gets none once IMDSv2 is required%s%s; check what it does with the answer before you rely on that.",
		facts->subject, facts->clouds, narrows ? "; to stop these calls, " : "",
		narrows ? narrows : "");
}
