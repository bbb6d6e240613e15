/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "demo/demo_clients.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>

#include "abi.h"
#include "lib/complain.h"
#include "lib/exit_status.h"
#include "demo/netns.h"
#include "lib/scope.h"

#define TOKEN_TARGET     "/latest/api/token"
#define TOKEN_TIMEOUT_MS 1000 /* as long as SDKs wait before they fall back */
#define CALL_TIMEOUT_MS  5000
#define PAUSE_MS         350
#define REQUEST_SIZE     1024
#define ANSWER_SIZE      4096

const struct demo_client demo_clients[] = {
	{
		.name = "legacy-backup",
		.story = "an SDK from before IMDSv2, which never sends a token",
		.stages = DEMO_OPEN | DEMO_REHEARSAL,
		.agent = "Boto3/1.9.42 Python/3.7.3 Linux/5.10 Botocore/1.12.42",
		.headers = "",
		.targets =
			(const char *const[]){
				"/latest/meta-data/instance-id",
				"/latest/meta-data/placement/availability-zone",
				"/latest/meta-data/iam/security-credentials/",
				"/latest/meta-data/iam/security-credentials/imdstrace-demo-role",
				"/latest/meta-data/instance-id",
				NULL,
			},
	},
	{
		.name = "modern-agent",
		.story = "asks for a token and sends it",
		.stages = DEMO_OPEN,
		.agent =
			"aws-sdk-go-v2/1.30.3 os/linux lang/go#1.22.5 md/GOOS#linux md/GOARCH#amd64 ft/ec2-imds",
		.wants_token = true,
		.headers = "",
		.targets =
			(const char *const[]){
				"/latest/meta-data/placement/region",
				"/latest/dynamic/instance-identity/document",
				"/latest/meta-data/instance-id",
				"/latest/meta-data/placement/region",
				NULL,
			},
	},
	{
		.name = "container-sdk",
		.story = "asks for a token too, but the answer never reaches it: it falls back",
		.stages = DEMO_TOKEN_LOST,
		.agent =
			"Boto3/1.34.131 md/Botocore#1.34.131 ua/2.0 os/linux#6.1 lang/python#3.11.9",
		.wants_token = true,
		.headers = "",
		.targets =
			(const char *const[]){
				"/latest/meta-data/iam/security-credentials/",
				"/latest/meta-data/iam/security-credentials/imdstrace-demo-role",
				"/latest/meta-data/placement/region",
				NULL,
			},
	},
	{
		.name = "cloud-detector",
		.story = "looks for another cloud's metadata service",
		.stages = DEMO_OPEN,
		.agent = "cloud-detector/1.4",
		.headers = "Metadata-Flavor: Google\r\nMetadata: true\r\n",
		.targets =
			(const char *const[]){
				"/computeMetadata/v1/instance/id",
				"/metadata/instance?api-version=2021-02-01",
				NULL,
			},
	},
	{
		.name = "frugal-agent",
		.story = "asks for a token when it is refused, and goes on",
		.stages = DEMO_REHEARSAL,
		.agent = "frugal-agent/2.0",
		.asks_when_refused = true,
		.headers = "",
		.targets =
			(const char *const[]){
				"/latest/meta-data/placement/region",
				"/latest/meta-data/instance-id",
				NULL,
			},
	},
	{.name = NULL},
};

static const struct demo_client *client__find(const char *name)
{
	for (const struct demo_client *client = demo_clients; client->name; client++)
		if (!strcmp(client->name, name))
			return client;
	return NULL;
}

static void rest(unsigned int milliseconds)
{
	struct timespec span = {
		.tv_sec = milliseconds / 1000, .tv_nsec = milliseconds % 1000 * 1000000L};

	nanosleep(&span, NULL);
}

/* A connection to the endpoint, or -1. */
static int endpoint__connect(unsigned int timeout_ms)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
		.sin_port = htons(ENDPOINT_PORT),
		.sin_addr.s_addr = htonl(ENDPOINT_IPV4)};
	struct timeval timeout = {
		.tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000L};
	int fd;

	if (netns__check_private(FAMILY_IPV4))
		return -1;
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	if (!connect(fd, (const struct sockaddr *)&address, sizeof(address)))
		return fd;
	close(fd);
	return -1;
}

/* Sends request and reads its answer, ended by a NUL, until the service closes or is silent for
 * too long: then it is empty, or as much as came. */
static void endpoint__call(const char *request, char *answer, unsigned int timeout_ms)
{
	_close_ int fd = endpoint__connect(timeout_ms);
	size_t size = 0;
	ssize_t got = 0;

	answer[0] = '\0';
	if (fd < 0 || send(fd, request, strlen(request), MSG_NOSIGNAL) < 0)
		return;
	do {
		size += got;
		got = recv(fd, answer + size, ANSWER_SIZE - 1 - size, 0);
	} while (got > 0);
	answer[size] = '\0';
}

/* The token in answer, in place; "" if there is none. */
static const char *answer__token(char *answer)
{
	char *body = strstr(answer, "\r\n\r\n");

	if (strncmp(answer, "HTTP/1.1 200", 12) || !body)
		return "";
	body += 4;
	body[strcspn(body, "\r\n")] = '\0';
	return body;
}

static bool answer__is_refusal(const char *answer)
{
	return !strncmp(answer, "HTTP/1.1 401", 12);
}

static const char *client__fetch_token(const struct demo_client *client, char *answer)
{
	char request[REQUEST_SIZE];

	snprintf(request, sizeof(request),
		"PUT " TOKEN_TARGET " HTTP/1.1\r\nHost: 169.254.169.254\r\nUser-Agent: %s\r\n"
		"X-aws-ec2-metadata-token-ttl-seconds: 21600\r\nContent-Length: 0\r\n"
		"Connection: close\r\n\r\n",
		client->agent);
	endpoint__call(request, answer, TOKEN_TIMEOUT_MS);
	return answer__token(answer);
}

static void client__get(
	const struct demo_client *client, const char *target, const char *token, char *answer)
{
	char request[REQUEST_SIZE];

	snprintf(request, sizeof(request),
		"GET %s HTTP/1.1\r\nHost: 169.254.169.254\r\nUser-Agent: %s\r\n%s%s%s%sConnection: close\r\n\r\n",
		target, client->agent, client->headers, *token ? "X-aws-ec2-metadata-token: " : "",
		token, *token ? "\r\n" : "");
	endpoint__call(request, answer, CALL_TIMEOUT_MS);
}

int cmd_demo_client(int argc, char **argv)
{
	const struct demo_client *client = argc == 2 ? client__find(argv[1]) : NULL;
	char answer[ANSWER_SIZE], kept[ANSWER_SIZE];
	const char *token = "";

	if (!client) {
		complain("demo-client is the demo's own: run imdstrace demo");
		return EXIT_USAGE;
	}
	if (netns__check_private(FAMILY_IPV4))
		return EXIT_USAGE;
	prctl(PR_SET_NAME, client->name);
	if (client->wants_token)
		token = client__fetch_token(client, kept);
	for (const char *const *target = client->targets; *target; target++) {
		client__get(client, *target, token, answer);
		if (client->asks_when_refused && !*token && answer__is_refusal(answer)) {
			token = client__fetch_token(client, kept);
			client__get(client, *target, token, answer);
		}
		rest(PAUSE_MS);
	}
	return EXIT_DONE;
}
