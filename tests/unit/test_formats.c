/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Every format, from one report: as golden/ has it, and with whatever a process may call itself.
 * UPDATE_GOLDEN=1 in the environment writes golden/ anew; look at the difference before you keep
 * it.
 */
#include "formats_fixture.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <unistd.h>

#include "render/render.h"
#include "lib/array.h"
#include "lib/text.h"

#define GOLDEN "tests/unit/golden/report."

static const struct format {
	const char *name, *extension;
} formats[] = {
	{"text", "txt"},
	{"json", "json"},
	{"csv", "csv"},
	{"markdown", "md"},
	{"html", "html"},
	{"prometheus", "prom"},
	{"emf", "emf"},
	{"hosts", "hosts.csv"},
	{"script", "sh"},
	{"rows", "ndjson"},
};

/* --- As golden/ has it ------------------------------------------------------------------------ */

/* Cuts what stands between two marks, the first time that the first appears. */
static void text__cut(char *text, const char *from, const char *to)
{
	char *start = strstr(text, from), *end;

	assert_non_null(start);
	start += strlen(from);
	end = strstr(start, to);
	assert_non_null(end);
	memmove(start, end, strlen(end) + 1);
}

/* The page's style and script are files of their own, and so are not repeated in golden/. */
static void page__shorten(char *page)
{
	text__cut(page, "style-src 'sha256-", "'");
	text__cut(page, "script-src 'sha256-", "'");
	text__cut(page, "<style>", "</style>");
	text__cut(page, "<script>", "</script>");
}

static char *file__content(const char *path)
{
	FILE *file = fopen(path, "r");
	char *content = NULL;
	size_t size = 0;

	if (!file)
		fail_msg("%s: %s", path, strerror(errno));
	if (getdelim(&content, &size, '\0', file) < 0)
		fail_msg("%s is empty", path);
	fclose(file);
	return content;
}

static void golden__check(const char *path, const char *text)
{
	FILE *file;
	char *golden;
	size_t at = 0, line = 1;

	if (getenv("UPDATE_GOLDEN")) {
		file = fopen(path, "w");
		assert_non_null(file);
		fputs(text, file);
		fclose(file);
		return;
	}
	golden = file__content(path);
	for (; golden[at] && golden[at] == text[at]; at++)
		line += golden[at] == '\n';
	if (golden[at] || text[at])
		fail_msg("%s:%zu: wanted \"%.80s\", got \"%.80s\"; if that is right, "
			 "UPDATE_GOLDEN=1",
			path, line, golden + at, text + at);
	free(golden);
}

static void a_rich_report_looks_as_in_golden(void **state)
{
	struct report *report = rich__report(NULL);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		char path[128];
		size_t size;
		char *text = rendered(report, formats[i].name, &size);

		if (!strcmp(formats[i].name, "html"))
			page__shorten(text);
		snprintf(path, sizeof(path), GOLDEN "%s", formats[i].extension);
		golden__check(path, text);
		free(text);
	}
	report__free(report);
}

static void every_format_is_tested(void **state)
{
	size_t known = 0;

	(void)state;
	for (const struct renderer *renderer = renderers; renderer->name; renderer++)
		known++;
	assert_int_equal(known, ARRAY_SIZE(formats));
}

static void an_empty_report_renders(void **state)
{
	struct report *report = report__new();

	(void)state;
	assert_non_null(report);
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		size_t size;
		char *text = rendered(report, formats[i].name, &size);

		/* Of nothing there are no rows. */
		assert_true(size > 0 || !strcmp(formats[i].name, "rows"));
		free(text);
	}
	report__free(report);
}

static void a_full_disk_is_an_error(void **state)
{
	const struct render_options options = {.columns = 80};
	struct report *report = rich__report(NULL);

	(void)state;
	for (const struct renderer *renderer = renderers; renderer->name; renderer++) {
		FILE *full = fopen("/dev/full", "w");

		assert_non_null(full);
		setvbuf(full, NULL, _IONBF, 0);
		if (!renderer->render(full, report, &options))
			fail_msg("%s says nothing", renderer->name);
		fclose(full);
	}
	report__free(report);
}

/* --- With hostile names ----------------------------------------------------------------------- */

/* The first control character, or NULL. allowed: those that the format is made of. */
static const char *first_control(const char *text, const char *allowed)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 && !strchr(allowed, *text))
			return text;
	return NULL;
}

