/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Composes a trace: the tracer hands over records, the process cache says who, the report folds
 * them, and lines, status and files show them.
 */
#include "trace/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "lib/clock.h"
#include "lib/complain.h"
#include "lib/exit_status.h"
#include "lib/file.h"
#include "lib/journal.h"
#include "lib/kept_file.h"
#include "process/lookup.h"
#include "trace/confinement.h"
#include "process/command.h"
#include "process/host.h"
#include "process/procfs.h"
#include "trace/live.h"
#include "trace/machine.h"
#include "trace/ndjson.h"
#include "trace/notify.h"
#include "trace/printer.h"
#include "render/render.h"
#include "trace/rehearsing.h"
#include "trace/process_cache.h"
#include "trace/textfile.h"
#include "trace/top.h"
#include "trace/warnings.h"
#include "lib/scope.h"
#include "lib/secrets.h"
#include "lib/text.h"
#include "trace/tracer.h"

#define SYNC_INTERVAL   NSEC_PER_SEC
#define FINISH_INTERVAL (NSEC_PER_SEC / 5)  /* between two questions whether it is over */
#define KEY_INTERVAL    (NSEC_PER_SEC / 10) /* between two looks for a key */
#define PRINT_INTERVAL  (NSEC_PER_SEC / 20) /* while the reader of stdout is slow */
#define SAVE_SHARE      9 /* saving out of turn takes at most one part in ten of the time */
#define CLOCK_STEP      (2 * NSEC_PER_SEC)  /* what no clock is off by that is merely slewed */
#define CLOCK_STEPS_MAX 64                  /* that begin a window of their own */
#define HOST_INTERVAL   (60 * NSEC_PER_SEC) /* between two looks at which instance this is */

struct trace {
	const struct trace_options *options;
	struct tracer *tracer;
	struct report *report;
	struct process_cache *process_cache;
	struct lookup *lookup; /* NULL: this process looks itself */
	struct privileges_user user;
	struct rehearsing *rehearsing; /* NULL: a trace alone */
	struct host host;
	struct window window;
	char window_id[2 * 16 + 1];
	int64_t host_read;               /* when host was looked at, on the steady clock */
	int64_t started, window_started; /* on the steady clock, as all that is planned is */
	int64_t began; /* when SIGUSR1 began this report, ns since 1970; 0: none did */
	unsigned int clock_steps;
	struct live live;
	struct top *top;             /* NULL: no table */
	struct counters counted;     /* what of the kernel's counters is in the report */
	uint64_t timed[CLASS_COUNT]; /* of the calls counted: those in the timeline */
	uint64_t lost_timed;         /* of these: those whose records were lost */
	struct printer *printer;
	struct kept_file *output;    /* NULL: none */
	uint64_t saved[CLASS_COUNT]; /* totals of the last state of output */
	uint64_t lost_told;          /* in NDJSON */
	int64_t next_sync, last_save;
	int64_t next_early_save;
	bool new_blocker; /* somebody called v1 for the first time, and output does not say so yet
			   */
	int error;        /* what a record's handling failed with: ends the trace */
	bool save_failed; /* the last state of output could not be written */
	bool textfile_save_failed;
};

static volatile sig_atomic_t stop_signal, hangup_signal, anew_signal;
static const struct command *volatile running; /* signals are for it; NULL: there is none */
static bool has_terminal;                      /* that may hang up */

static void remember_signal(int signal)
{
	stop_signal = signal;
}

/* Somebody asks for a new report file (kill -USR1, systemctl kill -s USR1). */
static void remember_anew(int signal)
{
	anew_signal = signal;
}

/* The command is told first, and the trace ends with it; or at once where that is asked for again.
 * A terminal's signals are sent to both by the kernel. */
static void pass_signal(int signal, siginfo_t *how, void *context)
{
	static volatile sig_atomic_t before;
	int error = errno;

	(void)context;
	if (!running) {
		stop_signal = signal;
		return;
	}
	if (how->si_code != SI_KERNEL)
		command__signal(running, signal);
	if (before)
		stop_signal = signal;
	before = signal;
	errno = error;
}

static bool terminal__is_there(void)
{
	_close_ int fd = open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC);

	return fd >= 0;
}

/* Somebody asks for the report (kill -HUP, systemctl reload); but where the terminal has gone, the
 * trace goes, too. A shell that hears of it passes the signal on, so the kernel alone is no sign.
 */
