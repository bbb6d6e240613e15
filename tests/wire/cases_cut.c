/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Each way to cut requests into sends, and heads up to the largest that is recognised. */
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>

#include "lib/array.h"
#include "lib/scope.h"
#include "standard.h"
#include "wire.h"

#define HEAD_MAX 16384 /* with the empty line at its end */

/* GET of AMI with a header in front that fills it up to size, and a token header as its last line.
 */
static char *head__of(size_t size, const char *last)
{
	static const char start[] = "GET " AMI " HTTP/1.1\r\n" HOST "X-Fill: ";
	size_t start_size = sizeof(start) - 1, last_size = strlen(last);
	char *head = malloc(size + 1);

	if (!head)
		return NULL;
	memset(head, 'x', size);
	memcpy(head, start, start_size);
	memcpy(head + size - last_size, last, last_size);
	head[size] = '\0';
	return head;
}

static int send_head(struct run *run, size_t size, const char *last, enum cut cut,
	const struct expected *expected)
{
	_free_ char *head = head__of(size, last);
	int fd = endpoint__connect(run, SOCKET_IPV4);
	int error;

	if (fd < 0)
		return fd;
	error = run__send_cut(run, "send", cut, fd, head, size);
	run__expect(run, expected);
	endpoint__finish(fd);
	return error;
}

#define LAST_TOKEN "\r\n" TOKEN_NAME ": AQAEAwire==\r\n\r\n"
#define LAST_OTHER "\r\nAccept: */*\r\n\r\n"

static const struct expected is_v1[] = {V1("GET", AMI), {0}};
static const struct expected is_v2[] = {V2("GET", AMI), {0}};
static const struct expected is_unknown[] = {UNKNOWN, {0}};

static int largest_head(struct run *run)
{
	return send_head(run, HEAD_MAX, LAST_TOKEN, CUT_NOWHERE, is_v2);
}

static int largest_head_in_pieces(struct run *run)
{
	return send_head(run, HEAD_MAX, LAST_TOKEN, CUT_PRIMES, is_v2);
}

static int largest_head_without_token(struct run *run)
{
	return send_head(run, HEAD_MAX, LAST_OTHER, CUT_NOWHERE, is_v1);
}

static int head_of_8k(struct run *run)
{
	return send_head(run, 8192, LAST_TOKEN, CUT_NOWHERE, is_v2);
}

static int head_of_4k_by_bytes(struct run *run)
{
	return send_head(run, 4096, LAST_TOKEN, CUT_BYTES, is_v2);
}

static int head_too_large_by_one(struct run *run)
{
	return send_head(run, HEAD_MAX + 1, LAST_TOKEN, CUT_NOWHERE, is_unknown);
}

static int head_too_large_in_pieces(struct run *run)
{
	return send_head(run, HEAD_MAX + 1, LAST_OTHER, CUT_PRIMES, is_unknown);
}

static int head_far_too_large(struct run *run)
{
	return send_head(run, 50000, LAST_OTHER, CUT_NOWHERE, is_unknown);
}

/* Each iovec holds 16 bytes of the head, all 1,024 of them in one call. */
static int largest_head_in_1024_iovecs(struct run *run)
{
	_free_ char *head = head__of(HEAD_MAX, LAST_TOKEN);
	struct iovec pieces[1024];
	int fd = endpoint__connect(run, SOCKET_IPV4);

	if (fd < 0)
		return fd;
	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++)
		pieces[i] = (struct iovec){head + i * 16, 16};
	if (writev(fd, pieces, ARRAY_SIZE(pieces)) != HEAD_MAX)
		return run__fail(run, "writev was cut short");
	run__expect(run, is_v2);
	endpoint__finish(fd);
	return 0;
}

/* The token header stands alone in the iovec at that place, all others before it are empty. */
static int token_in_iovec(struct run *run, size_t place)
{
	struct iovec pieces[1024] = {0};
	int fd = endpoint__connect(run, SOCKET_IPV4);
	char start[] = "GET " AMI " HTTP/1.1\r\n" HOST;
	char token[] = TOKEN_NAME ": AQAEAwire==\r\n";
	char end[] = "\r\n";

	if (fd < 0)
		return fd;
	pieces[0] = (struct iovec){start, strlen(start)};
	pieces[place] = (struct iovec){token, strlen(token)};
	pieces[1023] = (struct iovec){end, strlen(end)};
	if (writev(fd, pieces, ARRAY_SIZE(pieces)) < 0)
		return run__fail(run, "writev: %m");
	run__expect(run, is_v2);
	endpoint__finish(fd);
	return 0;
}

