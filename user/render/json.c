/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "render/json.h"

#include <string.h>

#include "lib/clock.h"
#include "lib/scope.h"
#include "lib/text.h"

json_t *json__text(const char *text)
{
	json_t *value = text ? json_string(text) : json_null();
	_free_ char *valid = NULL;

	if (value)
		return value;
	valid = text__utf8(text, strlen(text));
	return valid ? json_string(valid) : NULL;
}

json_t *json__list(char *const *texts)
{
	_decref_ json_t *list = json_array();

	for (; texts && *texts; texts++)
		if (json_array_append_new(list, json__text(*texts)))
			return NULL;
	return json_incref(list);
}

json_t *json__time(int64_t time_ns)
{
	char text[RFC3339_SIZE];

	if (!time_ns)
		return json_null();
	clock__format(text, time_ns);
	return json_string(text);
}

json_t *json__container(const struct container *container)
{
	if (!container->runtime && !container->id)
		return json_null();
	return json_pack("{so,so,so,so}", "runtime", json__text(container->runtime), "id",
		json__text(container->id), "name", json__text(container->name), "image",
		json__text(container->image));
}

json_t *json__pod(const struct pod *pod)
{
	if (!pod->uid)
		return json_null();
	return json_pack("{so,so,so}", "uid", json__text(pod->uid), "name", json__text(pod->name),
		"namespace", json__text(pod->namespace));
}
