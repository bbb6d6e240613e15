/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* CSV of hosts, one row each: which of them can be switched, and what holds the others up. */
#include <errno.h>
#include <inttypes.h>

#include "lib/array.h"
#include "lib/clock.h"
#include "lib/scope.h"
#include "render/cell.h"
#include "render/render.h"

/* The sentences of a list in one text, with "; " between. The caller frees. NULL: no memory. */
static char *list__join(char *const *list, const char *between)
{
	char *joined = NULL;
	size_t size;
	FILE *out = open_memstream(&joined, &size);

	for (size_t i = 0; out && list && list[i]; i++)
		fprintf(out, "%s%s", i ? between : "", list[i]);
	if (out && !fclose(out))
		return joined;
	free(joined);
	return NULL;
}

static int host__put(FILE *out, const struct host_summary *host)
{
	_free_ char *callers = list__join(host->callers, " | ");
	_free_ char *reasons = list__join(host->reasons, "; ");
	const char *const texts[] = {
		host->instance_id, host->hostname, host->region, verdict__name(host->verdict)};

	if (!callers || !reasons)
		return -ENOMEM;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		if (cell__put_text(out, texts[i]))
			return -ENOMEM;
		putc(',', out);
	}
	fprintf(out, "%lld,%" PRIu64 ",%s,", (long long)(host->watched / NSEC_PER_SEC),
		host->facts.calls[CLASS_V1], host->facts.needs_hop_limit ? "2" : "");
	if (cell__put_text(out, callers))
		return -ENOMEM;
	putc(',', out);
	if (cell__put_text(out, reasons))
		return -ENOMEM;
	putc(',', out);
	if (cell__put_text(out, host->account_id))
		return -ENOMEM;
	fputs("\r\n", out);
	return 0;
}

int hosts__render(FILE *out, const struct report *report, const struct render_options *options)
{
	const struct host_summaries *hosts = options->hosts;

	(void)report;
	fputs("instance_id,hostname,region,verdict,watched_seconds,v1,hop_limit_needed,callers,reasons,account_id\r\n",
		out);
	for (size_t i = 0; hosts && i < hosts->count; i++)
		if (host__put(out, &hosts->list[i]))
			return -ENOMEM;
	return ferror(out) ? -EIO : 0;
}
