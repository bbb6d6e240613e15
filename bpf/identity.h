/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Captures the identity of the current process, once, while it is still there. */
#ifndef IMDSTRACE_IDENTITY_H
#define IMDSTRACE_IDENTITY_H

#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include "../include/abi.h"
#include "../include/http.h"
#include "../include/mask.h"
#include "compat.h"
#include "loop.h"
#include "maps.h"

#define PF_KTHREAD    0x00200000
#define COMPONENT_MAX 256 /* NAME_MAX and a NUL */
#define CGROUP_LINKS_MAX \
	24 /* hierarchies of a machine: a dozen v1 controllers and some named ones */
#define CGROUP_DEPTH_MAX 24
#define PATH_STEPS_MAX   (PATH_COMPONENTS_MAX + 8) /* and the mounts crossed on the way */

/* The process's main thread, for which a kernel thread may be working: before 5.12 io_uring's
 * workers are kernel threads that borrow the process's memory. NULL: a kernel thread of its own. */
static __always_inline struct task_struct *identity__task(void)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct mm_struct *mm;

	if (!(BPF_CORE_READ(task, flags) & PF_KTHREAD))
		return BPF_CORE_READ(task, group_leader);
	mm = BPF_CORE_READ(task, mm);
	if (!mm || !bpf_core_field_exists(mm->owner))
		return NULL;
	task = BPF_CORE_READ(mm, owner);
	return task ? BPF_CORE_READ(task, group_leader) : NULL;
}

static __always_inline void identity__key(struct task_struct *leader, struct process_key *key)
{
	key->start_ns = BPF_CORE_READ(leader, start_boottime);
	key->pid = BPF_CORE_READ(leader, tgid);
	key->exec_count = BPF_CORE_READ(leader, self_exec_id);
}

/*
 * Appends a kernel string with its NUL, where there is room. The end of the text is kept in the
 * entry, not in a register: what the verifier does not know about a number it does not follow
 * into every value, and the loops below stay cheap to verify.
 */
static __always_inline bool identity__append(struct identity *identity, const void *string)
{
	u32 at = identity->text_size;
	long size;

	barrier_var(at);
	if (at > IDENTITY_TEXT_MAX - COMPONENT_MAX)
		return false;
	size = bpf_probe_read_kernel_str(&identity->text[at], COMPONENT_MAX, string);
	if (size < 2 || size > COMPONENT_MAX)
		return false;
	identity->text_size = at + size;
	return true;
}

/* Where a walk from a file to the root of its mount namespace is. */
struct walk {
	struct identity *identity;
	struct vfsmount *vfsmount;
	struct dentry *dentry;
	u64 whole; /* it has come to its end */
};

LOOP_BODY walk__step(u32 round, struct walk *walk)
{
	struct vfsmount *vfsmount = walk->vfsmount;
	struct dentry *dentry = walk->dentry, *parent;

	if (dentry == BPF_CORE_READ(vfsmount, mnt_root)) {
		struct mount *mount = (void *)vfsmount - bpf_core_field_offset(struct mount, mnt);
		struct mount *above = BPF_CORE_READ(mount, mnt_parent);

		if (above == mount) {
			walk->whole = 1;
			return 1;
		}
		walk->dentry = BPF_CORE_READ(mount, mnt_mountpoint);
		walk->vfsmount = (void *)above + bpf_core_field_offset(struct mount, mnt);
		return 0;
	}
	if (!identity__append(walk->identity, BPF_CORE_READ(dentry, d_name.name)))
		return 1;
	parent = BPF_CORE_READ(dentry, d_parent);
	if (parent == dentry) { /* a file without a place, as of memfd_create */
		walk->whole = 1;
		return 1;
	}
	walk->dentry = parent;
	return 0;
}

/* A file's path, from the leaf to the root of the mount namespace it was mounted in. */
static __always_inline void identity__path(struct identity *identity, struct file *file)
{
	struct walk walk = {
		.identity = identity,
		.vfsmount = BPF_CORE_READ(file, f_path.mnt),
		.dentry = BPF_CORE_READ(file, f_path.dentry),
	};

	LOOP(PATH_STEPS_MAX, PATH_STEPS_MAX, walk__step, &walk);
	if (!walk.whole)
		identity->exe_cut = 1;
}

/*
 * Appends the path of the program that runs in mm (NULL: a kernel thread) to the identity of the
 * key's parts. A global function, which takes numbers alone: the verifier looks at it once, not
 * once for each ancestor.
 */
__noinline int append_exe(u64 mm, u64 start_ns, u32 pid, u32 exec_count)
{
	struct process_key key = {.start_ns = start_ns, .pid = pid, .exec_count = exec_count};
	struct identity *identity = bpf_map_lookup_elem(&identities, &key);
	struct file *file = mm ? BPF_CORE_READ((struct mm_struct *)mm, exe_file) : NULL;

	if (identity && file)
		identity__path(identity, file);
	return 0;
}

