/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A report in a format, also with whatever a process may call itself. */
#ifndef IMDSTRACE_FORMATS_FIXTURE_H
#define IMDSTRACE_FORMATS_FIXTURE_H

#include "rich_report.h"

#include <jansson.h>
#include <stdio.h>

#include "lib/array.h"
#include "render/render.h"

static char long_name[8192 + 1];

/* What a process may call itself, and its arguments, paths, User-Agent, unit and host. */
static const char *const hostile_names[] = {
	"</script><img src=x onerror=alert(1)>",
	"<b>\"'&amp;</b><!--",
	"--></title></style><svg onload=alert(1)>",
	"\"|=cmd()|'",
	"=HYPERLINK(\"http://evil.example\")",
	"+1",
	"-1+1",
	"@SUM(A1)",
	"\t=1",
	"\r=1",
	"  =1",
	("\xef\xbc\x9d"
	 "1+1"),
	"a,b;c\td",
	"two\nlines\r\nthree",
	"\n# HELP evil evil\nevil 1",
	"\"} 1\nevil{a=\"",
	"back\\slash\\",
	"\\\"",
	"esc\033[31mred\033]0;title\007",
	("del\177 c1\xc2\x9b"
	 "31m"),
	"\xe2\x80\xaegnp.exe",
	"line\xe2\x80\xa8separator\xe2\x80\xa9",
	"isolate\xe2\x81\xa6x",
	"invalid \xff\xfe \xc0\x80 \xed\xa0\x80 utf-8 \xe2\x82",
	"| a | b |\n| --- | --- |",
	"`code` ``two`` \\`",
	"[link](javascript:alert(1)) ![x](http://evil.example/x.png)",
	"@everyone #1 http://evil.example www.evil.example *b* _i_ ~s~",
	"{{template}} ${variable} %s%n",
	"{\"_aws\":{}}",
	"\"}\n{\"_aws\":1}",
	":starts with a colon",
	" ",
	"",
	"\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e \xf0\x9f\x92\xa5",
	long_name,
};

static char *rendered(const struct report *report, const char *format, size_t *size)
{
	const struct renderer *renderer = render__find(format);
	struct host_summaries hosts = {0};
	const struct render_options options = {
		.verdict.min_window = DEFAULT_MIN_WINDOW, .columns = 100, .hosts = &hosts};
	char *text = NULL;
	FILE *out = open_memstream(&text, size);

	assert_non_null(renderer);
	assert_non_null(out);
	assert_int_equal(host_summaries__add(&hosts, report, report), 0);
	assert_int_equal(host_summaries__rule(&hosts, report, &options.verdict), 0);
	assert_int_equal(renderer->render(out, report, &options), 0);
	assert_int_equal(fclose(out), 0);
	host_summaries__clear(&hosts);
	return text;
}

static char *rendered_hostile(const char *name, const char *format)
{
	struct report *report = rich__report(name);
	size_t size;
	char *text = rendered(report, format, &size);

	if (strlen(text) != size)
		fail_msg("%s: a NUL for \"%s\"", format, name);
	report__free(report);
	return text;
}

static size_t count_of(const char *text, const char *part)
{
	size_t count = 0;

	for (; (text = strstr(text, part)); text += strlen(part))
		count++;
	return count;
}

static int long_name__fill(void **state)
{
	(void)state;
	memset(long_name, '"', sizeof(long_name) - 1);
	return 0;
}

#endif
