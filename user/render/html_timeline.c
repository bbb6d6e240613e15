/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The picture of calls over time: one strip for each class, each with a scale of its own, so that
 * three v1 calls can be seen beside a million others. The strips are SVG that stretches; all text
 * is HTML beside it, so that it stays readable at any width.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "lib/array.h"
#include "lib/clock.h"
#include "render/html_page.h"
#include "render/render_caller.h"
#include "lib/scope.h"

#define BINS_MAX     120
#define STRIP_HEIGHT 40
#define BAR_MIN      2 /* a bin with one call must be seen */
#define TICKS        5

/* The report's buckets, summed up into at most BINS_MAX bins of the same length. */
struct picture {
	const struct report *report;
	int64_t start, length; /* ns; of the first bin, of each */
	size_t bins;
	uint64_t calls[BINS_MAX][CLASS_COUNT];
	bool watched[BINS_MAX]; /* at least for a moment */
};

/* What the picture has to show: from the first window or bucket to the last. */
static void picture__find_span(
	const struct report *report, int64_t bucket, int64_t *start, int64_t *end)
{
	*start = INT64_MAX;
	*end = INT64_MIN;
	for (size_t i = 0; i < report->window_count; i++) {
		if (report->windows[i].start < *start)
			*start = report->windows[i].start;
		if (report->windows[i].end > *end)
			*end = report->windows[i].end;
	}
	for (size_t i = 0; i < report->timeline_count; i++) {
		if (report->timeline[i].start < *start)
			*start = report->timeline[i].start;
		if (report->timeline[i].start + bucket > *end)
			*end = report->timeline[i].start + bucket;
	}
}

static int64_t round_down(int64_t time, int64_t step)
{
	int64_t rest = time % step;

	return time - (rest < 0 ? rest + step : rest);
}

/* A bin is a multiple of the buckets' length, and one that people count in. */
static int64_t bin__length(int64_t span, int64_t bucket)
{
	static const int64_t factors[] = {1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440};
	int64_t length = bucket;

	for (size_t i = 0; i < ARRAY_SIZE(factors); i++) {
		length = bucket * factors[i];
		if (span / length < BINS_MAX)
			return length;
	}
	while (span / length >= BINS_MAX)
		length *= 2;
	return length;
}

static size_t picture__bin(const struct picture *picture, int64_t time)
{
	int64_t bin = (time - picture->start) / picture->length;

	return bin < 0 ? 0 : bin >= (int64_t)picture->bins ? picture->bins - 1 : (size_t)bin;
}

static void picture__fill(struct picture *picture)
{
	const struct report *report = picture->report;

	for (size_t i = 0; i < report->timeline_count; i++) {
		const struct timeline_bucket *bucket = &report->timeline[i];
		uint64_t *calls = picture->calls[picture__bin(picture, bucket->start)];

		for (int c = 0; c < CLASS_COUNT; c++)
			count__add(&calls[c], bucket->calls[c]);
	}
	for (size_t i = 0; i < report->window_count; i++) {
		size_t last = picture__bin(picture, report->windows[i].end);

		for (size_t bin = picture__bin(picture, report->windows[i].start); bin <= last;
			bin++)
			picture->watched[bin] = true;
	}
}

/* False: there is no time to show, or more than a picture can. */
static bool picture__make(struct picture *picture, const struct report *report)
{
	int64_t bucket = (int64_t)report->timeline_seconds * NSEC_PER_SEC, start, end;

	*picture = (struct picture){.report = report};
	if (bucket <= 0)
		bucket = 60 * NSEC_PER_SEC;
	picture__find_span(report, bucket, &start, &end);
	if (end < start || start < 0 || end > INT64_MAX / 2)
		return false;
	start = round_down(start, bucket);
	picture->start = start;
	picture->length = bin__length(end - start, bucket);
	picture->bins = (size_t)((end - start) / picture->length) + 1;
	if (picture->bins > BINS_MAX)
		return false;
	/* An end that falls between two bins needs no bin behind it. */
	if (picture->bins > 1 && (end - start) % picture->length == 0)
		picture->bins--;
	picture__fill(picture);
	return true;
}