/* The first of what else acts on a terminal or turns text around: DEL, C1, marks of direction,
 * separators of lines. */
static const char *first_actor(const char *text)
{
	static const char *const sequences[] = {"\xe2\x80\x8e", "\xe2\x80\x8f", "\xe2\x80\xa8",
		"\xe2\x80\xa9", "\xe2\x80\xaa", "\xe2\x80\xab", "\xe2\x80\xac", "\xe2\x80\xad",
		"\xe2\x80\xae", "\xe2\x81\xa6", "\xe2\x81\xa7", "\xe2\x81\xa8", "\xe2\x81\xa9"};

	for (const char *at = text; *at; at++) {
		const unsigned char *bytes = (const unsigned char *)at;

		if (bytes[0] == 0x7f)
			return at;
		if (bytes[0] == 0xc2 && bytes[1] >= 0x80 && bytes[1] < 0xa0)
			return at;
		for (size_t i = 0; bytes[0] == 0xe2 && i < ARRAY_SIZE(sequences); i++)
			if (!strncmp(at, sequences[i], strlen(sequences[i])))
				return at;
	}
	return NULL;
}

static void no_control_character_comes_through(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		bool csv = !strcmp(formats[i].extension + strlen(formats[i].extension) - 2, "sv");
		const char *allowed = csv                                  ? "\r\n"
				      : !strcmp(formats[i].name, "script") ? "\t\n"
									   : "\n";

		for (size_t j = 0; j < ARRAY_SIZE(hostile_names); j++) {
			char *text = rendered_hostile(hostile_names[j], formats[i].name), *valid;
			const char *control;

			if (!strcmp(formats[i].name, "html"))
				page__shorten(text);
			control = first_control(text, allowed);
			if (!control)
				control = first_actor(text);
			if (control)
				fail_msg("%s, \"%.40s\": \\x%02x\\x%02x before \"%.40s\"",
					formats[i].name, hostile_names[j], control[0] & 0xff,
					control[1] & 0xff, control + 1);
			valid = text__utf8(text, strlen(text));
			assert_string_equal(valid, text);
			free(valid);
			free(text);
		}
	}
}

/* The same report with a name of the same length that means nothing anywhere. */
static char *rendered_harmless(const char *name, const char *format)
{
	char *harmless = strdup(name), *text;

	assert_non_null(harmless);
	memset(harmless, 'A', strlen(harmless));
	text = rendered_hostile(harmless, format);
	free(harmless);
	return text;
}

/* A name may be longer or shorter, but it makes no line, row, series or event. */
static void a_name_makes_no_line(void **state)
{
	static const char *const by_line[] = {"csv", "markdown", "prometheus", "emf"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(by_line); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(hostile_names); j++) {
			char *text = rendered_hostile(hostile_names[j], by_line[i]);
			char *harmless = rendered_harmless(hostile_names[j], by_line[i]);

			if (count_of(text, "\n") != count_of(harmless, "\n"))
				fail_msg("%s, \"%.40s\":\n%.2000s", by_line[i], hostile_names[j],
					text);
			free(harmless);
			free(text);
		}
	}
}

static size_t count_of_byte(const char *text, char byte)
{
	size_t count = 0;

	for (; (text = strchr(text, byte)); text++)
		count++;
	return count;
}

/* Tags and attributes are as many as with a harmless name. */
static void a_name_makes_no_tag(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(hostile_names); i++) {
		char *page = rendered_hostile(hostile_names[i], "html");
		char *harmless = rendered_harmless(hostile_names[i], "html");

		page__shorten(page);
		page__shorten(harmless);
		for (const char *mark = "<>\"'"; *mark; mark++)
			if (count_of_byte(page, *mark) != count_of_byte(harmless, *mark))
				fail_msg("\"%.40s\": %zu of %c, not %zu", hostile_names[i],
					count_of_byte(page, *mark), *mark,
					count_of_byte(harmless, *mark));
		assert_int_equal(count_of(page, "<script"), 1);
		assert_null(strstr(page, "<img"));
		free(harmless);
		free(page);
	}
}

