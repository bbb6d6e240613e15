// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "report/reader.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/clock.h"

#define TEXT_SIZE_MAX 65536
#define SECONDS_MAX   1e9

static size_t place__print(const struct place *place, char *out, size_t size)
{
	size_t used = 0;
	int more;

	if (!place || !size)
		return 0;
	used = place__print(place->up, out, size);
	more = place->name ? snprintf(out + used, size - used, "%s%s", used ? "." : "", place->name)
			   : snprintf(out + used, size - used, "[%zu]", place->at);
	used += more > 0 ? (size_t)more : 0;
	return used < size ? used : size - 1;
}

int reader__fail(
	struct reader *reader, const struct place *up, const char *name, const char *problem)
{
	struct place place = {.up = up, .name = name};
	char where[128] = "";

	place__print(name ? &place : up, where, sizeof(where));
	snprintf(reader->why, reader->why_size, "%s %s", *where ? where : "the document", problem);
	return -EINVAL;
}

int reader__refuse(struct reader *reader, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(reader->why, reader->why_size, format, arguments);
	va_end(arguments);
	return -EINVAL;
}

int reader__check(struct reader *reader, int error)
{
	if (error == -ENOMEM)
		reader__refuse(reader, "there is not enough memory to read it");
	else if (error == -ENOSPC)
		reader__refuse(reader, "it has more hosts and windows than one report may hold");
	return error;
}

/* *value is NULL where an optional field is missing. */
static int reader__get(struct reader *reader, const struct place *place,
	const struct json_node *object, const char *name, enum need need,
	const struct json_node **value)
{
	*value = json_node__member(object, name);
	if (json_node__is(*value, KIND_NULL))
		*value = NULL;
	return *value || need == OPTIONAL ? 0 : reader__fail(reader, place, name, "is missing");
}

int reader__text(struct reader *reader, const struct place *place, const char *name,
	const struct json_node *value)
{
	if (!json_node__is(value, KIND_TEXT))
		return reader__fail(reader, place, name, "is not a string");
	if (value->size > TEXT_SIZE_MAX)
		return reader__fail(reader, place, name, "is longer than 65536 bytes");
	return 0;
}

int reader__count(struct reader *reader, const struct place *place, const char *name,
	const struct json_node *value, uint64_t most, uint64_t *count)
{
	if (!json_node__is(value, KIND_INTEGER))
		return reader__fail(reader, place, name, "is not a whole number");
	if (value->integer < 0)
		return reader__fail(reader, place, name, "is negative");
	if ((uint64_t)value->integer > most)
		return reader__fail(reader, place, name, "is too large");
	*count = (uint64_t)value->integer;
	return 0;
}

int reader__object(struct reader *reader, const struct place *place, const char *name,
	const struct json_node *value)
{
	return json_node__is(value, KIND_OBJECT)
		       ? 0
		       : reader__fail(reader, place, name, "is not an object");
}

static int reader__bool(struct reader *reader, const struct place *place, const char *name,
	const struct json_node *value, bool *flag)
{
	if (!json_node__is(value, KIND_TRUE) && !json_node__is(value, KIND_FALSE))
		return reader__fail(reader, place, name, "is neither true nor false");
	*flag = value->kind == KIND_TRUE;
	return 0;
}

static int reader__seconds(struct reader *reader, const struct place *place, const char *name,
	const struct json_node *value, int64_t *ns)
{
	double seconds;

	if (!json_node__is(value, KIND_INTEGER) && !json_node__is(value, KIND_REAL))
		return reader__fail(reader, place, name, "is not a number");
	seconds = value->kind == KIND_REAL ? value->real : (double)value->integer;
	if (!(seconds >= 0 && seconds < SECONDS_MAX))
		return reader__fail(reader, place, name, "is out of range");
	*ns = (int64_t)(seconds * NSEC_PER_SEC);
	return 0;
}

/* Times of a report are after 1970; 0 stands for one that is missing. */
static int reader__time(struct reader *reader, const struct place *place, const char *name,
	const struct json_node *value, int64_t *time)
{
	int error = reader__text(reader, place, name, value);

	if (error)
		return error;
	if (clock__parse(json_node__text(value), time) || *time < 0)
		return reader__fail(reader, place, name, "is not an RFC 3339 time after 1970");
	return 0;
}

static const char *class__key(int cls)
{
	return class__name(cls);
}

static const char *unknown_reason__key(int reason)
{
	return unknown_reason__name(reason);
}