static void remember_hangup(int signal, siginfo_t *how, void *context)
{
	int error = errno;

	(void)context;
	if (how->si_code == SI_KERNEL || (has_terminal && !terminal__is_there()))
		stop_signal = signal;
	else
		hangup_signal = signal;
	errno = error;
}

/* Ends at the next chance; a second signal ends at once. */
static void catch_signals(const struct command *command)
{
	/* SA_RESTART: a reader that is slow gets whole lines all the same */
	struct sigaction action = {
		.sa_handler = remember_signal, .sa_flags = SA_RESETHAND | SA_RESTART};
	struct sigaction anew = {.sa_handler = remember_anew, .sa_flags = SA_RESTART};
	struct sigaction pass = {.sa_sigaction = pass_signal, .sa_flags = SA_SIGINFO | SA_RESTART};
	struct sigaction save = {
		.sa_sigaction = remember_hangup, .sa_flags = SA_SIGINFO | SA_RESTART};
	struct sigaction hangup;

	stop_signal = hangup_signal = anew_signal = 0;
	has_terminal = terminal__is_there();
	running = command;
	sigaction(SIGINT, command ? &pass : &action, NULL);
	sigaction(SIGTERM, command ? &pass : &action, NULL);
	if (command)
		sigaction(SIGQUIT, &pass, NULL);
	sigaction(SIGUSR1, &anew, NULL);
	/* nohup(1) is to outlive the terminal */
	if (sigaction(SIGHUP, NULL, &hangup) || hangup.sa_handler != SIG_IGN)
		sigaction(SIGHUP, &save, NULL);
	/* a reader that has gone, or a file past its limit, is an error of write, with a name */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
}

/* A captured text as valid UTF-8, with secrets masked; NULL for none, or when memory is short. */
static char *captured(const char *bytes, size_t size, bool cut)
{
	char *text = text__utf8(bytes, size);

	if (text)
		secrets__mask(text, strlen(text), cut);
	return text;
}

static void trace__show(
	struct trace *trace, const struct request *request, const struct process *process)
{
	_free_ char *text = NULL;
	size_t size = 0;
	FILE *line;
	int error;

	if (!trace->options->all && request->cls != CLASS_V1)
		return;
	if (!trace->options->json && !trace->live.lines)
		return;
	line = open_memstream(&text, &size);
	if (!line) {
		trace->error = -ENOMEM;
		return;
	}
	error = trace->options->json ? ndjson__request(line, request, process)
				     : live__request(&trace->live, line, request, process);
	if (fclose(line) || error) {
		trace->error = -ENOMEM;
		return;
	}
	live__clear(&trace->live);
	printer__line(trace->printer, text, size);
	live__status(&trace->live, &trace->live.counted);
}

/* Calls of a process that the kernel keeps no account of are counted by their records instead. */
static void count_unaccounted(struct trace *trace, struct caller *caller, enum request_class cls)
{
	static const uint64_t no_answers[CLASS_COUNT][OUTCOME_COUNT];
	uint64_t calls[CLASS_COUNT] = {};

	calls[cls] = 1;
	if (trace->rehearsing) /* whose totals are those of the processes' counts */
		count__add(&trace->report->totals[cls], 1);
	report__add_calls(caller, calls, tracer__responses(trace->tracer) ? no_answers : NULL);
}

/* What a rehearsal makes of a record. 0 or -ENOMEM. */
static int trace__rehearse(struct trace *trace, struct member *member, struct caller *caller,
	const struct request_record *record)
{
	if (record->cls == CLASS_UNKNOWN)
		count__add(&trace->report->unknown[record->reason], 1);
	return rehearsing__request(trace->rehearsing, member, caller, record);
}

