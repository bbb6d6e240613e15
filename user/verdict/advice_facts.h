/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the rules of advice.c ask about a caller. */
#ifndef IMDSTRACE_ADVICE_FACTS_H
#define IMDSTRACE_ADVICE_FACTS_H

#include "report/report.h"
#include "report/software.h"

struct facts {
	const struct caller *caller;
	enum pattern pattern;
	struct client client;
	const struct software *program; /* what the caller is or belongs to; NULL: not known */
	enum client_tool tool;          /* whose lines to paste fit it */
	char *subject;                  /* "python3 /opt/etl/load.py in etl.service" */
	char *subject_in_words;         /* "envoy (Envoy, the mesh's proxy)", where it is known */
	char *software;                 /* "boto3 1.9.42" */
	char *clouds;                   /* whose service it looks for: "Azure's and Google's" */
	unsigned int cloud_count;
	uint64_t refused, unanswered; /* token requests */
	uint64_t tokens;              /* token requests that got one */
	bool answered;     /* something came back to the caller, so responses were watched */
	bool one_hop_away; /* where a hop limit of 1 loses a token's answer on the way */
	bool in_pod;
	bool looks_around;              /* all that it asks EC2 without a token is where it runs */
	const struct report_path *lone; /* the most called path that never goes with a token, where
					   others do; NULL: none */
	unsigned int lone_count;
	bool twin; /* a path goes with and without a token */
};

/* 0 or -ENOMEM; facts__clear() in both cases. */
int facts__gather(struct facts *facts, const struct caller *caller);
void facts__clear(struct facts *facts);

/* "GET /latest/meta-data/instance-id". 0 or -ENOMEM. */
int path__describe(char **text, const struct report_path *path);

/* As vasprintf(), with NULL in *text on failure. 0 or -ENOMEM. */
int write__format(char **text, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
