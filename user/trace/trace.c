/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Composes a trace: the tracer hands over records, the process cache says who, the report folds
 * them, and lines, status and files show them.
 */
#include "trace/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/clock.h"
#include "lib/complain.h"
#include "lib/exit_status.h"
#include "lib/file.h"
#include "lib/journal.h"
#include "lib/kept_file.h"
#include "lib/scope.h"
#include "process/command.h"
#include "process/host.h"
#include "process/lookup.h"
#include "render/render.h"
#include "trace/confinement.h"
#include "trace/live.h"
#include "trace/machine.h"
#include "trace/notify.h"
#include "trace/printer.h"
#include "trace/process_cache.h"
#include "trace/rehearsing.h"
#include "trace/signals.h"
#include "trace/top.h"
#include "trace/trace_state.h"
#include "trace/tracer.h"
#include "trace/warnings.h"

#define FINISH_INTERVAL (NSEC_PER_SEC / 5)  /* between two questions whether it is over */
#define KEY_INTERVAL    (NSEC_PER_SEC / 10) /* between two looks for a key */
#define PRINT_INTERVAL  (NSEC_PER_SEC / 20) /* while the reader of stdout is slow */

int trace__sync(struct trace *trace)
{
	int error;

	trace__count(trace);
	error = process_cache__sync(trace->process_cache);
	if (trace->rehearsing)
		rehearsing__sync(trace->rehearsing);
	if (!error && warnings__look(trace->report, true))
		trace->new_blocker = true;
	if (!error)
		error = trace__extend_window(trace);
	return error ? error : trace__time_lost(trace, false);
}

/* How long it may wait for records: what is planned comes at least every second. */
static int trace__patience_ms(const struct trace *trace)
{
	const struct trace_options *options = trace->options;
	int64_t now = clock__steady(), wait = trace->next_sync - now;

	if (options->duration && options->duration - (now - trace->started) < wait)
		wait = options->duration - (now - trace->started);
	if ((options->finished || options->command) && wait > FINISH_INTERVAL)
		wait = FINISH_INTERVAL;
	if (trace->top && wait > KEY_INTERVAL)
		wait = KEY_INTERVAL;
	if (printer__waits(trace->printer) && wait > PRINT_INTERVAL)
		wait = PRINT_INTERVAL;
	return wait > 0 ? wait / 1000000 + 1 : 0;
}

static int trace__step(struct trace *trace)
{
	int error = tracer__poll(trace->tracer, trace__patience_ms(trace));
	int64_t now = clock__steady();
	bool asked, synced = false;

	if (error && error != -EINTR) {
		complain("the ring buffer cannot be read: %s", strerror(-error));
		return trace->error = error;
	}
	asked = signalled.hangup;
	if (asked) {
		signalled.hangup = 0;
		trace->host_read = now - HOST_INTERVAL; /* who resumes a snapshot may say so */
	}
	/* What is saved is in step with the counters. */
	if (!trace->error && (asked || now >= trace->next_sync || trace__should_save(trace) ||
				     process_cache__is_under_pressure(trace->process_cache))) {
		trace->error = trace__sync(trace);
		synced = true;
		trace->next_sync = now + SYNC_INTERVAL;
		live__status(&trace->live, &trace->counted);
		if (trace->top && !trace->error)
			trace->error = top__update(
				trace->top, trace->report, &trace->counted, trace->save_failed);
	}
	if (!trace->error && synced && (asked || trace__should_save(trace)))
		trace__save(trace);
	if (!trace->error && signalled.anew) {
		signalled.anew = 0;
		trace->error = trace__begin_anew(trace);
	}
	printer__turn(trace->printer);
	return trace->error;
}

static bool trace__is_over(const struct trace *trace)
{
	const struct trace_options *options = trace->options;

	if (signalled.stop || trace->error || printer__error(trace->printer) ||
		(trace->top && top__obey(trace->top)))
		return true;
	if (options->duration && clock__steady() - trace->started >= options->duration)
		return true;
	if (options->command && command__ended(options->command))
		return true;
	return options->finished && options->finished(options->context);
}

/* A command that failed may not have called all that it was to call. 0 or -ENOMEM. */
static int trace__note_command(struct trace *trace)
{
	const struct command *command = trace->options->command;
	_free_ char *failure = trace->rehearsing && command ? command__failure(command) : NULL;

	return failure ? report__set_command_end(trace->report, failure) : 0;
}

/* What is still on its way when the hooks are gone: records first, then the counts behind them. */
static int trace__finish(struct trace *trace)
{
	int error = trace->rehearsing ? rehearsing__end(trace->rehearsing) : 0;
	int unvisited = tracer__stop(trace->tracer);

	if (unvisited) {
		complain("the connections that stay open cannot be looked at: %s",
			strerror(-unvisited));
		trace__count_missed(trace->report, MISSED_CONNECTIONS, 1);
	}
	if (!error)
		error = tracer__drain(trace->tracer);
	if (!error)
		error = trace->error;
	if (!error)
		error = trace__sync(trace);
	if (!error)
		error = trace__time_lost(trace, true);
	if (!error)
		error = trace__note_command(trace);
	trace__save(trace);
	if (trace->save_failed)
		trace__name_save_failed(trace);
	trace__explain_unseen(trace);
	return error;
}

