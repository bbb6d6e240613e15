/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "lib/array.h"
#include "demo/imds_answer.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <time.h>

#include "lib/clock.h"

#define TOKEN_PATH  "/latest/api/token"
#define TTL_MAX     21600 /* AWS documentation: six hours */
#define TOKEN_BYTES 42

#define TEXT "text/plain"
#define JSON "application/json"
#define ROLE "imdstrace-demo-role"
#define MAC  "0e:49:61:0f:c3:11"

static const struct {
	unsigned int status;
	const char *reason;
} statuses[] = {
	{200, "OK"},
	{400, "Bad Request"},
	{401, "Unauthorized"},
	{403, "Forbidden"},
	{404, "Not Found"},
	{405, "Method Not Allowed"},
	{431, "Request Header Fields Too Large"},
};

/* The tree, below /latest or a dated version. All values are examples of AWS's documentation. */
static const struct {
	const char *path, *type, *content;
} tree[] = {
	{"/", TEXT, "dynamic\nmeta-data\nuser-data"},
	{"/dynamic/", TEXT, "instance-identity/"},
	{"/dynamic/instance-identity/", TEXT, "document"},
	{"/dynamic/instance-identity/document", JSON,
		"{\n  \"accountId\" : \"123456789012\",\n  \"architecture\" : \"x86_64\",\n"
		"  \"availabilityZone\" : \"us-east-1a\",\n  \"imageId\" : "
		"\"ami-0abcdef1234567890\",\n"
		"  \"instanceId\" : \"i-1234567890abcdef0\",\n  \"instanceType\" : \"t3.micro\",\n"
		"  \"pendingTime\" : \"2026-01-01T00:00:00Z\",\n  \"privateIp\" : \"10.0.0.10\",\n"
		"  \"region\" : \"us-east-1\",\n  \"version\" : \"2017-09-30\"\n}"},
	{"/meta-data/", TEXT,
		"ami-id\nhostname\niam/"
		"\ninstance-id\ninstance-type\nlocal-hostname\nlocal-ipv4\nmac\n"
		"network/\nplacement/\nreservation-id\nsecurity-groups\nservices/"},
	{"/meta-data/ami-id", TEXT, "ami-0abcdef1234567890"},
	{"/meta-data/hostname", TEXT, "ip-10-0-0-10.ec2.internal"},
	{"/meta-data/iam/", TEXT, "info\nsecurity-credentials/"},
	{"/meta-data/iam/info", JSON,
		"{\n  \"Code\" : \"Success\",\n  \"LastUpdated\" : \"2026-01-01T00:00:00Z\",\n"
		"  \"InstanceProfileArn\" : \"arn:aws:iam::123456789012:instance-profile/" ROLE
		"\",\n"
		"  \"InstanceProfileId\" : \"AIPAIOSFODNN7EXAMPLE\"\n}"},
	{"/meta-data/iam/security-credentials/", TEXT, ROLE},
	{"/meta-data/iam/security-credentials/" ROLE, JSON,
		"{\n  \"Code\" : \"Success\",\n  \"LastUpdated\" : \"2026-01-01T00:00:00Z\",\n"
		"  \"Type\" : \"AWS-HMAC\",\n  \"AccessKeyId\" : \"ASIAIOSFODNN7EXAMPLE\",\n"
		"  \"SecretAccessKey\" : \"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\",\n"
		"  \"Token\" : \"example\",\n  \"Expiration\" : \"2099-01-01T00:00:00Z\"\n}"},
	{"/meta-data/instance-id", TEXT, "i-1234567890abcdef0"},
	{"/meta-data/instance-type", TEXT, "t3.micro"},
	{"/meta-data/local-hostname", TEXT, "ip-10-0-0-10.ec2.internal"},
	{"/meta-data/local-ipv4", TEXT, "10.0.0.10"},
	{"/meta-data/mac", TEXT, MAC},
	{"/meta-data/network/", TEXT, "interfaces/"},
	{"/meta-data/network/interfaces/", TEXT, "macs/"},
	{"/meta-data/network/interfaces/macs/", TEXT, MAC "/"},
	{"/meta-data/network/interfaces/macs/" MAC "/", TEXT, "device-number\nlocal-ipv4s\nmac"},
	{"/meta-data/network/interfaces/macs/" MAC "/device-number", TEXT, "0"},
	{"/meta-data/network/interfaces/macs/" MAC "/local-ipv4s", TEXT, "10.0.0.10"},
	{"/meta-data/network/interfaces/macs/" MAC "/mac", TEXT, MAC},
	{"/meta-data/placement/", TEXT, "availability-zone\nregion"},
	{"/meta-data/placement/availability-zone", TEXT, "us-east-1a"},
	{"/meta-data/placement/region", TEXT, "us-east-1"},
	{"/meta-data/reservation-id", TEXT, "r-1234567890abcdef0"},
	{"/meta-data/security-groups", TEXT, "default"},
	{"/meta-data/services/", TEXT, "domain\npartition"},
	{"/meta-data/services/domain", TEXT, "amazonaws.com"},
	{"/meta-data/services/partition", TEXT, "aws"},
};

