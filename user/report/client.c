/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One row for each client: what it calls itself, since when it asks for a token, and who says so.
 */
#include "report/client.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* AWS's documentation, "Use the Instance Metadata Service to access instance metadata". */
#define AWS_SDKS "AWS documentation, Use a supported AWS SDK"

/* A User-Agent is a list of PRODUCT/VERSION (RFC 9110, section 10.1.5). The first row that fits any
 * of them wins, so what is built upon another client stands above it. */
static const struct row {
	const char *product; /* as it is sent; a final '*' stands for more of the name */
	const char *major;   /* the version starts with this number; NULL: any version */
	const char *name, *min_version;
	bool sdk;
	const char *source; /* of min_version and hint */
	const char *hint;
} rows[] = {
	/* "aws-cli/1.16 Python/3.7 ... botocore/1.12"; version 2 of some distributions has no more
	 * than the first part */
	{"aws-cli", NULL, "aws-cli", "1.16.289", true, AWS_SDKS, NULL},
	/* "Boto3/1.9.42 Python/3.7.3 Linux/5.10 Botocore/1.12.42" */
	{"Boto3", NULL, "boto3", "1.12.6", true, AWS_SDKS, NULL},
	/* alone, and since 1.10.34: before that it was python-requests, below */
	{"Botocore", NULL, "botocore", "1.13.25", true, AWS_SDKS, NULL},
	/* names the .NET SDK it is made of behind itself */
	{"AWSPowerShell", NULL, "AWSPowerShell", "4.0.1.0", true, AWS_SDKS, NULL},
	/* aws-sdk-dotnet-45, -coreclr, -netstandard, ...; some requests name none */
	{"aws-sdk-dotnet*", NULL, "aws-sdk-dotnet", "3.3.634.1", true, AWS_SDKS, NULL},
	{"aws-sdk-cpp", NULL, "aws-sdk-cpp", "1.7.229", true, AWS_SDKS, NULL},
	{"aws-sdk-go-v2", NULL, "aws-sdk-go-v2", "0.19.0", true, AWS_SDKS, NULL},
	/* the SSM agent's as well: it names no version of its own */
	{"aws-sdk-go", NULL, "aws-sdk-go", "1.25.38", true, AWS_SDKS, NULL},
	{"aws-sdk-java", "1", "aws-sdk-java", "1.11.678", true, AWS_SDKS, NULL},
	{"aws-sdk-java", "2", "aws-sdk-java-v2", "2.10.21", true, AWS_SDKS, NULL},
	{"aws-sdk-nodejs", NULL, "aws-sdk-js", "2.722.0", true, AWS_SDKS, NULL},
	/* what version 3 sends to services; every version 3 is above */
	{"aws-sdk-js", NULL, "aws-sdk-js", "2.722.0", true, AWS_SDKS, NULL},
	{"aws-sdk-php", NULL, "aws-sdk-php", "3.147.7", true, AWS_SDKS, NULL},
	{"aws-sdk-ruby3", NULL, "aws-sdk-ruby", "3.79.0", true, AWS_SDKS, NULL},
	{"Cloud-Init", NULL, "cloud-init", "19.4", true, "cloud-init, change log of 19.4", NULL},
	/* boto 2, but also any Python script that uses urllib, which can be changed: so it is no
	 * SDK here */
	{"Python-urllib", NULL, "Python-urllib", NULL, false, AWS_SDKS,
		"boto 2 calls itself the same, and no version of it ever asks for one, so if it is "
		"that, move to boto3 1.12.6 or later"},
	{"python-requests", NULL, "python-requests", NULL, false, AWS_SDKS,
		"botocore before 1.10.34 calls itself the same, so if it is that, upgrade it to "
		"1.13.25 or later"},
	{"python-urllib3", NULL, "python-urllib3", NULL, false, NULL, NULL},
	{"curl", NULL, "curl", NULL, false, NULL, NULL},
	{"Wget", NULL, "Wget", NULL, false, NULL, NULL},
	/* net/http of Go: the version is HTTP's */
	{"Go-http-client", NULL, "Go-http-client", NULL, false, NULL, NULL},
	{"Java", NULL, "Java", NULL, false, NULL, NULL},
	{"Java-http-client", NULL, "Java-http-client", NULL, false, NULL, NULL},
	{"Apache-HttpClient", NULL, "Apache-HttpClient", NULL, false, NULL, NULL},
	{"okhttp", NULL, "okhttp", NULL, false, NULL, NULL},
	{"libwww-perl", NULL, "libwww-perl", NULL, false, NULL, NULL},
	{"HTTP-Tiny", NULL, "HTTP-Tiny", NULL, false, NULL, NULL}, /* of every perl */
	{"Ruby", NULL, "Ruby", NULL, false, NULL, NULL},
	{"axios", NULL, "axios", NULL, false, NULL, NULL},
	{"node-fetch", NULL, "node-fetch", NULL, false, NULL, NULL},
	/* fetch of Node itself, without a version; of the older name in some distributions */
	{"node", NULL, "node", NULL, false, NULL, NULL},
	{"undici", NULL, "undici", NULL, false, NULL, NULL},
};