/* Where it prints: a command's output is its own. */
static int trace__out(const struct trace *trace)
{
	return trace->options->command ? STDERR_FILENO : STDOUT_FILENO;
}

/* 0 or -ENOMEM. */
static int trace__summarise(struct trace *trace)
{
	struct render_options options = {
		.verdict = {.min_window = trace->options->min_window,
			.strict = trace->options->strict,
			.require_calls = trace->options->require_calls},
	};
	_free_ char *text = NULL;
	size_t size = 0;
	FILE *page;
	int error;

	if (trace->options->json || trace->options->quiet)
		return 0;
	page = open_memstream(&text, &size);
	if (!page)
		return -ENOMEM;
	if (trace->live.headed)
		putc('\n', page);
	render__options_for(&options, trace__out(trace));
	report__sort(trace->report);
	error = render__find("text")->render(page, trace->report, &options);
	if (fclose(page) && !error)
		error = -ENOMEM;
	if (!error)
		printer__page(trace->printer, text, size);
	return error;
}

static int trace__open_window(struct trace *trace)
{
	int error;

	trace->window = (struct window){
		.hooks = (char *)tracer__mode(trace->tracer),
		.responses = tracer__responses(trace->tracer),
		.rehearsal = trace->rehearsing != NULL,
	};
	error = trace__leave_unfit(trace);
	if (!error)
		error = trace__take_host(trace);
	if (!error && trace->rehearsing)
		error = report__begin_rehearsal(trace->report, trace->options->rehearse->name);
	if (error)
		return error;
	memcpy(trace->saved, trace->report->totals, sizeof(trace->saved));
	warnings__look(trace->report, false); /* who is in a report that goes on is not new */
	trace__begin_window(trace);
	trace->started = trace->window_started;
	trace->process_cache =
		process_cache__new(trace->tracer, trace->lookup, trace->report, trace->window.host);
	if (!trace->process_cache)
		return -ENOMEM;
	error = report__add_window(trace->report, &trace->window);
	if (error || !trace->rehearsing)
		return error;
	return rehearsing__begin(trace->rehearsing, trace->tracer, trace->process_cache,
		trace->report, trace->window.host);
}

/* Whoever read this has seen enough: what somebody else prints goes nowhere, and is no error. */
static void abandon_stdout(void)
{
	_close_ int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (nowhere >= 0)
		dup2(nowhere, STDOUT_FILENO);
	clearerr(stdout);
}

/* What this trace will lack, where it runs in a container that was not given enough. */
static void trace__name_limits(const struct tracer *tracer)
{
	const char *limits[MACHINE_LIMITS_MAX];
	char unseen[MACHINE_REASON_MAX];
	struct machine machine;

	machine__read(&machine);
	machine__limits(&machine, limits);
	for (size_t i = 0; limits[i]; i++)
		complain_warning("%s", limits[i]);
	for (int kind = 0; kind < WITNESS_KINDS; kind++) {
		machine__explain_witness(&machine, tracer, kind, unseen, sizeof(unseen));
		if (*unseen)
			complain_warning("%s", unseen);
	}
}

/* What is shown while it runs. 0 or -ENOMEM. */
static int trace__start_showing(struct trace *trace)
{
	const struct trace_options *options = trace->options;
	struct live_options live = {
		.all = options->all,
		.lines = !options->json && !options->quiet && !options->top,
		.status = !options->top && !options->command,
		.out = trace__out(trace),
		.duration = options->duration,
	};
	struct top_options top = {options->all, options->duration, tracer__mode(trace->tracer)};

	live__start(&trace->live, &live);
	trace__name_limits(trace->tracer);
	if (trace->rehearsing)
		rehearsing__say(trace->rehearsing, options->duration);
	else
		fprintf(stderr, "imdstrace: tracing with %s hooks\n", tracer__mode(trace->tracer));
	live__status(&trace->live, &trace->counted);
	if (options->top)
		trace->top = top__start(trace->report, &top);
	return options->top && !trace->top ? -ENOMEM : 0;
}

static void trace__stop_showing(struct trace *trace)
{
	live__clear(&trace->live);
	/* What was said of the report while the table was there went with it. */
	if (trace->top)
		trace->save_failed = false;
	top__stop(trace->top);
	trace->top = NULL;
}

