/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is masked and what is not; the kernel side's end of the same table is e2e/test_secrets.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../mask_cases.h"
#include "lib/secrets.h"

#define TEXT_MAX 4096

/* With "|" for the NULs, to be shown. */
static const char *shown(const char *text, size_t size)
{
	static char copies[2][TEXT_MAX];
	static int turn;
	char *copy = copies[turn ^= 1];

	for (size_t i = 0; i + 1 < size; i++)
		copy[i] = text[i] ? text[i] : '|';
	copy[size - 1] = '\0';
	return copy;
}

static void each_case_is_masked(void **state)
{
	char text[TEXT_MAX], wanted[TEXT_MAX];
	unsigned int wrong = 0;

	(void)state;
	for (size_t i = 0; i < MASK_CASES; i++) {
		size_t size = mask_case__text(&mask_cases[i], 0, text);

		mask_case__text(&mask_cases[i], 1, wanted);
		secrets__mask(text, size, false);
		if (!memcmp(text, wanted, size))
			continue;
		wrong++;
		print_error("%s:\n  wanted %s\n  got    %s\n", mask_cases[i].name,
			shown(wanted, size), shown(text, size));
	}
	assert_int_equal(wrong, 0);
}

/* The user side sees what the kernel side has masked already. */
static void what_is_masked_stays_as_it_is(void **state)
{
	char text[TEXT_MAX], wanted[TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < MASK_CASES; i++) {
		size_t size = mask_case__text(&mask_cases[i], 1, text);

		memcpy(wanted, text, size);
		secrets__mask(text, size, false);
		if (memcmp(text, wanted, size))
			fail_msg("%s:\n  wanted %s\n  got    %s", mask_cases[i].name,
				shown(wanted, size), shown(text, size));
	}
}

/* Wherever the capture ends, no more of a secret is shown than of all of it, but for the letters
 * that every token begins with. */
static void nothing_comes_out_where_the_text_is_cut(void **state)
{
	char text[TEXT_MAX], wanted[TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < MASK_CASES; i++) {
		size_t size = mask_case__text(&mask_cases[i], 1, wanted);

		for (size_t cut = 1; cut < size; cut++) {
			mask_case__text(&mask_cases[i], 0, text);
			secrets__mask(text, cut, true);
			for (size_t at = 0; at < cut; at++)
				if (wanted[at] == '*' && text[at] != '*' && cut - at > 3)
					fail_msg("%s, cut at %zu: %s", mask_cases[i].name, cut,
						shown(text, cut + 1));
		}
	}
}

static uint32_t seed;

static uint32_t chance(uint32_t below)
{
	seed = seed * 1664525 + 1013904223;
	return (uint32_t)((uint64_t)(seed >> 8) * below >> 24);
}

static const char *one_of(const char *const *texts)
{
	uint32_t count = 0;

	while (texts[count])
		count++;
	return texts[chance(count)];
}

/* A name as programs spell it. */
static void append_name(char *out, const char *name)
{
	size_t at = strlen(out);

	for (; *name; name++) {
		char byte = *name;

		if (byte == '-' && chance(2))
			byte = '_';
		else if (byte >= 'a' && byte <= 'z' && chance(2))
			byte -= 0x20;
		out[at++] = byte;
	}
	out[at] = '\0';
}

static void append_random(char *out, const char *alphabet, size_t count)
{
	size_t at = strlen(out), letters = strlen(alphabet);

	while (count--)
		out[at++] = alphabet[chance((uint32_t)letters)];
	out[at] = '\0';
}

#define BASE64 "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

/* Whether six bytes of the secret in a row are in the text. */
static bool survives(const char *text, const char *secret)
{
	char piece[7] = "";

	for (size_t i = 0; i + 6 <= strlen(secret); i++) {
		memcpy(piece, secret + i, 6);
		if (strstr(text, piece))
			return true;
	}
	return false;
}

static void no_token_survives_wherever_it_is(void **state)
{
	static const char *const names[] = {"x-aws-ec2-metadata-token", "aws-secret-access-key",
		"aws-session-token", "secretaccesskey", "password", "authorization", NULL};
	static const char *const before[] = {"", " ", "-H ", "--", "{\"", "('", "[\"", "b'", "x=1&",
		"\n", "?", "$h{\"", "my-", "MY_", NULL};
	static const char *const between[] = {"=", ": ", ":", "=\"", "\": \"", "': '", "\", \"",
		"' => '", "': b'", "\\\":\\\"", " = '", "\":\n\t\"", ":         ", "\" : \"", NULL};
	static const char *const behind[] = {
		"", "\"", "'", " http://x/", "\"}", "')", "&x=1", NULL};
	char text[TEXT_MAX], secret[128], seen[TEXT_MAX];

	(void)state;
	for (seed = 1; seed < 2000000000; seed += 9973) {
		uint32_t start = seed;
		bool by_itself = !chance(3);

		text[0] = secret[0] = '\0';
		append_random(text, BASE64 " .,:/\"'-_=&", chance(30));
		/* a name behind letters is another, and a quote would close what it opens */
		strcat(text, " ");
		if (by_itself) {
			strcpy(secret, "AQAE");
			append_random(secret, BASE64 "-_", 50);
			strcat(secret, "==");
		} else {
			strcat(text, one_of(before));
			append_name(text, one_of(names));
			strcat(text, one_of(between));
			append_random(secret, BASE64, 8 + chance(60));
		}
		strcat(text, secret);
		strcat(text, one_of(behind));
		strcpy(seen, text);
		secrets__mask(seen, strlen(seen), false);
		if (survives(seen, secret))
			fail_msg("seed %u: %s\n  became %s", start, text, seen);
		seed = start;
	}
}

/* A text larger than what is kept on the stack. */
static void a_long_text_is_masked(void **state)
{
	size_t size = 100000;
	char *text = malloc(size + 1);

	(void)state;
	assert_non_null(text);
	memset(text, 'x', size);
	memcpy(text, H ": secret1234 ", sizeof(H ": secret1234 ") - 1);
	memcpy(text + size - sizeof(IMDS_TOKEN), " " IMDS_TOKEN, sizeof(IMDS_TOKEN));
	text[size] = '\0';
	secrets__mask(text, size, false);
	assert_memory_equal(text, H ": ********** ", sizeof(H ": secret1234 ") - 1);
	assert_null(strstr(text, "AQAE"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_case_is_masked),
		cmocka_unit_test(what_is_masked_stays_as_it_is),
		cmocka_unit_test(nothing_comes_out_where_the_text_is_cut),
		cmocka_unit_test(no_token_survives_wherever_it_is),
		cmocka_unit_test(a_long_text_is_masked),
	};

	return cmocka_run_group_tests_name("secrets", tests, NULL, NULL);
}
