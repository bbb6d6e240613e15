/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* SDKs are rows of software.c. Here are the clients that say who sends and not what asks: HTTP
 * libraries and tools. */
#include "lib/array.h"
#include "report/client.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "lib/text.h"
#include "report/software.h"

#define DIGITS "0123456789"
#define BLANKS " \t(),;"

static const struct row {
	const char *product; /* as it is sent */
	bool no_version;     /* what is behind its "/" is not its version */
	enum client_tool tool;
	const char *hint, *source;
} rows[] = {
	/* boto 2, but also any Python script that uses urllib, which can be changed: so it is no
	 * SDK here */
	{"Python-urllib", false, TOOL_PYTHON,
		"boto 2 calls itself the same, and no version of it ever asks for one, so if it is that, move to boto3 1.12.6 or later",
		"AWS documentation, Use a supported AWS SDK"},
	{"python-requests", false, TOOL_PYTHON,
		"botocore before 1.10.34 calls itself the same, so if it is that, upgrade it to 1.13.25 or later",
		"AWS documentation, Use a supported AWS SDK"},
	{"python-urllib3", false, TOOL_PYTHON, NULL, NULL},
	{"curl", false, TOOL_CURL, NULL, NULL},
	{"Wget", false, TOOL_WGET, NULL, NULL},
	/* net/http of Go: the version is HTTP's */
	{"Go-http-client", true, TOOL_NONE, NULL, NULL},
	{"Java", false, TOOL_NONE, NULL, NULL},
	{"Java-http-client", false, TOOL_NONE, NULL, NULL},
	{"Apache-HttpClient", false, TOOL_NONE, NULL, NULL},
	{"okhttp", false, TOOL_NONE, NULL, NULL},
	{"libwww-perl", false, TOOL_NONE, NULL, NULL},
	{"HTTP-Tiny", false, TOOL_NONE, NULL, NULL}, /* of every perl */
	{"Ruby", false, TOOL_NONE, NULL, NULL},
	{"axios", false, TOOL_NONE, NULL, NULL},
	{"node-fetch", false, TOOL_NONE, NULL, NULL},
	/* fetch of Node itself, without a version; of the older name in some distributions */
	{"node", false, TOOL_NONE, NULL, NULL},
	{"undici", false, TOOL_NONE, NULL, NULL},
};

static bool version__is(const char *major, const char *version)
{
	size_t length = strspn(version, DIGITS);

	return !major || (length == strlen(major) && !strncmp(version, major, length));
}

/* Copies what is a version at the start of text. Without a digit it is none. */
static void version__copy(char *version, size_t size, const char *text)
{
	size_t length =
		strspn(text, DIGITS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz.+~_-");

	if (strcspn(text, DIGITS) >= length)
		length = 0;
	snprintf(version, size, "%.*s", (int)(length < size ? length : size - 1), text);
}

static void name__copy(struct client *client, const char *name, size_t size)
{
	if (size >= sizeof(client->name))
		size = text__complete(name, sizeof(client->name) - 1);
	memcpy(client->name, name, size);
	client->name[size] = '\0';
}

/* A library, or a program whose User-Agent carries its own version. */
static bool client__is_software(
	struct client *client, const char *agent, const struct software *software)
{
	const char *version;

	for (size_t t = 0; t < SOFTWARE_TELLS_MAX; t++) {
		const struct tell *tell = &software->tells[t];

		if (tell->kind != TELL_AGENT || !agent__lists(agent, tell->text, &version) ||
			!version__is(software->major, version))
			continue;
		version__copy(client->version, sizeof(client->version), version);
		name__copy(client, software->name, strlen(software->name));
		client->min_version = software->v2;
		client->software = software;
		client->known = true;
		client->sdk = software->kind == SOFTWARE_LIBRARY;
		client->too_old = software->v2 && client->version[0] &&
				  client__compare_versions(client->version, software->v2) < 0;
		return true;
	}
	return false;
}

static bool client__is_tool(struct client *client, const char *agent, const struct row *row)
{
	const char *version;

	if (!agent__lists(agent, row->product, &version))
		return false;
	name__copy(client, row->product, strlen(row->product));
	if (!row->no_version)
		version__copy(client->version, sizeof(client->version), version);
	client->known = true;
	client->hint = row->hint;
	client->tool = row->tool;
	return true;
}

/* Nobody known: its first product, as it says it. */
static void client__quote(struct client *client, const char *agent)
{
	const char *product = agent + strspn(agent, BLANKS "/");
	size_t size = strcspn(product, BLANKS "/");

	name__copy(client, product, size);
	if (product[size] == '/')
		version__copy(client->version, sizeof(client->version), product + size + 1);
}

void client__recognise(struct client *client, const char *user_agent)
{
	*client = (struct client){0};
	if (!user_agent)
		return;
	for (size_t i = 0; i < software_count; i++)
		if (client__is_software(client, user_agent, &software_table[i]))
			return;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (client__is_tool(client, user_agent, &rows[i]))
			return;
	client__quote(client, user_agent);
}

/* Numbers of any length: without leading zeros, the longer one is the larger. */
static int digits__compare(const char *a, size_t a_size, const char *b, size_t b_size)
{
	for (; a_size && *a == '0'; a++)
		a_size--;
	for (; b_size && *b == '0'; b++)
		b_size--;
	if (a_size != b_size)
		return a_size < b_size ? -1 : 1;
	return strncmp(a, b, a_size);
}

int client__compare_versions(const char *a, const char *b)
{
	a += *a == 'v';
	b += *b == 'v';
	while (*a || *b) {
		size_t a_digits = strspn(a, DIGITS), b_digits = strspn(b, DIGITS);
		int order = digits__compare(a, a_digits, b, b_digits);

		if (order)
			return order;
		/* A suffix ("-1ubuntu2") is a packager's and says nothing of the client. */
		a += strcspn(a, ".");
		b += strcspn(b, ".");
		a += *a == '.';
		b += *b == '.';
	}
	return 0;
}
