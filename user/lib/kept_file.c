/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "lib/kept_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/file.h"
#include "lib/scope.h"

#define PRIVATE   0600
#define PUBLIC    0644
#define PATIENCE  500 /* ms, with a reader that takes nothing */
#define NAMES_MAX 100 /* of files that were set aside in one second */
#define TEMPORARY ".imdstrace-0123456789abcdef"
#define NEW_FLAGS (O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC)
/* Without O_NONBLOCK, a FIFO that nobody reads would stop the tracer. */
#define IN_PLACE   (O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
#define READ_FLAGS (O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)

struct kept_file {
	char *path;    /* with its links followed */
	char *name;    /* in directory */
	int directory; /* -1: no regular file, which is written to as it is */
	bool made;     /* and not written to yet */
	dev_t device;
	ino_t inode;
	uid_t user;
	gid_t group;
};

static void kept__remember(struct kept_file *kept, const struct stat *status)
{
	kept->device = status->st_dev;
	kept->inode = status->st_ino;
	kept->user = status->st_uid;
	kept->group = status->st_gid;
}

static bool kept__is(const struct kept_file *kept, const struct stat *status)
{
	return status->st_dev == kept->device && status->st_ino == kept->inode;
}

/* 0 if the file that is there is the one that is kept; -ENOENT: none is there. */
static int kept__check(const struct kept_file *kept)
{
	struct stat status;

	if (fstatat(kept->directory, kept->name, &status, AT_SYMLINK_NOFOLLOW))
		return -errno;
	if (S_ISLNK(status.st_mode))
		return -ELOOP;
	/* the inode number of a file that was removed may be somebody else's by now */
	if (!S_ISREG(status.st_mode))
		return -ESTALE;
	return kept__is(kept, &status) ? 0 : -ESTALE;
}

static int kept__make(struct kept_file *kept)
{
	_close_ int fd = openat(kept->directory, kept->name, NEW_FLAGS, PRIVATE);
	struct stat status;

	if (fd < 0 || fstat(fd, &status))
		return -errno;
	kept__remember(kept, &status);
	kept->made = true;
	return 0;
}

/* What is written to as it is. */
static int kept__find_in_place(struct kept_file *kept)
{
	struct stat status;

	if (stat(kept->path, &status))
		return -errno;
	kept__remember(kept, &status);
	return 0;
}

static int kept__find(struct kept_file *kept)
{
	struct stat status;

	if (!fstatat(kept->directory, kept->name, &status, AT_SYMLINK_NOFOLLOW)) {
		if (S_ISLNK(status.st_mode))
			return -ELOOP;
		kept__remember(kept, &status);
		return 0;
	}
	return errno == ENOENT ? kept__make(kept) : -errno;
}

/* Opens the directory of path, which is a regular file's or nobody's yet. */
static int kept__open_directory(struct kept_file *kept)
{
	char *slash = strrchr(kept->path, '/');
	_free_ char *directory =
		slash ? strndup(kept->path, (size_t)(slash - kept->path) + 1) : strdup(".");

	kept->name = strdup(slash ? slash + 1 : kept->path);
	if (!directory || !kept->name)
		return -ENOMEM;
	kept->directory = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (kept->directory < 0 && errno == EACCES)
		kept->directory = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return kept->directory < 0 ? -errno : 0;
}

int kept_file__open(struct kept_file **kept, const char *path)
{
	struct kept_file *opened = calloc(1, sizeof(*opened));
	bool in_place = false;
	int error = opened ? file__writable(path) : -ENOMEM;

	*kept = NULL;
	if (opened)
		opened->directory = -1;
	if (!error)
		error = file__resolve(path, &opened->path, &in_place);
	if (!error && !in_place)
		error = kept__open_directory(opened);
	if (!error)
		error = in_place ? kept__find_in_place(opened) : kept__find(opened);
	if (error) {
		kept_file__close(opened);
		return error;
	}
	*kept = opened;
	return 0;
}

void kept_file__close(struct kept_file *kept)
{
	if (!kept)
		return;
	if (kept->made && !kept__check(kept))
		unlinkat(kept->directory, kept->name, 0);
	if (kept->directory >= 0)
		close(kept->directory);
	free(kept->path);
	free(kept->name);
	free(kept);
}

int kept_file__read(struct kept_file *kept, size_t limit, char **content, size_t *size)
{
	_close_ int fd = -1;

	if (kept->directory < 0) {
		*content = calloc(1, 1);
		*size = 0;
		return *content ? 0 : -ENOMEM;
	}
	fd = openat(kept->directory, kept->name, READ_FLAGS);
	return fd < 0 ? -errno : file__read_open(fd, limit, content, size);
}

/* An unpredictable name. 0 or -errno. */
static int temporary__name(char name[sizeof(TEMPORARY)])
{
	uint64_t random;

	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		return -EIO;
	snprintf(name, sizeof(TEMPORARY), ".imdstrace-%016llx", (unsigned long long)random);
	return 0;
}

/* What a descriptor leads to gets that name in the directory. 0 or -errno. */
static int kept__link(const struct kept_file *kept, int fd, const char *name)
{
	char path[sizeof("/proc/self/fd/2147483647")];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return linkat(AT_FDCWD, path, kept->directory, name, AT_SYMLINK_FOLLOW) ? -errno : 0;
}

