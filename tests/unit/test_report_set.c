/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "report_fixture.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/report_set.h"

#include "lib/array.h"

#define FILES_MAX 6

#define B_LATER WINDOW("m2", "b9", "01T00", "01T12")
#define C       WINDOW("m3", "b9", "01T00", "01T10")

#define REPORT_OF(windows, v1)                                            \
	HEAD "'windows':[" windows                                        \
	     "]," TOTALS(v1, 0, 0, 0, 0, 0) ",'callers':[{'name':'curl'," \
					    "'calls':" CALLS(v1, 0, 0, 0, 0) "}]}"

static const struct report_set_options everything;

static char directory[256];

/* What each case says on stderr is part of it, and noise here. */
static int silence__begin(void)
{
	int kept = dup(STDERR_FILENO), null = open("/dev/null", O_WRONLY);

	fflush(stderr);
	dup2(null, STDERR_FILENO);
	close(null);
	return kept;
}

static void silence__end(int kept)
{
	fflush(stderr);
	dup2(kept, STDERR_FILENO);
	close(kept);
}

static void files_count_each_call_once(void **state)
{
	static const struct {
		const char *name, *files[FILES_MAX];
		uint64_t v1;
		size_t failed, windows;
	} cases[] = {
		{"one", {REPORT_OF(A, 10)}, 10, 0, 1},
		{"two hosts", {REPORT_OF(A, 10), REPORT_OF(B, 5)}, 15, 0, 2},
		{"two runs on one host", {REPORT_OF(A, 10), REPORT_OF(A_NEXT, 5)}, 15, 0, 2},
		{"one three times", {REPORT_OF(A, 10), REPORT_OF(A, 10), REPORT_OF(A, 10)}, 10, 0,
			1},
		{"old, another, new", {REPORT_OF(A, 10), REPORT_OF(B, 5), REPORT_OF(A_LATER, 12)},
			17, 0, 2},
		{"new, another, old", {REPORT_OF(A_LATER, 12), REPORT_OF(B, 5), REPORT_OF(A, 10)},
			17, 0, 2},
		{"before a restart and after",
			{REPORT_OF(A, 10), REPORT_OF(A_LATER "," A_NEXT, 20)}, 20, 0, 2},
		{"parts and their merged report",
			{REPORT_OF(A, 10), REPORT_OF(A "," B, 15), REPORT_OF(B, 5)}, 15, 0, 2},
		{"a merged report and one part", {REPORT_OF(A "," B, 15), REPORT_OF(B, 5)}, 15, 0,
			2},
		{"yesterday's merged report and today's parts",
			{REPORT_OF(A "," B, 15), REPORT_OF(A_LATER, 12), REPORT_OF(B_LATER, 7)}, 19,
			0, 2},
		{"the same with one part as it was",
			{REPORT_OF(A "," B, 15), REPORT_OF(A_LATER, 12), REPORT_OF(B, 5)}, 17, 0,
			2},
		{"two merged reports that overlap, and all parts",
			{REPORT_OF(A "," B, 15), REPORT_OF(B "," C, 8), REPORT_OF(A, 10),
				REPORT_OF(B, 5), REPORT_OF(C, 3)},
			18, 0, 3},
		{"a merged report and a newer state of a part",
			{REPORT_OF(A "," B, 15), REPORT_OF(A_LATER, 12)}, 15, 1, 2},
		{"the same, the other way round", {REPORT_OF(A_LATER, 12), REPORT_OF(A "," B, 15)},
			15, 1, 2},
		{"two merged reports that overlap", {REPORT_OF(A "," B, 15), REPORT_OF(B "," C, 8)},
			15, 1, 2},
		{"the same, and a part of the one that is left out",
			{REPORT_OF(A "," B, 15), REPORT_OF(B_LATER "," C, 8), REPORT_OF(C, 3)}, 18,
			1, 3},
		{"without windows, twice the same", {REPORT_OF("", 4), REPORT_OF("", 4)}, 4, 0, 0},
		{"without windows, two others", {REPORT_OF("", 4), REPORT_OF("", 5)}, 9, 0, 0},
		{"a broken one among good ones", {REPORT_OF(A, 10), "{", REPORT_OF(B, 5)}, 15, 1,
			2},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *paths[FILES_MAX] = {NULL};
		struct report_set set;
		size_t count = 0;
		int kept, error;

		for (; count < FILES_MAX && cases[i].files[count]; count++)
			paths[count] = file__make(directory, count, cases[i].files[count]);
		kept = silence__begin();
		error = report_set__read(&set, paths, count, &everything);
		silence__end(kept);
		assert_int_equal(error, 0);
		assert_non_null(set.report);
		if (set.report->totals[CLASS_V1] != cases[i].v1 || set.failed != cases[i].failed ||
			set.report->window_count != cases[i].windows)
			fail_msg("%s: %d calls, %zu failed, %zu windows", cases[i].name,
				(int)set.report->totals[CLASS_V1], set.failed,
				set.report->window_count);
		assert_int_equal(set.report->callers[0]->calls[CLASS_V1], cases[i].v1);
		report_set__clear(&set);
		while (count) {
			unlink(paths[--count]);
			free(paths[count]);
		}
	}
}

