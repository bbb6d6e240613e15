/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A request of a trace: who called, in the report, and on the screen. */
#include <errno.h>
#include <string.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/clock.h"
#include "lib/scope.h"
#include "lib/secrets.h"
#include "lib/text.h"
#include "trace/ndjson.h"
#include "trace/printer.h"
#include "trace/process_cache.h"
#include "trace/rehearsing.h"
#include "trace/trace_state.h"
#include "trace/tracer.h"

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
		!rehearsing__concerns(trace->rehearsing, member)) {
		/* the kernel counts it all the same, and it is not lost */
		trace->timed[request.cls]++;
		return 0;
	}
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

void trace__on_request(void *context, const struct request_record *record)
{
	struct trace *trace = context;

	if (!trace->error && record->cls < CLASS_COUNT && record->reason < UNKNOWN_REASONS)
		trace->error = trace__add(trace, record);
}
