/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "service.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "lib/array.h"
#include "lib/complain.h"
#include "demo/imds_answer.h"
#include "demo/imds_listen.h"
#include "lib/scope.h"

#define CONNECTIONS_MAX 1024 /* that have sent something */
#define FILES_MAX       262144
#define IN_SIZE         65536
#define OUT_SIZE        262144
#define ANSWER_SIZE     (IMDS_CONTENT_SIZE + 1024) /* with its head and chunk sizes */
#define FAST_OPEN_QUEUE 512

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

static const char *const mode_names[] = {
	[SERVICE_OPTIONAL] = "optional",
	[SERVICE_REQUIRED] = "required",
	[SERVICE_SILENT] = "silent",
	[SERVICE_PUT_DROPPED] = "put-dropped",
	[SERVICE_PUT_REFUSED] = "put-refused",
	[SERVICE_CLOSED] = "closed",
	[SERVICE_RESET] = "reset",
};

static const char *const style_names[] = {
	[SERVICE_LENGTH] = "length",
	[SERVICE_CHUNKED] = "chunked",
	[SERVICE_CLOSE] = "close",
	[SERVICE_PIECES] = "pieces",
};

_Static_assert(ARRAY_SIZE(mode_names) == SERVICE_MODE_COUNT, "a name for each");
_Static_assert(ARRAY_SIZE(style_names) == SERVICE_STYLE_COUNT, "a name for each");

struct connection {
	int fd;
	uint64_t number;
	bool mute;    /* gets no answer any more */
	bool closing; /* once the answers are out; what still comes in is thrown away */
	bool shut;    /* our side is closed, waiting for the client's */
	bool ended;   /* the client's side is closed */
	enum { READ_HEAD, READ_LENGTH, READ_CHUNKS } state;
	uint64_t body_left;
	struct imds_chunks chunks;
	bool head_only, keep_alive; /* of the request whose body is being read */
	unsigned int minor;
	struct imds_answer answer;
	size_t in_size, out_size, out_sent;
	size_t single_start, single_end; /* the part of out that goes byte by byte */
	char in[IN_SIZE];
	char out[OUT_SIZE];
};

struct server {
	const struct service_options *options;
	int epoll;
	unsigned int connections;
	uint64_t accepted;
	struct imds_tokens tokens;
	struct imds_request request;
};

static void connection__close(struct server *server, struct connection *connection)
{
	close(connection->fd);
	free(connection);
	server->connections--;
}

static void out__append(struct connection *connection, const char *bytes, size_t size)
{
	if (size > OUT_SIZE - connection->out_size)
		size = OUT_SIZE - connection->out_size;
	memcpy(connection->out + connection->out_size, bytes, size);
	connection->out_size += size;
}

/* Whether another answer surely fits; else the client's requests wait in its own buffers. */
static bool out__has_room(const struct connection *connection)
{
	return OUT_SIZE - connection->out_size >= ANSWER_SIZE;
}

static void out__append_body(
	struct connection *connection, const struct imds_answer *answer, enum service_style style)
{
	size_t half = answer->size / 2;
	char size[32];

	if (style != SERVICE_CHUNKED) {
		out__append(connection, answer->content, answer->size);
		return;
	}
	for (size_t at = 0, part = half ? half : answer->size; at < answer->size;
		at += part, part = answer->size - at) {
		snprintf(size, sizeof(size), "%zx\r\n", part);
		out__append(connection, size, strlen(size));
		out__append(connection, answer->content + at, part);
		out__append(connection, "\r\n", 2);
	}
	out__append(connection, "0\r\n\r\n", 5);
}

