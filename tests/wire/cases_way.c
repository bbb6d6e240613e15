/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Each way of sending: one request after the other, then all of them at once. */
#include "standard.h"
#include "wire.h"

#define ROW(by)                                                                       \
	{                                                                             \
		.name = "way-" by, TEXT(ALL_TEXT), .expect = {ALL_EVENTS}, .way = by, \
		.cut = CUT_HEADS, .everything_twice = true                            \
	}

const struct wire_case way_cases[] = {
	ROW("send"),
	ROW("write"),
	ROW("sendto"),
	ROW("sendmsg"),
	ROW("sendmmsg"),
	ROW("writev"),
	ROW("writev-bytes"),
	ROW("writev-empties"),
	ROW("pwritev2"),
	ROW("more"),
	ROW("cork"),
	ROW("nonblocking"),
	ROW("zerocopy"),
	ROW("aio"),
	ROW("duplicate"),
	ROW("empty-sends"),
	ROW("sendfile"),
	ROW("splice"),
	ROW("vmsplice"),
	ROW("uring-send"),
	ROW("uring-write"),
	ROW("uring-writev"),
	ROW("uring-sendmsg"),
	ROW("uring-fixed"),
	ROW("uring-send-zc"),
	ROW("uring-async"),
	ROW("uring-sqpoll"),
	ROW("guard-page"),
	ROW("stale-tail"),
	ROW("cold-page"),
	ROW("cold-private-page"),
	ROW("cold-second-page"),
	ROW("cold-iovec"),
	ROW("dropped-page"),
	ROW("evicted-page"),
	ROW("uncached-file"),
	{.name = NULL},
};
