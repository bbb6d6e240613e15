/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A directory that stands in for a machine's root, with the files that a test puts into it. */
#ifndef IMDSTRACE_TESTS_ROOT_FIXTURE_H
#define IMDSTRACE_TESTS_ROOT_FIXTURE_H

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[PATH_MAX];

/* The file of that path below root, with its directories. */
static void put(const char *path, const char *content)
{
	char full[2 * PATH_MAX];
	int fd;

	snprintf(full, sizeof(full), "%s%s", root, path);
	for (char *slash = full + strlen(root) + 1; (slash = strchr(slash, '/')); *slash++ = '/') {
		*slash = '\0';
		mkdir(full, 0755);
	}
	fd = open(full, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, content, strlen(content)), strlen(content));
	close(fd);
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *place)
{
	(void)status;
	(void)type;
	return place->level ? remove(path) : 0;
}

/* For cmocka, as are the next two: a teardown. */
static int empty_root(void **state)
{
	(void)state;
	return nftw(root, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static int make_root(void **state)
{
	const char *base = getenv("TMPDIR");

	(void)state;
	snprintf(root, sizeof(root), "%s/imdstrace.XXXXXX", base && *base ? base : "/tmp");
	return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state)
{
	return empty_root(state) || rmdir(root);
}

#endif
