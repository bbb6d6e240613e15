/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Sends that differ by more than the call: Fast Open, Multipath TCP, sends that fail. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/time.h>
#include <sys/uio.h>

#include "lib/array.h"
#include "lib/scope.h"
#include "standard.h"
#include "wire.h"

static const struct expected is_v1[] = {V1_EVENT, {0}};
static const struct expected is_v2[] = {V2_EVENT, {0}};
static const struct expected is_all[] = {ALL_EVENTS, {0}};
static const struct expected is_unknown[] = {UNKNOWN, {0}};

/* The first bytes go with the SYN. Its bytes were sent before the socket had an address. */
static int fast_open(struct run *run, enum socket_kind kind, const char *first, const char *then)
{
	struct sockaddr_storage address;
	socklen_t size = endpoint__address(&address, kind, 0);
	int fd = endpoint__socket(run, kind), error = 0;
	ssize_t sent;

	if (fd < 0)
		return fd;
	run__hold(run);
	sent = sendto(fd, first, strlen(first), MSG_FASTOPEN | MSG_NOSIGNAL,
		(struct sockaddr *)&address, size);
	if (sent < 0)
		return run__skip(run, "no TCP Fast Open: %m");
	if (first[sent])
		error = run__say(run, fd, first + sent);
	if (!error && *then)
		error = run__say(run, fd, then);
	return error ? error : fd;
}

static int fast_open_sendto(struct run *run)
{
	int fd = fast_open(run, SOCKET_IPV4, V1_TEXT, V2_TEXT);

	if (fd < 0)
		return fd;
	run__expect(run, is_v1);
	run__expect(run, is_v2);
	endpoint__finish(fd);
	return 0;
}

static int fast_open_ipv6(struct run *run)
{
	int fd = fast_open(run, SOCKET_IPV6, V1_TEXT, "");

	if (fd < 0)
		return fd;
	run__expect(run, is_v1);
	endpoint__finish(fd);
	return 0;
}

static int fast_open_mapped(struct run *run)
{
	int fd = fast_open(run, SOCKET_MAPPED, V1_TEXT, "");

	if (fd < 0)
		return fd;
	run__expect(run, is_v1);
	endpoint__finish(fd);
	return 0;
}

static int fast_open_in_pieces(struct run *run)
{
	int fd = fast_open(
		run, SOCKET_IPV4, "GET " AMI " HTTP/1.1\r\nUser-", "Agent: wire/1\r\n\r\n");

	if (fd < 0)
		return fd;
	run__expect(run, is_v1);
	endpoint__finish(fd);
	return 0;
}

static int fast_open_twice(struct run *run)
{
	int error = fast_open_sendto(run);

	return error ? error : fast_open_sendto(run);
}

/*
 * connect(2) returns before there is a connection, and the first write makes it: SYN has taken its
 * bytes before any other hook of a send. fill: bytes of a header that SYN has no room for.
 */
static int fast_open_connect_by(struct run *run, enum socket_kind kind, size_t fill)
{
	struct sockaddr_storage address;
	socklen_t size = endpoint__address(&address, kind, 0);
	int fd = endpoint__socket(run, kind), on = 1, segment = 600, error;
	_free_ char *text = malloc(sizeof(V1_TEXT) + fill + sizeof("X-Fill: \r\n"));

	if (fd < 0 || !text)
		return fd;
	strcpy(text, V1_TEXT);
	if (fill) {
		char *at = text + strlen(text) - 2;

		at = stpcpy(at, "X-Fill: ");
		memset(at, 'x', fill);
		strcpy(at + fill, "\r\n\r\n");
		setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof(segment));
	}
	if (setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &on, sizeof(on)))
		return run__skip(run, "no TCP_FASTOPEN_CONNECT: %m");
	run__hold(run);
	if (connect(fd, (struct sockaddr *)&address, size))
		return run__fail(run, "connect: %m");
	error = run__send(run, "write", fd, text, strlen(text));
	if (!error)
		error = run__say(run, fd, V2_TEXT);
	run__expect(run, is_v1);
	run__expect(run, is_v2);
	endpoint__finish(fd);
	return error;
}

