/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "report/forwarding.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/number.h"
#include "report/report_index.h"
#include "report/software.h"

/* How far apart the two may be sent. On a whole machine more calls are alike by accident than in a
 * pod, so it takes less, and several of them. */
#define APART_MAX          NSEC_PER_SEC
#define APART_MAX_MACHINE  (NSEC_PER_SEC / 10)
#define JOINED_MIN_MACHINE 3
/* How much earlier the proxy's may be recorded, because each is recorded when its send returns. */
#define SKEW_MAX (NSEC_PER_SEC / 20)

/* A sidecar serves its pod alone, what is in no pod or in the host's network the whole machine. */
static bool proxy__serves_machine(const struct caller *proxy)
{
	return !proxy->workload.pod.uid || proxy->network == NETWORK_HOST;
}

static bool proxy__serves(const struct caller *proxy, const struct caller *caller)
{
	if (!proxy->proxy || proxy == caller)
		return false;
	return proxy__serves_machine(proxy) ||
	       text__same(proxy->workload.pod.uid, caller->workload.pod.uid);
}

static int64_t proxy__delay_max(const struct caller *proxy)
{
	return proxy__serves_machine(proxy) ? APART_MAX_MACHINE : APART_MAX;
}

static bool forwarding__fits(const struct remembered *proxy, const struct remembered *original)
{
	return proxy->hash == original->hash && !proxy->forwards && !original->forwarded &&
	       proxy->time >= original->time - SKEW_MAX &&
	       proxy->time <= original->time + proxy__delay_max(proxy->caller) &&
	       proxy__serves(proxy->caller, original->caller);
}

static bool text__is_listed(char *const *texts, size_t count, const char *text)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(texts[i], text))
			return true;
	return false;
}

int caller__add_forwarded(struct caller *proxy, const char *name)
{
	if (proxy->forwards_count >= REPORT_FORWARDS_MAX ||
		text__is_listed(proxy->forwards, proxy->forwards_count, name))
		return 0;
	if (text__copy(&proxy->forwards[proxy->forwards_count], name))
		return -ENOMEM;
	proxy->forwards_count++;
	return 0;
}

int caller__go_through(struct caller *caller, const char *proxy)
{
	return caller->through || !proxy ? 0 : text__copy(&caller->through, proxy);
}

static int forwarding__note(
	struct remembered *proxy, struct remembered *original, enum request_class cls)
{
	proxy->forwards = original->forwarded = true;
	if (cls == CLASS_V1)
		count__add(&proxy->caller->forwarded, 1);
	return caller__add_forwarded(proxy->caller, original->caller->name)
		       ? -ENOMEM
		       : caller__go_through(original->caller, proxy->caller->name);
}

int forwarding__join(struct forwarding *forwarding, struct caller *caller,
	const struct request *request, uint64_t *forwarded, int64_t *time)
{
	struct remembered *own = &forwarding->list[forwarding->next];

	*forwarded = 0;
	if (!request->path || request->cls == CLASS_UNKNOWN)
		return 0;
	*own = (struct remembered){
		.caller = caller,
		.hash = hash__text(hash__text(request->cls, request->method), request->path),
		.time = request->time,
	};
	forwarding->next = (forwarding->next + 1) % FORWARDING_REMEMBERED;
	/* The oldest first. */
	for (size_t i = 0; i < FORWARDING_REMEMBERED - 1; i++) {
		struct remembered *other =
			&forwarding->list[(forwarding->next + i) % FORWARDING_REMEMBERED];
		bool forwards = other->caller && forwarding__fits(own, other);

		if (!other->caller || (!forwards && !forwarding__fits(other, own)))
			continue;
		*forwarded = request->cls == CLASS_V1;
		*time = forwards ? own->time : other->time;
		return forwarding__note(
			forwards ? own : other, forwards ? other : own, request->cls);
	}
	return 0;
}

bool caller__forwards(const struct caller *caller)
{
	return caller->forwarded >= (proxy__serves_machine(caller) ? JOINED_MIN_MACHINE : 1);
}

bool caller__only_forwards(const struct caller *caller)
{
	return caller__forwards(caller) && caller->forwarded == caller->calls[CLASS_V1];
}

bool report__has_pod_proxy(const struct report *report)
{
	bool has = false;

	for (size_t i = 0; i < report->caller_count; i++)
		has |= report->callers[i]->proxy && caller__program(report->callers[i])->v2;
	return has;
}

uint64_t report__forwarded(const struct report *report, bool *exact)
{
	uint64_t sum = 0;

	*exact = true;
	for (size_t i = 0; i < report->caller_count; i++) {
		const struct caller *caller = report->callers[i];

		count__add(&sum, caller->forwarded);
		*exact &= !caller->forwarded || caller__only_forwards(caller);
	}
	return sum;
}

int report__say_forwarded(const struct report *report, char **sentence)
{
	bool exact;
	uint64_t calls = report__forwarded(report, &exact);
	bool one = calls == 1;

	*sentence = NULL;
	if (!calls)
		return 0;
	if (exact &&
		asprintf(sentence,
			"%s v1 call%s %s seen twice, as the application's and as that of the proxy that forwards %s; CloudWatch's MetadataNoToken counts %s once.",
			NUMBER(calls), one ? "" : "s", one ? "was" : "were", one ? "it" : "them",
			one ? "it" : "them") >= 0)
		return 0;
	if (!exact &&
		asprintf(sentence,
			"Up to %s v1 call%s may have been seen twice, as an application's and as that of a proxy that forwards %s; CloudWatch's MetadataNoToken counts such a call once.",
			NUMBER(calls), one ? "" : "s", one ? "it" : "them") >= 0)
		return 0;
	*sentence = NULL;
	return -ENOMEM;
}
