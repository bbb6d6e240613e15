/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "lib/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "lib/scope.h"
#include "lib/sentences.h"

#define LINKS_MAX    40 /* as the kernel (path_resolution(7)) */
#define NEW_FILE     0644
#define PRIVATE_FILE 0600
#define FOR_EVER     (-1) /* poll(2) */

#ifndef STATX_ATTR_MOUNT_ROOT
#define STATX_ATTR_MOUNT_ROOT 0x2000 /* Linux 5.8 */
#endif

/* --- Reading ------------------------------------------------------------------------------- */

/* Reads fd to its end. One byte more than limit is asked for: only that tells "at most limit"
 * from "more", because the sizes of /proc files are 0. */
static int fd__read_all(int fd, size_t limit, char **content, size_t *size)
{
	size_t room = limit < 4096 ? limit + 1 : 4096, used = 0;
	_free_ char *buffer = malloc(room + 1);
	ssize_t got = 1;

	while (buffer && got) {
		got = read(fd, buffer + used, room - used);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		used += got;
		if (used > limit)
			return -EFBIG;
		if (used == room) {
			char *grown;

			room = room > limit / 2 ? limit + 1 : room * 2;
			grown = realloc(buffer, room + 1);
			if (!grown)
				return -ENOMEM;
			buffer = grown;
		}
	}
	if (!buffer)
		return -ENOMEM;
	buffer[used] = '\0';
	*content = buffer;
	*size = used;
	buffer = NULL;
	return 0;
}

int file__read(const char *path, size_t limit, char **content, size_t *size)
{
	_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	return fd < 0 ? -errno : fd__read_all(fd, limit, content, size);
}

int file__read_regular(const char *path, size_t limit, char **content, size_t *size)
{
	/* O_NONBLOCK: opening a FIFO that nobody writes to would wait for ever. */
	_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	return fd < 0 ? -errno : file__read_open(fd, limit, content, size);
}

int file__read_open(int fd, size_t limit, char **content, size_t *size)
{
	struct stat status;

	if (fstat(fd, &status))
		return -errno;
	if (!S_ISREG(status.st_mode))
		return -EINVAL;
	return fd__read_all(fd, limit, content, size);
}

/* --- Replacing ----------------------------------------------------------------------------- */

/* Where a file's new content goes. */
struct target {
	char *path; /* with the last component's symbolic links followed */
	char *directory;
	struct stat status; /* what is there; only if exists */
	bool exists;
	bool in_place; /* no regular file, or no name of it: written to as it is */
};

static void target__clear(struct target *target)
{
	free(target->path);
	free(target->directory);
}

#define _target_ __attribute__((cleanup(target__clear)))

/* The directory part of path, with "." for none. The caller frees. */
static char *path__directory(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return strdup(".");
	return slash == path ? strdup("/") : strndup(path, slash - path);
}

static char *path__join(const char *directory, const char *name)
{
	char *joined = malloc(strlen(directory) + strlen(name) + 2);

	if (joined)
		sprintf(joined, "%s/%s", directory, name);
	return joined;
}

/* Replaces *path by what the symbolic link there names. 1: done, 0: it is no link, or -errno. */
static int path__follow(char **path)
{
	char link[PATH_MAX];
	ssize_t size = readlink(*path, link, sizeof(link) - 1);
	_free_ char *directory = NULL;
	char *followed;

	if (size < 0)
		return errno == EINVAL || errno == ENOENT ? 0 : -errno;
	link[size] = '\0';
	directory = path__directory(*path);
	if (!directory)
		return -ENOMEM;
	followed = link[0] == '/' ? strdup(link) : path__join(directory, link);
	if (!followed)
		return -ENOMEM;
	free(*path);
	*path = followed;
	return 1;
}

/* A name that the file cannot be renamed over, which only the rename itself would tell: a mount
 * point (a file that a container runtime mounted), or chattr +i and +a. */