static uint64_t picture__sum(const struct picture *picture, enum request_class cls)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < picture->bins; i++)
		count__add(&sum, picture->calls[i][cls]);
	return sum;
}

static uint64_t picture__peak(const struct picture *picture, enum request_class cls)
{
	uint64_t peak = 0;

	for (size_t i = 0; i < picture->bins; i++)
		if (picture->calls[i][cls] > peak)
			peak = picture->calls[i][cls];
	return peak;
}

static int64_t picture__span(const struct picture *picture)
{
	return (int64_t)picture->bins * picture->length;
}

static int64_t bin__start(const struct picture *picture, size_t bin)
{
	return picture->start + (int64_t)bin * picture->length;
}

/* "01-31 12:05" where a time's day is not clear from the picture, else "12:05". */
static void time__format_axis(char out[32], const struct picture *picture, int64_t at)
{
	bool days = picture__span(picture) > 24 * 3600 * NSEC_PER_SEC;
	char time[RFC3339_SIZE];

	clock__format(time, at);
	if (days)
		snprintf(
			out, 32, "%.5s %.5s", time + strlen("2026-"), time + strlen("2026-01-01T"));
	else
		snprintf(out, 32, "%.5s", time + strlen("2026-01-01T"));
}

/* Neighbours that were watched are one rectangle. */
static void strip__put_watched(struct html *page, const struct picture *picture)
{
	for (size_t bin = 0, end; bin < picture->bins; bin = end + 1) {
		for (end = bin; end < picture->bins && picture->watched[end]; end++)
			;
		if (end > bin)
			html__put(page,
				"<rect class=\"watched\" x=\"%zu\" y=\"0\" width=\"%zu\" "
				"height=\"%d\"/>",
				bin, end - bin, STRIP_HEIGHT);
	}
}

static void strip__put_bars(
	struct html *page, const struct picture *picture, enum request_class cls, uint64_t peak)
{
	for (size_t bin = 0; bin < picture->bins; bin++) {
		uint64_t calls = picture->calls[bin][cls];
		char time[32];
		double height;

		if (!calls)
			continue;
		height = (double)calls / (double)peak * STRIP_HEIGHT;
		if (height < BAR_MIN)
			height = BAR_MIN;
		time__format_axis(time, picture, bin__start(picture, bin));
		html__put(page,
			"<rect class=\"bar\" x=\"%zu.1\" y=\"%.1f\" width=\"0.8\" "
			"height=\"%.1f\"><title>%s UTC: ",
			bin, STRIP_HEIGHT - height, height, time);
		html__count_of(page, calls, "call", "calls");
		html__put(page, "</title></rect>");
	}
}

static void peak__put(struct html *page, const char *before, uint64_t peak, const char *length)
{
	if (!peak)
		return;
	html__put(page, "%sat most ", before);
	html__count(page, peak);
	html__put(page, " in %s", length);
}

static void strip__put(struct html *page, const struct picture *picture, enum request_class cls)
{
	uint64_t peak = picture__peak(picture, cls), sum = picture__sum(picture, cls);
	const char *name = class__name(cls);
	char length[32];

	duration__format(length, sizeof(length), picture->length);
	html__put(page, "<div class=\"strip %s\"><div class=\"strip-name\"><b>%s</b> ", name, name);
	html__count_of(page, sum, "call", "calls");
	html__put(page,
		"</div><svg viewBox=\"0 0 %zu %d\" preserveAspectRatio=\"none\" role=\"img\" "
		"aria-label=\"%s: ",
		picture->bins, STRIP_HEIGHT, name);
	html__count_of(page, sum, "call", "calls");
	peak__put(page, ", ", peak, length);
	html__put(page, "\">");
	strip__put_watched(page, picture);
	strip__put_bars(page, picture, cls, peak);
	html__put(page, "</svg><div class=\"strip-peak\">");
	peak__put(page, "", peak, length);
	html__put(page, "</div></div>\n");
}