/* The size of what append_exe() appends. */
static __always_inline u16 identity__exe(struct identity *identity, struct mm_struct *mm)
{
	u16 start = identity->text_size;

	append_exe((u64)mm, identity->key.start_ns, identity->key.pid, identity->key.exec_count);
	return identity->text_size - start;
}

static __always_inline bool cgroup__is_root(struct cgroup *cgroup)
{
	return !cgroup || !kernfs_node__parent(BPF_CORE_READ(cgroup, kn));
}

/* A search through a task's cgroups, one for each hierarchy. */
struct search {
	u64 head, at;
	struct cgroup *found;
};

LOOP_BODY search__step(u32 round, struct search *search)
{
	struct cgrp_cset_link *link =
		(void *)search->at - bpf_core_field_offset(struct cgrp_cset_link, cgrp_link);
	struct cgroup *cgroup;
	struct cgroup_root *root;
	char name[8] = {};

	if (!search->at || search->at == search->head)
		return 1;
	cgroup = BPF_CORE_READ(link, cgrp);
	root = BPF_CORE_READ(cgroup, root);
	bpf_probe_read_kernel(
		name, sizeof(name), (void *)root + bpf_core_field_offset(struct cgroup_root, name));
	if (name[0] == 's' && name[1] == 'y' && name[2] == 's' && name[3] == 't' &&
		name[4] == 'e' && name[5] == 'm' && name[6] == 'd' && !name[7]) {
		search->found = cgroup;
		return 1;
	}
	search->at = (u64)BPF_CORE_READ(link, cgrp_link.next);
	return 0;
}

/* systemd's own v1 hierarchy has no controller: it is found among the links, by name. */
static __noinline struct cgroup *cgroup__of_systemd(struct css_set *set)
{
	struct search search = {
		.head = (u64)set + bpf_core_field_offset(struct css_set, cgrp_links),
		.at = (u64)BPF_CORE_READ(set, cgrp_links.next),
	};

	LOOP(CGROUP_LINKS_MAX, CGROUP_LINKS_MAX, search__step, &search);
	return search.found;
}

/* The same loads as BPF_CORE_READ(set, subsys[id]), whose index would have to be a constant. */
static __always_inline struct cgroup *cgroup__of_subsystem(struct css_set *set, u32 id)
{
	struct cgroup_subsys_state *state = NULL;

	bpf_probe_read_kernel(&state, sizeof(state),
		(void *)set + bpf_core_field_offset(struct css_set, subsys) + id * sizeof(void *));
	return state ? BPF_CORE_READ(state, cgroup) : NULL;
}

#define CGROUP_OF_SUBSYSTEM(set, id)                                                   \
	(bpf_core_enum_value_exists(enum cgroup_subsys_id, id)                         \
			? cgroup__of_subsystem(                                        \
				  set, bpf_core_enum_value(enum cgroup_subsys_id, id)) \
			: NULL)

/* Where the process lives: cgroup2 unless that says nothing, then systemd's own hierarchy of
 * cgroup v1, then the v1 controllers that every container runtime uses. */
static __always_inline struct cgroup *cgroup__of(struct task_struct *task, u8 *v1)
{
	struct css_set *set = BPF_CORE_READ(task, cgroups);
	struct cgroup *root = BPF_CORE_READ(set, dfl_cgrp);
	struct cgroup *cgroup = root;

	if (!cgroup__is_root(cgroup))
		return cgroup;
	*v1 = 1;
	cgroup = cgroup__of_systemd(set);
	if (!cgroup__is_root(cgroup))
		return cgroup;
	cgroup = CGROUP_OF_SUBSYSTEM(set, pids_cgrp_id);
	if (!cgroup__is_root(cgroup))
		return cgroup;
	cgroup = CGROUP_OF_SUBSYSTEM(set, memory_cgrp_id);
	if (!cgroup__is_root(cgroup))
		return cgroup;
	cgroup = CGROUP_OF_SUBSYSTEM(set, cpu_cgrp_id);
	if (!cgroup__is_root(cgroup))
		return cgroup;
	*v1 = 0;
	return root;
}

/* Where a walk from a cgroup to the root of its hierarchy is. */
struct climb {
	struct identity *identity;
	struct kernfs_node *node;
};

LOOP_BODY climb__step(u32 round, struct climb *climb)
{
	struct kernfs_node *node = climb->node, *parent;

	if (!node)
		return 1;
	parent = kernfs_node__parent(node);
	if (!parent || !identity__append(climb->identity, BPF_CORE_READ(node, name)))
		return 1; /* the root has no name */
	climb->node = parent;
	return 0;
}

