/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Connections that were used before. In a held run the tracer begins between the two parts of each
 * case: of a head of which it sees the tail alone, whatever that looks like, it knows that it knows
 * nothing; a connection that was idle it follows exactly.
 */
#include <errno.h>
#include <string.h>

#include "lib/scope.h"
#include "standard.h"
#include "wire.h"

#define PARTS_MAX 4
#define PAUSE_MS  30 /* longer than a jiffy, and than an ACK is delayed on the loopback */

/* What is sent at once; a part that is answered is followed by reading the response. */
struct part {
	const char *text;
	bool answered;
	bool later; /* after a pause */
};

struct before {
	const char *name;
	enum socket_kind socket;
	struct part before[PARTS_MAX], then[PARTS_MAX];
	struct expected whole[CASE_EXPECT_MAX]; /* where all of it was traced */
	struct expected held[CASE_EXPECT_MAX];  /* where the tracer came in between */
};

#define LINE "GET " AMI " HTTP/1.1\r\n"

static const struct before cases[] = {
	{
		.name = "before-half-a-head",
		.before = {{LINE "User-"}},
		.then = {{"Agent: wire/1\r\n\r\n", .answered = true}},
		.whole = {V1_EVENT},
		.held = {UNKNOWN},
	},
	{
		.name = "before-an-empty-line",
		.before = {{LINE "User-Agent: wire/1\r\n"}},
		.then = {{"\r\n", .answered = true}},
		.whole = {V1_EVENT},
		.held = {UNKNOWN},
	},
	{
		.name = "before-a-last-byte",
		.before = {{LINE "User-Agent: wire/1\r\n\r"}},
		.then = {{"\n", .answered = true}},
		.whole = {V1_EVENT},
		.held = {UNKNOWN},
	},
	{
		.name = "before-a-value-like-a-request",
		.before = {{LINE "X-Next: "}},
		.then = {{V2_TEXT, .answered = true}},
		.whole = {V2("GET", AMI)},
		.held = {UNKNOWN},
	},
	{
		.name = "before-half-a-head-behind-a-response",
		.before = {{V1_TEXT, .answered = true}, {LINE "X-Next: "}},
		.then = {{V2_TEXT, .answered = true}},
		.whole = {V1_EVENT, V2("GET", AMI)},
		.held = {UNKNOWN},
	},
	{
		.name = "before-half-a-head-long-behind-a-response",
		.before = {{V1_TEXT, .answered = true}, {LINE "X-Next: ", .later = true}},
		.then = {{V2_TEXT, .answered = true}},
		.whole = {V1_EVENT, V2("GET", AMI)},
		.held = {UNKNOWN},
	},
	{
		.name = "before-half-a-head-and-then-more",
		.before = {{LINE "User-"}},
		.then = {{"Agent: wire/1\r\n\r\n", .answered = true},
			{V1_TEXT V2_TEXT, .later = true}},
		.whole = {V1_EVENT, V1_EVENT, V2_EVENT},
		.held = {UNKNOWN, V1_EVENT, V2_EVENT},
	},
	{
		.name = "before-idle",
		.before = {{V1_TEXT, .answered = true}},
		.then = {{V2_TEXT, .answered = true}, {V1_TEXT}},
		.whole = {V1_EVENT, V2_EVENT, V1_EVENT},
		.held = {V2_EVENT, V1_EVENT},
	},
	{
		.name = "before-idle-long-after-its-request",
		.before = {{LINE "User-"},
			{"Agent: wire/1\r\n\r\n", .later = true, .answered = true}},
		.then = {{V2_TEXT, .later = true}},
		.whole = {V1_EVENT, V2_EVENT},
		.held = {V2_EVENT},
	},
	{
		.name = "before-idle-ipv6",
		.socket = SOCKET_IPV6,
		.before = {{V1_TEXT, .answered = true}, {V1_TEXT, .answered = true}},
		.then = {{V2_TEXT}},
		.whole = {V1_EVENT, V1_EVENT, V2_EVENT},
		.held = {V2_EVENT},
	},
	{
		.name = "before-idle-mapped",
		.socket = SOCKET_MAPPED,
		.before = {{V1_TEXT, .answered = true}},
		.then = {{ALL_TEXT}},
		.whole = {V1_EVENT, ALL_EVENTS},
		.held = {ALL_EVENTS},
	},
};

static int parts__send(struct run *run, int fd, const struct part *parts)
{
	char response[4096];
	int error = 0;

	for (const struct part *part = parts; part->text && !error; part++) {
		if (part->later)
			rest(PAUSE_MS);
		error = run__say(run, fd, part->text);
		if (!error && part->answered && recv(fd, response, sizeof(response), 0) <= 0)
			error = run__fail(run, "no response: %m");
	}
	return error;
}

static int before__run(struct run *run)
{
	const struct before *self = cases;
	struct sockaddr_storage address;
	socklen_t size;
	int fd, error;

	while (strcmp(self->name, run->self->name))
		self++;
	size = endpoint__address(&address, self->socket, 0);
	fd = endpoint__socket(run, self->socket);
	if (fd < 0)
		return fd;
	if (connect(fd, (struct sockaddr *)&address, size)) {
		error = run__fail(run, "connect: %m");
	} else {
		error = parts__send(run, fd, self->before);
		run__hold(run);
		if (!error)
			error = parts__send(run, fd, self->then);
		run__expect(run, run->hold < 0 ? self->whole : self->held);
	}
	endpoint__finish(fd);
	return error;
}

#define BEFORE(title)                             \
	{                                         \
		.name = title, .run = before__run \
	}

const struct wire_case before_cases[] = {
	BEFORE("before-half-a-head"),
	BEFORE("before-an-empty-line"),
	BEFORE("before-a-last-byte"),
	BEFORE("before-a-value-like-a-request"),
	BEFORE("before-half-a-head-behind-a-response"),
	BEFORE("before-half-a-head-long-behind-a-response"),
	BEFORE("before-half-a-head-and-then-more"),
	BEFORE("before-idle"),
	BEFORE("before-idle-long-after-its-request"),
	BEFORE("before-idle-ipv6"),
	BEFORE("before-idle-mapped"),
	{.name = NULL},
};
