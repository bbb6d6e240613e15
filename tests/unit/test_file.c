/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/major.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "skipping.h"
#include "lib/array.h"
#include "lib/file.h"

static char directory[PATH_MAX];

static int enter_directory(void **state)
{
	const char *base = getenv("TMPDIR");
	(void)state;

	snprintf(
		directory, sizeof(directory), "%s/test_file.XXXXXX", base && *base ? base : "/tmp");
	return mkdtemp(directory) && !chdir(directory) ? 0 : -1;
}

/* Removes what a test left, and says how many entries that were. */
static int empty_directory(void **state)
{
	DIR *entries = opendir(directory);
	struct dirent *entry;
	(void)state;

	while (entries && (entry = readdir(entries)))
		if (unlinkat(dirfd(entries), entry->d_name, 0))
			unlinkat(dirfd(entries), entry->d_name, AT_REMOVEDIR);
	return entries ? closedir(entries) : -1;
}

static int leave_directory(void **state)
{
	empty_directory(state);
	return chdir("/") || rmdir(directory);
}

static int count_entries(void)
{
	DIR *entries = opendir(directory);
	int count = -2; /* "." and ".." */

	while (readdir(entries))
		count++;
	closedir(entries);
	return count;
}

static void put(const char *path, const char *content)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, content, strlen(content)), strlen(content));
	close(fd);
}

static void assert_content(const char *path, const char *expected)
{
	char *content;
	size_t size;

	assert_int_equal(file__read(path, 1 << 20, &content, &size), 0);
	assert_int_equal(size, strlen(expected));
	assert_string_equal(content, expected);
	free(content);
}

static void reading_stops_at_the_limit(void **state)
{
	static char large[10000];
	char *content = NULL;
	size_t size = 7;
	(void)state;

	memset(large, 'x', sizeof(large) - 1);
	put("large", large);
	assert_int_equal(file__read("large", 9999, &content, &size), 0);
	assert_int_equal(size, 9999);
	assert_string_equal(content, large);
	free(content);
	content = NULL;
	size = 7;
	assert_int_equal(file__read("large", 9998, &content, &size), -EFBIG);
	assert_int_equal(file__read("large", 0, &content, &size), -EFBIG);
	assert_int_equal(file__read("missing", 10, &content, &size), -ENOENT);
	assert_int_equal(file__read(".", 10, &content, &size), -EISDIR);
	assert_null(content);
	assert_int_equal(size, 7);
	put("empty", "");
	assert_content("empty", "");
}

static void files_of_proc_are_read(void **state)
{
	char *content;
	size_t size;
	(void)state;

	assert_int_equal(file__read("/proc/self/status", 1 << 16, &content, &size), 0);
	assert_true(size > 100 && strlen(content) == size);
	free(content);
}

static void only_a_regular_file_is_read_where_others_may_write(void **state)
{
	char *content;
	size_t size;
	(void)state;

	assert_int_equal(mkfifo("fifo", 0600), 0);
	assert_int_equal(file__read_regular("fifo", 10, &content, &size), -EINVAL);
	assert_int_equal(file__read_regular("/dev/zero", 10, &content, &size), -EINVAL);
	assert_int_equal(file__read_regular(".", 10, &content, &size), -EINVAL);
	assert_int_equal(symlink("loop", "loop"), 0);
	assert_int_equal(file__read_regular("loop", 10, &content, &size), -ELOOP);
	put("regular", "yes");
	assert_int_equal(file__read_regular("regular", 3, &content, &size), 0);
	assert_string_equal(content, "yes");
	free(content);
}

static void a_new_file_is_made(void **state)
{
	struct stat status;
	mode_t mask = umask(022);
	(void)state;

	assert_int_equal(file__writable("new"), 0);
	assert_int_equal(count_entries(), 0);
	assert_int_equal(file__replace("new", "one\n", 4, FILE_AS_IT_WAS), 0);
	umask(mask);
	assert_content("new", "one\n");
	assert_int_equal(count_entries(), 1);
	assert_int_equal(stat("new", &status), 0);
	assert_int_equal(status.st_mode & 07777, 0644);
}

static void mode_and_owner_stay(void **state)
{
	struct stat status;
	(void)state;

	put("old", "old");
	assert_int_equal(chmod("old", 0640), 0);
	if (!geteuid())
		assert_int_equal(chown("old", 12345, 23456), 0);
	assert_int_equal(file__replace("old", "new", 3, FILE_AS_IT_WAS), 0);
	assert_content("old", "new");
	assert_int_equal(stat("old", &status), 0);
	assert_int_equal(status.st_mode & 07777, 0640);
	if (!geteuid()) {
		assert_int_equal(status.st_uid, 12345);
		assert_int_equal(status.st_gid, 23456);
	}
}

