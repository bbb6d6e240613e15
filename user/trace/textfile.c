/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "trace/textfile.h"

#include <errno.h>
#include <stdio.h>

#include "lib/scope.h"
#include "render/render.h"

int textfile__save(const struct kept_file *kept, const struct report *report, int64_t min_window)
{
	struct render_options options = {.verdict.min_window = min_window};
	_free_ char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	int error;

	if (!out)
		return -ENOMEM;
	error = prometheus__render(out, report, &options);
	if (fclose(out) && !error)
		error = -ENOMEM;
	return error ? error : kept_file__write_beside(kept, TEXTFILE_SUFFIX, text, size);
}