static __always_inline u16 identity__cgroup(struct identity *identity, struct task_struct *task)
{
	struct cgroup *cgroup = cgroup__of(task, &identity->cgroup_v1);
	struct climb climb = {identity, BPF_CORE_READ(cgroup, kn)};
	u16 start = identity->text_size;

	LOOP(CGROUP_DEPTH_MAX, CGROUP_DEPTH_MAX, climb__step, &climb);
	return identity->text_size - start;
}

/*
 * The machine's first network namespace: that of the first task, from which the first process
 * descends. The pid namespace behind a pid's first number is the machine's first one, and its
 * reaper the first process. init_net itself is a symbol that only /proc/kallsyms resolves, which
 * lockdown and kptr_restrict may hide.
 */
static __always_inline struct net *network__first(struct task_struct *task)
{
	struct pid_namespace *pids = BPF_CORE_READ(task, thread_pid, numbers[0].ns);

	return pids ? BPF_CORE_READ(pids, child_reaper, real_parent, nsproxy, net_ns) : NULL;
}

/* A thread may have a network of its own, so it is the current one's that counts, not its process's
 * main thread's; a kernel thread that works for a process has the kernel's. */
static __always_inline u8 identity__network(struct task_struct *current, struct task_struct *leader)
{
	struct task_struct *task = BPF_CORE_READ(current, flags) & PF_KTHREAD ? leader : current;
	struct net *network = BPF_CORE_READ(task, nsproxy, net_ns);
	struct net *first = network__first(current);

	if (!network || !first)
		return NETWORK_UNKNOWN;
	return network == first ? NETWORK_HOST : NETWORK_OWN;
}

#define MASK_CHUNK 4

/* What the masking of arguments keeps from part to part, in the entry's scratch. */
struct masking {
	struct mask mask;
	struct mask_look look;
	u8 ahead[ARGS_MAX]; /* enum mask_ahead of each byte */
};

_Static_assert(sizeof(struct masking) <= IDENTITY_SCRATCH, "masking has room");

/* Keeps the compiler from holding a state in registers from round to round: the verifier would
 * follow each of its values. */
#define FORGET_REGISTERS() asm volatile("" ::: "memory")

/*
 * Looks ahead from, or masks, MASK_CHUNK bytes of the arguments of the identity of the key's parts.
 * Global functions, which take numbers alone: the verifier looks at each once, not once for each
 * part, and before 5.17 a loop over all bytes has more branches than it follows.
 */
__noinline int mask_look(u64 start_ns, u32 pid, u32 exec_count, u32 from)
{
	struct process_key key = {.start_ns = start_ns, .pid = pid, .exec_count = exec_count};
	struct identity *identity = bpf_map_lookup_elem(&identities, &key);
	struct masking *masking;
	u32 start;

	if (!identity)
		return 0;
	masking = (void *)identity->scratch;
	start = (u32)identity->exe_size + identity->cgroup_size;
#pragma clang loop unroll(disable)
	for (u32 i = 0; i < MASK_CHUNK; i++) {
		u32 at = (from + (MASK_CHUNK - 1 - i)) & (ARGS_MAX - 1);
		u32 place = (start + at) & (IDENTITY_TEXT_MAX - 1);

		FORGET_REGISTERS();
		barrier_var(place);
		if (at < identity->args_size)
			masking->ahead[at] = mask__look(&masking->look, identity->text[place]);
	}
	return 0;
}

__noinline int mask_bytes(u64 start_ns, u32 pid, u32 exec_count, u32 from)
{
	struct process_key key = {.start_ns = start_ns, .pid = pid, .exec_count = exec_count};
	struct identity *identity = bpf_map_lookup_elem(&identities, &key);
	struct masking *masking;
	u32 start;

	if (!identity)
		return 0;
	masking = (void *)identity->scratch;
	start = (u32)identity->exe_size + identity->cgroup_size;
#pragma clang loop unroll(disable)
	for (u32 i = 0; i < MASK_CHUNK; i++) {
		u32 at = (from + i) & (ARGS_MAX - 1);
		u32 place = (start + at) & (IDENTITY_TEXT_MAX - 1);

		FORGET_REGISTERS();
		barrier_var(place);
		if (at < identity->args_size &&
			mask__step(&masking->mask, identity->text[place], masking->ahead[at]))
			identity->text[place] = '*';
	}
	return 0;
}

LOOP_BODY mask__look_chunk(u32 round, struct process_key *key)
{
	mask_look(key->start_ns, key->pid, key->exec_count, ARGS_MAX - (round + 1) * MASK_CHUNK);
	return 0;
}

LOOP_BODY mask__chunk(u32 round, struct process_key *key)
{
	mask_bytes(key->start_ns, key->pid, key->exec_count, round * MASK_CHUNK);
	return 0;
}