/* The SHA-256 of size bytes in base64, by other programs than the one that is tested. */
static void sha256__base64(char out[64], const char *bytes, size_t size)
{
	char path[] = "/tmp/imdstrace.XXXXXX", command[160];
	int file = mkstemp(path);
	FILE *hash;

	assert_int_equal(write(file, bytes, size), size);
	close(file);
	snprintf(command, sizeof(command),
		"env printf \"$(sha256sum %s | cut -c-64 | sed 's/../\\\\x&/g')\" | base64", path);
	hash = popen(command, "r");
	assert_non_null(hash);
	assert_non_null(fgets(out, 64, hash));
	pclose(hash);
	unlink(path);
	out[strcspn(out, "\n")] = '\0';
}

static void the_page_allows_only_its_own_script_and_style(void **state)
{
	static const struct {
		const char *open, *close, *directive;
	} parts[] = {
		{"<style>", "</style>", "style-src 'sha256-%s'"},
		{"<script>", "</script>", "script-src 'sha256-%s'"},
	};
	char *page = rendered_hostile("ordinary", "html");

	(void)state;
	assert_non_null(strstr(page, "content=\"default-src 'none'; "));
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		char *start = strstr(page, parts[i].open) + strlen(parts[i].open);
		char hash[64], directive[128];

		sha256__base64(hash, start, (size_t)(strstr(start, parts[i].close) - start));
		snprintf(directive, sizeof(directive), parts[i].directive, hash);
		assert_non_null(strstr(page, directive));
	}
	/* What a policy by hash does not cover. */
	assert_null(strstr(page, " style=\""));
	assert_null(strstr(page, " onclick=\""));
	assert_null(strstr(page, "src=\"http"));
	free(page);
}

/* Reads the cell at *at (RFC 4180) and steps behind its separator. Returns the separator: ',',
 * '\n' or 0. */
static char cell__read(const char **at, char *cell, size_t size)
{
	size_t used = 0;
	bool quoted = **at == '"';

	*at += quoted;
	for (;; ++*at) {
		if (quoted && (*at)[0] == '"' && (*at)[1] == '"')
			++*at;
		else if (quoted && **at == '"')
			break;
		else if (!quoted && (!**at || strchr(",\r\"", **at)))
			break;
		if (!**at)
			fail_msg("a quoted cell does not end");
		if (used + 1 < size)
			cell[used++] = **at;
	}
	cell[used] = '\0';
	*at += quoted;
	if (!strncmp(*at, "\r\n", 2))
		*at += 2;
	else if (**at == ',')
		return *(*at)++;
	else
		fail_msg("behind the cell \"%.40s\" stands \"%.10s\"", cell, *at);
	return '\n';
}

static void every_csv_row_has_every_column_and_no_formula(void **state)
{
	static char cell[200000];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(hostile_names); i++) {
		char *text = rendered_hostile(hostile_names[i], "csv");
		const char *at = text;
		size_t columns = 0, column = 0;

		while (*at) {
			char separator = cell__read(&at, cell, sizeof(cell));

			if (*cell && strchr("=+-@\t\r\n", *cell))
				fail_msg("a formula: \"%.40s\"", cell);
			column++;
			if (separator == ',')
				continue;
			columns = columns ? columns : column;
			assert_int_equal(column, columns);
			column = 0;
		}
		free(text);
	}
}

/* Cells of a table's row, as GitHub counts them: an escaped pipe makes none. */
static size_t row__cells(const char *line, size_t size)
{
	size_t pipes = 0;

	for (size_t i = 0; i < size; i++)
		pipes += line[i] == '|' && (!i || line[i - 1] != '\\');
	return pipes;
}

static void markdown_stays_the_tables_and_lists_that_it_is(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(hostile_names); i++) {
		char *text = rendered_hostile(hostile_names[i], "markdown");
		size_t cells = 0;

		assert_null(strchr(text, '<'));
		for (const char *line = text; *line; line = strchr(line, '\n') + 1) {
			size_t size = strcspn(line, "\n");

			if (*line != '|') {
				cells = 0;
				continue;
			}
			cells = cells ? cells : row__cells(line, size);
			if (row__cells(line, size) != cells)
				fail_msg("%.*s", (int)size, line);
		}
		free(text);
	}
}

