/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Formats: one row in the table of render.c and one file render_NAME.c each. */
#ifndef IMDSTRACE_RENDER_H
#define IMDSTRACE_RENDER_H

#include <stdbool.h>
#include <stdio.h>

#include "report/report.h"
#include "verdict/compare.h"
#include "verdict/host_summary.h"
#include "verdict/verdict.h"

struct render_options {
	struct verdict_options verdict;
	unsigned int columns;               /* text: the terminal's width; 80 where there is none */
	bool color;                         /* text */
	const struct host_summaries *hosts; /* the report's, one by one; NULL: not known */
	const struct comparison *comparison; /* with an earlier state; NULL: nobody asked */
};

struct renderer {
	const char *name;
	const char *summary; /* for --help */
	/* Writes report, sorted by report__sort(), to out. 0 or -errno. */
	int (*render)(FILE *out, const struct report *report, const struct render_options *options);
	bool of_hosts;   /* it lists hosts, and needs each one's own reports for that */
	bool each;       /* of several reports each is written for itself, and not their sum */
	bool for_people; /* counts in its sentences have separators (number.h) */
	bool compares;   /* it says what changed since an earlier state */
};

/* NULL: no format of that name. */
const struct renderer *render__find(const char *name);
/* All, ended by one without a name. */
extern const struct renderer renderers[];

/* One each in render_NAME.c. */
int text__render(FILE *out, const struct report *report, const struct render_options *options);
int json__render(FILE *out, const struct report *report, const struct render_options *options);
int csv__render(FILE *out, const struct report *report, const struct render_options *options);
int markdown__render(FILE *out, const struct report *report, const struct render_options *options);
int html__render(FILE *out, const struct report *report, const struct render_options *options);
int prometheus__render(
	FILE *out, const struct report *report, const struct render_options *options);
int hosts__render(FILE *out, const struct report *report, const struct render_options *options);
int script__render(FILE *out, const struct report *report, const struct render_options *options);
int rows__render(FILE *out, const struct report *report, const struct render_options *options);
int emf__render(FILE *out, const struct report *report, const struct render_options *options);

/* Colour and width for what goes to fd. */
void render__options_for(struct render_options *options, int fd);

#endif
