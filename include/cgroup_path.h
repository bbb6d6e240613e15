/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The hash of a cgroup's path ("/system.slice/etl.service"), by which both sides know a scope's
 * cgroups: FNV-1a, 64 bits, over the path without a final slash. */
#ifndef IMDSTRACE_CGROUP_PATH_H
#define IMDSTRACE_CGROUP_PATH_H

#include "abi.h"

#define CGROUP_PATH_HASH_START 0xcbf29ce484222325ULL

static inline __attribute__((always_inline)) __u64 cgroup_path__hash_byte(
	__u64 hash, unsigned char byte)
{
	return (hash ^ byte) * 0x100000001b3ULL;
}

#endif
