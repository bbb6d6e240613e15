/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "render/render.h"

#include <string.h>

#include "lib/text.h"

#define COLUMNS_MIN 20

const struct renderer renderers[] = {
	{"text", "a summary for a person, as wide as the terminal", text__render, false, false,
		true},
	{"json", "the report itself, as scripts and this command read it", json__render, false,
		false, false},
	{"csv", "one row for each caller and path, for a spreadsheet", csv__render, false, false,
		false},
	{"markdown", "for a ticket: who has to change, and how", markdown__render, false, false,
		true},
	{"html", "one self-contained page, for a browser or for print", html__render, false, false,
		true},
	{"prometheus", "for node_exporter's textfile collector", prometheus__render, false, false,
		false},
	{"emf", "CloudWatch's embedded metric format: MetadataNoToken by caller", emf__render,
		false, false, false},
	{"hosts", "CSV: one row for each host, with its verdict and what blocks it", hosts__render,
		true, false, false},
	{"script", "a shell script that switches the hosts that are ready", script__render, true,
		false, false},
	{"rows", "NDJSON for a query engine: a row for each host, caller and path", rows__render,
		false, true, false},
	{NULL, NULL, NULL, false, false, false},
};

const struct renderer *render__find(const char *name)
{
	for (const struct renderer *renderer = renderers; renderer->name; renderer++)
		if (!strcmp(renderer->name, name))
			return renderer;
	return NULL;
}

void render__options_for(struct render_options *options, int fd)
{
	size_t columns = text__terminal_columns(fd);

	options->columns = columns < COLUMNS_MIN ? COLUMNS_MIN : columns;
	options->color = text__may_color(fd);
}