static void a_private_file_is_its_owners(void **state)
{
	struct stat status;
	(void)state;

	assert_int_equal(file__replace("private", "one", 3, FILE_PRIVATE), 0);
	assert_int_equal(stat("private", &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	assert_int_equal(chmod("private", 0644), 0);
	assert_int_equal(file__replace("private", "two", 3, FILE_PRIVATE), 0);
	assert_content("private", "two");
	assert_int_equal(stat("private", &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
}

static void who_reads_the_old_one_reads_on(void **state)
{
	char text[4] = "";
	int fd;
	(void)state;

	put("report", "old");
	fd = open("report", O_RDONLY);
	assert_int_equal(file__replace("report", "newer", 5, FILE_AS_IT_WAS), 0);
	assert_int_equal(read(fd, text, 3), 3);
	assert_string_equal(text, "old");
	close(fd);
}

static void a_link_is_followed(void **state)
{
	struct stat status;
	(void)state;

	assert_int_equal(mkdir("sub", 0755), 0);
	put("sub/real", "old");
	assert_int_equal(symlink("sub/real", "first"), 0);
	assert_int_equal(symlink("first", "second"), 0);
	assert_int_equal(file__writable("second"), 0);
	assert_int_equal(file__replace("second", "new", 3, FILE_AS_IT_WAS), 0);
	assert_content("sub/real", "new");
	assert_int_equal(lstat("second", &status), 0);
	assert_true(S_ISLNK(status.st_mode));

	assert_int_equal(symlink("sub/absent", "dangling"), 0);
	assert_int_equal(file__replace("dangling", "made", 4, FILE_AS_IT_WAS), 0);
	assert_content("sub/absent", "made");
	unlink("sub/real");
	unlink("sub/absent");
}

static void what_is_no_file_is_written_to(void **state)
{
	char text[6] = "";
	char path[64];
	int fd, ends[2];
	(void)state;

	assert_int_equal(mkfifo("fifo", 0600), 0);
	assert_int_equal(file__writable("fifo"), 0);
	/* nobody reads: said at once, not waited for */
	assert_int_equal(file__replace("fifo", "hello", 5, FILE_AS_IT_WAS), -ENXIO);
	fd = open("fifo", O_RDONLY | O_NONBLOCK);
	assert_int_equal(file__replace("fifo", "hello", 5, FILE_AS_IT_WAS), 0);
	assert_int_equal(read(fd, text, 5), 5);
	assert_string_equal(text, "hello");
	close(fd);
	assert_int_equal(count_entries(), 1);

	assert_int_equal(pipe(ends), 0);
	snprintf(path, sizeof(path), "/dev/fd/%d", ends[1]);
	assert_int_equal(file__writable(path), 0);
	assert_int_equal(file__replace(path, "again", 5, FILE_AS_IT_WAS), 0);
	assert_int_equal(read(ends[0], text, 5), 5);
	assert_string_equal(text, "again");
	close(ends[0]);
	close(ends[1]);
	assert_int_equal(file__replace("/dev/null", "x", 1, FILE_AS_IT_WAS), 0);
	assert_int_equal(file__replace("/dev/full", "x", 1, FILE_AS_IT_WAS), -ENOSPC);
}

static void a_file_without_a_name_is_written_in_place(void **state)
{
	char text[8] = "", path[64];
	int fd;
	(void)state;

	put("gone", "longer than before");
	fd = open("gone", O_RDWR);
	unlink("gone");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	assert_int_equal(file__replace(path, "short", 5, FILE_AS_IT_WAS), 0);
	assert_int_equal(read(fd, text, sizeof(text)), 5);
	assert_string_equal(text, "short");
	assert_int_equal(count_entries(), 0);
	close(fd);
}

static void a_disk_is_not_written_to(void **state)
{
	(void)state;

	if (mknod("disk", S_IFBLK | 0600, makedev(LOOP_MAJOR, 255)))
		skip_because("no device file can be made here");
	assert_int_equal(file__writable("disk"), -EMEDIUMTYPE);
	assert_int_equal(file__replace("disk", "x", 1, FILE_AS_IT_WAS), -EMEDIUMTYPE);
}

static void what_cannot_be_written_is_known_before(void **state)
{
	static const struct {
		const char *name, *path;
		int error;
	} cases[] = {
		{"a directory", ".", -EISDIR},
		{"no such directory", "missing/report", -ENOENT},
		{"a file for a directory", "file/report", -ENOTDIR},
		{"a loop of links", "loop", -ELOOP},
		{"no name", "", -ENOENT},
		{"a directory's name", "missing/", -ENOENT},
		{"procfs makes no files", "/proc/report.json", -ENOENT},
	};
	(void)state;

	put("file", "");
	assert_int_equal(symlink("loop", "loop"), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		print_message("  %s\n", cases[i].name);
		assert_int_equal(file__writable(cases[i].path), cases[i].error);
		assert_int_equal(
			file__replace(cases[i].path, "x", 1, FILE_AS_IT_WAS), cases[i].error);
		assert_int_equal(count_entries(), 2);
	}
}

/* Runs attempt in a child, so that what it does to itself ends with it. */
static int in_child(int (*attempt)(void))
{
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (!child)
		_exit(attempt());
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

static int replace_beyond_the_size_limit(void)
{
	const struct rlimit limit = {4096, 4096};
	static char large[8192];

	signal(SIGXFSZ, SIG_IGN);
	memset(large, 'x', sizeof(large));
	if (setrlimit(RLIMIT_FSIZE, &limit))
		return 1;
	return file__replace("report", large, sizeof(large), FILE_AS_IT_WAS) == -EFBIG ? 0 : 2;
}

static void a_write_that_fails_midway_keeps_the_old(void **state)
{
	(void)state;

	put("report", "old");
	assert_int_equal(in_child(replace_beyond_the_size_limit), 0);
	assert_content("report", "old");
	assert_int_equal(count_entries(), 1);
}

#define SKIPPED 77

static int replace_on_a_full_disk(void)
{
	static char large[1 << 20];
	struct stat status;
	DIR *entries;
	int count = 0;

	if (unshare(CLONE_NEWNS) || mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) ||
		mount("full", "full", "tmpfs", 0, "size=64k") || chdir("full"))
		return SKIPPED;
	memset(large, 'x', sizeof(large));
	if (file__replace("report", "old", 3, FILE_AS_IT_WAS) ||
		file__replace("report", large, sizeof(large), FILE_AS_IT_WAS) != -ENOSPC)
		return 1;
	if (stat("report", &status) || status.st_size != 3)
		return 2;
	entries = opendir(".");
	while (entries && readdir(entries))
		count++;
	if (!entries || closedir(entries) || count != 3)
		return 3;
	/* a file that is a mount point (as containers get theirs) cannot be renamed over */
	if (mount("report", "report", "none", MS_BIND, NULL))
		return SKIPPED;
	return file__writable("report") == -EBUSY &&
			       file__replace("report", "x", 1, FILE_AS_IT_WAS) == -EBUSY
		       ? 0
		       : 4;
}

static void a_full_disk_keeps_the_old(void **state)
{
	int status;
	(void)state;

	assert_int_equal(mkdir("full", 0755), 0);
	status = in_child(replace_on_a_full_disk);
	if (status == SKIPPED)
		skip_because("no mount can be made private here");
	assert_int_equal(status, 0);
}

static int write_as_nobody(void)
{
	if (setgid(65534) || setuid(65534))
		return SKIPPED;
	if (file__writable("shut/report") != -EACCES || file__writable("shut/new") != -EACCES)
		return 1;
	return file__writable("open/report") == -EACCES ? 0 : 2;
}

static void permissions_are_respected(void **state)
{
	int status;
	(void)state;

	if (geteuid())
		skip_because("it takes root");
	assert_int_equal(chmod(directory, 0755), 0);
	assert_int_equal(mkdir("shut", 0755), 0);
	assert_int_equal(mkdir("open", 0777), 0);
	assert_int_equal(chmod("open", 0777), 0);
	put("shut/report", "");
	put("open/report", "");
	status = in_child(write_as_nobody);
	unlink("shut/report");
	unlink("open/report");
	if (status == SKIPPED)
		skip_because("nobody's ids cannot be taken on here");
	assert_int_equal(status, 0);
}

#define TEST(name) cmocka_unit_test_teardown(name, empty_directory)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(reading_stops_at_the_limit),
		TEST(files_of_proc_are_read),
		TEST(only_a_regular_file_is_read_where_others_may_write),
		TEST(a_new_file_is_made),
		TEST(mode_and_owner_stay),
		TEST(a_private_file_is_its_owners),
		TEST(who_reads_the_old_one_reads_on),
		TEST(a_link_is_followed),
		TEST(what_is_no_file_is_written_to),
		TEST(a_file_without_a_name_is_written_in_place),
		TEST(a_disk_is_not_written_to),
		TEST(what_cannot_be_written_is_known_before),
		TEST(a_write_that_fails_midway_keeps_the_old),
		TEST(a_full_disk_keeps_the_old),
		TEST(permissions_are_respected),
	};

	return cmocka_run_group_tests(tests, enter_directory, leave_directory);
}
