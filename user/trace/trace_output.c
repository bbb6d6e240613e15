/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The report file of a trace (--output): continued, saved, begun anew, and set aside. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <stdlib.h>

#include "lib/clock.h"
#include "lib/complain.h"
#include "lib/kept_file.h"
#include "lib/scope.h"
#include "process/host.h"
#include "trace/process_cache.h"
#include "trace/textfile.h"
#include "trace/top.h"
#include "trace/trace_state.h"
#include "trace/tracer.h"

#define SAVE_SHARE 9 /* saving out of turn takes at most one part in ten of the time */

static const char *kept__problem(int error)
{
	if (error == -ELOOP)
		return "it has become a symbolic link";
	if (error == -ESTALE)
		return "another file has been put in its place";
	if (error == -ETIMEDOUT)
		return "its reader takes nothing";
	return strerror(-error);
}

/* The report as JSON; what is on its way to the timeline counts as made now. NULL: no memory. */
static char *trace__to_json(struct trace *trace)
{
	uint64_t calls[CLASS_COUNT];
	int64_t now = trace->window.end;
	char *text;

	report__sort(trace->report);
	if (!trace__untimed(trace, calls))
		return report__to_json(trace->report, trace->options->min_window);
	if (report__add_untimed(trace->report, now, calls))
		return NULL;
	text = report__to_json(trace->report, trace->options->min_window);
	report__take_untimed(trace->report, now, calls);
	return text;
}

static void trace__save_textfile(struct trace *trace)
{
	int error = textfile__save(trace->output, trace->report, trace->options->min_window);

	if (error && !trace->textfile_save_failed) {
		live__clear(&trace->live);
		complain("%s" TEXTFILE_SUFFIX
			 " keeps its last state, because it cannot be written: %s",
			trace->options->output, strerror(-error));
	}
	trace->textfile_save_failed = error;
}

/* Keeps the last good state where writing fails, and says so once for each time that it begins. */
void trace__save(struct trace *trace)
{
	_free_ char *text = NULL;
	int64_t started = clock__steady(), now, pause;
	int error = -ENOMEM;

	if (!trace->options->output)
		return;
	trace->last_save = started;
	text = trace__to_json(trace);
	if (text)
		error = kept_file__replace(trace->output, text, strlen(text));
	if (error && !trace->save_failed) {
		live__clear(&trace->live);
		complain("%s keeps its last state, because it cannot be written: %s",
			trace->options->output, kept__problem(error));
	}
	if (!error && trace->options->prometheus)
		trace__save_textfile(trace);
	if (!error)
		memcpy(trace->saved, trace->report->totals, sizeof(trace->saved));
	trace->save_failed = error;
	trace->new_blocker &= error != 0;
	now = clock__steady();
	pause = SAVE_SHARE * (now - started);
	trace->next_early_save = now + (pause > SYNC_INTERVAL ? pause : SYNC_INTERVAL);
}

/* Another report in place of the one that was kept, which has all that was counted so far. */
static int trace__begin_report(struct trace *trace)
{
	struct report *old = trace->report, *fresh = report__new();
	uint64_t under_way[CLASS_COUNT];
	int error;

	if (!fresh)
		return -ENOMEM;
	/* What is counted and on its way is in the timeline of the one that was kept. */
	trace__untimed(trace, under_way);
	for (int cls = 0; cls < CLASS_COUNT; cls++)
		trace->timed[cls] += under_way[cls];
	trace->report = fresh;
	process_cache__begin_report(trace->process_cache, fresh);
	memset(trace->saved, 0, sizeof(trace->saved));
	trace->new_blocker = false;
	error = trace__take_host(trace);
	if (!error)
		error = report__add_window(fresh, &trace->window);
	if (!error && trace->top)
		error = top__begin_report(trace->top, fresh);
	report__free(old);
	return error;
}

/* The file so far stays beside a new one: what was changed meanwhile shows in that. */
int trace__begin_anew(struct trace *trace)
{
	_free_ char *name = NULL;
	int error;

	if (!trace->options->output || trace->rehearsing) {
		live__clear(&trace->live);
		complain(
			trace->rehearsing
				? "SIGUSR1 begins a new report file of a trace: a rehearsal keeps its own to the end"
				: "SIGUSR1 begins a new report file, and this trace has none (--output)");
		return 0;
	}
	error = tracer__poll(trace->tracer, 0); /* details of what is counted next */
	if (!error || error == -EINTR)
		error = trace__sync(trace);
	if (error)
		return error;
	trace__begin_window(trace);
	trace->began = trace->window.start;
	trace__save(trace);
	live__clear(&trace->live);
	/* The file keeps its last state, and the report goes on in it: nothing is lost. */
	error = trace->save_failed ? -EIO : kept_file__set_aside(trace->output, "until", &name);
	if (error) {
		trace->began = 0;
		complain("%s cannot be set aside, and goes on: %s", trace->options->output,
			kept__problem(error));
		return report__add_window(trace->report, &trace->window);
	}
	complain("%s is %s from now on, and a new report begins", trace->options->output, name);
	error = trace__begin_report(trace);
	if (!error)
		trace__save(trace);
	return error;
}

