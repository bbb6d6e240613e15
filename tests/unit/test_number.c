/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Counts in sentences: with separators for people, and plain for programs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/array.h"
#include "lib/number.h"

static void people_get_separators_and_programs_none(void **state)
{
	static const struct {
		uint64_t count;
		const char *plain, *separated;
	} cases[] = {
		{0, "0", "0"},
		{7, "7", "7"},
		{999, "999", "999"},
		{1000, "1000", "1,000"},
		{12345, "12345", "12,345"},
		{123456, "123456", "123,456"},
		{1000000, "1000000", "1,000,000"},
		{UINT64_MAX, "18446744073709551615", "18,446,744,073,709,551,615"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_string_equal(NUMBER(cases[i].count), cases[i].plain);
		assert_false(number__separate(true));
		assert_string_equal(NUMBER(cases[i].count), cases[i].separated);
		assert_true(number__separate(false));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(people_get_separators_and_programs_none),
	};

	return cmocka_run_group_tests_name("counts in sentences", tests, NULL, NULL);
}