/* Masks secrets in the arguments. What it kept of them on the way is wiped out. */
static __always_inline void identity__mask(struct identity *identity)
{
	struct masking *masking = (void *)identity->scratch;
	struct process_key key = identity->key;

	mask__look_from_end(&masking->look, identity->args_total > identity->args_size);
	LOOP(ARGS_MAX / MASK_CHUNK, ARGS_MAX / MASK_CHUNK, mask__look_chunk, &key);
	LOOP(ARGS_MAX / MASK_CHUNK, ARGS_MAX / MASK_CHUNK, mask__chunk, &key);
	__builtin_memset(masking, 0, offsetof(struct masking, ahead));
}

static __always_inline u16 identity__args(struct identity *identity, struct mm_struct *mm)
{
	u64 start = BPF_CORE_READ(mm, arg_start);
	u64 total = BPF_CORE_READ(mm, arg_end) - start;
	u32 size = total < ARGS_MAX ? total : ARGS_MAX;
	u32 at = identity->text_size;

	identity->args_total = total;
	barrier_var(size);
	barrier_var(at);
	if (!size || size > ARGS_MAX || at > IDENTITY_TEXT_MAX - ARGS_MAX ||
		bpf_probe_read_user(&identity->text[at], size, (void *)start))
		return 0;
	identity->text_size = at + size;
	identity->args_size = size;
	identity__mask(identity);
	return size;
}

struct ascent {
	struct identity *identity;
	struct task_struct *task;
};

LOOP_BODY ascent__step(u32 round, struct ascent *ascent)
{
	struct identity *identity = ascent->identity;
	struct task_struct *task = ascent->task;
	struct ancestor *ancestor;

	barrier_var(round);
	if (round >= ANCESTORS_MAX)
		return 1;
	ancestor = &identity->ancestors[round];
	task = BPF_CORE_READ(task, real_parent, group_leader);
	ascent->task = task;
	ancestor->pid = BPF_CORE_READ(task, tgid);
	if (!ancestor->pid)
		return 1;
	ancestor->start_ns = BPF_CORE_READ(task, start_boottime);
	BPF_CORE_READ_STR_INTO(&ancestor->comm, task, comm);
	ancestor->exe_size = identity__exe(identity, BPF_CORE_READ(task, mm));
	identity->ancestor_count = round + 1;
	return 0;
}

static __always_inline void identity__ancestors(struct identity *identity, struct task_struct *task)
{
	struct ascent ascent = {identity, task};

	LOOP(ANCESTORS_MAX, ANCESTORS_MAX, ascent__step, &ascent);
}

/* Fills the entry in place. The memory is the current thread's: the main thread may have left. */
static __always_inline void identity__fill(struct identity *identity, struct task_struct *task)
{
	struct task_struct *current = (struct task_struct *)bpf_get_current_task();
	struct mm_struct *mm = BPF_CORE_READ(current, mm);

	identity->uid = BPF_CORE_READ(task, cred, uid.val);
	identity->network = identity__network(current, task);
	BPF_CORE_READ_STR_INTO(&identity->comm, task, comm);
	identity->exe_size = identity__exe(identity, mm);
	identity->cgroup_size = identity__cgroup(identity, task);
	identity->args_size = identity__args(identity, mm);
	identity__ancestors(identity, task);
	identity->ready = 1;
}

/*
 * Makes sure that the current process has counts and, once, an identity. 0, or -1 where there is no
 * process (a kernel thread) or their map is full. A process for whose identity the map is full is
 * counted as unnamed, and user space looks in /proc instead.
 * A global function, so that the verifier looks at it once.
 */
__noinline int identity__ensure(void)
{
	struct task_struct *leader = identity__task();
	struct process_key key = {};
	struct identity *identity;
	struct process_stats *stats;

	if (!leader)
		return -1;
	identity__key(leader, &key);
	stats = bpf_map_lookup_elem(&process_stats, &key);
	if (!stats) {
		bpf_map_update_elem(&process_stats, &key, &blank_stats, BPF_NOEXIST);
		stats = bpf_map_lookup_elem(&process_stats, &key);
	}
	if (!stats) {
		ATOMIC_INC(&counters.unnamed_processes);
		return -1;
	}
	if (stats->identified)
		return 0;
	stats->identified = 1;
	if (bpf_map_update_elem(&identities, &key, &blank_identity, BPF_NOEXIST)) {
		ATOMIC_INC(&counters.unnamed_processes);
		return 0;
	}
	identity = bpf_map_lookup_elem(&identities, &key);
	if (!identity)
		return 0;
	identity->key = key;
	identity__fill(identity, leader);
	return 0;
}

/* The current process's key; pid 0 where there is none. */
static __always_inline void identity__current(struct process_key *key)
{
	struct task_struct *leader = identity__task();

	if (leader)
		identity__key(leader, key);
}

#endif
