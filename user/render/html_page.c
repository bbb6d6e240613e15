/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "render/html_page.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "lib/array.h"
#include "lib/clock.h"
#include "lib/embed.h"
#include "render/render_caller.h"
#include "lib/scope.h"
#include "page_hashes.h"

#define TEXT_COLUMNS 1000

/* Inside the page nothing may be added to them, not even a line: their hashes would no longer fit.
 */
EMBED(html_style, "render/html/page.css");
EMBED(html_script, "render/html/page.js");

void html__put(struct html *page, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vfprintf(page->out, format, arguments);
	va_end(arguments);
}

void html__text(struct html *page, const char *text)
{
	static const char *const escapes[] = {['&'] = "&amp;",
		['<'] = "&lt;",
		['>'] = "&gt;",
		['"'] = "&quot;",
		['\''] = "&#39;"};
	_free_ char *shown = text__shown(text, TEXT_COLUMNS);

	if (!shown) {
		page->error = -ENOMEM;
		return;
	}
	for (const char *at = shown; *at; at++) {
		unsigned char byte = (unsigned char)*at;

		if (byte < ARRAY_SIZE(escapes) && escapes[byte])
			fputs(escapes[byte], page->out);
		else
			putc(byte, page->out);
	}
}

void html__code(struct html *page, const char *text)
{
	if (!text || !*text)
		return;
	html__put(page, "<code>");
	html__text(page, text);
	html__put(page, "</code>");
}

void html__count(struct html *page, uint64_t count)
{
	char digits[24];
	int length = snprintf(digits, sizeof(digits), "%" PRIu64, count);

	for (int i = 0; i < length; i++) {
		if (i && (length - i) % 3 == 0)
			putc(',', page->out);
		putc(digits[i], page->out);
	}
}

void html__count_of(struct html *page, uint64_t count, const char *one, const char *many)
{
	html__count(page, count);
	html__put(page, " %s", count == 1 ? one : many);
}

void html__time(struct html *page, int64_t time_ns)
{
	char machine[RFC3339_SIZE], person[SHORT_TIME_SIZE];

	if (!time_ns)
		return;
	clock__format(machine, time_ns);
	time__format_short(person, time_ns);
	html__put(page, "<time datetime=\"%s\">%s</time>", machine, person);
}

void html__begin(struct html *page, const char *title)
{
	html__put(page,
		"<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
		"style-src 'sha256-" STYLE_SHA256 "'; script-src 'sha256-" SCRIPT_SHA256
		"'; img-src data:; base-uri 'none'; form-action 'none'\">\n"
		"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
		"<meta name=\"color-scheme\" content=\"light dark\">\n"
		"<meta name=\"referrer\" content=\"no-referrer\">\n"
		"<link rel=\"icon\" href=\"data:,\">\n<title>");
	html__text(page, title);
	html__put(page, "</title>\n<style>%s</style>\n</head>\n<body>\n", html_style);
}

void html__end(struct html *page)
{
	html__put(page, "<script>%s</script>\n</body>\n</html>\n", html_script);
}
