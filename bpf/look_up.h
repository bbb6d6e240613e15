/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What user space asks about one process: its counts, who it is, or to forget both. */
#ifndef IMDSTRACE_LOOK_UP_H
#define IMDSTRACE_LOOK_UP_H

#include "maps.h"

struct process_stats asked_stats = {};
struct identity asked_identity = {};

static __always_inline bool look_up__stats(const struct process_key *key)
{
	const struct process_stats *stats = bpf_map_lookup_elem(&process_stats, key);

	return stats && !bpf_probe_read_kernel(&asked_stats, sizeof(asked_stats), stats);
}

/* Once it is complete, and once only. */
static __always_inline bool look_up__identity(const struct process_key *key)
{
	const struct identity *identity = bpf_map_lookup_elem(&identities, key);

	if (!identity || !identity->ready ||
		bpf_probe_read_kernel(&asked_identity, sizeof(asked_identity), identity))
		return false;
	bpf_map_delete_elem(&identities, key);
	return true;
}

static __always_inline bool look_up__answer(u64 question, const struct process_key *key)
{
	switch (question) {
	case ASK_STATS:
		return look_up__stats(key);
	case ASK_IDENTITY:
		return look_up__identity(key);
	case ASK_TO_FORGET:
		bpf_map_delete_elem(&process_stats, key);
		bpf_map_delete_elem(&identities, key);
		return true;
	}
	return false;
}

#endif
