/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Kernel differences: one small helper each, decided by CO-RE when the program is loaded, with
 * the release that made the difference above it. No version number is ever compared.
 */
#ifndef IMDSTRACE_COMPAT_H
#define IMDSTRACE_COMPAT_H

#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

/*
 * Adds and fetches nothing. Of __sync_fetch_and_add() clang 21 and later make an instruction that
 * fetches, whatever becomes of the result, which verifiers before 5.12 refuse. The order is kept as
 * the compiler finds it.
 */
#define ATOMIC_ADD(place, value)                                        \
	do {                                                            \
		barrier();                                              \
		__atomic_fetch_add((place), (value), __ATOMIC_RELAXED); \
		barrier();                                              \
	} while (0)

#define ATOMIC_INC(place) ATOMIC_ADD(place, 1)

/* Memory that a send takes its bytes from. */
enum span_kind {
	SPAN_OPAQUE, /* pages without an address that can be read: bio_vec and others */
	SPAN_BUFFER, /* one user buffer */
	SPAN_VECTOR, /* user buffers, listed by an iovec array in kernel memory */
	SPAN_KERNEL, /* kernel buffers, listed by a kvec array (same layout) */
};

struct span {
	u64 start;  /* SPAN_BUFFER: the buffer; else: the array */
	u64 offset; /* into the first buffer */
	u32 pieces; /* SPAN_BUFFER: 1; else: entries of the array */
	u32 kind;
};

/* 5.14 made iov_iter.iter_type of iov_iter.type, which held the direction in its lowest bit. */
struct iov_iter___before_5_14 {
	unsigned int type;
} __attribute__((preserve_access_index));

/* 6.4 renamed iov_iter.iov to __iov. */
struct iov_iter___before_6_4 {
	const struct iovec *iov;
} __attribute__((preserve_access_index));

static __always_inline u32 iov_iter__type(const struct iov_iter *iter)
{
	const struct iov_iter___before_5_14 *old = (const void *)iter;

	if (bpf_core_field_exists(iter->iter_type))
		return BPF_CORE_READ(iter, iter_type);
	return BPF_CORE_READ(old, type) & ~1U;
}

static __always_inline u64 iov_iter__array(const struct iov_iter *iter)
{
	const struct iov_iter___before_6_4 *old = (const void *)iter;

	if (bpf_core_field_exists(iter->__iov))
		return (u64)BPF_CORE_READ(iter, __iov);
	return (u64)BPF_CORE_READ(old, iov);
}

/* 6.0 added ITER_UBUF, and its number changed in 6.1, 6.5 and 6.12. */
static __always_inline void iov_iter__span(const struct iov_iter *iter, struct span *span)
{
	u32 type = iov_iter__type(iter);

	span->offset = BPF_CORE_READ(iter, iov_offset);
	span->start = 0;
	span->pieces = 0;
	span->kind = SPAN_OPAQUE;
	if (bpf_core_enum_value_exists(enum iter_type, ITER_UBUF) &&
		type == bpf_core_enum_value(enum iter_type, ITER_UBUF)) {
		span->kind = SPAN_BUFFER;
		span->start = (u64)BPF_CORE_READ(iter, ubuf);
		span->pieces = 1;
	} else if (type == bpf_core_enum_value(enum iter_type, ITER_IOVEC) ||
		   type == bpf_core_enum_value(enum iter_type, ITER_KVEC)) {
		span->kind = type == bpf_core_enum_value(enum iter_type, ITER_IOVEC) ? SPAN_VECTOR
										     : SPAN_KERNEL;
		span->start = iov_iter__array(iter);
		span->pieces = BPF_CORE_READ(iter, nr_segs);
	}
}

/* 6.15 renamed kernfs_node.parent to __parent (it is under RCU since). */
struct kernfs_node___6_15 {
	struct kernfs_node *__parent;
} __attribute__((preserve_access_index));

struct kernfs_node___before_6_15 {
	struct kernfs_node *parent;
} __attribute__((preserve_access_index));

static __always_inline struct kernfs_node *kernfs_node__parent(const struct kernfs_node *node)
{
	const struct kernfs_node___6_15 *new = (const void *)node;
	const struct kernfs_node___before_6_15 *old = (const void *)node;

	if (bpf_core_field_exists(new->__parent))
		return BPF_CORE_READ(new, __parent);
	return BPF_CORE_READ(old, parent);
}

#endif
