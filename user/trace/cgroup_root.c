/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "trace/cgroup_root.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <stddef.h>
#include <sys/mount.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "lib/array.h"

/* Where the root of cgroup2 may be mounted: seen from pid 1 first, which no container's cgroup
 * namespace narrows where pids are the host's. */
static const char *const cgroup_roots[] = {
	"/proc/1/root/sys/fs/cgroup",
	"/proc/1/root/sys/fs/cgroup/unified",
	"/sys/fs/cgroup",
	"/sys/fs/cgroup/unified",
};

/* The hierarchy, mounted (5.2) for this descriptor alone; -1 where the kernel or a sandbox refuses.
 */
static int cgroup__mount_root(void)
{
	int context = fsopen("cgroup2", FSOPEN_CLOEXEC);
	int mount = -1;

	if (context < 0)
		return -1;
	if (!fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		mount = fsmount(context, FSMOUNT_CLOEXEC, 0);
	close(context);
	return mount;
}

int cgroup__open_root(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(cgroup_roots); i++) {
		int root = open(cgroup_roots[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		struct statfs system;

		if (root < 0)
			continue;
		if (!fstatfs(root, &system) && system.f_type == CGROUP2_SUPER_MAGIC)
			return root;
		close(root);
	}
	return cgroup__mount_root();
}
