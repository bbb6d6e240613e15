/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The status of each response, paired with its request and counted by outcome.
 *
 * Segments are followed by their sequence numbers. One that is missed (reordering, which the
 * instance's own link does not do) ends the pairing on its connection, so that no pair is wrong.
 */
#ifndef IMDSTRACE_RESPONSES_H
#define IMDSTRACE_RESPONSES_H

#include "vmlinux.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "../include/abi.h"
#include "../include/http.h"
#include "filter.h"
#include "loop.h"
#include "maps.h"

#define ETH_P_IP           0x0800
#define ETH_P_IPV6         0x86dd
#define IPV6_HEADER_SIZE   40
#define RESPONSE_STEPS_MAX 256 /* of one packet: 32 KiB of heads, 8 KiB without bpf_loop() */

/* Counts a response to the request that waited for it, for the last sender: the requests of one
 * connection are one process's. */
static __always_inline void responses__count(
	struct connection *connection, u32 awaited, u32 outcome)
{
	struct process_stats *stats = bpf_map_lookup_elem(&process_stats, &connection->sender);
	u32 cls = awaited & AWAITED_CLASS;

	if (awaited & AWAITED_REHEARSED) { /* which the rehearsal's token caused */
		barrier_var(outcome);
		if (stats && outcome < OUTCOME_COUNT)
			ATOMIC_INC(&stats->rehearsed_responses[outcome]);
		return;
	}
	barrier_var(cls);
	barrier_var(outcome);
	if (cls >= CLASS_COUNT || outcome >= OUTCOME_COUNT)
		return;
	ATOMIC_INC(&counters.responses[cls][outcome]);
	if (stats)
		ATOMIC_INC(&stats->responses[cls][outcome]);
}

/* Counts the next pair, if it is there. */
LOOP_BODY responses__pair_next(u32 round, struct connection **context)
{
	struct connection *connection = *context;
	volatile struct connection *now = connection;
	u32 at = now->pairs_counted, slot = at & (AWAITED_MAX - 1);
	u8 outcome = OUTCOME_NONE;

	if (now->requests_seen == at)
		return 1;
	if (!now->responses_lost) {
		if (now->responses_seen == at)
			return 1;
		outcome = now->outcomes[slot];
	}
	responses__count(connection, now->awaited[slot], outcome);
	now->pairs_counted = at + 1;
	return 0;
}

/*
 * Counts the pairs of requests and responses that are not counted yet. Both sides call it after
 * having counted their own; where the other side holds the lock, the rest is left to the next call,
 * at the latest to the one at the close. Once responses are lost, each request's outcome is not
 * known, which is OUTCOME_NONE. Global for the same reason as parse__step().
 */
__noinline int responses__pair(u64 key)
{
	struct connection *connection = bpf_map_lookup_elem(&connections, &key);

	if (!connection)
		return 0;
	if (conn__trylock(&connection->pairing))
		LOOP(AWAITED_MAX, AWAITED_MAX, responses__pair_next, &connection);
	conn__unlock(&connection->pairing);
	return 0;
}

/* A request of this class was sent: its response is awaited. */
static __always_inline void responses__await(
	u64 key, struct connection *connection, enum request_class cls)
{
	struct http *http = &connection->requests;
	bool head = http->method_size == 4 && HTTP_BEGINS(http, method, "HEAD");
	u8 awaited = cls | (head ? AWAITED_HEAD : 0);

	if (connection->marked)
		awaited |= AWAITED_REHEARSED;
	if (connection->requests_seen - connection->pairs_counted >= AWAITED_MAX) {
		connection->responses_lost = true;
		responses__count(connection, awaited, OUTCOME_NONE);
		return;
	}
	connection->awaited[connection->requests_seen & (AWAITED_MAX - 1)] = awaited;
	ATOMIC_INC(&connection->requests_seen);
	responses__pair(key);
}

static __always_inline enum outcome responses__outcome(u16 status)
{
	if (status >= 200 && status < 300)
		return OUTCOME_OK;
	return status == 401 ? OUTCOME_REJECTED : OUTCOME_OTHER;
}

/* As parse__byte() for the other direction. */
LOOP_BODY responses__recognise_byte(u32 at, struct connection **context)
{
	volatile struct connection *result = *context;
	struct connection *connection = *context;
	enum http_event event;

	barrier_var(at);
	if (at >= SCRATCH_SIZE)
		return 1;
	event = http__byte(&connection->responses, connection->response_scratch[at]);
	result->response_scanned = at + 1;
	result->response_event = event;
	return event != HTTP_MORE;
}

static __always_inline void responses__recognise(struct connection *connection, u32 size)
{
	connection->response_scanned = 0;
	connection->response_event = HTTP_MORE;
	LOOP(size, SCRATCH_SIZE, responses__recognise_byte, &connection);
}

static __always_inline void responses__add(u64 key, struct connection *connection)
{
	struct http *http = &connection->responses;

	if (!http__final(http))
		return;
	if (connection->responses_seen - connection->pairs_counted >= AWAITED_MAX)
		connection->responses_lost = true;
	connection->outcomes[connection->responses_seen & (AWAITED_MAX - 1)] =
		responses__outcome(http->status);
	ATOMIC_INC(&connection->responses_seen);
	responses__pair(key);
}

/* One step through a packet's payload, as parse__step() is through a send. 0: it was the last.
 */
__noinline int responses__parse_step(struct __sk_buff *packet, u64 key)
{
	struct connection *connection = bpf_map_lookup_elem(&connections, &key);
	struct http *http;
	u32 size, number;

	if (!connection || !connection->response_left || connection->responses_lost)
		return 0;
	http = &connection->responses;
	/* whether a body follows is decided after the head, when it is counted already */
	number = connection->responses_seen - (http->state == S_FRAME && http__final(http));
	http->to_head = connection->awaited[number & (AWAITED_MAX - 1)] & AWAITED_HEAD;
	size = http__skip(http, connection->response_left);
	if (!size) {
		size = connection->response_left < SCRATCH_SIZE ? connection->response_left
								: SCRATCH_SIZE;
		/* verifiers before 6.4 do not learn from a comparison that it is not 0 */
		barrier_var(size);
		size = ((size - 1) & (SCRATCH_SIZE - 1)) + 1;
		if (bpf_skb_load_bytes(packet, connection->response_offset,
			    connection->response_scratch, size)) {
			connection->responses_lost = true;
			return 0;
		}
		responses__recognise(connection, size);
		size = connection->response_scanned;
		if (connection->response_event == HTTP_HEAD)
			responses__add(key, connection);
		else if (connection->response_event == HTTP_NOT)
			connection->responses_lost = true;
	}
	connection->response_offset += size;
	connection->response_left -= size;
	return 1;
}

struct response_steps {
	struct __sk_buff *packet;
	u64 key;
};

LOOP_BODY responses__step(u32 round, struct response_steps *steps)
{
	int result = responses__parse_step(steps->packet, steps->key);

	barrier_var(result); /* as in parse__loop_step() */
	return !result;
}

struct segment {
	u32 sequence;
	u32 offset; /* of its payload in the packet, which begins with the IP header */
	u32 size;   /* of its payload */
};

static __always_inline bool responses__parse(struct __sk_buff *packet, struct segment *segment)
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

/* Takes the part of a segment that is new. */
static __always_inline bool responses__take(
	struct connection *connection, const struct segment *segment)
{
	u32 known = connection->response_next - segment->sequence;

	if ((s32)known < 0) {
		connection->responses_lost = true;
		return false;
	}
	if (known >= segment->size)
		return false;
	connection->response_offset = segment->offset + known;
	connection->response_left = segment->size - known;
	connection->response_next += segment->size - known;
	return true;
}

/* A packet for a socket whose peer port is the endpoint's. */
static __always_inline void responses__packet(struct __sk_buff *packet, u64 key)
{
	struct connection *connection = bpf_map_lookup_elem(&connections, &key);
	struct response_steps steps = {packet, key};
	struct segment segment = {};

	if (!connection || connection->responses_lost || !responses__parse(packet, &segment) ||
		!segment.size)
		return;
	if (!conn__trylock(&connection->parsing_responses)) {
		connection->responses_lost = true;
	} else if (responses__take(connection, &segment)) {
		LOOP(RESPONSE_STEPS_MAX, RESPONSE_STEPS_MAX, responses__step, &steps);
		if (connection->response_left)
			connection->responses_lost = true;
	}
	conn__unlock(&connection->parsing_responses);
}

#endif
