/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>

#include "render/render.h"

int json__render(FILE *out, const struct report *report, const struct render_options *options)
{
	struct ruling ruling;
	int error = verdict__rule(&ruling, report, &options->verdict);

	if (error)
		return error;
	error = report__write_json(out, report, &ruling, options->hosts, options->comparison);
	verdict__clear(&ruling);
	return error;
}
