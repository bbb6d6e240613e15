/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "demo/imds.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "demo/imds_answer.h"
#include "demo/imds_http.h"
#include "demo/imds_listen.h"

#define IN_SIZE 65536

struct server {
	bool drops_puts;
	int listeners[2];
	int count;
	struct imds_tokens *tokens; /* which the threads share */
};

/* What came in and is not taken yet. */
struct input {
	int fd;
	size_t size;
	char bytes[IN_SIZE];
};

/* Whether more came. */
static bool input__read(struct input *input)
{
	ssize_t size = recv(input->fd, input->bytes + input->size, IN_SIZE - input->size, 0);

	if (size <= 0)
		return false;
	input->size += (size_t)size;
	return true;
}

static void input__take(struct input *input, size_t size)
{
	input->size -= size;
	memmove(input->bytes, input->bytes + size, input->size);
}

/* The next head. 0: the client sends no more; else a status of HTTP, 200 where there is one. */
static unsigned int input__take_head(struct input *input, struct imds_request *request)
{
	int head;

	while (!(head = imds_request__parse(request, input->bytes, input->size))) {
		if (input->size == IN_SIZE)
			return 431;
		if (!input__read(input))
			return 0;
	}
	if (head < 0)
		return 400;
	input__take(input, (size_t)head);
	return 200;
}

/* Whether all of the request's body came, which is thrown away. */
static bool input__skip_body(struct input *input, const struct imds_request *request)
{
	static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
	struct imds_chunks chunks = {0};
	uint64_t left = request->content_length;
	bool done = !request->chunked && !left;

	if (!done && request->expects_continue && request->minor)
		send(input->fd, go_on, strlen(go_on), MSG_NOSIGNAL);

	while (!done) {
		long taken = left < input->size ? (long)left : (long)input->size;

		if (request->chunked)
			taken = imds_chunks__take(&chunks, input->bytes, input->size, &done);
		if (taken < 0)
			return false;
		input__take(input, (size_t)taken);
		left -= request->chunked ? 0 : (uint64_t)taken;
		done |= !request->chunked && !left;
		if (!taken && !done && !input__read(input))
			return false;
	}
	return true;
}

static bool answer__send(
	int fd, const struct imds_answer *answer, const struct imds_request *request)
{
	char text[IMDS_CONTENT_SIZE + 512], ttl[80] = "";
	int size;

	if (answer->ttl >= 0)
		snprintf(ttl, sizeof(ttl), "X-Aws-Ec2-Metadata-Token-Ttl-Seconds: %ld\r\n",
			answer->ttl);
	size = snprintf(text, sizeof(text),
		"HTTP/1.%u %u %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n%sServer: EC2ws\r\nConnection: %s\r\n\r\n%.*s",
		request->minor ? 1U : 0U, answer->status, answer->reason, answer->type,
		answer->size, ttl, request->keep_alive ? "keep-alive" : "close",
		strcmp(request->method, "HEAD") ? (int)answer->size : 0, answer->content);
	return send(fd, text, (size_t)size, MSG_NOSIGNAL) == size;
}

/* Whether the connection goes on. */
static bool connection__answer(const struct server *server, struct input *input)
{
	struct imds_request request;
	struct imds_answer answer;
	unsigned int status = input__take_head(input, &request);

	if (!status)
		return false;
	if (status == 200 && !input__skip_body(input, &request))
		status = 400;
	if (status != 200) {
		imds__refuse(&answer, status);
		request = (struct imds_request){.minor = 1};
	} else if (server->drops_puts && !strcmp(request.method, "PUT")) {
		while (input__read(input)) /* until the client gives up */
			input->size = 0;
		return false;
	} else {
		imds__answer(&answer, server->tokens, &request);
	}
	return answer__send(input->fd, &answer, &request) && request.keep_alive;
}

struct connection {
	const struct server *server;
	struct input input;
};

static void *connection__serve(void *context)
{
	struct connection *connection = context;
	struct input *input = &connection->input;

	while (connection__answer(connection->server, input))
		;
	/* Closing with bytes unread would reset, and take the answer with it. */
	shutdown(input->fd, SHUT_WR);
	do
		input->size = 0;
	while (input__read(input));
	close(input->fd);
	free(connection);
	return NULL;
}

static void server__accept(const struct server *server, int listener)
{
	struct connection *connection = calloc(1, sizeof(*connection));
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	pthread_t thread;

	if (connection && fd >= 0) {
		connection->server = server;
		connection->input.fd = fd;
		if (!pthread_create(&thread, NULL, connection__serve, connection)) {
			pthread_detach(thread);
			return;
		}
	}
	if (fd >= 0)
		close(fd);
	free(connection);
}

static void server__run(void *context)
{
	const struct server *server = context;
	struct pollfd ready[2];

	for (;;) {
		for (int i = 0; i < server->count; i++)
			ready[i] = (struct pollfd){.fd = server->listeners[i], .events = POLLIN};
		if (poll(ready, (nfds_t)server->count, -1) < 0 && errno != EINTR)
			return;
		for (int i = 0; i < server->count; i++)
			if (ready[i].revents & POLLIN)
				server__accept(server, server->listeners[i]);
	}
}

int imds__start(const struct imds_options *options, pid_t *pid)
{
	static struct imds_tokens tokens;
	struct server server = {.drops_puts = options->drops_puts, .tokens = &tokens};
	int error = listeners__open(server.listeners, &options->addresses, 0);

	if (error < 0)
		return error;
	server.count = error;
	error = imds__spawn(server.listeners, (size_t)server.count, server__run, &server, pid);
	while (server.count)
		close(server.listeners[--server.count]);
	return error;
}
