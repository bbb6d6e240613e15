/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which client a User-Agent names, and from which version on that client speaks IMDSv2. */
#ifndef IMDSTRACE_CLIENT_H
#define IMDSTRACE_CLIENT_H

#include <stdbool.h>

struct software;

/* How a script of that client asks for a token: each has lines to paste of its own. */
enum client_tool { TOOL_NONE, TOOL_CURL, TOOL_WGET, TOOL_PYTHON };

struct client {
	char name[64];           /* "boto3", or what it says of itself; empty: it says nothing */
	char version[32];        /* "1.9.42"; empty: not said */
	const char *min_version; /* first version with IMDSv2; NULL: none ever has it, or not a
				    question (curl). A constant */
	const char *hint;        /* who else calls itself so, and from which version on that one has
				    IMDSv2, as the end of a sentence; NULL: nobody known. A constant */
	enum client_tool tool;
	bool known;   /* false: name is only what it says of itself */
	bool sdk;     /* an AWS SDK, which a newer version can cure; not curl or python-requests */
	bool too_old; /* version is known and below min_version */
	const struct software *software; /* the SDK's row; NULL: none */
};

/* Recognises user_agent (NULL: none was sent). Always fills client. */
void client__recognise(struct client *client, const char *user_agent);

/* Compares dotted versions by number, part by part ("1.9" < "1.12" < "1.12.1"): <0, 0, >0. */
int client__compare_versions(const char *a, const char *b);

#endif
