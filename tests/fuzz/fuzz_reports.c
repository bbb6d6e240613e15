/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A report file that anybody wrote: the tree of its JSON is held against jansson's, and what is
 * read of it is rendered in every format.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json_equals.h"
#include "lib/json_tree.h"
#include "lib/scope.h"
#include "render/render.h"
#include "report/report.h"
#include "verdict/host_summary.h"

#define MOST (64UL << 20)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void fuzz__tree(const char *text, size_t size)
{
	const struct json_node *document;
	_decref_ json_t *value = NULL;
	struct json_tree tree;

	if (memchr(text, '\0', size)) /* jansson takes it for the end of a number */
		return;
	document = json_tree__parse(&tree, text, size, MOST);
	value = json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
	if (!document != !value || (value && !node__equals(document, value)))
		abort();
	json_tree__free(&tree);
}

static void fuzz__render(const struct report *report)
{
	struct host_summaries hosts = {0};
	const struct render_options options = {
		.verdict.min_window = DEFAULT_MIN_WINDOW, .columns = 100, .hosts = &hosts};

	if (host_summaries__add(&hosts, report, report) ||
		host_summaries__rule(&hosts, report, &options.verdict))
		abort();
	for (const struct renderer *renderer = renderers; renderer->name; renderer++) {
		_free_ char *text = NULL;
		size_t size;
		FILE *out = open_memstream(&text, &size);

		if (!out || renderer->render(out, report, &options) || fclose(out))
			abort();
	}
	host_summaries__clear(&hosts);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	/* of its own size, so that a read past its end is found */
	char *text = malloc(size ? size : 1), why[256];
	struct report *report;

	memcpy(text, bytes, size);
	fuzz__tree(text, size);
	if (!report__from_json(&report, text, size, why, sizeof(why))) {
		report__sort(report);
		fuzz__render(report);
		report__free(report);
	}
	free(text);
	return 0;
}
