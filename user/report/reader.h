/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reads fields of a JSON document by tables, and says which one is wrong. */
#ifndef IMDSTRACE_READER_H
#define IMDSTRACE_READER_H

#include <stddef.h>
#include <stdint.h>

#include "lib/json_tree.h"
#include "report/report_index.h"

/* A field's place in the document, from the inside out: callers[3].calls. */
struct place {
	const struct place *up;
	const char *name; /* NULL: an element of the array above */
	size_t at;
};

struct reader {
	struct report *report;
	struct caller **callers; /* in the order of the document */
	size_t caller_count;
	char *why; /* what is wrong, of why_size bytes */
	size_t why_size;
};

enum need { REQUIRED, OPTIONAL }; /* optional: missing, or null */

enum field_type {
	FIELD_TEXT,    /* char *, which stays the document's; NULL where it is missing */
	FIELD_COUNT,   /* uint64_t, at most `most` */
	FIELD_BOOL,    /* bool */
	FIELD_TIME,    /* int64_t: RFC 3339 as ns since 1970 */
	FIELD_SECONDS, /* int64_t: a number of seconds as ns */
	FIELD_CLASSES, /* uint64_t[CLASS_COUNT]: an object with a count of each class */
	FIELD_UNKNOWN, /* uint64_t[UNKNOWN_REASONS]: an object with a count of some reasons */
	FIELD_MISSED,  /* uint64_t[MISSED_KINDS]: likewise of kinds */
	FIELD_OBJECT,  /* const struct json_node *; NULL where it is missing */
};

/* Where a field is missing, what is at its offset stays as it is, but of texts and objects. */
struct reader_field {
	const char *name;
	enum need need;
	enum field_type type;
	size_t offset;
	uint64_t most;
};

#define FIELD(type_, name_, need_, struct_, member_)               \
	{                                                          \
		.name = (name_), .need = (need_), .type = (type_), \
		.offset = offsetof(struct_, member_)               \
	}
#define COUNT_FIELD(name_, need_, struct_, member_)                            \
	{                                                                      \
		.name = (name_), .need = (need_), .type = FIELD_COUNT,         \
		.offset = offsetof(struct_, member_), .most = REPORT_COUNT_MAX \
	}
#define BOUNDED_FIELD(name_, need_, struct_, member_, most_)           \
	{                                                              \
		.name = (name_), .need = (need_), .type = FIELD_COUNT, \
		.offset = offsetof(struct_, member_), .most = (most_)  \
	}

/* All of them return 0 or -errno, after which reader->why says what is wrong. */

/* -EINVAL, with "PLACE.name PROBLEM"; name NULL: the place itself. */
int reader__fail(
	struct reader *reader, const struct place *up, const char *name, const char *problem);
/* -EINVAL, with a sentence of its own. */
__attribute__((format(printf, 2, 3))) int reader__refuse(
	struct reader *reader, const char *format, ...);
/* Passes error on; says that memory or a bound of the report (-ENOSPC) is the reason. */
int reader__check(struct reader *reader, int error);

/* The fields of an object, up to one without a name, into the struct at into. */
int reader__fields(struct reader *reader, const struct place *place, const struct json_node *object,
	const struct reader_field fields[], void *into);

/* Calls each(reader, place of the element, element, context) for every element of an array. */
int reader__each(struct reader *reader, const struct place *up, const struct json_node *object,
	const char *name, enum need need,
	int (*each)(struct reader *, const struct place *, const struct json_node *, void *),
	void *context);

/* A value that is in an array, or that decides how others are read. */
int reader__text(struct reader *reader, const struct place *place, const char *name,
	const struct json_node *value);
int reader__count(struct reader *reader, const struct place *place, const char *name,
	const struct json_node *value, uint64_t most, uint64_t *count);
int reader__object(struct reader *reader, const struct place *place, const char *name,
	const struct json_node *value);

/* A field that is the name of a class. */
int reader__class(struct reader *reader, const struct place *place, const struct json_node *object,
	const char *name, enum request_class *cls);

/* A field that is one of count words, of which name(i) is the i-th or NULL. *index is left alone
 * where it is missing; problem is said where it is another word. */
int reader__word(struct reader *reader, const struct place *place, const struct json_node *object,
	const char *field, enum need need, const char *(*name)(int), int count, const char *problem,
	int *index);

#endif