static int trace__add(struct trace *trace, const struct request_record *record)
{
	bool unknown = record->cls == CLASS_UNKNOWN;
	const char *text = record->text + record->method_size;
	_free_ char *method = unknown ? NULL : text__utf8(record->text, record->method_size);
	_free_ char *path =
		unknown ? NULL
			: captured(text, record->path_size, record->flags & REQUEST_PATH_CUT);
	_free_ char *agent = record->flags & REQUEST_HAS_AGENT
				     ? captured(text + record->path_size, record->agent_size,
					       record->flags & REQUEST_AGENT_CUT)
				     : NULL;
	struct request request = {
		.cls = record->cls,
		.family = record->family,
		.reason = record->reason,
		.time = clock__from_boot(record->time_ns),
		.tid = record->tid,
		.method = method,
		.path = path,
		.agent = agent,
		.path_cut = record->flags & REQUEST_PATH_CUT,
		.rehearsed = record->flags & REQUEST_REHEARSED,
	};
	struct member *member =
		unknown && record->reason == UNKNOWN_FORWARDED
			? process_cache__forwarded(trace->process_cache, record)
			: process_cache__find(trace->process_cache, &record->process);
	struct caller *caller;

	if (!member)
		return -ENOMEM;
	/* what nobody can be named for may be the scope's */
	if (trace->rehearsing && !(unknown && !record->process.pid) &&
		!rehearsing__concerns(trace->rehearsing, member))
		return 0;
	caller = process_cache__caller(trace->process_cache, member);
	if (!caller || (!unknown && (!method || !path)))
		return -ENOMEM;
	if (!process_cache__has_stats(trace->process_cache, member))
		count_unaccounted(trace, caller, request.cls);
	if (trace->rehearsing && trace__rehearse(trace, member, caller, record))
		return -ENOMEM;
	/* What came before the file began anew is counted in the one that was kept. */
	if (request.time >= trace->began) {
		if (report__add_request(trace->report, caller, &request))
			return -ENOMEM;
		trace->timed[request.cls]++;
	}
	trace__show(trace, &request, member->process);
	return 0;
}

static void on_request(void *context, const struct request_record *record)
{
	struct trace *trace = context;

	if (!trace->error && record->cls < CLASS_COUNT && record->reason < UNKNOWN_REASONS)
		trace->error = trace__add(trace, record);
}

static void trace__count_missed(struct report *report, enum missed_kind kind, uint64_t more)
{
	count__add(&report->missed, more);
	count__add(&report->missed_kinds[kind], more);
}

/* The kernel's totals, and what was lost on the way here. */
static void trace__count(struct trace *trace)
{
	struct report *report = trace->report;
	struct counters now;

	tracer__counters(trace->tracer, &now);
	for (int cls = 0; cls < CLASS_COUNT && !trace->rehearsing; cls++)
		count__add(&report->totals[cls], now.requests[cls] - trace->counted.requests[cls]);
	for (int reason = 0; reason < UNKNOWN_REASONS && !trace->rehearsing; reason++)
		count__add(&report->unknown[reason],
			now.unknown[reason] - trace->counted.unknown[reason]);
	count__add(&report->lost, now.lost_records - trace->counted.lost_records);
	trace__count_missed(report, MISSED_CONNECTIONS,
		now.untracked_connections - trace->counted.untracked_connections);
	trace__count_missed(
		report, MISSED_PROCESSES, now.unnamed_processes - trace->counted.unnamed_processes);
	trace->counted = now;
	if (trace->options->json && now.lost_records > trace->lost_told) {
		printer__lost(trace->printer, now.lost_records - trace->lost_told);
		trace->lost_told = now.lost_records;
	}
}

/* Tells a window from another tracer's that began at the same time on a clone. */
static void trace__name_window(struct trace *trace)
{
	uint64_t random[2];

	trace->window.id = NULL;
	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return;
	snprintf(trace->window_id, sizeof(trace->window_id), "%016" PRIx64 "%016" PRIx64, random[0],
		random[1]);
	trace->window.id = trace->window_id;
}

/* The window's names are those of host, and so is a host of the report. 0, -ENOMEM or -ENOSPC. */
static int trace__take_host(struct trace *trace)
{
	struct report_host host = {
		.hostname = trace->host.hostname,
		.machine_id = trace->host.machine_id,
		.kernel = trace->host.kernel,
		.instance_id = trace->host.instance_id,
		.region = trace->host.region,
		.account_id = trace->host.account_id,
	};

	trace->host_read = clock__steady();
	trace->window.host = (char *)report_host__id(&host);
	trace->window.machine_id = trace->host.machine_id;
	trace->window.boot_id = trace->host.boot_id;
	return report__add_host(trace->report, &host);
}

static void trace__begin_window(struct trace *trace)
{
	trace__name_window(trace);
	trace->window_started = clock__steady();
	trace->window.start = trace->window.end = clock__now();
	trace->window.booted = clock__from_boot(0);
	trace->window.opened_known = !procfs__connections_opened(&trace->window.opened_before);
}