static int path__replaceable(const char *path)
{
	struct statx status;

	if (faccessat(AT_FDCWD, path, W_OK, AT_EACCESS))
		return -errno;
	if (statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &status))
		return errno == ENOSYS ? 0 : -errno;
	if (status.stx_attributes & STATX_ATTR_MOUNT_ROOT)
		return -EBUSY;
	return status.stx_attributes & (STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND) ? -EPERM : 0;
}

/* Finds out what path is. 0 or -errno; target__clear() in either case. */
static int target__find(struct target *target, const char *path)
{
	struct stat resolved;
	int error = 1;

	*target = (struct target){.path = strdup(path)};
	if (!target->path)
		return -ENOMEM;
	if (!*path)
		return -ENOENT;
	if (!stat(path, &target->status))
		target->exists = true;
	else if (errno != ENOENT)
		return -errno;
	if (target->exists && S_ISDIR(target->status.st_mode))
		return -EISDIR;
	/* What is on a disk begins where a report would be written. */
	if (target->exists && S_ISBLK(target->status.st_mode))
		return -EMEDIUMTYPE;
	if (target->exists && !S_ISREG(target->status.st_mode)) {
		target->in_place = true;
		return 0;
	}
	for (int links = 0; error > 0 && links <= LINKS_MAX; links++)
		error = path__follow(&target->path);
	if (error)
		return error > 0 ? -ELOOP : error;
	/* Links in /proc/PID/fd lead to a file that its text need not name. */
	if (target->exists &&
		(lstat(target->path, &resolved) || resolved.st_dev != target->status.st_dev ||
			resolved.st_ino != target->status.st_ino)) {
		target->in_place = true;
		free(target->path);
		target->path = strdup(path);
		return target->path ? 0 : -ENOMEM;
	}
	target->directory = path__directory(target->path);
	if (!target->directory)
		return -ENOMEM;
	return target->exists ? path__replaceable(target->path) : 0;
}

/* Creates a file of an unpredictable name in the target's directory. Its descriptor or -errno;
 * *path is the caller's to free and to unlink. */
static int temporary__create(const struct target *target, enum file_mode kept, char **path)
{
	/* Readable by nobody else until it has the mode of what it replaces. */
	mode_t mode = target->exists || kept == FILE_PRIVATE ? PRIVATE_FILE : NEW_FILE;
	char name[sizeof(".imdstrace-0123456789abcdef")];
	uint64_t random;

	for (int attempt = 0; attempt < 8; attempt++) {
		_free_ char *candidate = NULL;
		int fd;

		if (getrandom(&random, sizeof(random), 0) != sizeof(random))
			return -EIO;
		snprintf(name, sizeof(name), ".imdstrace-%016llx", (unsigned long long)random);
		candidate = path__join(target->directory, name);
		if (!candidate)
			return -ENOMEM;
		fd = open(candidate, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
		if (fd < 0 && errno != EEXIST)
			return -errno;
		if (fd >= 0) {
			*path = candidate;
			candidate = NULL;
			return fd;
		}
	}
	return -EEXIST;
}

/* Waits until what it leads to takes more. 0, -ETIMEDOUT or -errno. */
static int fd__wait(int fd, int patience_ms)
{
	struct pollfd ready = {.fd = fd, .events = POLLOUT};
	int count = poll(&ready, 1, patience_ms);

	if (count < 0 && errno != EINTR)
		return -errno;
	return count ? 0 : -ETIMEDOUT;
}

int file__write_in_time(int fd, const char *content, size_t size, int patience_ms)
{
	while (size) {
		ssize_t written = write(fd, content, size);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0 && errno == EAGAIN) {
			int error = fd__wait(fd, patience_ms);

			if (error)
				return error;
			continue;
		}
		if (written < 0)
			return -errno;
		if (!written)
			return -EIO;
		content += written;
		size -= written;
	}
	return 0;
}

int file__write_open(int fd, const char *content, size_t size)
{
	return file__write_in_time(fd, content, size, FOR_EVER);
}

/* Owner first: changing it clears the set-user-ID and set-group-ID bits of the mode. */
static int fd__dress_as(int fd, const struct stat *status, enum file_mode kept)
{
	if (fchown(fd, status->st_uid, status->st_gid) && errno != EPERM)
		return -errno;
	return fchmod(fd, kept == FILE_PRIVATE ? PRIVATE_FILE : status->st_mode & 07777) ? -errno
											 : 0;
}

