/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "lib/array.h"
#include "process/unit_files.h"

#include <ctype.h>
#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/file.h"
#include "lib/scope.h"

#define UNIT_FILE_MAX (1 << 20)

/* systemd.unit(5), "Unit File Load Path": what comes first counts. */
static const char *const directories[] = {
	"/etc/systemd/system.control",
	"/run/systemd/system.control",
	"/run/systemd/transient",
	"/etc/systemd/system",
	"/run/systemd/system",
	"/run/systemd/generator",
	"/usr/local/lib/systemd/system",
	"/usr/lib/systemd/system",
	"/lib/systemd/system",
	"/run/systemd/generator.late",
};

/* "NAME@.service" for an instance of it, with room for NAME_MAX bytes; false: it is none. */
static bool unit__template(char template[NAME_MAX + 1], const char *unit)
{
	const char *at = strchr(unit, '@'), *suffix = strrchr(unit, '.');

	if (!at || !suffix || suffix <= at + 1)
		return false;
	return snprintf(template, NAME_MAX + 1, "%.*s@%s", (int)(at - unit), unit, suffix) <=
	       NAME_MAX;
}

/* What the last Slice= of a file's text says, for the caller to free; NULL: nothing. */
static char *text__slice(char *text)
{
	char *place, *slice = NULL;

	for (char *line = strtok_r(text, "\n", &place); line; line = strtok_r(NULL, "\n", &place)) {
		char *value, *end;

		line += strspn(line, " \t");
		if (strncmp(line, "Slice", 5))
			continue;
		value = line + 5 + strspn(line + 5, " \t");
		if (*value++ != '=')
			continue;
		value += strspn(value, " \t");
		for (end = value + strlen(value); end > value && isspace((unsigned char)end[-1]);)
			*--end = '\0';
		free(slice);
		slice = strdup(value);
	}
	return slice;
}

/* Whether the file is there; *slice is set where it names one and none is known. */
static bool file__look(const char *path, char **slice)
{
	_free_ char *text = NULL;
	size_t size;

	/* An empty file, or a link to /dev/null, masks the unit. */
	if (file__read_regular(path, UNIT_FILE_MAX, &text, &size) || !size)
		return false;
	if (!*slice)
		*slice = text__slice(text);
	return true;
}

static void drop_ins__look(const char *root, const char *directory, const char *name, char **slice)
{
	char pattern[PATH_MAX];
	glob_t found = {0};

	if (strpbrk(name, "*?[\\") || snprintf(pattern, sizeof(pattern), "%s%s/%s.d/*.conf", root,
					      directory, name) >= (int)sizeof(pattern))
		return;
	if (!glob(pattern, 0, NULL, &found))
		for (size_t i = 0; i < found.gl_pathc; i++)
			file__look(found.gl_pathv[i], slice);
	globfree(&found);
}

/* Whether a file of that name exists; its drop-ins come before it. */
static bool unit__look(const char *name, const char *root, char **slice)
{
	bool known = false;

	for (size_t i = 0; i < ARRAY_SIZE(directories); i++)
		drop_ins__look(root, directories[i], name, slice);
	for (size_t i = 0; i < ARRAY_SIZE(directories) && !known; i++) {
		char path[PATH_MAX];

		if (snprintf(path, sizeof(path), "%s%s/%s", root, directories[i], name) <
			(int)sizeof(path))
			known = file__look(path, slice);
	}
	return known;
}

/* The slice of an instance: "system-", the template's name with its dashes escaped. NULL: no
 * memory. The caller frees. */
static char *unit__default_slice(const char *unit)
{
	const char *at = strchr(unit, '@');
	_free_ char *text = NULL;
	char *slice;
	size_t size;
	FILE *out;

	if (!at)
		return strdup("system.slice");
	out = open_memstream(&text, &size);
	if (!out)
		return NULL;
	fputs("system-", out);
	for (const char *byte = unit; byte < at; byte++)
		if (*byte == '-' || *byte == '\\')
			fprintf(out, "\\x%02x", *byte);
		else
			putc(*byte, out);
	fputs(".slice", out);
	if (fclose(out))
		return NULL;
	slice = text;
	text = NULL;
	return slice;
}

/* systemd.slice(5): "a-b.slice" lies in "a.slice". The caller frees. NULL: no memory. */
static char *slice__path(const char *slice)
{
	size_t length = strlen(slice) - strlen(".slice");
	char *text = NULL, *path;
	size_t size;
	FILE *out;

	if (!strcmp(slice, "-.slice"))
		return strdup("");
	out = open_memstream(&text, &size);
	if (!out)
		return NULL;
	for (size_t i = 1; i <= length; i++)
		if (slice[i] == '-' || i == length)
			fprintf(out, "/%.*s.slice", (int)i, slice);
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	path = text;
	return path;
}

static bool slice__is_one(const char *slice)
{
	size_t size = slice ? strlen(slice) : 0;

	return size > strlen(".slice") && !strchr(slice, '/') && !strchr(slice, '%') &&
	       !strcmp(slice + size - strlen(".slice"), ".slice");
}

static bool systemd__runs(const char *root)
{
	char path[PATH_MAX];

	/* sd_booted(3) */
	return snprintf(path, sizeof(path), "%s/run/systemd/system", root) < (int)sizeof(path) &&
	       file__may(path, F_OK);
}

int unit__cgroup(const char *unit, const char *root, char **path)
{
	_free_ char *slice = NULL, *parent = NULL;
	char template[NAME_MAX + 1];
	bool known;

	if (strchr(unit, '/') || strlen(unit) > NAME_MAX || !systemd__runs(root))
		return -ENOENT;
	known = unit__look(unit, root, &slice);
	if (unit__template(template, unit))
		known |= unit__look(template, root, &slice);
	if (!known)
		return -ENOENT;
	if (!slice__is_one(slice)) {
		free(slice);
		slice = unit__default_slice(unit);
	}
	parent = slice ? slice__path(slice) : NULL;
	if (!parent || asprintf(path, "%s/%s", parent, unit) < 0)
		return -ENOMEM;
	return 0;
}
