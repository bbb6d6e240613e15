/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Calls that a proxy forwards. An application's call that is redirected to a proxy (a mesh's
 * sidecar, kube2iam) is sent to the endpoint twice: by the application, as it believes, and by the
 * proxy. Both are seen and counted; the service receives, and CloudWatch counts, the second one. */
#ifndef IMDSTRACE_FORWARDING_H
#define IMDSTRACE_FORWARDING_H

#include "report/report.h"

#define FORWARDING_REMEMBERED 512 /* requests, the last ones of a trace */

/* A request that may yet be found to be forwarded, or to forward another. */
struct remembered {
	struct caller *caller;
	uint64_t hash; /* of method, path and class */
	int64_t time;
	bool forwarded; /* somebody's request forwards it */
	bool forwards;  /* it forwards another one */
};

struct forwarding {
	struct remembered list[FORWARDING_REMEMBERED];
	size_t next;
};

/* Joins a request with the one that it forwards, or that forwards it: the same method, path and
 * class within a second in the proxy's pod or, where it serves the whole machine, within a tenth
 * of one anywhere on it.
 * *forwarded: the v1 calls that are now known to have been made twice (0 or 1), and *time when the
 * proxy sent its own. 0 or -ENOMEM. */
int forwarding__join(struct forwarding *forwarding, struct caller *caller,
	const struct request *request, uint64_t *forwarded, int64_t *time);

/* Whether it has forwarded enough calls to be no accident. */
bool caller__forwards(const struct caller *caller);

/* The same, and every v1 call of it is another caller's. */
bool caller__only_forwards(const struct caller *caller);

/* Whether kube2iam or kiam is among the callers, which answer pods in the service's place. */
bool report__has_pod_proxy(const struct report *report);

/* v1 calls that were made twice. Not exact: some of them may be a proxy's own after all, where not
 * every call of that proxy could be joined with another. */
uint64_t report__forwarded(const struct report *report, bool *exact);

/* The same as a sentence, to be freed; NULL where there are none. 0 or -ENOMEM. */
int report__say_forwarded(const struct report *report, char **sentence);

#endif
