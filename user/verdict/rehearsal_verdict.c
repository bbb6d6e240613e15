/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "verdict/rehearsal_verdict.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "lib/clock.h"
#include "lib/scope.h"
#include "lib/sentences.h"

static const char *const names[] = {
	[REHEARSAL_SURVIVES] = "survives",
	[REHEARSAL_BREAKS] = "breaks",
	[REHEARSAL_INCONCLUSIVE] = "inconclusive",
};

const char *rehearsal_verdict__name(enum rehearsal_verdict verdict)
{
	return names[verdict];
}

static const char *plural(uint64_t count)
{
	return count == 1 ? "" : "s";
}

/* What of a rehearsal nothing can be concluded from. */
static void reasons__add_doubts(
	struct sentences *reasons, const struct report *report, const struct rehearsal_sums *sums)
{
	if (!sums->requests)
		sentences__add(reasons, "no request was seen, so nothing was rehearsed");
	if (sums->unproven)
		sentences__add(reasons,
			"%" PRIu64 " call%s got another answer than 401, or none, so %s nothing",
			sums->unproven, plural(sums->unproven),
			sums->unproven == 1 ? "it proves" : "they prove");
	if (sums->not_covered)
		sentences__add(reasons, "%" PRIu64 " connection%s could not be covered",
			sums->not_covered, plural(sums->not_covered));
	if (sums->unread)
		sentences__add(reasons,
			"%" PRIu64 " request%s or connection%s could not be read or named",
			sums->unread, plural(sums->unread), plural(sums->unread));
	if (report->rehearsal.command_end)
		sentences__add(reasons, "the command %s", report->rehearsal.command_end);
}

static void reasons__add_callers(
	struct sentences *reasons, uint64_t callers, uint64_t calls, const char *what)
{
	if (callers)
		sentences__add(reasons, "%" PRIu64 " caller%s %s (%" PRIu64 " call%s refused)",
			callers, plural(callers), what, calls, plural(calls));
}

static enum rehearsal_verdict rule(struct sentences *reasons, const struct report *report)
{
	uint64_t nobodys = report->rehearsal.rejected;
	struct rehearsal_sums sums;

	report__rehearsal_sums(report, &sums);
	reasons__add_callers(
		reasons, sums.broken, sums.broken_calls - nobodys, "did not go on with a token");
	if (nobodys)
		sentences__add(reasons,
			"%" PRIu64
			" refused call%s came from processes that could not be identified",
			nobodys, plural(nobodys));
	if (sums.broken_calls)
		return REHEARSAL_BREAKS;
	reasons__add_doubts(reasons, report, &sums);
	if (reasons->count)
		return REHEARSAL_INCONCLUSIVE;
	reasons__add_callers(
		reasons, sums.recovered, sums.rejected, "asked for a token and went on");
	if (!sums.rejected)
		sentences__add(reasons, "none of %" PRIu64 " request%s was refused", sums.requests,
			plural(sums.requests));
	return REHEARSAL_SURVIVES;
}

enum rehearsal_verdict report__rehearsal_verdict(const struct report *report)
{
	struct sentences reasons = {0};
	enum rehearsal_verdict verdict = rule(&reasons, report);

	sentences__free(reasons.list);
	return verdict;
}

int rehearsal__rule(struct rehearsal_ruling *ruling, const struct report *report)
{
	struct sentences reasons = {0};
	enum rehearsal_verdict verdict = rule(&reasons, report);

	if (reasons.error) {
		sentences__free(reasons.list);
		return reasons.error;
	}
	*ruling = (struct rehearsal_ruling){verdict, reasons.list};
	return 0;
}

void rehearsal_ruling__clear(struct rehearsal_ruling *ruling)
{
	sentences__free(ruling->reasons);
	*ruling = (struct rehearsal_ruling){0};
}

/* --- One caller ------------------------------------------------------------------------------ */

