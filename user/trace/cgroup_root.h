/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef IMDSTRACE_CGROUP_ROOT_H
#define IMDSTRACE_CGROUP_ROOT_H

/* The root of cgroup2, opened; where it is not mounted, mounted for this descriptor alone (5.2). -1
 * with errno where the kernel or a sandbox refuses. */
int cgroup__open_root(void);

#endif