static void files_that_cannot_be_read_leave_no_report(void **state)
{
	static const struct {
		const char *name, *path;
	} cases[] = {
		{"not there", "/nonexistent/report.json"},
		{"a directory", "/"},
		{"empty", "/dev/null"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		for (size_t count = 1; count <= 2; count++) {
			char *paths[] = {(char *)cases[i].path, (char *)cases[i].path};
			struct report_set set;
			int kept = silence__begin();
			int error = report_set__read(&set, paths, count, &everything);

			silence__end(kept);
			if (error || set.report || set.failed != count)
				fail_msg("%s", cases[i].name);
		}
}

/* A pipe can be read once only, and the choice needs two looks. */
static void a_pipe_is_read_once(void **state)
{
	char *text = json__of(REPORT_OF(A, 10)), pipe_path[32];
	char *file = file__make(directory, 0, REPORT_OF(B, 5));
	struct report_set set;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], text, strlen(text)), strlen(text));
	close(ends[1]);
	snprintf(pipe_path, sizeof(pipe_path), "/dev/fd/%d", ends[0]);
	assert_int_equal(report_set__read(&set, (char *[]){pipe_path, file}, 2, &everything), 0);
	assert_int_equal(set.failed, 0);
	assert_int_equal(set.report->totals[CLASS_V1], 15);
	report_set__clear(&set);
	close(ends[0]);
	unlink(file);
	free(file);
	free(text);
}

static void standard_input_is_a_file_called_minus(void **state)
{
	char *file = file__make(directory, 0, REPORT_OF(A, 10)),
	     *other = file__make(directory, 1, REPORT_OF(B, 5));
	int kept = dup(STDIN_FILENO), opened = open(file, O_RDONLY);
	struct report_set set;

	(void)state;
	dup2(opened, STDIN_FILENO);
	close(opened);
	assert_int_equal(report_set__read(&set, (char *[]){(char *)"-", other}, 2, &everything), 0);
	assert_int_equal(set.report->totals[CLASS_V1], 15);
	report_set__clear(&set);
	dup2(kept, STDIN_FILENO);
	close(kept);
	unlink(file);
	unlink(other);
	free(file);
	free(other);
}

static int directory__make(void **state)
{
	const char *parent = getenv("TMPDIR");

	(void)state;
	snprintf(directory, sizeof(directory), "%s/report-set.XXXXXX",
		parent && *parent ? parent : "/tmp");
	return mkdtemp(directory) ? 0 : -1;
}

static int directory__remove(void **state)
{
	(void)state;
	return rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_count_each_call_once),
		cmocka_unit_test(files_that_cannot_be_read_leave_no_report),
		cmocka_unit_test(a_pipe_is_read_once),
		cmocka_unit_test(standard_input_is_a_file_called_minus),
	};

	return cmocka_run_group_tests_name(
		"many reports", tests, directory__make, directory__remove);
}