/* ", and its process ended within a minute with status 1", where it did. */
static void caller__put_end(FILE *out, const struct caller_rehearsal *rehearsal)
{
	int status = rehearsal->wait_status;

	if (rehearsal->ended == 1)
		fputs(", and its process ended within a minute", out);
	else if (rehearsal->ended)
		fprintf(out, ", and %" PRIu64 " of its processes ended within a minute, the last",
			rehearsal->ended);
	if (rehearsal->ended && status >= 0 && WIFSIGNALED(status))
		fprintf(out, " by signal %d", WTERMSIG(status));
	else if (rehearsal->ended && status >= 0)
		fprintf(out, " with status %d", WEXITSTATUS(status));
	if (rehearsal->restarted)
		fprintf(out, "; systemd started it again%s",
			rehearsal->restarted > 1 ? ", more than once" : "");
}

static void caller__put_rejected(FILE *out, const struct caller *caller)
{
	const struct caller_rehearsal *rehearsal = &caller->rehearsal;
	char after[32];

	fprintf(out, "%" PRIu64 " call%s refused", rehearsal->rejected,
		plural(rehearsal->rejected));
	if (caller__recovered(caller)) {
		fputs(", then it asked for a token and went on", out);
		duration__format(after, sizeof(after), rehearsal->recovered_after);
		if (rehearsal->recovered_after >= NSEC_PER_SEC)
			fprintf(out, " after %s", after);
	} else if (rehearsal->recovered) {
		fprintf(out,
			", and %" PRIu64 " of %" PRIu64 " processes did not go on with a token",
			rehearsal->processes - rehearsal->recovered, rehearsal->processes);
	} else {
		fputs(", and it did not go on with a token", out);
	}
	caller__put_end(out, rehearsal);
}

static void caller__put_doubts(FILE *out, const struct caller_rehearsal *rehearsal)
{
	const char *between = rehearsal->rejected ? "; " : "";

	if (rehearsal->unproven) {
		fprintf(out, "%s%" PRIu64 " call%s got another answer than 401, or none", between,
			rehearsal->unproven, plural(rehearsal->unproven));
		between = "; ";
	}
	if (rehearsal->not_covered)
		fprintf(out, "%s%" PRIu64 " connection%s could not be covered", between,
			rehearsal->not_covered, plural(rehearsal->not_covered));
}

enum rehearsal_verdict caller__rehearsal_verdict(const struct caller *caller)
{
	const struct caller_rehearsal *rehearsal = &caller->rehearsal;

	if (rehearsal->rejected && !caller__recovered(caller))
		return REHEARSAL_BREAKS;
	return rehearsal->unproven || rehearsal->not_covered ? REHEARSAL_INCONCLUSIVE
							     : REHEARSAL_SURVIVES;
}

/* What was seen on one host says nothing of another one's old SDK. */
static bool caller__has_old_client(const struct caller *caller)
{
	struct client client;

	caller__client(caller, &client);
	return client.too_old;
}

bool caller__survives(const struct caller *caller)
{
	return caller__recovered(caller) && !caller->rest && !caller->proxy &&
	       caller__rehearsal_verdict(caller) == REHEARSAL_SURVIVES &&
	       !(caller->hosts_total > 1 && caller__has_old_client(caller));
}

char *caller__rehearsal_sentence(const struct caller *caller)
{
	static const char *const ends[] = {
		[REHEARSAL_SURVIVES] = "survives the switch",
		[REHEARSAL_BREAKS] = "breaks at the switch",
		[REHEARSAL_INCONCLUSIVE] = "inconclusive",
	};
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	if (caller->rehearsal.rejected)
		caller__put_rejected(out, caller);
	else if (!caller__rehearsed(caller))
		fputs("no call refused", out);
	caller__put_doubts(out, &caller->rehearsal);
	fprintf(out, ": %s", ends[caller__rehearsal_verdict(caller)]);
	if (!fclose(out))
		return text;
	free(text);
	return NULL;
}
