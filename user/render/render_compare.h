/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What changed between two states of a fleet, in the formats that people read. */
#ifndef IMDSTRACE_RENDER_COMPARE_H
#define IMDSTRACE_RENDER_COMPARE_H

#include <jansson.h>

#include "render/html_page.h"
#include "render/markdown.h"
#include "render/page.h"
#include "verdict/compare.h"

/* Each writes nothing where comparison is NULL. */
void comparison__put_text(struct page *page, const struct comparison *comparison);
void comparison__put_markdown(struct markdown *page, const struct comparison *comparison);
void comparison__put_html(struct html *page, const struct comparison *comparison);
/* As a report's field "compare". NULL: no memory. */
json_t *json__comparison(const struct comparison *comparison);

#endif
