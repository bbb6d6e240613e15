/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What came of a rehearsal, above the callers. */
#include <errno.h>

#include "lib/number.h"
#include "render/html_page.h"
#include "render/rehearsal_lines.h"

#define REHEARSED_SHOWN 200

void html__rehearsal(struct html *page, const struct report *report)
{
	struct rehearsal_lines lines;

	if (rehearsal_lines__of(&lines, report)) {
		page->error = -ENOMEM;
		return;
	}
	if (!lines.title)
		return;
	html__put(page, "<section class=\"rehearsal\" aria-labelledby=\"rehearsal\">"
			"<h2 id=\"rehearsal\">");
	html__text(page, lines.title);
	html__put(page, "</h2>\n<ul>\n");
	for (size_t i = 0; lines.ruling.reasons[i]; i++) {
		html__put(page, "<li>");
		html__text(page, lines.ruling.reasons[i]);
		html__put(page, "</li>\n");
	}
	for (size_t i = 0; i < lines.count && i < REHEARSED_SHOWN; i++) {
		html__put(
			page, "<li class=\"%s\">", rehearsal_verdict__name(lines.list[i].verdict));
		html__code(page, lines.list[i].who);
		html__put(page, ": ");
		html__text(page, lines.list[i].what);
		html__put(page, "</li>\n");
	}
	html__put(page, "</ul>\n");
	if (lines.count > REHEARSED_SHOWN)
		html__put(page, "<p class=\"note\">And %s more callers.</p>\n",
			NUMBER(lines.count - REHEARSED_SHOWN));
	html__put(page, "</section>\n");
	rehearsal_lines__clear(&lines);
}
