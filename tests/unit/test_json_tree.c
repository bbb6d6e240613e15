/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* JSON trees: what they hold, what is refused, and that jansson finds the same in any bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../fuzz/json_equals.h"
#include "lib/array.h"
#include "lib/json_tree.h"
#include "lib/scope.h"

#define MUTATIONS 40000
#define MOST      (64UL << 20)

static const struct json_node *tree__of(struct json_tree *tree, const char *text, size_t most)
{
	return json_tree__parse(tree, text, strlen(text), most);
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
	struct json_tree tree;
	const struct json_node *document = tree__of(&tree, text, MOST);
	int at = 0;

	(void)state;
	assert_int_equal(document->size, 50);
	for (const struct json_node *list = document->first; list; list = list->next)
		for (const struct json_node *word = list->first; word; word = word->next) {
			char expected[32];

			snprintf(expected, sizeof(expected), "word %d", at++);
			assert_string_equal(json_node__text(word), expected);
		}
	assert_int_equal(at, 50000);
	json_tree__free(&tree);
}

static void a_string_longer_than_a_chunk_fits(void **state)
{
	const size_t length = 3UL << 20;
	_free_ char *text = malloc(length + 5);
	struct json_tree tree;

	(void)state;
	memset(text, 'x', length + 4);
	memcpy(text, "[\"", 2);
	memcpy(text + length + 2, "\"]", 3);
	assert_int_equal(tree__of(&tree, text, MOST)->first->size, length);
	json_tree__free(&tree);
}

static void a_document_past_the_bound_is_refused(void **state)
{
	_free_ char *text = text__of_arrays(50);
	struct json_tree tree;

	(void)state;
	assert_null(tree__of(&tree, text, 1UL << 20));
	assert_int_equal(tree.problem, PROBLEM_EXCEEDS);
	json_tree__free(&tree);
}

static void values_are_what_they_say(void **state)
{
	struct json_tree tree;
	const struct json_node *document = tree__of(&tree,
		" { \"text\" : \"a\\u00e9\\ud83d\\ude00\\n\\/\" , \"most\":9223372036854775807,"
		"\"least\":-9223372036854775808,\"real\":-1.5e2,\"yes\":true,\"no\":false,"
		"\"none\":null,\"list\":[1,[],{}] }\n",
		MOST);

	(void)state;
	assert_int_equal(document->kind, KIND_OBJECT);
	assert_int_equal(document->size, 8);
	assert_string_equal(json_node__text(json_node__member(document, "text")),
		"a\xc3\xa9\xf0\x9f\x98\x80\n/");
	assert_true(json_node__member(document, "most")->integer == INT64_MAX);
	assert_true(json_node__member(document, "least")->integer == INT64_MIN);
	assert_true(json_node__member(document, "real")->real == -150);
	assert_int_equal(json_node__member(document, "yes")->kind, KIND_TRUE);
	assert_int_equal(json_node__member(document, "no")->kind, KIND_FALSE);
	assert_int_equal(json_node__member(document, "none")->kind, KIND_NULL);
	assert_int_equal(json_node__member(document, "list")->size, 3);
	assert_null(json_node__member(document, "other"));
	assert_null(json_node__member(json_node__member(document, "list"), "x"));
	assert_null(json_node__text(NULL));
	json_tree__free(&tree);
}

/* An object with so many members, of which the last has the name of the first. */
static char *text__of_members(int count)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	fputc('{', out);
	for (int i = 0; i < count; i++)
		fprintf(out, "\"%d\":%d,", i, i);
	fputs("\"0\":0}", out);
	fclose(out);
	return text;
}

static void a_name_that_is_given_twice_is_refused(void **state)
{
	(void)state;
	for (int count = 1; count < 100000; count *= 7) {
		_free_ char *text = text__of_members(count);
		struct json_tree tree;

		assert_null(tree__of(&tree, text, MOST));
		assert_int_equal(tree.problem, PROBLEM_SYNTAX);
		json_tree__free(&tree);
	}
}