/* Not an error of the caller's: the new content has its name already, and some file systems
 * cannot sync a directory at all. */
static void directory__sync(const char *directory)
{
	_close_ int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0)
		fsync(fd);
}

static int temporary__fill(
	int fd, const struct target *target, const char *content, size_t size, enum file_mode kept)
{
	int error = file__write_open(fd, content, size);

	if (!error && target->exists)
		error = fd__dress_as(fd, &target->status, kept);
	if (!error && fsync(fd))
		error = -errno;
	return error;
}

static int target__replace(
	const struct target *target, const char *content, size_t size, enum file_mode kept)
{
	_free_ char *temporary = NULL;
	int fd = temporary__create(target, kept, &temporary), error;

	if (fd < 0)
		return fd;
	error = temporary__fill(fd, target, content, size, kept);
	/* NFS and quotas may report a full disk here and not earlier. */
	if (close(fd) && !error && errno != EINTR)
		error = -errno;
	if (!error && rename(temporary, target->path))
		error = -errno;
	if (error)
		unlink(temporary);
	else
		directory__sync(target->directory);
	return error;
}

static int target__write_in_place(const struct target *target, const char *content, size_t size)
{
	bool regular = S_ISREG(target->status.st_mode);
	/* Without O_NONBLOCK, a FIFO that nobody reads would stop the tracer. */
	_close_ int fd = open(target->path, O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	int flags;

	if (fd < 0)
		return -errno;
	flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK))
		return -errno;
	if (regular && ftruncate(fd, 0))
		return -errno;
	return file__write_open(fd, content, size);
}

int file__replace(const char *path, const char *content, size_t size, enum file_mode mode)
{
	_target_ struct target target = {0};
	int error = target__find(&target, path);

	if (error)
		return error;
	return target.in_place ? target__write_in_place(&target, content, size)
			       : target__replace(&target, content, size, mode);
}

bool file__may(const char *path, int mode)
{
	return !faccessat(AT_FDCWD, path, mode, AT_EACCESS);
}

int file__writable(const char *path)
{
	_target_ struct target target = {0};
	_free_ char *temporary = NULL;
	int error = target__find(&target, path), fd;

	if (error)
		return error;
	/* Opening a FIFO and closing it again would end its reader. */
	if (target.in_place)
		return faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) ? -errno : 0;
	fd = temporary__create(&target, FILE_PRIVATE, &temporary);
	if (fd < 0)
		return fd;
	close(fd);
	return unlink(temporary) ? -errno : 0;
}

int file__resolve(const char *path, char **resolved, bool *in_place)
{
	_target_ struct target target = {0};
	int error = target__find(&target, path);

	if (error)
		return error;
	*in_place = target.in_place;
	*resolved = target.path;
	target.path = NULL;
	return 0;
}

static int name__compare(const void *left, const void *right)
{
	return strcmp(*(char *const *)left, *(char *const *)right);
}

static bool name__ends(const char *name, const char *suffix)
{
	size_t length = strlen(name), end = strlen(suffix);

	return length > end && !strcmp(name + length - end, suffix);
}

int directory__list(const char *path, const char *suffix, char ***files, size_t *count)
{
	struct sentences found = {0};
	DIR *directory = opendir(path);
	struct dirent *entry;

	if (!directory)
		return -errno;
	while (!found.error && (entry = readdir(directory))) {
		struct stat status;

		if (!name__ends(entry->d_name, suffix) ||
			fstatat(dirfd(directory), entry->d_name, &status, 0) ||
			!S_ISREG(status.st_mode))
			continue;
		sentences__add(&found, "%s/%s", path, entry->d_name);
	}
	closedir(directory);
	if (found.error) {
		sentences__free(found.list);
		return found.error;
	}
	if (found.count)
		qsort(found.list, found.count, sizeof(*found.list), name__compare);
	*files = found.list;
	*count = found.count;
	return 0;
}