/* What would link or notify stands only in code, where a ticket system leaves it alone. */
static void markdown_links_and_notifies_nobody(void **state)
{
	static const char *const active[] = {"@everyone", "http://evil", "www.evil", "[link](",
		"![x]", "#1 ", "*b*", "_i_", "~s~"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(hostile_names); i++) {
		char *text = rendered_hostile(hostile_names[i], "markdown");

		for (size_t j = 0; j < ARRAY_SIZE(active); j++) {
			for (char *at = text; (at = strstr(at, active[j])); at++) {
				const char *line = at;
				size_t ticks = 0;

				while (line > text && line[-1] != '\n')
					ticks += *--line == '`';
				if (ticks % 2 == 0 && (at == text || at[-1] != '\\'))
					fail_msg("%s in \"%.200s\"", active[j], line);
			}
		}
		free(text);
	}
}

/* --- With many callers ------------------------------------------------------------------------ */

static struct report *report__of_many(size_t callers, size_t paths)
{
	static const uint64_t calls[CLASS_COUNT] = {[CLASS_V1] = 1000};
	struct report *report = report__new();

	assert_non_null(report);
	for (size_t i = 0; i < callers; i++) {
		char exe[32];
		struct process process = {
			.comm = (char *)"many", .exe = exe, .args = (char *[]){NULL}};
		struct caller *caller;

		snprintf(exe, sizeof(exe), "/opt/many-%zu", i);
		caller = report__caller(report, &process, true, RICH_HOST);
		report__add_calls(caller, calls, NULL);
		for (size_t j = 0; j < paths; j++) {
			char path[32];
			const struct request request = {.cls = CLASS_V1,
				.method = "GET",
				.path = path,
				.time = RICH_START + (int64_t)j};

			snprintf(path, sizeof(path), "/path-%zu", j);
			assert_int_equal(report__add_request(report, caller, &request), 0);
		}
		count__add(&report->totals[CLASS_V1], 1000);
	}
	report__sort(report);
	return report;
}

/* What is past a format's bound is counted in an entry that says so. */
static void what_is_left_out_is_counted(void **state)
{
	static const struct {
		const char *format;
		size_t callers, paths;
		const char *says;
	} cases[] = {
		{"markdown", 40, 1, "And 10 more with 10,000 v1 calls"},
		{"markdown", 1, 30, "and 26 more paths"},
		{"prometheus", 150, 1,
			"{caller=\"(others)\",exe=\"\",workload=\"\",uid=\"\","
			"class=\"v1\"} 50000"},
		{"html", 1010, 1, "And 10 more callers with 10,000 v1 calls"},
		{"html", 1, 120, "<td class=\"n\">900</td><td></td><td colspan=\"3\">for 21 more"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct report *report = report__of_many(cases[i].callers, cases[i].paths);
		size_t size;
		char *text = rendered(report, cases[i].format, &size);

		if (!strstr(text, cases[i].says))
			fail_msg("%s does not say \"%s\"", cases[i].format, cases[i].says);
		free(text);
		report__free(report);
	}
}

static void csv_has_a_row_for_each_caller_and_path(void **state)
{
	struct report *report = report__of_many(50, 7);
	size_t size;
	char *text = rendered(report, "csv", &size);

	(void)state;
	/* A head, and for each caller its paths and those that were not recorded. */
	assert_int_equal(count_of(text, "\r\n"), 1 + 50 * (7 + 1));
	/* What is counted of a caller stands once, so that its sum is true. */
	assert_int_equal(count_of(text, "\"1 host\""), 50 * (7 + 1));
	assert_int_equal(count_of(text, "\"1 host\",,,,,,\r\n"), 50 * 7);
	free(text);
	report__free(report);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_rich_report_looks_as_in_golden),
		cmocka_unit_test(every_format_is_tested),
		cmocka_unit_test(an_empty_report_renders),
		cmocka_unit_test(a_full_disk_is_an_error),
		cmocka_unit_test(no_control_character_comes_through),
		cmocka_unit_test(a_name_makes_no_line),
		cmocka_unit_test(a_name_makes_no_tag),
		cmocka_unit_test(the_page_allows_only_its_own_script_and_style),
		cmocka_unit_test(every_csv_row_has_every_column_and_no_formula),
		cmocka_unit_test(markdown_stays_the_tables_and_lists_that_it_is),
		cmocka_unit_test(markdown_links_and_notifies_nobody),
		cmocka_unit_test(what_is_left_out_is_counted),
		cmocka_unit_test(csv_has_a_row_for_each_caller_and_path),
	};

	return cmocka_run_group_tests_name("formats", tests, long_name__fill, NULL);
}