static int token_in_second_iovec(struct run *run)
{
	return token_in_iovec(run, 1);
}

static int token_in_middle_iovec(struct run *run)
{
	return token_in_iovec(run, 512);
}

static int token_in_last_iovec_but_one(struct run *run)
{
	return token_in_iovec(run, 1022);
}

/* Sends the text count times over one connection, group of them at once. */
static int repeat(struct run *run, const char *text, unsigned int count, unsigned int group,
	const struct expected *expected)
{
	size_t size = strlen(text);
	_free_ char *all = malloc(size * group);
	int fd = endpoint__connect(run, SOCKET_IPV4);
	int error = 0;

	if (fd < 0)
		return fd;
	for (unsigned int i = 0; all && i < group; i++)
		memcpy(all + i * size, text, size);
	for (unsigned int i = 0; i < count && !error; i += group) {
		error = run__send(run, "send", fd, all, size * group);
		for (unsigned int j = 0; j < group; j++)
			run__expect(run, expected);
	}
	endpoint__finish(fd);
	return error;
}

static const struct expected is_v1_event[] = {V1_EVENT, {0}};
static const struct expected is_all_events[] = {ALL_EVENTS, {0}};

static int one_after_another(struct run *run)
{
	return repeat(run, V1_TEXT, 100, 1, is_v1_event);
}

static int hundreds_in_one_send(struct run *run)
{
	return repeat(run, "GET " AMI " HTTP/1.1\r\n\r\n", 300, 300, is_v1);
}

static int classes_mixed_in_one_send(struct run *run)
{
	return repeat(run, ALL_TEXT, 40, 40, is_all_events);
}

/* Sends whose ends fall anywhere but between requests. */
static int pipelined_out_of_step(struct run *run)
{
	char text[(sizeof(ALL_TEXT) - 1) * 10 + 1] = "";
	int fd = endpoint__connect(run, SOCKET_IPV4);
	int error;

	if (fd < 0)
		return fd;
	for (int i = 0; i < 10; i++) {
		memcpy(text + i * (sizeof(ALL_TEXT) - 1), ALL_TEXT, sizeof(ALL_TEXT));
		run__expect(run, is_all_events);
	}
	error = run__send_cut(run, "send", CUT_PRIMES, fd, text, strlen(text));
	endpoint__finish(fd);
	return error;
}

#define ROW(by, where)                                                           \
	{                                                                        \
		.name = by, TEXT(ALL_TEXT), .expect = {ALL_EVENTS}, .cut = where \
	}
#define WRITTEN(by, where)                                                                       \
	{                                                                                        \
		.name = by, TEXT(ALL_TEXT), .expect = {ALL_EVENTS}, .cut = where, .way = "write" \
	}
const struct wire_case cut_cases[] = {
	ROW("cut-nowhere", CUT_NOWHERE),
	ROW("cut-between-requests", CUT_HEADS),
	ROW("cut-line-by-line", CUT_LINES),
	ROW("cut-between-cr-and-lf", CUT_LINE_ENDS),
	ROW("cut-in-header-names", CUT_NAMES),
	ROW("cut-byte-by-byte", CUT_BYTES),
	ROW("cut-in-primes", CUT_PRIMES),
	ROW("cut-with-pauses", CUT_LINES_SLOWLY),
	WRITTEN("written-line-by-line", CUT_LINES),
	WRITTEN("written-byte-by-byte", CUT_BYTES),
	RUN("one-after-another", one_after_another),
	RUN("hundreds-in-one-send", hundreds_in_one_send),
	RUN("classes-mixed-in-one-send", classes_mixed_in_one_send),
	RUN("pipelined-out-of-step", pipelined_out_of_step),
	RUN("head-of-16k", largest_head),
	RUN("head-of-16k-in-pieces", largest_head_in_pieces),
	RUN("head-of-16k-v1", largest_head_without_token),
	RUN("head-of-16k-in-1024-iovecs", largest_head_in_1024_iovecs),
	RUN("head-of-8k", head_of_8k),
	RUN("head-of-4k-byte-by-byte", head_of_4k_by_bytes),
	RUN("head-of-16k-and-one", head_too_large_by_one),
	RUN("head-of-16k-and-one-in-pieces", head_too_large_in_pieces),
	RUN("head-of-50k", head_far_too_large),
	RUN("token-in-second-iovec", token_in_second_iovec),
	RUN("token-in-iovec-512", token_in_middle_iovec),
	RUN("token-in-iovec-1022", token_in_last_iovec_but_one),
	{.name = NULL},
};
