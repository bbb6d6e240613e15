/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "lib/json_tree.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/array.h"

#define CHUNK_SIZE  (256UL << 10)
#define DEPTH_MAX   512
#define FEW_MEMBERS 64 /* of an object, which are compared with each other without sorting */

struct json_chunk {
	struct json_chunk *older;
	unsigned char bytes[] __attribute__((aligned(16)));
};

/* An array or object that has not ended, and where its next value goes. */
struct open_node {
	struct json_node *node;
	const struct json_node **next;
};

struct json_parse {
	struct json_tree *tree;
	char *at, *begin, *end; /* a copy of the text, in which strings are unescaped; *end is 0 */
	struct open_node open[DEPTH_MAX];
	size_t depth;
};

static void *json_tree__allocate(struct json_tree *tree, size_t size)
{
	size = (size + 15) & ~(size_t)15;
	if (size > tree->most) {
		tree->problem = PROBLEM_EXCEEDS;
		return NULL;
	}
	if (size > tree->left) {
		size_t room = size > CHUNK_SIZE ? size : CHUNK_SIZE;
		struct json_chunk *chunk = malloc(sizeof(*chunk) + room);

		if (!chunk) {
			tree->problem = PROBLEM_MEMORY;
			return NULL;
		}
		chunk->older = tree->chunks;
		tree->chunks = chunk;
		tree->left = room;
	}
	tree->most -= size;
	tree->left -= size;
	/* From a chunk's end to its begin, so that `left` is all there is to keep. */
	return tree->chunks->bytes + tree->left;
}

static bool parse__fail(struct json_parse *parse, enum json_problem problem, const char *what)
{
	parse->tree->problem = problem;
	parse->tree->what = what;
	return false;
}

/* Of what stands at parse->at. */
static bool parse__refuse(struct json_parse *parse, const char *what)
{
	return parse__fail(parse, parse->at == parse->end ? PROBLEM_ENDS : PROBLEM_SYNTAX, what);
}

static void parse__skip_space(struct json_parse *parse)
{
	while (*parse->at == ' ' || *parse->at == '\n' || *parse->at == '\t' || *parse->at == '\r')
		parse->at++;
}