static void out__append_answer(struct server *server, struct connection *connection)
{
	const struct imds_answer *answer = &connection->answer;
	enum service_style style = server->options->style;
	char head[512], framing[64] = "", ttl[80] = "";

	if (style == SERVICE_CHUNKED && !connection->minor)
		style = SERVICE_CLOSE;
	if (style == SERVICE_CLOSE)
		connection->keep_alive = false;
	if (style == SERVICE_CHUNKED)
		snprintf(framing, sizeof(framing), "Transfer-Encoding: chunked\r\n");
	else if (style != SERVICE_CLOSE)
		snprintf(framing, sizeof(framing), "Content-Length: %zu\r\n", answer->size);
	if (answer->ttl >= 0)
		snprintf(ttl, sizeof(ttl), "X-Aws-Ec2-Metadata-Token-Ttl-Seconds: %ld\r\n",
			answer->ttl);

	snprintf(head, sizeof(head),
		"HTTP/1.%u %u %s\r\nContent-Type: %s\r\n%s%sServer: EC2ws\r\nConnection: %s\r\n\r\n",
		connection->minor ? 1U : 0U, answer->status, answer->reason, answer->type, framing,
		ttl, connection->keep_alive ? "keep-alive" : "close");
	if (style == SERVICE_PIECES) {
		connection->single_start = connection->out_size;
		connection->single_end = connection->out_size + strcspn(head, "\n") + 1;
	}
	out__append(connection, head, strlen(head));
	if (!connection->head_only)
		out__append_body(connection, answer, style);
}

/* The request and its body are complete. */
static void connection__answer(struct server *server, struct connection *connection)
{
	connection->state = READ_HEAD;
	if (!connection->answer.status)
		connection->mute = true; /* answers come in order: this one never does */
	if (connection->mute)
		return;
	out__append_answer(server, connection);
	connection->closing = !connection->keep_alive;
}

static void connection__refuse(
	struct server *server, struct connection *connection, unsigned int status)
{
	imds__refuse(&connection->answer, status);
	connection->keep_alive = connection->head_only = false;
	connection->minor = 1;
	connection__answer(server, connection);
	connection->closing = true;
}

static void server__record(
	const struct server *server, const struct imds_request *request, unsigned int status)
{
	char line[IMDS_METHOD_SIZE + IMDS_TARGET_SIZE + 64];
	int size;

	if (!server->options->record)
		return;
	size = snprintf(line, sizeof(line), "%s %s %s %u", request->method, request->target,
		request->has_token ? "token"
		: request->has_ttl ? "ttl"
				   : "none",
		status);
	for (int i = 0; i < size; i++) /* one line each, whatever the target holds */
		if ((unsigned char)line[i] < ' ')
			line[i] = '?';
	line[size++] = '\n';
	if (write(server->options->record, line, size) != size)
		complain("the record of the private metadata service is cut short");
}

/* What the mode makes of a request; a status of 0: it gets no answer. */
static void answer__decide(struct imds_answer *answer, enum service_mode mode,
	struct imds_tokens *tokens, const struct imds_request *request)
{
	bool put = !strcmp(request->method, "PUT");

	if (mode == SERVICE_SILENT || (mode == SERVICE_PUT_DROPPED && put)) {
		*answer = (struct imds_answer){.status = 0};
		return;
	}
	imds__answer(answer, tokens, request);
	if (put && mode == SERVICE_PUT_REFUSED)
		imds__refuse(answer, 403);
	else if (mode == SERVICE_REQUIRED && !request->has_token && !put && answer->status != 405)
		imds__refuse(answer, 401);
}

static void connection__begin(
	struct server *server, struct connection *connection, const struct imds_request *request)
{
	connection->head_only = !strcmp(request->method, "HEAD");
	connection->keep_alive = request->keep_alive;
	connection->minor = request->minor;
	answer__decide(&connection->answer, server->options->mode, &server->tokens, request);
	server__record(server, request, connection->answer.status);

	connection->state = request->chunked          ? READ_CHUNKS
			    : request->content_length ? READ_LENGTH
						      : READ_HEAD;
	connection->chunks = (struct imds_chunks){0};
	connection->body_left = request->content_length;
	if (connection->state == READ_HEAD)
		connection__answer(server, connection);
	else if (request->expects_continue && request->minor && connection->answer.status)
		out__append(connection, "HTTP/1.1 100 Continue\r\n\r\n", 25);
}

/* Takes the next piece of what came in. How many bytes; 0: more is needed. */
static size_t connection__take(
	struct server *server, struct connection *connection, const char *bytes, size_t size)
{
	bool done = false;
	long taken;