/* Whether this has become another instance: a snapshot of a running machine, resumed. */
static bool trace__look_at_host(struct trace *trace)
{
	struct host now, old = trace->host;
	bool other;

	trace->host_read = clock__steady();
	if (lookup__host(trace->lookup, &now))
		return false;
	other = now.instance_id && (!old.instance_id || strcmp(now.instance_id, old.instance_id));
	if (other)
		trace->host = now;
	host__clear(other ? &old : &now);
	return other;
}

/* The window ends as long after its start as it has really been. When the wall clock is set
 * meanwhile, what follows is another window, at the times that are right from then on. */
static int trace__extend_window(struct trace *trace)
{
	bool stepped, moved;
	int64_t off;
	int error;

	trace->window.end = trace->window.start + clock__steady() - trace->window_started;
	off = clock__now() - trace->window.end;
	error = report__add_window(trace->report, &trace->window);
	if (error || trace->clock_steps == CLOCK_STEPS_MAX)
		return error;
	stepped = off <= -CLOCK_STEP || off >= CLOCK_STEP;
	moved = (stepped || clock__steady() - trace->host_read >= HOST_INTERVAL) &&
		trace__look_at_host(trace);
	if (!stepped && !moved)
		return 0;
	trace->clock_steps++;
	if (moved)
		error = trace__take_host(trace);
	if (!error && moved)
		error = process_cache__move(trace->process_cache, trace->window.host);
	if (error)
		return error;
	trace__begin_window(trace);
	return report__add_window(trace->report, &trace->window);
}

/* Calls that are counted and not in the timeline: their records are lost, or still on their way.
 * How many. */
static uint64_t trace__untimed(const struct trace *trace, uint64_t calls[CLASS_COUNT])
{
	uint64_t sum = 0;

	for (int cls = 0; cls < CLASS_COUNT; cls++) {
		uint64_t counted = trace->counted.requests[cls];

		calls[cls] = counted > trace->timed[cls] ? counted - trace->timed[cls] : 0;
		sum += calls[cls];
	}
	return sum;
}

/*
 * Calls whose records were lost enter the timeline now, when they are missed. Of which class they
 * were, no counter says; but of each class at most as many records are on their way as are in all.
 * Once the hooks are gone, none are.
 */
static int trace__time_lost(struct trace *trace, bool stopped)
{
	uint64_t lost = trace->counted.lost_records - trace->lost_timed, under_way = 0, any = 0;
	uint64_t calls[CLASS_COUNT], sum = trace__untimed(trace, calls);

	if (!stopped && sum > lost)
		under_way = sum - lost;
	for (int cls = 0; cls < CLASS_COUNT; cls++) {
		calls[cls] = calls[cls] > under_way ? calls[cls] - under_way : 0;
		trace->timed[cls] += calls[cls];
		any += calls[cls];
	}
	trace->lost_timed += any < lost ? any : lost;
	return any ? report__add_untimed(trace->report, trace->window.end, calls) : 0;
}

static int trace__sync(struct trace *trace)
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

