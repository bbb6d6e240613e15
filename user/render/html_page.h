/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One HTML page that loads nothing from anywhere, and in which untrusted text stays text. Its
 * policy allows one style and one script by their hashes (html/page.css, html/page.js).
 */
#ifndef IMDSTRACE_HTML_PAGE_H
#define IMDSTRACE_HTML_PAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "report/report.h"
#include "verdict/host_summary.h"
#include "lib/sentences.h"

struct html {
	FILE *out;
	int error; /* 0 or -ENOMEM: the first; out's own errors stay in out */
};

/* From the doctype to the opening body; title is text. */
void html__begin(struct html *page, const char *title);
void html__end(struct html *page);

/* Markup, with numbers and words of ours in it. Never untrusted text: that is html__text()'s. */
void html__put(struct html *page, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Text: printable, escaped for content and attributes alike, cut where nobody reads on. NULL is
 * nothing. */
void html__text(struct html *page, const char *text);
/* The same as <code>, and nothing for NULL or "". */
void html__code(struct html *page, const char *text);

/* "12,345". */
void html__count(struct html *page, uint64_t count);
/* "12,345 calls" or "1 call". */
void html__count_of(struct html *page, uint64_t count, const char *one, const char *many);
/* A <time> in UTC, and nothing for 0. */
void html__time(struct html *page, int64_t time_ns);

/* The parts of the page that have a file of their own. */
void html__timeline(struct html *page, const struct report *report);
void html__rehearsal(struct html *page, const struct report *report);
/* Of several hosts, each. Whether there were several. */
bool html__hosts(struct html *page, const struct host_summaries *hosts);
/* hosts may be NULL; said: gets the advices that the table gives. */
void html__callers(struct html *page, const struct report *report,
	const struct host_summaries *hosts, bool strict, struct sentences *said);

#endif
