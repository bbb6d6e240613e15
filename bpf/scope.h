/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Whether the current process is in the scope of a rehearsal, by its cgroup's path or its pid. A
 * cgroup's number would not do: systemd makes a service's cgroup anew at each start.
 */
#ifndef IMDSTRACE_SCOPE_H
#define IMDSTRACE_SCOPE_H

#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include "../include/cgroup_path.h"
#include "compat.h"
#include "identity.h"
#include "loop.h"
#include "maps.h"

#define NAME_SCRATCH 32

/* What is requests_seen for: every process, or those of the maps. */
const volatile bool scope_is_everything = false;
const volatile bool scope_has_cgroups = false;
const volatile bool scope_has_pids = false;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SCOPE_CGROUPS_MAX);
	__type(key, u64); /* cgroup_path.h */
	__type(value, u8);
} scope_cgroups SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SCOPE_PIDS_MAX);
	__type(key, u32); /* the process's number, until it ends */
	__type(value, u8);
} scope_pids SEC(".maps");

/* A cgroup's path while it is hashed, from the root to the leaf. */
struct scope_walk {
	u64 nodes[CGROUP_DEPTH_MAX]; /* from the leaf to the root */
	u64 hash, node;
	u64 count;
	u64 found;
};

/* A name of that path, likewise. */
struct scope_name {
	u64 name, hash;
	u8 scratch[NAME_SCRATCH];
};

LOOP_BODY scope__climb(u32 round, struct scope_walk *walk)
{
	struct kernfs_node *node = (struct kernfs_node *)walk->node, *parent;

	barrier_var(round);
	if (!node || round >= CGROUP_DEPTH_MAX)
		return 1;
	parent = kernfs_node__parent(node);
	if (!parent)
		return 1; /* the root has no name */
	walk->nodes[round] = (u64)node;
	walk->count = round + 1;
	walk->node = (u64)parent;
	return 0;
}

LOOP_BODY scope__hash_byte(u32 round, struct scope_name *name)
{
	barrier_var(round);
	if (round >= NAME_SCRATCH || !name->scratch[round])
		return 1;
	name->hash = cgroup_path__hash_byte(name->hash, name->scratch[round]);
	return 0;
}

/* A part of a name. */
LOOP_BODY scope__hash_chunk(u32 round, struct scope_name *name)
{
	long size = bpf_probe_read_kernel_str(name->scratch, NAME_SCRATCH,
		(const void *)(name->name + round * (NAME_SCRATCH - 1)));

	if (size <= 1)
		return 1;
	LOOP(NAME_SCRATCH, NAME_SCRATCH, scope__hash_byte, name);
	return size < NAME_SCRATCH;
}

/*
 * The hash of a path that has one more name at its end. Without bpf_loop() it is a global function,
 * so that the verifier looks at its loops once, and not for each cgroup of a path; with it, one
 * more frame would be too much for a stack of 512 bytes.
 */
#ifdef LOOP_BY_HELPER
#define HASH_NAME static __always_inline u64
#else
#define HASH_NAME __noinline u64
#endif

HASH_NAME scope__hash_name(u64 at, u64 hash)
{
	struct scope_name name = {.name = at, .hash = hash};

	LOOP(COMPONENT_MAX / (NAME_SCRATCH - 1) + 1, COMPONENT_MAX / (NAME_SCRATCH - 1) + 1,
		scope__hash_chunk, &name);
	return name.hash;
}

/* The next cgroup towards the leaf: whether it is in the scope, and with it all below. */
LOOP_BODY scope__descend(u32 round, struct scope_walk *walk)
{
	u64 at = walk->count - 1 - round;
	const struct kernfs_node *node;

	barrier_var(at);
	if (at >= CGROUP_DEPTH_MAX)
		return 1;
	node = (const void *)walk->nodes[at];
	walk->hash = cgroup_path__hash_byte(walk->hash, '/');
	walk->hash = scope__hash_name((u64)BPF_CORE_READ(node, name), walk->hash);
	walk->found = bpf_map_lookup_elem(&scope_cgroups, &walk->hash) != NULL;
	return walk->found;
}

static __always_inline bool scope__has_cgroup_of(struct task_struct *task)
{
	struct scope_walk walk = {.hash = CGROUP_PATH_HASH_START};
	struct cgroup *cgroup;
	u8 v1;

	cgroup = cgroup__of(task, &v1);
	walk.node = (u64)BPF_CORE_READ(cgroup, kn);
	LOOP(CGROUP_DEPTH_MAX, CGROUP_DEPTH_MAX, scope__climb, &walk);
	LOOP(walk.count, CGROUP_DEPTH_MAX, scope__descend, &walk);
	return walk.found;
}

static __always_inline bool scope__has_pid_of(struct task_struct *task)
{
	u32 pid = BPF_CORE_READ(task, tgid);

	return bpf_map_lookup_elem(&scope_pids, &pid);
}

/* Whether the current process is in the scope. A global function, so that the verifier looks at it
 * once. */
__noinline int scope__has_current(void)
{
	struct task_struct *leader = identity__task();

	if (scope_is_everything)
		return true;
	if (!leader)
		return false;
	if (scope_has_pids && scope__has_pid_of(leader))
		return true;
	return scope_has_cgroups && scope__has_cgroup_of(leader);
}

#endif