	switch (connection->state) {
	case READ_LENGTH:
		taken = connection->body_left < size ? connection->body_left : size;
		connection->body_left -= taken;
		done = !connection->body_left;
		break;
	case READ_CHUNKS:
		taken = imds_chunks__take(&connection->chunks, bytes, size, &done);
		break;
	default:
		taken = imds_request__parse(&server->request, bytes, size);
		if (taken > 0)
			connection__begin(server, connection, &server->request);
		else if (!taken && size == IN_SIZE)
			connection__refuse(server, connection, 431);
	}
	if (taken < 0)
		connection__refuse(server, connection, 400);
	else if (done)
		connection__answer(server, connection);
	return taken < 0 ? 0 : taken;
}

static void connection__take_all(struct server *server, struct connection *connection)
{
	size_t at = 0, taken = 1;

	while (taken && at < connection->in_size && !connection->closing && !connection->mute &&
		out__has_room(connection)) {
		taken = connection__take(
			server, connection, connection->in + at, connection->in_size - at);
		at += taken;
	}
	if (connection->closing || connection->mute)
		at = connection->in_size;
	memmove(connection->in, connection->in + at, connection->in_size - at);
	connection->in_size -= at;
}

static void connection__keep_bytes(
	const struct server *server, const struct connection *connection, ssize_t size)
{
	struct service_bytes head = {connection->number, size};
	struct iovec parts[] = {{&head, sizeof(head)},
		{(char *)connection->in + connection->in_size, (size_t)size}};

	if (server->options->bytes && size > 0 &&
		writev(server->options->bytes, parts, 2) != (ssize_t)sizeof(head) + size)
		complain("what the private metadata service received is cut short");
}

static int connection__read(const struct server *server, struct connection *connection)
{
	ssize_t size;

	if (connection->in_size == IN_SIZE || connection->ended)
		return 0;
	size = recv(connection->fd, connection->in + connection->in_size,
		IN_SIZE - connection->in_size, MSG_DONTWAIT);
	if (size < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	connection__keep_bytes(server, connection, size);
	connection->in_size += size;
	connection->ended = !size;
	return 0;
}

static int connection__write(struct connection *connection)
{
	while (connection->out_sent < connection->out_size) {
		size_t size = connection->out_size - connection->out_sent;
		ssize_t sent;

		if (connection->out_sent < connection->single_start)
			size = connection->single_start - connection->out_sent;
		else if (connection->out_sent < connection->single_end)
			size = 1;
		sent = send(connection->fd, connection->out + connection->out_sent, size,
			MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -errno;
		connection->out_sent += sent;
	}
	connection->out_sent = connection->out_size = 0;
	connection->single_start = connection->single_end = 0;
	return 0;
}

static int connection__watch(struct server *server, struct connection *connection)
{
	struct epoll_event event = {.data.ptr = connection};

	if (out__has_room(connection) && connection->in_size < IN_SIZE && !connection->ended)
		event.events |= EPOLLIN;
	if (connection->out_size)
		event.events |= EPOLLOUT;
	return epoll_ctl(server->epoll, EPOLL_CTL_MOD, connection->fd, &event) ? -errno : 0;
}

/* Reads, answers and writes what is possible now. */
static void connection__serve(struct server *server, struct connection *connection)
{
	int error = connection__read(server, connection);

	connection__take_all(server, connection);
	if (error || connection__write(connection)) {
		connection__close(server, connection);
		return;
	}
	connection__take_all(server, connection); /* requests that had waited for room */
	if (connection->closing && !connection->out_size && !connection->shut) {
		/* Closing with bytes unread would reset, and take the answer with it. */
		shutdown(connection->fd, SHUT_WR);
		connection->shut = true;
	}
	if ((connection->ended && !connection->out_size) || connection__watch(server, connection))
		connection__close(server, connection);
}

/* What an event of a connection points to that has sent nothing yet, which costs no more than its
 * fd: an odd number, as no pointer is. */
static uint64_t silent__event(int fd)
{
	return (uint64_t)fd << 1 | 1;
}

static void server__accept(struct server *server, int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = silent__event(fd)};
	struct linger reset = {.l_onoff = 1};
	int on = 1;

	if (fd < 0)
		return;
	if (server->options->mode == SERVICE_RESET)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	if (server->options->style == SERVICE_PIECES)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (server->options->mode == SERVICE_CLOSED || server->options->mode == SERVICE_RESET ||
		epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, &event))
		close(fd);
}