static void what_is_wrong_is_told(void **state)
{
	static const struct {
		const char *text;
		enum json_problem problem;
		unsigned int line;
	} cases[] = {
		{"", PROBLEM_ENDS, 1},
		{"\n[", PROBLEM_ENDS, 2},
		{"[1", PROBLEM_ENDS, 1},
		{"[1,", PROBLEM_ENDS, 1},
		{"[tru", PROBLEM_ENDS, 1},
		{"[\"a", PROBLEM_ENDS, 1},
		{"[\"\\", PROBLEM_ENDS, 1},
		{"{\"a\"", PROBLEM_ENDS, 1},
		{"{\"a\":", PROBLEM_ENDS, 1},
		{"[1.", PROBLEM_ENDS, 1},
		{"[1e", PROBLEM_ENDS, 1},
		{"[-", PROBLEM_ENDS, 1},
		{"[1]x", PROBLEM_SYNTAX, 1},
		{"[1 2]", PROBLEM_SYNTAX, 1},
		{"[1,]", PROBLEM_SYNTAX, 1},
		{"[,1]", PROBLEM_SYNTAX, 1},
		{"{\"a\":1,}", PROBLEM_SYNTAX, 1},
		{"{\"a\" 1}", PROBLEM_SYNTAX, 1},
		{"{1:1}", PROBLEM_SYNTAX, 1},
		{"[01]", PROBLEM_SYNTAX, 1},
		{"[+1]", PROBLEM_SYNTAX, 1},
		{"[.5]", PROBLEM_SYNTAX, 1},
		{"[1.e5]", PROBLEM_SYNTAX, 1},
		{"[truth]", PROBLEM_SYNTAX, 1},
		{"[nul]", PROBLEM_SYNTAX, 1},
		{"[\n\n'a']", PROBLEM_SYNTAX, 3},
		{"[\"a\nb\"]", PROBLEM_SYNTAX, 1},
		{"[\"\\x\"]", PROBLEM_SYNTAX, 1},
		{"[\"\\u12\"]", PROBLEM_SYNTAX, 1},
		{"[\"\\u0000\"]", PROBLEM_SYNTAX, 1},
		{"[\"\\ud800\"]", PROBLEM_SYNTAX, 1},
		{"[\"\\udc00\"]", PROBLEM_SYNTAX, 1},
		{"[\"\\ud800\\u0041\"]", PROBLEM_SYNTAX, 1},
		{"[\"\xff\"]", PROBLEM_SYNTAX, 1},
		{"[\"\xc0\x80\"]", PROBLEM_SYNTAX, 1},
		{"[\"\xed\xa0\x80\"]", PROBLEM_SYNTAX, 1},
		{"[\"\xf4\x90\x80\x80\"]", PROBLEM_SYNTAX, 1},
		{"[\"\xe2\x82\"]", PROBLEM_SYNTAX, 1},
		{"[1e999]", PROBLEM_NUMBER, 1},
		{"[9223372036854775808]", PROBLEM_NUMBER, 1},
		{"[-9223372036854775809]", PROBLEM_NUMBER, 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct json_tree tree;

		if (tree__of(&tree, cases[i].text, MOST) || tree.problem != cases[i].problem ||
			tree.line != cases[i].line)
			fail_msg("%s: problem %d in line %u", cases[i].text, tree.problem,
				tree.line);
		json_tree__free(&tree);
	}
}

static void nesting_has_an_end(void **state)
{
	_free_ char *text = malloc(100001);
	struct json_tree tree;

	(void)state;
	memset(text, '[', 100000);
	text[100000] = '\0';
	assert_null(tree__of(&tree, text, MOST));
	assert_int_equal(tree.problem, PROBLEM_SYNTAX);
	json_tree__free(&tree);
}

/* A generator of its own (Marsaglia's xorshift), so that a failure comes again. */
static uint32_t chance__next(uint32_t *chance)
{
	*chance ^= *chance << 13;
	*chance ^= *chance >> 17;
	*chance ^= *chance << 5;
	return *chance;
}

static void mutate(char *text, size_t size, uint32_t *chance)
{
	static const char bytes[] =
		"\"\\{}[],:0123456789.eE+-untfalsr \n\t\x01\x7f\x80\xbf\xc3\xed\xf4";

	for (uint32_t changes = chance__next(chance) % 4; changes; changes--) {
		size_t at = chance__next(chance) % size, from = chance__next(chance) % size;
		size_t count = chance__next(chance) % 8;

		if (chance__next(chance) % 2)
			text[at] = bytes[chance__next(chance) % (sizeof(bytes) - 1)];
		else if (at + count < size && from + count < size)
			memmove(text + at, text + from, count);
	}
}

static void jansson_finds_the_same(void **state)
{
	static const char sample[] =
		"{\"a\":[1,-20,3.5,1e3,0,-0.25E-2],\"b\":{\"c\":null,\"d\":true,\"e\":false},"
		"\"text\":\"x\\u00e9\\ud83d\\ude00\\n\xc3\xa9\xf0\x9f\x98\x80\",\"\":{},\"l\":[[],{}],"
		"\"big\":9223372036854775807, \"small\" : -9223372036854775808 }";
	char text[sizeof(sample)];
	uint32_t chance = 0x1d872b41;
	int parsed = 0;

	(void)state;
	for (int i = 0; i < MUTATIONS; i++) {
		size_t size = sizeof(sample) - 1;
		const struct json_node *document;
		struct json_tree tree;

		memcpy(text, sample, sizeof(sample));
		mutate(text, size, &chance);
		if (chance__next(&chance) % 8 == 0)
			size = chance__next(&chance) % size;
		document = json_tree__parse(&tree, text, size, MOST);
		_decref_ json_t *value =
			json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
		if (!document != !value || (value && !node__equals(document, value)))
			fail_msg("mutation %d: %.*s", i, (int)size, text);
		parsed += document != NULL;
		json_tree__free(&tree);
	}
	/* Else it compares nothing but refusals. */
	assert_true(parsed > MUTATIONS / 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_document_spans_chunks),
		cmocka_unit_test(a_string_longer_than_a_chunk_fits),
		cmocka_unit_test(a_document_past_the_bound_is_refused),
		cmocka_unit_test(values_are_what_they_say),
		cmocka_unit_test(a_name_that_is_given_twice_is_refused),
		cmocka_unit_test(what_is_wrong_is_told),
		cmocka_unit_test(nesting_has_an_end),
		cmocka_unit_test(jansson_finds_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
