/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The parts of the text summary that have files of their own. */
#ifndef IMDSTRACE_RENDER_TEXT_H
#define IMDSTRACE_RENDER_TEXT_H

#include "render/page.h"
#include "render/render.h"
#include "lib/sentences.h"

/* The table of callers, worst first; adds each advice that it shows to advices. */
void callers__render(struct page *page, const struct report *report,
	const struct render_options *options, struct sentences *advices);

#endif
