/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What came back: the status of each response, paired with its request. Comes in: the segments
 * that a socket to the endpoint receives. Goes out: counts of outcomes.
 *
 * Segments are followed by their sequence numbers. One that is missed (reordering, which the
 * instance's own link does not do) ends the pairing on its connection rather than pair wrongly.
 */
#ifndef IMDSTRACE_ANSWERS_H
#define IMDSTRACE_ANSWERS_H

#include "vmlinux.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "../include/abi.h"
#include "../include/http.h"
#include "filter.h"
#include "loop.h"
#include "maps.h"

#define ETH_P_IP         0x0800
#define ETH_P_IPV6       0x86dd
#define IPV6_HEADER_SIZE 40
#define ANSWER_STEPS_MAX 256 /* of one packet: 32 KiB of heads, 8 KiB without bpf_loop() */

/* Counts an answer to what was awaited, for whoever sent last: a connection's requests are one
 * process's. */
static __always_inline void answers__count(struct connection *connection, u32 awaited, u32 outcome)
{
	struct account *account = bpf_map_lookup_elem(&accounts, &connection->sender);
	u32 class = awaited & AWAITED_CLASS;

	if (awaited & AWAITED_REHEARSED) { /* no outcome of the service's own */
		HTTP_INDEX(outcome);
		if (account && outcome < OUTCOME_COUNT)
			COUNT(account->rehearsed_answers[outcome]);
		return;
	}
	HTTP_INDEX(class);
	HTTP_INDEX(outcome);
	if (class >= CLASS_COUNT || outcome >= OUTCOME_COUNT)
		return;
	COUNT(counters.answers[class][outcome]);
	if (account)
		COUNT(account->answers[class][outcome]);
}

/* Counts the next pair, if it is there. */
LOOP_BODY pair__next(u32 round, struct connection **context)
{
	struct connection *connection = *context;
	volatile struct connection *now = connection;
	u32 at = now->paired, slot = at & (AWAITED_MAX - 1);
	u8 outcome = OUTCOME_NONE;

	if (now->asked == at)
		return 1;
	if (!now->answers_lost) {
		if (now->answered == at)
			return 1;
		outcome = now->outcomes[slot];
	}
	answers__count(connection, now->awaited[slot], outcome);
	now->paired = at + 1;
	return 0;
}

/*
 * Counts the pairs of requests and responses that are there and not counted. Both sides call it
 * after having counted up their own; who finds the other one at it leaves the rest to the next
 * call, at the latest to the one at the close. Once answers are lost every request's outcome is
 * one that cannot be told, which OUTCOME_NONE stands for. A global function, as step() is one.
 */
__noinline int pair(u64 key)
{
	struct connection *connection = bpf_map_lookup_elem(&connections, &key);

	if (!connection)
		return 0;
	ATOMIC_ADD(&connection->pairing, 1);
	if (*(volatile s32 *)&connection->pairing == 1)
		LOOP(AWAITED_MAX, AWAITED_MAX, pair__next, &connection);
	ATOMIC_ADD(&connection->pairing, -1);
	return 0;
}

/* A request that was sent, of the class that the recogniser's head is of. */
static __always_inline void answers__await(
	u64 key, struct connection *connection, enum request_class class)
{
	struct http *http = &connection->requests;
	bool head = http->method_size == 4 && HTTP_BEGINS(http, method, "HEAD");
	u8 awaited = class | (head ? AWAITED_HEAD : 0);

	if (connection->marked)
		awaited |= AWAITED_REHEARSED;
	if (connection->asked - connection->paired >= AWAITED_MAX) {
		connection->answers_lost = true;
		answers__count(connection, awaited, OUTCOME_NONE);
		return;
	}
	connection->awaited[connection->asked & (AWAITED_MAX - 1)] = awaited;
	ATOMIC_ADD(&connection->asked, 1);
	pair(key);
}

static __always_inline enum outcome answers__outcome(u16 status)
{
	if (status >= 200 && status < 300)
		return OUTCOME_OK;
	return status == 401 ? OUTCOME_REJECTED : OUTCOME_OTHER;
}

/* As send__recognise_byte() for the other direction. */
LOOP_BODY answers__recognise_byte(u32 at, struct connection **context)
{
	volatile struct connection *result = *context;
	struct connection *connection = *context;
	enum http_event event;

	HTTP_INDEX(at);
	if (at >= CHUNK_SIZE)
		return 1;
	event = http__byte(&connection->answers, connection->answer_chunk[at]);
	result->answer_scanned = at + 1;
	result->answer_event = event;
	return event != HTTP_MORE;
}

static __always_inline void answers__recognise(struct connection *connection, u32 size)
{
	connection->answer_scanned = 0;
	connection->answer_event = HTTP_MORE;
	LOOP(size, CHUNK_SIZE, answers__recognise_byte, &connection);
}

static __always_inline void answers__add(u64 key, struct connection *connection)
{
	struct http *http = &connection->answers;

	if (!http__final(http))
		return;
	if (connection->answered - connection->paired >= AWAITED_MAX)
		connection->answers_lost = true;
	connection->outcomes[connection->answered & (AWAITED_MAX - 1)] =
		answers__outcome(http->status);
	ATOMIC_ADD(&connection->answered, 1);
	pair(key);
}

/* One step through a packet's payload, as step() is one through a send. 0: it is over. */
__noinline int answer_step(struct __sk_buff *packet, u64 key)
{
	struct connection *connection = bpf_map_lookup_elem(&connections, &key);
	struct http *http;
	u32 size, answer;

	if (!connection || !connection->answer_left || connection->answers_lost)
		return 0;
	http = &connection->answers;
	/* whether a body follows is decided behind the head, when that one is counted already */
	answer = connection->answered - (http->state == S_FRAME && http__final(http));
	http->answers_head = connection->awaited[answer & (AWAITED_MAX - 1)] & AWAITED_HEAD;
	size = http__skip(http, connection->answer_left);
	if (!size) {
		size = connection->answer_left < CHUNK_SIZE ? connection->answer_left : CHUNK_SIZE;
		/* verifiers before 6.4 do not learn from a comparison that it is not 0 */
		HTTP_INDEX(size);
		size = ((size - 1) & (CHUNK_SIZE - 1)) + 1;
		if (bpf_skb_load_bytes(
			    packet, connection->answer_offset, connection->answer_chunk, size)) {
			connection->answers_lost = true;
			return 0;
		}
		answers__recognise(connection, size);
		size = connection->answer_scanned;
		if (connection->answer_event == HTTP_HEAD)
			answers__add(key, connection);
		else if (connection->answer_event == HTTP_NOT)
			connection->answers_lost = true;
	}
	connection->answer_offset += size;
	connection->answer_left -= size;
	return 1;
}

struct answer_steps {
	struct __sk_buff *packet;
	u64 key;
};

LOOP_BODY answers__step(u32 round, struct answer_steps *steps)
{
	int result = answer_step(steps->packet, steps->key);

	barrier_var(result); /* as in send__step() */
	return !result;
}

struct segment {
	u32 sequence;
	u32 offset; /* of its payload in the packet, which begins with the IP header */
	u32 size;   /* of its payload */
};

static __always_inline bool answers__parse(struct __sk_buff *packet, struct segment *segment)
{
	u8 byte = 0;
	u32 tcp = IPV6_HEADER_SIZE;
	__be32 sequence = 0;

	if (packet->protocol == bpf_htons(ETH_P_IP)) {
		if (bpf_skb_load_bytes(packet, 0, &byte, 1))
			return false;
		tcp = (byte & 0xf) * 4;
	} else if (bpf_skb_load_bytes(packet, 6, &byte, 1) || byte != IPPROTO_TCP) {
		return false; /* extension headers, which nobody sends here */
	}
	if (bpf_skb_load_bytes(packet, tcp + 4, &sequence, 4) ||
		bpf_skb_load_bytes(packet, tcp + 12, &byte, 1))
		return false;
	segment->sequence = bpf_ntohl(sequence);
	segment->offset = tcp + (byte >> 4) * 4;
	segment->size = packet->len > segment->offset ? packet->len - segment->offset : 0;
	return true;
}

/* Sets the account on the part of a segment that is new. */
static __always_inline bool answers__take(
	struct connection *connection, const struct segment *segment)
{
	u32 known = connection->answer_next - segment->sequence;

	if ((s32)known < 0) {
		connection->answers_lost = true;
		return false;
	}
	if (known >= segment->size)
		return false;
	connection->answer_offset = segment->offset + known;
	connection->answer_left = segment->size - known;
	connection->answer_next += segment->size - known;
	return true;
}

/* A packet for a socket whose peer port is the endpoint's. */
static __always_inline void answers__packet(struct __sk_buff *packet, u64 key)
{
	struct connection *connection = bpf_map_lookup_elem(&connections, &key);
	struct answer_steps steps = {packet, key};
	struct segment segment = {};

	if (!connection || connection->answers_lost || !answers__parse(packet, &segment) ||
		!segment.size)
		return;
	ATOMIC_ADD(&connection->answer_users, 1);
	if (*(volatile s32 *)&connection->answer_users != 1) {
		connection->answers_lost = true;
	} else if (answers__take(connection, &segment)) {
		LOOP(ANSWER_STEPS_MAX, ANSWER_STEPS_MAX, answers__step, &steps);
		if (connection->answer_left)
			connection->answers_lost = true;
	}
	ATOMIC_ADD(&connection->answer_users, -1);
}

#endif
