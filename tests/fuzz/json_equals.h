/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Whether a tree of JSON and jansson's value are the same document. */
#ifndef FUZZ_JSON_EQUALS_H
#define FUZZ_JSON_EQUALS_H

#include <jansson.h>
#include <stdbool.h>
#include <string.h>

#include "lib/json_tree.h"

static inline bool node__equals(const struct json_node *node, const json_t *value)
{
	const struct json_node *at;
	size_t count = 0;

	switch (json_typeof(value)) {
	case JSON_NULL:
		return node->kind == KIND_NULL;
	case JSON_TRUE:
		return node->kind == KIND_TRUE;
	case JSON_FALSE:
		return node->kind == KIND_FALSE;
	case JSON_INTEGER:
		return node->kind == KIND_INTEGER && node->integer == json_integer_value(value);
	case JSON_REAL:
		return node->kind == KIND_REAL && node->real == json_real_value(value);
	case JSON_STRING:
		return node->kind == KIND_TEXT && node->size == json_string_length(value) &&
		       !strcmp(node->text, json_string_value(value));
	case JSON_ARRAY:
		if (node->kind != KIND_ARRAY || node->size != json_array_size(value))
			return false;
		for (at = node->first; at; at = at->next)
			if (!node__equals(at, json_array_get(value, count++)))
				return false;
		return count == node->size;
	case JSON_OBJECT:
		if (node->kind != KIND_OBJECT || node->size != json_object_size(value))
			return false;
		for (at = node->first; at; at = at->next) {
			const json_t *member = json_object_get(value, at->name);

			if (!member || json_node__member(node, at->name) != at ||
				!node__equals(at, member))
				return false;
			count++;
		}
		return count == node->size;
	}
	return false;
}

#endif