static void axis__put(struct html *page, const struct picture *picture)
{
	html__put(page, "<div class=\"axis\" aria-hidden=\"true\">");
	for (int tick = 0; tick < TICKS; tick++) {
		int64_t at = picture->start + picture__span(picture) / (TICKS - 1) * tick;
		char time[32];

		time__format_axis(time, picture, at);
		html__put(page, "<span>%s</span>", time);
	}
	html__put(page, "</div>\n");
}

/* The same for those who cannot see it, or want the numbers. */
static void table__put(struct html *page, const struct picture *picture)
{
	html__put(page, "<details><summary>The numbers</summary><div class=\"scroll\">"
			"<table class=\"plain\"><thead><tr><th scope=\"col\">from (UTC)</th>");
	for (int i = 0; i < CLASS_COUNT; i++)
		html__put(page, "<th scope=\"col\" class=\"n\">%s</th>",
			class__name(shown_classes[i]));
	html__put(page, "</tr></thead><tbody>\n");
	for (size_t bin = 0; bin < picture->bins; bin++) {
		uint64_t sum = 0;

		for (int c = 0; c < CLASS_COUNT; c++)
			count__add(&sum, picture->calls[bin][c]);
		if (!sum)
			continue;
		html__put(page, "<tr><th scope=\"row\">");
		html__time(page, bin__start(picture, bin));
		html__put(page, "</th>");
		for (int i = 0; i < CLASS_COUNT; i++) {
			html__put(page, "<td class=\"n\">");
			html__count(page, picture->calls[bin][shown_classes[i]]);
			html__put(page, "</td>");
		}
		html__put(page, "</tr>\n");
	}
	html__put(page, "</tbody></table></div></details>\n");
}

static void notes__put(struct html *page, const struct picture *picture)
{
	char start[SHORT_TIME_SIZE], end[SHORT_TIME_SIZE];
	uint64_t lost = 0;

	time__format_short(start, picture->start);
	time__format_short(end, picture->start + picture__span(picture));
	html__put(page, "<p class=\"note\">From %s to %s. Each class has its own scale%s.", start,
		end, picture->report->window_count ? "; shaded: a tracer was attached" : "");
	for (int c = 0; c < CLASS_COUNT; c++) {
		uint64_t total = picture->report->totals[c], drawn = picture__sum(picture, c);

		count__add(&lost, total > drawn ? total - drawn : 0);
	}
	if (lost) {
		html__put(page, " Not drawn: ");
		html__count_of(page, lost, "call of which the time was lost",
			"calls of which the time was lost");
		html__put(page, ".");
	}
	html__put(page, "</p>\n");
}

/* A v1 strip that stays empty is worth seeing; that of another class is not. */
static void picture__put(struct html *page, const struct picture *picture)
{
	html__put(page, "<div class=\"strips\">\n");
	for (int i = 0; i < CLASS_COUNT; i++)
		if (shown_classes[i] == CLASS_V1 || picture__peak(picture, shown_classes[i]))
			strip__put(page, picture, shown_classes[i]);
	axis__put(page, picture);
	html__put(page, "</div>\n");
	notes__put(page, picture);
	table__put(page, picture);
}

void html__timeline(struct html *page, const struct report *report)
{
	_free_ struct picture *picture = malloc(sizeof(*picture));
	bool drawn;

	if (!picture) {
		page->error = -ENOMEM;
		return;
	}
	html__put(page, "<section aria-labelledby=\"timeline\"><h2 id=\"timeline\">"
			"Calls over time</h2>\n");
	drawn = picture__make(picture, report);
	if (drawn)
		picture__put(page, picture);
	else
		html__put(page, "<p class=\"note\">No call with a time was seen.</p>\n");
	html__put(page, "</section>\n");
}
