/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "lib/file_rules.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/scope.h"

#define READING (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define WRITING (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE)
#define KEEPING (READING | WRITING | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REMOVE_FILE)
/* All of the first version: later ones refuse what this one leaves out (REFER), or nothing. */
#define ALL                                                                     \
	(KEEPING | LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_REMOVE_DIR | \
		LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR |    \
		LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |   \
		LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM)
#define FOR_A_FILE (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE)

static const __u64 accesses[] = {
	[FILE_ACCESS_READ] = READING,
	[FILE_ACCESS_WRITE] = WRITING,
	[FILE_ACCESS_KEEP] = KEEPING,
};

/* What is not there needs no rule. */
static int ruleset__add(int ruleset, const struct file_rule *rule)
{
	_close_ int opened = rule->path ? open(rule->path, O_PATH | O_CLOEXEC) : -1;
	struct landlock_path_beneath_attr beneath = {
		.allowed_access = accesses[rule->access],
		.parent_fd = rule->path ? opened : rule->fd,
	};
	struct stat file;

	if (beneath.parent_fd < 0)
		return 0;
	if (fstat(beneath.parent_fd, &file))
		return -errno;
	if (!S_ISDIR(file.st_mode))
		beneath.allowed_access &= FOR_A_FILE;
	return syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0)
		       ? -errno
		       : 0;
}

int file_rules__apply(const struct file_rule *rules, size_t count)
{
	struct landlock_ruleset_attr all = {.handled_access_fs = ALL};
	_close_ int ruleset = syscall(SYS_landlock_create_ruleset, &all, sizeof(all), 0);
	int error = 0;

	if (ruleset < 0)
		return errno == ENOSYS ? -EOPNOTSUPP : -errno;
	for (size_t i = 0; !error && i < count; i++)
		error = ruleset__add(ruleset, &rules[i]);
	if (!error && syscall(SYS_landlock_restrict_self, ruleset, 0))
		error = -errno;
	return error;
}
