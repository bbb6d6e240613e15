/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <time.h>

#include "lib/array.h"
#include "lib/clock.h"

static void times_are_read(void **state)
{
	static const struct {
		const char *name, *text;
		int error;
		int64_t time;
	} cases[] = {
		{"the epoch", "1970-01-01T00:00:00Z", 0, 0},
		{"nanoseconds", "2026-01-01T00:00:00.123456789Z", 0, 1767225600123456789},
		{"one digit of fraction", "1970-01-01T00:00:01.5Z", 0, 1500000000},
		{"before the epoch", "1969-12-31T23:59:59.5Z", 0, -500000000},
		{"an offset east", "1970-01-01T01:30:00+01:30", 0, 0},
		{"an offset west", "1969-12-31T16:00:00-08:00", 0, 0},
		{"small letters", "1970-01-01t00:00:00z", 0, 0},
		{"a leap day", "2024-02-29T00:00:00Z", 0, 1709164800000000000},
		{"a leap second", "2016-12-31T23:59:60Z", 0, 1483228800000000000},
		{"the first that fits", "1677-09-21T00:12:43.145224192Z", 0, INT64_MIN},
		{"the last that fits", "2262-04-11T23:47:16.854775807Z", 0, INT64_MAX},
		{"one more", "2262-04-11T23:47:16.854775808Z", -EINVAL, 0},
		{"one less", "1677-09-21T00:12:43.145224191Z", -EINVAL, 0},
		{"no leap day in 1900", "1900-02-29T00:00:00Z", -EINVAL, 0},
		{"no zone", "2026-01-01T00:00:00", -EINVAL, 0},
		{"a date", "2026-01-01", -EINVAL, 0},
		{"month 13", "2026-13-01T00:00:00Z", -EINVAL, 0},
		{"day 0", "2026-01-00T00:00:00Z", -EINVAL, 0},
		{"hour 24", "2026-01-01T24:00:00Z", -EINVAL, 0},
		{"an empty fraction", "2026-01-01T00:00:00.Z", -EINVAL, 0},
		{"ten digits of fraction", "2026-01-01T00:00:00.0123456789Z", -EINVAL, 0},
		{"more behind it", "2026-01-01T00:00:00Z ", -EINVAL, 0},
		{"year 9999", "9999-01-01T00:00:00Z", -EINVAL, 0},
		{"nothing", "", -EINVAL, 0},
		{"a sign", "-026-01-01T00:00:00Z", -EINVAL, 0},
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int64_t time = 42;

		print_message("  %s\n", cases[i].name);
		assert_int_equal(clock__parse(cases[i].text, &time), cases[i].error);
		assert_true(time == (cases[i].error ? 42 : cases[i].time));
	}
}

static void times_are_written(void **state)
{
	static const struct {
		const char *name;
		int64_t time;
		const char *text;
	} cases[] = {
		{"the epoch", 0, "1970-01-01T00:00:00.000000000Z"},
		{"nanoseconds", 1767225600123456789, "2026-01-01T00:00:00.123456789Z"},
		{"before the epoch", -1, "1969-12-31T23:59:59.999999999Z"},
		{"the first", INT64_MIN, "1677-09-21T00:12:43.145224192Z"},
		{"the last", INT64_MAX, "2262-04-11T23:47:16.854775807Z"},
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[RFC3339_SIZE];
		int64_t time;

		print_message("  %s\n", cases[i].name);
		clock__format(text, cases[i].time);
		assert_string_equal(text, cases[i].text);
		assert_int_equal(clock__parse(text, &time), 0);
		assert_true(time == cases[i].time);
	}
}

