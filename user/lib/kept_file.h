/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A file that is replaced again and again while others may write to its directory. Its path is
 * followed once; from then on the directory is held open and the file is known by device and inode:
 * what somebody else put in its place is never replaced.
 */
#ifndef IMDSTRACE_KEPT_FILE_H
#define IMDSTRACE_KEPT_FILE_H

#include <stdbool.h>
#include <stddef.h>

struct kept_file;

/* The file at path, made (empty, 0600) if it is not there. *kept is NULL on failure. 0 or -errno.
 */
int kept_file__open(struct kept_file **kept, const char *path);
/* What was made and never written to goes again. NULL is allowed. */
void kept_file__close(struct kept_file *kept);

/* What it holds, as file__read_regular(). */
int kept_file__read(struct kept_file *kept, size_t limit, char **content, size_t *size);

/* Writes a file of mode 0600 beside it and puts it in its place. 0; -ELOOP: the path has become a
 * link; -ESTALE: another file is there now; -ETIMEDOUT: it is no file, and its reader takes
 * nothing; or -errno. */
int kept_file__replace(struct kept_file *kept, const char *content, size_t size);

/* Writes another file in its directory, of its name and a suffix, that everybody may read; whatever
 * has that name there is replaced. 0; -ENOTSUP: it is no regular file; or -errno. */
int kept_file__write_beside(
	const struct kept_file *kept, const char *suffix, const char *content, size_t size);

/* Gives it another name in its directory, its own and a dot, why and the time, which the caller
 * frees, and makes it anew. 0 or -errno. */
int kept_file__set_aside(struct kept_file *kept, const char *why, char **name);

/* The directory that its file is in, open; -1: it is no regular file, and written to as it is. */
int kept_file__directory(const struct kept_file *kept);

#endif
