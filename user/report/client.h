/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which SDK a User-Agent names, and from which version on that SDK speaks IMDSv2. */
#ifndef IMDSTRACE_CLIENT_H
#define IMDSTRACE_CLIENT_H

#include <stdbool.h>

struct client {
	const char *name;        /* "boto3"; NULL: not known. A constant */
	char version[32];        /* "1.9.42"; empty: not said */
	const char *min_version; /* first version with IMDSv2; NULL: none ever has it, or not a
				    question (curl). A constant */
	const char *hint;        /* who else calls itself so, and from which version on that one has
				    IMDSv2, as the end of a sentence; NULL: nobody known. A constant */
	bool sdk;                /* an AWS SDK or agent, which a newer version can cure; not curl or
				    python-requests */
	bool too_old; /* version is known and below min_version, or no version ever has it */
};

/* Recognises user_agent (NULL: none was sent). Always fills client. */
void client__recognise(struct client *client, const char *user_agent);

/* Software that is known by where it is installed, because its User-Agent is its library's. */
struct program {
	const char *name;        /* "the Datadog agent" */
	const char *min_version; /* the first that asks for a token by itself */
};

/* What path (of an executable or a script, also behind its interpreter; NULL: none) belongs to;
 * NULL: nothing known. */
const struct program *client__program(const char *path);

/* Compares dotted versions by number, part by part ("1.9" < "1.12" < "1.12.1"): <0, 0, >0. */
int client__compare_versions(const char *a, const char *b);

#endif