/* An enum exit_status: 0, or there is no going on. */
static int trace__confine(struct trace *trace)
{
	struct confinement confinement = {
		.tracer = trace->tracer,
		.user = trace->options->user ? &trace->user : NULL,
		.directory = -1,
		.cgroups = trace->options->rehearse != NULL,
	};

	if (!trace->options->confined)
		return EXIT_DONE;
	if (journal__has_stderr())
		journal__open();
	if (trace->output) {
		confinement.directory = kept_file__directory(trace->output);
		confinement.in_place = confinement.directory < 0;
	}
	return confinement__enter(&confinement) ? EXIT_UNTRACEABLE : EXIT_DONE;
}

/* An enum exit_status: 0, or why nothing was run. */
static int trace__run_command(const struct trace *trace)
{
	_free_ char *why = NULL;

	if (!trace->options->command || !command__go(trace->options->command, &why))
		return EXIT_DONE;
	complain("%s", why ? why : "there is no memory to run the command");
	return EXIT_USAGE;
}

/* An enum exit_status: 0, or why it was over. */
static int trace__watch(struct trace *trace)
{
	const struct trace_options *options = trace->options;
	int status = EXIT_DONE, error;

	trace__save(trace); /* a whole report from the start */
	trace->error = trace__start_showing(trace);
	trace->last_save = trace->started;
	notify__send("READY=1");
	if (options->attached)
		status = options->attached(options->context);
	if (!status)
		status = trace__run_command(trace);
	if (!status)
		status = trace__confine(trace);
	while (!status && !trace__is_over(trace))
		trace__step(trace);
	trace__stop_showing(trace);
	error = trace__finish(trace);
	if (!error)
		error = trace__summarise(trace);
	if (!error)
		error = printer__finish(trace->printer, &signalled.stop);
	if (error == -EPIPE)
		abandon_stdout();
	else if (error)
		complain("the trace ended early: %s", strerror(-error));
	if ((error && error != -EPIPE) || trace->save_failed)
		return EXIT_USAGE;
	if (!status && options->judge)
		status = options->judge(options->context, trace->report);
	return status || !trace->rehearsing ? status : rehearsing__status(trace->report);
}

static void trace__clear(struct trace *trace)
{
	printer__free(trace->printer);
	kept_file__close(trace->output);
	process_cache__free(trace->process_cache);
	rehearsing__free(trace->rehearsing);
	tracer__close(trace->tracer);
	lookup__stop(trace->lookup);
	report__free(trace->report);
	host__clear(&trace->host);
}

static int output__try(void *path)
{
	return file__writable(path);
}

/* The user who is to keep the report must be able to. 0, or -errno after a complaint. */
static int trace__find_user(struct trace *trace)
{
	const char *output = trace->options->output, *name = trace->options->user;
	int error;

	if (!name)
		return 0;
	error = privileges__find_user(name, &trace->user);
	if (error == -ENOENT)
		return complain_errno(ENOENT, "there is no user \"%s\"", name);
	if (!error && output)
		error = privileges__try_as(&trace->user, output__try, (void *)output);
	if (error)
		return complain_errno(-error, "%s cannot be kept as user %s: %s",
			output ? output : "a trace", name, strerror(-error));
	return 0;
}

/* Before memory is taken that a helper would have twice. 0, or -errno after a complaint. */
static int trace__start_lookup(struct trace *trace)
{
	int error = trace->options->confined ? lookup__start(&trace->lookup) : 0;

	if (error)
		return complain_errno(-error,
			"the helper that looks up processes cannot be started: %s",
			strerror(-error));
	return 0;
}

int trace__run(const struct trace_options *options)
{
	struct trace trace = {.options = options};
	struct tracer_options how = {.mode = options->hooks, .no_responses = options->no_responses};
	struct tracer_sink sink = {trace__on_request, &trace};
	int status = EXIT_DONE, error;

	signals__catch(options->command);
	fflush(stdout); /* from here on, what is printed goes past stdio */
	trace.printer = printer__new(trace__out(&trace), options->json);
	if (!trace.printer) {
		complain("there is no memory for what is to be printed");
		status = EXIT_USAGE;
	} else if (trace__find_user(&trace) || trace__prepare_output(&trace)) {
		status = EXIT_USAGE;
	} else if (options->rehearse &&
		   rehearsing__new(&trace.rehearsing, options->rehearse, &how.rehearsal)) {
		status = EXIT_USAGE;
	} else if (trace__start_lookup(&trace)) {
		status = EXIT_UNTRACEABLE;
	} else if (machine__open_tracer(&trace.tracer, &how, &sink)) {
		status = EXIT_UNTRACEABLE;
	} else {
		error = lookup__host(trace.lookup, &trace.host);
		if (!error)
			error = trace__open_window(&trace);
		if (error) {
			complain("the trace cannot begin: %s", strerror(-error));
			status = EXIT_UNTRACEABLE;
		} else {
			status = trace__watch(&trace);
		}
	}
	trace__clear(&trace);
	return status;
}
