/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The window of a trace: from when to when it watched, and which host that was. */
#include <inttypes.h>
#include <string.h>
#include <stdio.h>
#include <sys/random.h>

#include "lib/clock.h"
#include "process/lookup.h"
#include "process/procfs.h"
#include "trace/process_cache.h"
#include "trace/trace_state.h"

#define CLOCK_STEPS_MAX 64 /* that begin a window of their own */

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
int trace__take_host(struct trace *trace)
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

void trace__begin_window(struct trace *trace)
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
int trace__extend_window(struct trace *trace)
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