/* The first connection has no cookie for the second one yet. */
static int fast_open_connect_twice(struct run *run, enum socket_kind kind, size_t fill)
{
	int error = fast_open_connect_by(run, kind, 0);

	return error ? error : fast_open_connect_by(run, kind, fill);
}

static int fast_open_connect(struct run *run)
{
	return fast_open_connect_twice(run, SOCKET_IPV4, 0);
}

static int fast_open_connect_ipv6(struct run *run)
{
	return fast_open_connect_twice(run, SOCKET_IPV6, 0);
}

static int fast_open_connect_mapped(struct run *run)
{
	return fast_open_connect_twice(run, SOCKET_MAPPED, 0);
}

static int fast_open_connect_long(struct run *run)
{
	return fast_open_connect_twice(run, SOCKET_IPV4, 5000);
}

static int fast_open_connect_long_ipv6(struct run *run)
{
	return fast_open_connect_twice(run, SOCKET_IPV6, 5000);
}

/* size bytes of text in front of a page that cannot be read, and room for more behind text. */
static char *memory__before_hole(const char *text, size_t size, size_t room)
{
	size_t page = sysconf(_SC_PAGESIZE), pages = (room + page - 1) / page * page;
	char *memory = mmap(
		NULL, pages + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return NULL;
	mprotect(memory + pages, page, PROT_NONE);
	memcpy(memory + pages - size, text, size);
	return memory + pages - size;
}

/* The kernel cannot read it either: nothing is sent, so nothing is to be counted. */
static int bad_address(struct run *run)
{
	int fd = endpoint__connect(run, SOCKET_IPV4);

	if (fd < 0)
		return fd;
	if (send(fd, (void *)8, 100, MSG_NOSIGNAL) >= 0 || errno != EFAULT)
		return run__fail(run, "a send from nowhere did not fail");
	endpoint__finish(fd);
	return 0;
}

/* The request is all there, but the send asks for a byte too many and fails; then it succeeds. */
static int failed_and_repeated(struct run *run)
{
	size_t size = strlen(V1_TEXT);
	char *text = memory__before_hole(V1_TEXT, size, size);
	int fd = endpoint__connect(run, SOCKET_IPV4);
	ssize_t sent;

	if (fd < 0)
		return fd;
	sent = send(fd, text, size + 1, MSG_NOSIGNAL);
	if (sent < 0)
		sent = 0;
	if (run__send(run, "send", fd, text + sent, size - sent))
		return -EIO;
	run__expect(run, is_v1);
	endpoint__finish(fd);
	return 0;
}

/* A send that the kernel takes in part, since the end of the buffer cannot be read; the client
 * sends the rest from where it is right. */
static int taken_in_part(struct run *run)
{
	static const char head[] = "POST /latest HTTP/1.1\r\nContent-Length: 200000\r\n\r\n";
	static const struct expected post[] = {V1("POST", "/latest"), {0}};
	size_t size = sizeof(head) - 1 + 200000 + strlen(V1_TEXT);
	_free_ char *whole = calloc(1, size + 1);
	int fd = endpoint__connect(run, SOCKET_IPV4), error = 0;
	ssize_t sent;
	char *text;

	if (fd < 0 || !whole)
		return fd;
	memset(whole, 'b', size);
	memcpy(whole, head, sizeof(head) - 1);
	strcpy(whole + size - strlen(V1_TEXT), V1_TEXT);
	text = memory__before_hole(whole, size - 40, size);
	sent = send(fd, text, size, MSG_NOSIGNAL);
	if (sent < 0)
		sent = 0;
	for (size_t at = sent; at < size && !error; at += 8000)
		error = run__send(run, "send", fd, whole + at, size - at < 8000 ? size - at : 8000);
	run__expect(run, post);
	run__expect(run, is_v1);
	endpoint__finish(fd);
	return error;
}

static int after_shutdown(struct run *run)
{
	int fd = endpoint__connect(run, SOCKET_IPV4);

	if (fd < 0)
		return fd;
	shutdown(fd, SHUT_WR);
	if (send(fd, V1_TEXT, strlen(V1_TEXT), MSG_NOSIGNAL) >= 0 || errno != EPIPE)
		return run__fail(run, "a send after shutdown did not fail");
	endpoint__finish(fd);
	return 0;
}

/* A literal in a page of the program that nothing has touched: alone in its pages, and dropped. */
#define LITERAL_SIZE 65536
static const char literal[LITERAL_SIZE] __attribute__((aligned(LITERAL_SIZE))) = V1_TEXT;

static int literal_in_untouched_rodata(struct run *run)
{
	int fd = endpoint__connect(run, SOCKET_IPV4), error;

	if (fd < 0)
		return fd;
	madvise((void *)literal, LITERAL_SIZE, MADV_DONTNEED);
	error = run__send(run, "send", fd, literal, sizeof(V1_TEXT) - 1);
	run__expect(run, is_v1);
	endpoint__finish(fd);
	return error;
}

/* A web server's way to send a file: the head by send, the body by sendfile. */
static int body_by_sendfile(struct run *run)
{
	static const struct expected post[] = {V1("POST", "/latest"), {0}};
	int fd = endpoint__connect(run, SOCKET_IPV4), error;
	char body[4000];

	if (fd < 0)
		return fd;
	memset(body, 'b', sizeof(body));
	run__allow_unknown(run);
	error = run__say(run, fd, "POST /latest HTTP/1.1\r\nContent-Length: 4000\r\n\r\n");
	if (!error)
		error = run__send(run, "sendfile", fd, body, sizeof(body));
	if (!error)
		error = run__say(run, fd, V1_TEXT);
	run__expect(run, post);
	run__expect(run, is_v1);
	endpoint__finish(fd);
	return error;
}

static int head_half_by_sendfile(struct run *run)
{
	static const char half[] = "GET " MAC " HTTP/1.1\r\n";
	int fd = endpoint__connect(run, SOCKET_IPV4), error;

	if (fd < 0)
		return fd;
	run__allow_unknown(run);
	error = run__say(run, fd, half);
	if (!error)
		error = run__send(run, "sendfile", fd, TOKEN_NAME ": a\r\n\r\n",
			sizeof(TOKEN_NAME ": a\r\n\r\n") - 1);
	run__expect(run, is_v2);
	endpoint__finish(fd);
	return error;
}

struct sender {
	struct run *run;
	int fd, error;
	unsigned int count;
};

static void *sender__repeat(void *context)
{
	struct sender *sender = context;

	for (unsigned int i = 0; i < sender->count && !sender->error; i++)
		sender->error = run__say(sender->run, sender->fd, V1_TEXT);
	return NULL;
}

/* Two threads write whole requests to one connection at the same time: the kernel keeps each send
 * whole, and nobody can say whose came first. */
static int two_threads_at_once(struct run *run)
{
	int fd = endpoint__connect(run, SOCKET_IPV4);
	struct sender senders[2] = {
		{.run = run, .fd = fd, .count = 50}, {.run = run, .fd = fd, .count = 50}};
	pthread_t threads[2];

	if (fd < 0)
		return fd;
	run__allow_unknown(run);
	for (int i = 0; i < 2; i++)
		if (pthread_create(&threads[i], NULL, sender__repeat, &senders[i]))
			return run__fail(run, "no thread");
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < 100; i++)
		run__expect_from(run, is_v1, getpid(), ANY_TID);
	endpoint__finish(fd);
	return senders[0].error ? senders[0].error : senders[1].error;
}

