/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* JSON in an arena: what a document may take, and that other JSON is not in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/array.h"
#include "lib/json_arena.h"
#include "lib/scope.h"

static json_t *arena__of(struct json_arena *arena, const char *text, size_t most)
{
	json_error_t error;

	return json_arena__parse(arena, text, strlen(text), JSON_REJECT_DUPLICATES, most, &error);
}

/* "[[...],[...],...]", each of 1,000 words. */
static char *text__of_arrays(int count)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	fputc('[', out);
	for (int i = 0; i < count * 1000; i++)
		fprintf(out, "%s\"word %d\"", i == 0 ? "[" : i % 1000 ? "," : "],[", i);
	fputs("]]", out);
	fclose(out);
	return text;
}

static void a_document_spans_chunks(void **state)
{
	_free_ char *text = text__of_arrays(50);
	struct json_arena arena;
	json_t *document = arena__of(&arena, text, 64UL << 20);

	(void)state;
	assert_int_equal(json_array_size(document), 50);
	for (int i = 0; i < 50000; i++) {
		char word[32];

		snprintf(word, sizeof(word), "word %d", i);
		assert_string_equal(json_string_value(json_array_get(
					    json_array_get(document, i / 1000), i % 1000)),
			word);
	}
	json_arena__free(&arena);
}

static void a_string_longer_than_a_chunk_fits(void **state)
{
	const size_t length = 3UL << 20;
	_free_ char *text = malloc(length + 5);
	struct json_arena arena;
	json_t *document;

	(void)state;
	memset(text, 'x', length + 4);
	memcpy(text, "[\"", 2);
	memcpy(text + length + 2, "\"]", 3);
	document = arena__of(&arena, text, 64UL << 20);
	assert_int_equal(json_string_length(json_array_get(document, 0)), length);
	json_arena__free(&arena);
}

static void a_document_past_the_bound_is_refused(void **state)
{
	_free_ char *text = text__of_arrays(50);
	struct json_arena arena;

	(void)state;
	assert_null(arena__of(&arena, text, 1UL << 20));
	assert_true(arena.exceeded);
	json_arena__free(&arena);
}

static void broken_text_is_not_too_large(void **state)
{
	static const char *const texts[] = {
		"", "[", "{\"a\":1,\"a\":2}", "[1]x", "\"\xff\"", "[1e999]"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct json_arena arena;

		assert_null(arena__of(&arena, texts[i], 1UL << 20));
		assert_false(arena.exceeded);
		json_arena__free(&arena);
	}
}

static void other_json_outlives_the_arena(void **state)
{
	struct json_arena arena;
	_decref_ json_t *before = json_pack("{s:s}", "a", "b"), *after = NULL;

	(void)state;
	assert_non_null(arena__of(&arena, "{\"c\":[1,2.5,null,true]}", 1UL << 20));
	after = json_pack("{s:s}", "d", "e");
	json_arena__free(&arena);
	assert_string_equal(json_string_value(json_object_get(before, "a")), "b");
	assert_string_equal(json_string_value(json_object_get(after, "d")), "e");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_document_spans_chunks),
		cmocka_unit_test(a_string_longer_than_a_chunk_fits),
		cmocka_unit_test(a_document_past_the_bound_is_refused),
		cmocka_unit_test(broken_text_is_not_too_large),
		cmocka_unit_test(other_json_outlives_the_arena),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
