/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * That no process is in two rehearsals. Each says in a map of the kernel whom it is for, and the
 * kernel takes the map back when it ends; so this sees every rehearsal of the machine, also one
 * that was started in another network, mount or pid namespace.
 */
#ifndef IMDSTRACE_REHEARSAL_LOCK_H
#define IMDSTRACE_REHEARSAL_LOCK_H

#include <bpf/libbpf.h>

#include "process/process_scope.h"

/* Says in that object's map whom the rehearsal is for. 0 or -errno. */
int rehearsal_lock__tell(const struct process_scope *scope, const struct bpf_object *object);

/*
 * Whether another rehearsal than that of object (NULL: every rehearsal is another) has a process or
 * a cgroup of the scope, too. 0: none; -EBUSY: one does, and still did a second later, by when the
 * maps of one that has ended are gone; or -ENOMEM. A caller that may not list the kernel's maps
 * (CAP_SYS_ADMIN) learns of none.
 */
int rehearsal_lock__check(const struct process_scope *scope, const struct bpf_object *object);

#endif
