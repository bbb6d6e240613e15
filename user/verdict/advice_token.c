/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Advice to send a token, with lines to paste. */
#include "verdict/advice_rules.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "lib/scope.h"

/* --- What to paste ---------------------------------------------------------------------------- */

#define IMDS "http://169.254.169.254/latest/"
#define TTL  "X-aws-ec2-metadata-token-ttl-seconds: 21600"

static const char *const snippets[] = {
	[TOOL_NONE] = "",
	[TOOL_CURL] = "TOKEN=$(curl -sf -X PUT -H '" TTL "' " IMDS "api/token); curl -sf -H "
		      "\"X-aws-ec2-metadata-token: $TOKEN\" " IMDS "%s",
	[TOOL_WGET] =
		"TOKEN=$(wget -qO- --method=PUT --header='" TTL "' " IMDS
		"api/token); wget -qO- --header=\"X-aws-ec2-metadata-token: $TOKEN\" " IMDS "%s",
	[TOOL_PYTHON] =
		"from urllib.request import Request, urlopen; imds = \"" IMDS
		"\"; token = urlopen(Request(imds + \"api/token\", method=\"PUT\", "
		"headers={\"X-aws-ec2-metadata-token-ttl-seconds\": \"21600\"})).read().decode(); "
		"value = urlopen(Request(imds + \"%s\", headers={\"X-aws-ec2-metadata-token\": "
		"token})).read().decode()",
};

/* What a shell and Python take as it is. */
static bool path__is_plain(const char *path)
{
	for (; *path; path++)
		if (!isalnum((unsigned char)*path) && !strchr("/._-", *path))
			return false;
	return true;
}

/* What it asks for behind "/latest/", for the lines to paste. */
static const char *facts__asked(const struct facts *facts)
{
	static const char latest[] = "/latest/";

	for (size_t i = 0; i < facts->caller->path_count; i++) {
		const struct report_path *path = &facts->caller->paths[i];

		if (path->cls == CLASS_V1 && path->path && !path->path_cut &&
			!strncmp(path->path, latest, sizeof(latest) - 1) &&
			path__is_plain(path->path))
			return path->path + sizeof(latest) - 1;
	}
	return "meta-data/instance-id";
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static int write__snippet(char **text, const struct facts *facts)
{
	_free_ char *lines = NULL;

	if (!facts->tool)
		return write__format(text, "%s", "");
	if (write__format(&lines, snippets[facts->tool], facts__asked(facts)))
		return -ENOMEM;
	return write__format(text, ". To paste: %s", lines);
}
#pragma GCC diagnostic pop

bool is__anything(const struct facts *facts)
{
	(void)facts;
	return true;
}

/* Only a program of its own has versions that could do it; a script is to be changed. */
static bool facts__may_have_newer(const struct facts *facts)
{
	return !facts->tool && !facts->caller->script;
}

int write__send_token(char **text, const struct facts *facts)
{
	const char *hint = facts->client.hint;
	_free_ char *snippet = NULL;

	if (write__snippet(&snippet, facts))
		return -ENOMEM;
	return write__format(text,
		"Make %s%s%s%s ask for a token (PUT /latest/api/token with X-aws-ec2-metadata-token-ttl-seconds: 21600) and send it as X-aws-ec2-metadata-token with every call%s%s%s%s",
		facts->subject, facts->software[0] ? ", which calls itself " : "", facts->software,
		facts->software[0] ? "," : "", hint ? "; " : "", hint ? hint : "",
		!hint && facts__may_have_newer(facts) ? ", or update it to a version that does"
						      : "",
		facts->tool ? snippet : ".");
}
