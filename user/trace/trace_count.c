/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The kernel's counts in the report: totals, what was lost on the way, and what no hook saw. */
#include <inttypes.h>

#include "lib/complain.h"
#include "trace/printer.h"
#include "trace/trace_state.h"
#include "trace/tracer.h"

void trace__count_missed(struct report *report, enum missed_kind kind, uint64_t more)
{
	count__add(&report->missed, more);
	count__add(&report->missed_kinds[kind], more);
}

/* The kernel's totals, and what was lost on the way here. */
void trace__count(struct trace *trace)
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
	count__add(&report->rehearsal.not_covered, now.not_covered - trace->counted.not_covered);
	trace->counted = now;
	if (trace->options->json && now.lost_records > trace->lost_told) {
		printer__lost(trace->printer, now.lost_records - trace->lost_told);
		trace->lost_told = now.lost_records;
	}
}

/* Calls that are counted and not in the timeline: their records are lost, or still on their way.
 * How many. */
uint64_t trace__untimed(const struct trace *trace, uint64_t calls[CLASS_COUNT])
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
int trace__time_lost(struct trace *trace, bool stopped)
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

/* Where sends went unseen: how many, and why as far as the kernel says. */
void trace__explain_unseen(const struct trace *trace)
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
