/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "cmd/report_source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/report_set.h"
#include "lib/complain.h"
#include "lib/file.h"
#include "lib/hash.h"
#include "lib/scope.h"

int source__fail(struct source *source, const char *why)
{
	complain("%s: %s", !strcmp(source->path, "-") ? "standard input" : source->path, why);
	source->fate = FATE_FAILED;
	return -EINVAL;
}

/* Standard input may be a socket, which has no path that could be opened. */
static int stdin__read(char **content, size_t *size)
{
	_free_ char *text = NULL;
	size_t room = 0, have = 0;

	for (;;) {
		ssize_t got;

		if (have + 1 >= room) {
			char *grown = realloc(text, room = room ? room * 2 : 1 << 16);

			if (!grown)
				return -ENOMEM;
			text = grown;
		}
		got = read(STDIN_FILENO, text + have, room - have - 1);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (!got)
			break;
		have += (size_t)got;
		if (have > REPORT_FILE_MAX)
			return -EFBIG;
	}
	text[have] = '\0';
	*content = text;
	*size = have;
	text = NULL;
	return 0;
}

static int source__read(struct source *source, char **text, size_t *size)
{
	int error;

	if (source->text) {
		*text = source->text;
		*size = source->size;
		source->text = NULL;
		return 0;
	}
	error = strcmp(source->path, "-") ? file__read(source->path, REPORT_FILE_MAX, text, size)
					  : stdin__read(text, size);
	if (!error)
		return 0;
	return source__fail(source, error == -EFBIG
					    ? "larger than the 64 MiB that a report may have"
					    : strerror(-error));
}

static bool source__is_read_once(const struct source *source)
{
	struct stat status;

	return !strcmp(source->path, "-") || stat(source->path, &status) ||
	       !S_ISREG(status.st_mode);
}

struct report *source__load(struct source *source, bool again)
{
	bool keep = !again && source__is_read_once(source);
	struct report *report = NULL;
	_free_ char *text = NULL;
	char why[512];
	size_t size;

	if (source__read(source, &text, &size))
		return NULL;
	if (report__from_json(&report, text, size, why, sizeof(why))) {
		source__fail(source, why);
		return NULL;
	}
	if (keep) {
		source->text = text;
		source->size = size;
		text = NULL;
	}
	return report;
}

static struct window_id window__id(const struct window *window)
{
	struct window_id id;

	for (int i = 0; i < 2; i++)
		id.hash[i] =
			hash__text(hash__text(hash__bytes(i, &window->start, sizeof(window->start)),
					   window->host),
				window->boot_id);
	for (int i = 0; window->id && i < 2; i++)
		id.hash[i] = hash__text(id.hash[i], window->id);
	return id;
}

/* Without windows nothing tells a report apart but what it says. */
static int source__note_content(struct source *source, const struct report *report)
{
	_free_ char *text = report__to_json(report, 0);

	if (!text)
		return -ENOMEM;
	for (int i = 0; i < 2; i++)
		source->windows[0].id.hash[i] = hash__text(2 + i, text);
	source->window_count = 1;
	return 0;
}

int source__note_windows(struct source *source, const struct report *report, size_t file)
{
	size_t count = report->window_count;
	int error = 0;

	source->windows = calloc(count ? count : 1, sizeof(*source->windows));
	if (!source->windows)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		source->windows[i].id = window__id(&report->windows[i]);
		source->windows[i].end = report->windows[i].end;
	}
	source->window_count = count;
	source->surveyed = true;
	source->of_one = report__is_of_one(report);
	if (!count)
		error = source__note_content(source, report);
	for (size_t i = 0; i < source->window_count; i++)
		source->windows[i].file = file;
	return error;
}