static const char *missed_kind__key(int kind)
{
	return missed_kind__name(kind);
}

/* An object with a count for each of `size` names. */
static int reader__counts(struct reader *reader, const struct place *up, const char *name,
	const struct json_node *value, enum need need, const char *(*key)(int), int size,
	uint64_t counts[])
{
	const struct place place = {.up = up, .name = name};
	int error = reader__object(reader, up, name, value);

	for (int i = 0; !error && i < size; i++) {
		const struct json_node *count;

		error = reader__get(reader, &place, value, key(i), need, &count);
		if (!error && count)
			error = reader__count(
				reader, &place, key(i), count, REPORT_COUNT_MAX, &counts[i]);
	}
	return error;
}

static int reader__field(struct reader *reader, const struct place *place,
	const struct json_node *object, const struct reader_field *field, void *at)
{
	const char *name = field->name;
	const struct json_node *value;
	int error = reader__get(reader, place, object, name, field->need, &value);

	if (field->type == FIELD_TEXT)
		*(char **)at = NULL;
	else if (field->type == FIELD_OBJECT)
		*(const struct json_node **)at = NULL;
	if (error || !value)
		return error;
	switch (field->type) {
	case FIELD_TEXT:
		error = reader__text(reader, place, name, value);
		if (!error)
			*(char **)at = (char *)json_node__text(value);
		return error;
	case FIELD_COUNT:
		return reader__count(reader, place, name, value, field->most, at);
	case FIELD_BOOL:
		return reader__bool(reader, place, name, value, at);
	case FIELD_TIME:
		return reader__time(reader, place, name, value, at);
	case FIELD_SECONDS:
		return reader__seconds(reader, place, name, value, at);
	case FIELD_CLASSES:
		return reader__counts(
			reader, place, name, value, REQUIRED, class__key, CLASS_COUNT, at);
	case FIELD_UNKNOWN:
		return reader__counts(reader, place, name, value, OPTIONAL, unknown_reason__key,
			UNKNOWN_REASONS, at);
	case FIELD_MISSED:
		return reader__counts(
			reader, place, name, value, OPTIONAL, missed_kind__key, MISSED_KINDS, at);
	case FIELD_OBJECT:
		error = reader__object(reader, place, name, value);
		if (!error)
			*(const struct json_node **)at = value;
		return error;
	}
	return -EINVAL;
}

int reader__fields(struct reader *reader, const struct place *place, const struct json_node *object,
	const struct reader_field fields[], void *into)
{
	int error = json_node__is(object, KIND_OBJECT)
			    ? 0
			    : reader__fail(reader, place, NULL, "is not an object");

	for (; !error && fields->name; fields++)
		error = reader__field(reader, place, object, fields, (char *)into + fields->offset);
	return error;
}

int reader__each(struct reader *reader, const struct place *up, const struct json_node *object,
	const char *name, enum need need,
	int (*each)(struct reader *, const struct place *, const struct json_node *, void *),
	void *context)
{
	const struct place array_place = {.up = up, .name = name};
	struct place place = {.up = &array_place};
	const struct json_node *array;
	int error = reader__get(reader, up, object, name, need, &array);

	if (!error && array && !json_node__is(array, KIND_ARRAY))
		return reader__fail(reader, up, name, "is not an array");
	if (error || !array)
		return error;
	for (const struct json_node *element = array->first; !error && element;
		element = element->next) {
		error = each(reader, &place, element, context);
		place.at++;
	}
	return error;
}

int reader__word(struct reader *reader, const struct place *place, const struct json_node *object,
	const char *field, enum need need, const char *(*name)(int), int count, const char *problem,
	int *index)
{
	const struct json_node *value;
	int error = reader__get(reader, place, object, field, need, &value);

	if (!error && value)
		error = reader__text(reader, place, field, value);
	if (error || !value)
		return error;
	for (int i = 0; i < count; i++)
		if (name(i) && !strcmp(json_node__text(value), name(i))) {
			*index = i;
			return 0;
		}
	return reader__fail(reader, place, field, problem);
}

int reader__class(struct reader *reader, const struct place *place, const struct json_node *object,
	const char *name, enum request_class *cls)
{
	int index = *cls;
	int error = reader__word(reader, place, object, name, REQUIRED, class__key, CLASS_COUNT,
		"is none of v1, v2, token, foreign and unknown", &index);

	*cls = index;
	return error;
}
