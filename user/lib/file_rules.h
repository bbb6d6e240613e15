/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The files that a process may still open (Landlock, 5.13 and later). */
#ifndef IMDSTRACE_FILE_RULES_H
#define IMDSTRACE_FILE_RULES_H

#include <stddef.h>

enum file_access { FILE_ACCESS_READ, FILE_ACCESS_WRITE, FILE_ACCESS_KEEP };

struct file_rule {
	const char *path;        /* a file, or a directory with all below it; NULL: fd */
	int fd;                  /* the same, open; -1: no rule */
	enum file_access access; /* KEEP: a directory in which files are made, replaced, removed */
};

/* Allows these alone from here on; what is open stays open. no_new_privs has to be set. 0;
 * -EOPNOTSUPP: this kernel has no Landlock, or it is off; or -errno. */
int file_rules__apply(const struct file_rule *rules, size_t count);

#endif
