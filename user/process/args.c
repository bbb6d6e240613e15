/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "process/args.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/secrets.h"
#include "lib/text.h"

/* A process that writes a title over its arguments pads the rest with NULs. One empty argument at
 * the end is somebody's; several are padding. */
static size_t size__unpadded(const char *bytes, size_t size)
{
	size_t end = size;

	while (end && !bytes[end - 1])
		end--;
	return size - end > 2 ? (end ? end + 1 : 0) : size;
}

static size_t args__count(const char *bytes, size_t size)
{
	size_t count = 0;

	for (size_t at = 0; at < size; at += strnlen(bytes + at, size - at) + 1)
		count++;
	return count;
}

char **args__split(const char *bytes, size_t size, bool cut)
{
	char *masked = malloc(size + 1), **args = NULL;
	size_t count;

	if (!masked)
		return NULL;
	memcpy(masked, bytes, size);
	secrets__mask(masked, size, cut);
	size = size__unpadded(masked, size);
	if (cut && size && masked[size - 1])
		size = text__complete(masked, size);
	count = args__count(masked, size);
	args = calloc(count + 1, sizeof(*args));
	for (size_t i = 0, at = 0; args && i < count; i++) {
		size_t length = strnlen(masked + at, size - at);

		args[i] = text__utf8(masked + at, length);
		at += length + 1;
		if (!args[i]) {
			args__free(args);
			args = NULL;
		}
	}
	free(masked);
	return args;
}

void args__free(char **args)
{
	for (char **arg = args; arg && *arg; arg++)
		free(*arg);
	free(args);
}