static const char *kept__problem(int error)
{
	if (error == -ELOOP)
		return "it has become a symbolic link";
	if (error == -ESTALE)
		return "another file has been put in its place";
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
static void trace__save(struct trace *trace)
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
static int trace__begin_anew(struct trace *trace)
{
	_free_ char *name = NULL;
	int error;

	if (!trace->options->output) {
		live__clear(&trace->live);
		complain("SIGUSR1 begins a new report file, and this trace has none (--output)");
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
static bool trace__should_save(const struct trace *trace)
{
	int64_t now = clock__steady();

	return trace->options->output &&
	       (now - trace->last_save >= trace->options->interval ||
		       (trace->new_blocker && now >= trace->next_early_save));
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
	asked = hangup_signal;
	if (asked) {
		hangup_signal = 0;
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
	if (!trace->error && anew_signal) {
		anew_signal = 0;
		trace->error = trace__begin_anew(trace);
	}
	printer__turn(trace->printer);
	return trace->error;
}

static bool trace__is_over(const struct trace *trace)
{
	const struct trace_options *options = trace->options;

	if (stop_signal || trace->error || printer__error(trace->printer) ||
		(trace->top && top__obey(trace->top)))
		return true;
	if (options->duration && clock__steady() - trace->started >= options->duration)
		return true;
	if (options->command && command__ended(options->command))
		return true;
	return options->finished && options->finished(options->context);
}

/* Where sends went unseen: how many, and why as far as the kernel says. */
static void trace__explain_unseen(const struct trace *trace)
{
	uint64_t unseen = trace->counted.unknown[UNKNOWN_UNSEEN];
	struct tracer_skipped skipped;

	if (!unseen)
		return;
	tracer__skipped(trace->tracer, &skipped);
	complain("on %" PRIu64 " %s bytes were sent that none of the %s hooks saw: %s", unseen,
		unseen == 1 ? "connection" : "connections", tracer__mode(trace->tracer),
		skipped.count
			? "the kernel skips a program while another task on its CPU is inside it"
			: "they took a way that has no hook, or the kernel skipped a program");
	if (skipped.count)
		complain("the kernel skipped %" PRIu64
			 " entries of the hooks, those for other sockets included: %s",
			skipped.count, skipped.programs);
	else if (!skipped.counted)
		complain(
			"this kernel does not count the programs that it skips (5.12 and later do)");
	if (trace->counted.unnoted_sends)
		complain("%" PRIu64 " sends to the endpoint were first seen when they had begun",
			(uint64_t)trace->counted.unnoted_sends);
	if (trace->counted.missed_returns)
		complain(
			"%" PRIu64
			" returns of Fast Open connects were missed: more were under way than the kernel has kretprobe instances for",
			(uint64_t)trace->counted.missed_returns);
}

/* At the end, what the file lacks is gone. */
static void trace__name_save_failed(const struct trace *trace)
{
	uint64_t lost[CLASS_COUNT];

	for (int cls = 0; cls < CLASS_COUNT; cls++)
		lost[cls] = trace->report->totals[cls] - trace->saved[cls];
	complain("%s lacks the last calls of this trace: v1 %" PRIu64 ", v2 %" PRIu64
		 ", token %" PRIu64 ", foreign %" PRIu64 ", unknown %" PRIu64,
		trace->options->output, lost[CLASS_V1], lost[CLASS_V2], lost[CLASS_TOKEN],
		lost[CLASS_FOREIGN], lost[CLASS_UNKNOWN]);
}

/* What is still on its way when the hooks are gone: records first, then the counts behind them. */
/* A command that failed may not have called all that it was to call. 0 or -ENOMEM. */
static int trace__note_command(struct trace *trace)
{
	const struct command *command = trace->options->command;
	_free_ char *failure = trace->rehearsing && command ? command__failure(command) : NULL;

	return failure ? report__set_command_end(trace->report, failure) : 0;
}

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

static int trace__prepare_output(struct trace *trace)
{
	const char *output = trace->options->output;
	int error = output ? kept_file__open(&trace->output, output) : 0;

	if (error)
		return complain_errno(-error, "%s cannot be written: %s", output, strerror(-error));
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

/* A report that came with the image stays beside the one that begins. 0, or -errno. */
static int trace__leave_others(struct trace *trace)
{
	_free_ char *name = NULL;
	struct report *fresh = report__new();
	int error = fresh ? kept_file__set_aside(trace->output, "other-host", &name) : -ENOMEM;

	if (error) {
		report__free(fresh);
		return error;
	}
	complain("%s is another host's report: it is %s from now on, and this host's begins",
		trace->options->output, name);
	report__free(trace->report);
	trace->report = fresh;
	return 0;
}

static int trace__open_window(struct trace *trace)
{
	int error = 0;

	trace->window = (struct window){
		.hooks = (char *)tracer__mode(trace->tracer),
		.responses = tracer__responses(trace->tracer),
		.rehearsal = trace->rehearsing != NULL,
	};
	if (report__is_anothers(trace->report, &trace->host))
		error = trace__leave_others(trace);
	if (!error)
		error = trace__take_host(trace);
	if (!error && trace->rehearsing)
		error = report__set_rehearsal(trace->report, trace->options->rehearse->name);
	if (error)
		return error;
	memcpy(trace->saved, trace->report->totals, sizeof(trace->saved));
	warnings__look(trace->report, false); /* who is in a report that goes on is not new */
	trace__begin_window(trace);
	trace->started = trace->window_started;
	trace->process_cache =
		process_cache__new(trace->tracer, trace->lookup, trace->report, trace->window.host);
	if (!trace->process_cache || report__add_window(trace->report, &trace->window))
		return -ENOMEM;
	if (!trace->rehearsing)
		return 0;
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
		error = printer__finish(trace->printer, &stop_signal);
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
	struct tracer_sink sink = {on_request, &trace};
	int status = EXIT_DONE, error;

	catch_signals(options->command);
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
