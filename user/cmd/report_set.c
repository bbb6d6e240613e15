/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "cmd/report_set.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/report_source.h"
#include "lib/complain.h"
#include "lib/hash.h"
#include "lib/progress.h"
#include "lib/scope.h"

struct selection {
	struct source *sources;
	size_t count;
	struct file_window *windows; /* all files', by window, the latest first */
	size_t window_count;
};

static int file_window__compare(const void *left, const void *right)
{
	const struct file_window *a = left, *b = right;
	int order = window_id__compare(&a->id, &b->id);

	if (order)
		return order;
	if (a->end != b->end)
		return a->end > b->end ? -1 : 1;
	return a->file < b->file ? -1 : a->file > b->file;
}

static int selection__index(struct selection *selection)
{
	size_t total = 0;

	for (size_t i = 0; i < selection->count; i++)
		total += selection->sources[i].window_count;
	selection->windows = calloc(total ? total : 1, sizeof(*selection->windows));
	if (!selection->windows)
		return -ENOMEM;
	for (size_t i = 0; i < selection->count; i++) {
		const struct source *source = &selection->sources[i];

		if (source->window_count)
			memcpy(&selection->windows[selection->window_count], source->windows,
				source->window_count * sizeof(*source->windows));
		selection->window_count += source->window_count;
	}
	qsort(selection->windows, total, sizeof(*selection->windows), file_window__compare);
	return 0;
}

