/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/array.h"
#include "lib/text.h"

#define R "\xef\xbf\xbd"

static void utf8_replaces_what_is_no_sequence(void **state)
{
	static const struct {
		const char *name, *bytes;
		size_t size;
		const char *text;
	} cases[] = {
		{"nothing", "", 0, ""},
		{"ASCII stays", "curl", 4, "curl"},
		{"control characters stay", "a\x01\n\x7f", 4, "a\x01\n\x7f"},
		{"two, three and four bytes stay", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 9,
			"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
		{"a NUL is replaced", "a\0b", 3, "a" R "b"},
		{"a stray continuation", "\x80", 1, R},
		{"bytes that UTF-8 never has", "\xc0\xc1\xf5\xff", 4, R R R R},
		{"an overlong slash", "\xc0\xaf", 2, R R},
		{"an overlong euro", "\xf0\x82\x82\xac", 4, R R R R},
		{"a surrogate", "\xed\xa0\x80", 3, R R R},
		{"the last before the surrogates", "\xed\x9f\xbf", 3, "\xed\x9f\xbf"},
		{"past U+10FFFF", "\xf4\x90\x80\x80", 4, R R R R},
		{"U+10FFFF", "\xf4\x8f\xbf\xbf", 4, "\xf4\x8f\xbf\xbf"},
		{"cut at the end", "a\xe2\x82", 3, "a" R R},
		{"cut by ASCII", "\xe2(\xac", 3, R "(" R},
		{"Latin-1", "caf\xe9", 4, "caf" R},
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *text = text__utf8(cases[i].bytes, cases[i].size);

		print_message("  %s\n", cases[i].name);
		assert_string_equal(text, cases[i].text);
		free(text);
	}
}

static void complete_drops_half_a_character(void **state)
{
	static const struct {
		const char *name, *bytes;
		size_t size, kept;
	} cases[] = {
		{"nothing", "", 0, 0},
		{"ASCII", "ab", 2, 2},
		{"a whole character", "a\xc3\xa9", 3, 3},
		{"one byte of two", "a\xc3", 2, 1},
		{"two bytes of three", "a\xe2\x82", 3, 1},
		{"three bytes of four", "\xf0\x9f\x98", 3, 0},
		{"a whole one of four", "\xf0\x9f\x98\x80", 4, 4},
		{"continuations without a lead stay", "\x80\x80\x80\x80", 4, 4},
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		print_message("  %s\n", cases[i].name);
		assert_int_equal(text__complete(cases[i].bytes, cases[i].size), cases[i].kept);
	}
}

static void printable_shows_what_would_act(void **state)
{
	static const struct {
		const char *name, *text, *shown;
	} cases[] = {
		{"plain text stays", "a b \xc3\xa9", "a b \xc3\xa9"},
		{"an escape sequence", "\x1b[31mred", "\\x1b[31mred"},
		{"a line break", "a\nb\tc", "a\\x0ab\\x09c"},
		{"DEL", "\x7f", "\\x7f"},
		{"C1: CSI as one character",
			"\xc2\x9b"
			"31m",
			"\\u{009b}31m"},
		{"an override of the reading direction",
			"a\xe2\x80\xae"
			"b",
			"a\\u{202e}b"},
		{"isolates", "\xe2\x81\xa6", "\\u{2066}"},
		{"line and paragraph separators", "\xe2\x80\xa8\xe2\x80\xa9", "\\u{2028}\\u{2029}"},
		{"an Arabic letter mark", "\xd8\x9c", "\\u{061c}"},
		{"invalid bytes", "\xff", R},
		{"nothing", "", ""},
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *shown = text__printable(cases[i].text);

		print_message("  %s\n", cases[i].name);
		assert_string_equal(shown, cases[i].shown);
		free(shown);
	}
}

static void columns_are_the_terminals(void **state)
{
	static const struct {
		const char *name, *text;
		size_t columns;
	} cases[] = {
		{"ASCII", "curl", 4},
		{"accents", "caf\xc3\xa9", 4},
		{"a combining accent takes none", "cafe\xcc\x81", 4},
		{"CJK takes two", "\xe6\x97\xa5\xe6\x9c\xac", 4},
		{"an emoji takes two", "\xf0\x9f\x98\x80", 2},
		{"a zero-width space takes none",
			"a\xe2\x80\x8b"
			"b",
			2},
		{"Hangul", "\xea\xb0\x80", 2},
		{"what is not valid counts as one", "\xff\xff", 2},
		{"nothing", "", 0},
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		print_message("  %s\n", cases[i].name);
		assert_int_equal(text__columns(cases[i].text), cases[i].columns);
	}
}

#define E "\xe2\x80\xa6"

static void ellipsize_keeps_within_columns(void **state)
{
	static const struct {
		const char *name, *text;
		size_t columns;
		const char *cut;
	} cases[] = {
		{"what fits stays", "curl", 4, "curl"},
		{"the last column is the ellipsis", "imdstrace", 5, "imds" E},
		{"one column", "imdstrace", 1, E},
		{"no column", "imdstrace", 0, ""},
		{"two bytes make no room for three", "abcd", 3, "a" E},
		{"and where there is no more: a dot", "ab", 1, "."},
		{"a wide character is not halved", "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e", 4,
			"\xe6\x97\xa5" E},
		{"a combining mark stays with its letter", "e\xcc\x81xyzw", 3, "e\xcc\x81x" E},
		{"empty", "", 0, ""},
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *text = strdup(cases[i].text); /* exactly its size: growing would be seen */

		print_message("  %s\n", cases[i].name);
		text__ellipsize(text, cases[i].columns);
		assert_string_equal(text, cases[i].cut);
		assert_true(text__columns(text) <= cases[i].columns);
		free(text);
	}
}

static void keep_end_keeps_the_end(void **state)
{
	static const struct {
		const char *name, *text;
		size_t columns;
		const char *cut;
	} cases[] = {
		{"what fits stays", "curl", 4, "curl"},
		{"the first column is the ellipsis", "/latest/meta-data", 10, E "meta-data"},
		{"one column", "imdstrace", 1, E},
		{"no column", "imdstrace", 0, ""},
		{"two bytes make no room for three", "abcd", 3, E "d"},
		{"and where there is no more: a dot", "ab", 1, "."},
		{"a wide character is not halved", "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e", 4,
			E "\xe8\xaa\x9e"},
		{"empty", "", 0, ""},
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *text = strdup(cases[i].text);

		print_message("  %s\n", cases[i].name);
		text__keep_end(text, cases[i].columns);
		assert_string_equal(text, cases[i].cut);
		free(text);
	}
}

static void any_bytes_at_all(void **state)
{
	unsigned int seed = 1;
	(void)state;

	for (int round = 0; round < 2000; round++) {
		char bytes[48];
		char *text, *again, *shown;

		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = (char)((rand_r(&seed) >> 4) | (round % 3 ? 0 : 0x80));
		text = text__utf8(bytes, sizeof(bytes));
		again = text__utf8(text, strlen(text));
		assert_string_equal(text, again);
		shown = text__printable(text);
		for (const char *at = shown; *at; at++)
			assert_true((unsigned char)*at >= 0x20 && *at != 0x7f);
		if (round % 2)
			text__keep_end(shown, round % 40);
		else
			text__ellipsize(shown, round % 40);
		assert_true(text__columns(shown) <= (size_t)(round % 40));
		free(text);
		free(again);
		free(shown);
	}
}

static void color_wants_a_terminal(void **state)
{
	int ends[2];
	(void)state;

	assert_int_equal(pipe(ends), 0);
	setenv("TERM", "xterm", 1);
	unsetenv("NO_COLOR");
	assert_false(text__may_color(ends[1]));
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(utf8_replaces_what_is_no_sequence),
		cmocka_unit_test(complete_drops_half_a_character),
		cmocka_unit_test(printable_shows_what_would_act),
		cmocka_unit_test(columns_are_the_terminals),
		cmocka_unit_test(ellipsize_keeps_within_columns),
		cmocka_unit_test(keep_end_keeps_the_end),
		cmocka_unit_test(any_bytes_at_all),
		cmocka_unit_test(color_wants_a_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