static void durations_are_read(void **state)
{
	static const struct {
		const char *name, *text;
		int error;
		int64_t duration;
	} cases[] = {
		{"seconds", "30s", 0, 30 * NSEC_PER_SEC},
		{"minutes", "10m", 0, 600 * NSEC_PER_SEC},
		{"hours", "24h", 0, 86400 * NSEC_PER_SEC},
		{"days", "7d", 0, 7 * 86400 * NSEC_PER_SEC},
		{"two units", "1h30m", 0, 5400 * NSEC_PER_SEC},
		{"all units", "1d2h3m4s", 0, 93784 * NSEC_PER_SEC},
		{"none", "0s", 0, 0},
		{"a bare number", "90", 0, 90 * NSEC_PER_SEC},
		{"leading zeros", "010m", 0, 600 * NSEC_PER_SEC},
		{"a bare number behind a unit", "1h30", -EINVAL, 0},
		{"units out of order", "30m1h", -EINVAL, 0},
		{"a unit twice", "1m1m", -EINVAL, 0},
		{"an unknown unit", "5w", -EINVAL, 0},
		{"a unit alone", "h", -EINVAL, 0},
		{"nothing", "", -EINVAL, 0},
		{"negative", "-1s", -EINVAL, 0},
		{"a fraction", "1.5h", -EINVAL, 0},
		{"blanks", "1h 30m", -EINVAL, 0},
		{"the most that fits", "9223372036s", 0, 9223372036 * NSEC_PER_SEC},
		{"one more", "9223372037s", -ERANGE, 0},
		{"many days", "106752d", -ERANGE, 0},
		{"a sum that is too long", "106751d24h", -ERANGE, 0},
		{"more digits than any number", "99999999999999999999999s", -ERANGE, 0},
		{"and bare", "99999999999999999999999", -ERANGE, 0},
		{"too long, and then nonsense", "99999999999999999999999x", -EINVAL, 0},
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int64_t duration = 42;

		print_message("  %s\n", cases[i].name);
		assert_int_equal(duration__parse(cases[i].text, &duration), cases[i].error);
		assert_true(duration == (cases[i].error ? 42 : cases[i].duration));
	}
}

static void durations_are_written(void **state)
{
	static const struct {
		const char *name;
		int64_t duration;
		const char *text;
	} cases[] = {
		{"none", 0, "0s"},
		{"less than a second", 999999999, "0s"},
		{"seconds", 45 * NSEC_PER_SEC, "45s"},
		{"minutes and seconds", 90 * NSEC_PER_SEC, "1m 30s"},
		{"whole hours", 7200 * NSEC_PER_SEC, "2h"},
		{"a unit that is zero is left out", 3601 * NSEC_PER_SEC, "1h 1s"},
		{"two units at most", 93784 * NSEC_PER_SEC, "1d 2h"},
		{"negative", -90 * NSEC_PER_SEC, "-1m 30s"},
		{"the longest", INT64_MAX, "106751d 23h"},
		{"the shortest", INT64_MIN, "-106751d 23h"},
	};
	char small[4];
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[32];

		print_message("  %s\n", cases[i].name);
		duration__format(text, sizeof(text), cases[i].duration);
		assert_string_equal(text, cases[i].text);
	}
	duration__format(small, sizeof(small), 90 * NSEC_PER_SEC);
	assert_string_equal(small, "1m ");
}

static void moments_are_read(void **state)
{
	static const struct {
		const char *text, *moment; /* NULL: none */
	} cases[] = {
		{"2026-03-09", "2026-03-09T00:00:00Z"},
		{"2026-03-09T12:00:00+02:00", "2026-03-09T10:00:00Z"},
		{"7d", "2026-03-09T12:00:00Z"},
		{"36h", "2026-03-15T00:00:00Z"},
		{"0s", "2026-03-16T12:00:00Z"},
		{"2026-02-30", NULL},
		{"2026-3-9", NULL},
		{"yesterday", NULL},
		{"", NULL},
		{"-7d", NULL},
		{"90000d", NULL},
		{"1969-12-31", NULL},
		{"2026-03-09T", NULL},
	};
	int64_t now, moment, expected;
	(void)state;

	assert_int_equal(clock__parse("2026-03-16T12:00:00Z", &now), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		print_message("  %s\n", cases[i].text);
		assert_int_equal(
			!clock__parse_moment(cases[i].text, now, &moment), !!cases[i].moment);
		if (!cases[i].moment)
			continue;
		assert_int_equal(clock__parse(cases[i].moment, &expected), 0);
		assert_int_equal(moment, expected);
	}
}

static void boot_time_becomes_wall_time(void **state)
{
	struct timespec boot;
	int64_t before = clock__now(), then, after;
	(void)state;

	clock_gettime(CLOCK_BOOTTIME, &boot);
	then = clock__from_boot((uint64_t)boot.tv_sec * NSEC_PER_SEC + boot.tv_nsec);
	after = clock__now();
	/* The clocks are read one after another: a margin that no wall clock's step reaches. */
	assert_true(then > before - 3600 * NSEC_PER_SEC && then < after + 3600 * NSEC_PER_SEC);
	assert_true(clock__from_boot(0) < clock__now());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_are_read),
		cmocka_unit_test(times_are_written),
		cmocka_unit_test(durations_are_read),
		cmocka_unit_test(durations_are_written),
		cmocka_unit_test(moments_are_read),
		cmocka_unit_test(boot_time_becomes_wall_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