/* The value of four hexadecimal digits, or -1. */
static int hex4__read(const char *digits)
{
	int value = 0;

	for (int i = 0; i < 4; i++) {
		char c = digits[i];

		if (c >= '0' && c <= '9')
			value = value << 4 | (c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			value = value << 4 | ((c | 0x20) - 'a' + 10);
		else
			return -1;
	}
	return value;
}

static char *utf8__put(char *out, unsigned int point)
{
	if (point < 0x80) {
		*out++ = (char)point;
	} else if (point < 0x800) {
		*out++ = (char)(0xc0 | point >> 6);
		*out++ = (char)(0x80 | (point & 0x3f));
	} else if (point < 0x10000) {
		*out++ = (char)(0xe0 | point >> 12);
		*out++ = (char)(0x80 | (point >> 6 & 0x3f));
		*out++ = (char)(0x80 | (point & 0x3f));
	} else {
		*out++ = (char)(0xf0 | point >> 18);
		*out++ = (char)(0x80 | (point >> 12 & 0x3f));
		*out++ = (char)(0x80 | (point >> 6 & 0x3f));
		*out++ = (char)(0x80 | (point & 0x3f));
	}
	return out;
}

/* The length of the code point at `at`, which is no ASCII; 0 where it is no UTF-8 (RFC 3629,
 * section 4). A NUL stands behind the text and is no byte of any. */
static size_t utf8__length(const char *at)
{
	const unsigned char *byte = (const unsigned char *)at;
	size_t length = byte[0] >= 0xf0 ? 4 : byte[0] >= 0xe0 ? 3 : 2;
	unsigned char low = 0x80, high = 0xbf;

	if (byte[0] < 0xc2 || byte[0] > 0xf4)
		return 0;
	if (byte[0] == 0xe0)
		low = 0xa0;
	else if (byte[0] == 0xed)
		high = 0x9f;
	else if (byte[0] == 0xf0)
		low = 0x90;
	else if (byte[0] == 0xf4)
		high = 0x8f;
	if (byte[1] < low || byte[1] > high)
		return 0;
	for (size_t i = 2; i < length; i++)
		if (byte[i] < 0x80 || byte[i] > 0xbf)
			return 0;
	return length;
}

/* \uXXXX at parse->at, behind the backslash, or a pair of surrogates. */
static bool parse__code_point(struct json_parse *parse, char **out)
{
	int high = hex4__read(parse->at + 1), low = -1;

	if (high < 0)
		return parse__refuse(parse, "an escape \\u without four digits");
	if (!high)
		return parse__refuse(parse, "a NUL in a string");
	if (high >= 0xd800 && high < 0xdc00 && parse->at[5] == '\\' && parse->at[6] == 'u')
		low = hex4__read(parse->at + 7);
	if (high >= 0xd800 && high < 0xe000 && (high >= 0xdc00 || low < 0xdc00 || low >= 0xe000))
		return parse__refuse(parse, "half a surrogate pair");
	parse->at += low < 0 ? 5 : 11;
	*out = utf8__put(*out, low < 0 ? (unsigned int)high
				       : 0x10000U + (((unsigned int)high & 0x3ff) << 10 |
							    ((unsigned int)low & 0x3ff)));
	return true;
}

/* At the backslash. What it stands for is never longer. */
static bool parse__escape(struct json_parse *parse, char **out)
{
	static const char escapes[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
	const char *escape;

	parse->at++;
	if (*parse->at == 'u')
		return parse__code_point(parse, out);
	escape = *parse->at ? strchr(escapes, *parse->at) : NULL;
	if (!escape)
		return parse__refuse(parse, "an escape that is none");
	*(*out)++ = meanings[escape - escapes];
	parse->at++;
	return true;
}

/* Bytes of a string that stand for themselves. */
static bool byte__is_plain(unsigned char byte)
{
	return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
}

/* Behind the opening quote; unescapes in place. */
static bool parse__string(struct json_parse *parse, const char **text, uint32_t *size)
{
	char *begin = parse->at, *out = begin;

	while (byte__is_plain((unsigned char)*parse->at))
		parse->at++;
	out = parse->at;
	while (*parse->at != '"') {
		if (*parse->at == '\\') {
			if (!parse__escape(parse, &out))
				return false;
		} else if ((unsigned char)*parse->at >= 0x80) {
			size_t length = utf8__length(parse->at);

			if (!length)
				return parse__refuse(parse, "a byte that is no UTF-8");
			memmove(out, parse->at, length);
			out += length;
			parse->at += length;
		} else if ((unsigned char)*parse->at < 0x20) {
			return parse__refuse(parse, "a control character in a string");
		} else {
			*out++ = *parse->at++;
		}
	}
	parse->at++;
	*out = '\0';
	*text = begin;
	*size = (uint32_t)(out - begin);
	return true;
}

static size_t digits__count(const char *at)
{
	size_t count = 0;

	while (at[count] >= '0' && at[count] <= '9')
		count++;
	return count;
}

static bool parse__real(struct json_parse *parse, const char *end, struct json_node *node)
{
	node->kind = KIND_REAL;
	node->real = strtod(parse->at, NULL);
	if (isinf(node->real))
		return parse__fail(parse, PROBLEM_NUMBER, NULL);
	parse->at += end - parse->at;
	return true;
}

static bool parse__number(struct json_parse *parse, struct json_node *node)
{
	bool negative = *parse->at == '-', overflows = false;
	char *at = parse->at + negative;
	size_t digits = digits__count(at);
	int64_t value = 0;

	if (!digits) {
		parse->at = at;
		return parse__refuse(parse, "a number without digits");
	}
	if (*at == '0' && digits > 1)
		return parse__refuse(parse, "a number that begins with 0");
	for (size_t i = 0; i < digits; i++)
		overflows |= __builtin_mul_overflow(value, 10, &value) ||
			     __builtin_sub_overflow(value, at[i] - '0', &value);
	at += digits;
	if (*at == '.' || *at == 'e' || *at == 'E') {
		if (*at == '.') {
			digits = digits__count(++at);
			parse->at = digits ? parse->at : at;
			at += digits;
		}
		if (digits && (*at == 'e' || *at == 'E')) {
			at++;
			at += *at == '+' || *at == '-';
			digits = digits__count(at);
			parse->at = digits ? parse->at : at;
			at += digits;
		}
		return digits ? parse__real(parse, at, node)
			      : parse__refuse(parse, "a number without digits");
	}
	/* Counted down, because there is one negative number more. */
	if (overflows || (!negative && value == INT64_MIN))
		return parse__fail(parse, PROBLEM_NUMBER, NULL);
	node->kind = KIND_INTEGER;
	node->integer = negative ? value : -value;
	parse->at = at;
	return true;
}

static bool parse__word(struct json_parse *parse, struct json_node *node)
{
	static const struct {
		const char *word;
		enum json_kind kind;
	} words[] = {{"null", KIND_NULL}, {"true", KIND_TRUE}, {"false", KIND_FALSE}};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		const char *left = words[i].word;

		if (*parse->at != *left)
			continue;
		for (; *left && *parse->at == *left; left++)
			parse->at++;
		if (*left)
			break;
		node->kind = words[i].kind;
		return true;
	}
	return parse__refuse(parse, "what is no value");
}

static int name__compare(const void *left, const void *right)
{
	return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* Of an object with many members. */
static bool parse__sort_names(struct json_parse *parse, const struct json_node *object)
{
	const char **names = json_tree__allocate(parse->tree, object->size * sizeof(*names));
	size_t count = 0;

	if (!names)
		return false;
	for (const struct json_node *member = object->first; member; member = member->next)
		names[count++] = member->name;
	qsort(names, count, sizeof(*names), name__compare);
	for (size_t i = 1; i < count; i++)
		if (!strcmp(names[i - 1], names[i]))
			return parse__fail(parse, PROBLEM_SYNTAX, "two members of one name");
	return true;
}

/* Most names differ in what is easily seen of them; those that do not are compared. */
static bool parse__check_names(struct json_parse *parse, const struct json_node *object)
{
	uint64_t seen = 0;

	if (object->size > FEW_MEMBERS)
		return parse__sort_names(parse, object);
	for (const struct json_node *member = object->first; member; member = member->next) {
		const char *name = member->name;
		uint64_t bit = 1ULL << ((strlen(name) * 7 + (unsigned char)name[0]) & 63);

		if (seen & bit)
			for (const struct json_node *other = object->first; other != member;
				other = other->next)
				if (!strcmp(other->name, name))
					return parse__fail(
						parse, PROBLEM_SYNTAX, "two members of one name");
		seen |= bit;
	}
	return true;
}

/* A new value, in the array or object that is open. */
static struct json_node *parse__add(struct json_parse *parse, const char *name)
{
	struct json_node *node = json_tree__allocate(parse->tree, sizeof(*node));

	if (!node)
		return NULL;
	*node = (struct json_node){.name = name};
	if (parse->depth) {
		struct open_node *open = &parse->open[parse->depth - 1];

		open->node->size++;
		*open->next = node;
		open->next = &node->next;
	} else {
		parse->tree->root = node;
	}
	return node;
}

static bool parse__open(struct json_parse *parse, struct json_node *node)
{
	if (parse->depth == DEPTH_MAX)
		return parse__refuse(parse, "values that are nested too deeply");
	node->kind = *parse->at++ == '{' ? KIND_OBJECT : KIND_ARRAY;
	parse->open[parse->depth++] = (struct open_node){node, &node->first};
	return true;
}

/* At the first byte of a value. An array or object is only opened. */
static bool parse__value(struct json_parse *parse, const char *name)
{
	struct json_node *node = parse__add(parse, name);

	if (!node)
		return false;
	switch (*parse->at) {
	case '{':
	case '[':
		return parse__open(parse, node);
	case '"':
		node->kind = KIND_TEXT;
		parse->at++;
		return parse__string(parse, &node->text, &node->size);
	default:
		return *parse->at == '-' || digits__count(parse->at) ? parse__number(parse, node)
								     : parse__word(parse, node);
	}
}

/* A member of an object, or an element of an array. */
static bool parse__item(struct json_parse *parse)
{
	const char *name = NULL;
	uint32_t size;

	if (parse->open[parse->depth - 1].node->kind == KIND_OBJECT) {
		if (*parse->at != '"')
			return parse__refuse(parse, "a member without a name");
		parse->at++;
		if (!parse__string(parse, &name, &size))
			return false;
		parse__skip_space(parse);
		if (*parse->at != ':')
			return parse__refuse(parse, "a name without a colon");
		parse->at++;
		parse__skip_space(parse);
	}
	return parse__value(parse, name);
}

/* In an open array or object, behind a value or at its begin. */
static bool parse__go_on(struct json_parse *parse)
{
	const struct json_node *node = parse->open[parse->depth - 1].node;
	bool object = node->kind == KIND_OBJECT;

	if (*parse->at == (object ? '}' : ']')) {
		parse->at++;
		parse->depth--;
		return !object || parse__check_names(parse, node);
	}
	if (parse->open[parse->depth - 1].next != &node->first) {
		if (*parse->at != ',')
			return parse__refuse(parse, "values without a comma between them");
		parse->at++;
		parse__skip_space(parse);
	}
	return parse__item(parse);
}

static bool parse__document(struct json_parse *parse)
{
	parse__skip_space(parse);
	if (!parse__value(parse, NULL))
		return false;
	for (;;) {
		parse__skip_space(parse);
		if (!parse->depth)
			break;
		if (!parse__go_on(parse))
			return false;
	}
	return parse->at == parse->end || parse__refuse(parse, "something behind its end");
}

static unsigned int text__line(const char *text, const char *at)
{
	unsigned int line = 1;

	for (; text < at; text++)
		line += *text == '\n';
	return line;
}

const struct json_node *json_tree__parse(
	struct json_tree *tree, const char *text, size_t size, size_t most)
{
	struct json_parse parse;

	*tree = (struct json_tree){.most = most};
	if (size >= UINT32_MAX) {
		tree->problem = PROBLEM_EXCEEDS;
		return NULL;
	}
	parse.begin = json_tree__allocate(tree, size + 1);
	if (!parse.begin)
		return NULL;
	memcpy(parse.begin, text, size);
	parse.begin[size] = '\0';
	parse.tree = tree;
	parse.at = parse.begin;
	parse.end = parse.begin + size;
	parse.depth = 0;
	if (parse__document(&parse))
		return tree->root;
	tree->line = text__line(text, text + (parse.at - parse.begin));
	tree->root = NULL;
	return NULL;
}

void json_tree__free(struct json_tree *tree)
{
	while (tree->chunks) {
		struct json_chunk *chunk = tree->chunks;

		tree->chunks = chunk->older;
		free(chunk);
	}
	*tree = (struct json_tree){0};
}

const struct json_node *json_node__member(const struct json_node *object, const char *name)
{
	if (!json_node__is(object, KIND_OBJECT))
		return NULL;
	for (const struct json_node *member = object->first; member; member = member->next)
		if (*member->name == *name && !strcmp(member->name, name))
			return member;
	return NULL;
}