/* io_uring and plain calls in turns over one connection. */
static int ways_in_turns(struct run *run)
{
	static const char *const names[] = {"send", "writev", "uring-send", "write", "sendmsg",
		"zerocopy", "cold-page", "writev-empties"};
	int fd = endpoint__connect(run, SOCKET_IPV4), error = 0;

	if (fd < 0)
		return fd;
	for (size_t i = 0; i < ARRAY_SIZE(names) && !error; i++) {
		error = run__send(run, names[i], fd, ALL_TEXT, strlen(ALL_TEXT));
		for (const struct expected *each = is_all; !expected__ends(each); each++)
			run__expect_from(run, each, getpid(), ANY_TID);
	}
	endpoint__finish(fd);
	return error;
}

/* The last byte of urgent data is in the stream or not, as the peer likes. */
static int urgent(struct run *run)
{
	int fd = endpoint__connect(run, SOCKET_IPV4), error;

	if (fd < 0)
		return fd;
	error = run__say(run, fd, V1_TEXT);
	if (!error && send(fd, V2_TEXT, strlen(V2_TEXT), MSG_OOB | MSG_NOSIGNAL) < 0)
		return run__fail(run, "send: %m");
	if (!error)
		error = run__say(run, fd, ALL_TEXT);
	run__expect(run, is_v1);
	run__expect(run, is_unknown);
	endpoint__finish(fd);
	return error;
}