/* In turn, or early, where somebody called v1 for the first time: a kill -9 is not to hide that. */
bool trace__should_save(const struct trace *trace)
{
	int64_t now = clock__steady();

	return trace->options->output &&
	       (now - trace->last_save >= trace->options->interval ||
		       (trace->new_blocker && now >= trace->next_early_save));
}

/* At the end, what the file lacks is gone. */
void trace__name_save_failed(const struct trace *trace)
{
	uint64_t lost[CLASS_COUNT];

	for (int cls = 0; cls < CLASS_COUNT; cls++)
		lost[cls] = trace->report->totals[cls] - trace->saved[cls];
	complain("%s lacks the last calls of this trace: v1 %" PRIu64 ", v2 %" PRIu64
		 ", token %" PRIu64 ", foreign %" PRIu64 ", unknown %" PRIu64,
		trace->options->output, lost[CLASS_V1], lost[CLASS_V2], lost[CLASS_TOKEN],
		lost[CLASS_FOREIGN], lost[CLASS_UNKNOWN]);
}

/* A report of ours says so at its start, also where the rest of it is missing. */
static bool text__is_ours(const char *text, size_t size)
{
	static const char mark[] = "{\"schema\":\"imdstrace.report/1\"";
	size_t matched = 0;

	for (size_t i = 0; i < size && matched < sizeof(mark) - 1; i++) {
		if (strchr(" \t\r\n", text[i]) && text[i])
			continue;
		if (text[i] != mark[matched++])
			return false;
	}
	return matched == sizeof(mark) - 1;
}

/* A damaged report holds up no trace, and is not lost either. 0, or -errno after a complaint. */
static int trace__set_aside(struct trace *trace, const char *why)
{
	const char *output = trace->options->output;
	_free_ char *name = NULL;
	int error = kept_file__set_aside(trace->output, "damaged", &name);

	if (error)
		return complain_errno(-error, "%s is damaged (%s) and cannot be set aside: %s",
			output, why, strerror(-error));
	complain("%s is damaged (%s): it is %s from now on, and a new report begins", output, why,
		name);
	trace->report = report__new();
	return trace->report ? 0 : complain_errno(ENOMEM, "there is no memory for a report");
}

/* The report that output holds already, or an empty one. 0, or -errno after a complaint. */
static int trace__continue(struct trace *trace)
{
	const char *output = trace->options->output;
	_free_ char *text = NULL;
	char why[256];
	size_t size = 0;
	int error;

	error = trace->output ? kept_file__read(trace->output, REPORT_FILE_MAX, &text, &size) : 0;
	if (error)
		return complain_errno(-error, "%s cannot be read: %s", output, strerror(-error));
	if (!size) {
		trace->report = report__new();
	} else if (report__from_json(&trace->report, text, size, why, sizeof(why))) {
		if (text__is_ours(text, size))
			return trace__set_aside(trace, why);
		complain("%s is not a report that can be continued: %s", output, why);
		return -EINVAL;
	}
	/* Who continues it writes it from now on. */
	if (!trace->report || report__set_version(trace->report, IMDSTRACE_VERSION))
		return complain_errno(ENOMEM, "there is no memory for a report");
	return 0;
}

int trace__prepare_output(struct trace *trace)
{
	const char *output = trace->options->output;
	int error = output ? kept_file__open(&trace->output, output) : 0;

	if (error)
		return complain_errno(-error, "%s cannot be written: %s", output,
			error == -EMEDIUMTYPE ? "it is a disk" : strerror(-error));
	if (trace->output && trace->options->prometheus && kept_file__directory(trace->output) < 0)
		return complain_errno(
			EINVAL, "%s has no file beside it, which --prometheus asks for", output);
	return trace__continue(trace);
}

/* Whether its windows are another host's: one with an id of its own, or a boot that was still
 * watched when this one had begun. */
static bool report__is_anothers(const struct report *report, const struct host *host)
{
	int64_t booted = clock__from_boot(0);
	bool known = !report->window_count;

	for (size_t i = 0; i < report->window_count; i++) {
		const struct window *window = &report->windows[i];
		const char *machine_id = window->machine_id ? window->machine_id : window->host;
		bool named = strcmp(machine_id, window->host) && host->instance_id;

		if (named ? strcmp(window->host, host->instance_id) != 0
			  : strcmp(machine_id, host->machine_id) != 0)
			continue;
		known = true;
		if (strcmp(window->boot_id, host->boot_id) && window->end > booted + CLOCK_STEP)
			return true;
	}
	return !known;
}

/* A report that is not to go on stays beside the one that begins. 0, or -errno. */
static int trace__leave(
	struct trace *trace, const char *suffix, const char *what, const char *which)
{
	_free_ char *name = NULL;
	struct report *fresh = report__new();
	int error = fresh ? kept_file__set_aside(trace->output, suffix, &name) : -ENOMEM;

	if (error) {
		report__free(fresh);
		return error;
	}
	complain("%s %s: it is %s from now on, and %s begins", trace->options->output, what, name,
		which);
	report__free(trace->report);
	trace->report = fresh;
	return 0;
}

/* One that came with the image, or that holds as much as one may. */
int trace__leave_unfit(struct trace *trace)
{
	if (report__is_anothers(trace->report, &trace->host))
		return trace__leave(trace, "other-host", "is another host's report", "this host's");
	if (trace->output && report__is_full(trace->report))
		return trace__leave(trace, "full", "holds as much as a report may", "a new one");
	return 0;
}
