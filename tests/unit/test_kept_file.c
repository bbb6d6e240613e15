/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A file that is replaced again and again, whatever others do in its directory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/file.h"
#include "lib/kept_file.h"
#include "lib/scope.h"

static char directory[] = "/tmp/imdstrace-kept-XXXXXX";

static int enter(void **state)
{
	(void)state;
	memcpy(directory + strlen(directory) - 6, "XXXXXX", 6);
	return !mkdtemp(directory) || chdir(directory);
}

static int leave(void **state)
{
	DIR *entries = opendir(".");
	struct dirent *entry;

	(void)state;
	while (entries && (entry = readdir(entries)))
		if (unlink(entry->d_name))
			rmdir(entry->d_name);
	if (entries)
		closedir(entries);
	return chdir("/") || rmdir(directory);
}

static void put(const char *path, const char *content)
{
	assert_int_equal(file__replace(path, content, strlen(content), FILE_AS_IT_WAS), 0);
}

static void assert_content(const char *path, const char *wanted)
{
	_free_ char *content = NULL;
	size_t size;

	assert_int_equal(file__read(path, 4096, &content, &size), 0);
	assert_string_equal(content, wanted);
}

static unsigned int count_entries(void)
{
	DIR *entries = opendir(".");
	struct dirent *entry;
	unsigned int count = 0;

	while ((entry = readdir(entries)))
		count += entry->d_name[0] != '.' || strlen(entry->d_name) > 2;
	closedir(entries);
	return count;
}

static struct kept_file *opened(const char *path)
{
	struct kept_file *kept;

	assert_int_equal(kept_file__open(&kept, path), 0);
	return kept;
}

