/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Files: read whole, replaced atomically. */
#ifndef IMDSTRACE_FILE_H
#define IMDSTRACE_FILE_H

#include <stdbool.h>
#include <stddef.h>

enum file_mode { FILE_AS_IT_WAS, FILE_PRIVATE };

/* The whole file, with a NUL behind its size bytes; at most limit bytes (-EFBIG beyond). Works on
 * /proc files too. *content is the caller's to free and untouched on failure. 0 or -errno. */
int file__read(const char *path, size_t limit, char **content, size_t *size);

/* The same for a file that somebody else may have made: only a regular file is read (-EINVAL for
 * others), and opening it waits for nobody. */
int file__read_regular(const char *path, size_t limit, char **content, size_t *size);

/* Replaces path by content: a temporary file beside it, fsync, rename; its mode (or 0644) and,
 * where allowed, its owner are kept (mode FILE_PRIVATE: it is 0600, whatever it was); a symbolic
 * link is followed, not replaced. A path that is no regular file (/dev/stdout, a FIFO) is written
 * to as it is, but a block device is refused (-EMEDIUMTYPE). The old file stays as it was on any
 * failure, also a full disk. 0 or -errno. */
int file__replace(const char *path, const char *content, size_t size, enum file_mode mode);

/* Whether file__replace could work: 0, or -errno, without changing path or leaving a file behind.
 */
int file__writable(const char *path);

/* The path with its links followed, for the caller to free; *in_place: it is no regular file, or
 * has no name, and file__replace() would write to it as it is. 0 or -errno. */
int file__resolve(const char *path, char **resolved, bool *in_place);

/* Of an open file: all that it holds, as file__read_regular(); and a write of all of content. */
int file__read_open(int fd, size_t limit, char **content, size_t *size);
int file__write_open(int fd, const char *content, size_t size);

/* The same where fd is open with O_NONBLOCK. Gives up with -ETIMEDOUT where a reader takes nothing
 * for so long. */
int file__write_in_time(int fd, const char *content, size_t size, int patience_ms);

/* Whether path is there and may be used so (R_OK, X_OK, F_OK): by the effective user and with its
 * capabilities, which access(2) leaves out unless the real user is root. */
bool file__may(const char *path, int mode);

/* The regular files in a directory whose names end so, sorted; NULL-terminated, to be freed with
 * sentences__free(). 0 or -errno. */
int directory__list(const char *path, const char *suffix, char ***files, size_t *count);

#endif
