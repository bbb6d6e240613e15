/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "render/render_software.h"

#include <errno.h>
#include <string.h>

#include "lib/array.h"
#include "lib/scope.h"
#include "render/json.h"

static const char *const kind_names[] = {
	[SOFTWARE_PROGRAM] = "program",
	[SOFTWARE_LIBRARY] = "library",
	[SOFTWARE_PROXY] = "proxy",
};

bool software__matches(const struct software *software, const char *part)
{
	if (!part || strcasestr(software->name, part) || strcasestr(software__said(software), part))
		return true;
	for (size_t t = 0; t < SOFTWARE_TELLS_MAX; t++)
		if (software->tells[t].text && strcasestr(software->tells[t].text, part))
			return true;
	return false;
}

/* What is said of one product: a title and a text for each thing that is known. */
#define LINES_MAX 8

struct line {
	const char *title, *prefix, *text;
};

static size_t software__lines(const struct software *software, struct line lines[LINES_MAX])
{
	const struct line all[] = {
		{"speaks IMDSv2", "from ", software->v2},
		{"speaks IMDSv2", "", software->no_release ? "in no release" : NULL},
		{"survives the switch", "from ", software__survives(software)},
		{"survives the switch", "",
			software->harmless ? "it does without an answer" : NULL},
		{"never falls back", "from ", software->never_v1},
		{"setting", "", software->setting},
		{"instead", "", software->instead},
		{"source", "", software->source},
	};
	size_t count = 0;

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if (all[i].text)
			lines[count++] = all[i];
	return count;
}

static void tells__put(FILE *out, const struct software *software)
{
	const char *separator = "";
	enum tell_kind last = TELL_NONE;

	for (size_t t = 0; t < SOFTWARE_TELLS_MAX && software->tells[t].kind; t++) {
		const struct tell *tell = &software->tells[t];
		const char *kind = tell_kind__name(tell->kind);

		if (last && !strcmp(kind, tell_kind__name(last)))
			kind = "";
		fprintf(out, "%s%s%s%s", separator, kind, *kind ? " " : "", tell->text);
		separator = ", ";
		last = tell->kind;
	}
}

void render_software__text(FILE *out, const char *part)
{
	struct line lines[LINES_MAX];
	bool first = true;

	for (size_t i = 0; i < software_count; i++) {
		const struct software *software = &software_table[i];
		size_t count = software__lines(software, lines);

		if (!software__matches(software, part))
			continue;
		fprintf(out, "%s%s", first ? "" : "\n", software->name);
		if (software->kind != SOFTWARE_PROGRAM)
			fprintf(out, " (%s)", kind_names[software->kind]);
		fputc('\n', out);
		if (software->tells[0].kind) {
			fprintf(out, "  %-20s ", "told by");
			tells__put(out, software);
			fputc('\n', out);
		}
		for (size_t l = 0; l < count; l++)
			fprintf(out, "  %-20s %s%s\n", lines[l].title, lines[l].prefix,
				lines[l].text);
		first = false;
	}
}

static json_t *tells__json(const struct software *software)
{
	_decref_ json_t *tells = json_array();

	for (size_t t = 0; t < SOFTWARE_TELLS_MAX && software->tells[t].kind; t++)
		if (json_array_append_new(tells,
			    json_pack("{ss,ss}", "kind", tell_kind__name(software->tells[t].kind),
				    "text", software->tells[t].text)))
			return NULL;
	return json_incref(tells);
}

static json_t *software__json(const struct software *software)
{
	return json_pack("{ss,ss,ss,so,so,so,so,sb,sb,so,so,ss}", "name", software->name, "title",
		software__said(software), "kind", kind_names[software->kind], "told_by",
		tells__json(software), "imdsv2_from", json__text(software->v2), "survives_from",
		json__text(software__survives(software)), "never_falls_back_from",
		json__text(software->never_v1), "no_release", software->no_release, "harmless",
		software->harmless, "setting", json__text(software->setting), "instead",
		json__text(software->instead), "source", software->source);
}

int render_software__json(FILE *out, const char *part)
{
	_decref_ json_t *list = json_array(), *object = NULL;

	for (size_t i = 0; i < software_count; i++)
		if (software__matches(&software_table[i], part) &&
			json_array_append_new(list, software__json(&software_table[i])))
			return -ENOMEM;
	object = json_pack("{ss,sO}", "schema", "imdstrace.software/1", "software", list);
	if (!object || json_dumpf(object, out, JSON_INDENT(2)))
		return -ENOMEM;
	fputc('\n', out);
	return 0;
}

/* A line that starts with one of these is a request to roff. */
static void manual__put(FILE *out, const char *prefix, const char *text)
{
	fputs(*prefix || (*text != '.' && *text != '\'') ? prefix : "\\&", out);
	for (; *text; text++)
		fputs(*text == '\\' ? "\\e" : (const char[]){*text, '\0'}, out);
}

void render_software__manual(FILE *out)
{
	struct line lines[LINES_MAX];

	fputs(".Bl -tag -width Ds\n", out);
	for (size_t i = 0; i < software_count; i++) {
		const struct software *software = &software_table[i];
		size_t count = software__lines(software, lines);

		fprintf(out, ".It %s\n", software->name);
		for (size_t l = 0; l < count; l++) {
			if (!strcmp(lines[l].title, "source"))
				continue;
			fprintf(out, "%s ", lines[l].title);
			manual__put(out, lines[l].prefix, lines[l].text);
			fputs(l + 2 < count ? ";\n" : ".\n", out);
		}
		if (count == 1)
			fprintf(out, "%s: what it forwards is another program's.\n",
				kind_names[software->kind]);
	}
	fputs(".El\n", out);
}
