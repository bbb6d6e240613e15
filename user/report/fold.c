/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "lib/array.h"
#include "report/fold.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS "0123456789"
#define HEX    DIGITS "abcdefABCDEF"
#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define UPPER  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define ALNUM  DIGITS LOWER UPPER

/* PREFIX, so many of letters, SUFFIX: a whole component of a path. */
static const struct shape {
	const char *prefix, *letters;
	size_t least, most;
	const char *suffix;
} shapes[] = {
	{"ansible-tmp-", ALNUM ".-", 6, 64, ""}, /* Ansible's directory of one task */
	{"_MEI", ALNUM, 4, 12, ""},              /* PyInstaller's unpacked program */
	{"i-", HEX, 8, 17, ""},                  /* cloud-init's and SSM's instance */
	{"d-", DIGITS UPPER, 9, 9, ""},          /* CodeDeploy's deployment */
	{"jenkins", DIGITS, 4, 20, ".sh"},       /* Jenkins' step of a shell */
	{"hudson", DIGITS, 4, 20, ".sh"},        /* the same, of older ones */
	{"durable-", HEX, 6, 16, ""},            /* Jenkins' pipeline */
	{"runner-", ALNUM, 6, 16, ""},           /* GitLab's */
	{"tmp.", ALNUM, 6, 12, ""},              /* mktemp */
	{"tmp", LOWER DIGITS "_", 8, 8, ""},     /* Python's tempfile */
	{"tmp", LOWER DIGITS "_", 8, 8, ".py"}, {"tmp", LOWER DIGITS "_", 8, 8, ".sh"},
	{"go-build", DIGITS, 6, 12, ""}, /* go run */
	{"", HEX, 32, 64, ""},           /* a digest */
};

/* Whether text begins with count bytes of letters; looks at no more, because a name may be long. */
static bool begins_with(const char *text, const char *letters, size_t count)
{
	while (count && *text && strchr(letters, *text))
		text++, count--;
	return !count;
}

/* The length of a uuid at the start of text, or 0. */
static size_t uuid__length(const char *text)
{
	static const size_t groups[] = {8, 4, 4, 4, 12};
	const char *at = text;

	for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
		if (i && *at++ != '-')
			return 0;
		if (!begins_with(at, HEX, groups[i]))
			return 0;
		at += groups[i];
	}
	return begins_with(at, HEX, 1) ? 0 : (size_t)(at - text);
}

/* Whether a component of size bytes has that shape; a name in which nothing varies ("tmp_backup")
 * would have no digit. */
static bool shape__fits(const struct shape *shape, const char *name, size_t size)
{
	size_t prefix = strlen(shape->prefix), suffix = strlen(shape->suffix), varying;

	if (size < prefix + suffix || strncmp(name, shape->prefix, prefix) ||
		strncmp(name + size - suffix, shape->suffix, suffix))
		return false;
	varying = size - prefix - suffix;
	return varying >= shape->least && varying <= shape->most &&
	       begins_with(name + prefix, shape->letters, varying);
}

/* mktemp's "deploy.AbC12x" below /tmp: its end mixes what a word does not. */
static size_t template__kept(const char *text, const char *name, size_t size)
{
	const char *dot = memrchr(name, '.', size);
	size_t length = dot ? (size_t)(name + size - dot) - 1 : 0;
	bool digit = false, lower = false, upper = false;

	if (!dot || dot == name || length < 6 || length > 12 ||
		!begins_with(dot + 1, ALNUM, length) ||
		!(name - text >= 5 && !strncmp(name - 5, "/tmp/", 5)))
		return 0;
	for (size_t i = 1; i <= length; i++) {
		digit |= !!strchr(DIGITS, dot[i]);
		lower |= !!strchr(LOWER, dot[i]);
		upper |= !!strchr(UPPER, dot[i]);
	}
	return digit + lower + upper >= 2 ? (size_t)(dot - name) + 1 : 0;
}

static char *put(char *out, const char *bytes, size_t size)
{
	memcpy(out, bytes, size);
	return out + size;
}

static char *component__put(char *out, const char *text, const char *name, size_t size)
{
	size_t kept = template__kept(text, name, size);

	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		if (!shape__fits(&shapes[i], name, size))
			continue;
		out = put(out, shapes[i].prefix, strlen(shapes[i].prefix));
		*out++ = '*';
		return put(out, shapes[i].suffix, strlen(shapes[i].suffix));
	}
	if (kept) {
		out = put(out, name, kept);
		*out++ = '*';
		return out;
	}
	while (size) {
		size_t uuid = size >= 36 ? uuid__length(name) : 0;

		if (uuid)
			*out++ = '*';
		else
			*out++ = *name, uuid = 1;
		name += uuid;
		size -= uuid;
	}
	return out;
}

/* Never longer than text. */
char *fold__text(const char *text)
{
	char *folded = text ? malloc(strlen(text) + 1) : NULL, *out = folded;

	if (!folded)
		return NULL;
	for (const char *at = text; *at;) {
		size_t size = strcspn(at, "/ ");

		if (size)
			out = component__put(out, text, at, size);
		at += size;
		if (*at)
			*out++ = *at++;
	}
	*out = '\0';
	return folded;
}
