/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* calls COUNT v1|v2: sends so many requests over one connection to the endpoint, beside a service
 * of `wire --serve`, and prints the microseconds of a request, from its send to the end of its
 * answer. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "demo/netns.h"

#define ANSWER_MAX 4096
#define COUNT_MAX  1000000

static int fail(const char *what)
{
	fprintf(stderr, "calls: %s: %s\n", what, strerror(errno));
	return -1;
}

/* Sends and waits for the whole answer, whose body goes to body. Its status, or -1. */
static int ask(int fd, const char *request, char *body, size_t body_size)
{
	char answer[ANSWER_MAX], *end = NULL, *length;
	size_t have = 0, whole = ANSWER_MAX;

	if (send(fd, request, strlen(request), MSG_NOSIGNAL) != (ssize_t)strlen(request))
		return fail("send");
	while (have < whole) {
		ssize_t got = recv(fd, answer + have, sizeof(answer) - 1 - have, 0);

		if (got <= 0)
			return fail("recv");
		have += got;
		answer[have] = '\0';
		end = strstr(answer, "\r\n\r\n");
		length = end ? strstr(answer, "Content-Length: ") : NULL;
		if (length)
			whole = end + 4 - answer + strtoul(length + 16, NULL, 10);
	}
	snprintf(body, body_size, "%s", end + 4);
	return atoi(answer + 9);
}

static int endpoint__connect(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
		.sin_port = htons(ENDPOINT_PORT),
		.sin_addr.s_addr = htonl(ENDPOINT_IPV4)};
	int fd;

	if (netns__check_private(FAMILY_IPV4))
		return -1;
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)))
		return fail("connect");
	return fd;
}

int main(int argc, char **argv)
{
	char request[512] = "GET /latest/meta-data/ami-id HTTP/1.1\r\nHost: a\r\n\r\n";
	unsigned long count = argc == 3 ? strtoul(argv[1], NULL, 10) : 0;
	char token[ANSWER_MAX];
	struct timespec start, end;
	int fd;

	if (!count || count > COUNT_MAX || (strcmp(argv[2], "v1") && strcmp(argv[2], "v2"))) {
		fprintf(stderr, "Usage: calls COUNT v1|v2\n");
		return 2;
	}
	fd = endpoint__connect();
	if (fd < 0)
		return 1;
	if (!strcmp(argv[2], "v2")) {
		if (ask(fd, "PUT /latest/api/token HTTP/1.1\r\nHost: a\r\nX-aws-ec2-metadata-token-ttl-seconds: 60\r\n\r\n",
			    token, sizeof(token)) != 200)
			return 1;
		snprintf(request, sizeof(request),
			"GET /latest/meta-data/ami-id HTTP/1.1\r\nHost: a\r\nX-aws-ec2-metadata-token: %.100s\r\n\r\n",
			token);
	}
	clock_gettime(CLOCK_MONOTONIC, &start);
	for (unsigned long i = 0; i < count; i++)
		if (ask(fd, request, token, sizeof(token)) < 0)
			return 1;
	clock_gettime(CLOCK_MONOTONIC, &end);
	printf("%.1f\n", ((double)(end.tv_sec - start.tv_sec) * 1e6 +
				 (double)(end.tv_nsec - start.tv_nsec) / 1e3) /
				 (double)count);
	close(fd);
	return 0;
}
