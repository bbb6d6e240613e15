/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * JSON documents (RFC 8259) that are read, used and thrown away as a whole, within a bound on
 * memory. A fleet's reports are mostly strings and small objects, for which jansson, which the rest
 * of the program uses, makes a hash table each.
 */
#ifndef IMDSTRACE_JSON_TREE_H
#define IMDSTRACE_JSON_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum json_kind {
	KIND_NULL,
	KIND_FALSE,
	KIND_TRUE,
	KIND_INTEGER, /* without a fraction and an exponent */
	KIND_REAL,
	KIND_TEXT,
	KIND_ARRAY,
	KIND_OBJECT,
};

/* A value. Texts are UTF-8 without a NUL in them, and end with one. */
struct json_node {
	const char *name;             /* of an object's member; else NULL */
	const struct json_node *next; /* the one behind it in the same array or object */
	union {
		const char *text;
		int64_t integer;
		double real;
		const struct json_node *first; /* of an array's or an object's */
	};
	uint32_t size; /* bytes of the text; elements, members */
	enum json_kind kind;
};

enum json_problem {
	PROBLEM_NONE,
	PROBLEM_SYNTAX,  /* `what` says which */
	PROBLEM_ENDS,    /* in the middle of a value */
	PROBLEM_NUMBER,  /* one that is too large */
	PROBLEM_EXCEEDS, /* needs more memory than it may take */
	PROBLEM_MEMORY,  /* there is none left */
};

struct json_chunk;

/* All zero is an empty one. */
struct json_tree {
	const struct json_node *root;
	struct json_chunk *chunks; /* the newest first */
	size_t left;               /* bytes of the newest chunk */
	size_t most;               /* bytes that may still be allocated */
	enum json_problem problem;
	const char *what;
	unsigned int line; /* where the problem is, from 1 */
};

/*
 * Parses size bytes of text, for which it takes at most `most` bytes of memory. Two members of one
 * name, a NUL in a string, and what is no UTF-8 are refused. Returns the document, which lives
 * until json_tree__free(); NULL with tree->problem set.
 */
const struct json_node *json_tree__parse(
	struct json_tree *tree, const char *text, size_t size, size_t most);

void json_tree__free(struct json_tree *tree);

/* An object's member; NULL where there is none, and where object is none or NULL. */
const struct json_node *json_node__member(const struct json_node *object, const char *name);

/* NULL is of no kind. */
static inline bool json_node__is(const struct json_node *node, enum json_kind kind)
{
	return node && node->kind == kind;
}

/* NULL where node is no text. */
static inline const char *json_node__text(const struct json_node *node)
{
	return json_node__is(node, KIND_TEXT) ? node->text : NULL;
}

#endif