static void it_is_there_from_the_start(void **state)
{
	struct kept_file *kept = opened("report");
	struct stat status;

	(void)state;
	assert_int_equal(stat("report", &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	kept_file__close(kept);
	assert_int_equal(count_entries(), 0);

	kept = opened("report");
	assert_int_equal(kept_file__replace(kept, "one", 3), 0);
	assert_int_equal(kept_file__replace(kept, "two", 3), 0);
	kept_file__close(kept);
	assert_content("report", "two");
	assert_int_equal(count_entries(), 1);
}

static void an_old_one_becomes_private(void **state)
{
	struct kept_file *kept;
	struct stat status;

	(void)state;
	put("report", "old");
	assert_int_equal(chmod("report", 0644), 0);
	kept = opened("report");
	assert_int_equal(kept_file__replace(kept, "new", 3), 0);
	kept_file__close(kept);
	assert_int_equal(stat("report", &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
}

static void a_link_is_followed_once(void **state)
{
	struct kept_file *kept;

	(void)state;
	put("there", "old");
	assert_int_equal(symlink("there", "report"), 0);
	kept = opened("report");
	assert_int_equal(unlink("report"), 0);
	assert_int_equal(symlink("elsewhere", "report"), 0);
	assert_int_equal(kept_file__replace(kept, "new", 3), 0);
	assert_content("there", "new");
	/* and what was followed to is no link itself */
	assert_int_equal(unlink("there"), 0);
	assert_int_equal(symlink("elsewhere", "there"), 0);
	assert_int_equal(kept_file__replace(kept, "newer", 5), -ELOOP);
	kept_file__close(kept);
	assert_int_equal(access("elsewhere", F_OK), -1);
	assert_int_equal(count_entries(), 2);
}

static void nobody_elses_file_is_replaced(void **state)
{
	struct kept_file *kept = opened("report");

	(void)state;
	assert_int_equal(kept_file__replace(kept, "ours", 4), 0);
	put("theirs", "theirs");
	assert_int_equal(rename("theirs", "report"), 0);
	assert_int_equal(kept_file__replace(kept, "ours", 4), -ESTALE);
	assert_content("report", "theirs");
	assert_int_equal(unlink("report"), 0);
	assert_int_equal(mkdir("report", 0700), 0);
	assert_int_equal(kept_file__replace(kept, "ours", 4), -ESTALE);
	assert_int_equal(rmdir("report"), 0);
	/* what was only removed comes back */
	assert_int_equal(kept_file__replace(kept, "ours", 4), 0);
	kept_file__close(kept);
	assert_content("report", "ours");
	assert_int_equal(count_entries(), 1);
}

static void the_directory_is_held(void **state)
{
	struct kept_file *kept;

	(void)state;
	assert_int_equal(mkdir("here", 0700), 0);
	kept = opened("here/report");
	assert_int_equal(rename("here", "moved"), 0);
	assert_int_equal(mkdir("here", 0700), 0);
	assert_int_equal(kept_file__replace(kept, "one", 3), 0);
	kept_file__close(kept);
	assert_content("moved/report", "one");
	assert_int_equal(access("here/report", F_OK), -1);
	assert_int_equal(unlink("moved/report"), 0);
}

static void a_damaged_one_is_set_aside(void **state)
{
	_free_ char *first = NULL, *second = NULL;
	struct kept_file *kept;

	(void)state;
	put("report", "damaged");
	kept = opened("report");
	assert_int_equal(kept_file__set_aside(kept, "damaged", &first), 0);
	assert_content(first, "damaged");
	assert_content("report", "");
	assert_int_equal(kept_file__set_aside(kept, "damaged", &second), 0);
	assert_string_not_equal(first, second);
	assert_int_equal(kept_file__replace(kept, "new", 3), 0);
	kept_file__close(kept);
	assert_content("report", "new");
	assert_int_equal(count_entries(), 3);
}

static void what_is_no_file_is_written_to(void **state)
{
	struct kept_file *kept = opened("/dev/null");
	_free_ char *content = NULL;
	size_t size;

	(void)state;
	assert_int_equal(kept_file__read(kept, 10, &content, &size), 0);
	assert_int_equal(size, 0);
	assert_int_equal(kept_file__replace(kept, "x", 1), 0);
	kept_file__close(kept);
}

static void a_reader_that_takes_nothing_is_given_up(void **state)
{
	char block[4096] = "";
	struct kept_file *kept;
	int reader;

	(void)state;
	assert_int_equal(mkfifo("report", 0600), 0);
	kept = opened("report");
	reader = open("report", O_RDWR | O_NONBLOCK);
	assert_int_equal(kept_file__replace(kept, "one", 3), 0);
	while (write(reader, block, sizeof(block)) > 0)
		;
	assert_int_equal(kept_file__replace(kept, "two", 3), -ETIMEDOUT);
	while (read(reader, block, sizeof(block)) > 0)
		;
	assert_int_equal(kept_file__replace(kept, "three", 5), 0);
	close(reader);
	kept_file__close(kept);
}

static void what_took_the_place_of_a_fifo_is_left_alone(void **state)
{
	struct kept_file *kept;

	(void)state;
	put("precious", "precious");
	assert_int_equal(mkfifo("report", 0600), 0);
	kept = opened("report");
	assert_int_equal(unlink("report"), 0);
	assert_int_equal(symlink("precious", "report"), 0);
	assert_int_equal(kept_file__replace(kept, "ours", 4), -ESTALE);
	kept_file__close(kept);
	assert_content("precious", "precious");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, enter, leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_is_there_from_the_start),
		TEST(an_old_one_becomes_private),
		TEST(a_link_is_followed_once),
		TEST(nobody_elses_file_is_replaced),
		TEST(the_directory_is_held),
		TEST(a_damaged_one_is_set_aside),
		TEST(what_is_no_file_is_written_to),
		TEST(a_reader_that_takes_nothing_is_given_up),
		TEST(what_took_the_place_of_a_fifo_is_left_alone),
	};

	return cmocka_run_group_tests_name("kept_file", tests, NULL, NULL);
}