/* Software whose User-Agent names no version of its own, by a name in its path. */
static const struct program_row {
	const char *component;
	struct program program;
	const char *source; /* of min_version */
} programs[] = {
	{"datadog-agent", {"the Datadog agent", "7.64.0"}, "Datadog agent, change log of 7.64.0"},
	/* 3.0.413.0 is the first, and falls back; this one does not */
	{"amazon-ssm-agent", {"the SSM agent", "3.2.1041.0"}, "SSM agent, release notes"},
	{"ssm-agent-worker", {"the SSM agent", "3.2.1041.0"}, "SSM agent, release notes"},
	{"ec2-metadata", {"amazon-ec2-utils", "1.3"}, "amazon-ec2-utils, change log of 1.3"},
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define DIGITS       "0123456789"
#define BLANKS       " \t(),;"

/* Whether a product's name, of size bytes, is the row's. */
static bool product__is(const struct row *row, const char *product, size_t size)
{
	size_t length = strlen(row->product);

	if (row->product[length - 1] == '*')
		return size >= length - 1 && !strncmp(row->product, product, length - 1);
	return size == length && !strncmp(row->product, product, length);
}

static bool version__is(const struct row *row, const char *version)
{
	size_t length = strspn(version, DIGITS);

	return !row->major ||
	       (length == strlen(row->major) && !strncmp(version, row->major, length));
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

/* Whether row's product is in the list; its version then is in client. */
static bool agent__names(struct client *client, const char *agent, const struct row *row)
{
	for (const char *product = agent + strspn(agent, BLANKS); *product;
		product += strspn(product, BLANKS)) {
		size_t size = strcspn(product, BLANKS "/");
		const char *version = product[size] == '/' ? product + size + 1 : "";

		if (product__is(row, product, size) && version__is(row, version)) {
			version__copy(client->version, sizeof(client->version), version);
			return true;
		}
		product += strcspn(product, BLANKS);
	}
	return false;
}

void client__recognise(struct client *client, const char *user_agent)
{
	*client = (struct client){0};
	for (size_t i = 0; user_agent && i < COUNT(rows); i++) {
		const struct row *row = &rows[i];

		if (!agent__names(client, user_agent, row))
			continue;
		client->name = row->name;
		client->min_version = row->min_version;
		client->hint = row->hint;
		client->sdk = row->sdk;
		client->too_old = row->min_version && client->version[0] &&
				  client__compare_versions(client->version, row->min_version) < 0;
		return;
	}
}

/* Whether component stands in path as a whole: "get-ec2-metadata.sh" is somebody's own. */
static bool path__has(const char *path, const char *component)
{
	size_t size = strlen(component);

	for (const char *at = path; (at = strstr(at, component)); at++)
		if ((at == path || strchr("/ ", at[-1])) && strchr("/ ", at[size]))
			return true;
	return false;
}

const struct program *client__program(const char *path)
{
	for (size_t i = 0; path && i < COUNT(programs); i++)
		if (path__has(path, programs[i].component))
			return &programs[i].program;
	return NULL;
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