/* A service that reads on without it (no SO_OOBINLINE) sees two lines where one was sent. */
static int urgent_in_a_head(struct run *run)
{
	int fd = endpoint__connect(run, SOCKET_IPV4), error;

	if (fd < 0)
		return fd;
	error = run__say(run, fd, "GET " AMI " HTTP/1.1\r\n");
	if (!error && send(fd, "X", 1, MSG_OOB | MSG_NOSIGNAL) < 0)
		return run__fail(run, "send: %m");
	if (!error)
		error = run__say(run, fd, TOKEN_NAME ": AQAEAwire==\r\n\r\n");
	run__expect(run, is_unknown);
	endpoint__finish(fd);
	return error;
}

/* More is announced, and the close sends what is there. */
static int more_then_close(struct run *run)
{
	int fd = endpoint__connect(run, SOCKET_IPV4);

	if (fd < 0)
		return fd;
	if (send(fd, V1_TEXT, strlen(V1_TEXT), MSG_MORE | MSG_NOSIGNAL) < 0)
		return run__fail(run, "send: %m");
	run__expect(run, is_v1);
	close(fd);
	return 0;
}

/* The second of three messages cannot be read: the first is sent, the third is not. */
static int second_message_fails(struct run *run)
{
	struct iovec pieces[] = {
		{V1_TEXT, strlen(V1_TEXT)}, {(void *)8, 100}, {V2_TEXT, strlen(V2_TEXT)}};
	struct mmsghdr messages[ARRAY_SIZE(pieces)] = {0};
	int fd = endpoint__connect(run, SOCKET_IPV4), error;

	if (fd < 0)
		return fd;
	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
		messages[i].msg_hdr.msg_iov = &pieces[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	if (sendmmsg(fd, messages, ARRAY_SIZE(messages), MSG_NOSIGNAL) != 1)
		return run__fail(run, "sendmmsg did not stop behind the first message");
	error = run__say(run, fd, V2_TEXT);
	run__expect(run, is_v1);
	run__expect(run, is_v2);
	endpoint__finish(fd);
	return error;
}

/* More in one send than is looked at, all of it a body, and a request behind it. */
static int request_behind_a_long_body(struct run *run)
{
	static const char head[] = "POST /latest HTTP/1.1\r\nContent-Length: 700000\r\n\r\n";
	static const struct expected post[] = {V1("POST", "/latest"), {0}};
	size_t size = sizeof(head) - 1 + 700000 + strlen(V2_TEXT);
	_free_ char *text = malloc(size + 1);
	int fd = endpoint__connect(run, SOCKET_IPV4), error;

	if (fd < 0 || !text)
		return fd;
	for (size_t at = 0; at + strlen(V1_TEXT) < size; at += strlen(V1_TEXT))
		memcpy(text + at, V1_TEXT, strlen(V1_TEXT)); /* the body looks like requests */
	memcpy(text, head, sizeof(head) - 1);
	strcpy(text + size - strlen(V2_TEXT), V2_TEXT);
	error = run__send(run, "send", fd, text, size);
	run__expect(run, post);
	run__expect(run, is_v2);
	endpoint__finish(fd);
	return error;
}

/* More heads in one send than are looked at: the rest is unknown, and nothing is made up. */
static int heads_without_end(struct run *run)
{
	static const char start[] = "GET " AMI " HTTP/1.1\r\nUser-Agent: wire/1\r\nX-Fill: ";
	size_t unit = 900, count = 700;
	_free_ char *text = malloc(unit * count);
	int fd = endpoint__connect(run, SOCKET_IPV4), error;

	if (fd < 0 || !text)
		return fd;
	run__allow_unknown(run);
	memset(text, 'x', unit * count);
	for (char *at = text; at < text + unit * count; at += unit) {
		memcpy(at, start, sizeof(start) - 1);
		memcpy(at + unit - 4, "\r\n\r\n", 4);
		run__expect(run, is_v1);
	}
	error = run__send(run, "send", fd, text, unit * count);
	endpoint__finish(fd);
	return error;
}

#define MPTCP_ROW(title, kind, by, where)                                                       \
	{                                                                                       \
		.name = title, TEXT(ALL_TEXT), .expect = {ALL_EVENTS}, .way = by, .cut = where, \
		.socket = kind, .mptcp = true, .or_unknown = true                               \
	}
const struct wire_case send_cases[] = {
	RUN("fast-open", fast_open_sendto),
	RUN("fast-open-twice", fast_open_twice),
	RUN("fast-open-ipv6", fast_open_ipv6),
	RUN("fast-open-mapped", fast_open_mapped),
	RUN("fast-open-in-pieces", fast_open_in_pieces),
	RUN("fast-open-connect", fast_open_connect),
	RUN("fast-open-connect-ipv6", fast_open_connect_ipv6),
	RUN("fast-open-connect-mapped", fast_open_connect_mapped),
	RUN("fast-open-connect-long", fast_open_connect_long),
	RUN("fast-open-connect-long-ipv6", fast_open_connect_long_ipv6),
	MPTCP_ROW("mptcp", SOCKET_MPTCP, "send", CUT_HEADS),
	MPTCP_ROW("mptcp-ipv6", SOCKET_MPTCP_IPV6, "send", CUT_NOWHERE),
	MPTCP_ROW("mptcp-byte-by-byte", SOCKET_MPTCP, "write", CUT_BYTES),
	MPTCP_ROW("mptcp-writev", SOCKET_MPTCP, "writev-empties", CUT_NOWHERE),
	MPTCP_ROW("mptcp-cold-page", SOCKET_MPTCP, "cold-page", CUT_NOWHERE),
	MPTCP_ROW("mptcp-sendfile", SOCKET_MPTCP, "sendfile", CUT_NOWHERE),
	RUN("bad-address", bad_address),
	RUN("failed-and-repeated", failed_and_repeated),
	RUN("taken-in-part", taken_in_part),
	RUN("after-shutdown", after_shutdown),
	RUN("literal-in-untouched-rodata", literal_in_untouched_rodata),
	RUN("body-by-sendfile", body_by_sendfile),
	RUN("head-half-by-sendfile", head_half_by_sendfile),
	RUN("two-threads-at-once", two_threads_at_once),
	RUN("ways-in-turns", ways_in_turns),
	RUN("urgent-data", urgent),
	RUN("urgent-data-in-a-head", urgent_in_a_head),
	RUN("more-then-close", more_then_close),
	RUN("second-message-fails", second_message_fails),
	RUN("request-behind-a-long-body", request_behind_a_long_body),
	RUN("heads-without-end", heads_without_end),
	{.name = NULL},
};