/* The first of the files that have this window, the latest state first. */
static size_t selection__find(const struct selection *selection, const struct window_id *id)
{
	size_t low = 0, high = selection->window_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (window_id__compare(&selection->windows[middle].id, id) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Another file that is still in and holds the window at least as late, from *at of the windows on;
 * NULL: there is none. */
static struct source *selection__holder(
	const struct selection *selection, const struct file_window *window, size_t *at)
{
	for (; *at < selection->window_count; ++*at) {
		const struct file_window *other = &selection->windows[*at];

		if (window_id__compare(&other->id, &window->id) || other->end < window->end)
			return NULL;
		if (other->file != window->file && source__is_in(&selection->sources[other->file]))
			return &selection->sources[other->file];
	}
	return NULL;
}

static bool selection__holds(const struct selection *selection, const struct source *source)
{
	for (size_t i = 0; i < source->window_count; i++) {
		size_t at = selection__find(selection, &source->windows[i].id);

		if (!selection__holder(selection, &source->windows[i], &at))
			return false;
	}
	return source->window_count > 0;
}

/* Whether one of those that hold its first window says all that it does. */
static void selection__ask_each(const struct selection *selection, const struct source *source,
	const struct report *report, bool *said)
{
	size_t at = selection__find(selection, &source->windows[0].id);
	struct source *holder;

	while (!*said &&
		(holder = selection__holder(selection, &source->windows[0], &at)) != NULL) {
		struct report *whole = source__load(holder, false);

		*said = whole && report__covers(whole, report);
		report__free(whole);
		at++;
	}
}

/* The same of those together that hold its windows, each of them the latest. */
static int selection__ask_all(const struct selection *selection, const struct source *source,
	const struct report *report, bool *said)
{
	_free_ bool *asked = calloc(selection->count, sizeof(*asked));
	struct report *whole = report__new();
	int error = asked && whole ? 0 : -ENOMEM;

	for (size_t i = 0; !error && i < source->window_count; i++) {
		size_t at = selection__find(selection, &source->windows[i].id);
		struct source *holder = selection__holder(selection, &source->windows[i], &at);
		struct report *part;

		if (!holder || asked[holder - selection->sources])
			continue;
		asked[holder - selection->sources] = true;
		part = source__load(holder, false);
		error = part ? report__add(whole, part) : 0;
		report__free(part);
	}
	*said = !error && report__says_all(whole, report);
	report__free(whole);
	return error == -EEXIST ? 0 : error;
}

/* Whether other files hold all its windows as late, and say all that it says. 0 or -ENOMEM. */
static int selection__covers(
	const struct selection *selection, struct source *source, bool *covered)
{
	struct report *report;
	int error = 0;

	*covered = false;
	if (!selection__holds(selection, source))
		return 0;
	report = source__load(source, false);
	if (!report)
		return 0;
	if (report->window_count)
		selection__ask_each(selection, source, report, covered);
	else
		*covered = true; /* the same to the letter */
	if (!*covered && source->window_count > 1)
		error = selection__ask_all(selection, source, report, covered);
	source->differs = !*covered;
	report__free(report);
	return error;
}

/* Whether one of its windows is in another file that is to be added, and, where merged, in one that
 * is of several machines. */
static bool selection__overlaps(
	const struct selection *selection, const struct source *source, bool merged)
{
	for (size_t w = 0; w < source->window_count; w++) {
		const struct window_id *id = &source->windows[w].id;

		for (size_t i = selection__find(selection, id); i < selection->window_count; i++) {
			const struct file_window *other = &selection->windows[i];

			if (window_id__compare(&other->id, id))
				break;
			if (selection->sources[other->file].fate == FATE_ADD &&
				&selection->sources[other->file] != source &&
				!(merged && selection->sources[other->file].of_one))
				return true;
		}
	}
	return false;
}

/* The most windows first; of equals the one that was given first. */
static int source__compare(const void *left, const void *right)
{
	const struct source *a = *(struct source *const *)left;
	const struct source *b = *(struct source *const *)right;

	if (a->window_count != b->window_count)
		return a->window_count > b->window_count ? -1 : 1;
	return a < b ? -1 : a > b;
}

/* The largest first, because a merged report is to give way to its parts where they are newer. Of
 * equals the last first, so that the first stays. */
static int selection__drop_covered(struct selection *selection, struct source **largest)
{
	int error = 0;

	for (size_t first = 0, end; first < selection->count; first = end) {
		for (end = first + 1; end < selection->count; end++)
			if (largest[end]->window_count != largest[first]->window_count)
				break;
		for (size_t i = end; !error && i-- > first;) {
			bool covered = false;

			if (largest[i]->fate == FATE_OPEN)
				error = selection__covers(selection, largest[i], &covered);
			if (covered)
				largest[i]->fate = FATE_COVERED;
		}
	}
	return error;
}

/* Whether it can be added beside those that hold some of its windows: it is another machine's. */
static bool selection__is_another(const struct selection *selection, const struct source *source)
{
	return source->of_one && (source->differs || !selection__overlaps(selection, source, true));
}

static int selection__choose(struct selection *selection)
{
	_free_ struct source **largest = calloc(selection->count, sizeof(*largest));

	if (!largest || selection__index(selection))
		return -ENOMEM;
	for (size_t i = 0; i < selection->count; i++)
		largest[i] = &selection->sources[i];
	qsort(largest, selection->count, sizeof(*largest), source__compare);
	if (selection__drop_covered(selection, largest))
		return -ENOMEM;
	for (size_t i = 0; i < selection->count; i++) {
		if (largest[i]->fate != FATE_OPEN)
			continue;
		if (selection__overlaps(selection, largest[i], false) &&
			!selection__is_another(selection, largest[i]))
			source__fail(largest[i],
				"left out, because it and another report given hold some of the same windows and neither holds all of the other's");
		else
			largest[i]->fate = FATE_ADD;
	}
	/* What only a file covered that was left out itself. */
	for (size_t i = 0; i < selection->count; i++)
		if (largest[i]->fate == FATE_COVERED &&
			!selection__overlaps(selection, largest[i], false))
			largest[i]->fate = FATE_ADD;
	for (size_t i = 0; i < selection->count; i++)
		largest[i]->twin = largest[i]->fate == FATE_ADD &&
				   selection__overlaps(selection, largest[i], false);
	return 0;
}

/* What is added up, and what is asked of it. */
struct sum {
	struct report_set *set;
	const struct report_set_options *options;
	struct table windows; /* of what is added: struct file_window */
	struct progress progress;
};

/* Adds a report that was read from source to the sum, and changes it on the way. */
static int sum__add(struct sum *sum, struct source *source, struct report *report)
{
	struct report_set *set = sum->set;
	int error;

	report__note_fixed(report);
	if (sum->options->since)
		report__since(report, sum->options->since);
	error = source->twin ? report__add(set->report, report)
			     : report__merge(set->report, report);
	if (error == -EEXIST) {
		source__fail(source, "left out, because it changed while it was read");
		return 0;
	}
	if (error)
		return error;
	source->fate = FATE_ADD;
	return sum->options->verdict ? host_summaries__add(&set->hosts, report, set->report) : 0;
}

/* One file is what it says, and not a sum of our version. */
static int selection__read_one(struct selection *selection, struct sum *sum)
{
	struct source *source = &selection->sources[0];
	struct report_set *set = sum->set;

	set->report = source__load(source, true);
	if (!set->report)
		return 0;
	source->fate = FATE_ADD;
	report__note_fixed(set->report);
	if (sum->options->since)
		report__since(set->report, sum->options->since);
	return sum->options->verdict ? host_summaries__add(&set->hosts, set->report, set->report)
				     : 0;
}

static int source__add(struct source *source, struct sum *sum)
{
	struct report *report = source__load(source, true);
	int error = report ? sum__add(sum, source, report) : 0;

	report__free(report);
	return error;
}

static bool window__is_known(const void *entry, const void *key)
{
	return !window_id__compare(&((const struct file_window *)entry)->id, key);
}

/* Whether a source that was added holds one of its windows. */
static bool sum__knows(const struct sum *sum, const struct source *source)
{
	for (size_t i = 0; i < source->window_count; i++)
		if (table__find(&sum->windows, source->windows[i].id.hash[0], window__is_known,
			    &source->windows[i].id))
			return true;
	return false;
}

static int sum__note(struct sum *sum, struct source *source)
{
	int error = 0;

	for (size_t i = 0; !error && i < source->window_count; i++)
		error = table__insert(
			&sum->windows, source->windows[i].id.hash[0], &source->windows[i]);
	return error;
}

static int sum__begin(struct sum *sum)
{
	report__free(sum->set->report);
	host_summaries__clear(&sum->set->hosts);
	sum->set->report = report__new();
	return sum->set->report ? 0 : -ENOMEM;
}

/* Reads each file once, and adds it up at once, for as long as no two of them hold the same window;
 * *clash says whether it had to stop. */
static int selection__add_at_once(struct selection *selection, struct sum *sum, bool *clash)
{
	int error = sum__begin(sum);

	*clash = false;
	for (size_t i = 0; !error && !*clash && i < selection->count; i++) {
		struct source *source = &selection->sources[i];
		struct report *report = source__load(source, false);

		progress__at(&sum->progress, i, selection->count, "reports");
		error = report ? source__note_windows(source, report, i) : 0;
		if (report && !error) {
			*clash = sum__knows(sum, source);
			if (!*clash)
				error = sum__note(sum, source);
			if (!*clash && !error)
				error = sum__add(sum, source, report);
		}
		report__free(report);
	}
	table__clear(&sum->windows);
	return error;
}

static int selection__survey(struct selection *selection)
{
	for (size_t i = 0; i < selection->count; i++) {
		struct source *source = &selection->sources[i];
		struct report *report;
		int error;

		if (source->fate == FATE_ADD)
			source->fate = FATE_OPEN;
		if (source->surveyed || source->fate == FATE_FAILED)
			continue;
		report = source__load(source, false);
		error = report ? source__note_windows(source, report, i) : 0;
		report__free(report);
		if (error)
			return error;
	}
	return selection__choose(selection);
}

/* Of files that hold the same windows some are left out, and then each is read again. */
static int selection__add_chosen(struct selection *selection, struct sum *sum)
{
	int error = selection__survey(selection);

	if (!error)
		error = sum__begin(sum);
	for (size_t i = 0; !error && i < selection->count; i++) {
		progress__at(&sum->progress, i, selection->count, "reports");
		if (selection->sources[i].fate == FATE_ADD)
			error = source__add(&selection->sources[i], sum);
	}
	return error;
}

static int selection__read(struct selection *selection, struct sum *sum)
{
	bool clash = false, added = false;
	int error = selection->count == 1 ? selection__read_one(selection, sum)
					  : selection__add_at_once(selection, sum, &clash);

	if (!error && clash)
		error = selection__add_chosen(selection, sum);
	progress__clear(&sum->progress);
	for (size_t i = 0; i < selection->count; i++)
		added |= selection->sources[i].fate == FATE_ADD;
	if (!added) {
		report__free(sum->set->report);
		sum->set->report = NULL;
	}
	if (error || !added)
		return error;
	return sum->options->verdict ? host_summaries__rule(&sum->set->hosts, sum->set->report,
					       sum->options->verdict)
				     : 0;
}

/* What is done with each report that is chosen. */
struct visitor {
	int (*visit)(void *context, struct report *report);
	void *context;
	const struct report_set_options *options;
};

static int source__visit(struct source *source, const struct visitor *visitor)
{
	struct report *report = source__load(source, true);
	int error;

	if (!report)
		return 0;
	if (visitor->options->since)
		report__since(report, visitor->options->since);
	report__sort(report);
	error = visitor->visit(visitor->context, report);
	report__free(report);
	return error;
}

static int selection__visit(struct selection *selection, const struct visitor *visitor)
{
	int error = 0;

	if (selection->count == 1)
		return source__visit(&selection->sources[0], visitor);
	error = selection__survey(selection);
	for (size_t i = 0; !error && i < selection->count; i++)
		if (selection->sources[i].fate == FATE_ADD)
			error = source__visit(&selection->sources[i], visitor);
	return error;
}

static void selection__clear(struct selection *selection)
{
	for (size_t i = 0; selection->sources && i < selection->count; i++) {
		free(selection->sources[i].text);
		free(selection->sources[i].windows);
	}
	free(selection->sources);
	free(selection->windows);
}

static int selection__open(struct selection *selection, char *const *paths, size_t count)
{
	*selection = (struct selection){.count = count};
	selection->sources = calloc(count ? count : 1, sizeof(*selection->sources));
	if (!selection->sources || !count)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		selection->sources[i].path = paths[i];
	return 0;
}

static void selection__close(struct selection *selection, struct report_set *set)
{
	for (size_t i = 0; selection->sources && i < selection->count; i++)
		set->failed += selection->sources[i].fate == FATE_FAILED;
	selection__clear(selection);
}

int report_set__read(struct report_set *set, char *const *paths, size_t count,
	const struct report_set_options *options)
{
	struct sum sum = {.set = set, .options = options};
	struct selection selection;
	int error = selection__open(&selection, paths, count);

	*set = (struct report_set){0};
	if (!error)
		error = selection__read(&selection, &sum);
	selection__close(&selection, set);
	if (error)
		report_set__clear(set);
	else if (set->report)
		report__sort(set->report);
	return error;
}

int report_set__visit(struct report_set *set, char *const *paths, size_t count,
	const struct report_set_options *options,
	int (*visit)(void *context, struct report *report), void *context)
{
	struct visitor visitor = {visit, context, options};
	struct selection selection;
	int error = selection__open(&selection, paths, count);

	*set = (struct report_set){0};
	if (!error)
		error = selection__visit(&selection, &visitor);
	selection__close(&selection, set);
	return error;
}

void report_set__clear(struct report_set *set)
{
	report__free(set->report);
	set->report = NULL;
	host_summaries__clear(&set->hosts);
}
