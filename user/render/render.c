/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "render/render.h"

#include <string.h>

#include "lib/text.h"

#define COLUMNS_MIN 20

const struct renderer renderers[] = {
	{.name = "text",
		.summary = "a summary for a person, as wide as the terminal",
		.render = text__render,
		.compares = true,
		.for_people = true},
	{.name = "json",
		.summary = "the report itself, as scripts and this command read it",
		.render = json__render,
		.compares = true},
	{.name = "csv",
		.summary = "one row for each caller and path, for a spreadsheet",
		.render = csv__render},
	{.name = "markdown",
		.summary = "for a ticket: who has to change, and how",
		.render = markdown__render,
		.compares = true,
		.for_people = true},
	{.name = "html",
		.summary = "one self-contained page, for a browser or for print",
		.render = html__render,
		.compares = true,
		.for_people = true},
	{.name = "prometheus",
		.summary = "for node_exporter's textfile collector",
		.render = prometheus__render},
	{.name = "emf",
		.summary = "CloudWatch's embedded metric format: MetadataNoToken by caller",
		.render = emf__render},
	{.name = "hosts",
		.summary = "CSV: a row for each host, with its verdict and what blocks it",
		.render = hosts__render,
		.of_hosts = true},
	{.name = "script",
		.summary = "a shell script that switches the hosts that are ready",
		.render = script__render,
		.of_hosts = true},
	{.name = "rows",
		.summary = "NDJSON for a query engine: a row by host, caller and path",
		.render = rows__render,
		.each = true},
	{0},
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
