/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is known about software that calls the metadata service: one row a product. */
#ifndef IMDSTRACE_SOFTWARE_H
#define IMDSTRACE_SOFTWARE_H

#include <stdbool.h>
#include <stddef.h>

#define SOFTWARE_TELLS_MAX 6

/* What gives a product away. */
enum tell_kind {
	TELL_NONE,
	TELL_EXE,       /* the base name of its executable */
	TELL_PATH,      /* a component of its executable's or its script's path */
	TELL_SCRIPT,    /* the base name of its script */
	TELL_CONTAINER, /* the name of its container */
	TELL_AGENT,     /* a product of its User-Agent, whose version is its own */
	TELL_LIBRARY,   /* a product of its User-Agent, whose version is another's or none */
};

struct tell {
	enum tell_kind kind;
	const char *text; /* of a User-Agent's product, a final '*' stands for more of the name */
};

enum software_kind {
	SOFTWARE_PROGRAM,
	SOFTWARE_LIBRARY, /* an SDK, part of somebody's program */
	SOFTWARE_PROXY,   /* forwards the calls of others */
};

struct software {
	const char *name; /* "amazon-ssm-agent", which a search finds */
	const char *said; /* "the SSM agent", in the middle of a sentence; NULL: name */
	enum software_kind kind;
	struct tell tells[SOFTWARE_TELLS_MAX];
	const char *major;     /* TELL_AGENT's version starts with this number; NULL: any */
	const char *v2;        /* the first version that speaks IMDSv2; NULL: not known */
	const char *survives;  /* the first that goes on working once tokens are required: v2 unless
				  it is another */
	const char *never_v1;  /* the first that never falls back to IMDSv1; NULL: not known */
	bool no_release;       /* none speaks IMDSv2 */
	bool harmless;         /* does without an answer */
	const char *tokenless; /* a call of the library that never asks for a token; NULL: none */
	const char *setting;   /* what cures it without an upgrade: "set X in Y"; NULL: not known */
	const char *narrows;   /* the setting that keeps it from asking for other clouds */
	const char *instead;   /* what to move to, where no release does */
	const char *source;
};

extern const struct software software_table[];
extern const size_t software_count;

/* What a caller shows of itself; any may be NULL. */
struct software_signs {
	const char *exe, *comm, *script, *parent, *container;
	char *const *agents;
	size_t agent_count;
};

/* The program or proxy that is behind it, NULL: not known. */
const struct software *software__find(const struct software_signs *signs);

/* "the SSM agent". */
const char *software__said(const struct software *software);
/* The first version that goes on working once tokens are required; NULL: not known. */
const char *software__survives(const struct software *software);
/* "executable", what a tell's text is. */
const char *tell_kind__name(enum tell_kind kind);

/* Whether one of the products that a User-Agent lists is product (a final '*' stands for more of
 * it); *version is what is behind its "/", or "". */
bool agent__lists(const char *agent, const char *product, const char **version);

#endif