static int64_t boot__now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return now.tv_sec * NSEC_PER_SEC + now.tv_nsec;
}

static const char *token__issue(struct imds_tokens *tokens, long ttl)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	/* the demo's connections are threads that share the tokens */
	unsigned int place =
		__atomic_fetch_add(&tokens->next, 1, __ATOMIC_RELAXED) % IMDS_TOKENS_MAX;
	char *text = tokens->all[place].text;
	unsigned char random[TOKEN_BYTES] = {0};

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		memcpy(random, &tokens->next, sizeof(tokens->next));
	memcpy(text, "AQAEA", 5); /* how real ones start, so that they look it in a dump */
	for (size_t i = 0; i < sizeof(random); i++)
		text[5 + i] = letters[random[i] % 64];
	memcpy(text + 5 + sizeof(random), "==", 3);
	tokens->all[place].expires = boot__now() + ttl * NSEC_PER_SEC;
	return text;
}

static bool token__valid(const struct imds_tokens *tokens, const char *text)
{
	unsigned int count = tokens->next < IMDS_TOKENS_MAX ? tokens->next : IMDS_TOKENS_MAX;

	for (unsigned int i = 0; *text && i < count; i++)
		if (!strcmp(tokens->all[i].text, text))
			return boot__now() < tokens->all[i].expires;
	return false;
}

static void answer__set(
	struct imds_answer *answer, unsigned int status, const char *type, const char *content)
{
	*answer = (struct imds_answer){.status = status, .reason = "", .type = type, .ttl = -1};
	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++)
		if (statuses[i].status == status)
			answer->reason = statuses[i].reason;
	answer->size = strlen(content);
	memcpy(answer->content, content, answer->size);
}

void imds__refuse(struct imds_answer *answer, unsigned int status)
{
	char content[256];

	answer__set(answer, status, TEXT, "");
	snprintf(content, sizeof(content),
		"<html><head><title>%u - %s</title></head><body><h1>%u - %s</h1></body></html>\n",
		status, answer->reason, status, answer->reason);
	answer__set(answer, status, "text/html", content);
}

/* The target without its authority and query, "" for what is no path (as in "OPTIONS *"). */
static void path__of(char *path, size_t size, const char *target)
{
	const char *scheme = strstr(target, "://");

	if (target[0] != '/' && scheme) {
		target = scheme + 3;
		target += strcspn(target, "/?");
	}
	snprintf(path, size, "%.*s", (int)strcspn(target, "?"), target[0] == '/' ? target : "");
}

/* What stands behind "/latest", "/1.0" or "/2021-03-23"; NULL: no version. */
static const char *path__below_version(const char *path)
{
	size_t size = path[0] == '/' ? strcspn(path + 1, "/") : 0;

	if (!size)
		return NULL;
	if (strncmp(path + 1, "latest", size) || size != strlen("latest"))
		for (size_t i = 0; i < size; i++)
			if (!isdigit((unsigned char)path[1 + i]) && !strchr("-.", path[1 + i]))
				return NULL;
	return path + 1 + size;
}

/* Paths are equal where they differ by the slash at the end only. */
static bool path__same(const char *a, const char *b)
{
	size_t a_size = strlen(a), b_size = strlen(b);

	a_size -= a_size && a[a_size - 1] == '/';
	b_size -= b_size && b[b_size - 1] == '/';
	return a_size == b_size && !memcmp(a, b, a_size);
}

static void answer__content(struct imds_answer *answer, const char *path)
{
	const char *below = path__below_version(path);

	if (path__same(path, "/")) {
		answer__set(answer, 200, TEXT, "1.0\n2021-03-23\nlatest");
		return;
	}
	for (size_t i = 0; below && i < ARRAY_SIZE(tree); i++)
		if (path__same(below, tree[i].path)) {
			answer__set(answer, 200, tree[i].type, tree[i].content);
			return;
		}
	imds__refuse(answer, 404);
}

static void answer__token(
	struct imds_answer *answer, struct imds_tokens *tokens, const struct imds_request *request)
{
	if (request->forwarded) { /* AWS: a proxy must not fetch tokens for others */
		imds__refuse(answer, 403);
	} else if (!request->has_ttl || request->ttl < 1 || request->ttl > TTL_MAX) {
		imds__refuse(answer, 400);
	} else {
		answer__set(answer, 200, TEXT, token__issue(tokens, request->ttl));
		answer->ttl = request->ttl;
	}
}

void imds__answer(
	struct imds_answer *answer, struct imds_tokens *tokens, const struct imds_request *request)
{
	bool put = !strcmp(request->method, "PUT");
	char path[IMDS_TARGET_SIZE];

	path__of(path, sizeof(path), request->target);
	if (put && !strcmp(path, TOKEN_PATH))
		answer__token(answer, tokens, request);
	else if (!strcmp(path, TOKEN_PATH) ||
		 (strcmp(request->method, "GET") && strcmp(request->method, "HEAD")))
		imds__refuse(answer, 405);
	else if (request->has_token && !token__valid(tokens, request->token))
		imds__refuse(answer, 401);
	else
		answer__content(answer, path);
}