/* The first that is heard of a connection. */
static void server__begin(struct server *server, int fd)
{
	struct connection *connection =
		server->connections == CONNECTIONS_MAX ? NULL : calloc(1, sizeof(*connection));

	if (!connection) {
		close(fd);
		return;
	}
	connection->fd = fd;
	connection->number = (uint64_t)getpid() << 32 | ++server->accepted;
	connection->mute = server->options->mode == SERVICE_SILENT;
	server->connections++;
	connection__serve(server, connection);
}

/* A listener's event points to its fd, a connection's to the connection, once it has sent
 * something. */
static int server__run(struct server *server, int *listeners, unsigned int count)
{
	struct epoll_event event;

	server->epoll = epoll_create1(EPOLL_CLOEXEC);
	for (unsigned int i = 0; i < count; i++) {
		event = (struct epoll_event){.events = EPOLLIN, .data.ptr = &listeners[i]};
		if (epoll_ctl(server->epoll, EPOLL_CTL_ADD, listeners[i], &event))
			return -errno;
	}
	for (;;) {
		int ready = epoll_wait(server->epoll, &event, 1, -1);
		int *listener = event.data.ptr;

		if (ready < 0 && errno != EINTR)
			return -errno;
		if (ready < 1)
			continue;
		if (listener >= listeners && listener < listeners + count)
			server__accept(server, *listener);
		else if (event.data.u64 & 1)
			server__begin(server, (int)(event.data.u64 >> 1));
		else
			connection__serve(server, event.data.ptr);
	}
}

/* Data in the SYN, from the first connection on, without a cookie: the namespace is the caller's
 * own. */
static void fast_open__allow(const int *listeners, int count)
{
	_close_ int fd = open("/proc/sys/net/ipv4/tcp_fastopen", O_WRONLY | O_CLOEXEC);
	int queue = FAST_OPEN_QUEUE;

	if (fd >= 0 && write(fd, "519", 3) < 0) /* 0x1 | 0x2 | 0x4 | 0x200 of ip-sysctl.rst */
		complain("TCP Fast Open stays off in the private network namespace");
	for (int i = 0; i < count; i++)
		setsockopt(listeners[i], IPPROTO_TCP, TCP_FASTOPEN, &queue, sizeof(queue));
}

struct serving {
	const struct service_options *options;
	int *listeners;
	int count;
};

static void service__run(void *context)
{
	const struct serving *serving = context;
	struct server *server = calloc(1, sizeof(*server));
	struct rlimit files = {FILES_MAX, FILES_MAX};

	if (!server)
		return;
	setrlimit(RLIMIT_NOFILE, &files); /* or as many as there may be otherwise */
	server->options = serving->options;
	server__run(server, serving->listeners, (unsigned int)serving->count);
}

int service__start(const struct service_options *options, pid_t *pid)
{
	int kept[4], error;
	struct serving serving = {.options = options, .listeners = kept};

	serving.count =
		listeners__open(kept, &options->addresses, options->mptcp ? IPPROTO_MPTCP : 0);
	if (serving.count < 0)
		return serving.count;
	if (options->fast_open)
		fast_open__allow(kept, serving.count);
	kept[serving.count] = options->record;
	kept[serving.count + 1] = options->bytes;
	error = imds__spawn(kept, (size_t)serving.count + 2, service__run, &serving, pid);
	while (serving.count)
		close(kept[--serving.count]);
	return error;
}

const char *service_mode__name(enum service_mode mode)
{
	return mode_names[mode];
}

const char *service_style__name(enum service_style style)
{
	return style_names[style];
}

int service_mode__find(const char *name, enum service_mode *mode)
{
	for (int i = 0; i < SERVICE_MODE_COUNT; i++)
		if (!strcmp(name, mode_names[i])) {
			*mode = i;
			return 0;
		}
	return -EINVAL;
}

int service_style__find(const char *name, enum service_style *style)
{
	for (int i = 0; i < SERVICE_STYLE_COUNT; i++)
		if (!strcmp(name, style_names[i])) {
			*style = i;
			return 0;
		}
	return -EINVAL;
}