static int kept__fill(const struct kept_file *kept, int fd, const char *content, size_t size,
	mode_t mode, struct stat *status)
{
	int error = file__write_open(fd, content, size);

	if (!error && fchown(fd, kept->user, kept->group) && errno != EPERM)
		error = -errno;
	if (!error && fchmod(fd, mode))
		error = -errno;
	if (!error && (fsync(fd) || fstat(fd, status)))
		error = -errno;
	return error;
}

/* NFS and quotas may report a full disk here and not earlier. */
static int fd__close(int fd, int error)
{
	return close(fd) && !error && errno != EINTR ? -errno : error;
}

/*
 * Writes a file without a name, which gets one once it is whole: a trace that is killed meanwhile
 * leaves nothing behind. -EOPNOTSUPP: there is none such on this file system, or /proc, which can
 * give it a name, is not there.
 */
static int kept__write_unnamed(const struct kept_file *kept, const char name[sizeof(TEMPORARY)],
	const char *content, size_t size, mode_t mode, struct stat *status)
{
	int fd = openat(kept->directory, ".", O_WRONLY | O_TMPFILE | O_CLOEXEC, PRIVATE), error;

	if (fd < 0)
		return -EOPNOTSUPP;
	error = kept__fill(kept, fd, content, size, mode, status);
	if (!error && kept__link(kept, fd, name))
		error = -EOPNOTSUPP;
	return fd__close(fd, error);
}

static int kept__write_named(const struct kept_file *kept, const char name[sizeof(TEMPORARY)],
	const char *content, size_t size, mode_t mode, struct stat *status)
{
	int fd = openat(kept->directory, name, NEW_FLAGS, PRIVATE);

	if (fd < 0)
		return -errno;
	return fd__close(fd, kept__fill(kept, fd, content, size, mode, status));
}

/* Writes a whole file into the directory, of a name that is given back and of that mode. 0 or
 * -errno, and then it may be there. */
static int kept__write(const struct kept_file *kept, char name[sizeof(TEMPORARY)],
	const char *content, size_t size, mode_t mode, struct stat *status)
{
	int error = temporary__name(name);

	if (!error)
		error = kept__write_unnamed(kept, name, content, size, mode, status);
	if (error == -EOPNOTSUPP)
		error = kept__write_named(kept, name, content, size, mode, status);
	return error;
}

static int kept__write_in_place(const struct kept_file *kept, const char *content, size_t size)
{
	_close_ int fd = open(kept->path, IN_PLACE);
	struct stat status;

	if (fd < 0 || fstat(fd, &status))
		return -errno;
	if (!kept__is(kept, &status))
		return -ESTALE;
	if (S_ISREG(status.st_mode) && ftruncate(fd, 0))
		return -errno;
	return file__write_in_time(fd, content, size, PATIENCE);
}

int kept_file__replace(struct kept_file *kept, const char *content, size_t size)
{
	char name[sizeof(TEMPORARY)] = "";
	struct stat status;
	int error;

	if (kept->directory < 0)
		return kept__write_in_place(kept, content, size);
	error = kept__write(kept, name, content, size, PRIVATE, &status);
	if (!error) {
		error = kept__check(kept);
		if (error == -ENOENT)
			error = 0; /* it was removed, and comes back */
	}
	if (!error && renameat(kept->directory, name, kept->directory, kept->name))
		error = -errno;
	if (error) {
		unlinkat(kept->directory, name, 0);
		return error;
	}
	fsync(kept->directory);
	kept__remember(kept, &status);
	kept->made = false;
	return 0;
}

int kept_file__write_beside(
	const struct kept_file *kept, const char *suffix, const char *content, size_t size)
{
	char temporary[sizeof(TEMPORARY)] = "";
	_free_ char *name = NULL;
	struct stat status;
	int error;

	if (kept->directory < 0)
		return -ENOTSUP;
	if (asprintf(&name, "%s%s", kept->name, suffix) < 0)
		return -ENOMEM;
	error = kept__write(kept, temporary, content, size, PUBLIC, &status);
	if (!error && renameat(kept->directory, temporary, kept->directory, name))
		error = -errno;
	if (error)
		unlinkat(kept->directory, temporary, 0);
	return error;
}

/* Some file systems (NFS) cannot tell whether the new name is free. */
static int kept__rename_to(const struct kept_file *kept, const char *name)
{
	struct stat status;
	int dir = kept->directory;

	if (!renameat2(dir, kept->name, dir, name, RENAME_NOREPLACE))
		return 0;
	if (errno != EINVAL)
		return -1;
	if (!fstatat(dir, name, &status, AT_SYMLINK_NOFOLLOW)) {
		errno = EEXIST;
		return -1;
	}
	return renameat(dir, kept->name, dir, name);
}

int kept_file__set_aside(struct kept_file *kept, const char *why, char **name)
{
	time_t now = time(NULL);
	char when[32], aside[512];
	struct tm utc;
	int error = kept__check(kept);

	if (error)
		return error;
	gmtime_r(&now, &utc);
	strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ", &utc);
	for (int i = 0; i < NAMES_MAX; i++) {
		char number[16] = "";

		if (i)
			snprintf(number, sizeof(number), "-%d", i);
		if (snprintf(aside, sizeof(aside), "%s.%s-%s%s", kept->name, why, when, number) >=
			(int)sizeof(aside))
			return -ENAMETOOLONG;
		if (!kept__rename_to(kept, aside)) {
			*name = strdup(aside);
			return *name ? kept__make(kept) : -ENOMEM;
		}
		if (errno != EEXIST)
			return -errno;
	}
	return -EEXIST;
}

int kept_file__directory(const struct kept_file *kept)
{
	return kept->directory;
}
