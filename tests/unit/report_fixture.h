/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reports for tests, written as JSON with ' in place of ". */
#ifndef IMDSTRACE_REPORT_FIXTURE_H
#define IMDSTRACE_REPORT_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/report.h"

#define NEW_YEAR (1767225600 * NSEC_PER_SEC) /* 2026-01-01 */
#define HEAD     "{'schema':'imdstrace.report/1','version':'0.1.0',"
#define HOST(id, name) \
	"{'hostname':'" name "','machine_id':'" id "','kernel':'6.1.0','instance_id':null}"
#define WINDOW(host, boot, start, end)                                                      \
	"{'host':'" host "','boot_id':'" boot "','start':'2026-01-" start ":00:00Z','end':" \
	"'2026-01-" end ":00:00Z','hooks':'fentry'}"
#define A       WINDOW("m1", "b1", "01T00", "01T10")
#define A_LATER WINDOW("m1", "b1", "01T00", "01T12")
#define A_NEXT  WINDOW("m1", "b1", "01T14", "01T15")
#define B       WINDOW("m2", "b9", "01T00", "01T10")
#define CALLS(v1, v2, token, foreign, unknown)                                                     \
	"{'v1':" #v1 ",'v2':" #v2 ",'token':" #token ",'foreign':" #foreign ",'unknown':" #unknown \
	"}"
#define TOTALS(v1, v2, token, foreign, unknown, lost)                                \
	"'totals':{'v1':" #v1 ",'v2':" #v2 ",'token':" #token ",'foreign':" #foreign \
	",'unknown':" #unknown ",'lost':" #lost "}"

/* The caller frees. */
static inline char *json__of(const char *quoted)
{
	char *text = strdup(quoted);

	assert_non_null(text);
	for (char *at = text; *at; at++)
		if (*at == '\'')
			*at = '"';
	return text;
}

/* A file of a directory that holds it; its path, for the caller to free. */
static inline char *file__make(const char *directory, size_t number, const char *quoted)
{
	char *text = json__of(quoted),
	     *path = malloc(strlen(directory) + sizeof("/18446744073709551615"));
	FILE *file;

	assert_non_null(path);
	sprintf(path, "%s/%zu", directory, number);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	free(text);
	return path;
}

static inline struct report *report__of(const char *quoted)
{
	struct report *report = NULL;
	char *text = json__of(quoted), why[256] = "";

	if (report__from_json(&report, text, strlen(text), why, sizeof(why)))
		fail_msg("%s: %s", why, text);
	free(text);
	return report;
}

/* Whether a string of a list, which NULL ends, has needle in it. */
static inline bool list__says(char *const *list, const char *needle)
{
	for (; *list; list++)
		if (strstr(*list, needle))
			return true;
	return false;
}

#endif
