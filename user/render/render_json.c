/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>

#include "render/render.h"
#include "lib/scope.h"

int json__render(FILE *out, const struct report *report, const struct render_options *options)
{
	_free_ char *text = NULL;
	struct ruling ruling;
	int error = verdict__rule(&ruling, report, &options->verdict);

	if (error)
		return error;
	text = report__to_json_ruled(report, &ruling, options->hosts, options->comparison);
	verdict__clear(&ruling);
	if (!text)
		return -ENOMEM;
	return fputs(text, out) < 0 ? -EIO : 0;
}
