/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What several formats show, and show alike. */
#ifndef IMDSTRACE_RENDER_CALLER_H
#define IMDSTRACE_RENDER_CALLER_H

#include "report/report.h"
#include "lib/sentences.h"

/* The order in which classes are shown: the one to act on first. */
extern const enum request_class shown_classes[CLASS_COUNT];

#define SHORT_TIME_SIZE sizeof("2026-01-01 00:00:00 UTC")

/* "etl.service", "docker orders", "pod shop/orders-5d", "pod shop/orders-*" on several hosts; ""
 * where it is nowhere in particular. The caller frees. NULL: no memory. */
char *caller__place(const struct caller *caller);

struct host_summaries;
/* "web-3", or "40 hosts (web-1, web-2, web-3, ...)" with "at least" in front where it is not exact,
 * and whose they are (owners.h); empty where the report has one host alone. hosts may be NULL. The
 * caller frees. NULL: no memory. */
char *caller__hosts(const struct report *report, const struct host_summaries *hosts,
	const struct caller *caller);
/* "190 ok, 8 rejected", of its v1 calls; empty where nobody watched, nobody called, or all were ok.
 * The caller frees. NULL: no memory. */
char *caller__v1_outcomes(const struct caller *caller);
/* "1 gap of 1h", "2 gaps, the longest 3h", or "" */
#define GAPS_SIZE 64
struct watch;
void gaps__format(char out[GAPS_SIZE], const struct watch *watch);

/* Whether somebody has to act: it called v1, or what cannot be read, or another cloud where that
 * counts. */
bool caller__needs_change(const struct caller *caller, bool strict);

/* Whether some of the caller's calls were made while responses were watched: without one, its
 * outcomes are zeros that say nothing. */
bool caller__outcomes_known(const struct caller *caller);

/* The last call of that class, in ns since 1970. 0: not known. */
int64_t caller__last_of(const struct caller *caller, enum request_class cls);

/*
 * The caller's paths in the order in which they are shown: by class, the most called first, and
 * behind them one REPORT_NOT_RECORDED for each class of which details were lost, so that they sum
 * to the calls. Only the array is new; *paths is the caller's to free, and untouched on failure.
 * 0 or -ENOMEM.
 */
int caller__list_paths(const struct caller *caller, struct report_path **paths, size_t *count);

/* "2026-01-01 00:00:00 UTC", and "" for 0. */
void time__format_short(char out[SHORT_TIME_SIZE], int64_t time_ns);

/* What text__printable() makes of text (NULL: ""), cut to so many columns. The caller frees. NULL:
 * no memory. */
char *text__shown(const char *text, size_t columns);

bool sentences__hold(const struct sentences *sentences, const char *sentence);

#endif
