/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a rehearsal left in a report. Its calls stay in the counts of their class, because the
 * process did send them; what came back is kept apart from outcomes, because the 401 was asked for.
 */
#ifndef IMDSTRACE_REHEARSAL_H
#define IMDSTRACE_REHEARSAL_H

#include <stdbool.h>
#include <stdint.h>

struct report;
struct caller;

/* Of a caller. Those of several processes, windows or reports add up. */
struct caller_rehearsal {
	uint64_t rejected;       /* calls that left with the rehearsal's line and got 401 */
	uint64_t unproven;       /* and those that got another answer, or none */
	uint64_t not_covered;    /* connections that the rehearsal could not touch */
	uint64_t processes;      /* that were rejected */
	uint64_t recovered;      /* of these, those that went on to a v2 call that was answered */
	int64_t recovered_after; /* ns from the first 401 to that call, the longest; 0: none */
	uint64_t ended;  /* of the processes, those that ended within a minute of their first 401 */
	int wait_status; /* of the last of these, as wait(2); -1: not known */
	uint64_t restarted; /* how often systemd started the unit again */
};

/* Of a report; scope NULL: there was no rehearsal. The callers hold the rest. */
struct report_rehearsal {
	char *scope;          /* "unit etl.service"; of merged reports all of them */
	char *command_end;    /* how COMMAND failed: "ended with status 3"; NULL: it did not */
	uint64_t requests;    /* of any class, of earlier windows and reports */
	uint64_t unread;      /* unknown, lost or missed, likewise */
	uint64_t rejected;    /* of nobody that is a caller here */
	uint64_t unproven;    /* likewise */
	uint64_t not_covered; /* likewise */
	bool under_way;       /* what is counted from now on is one's; in no file, as these: */
	uint64_t requests_before, unread_before; /* of the report when it began */
};

/* The whole. */
struct rehearsal_sums {
	uint64_t requests, unread;
	uint64_t rejected;          /* calls */
	uint64_t recovered, broken; /* callers that were rejected */
	uint64_t broken_calls;      /* rejected ones, of those that did not recover, or of nobody */
	uint64_t unproven, not_covered;
	uint64_t let_through; /* of unproven: v1 calls of which nothing else is known, because they
				 came when it was just over */
};

/* Whether each of its processes that were rejected went on. False where none was. */
bool caller__recovered(const struct caller *caller);
/* Whether each host that it is on had a rehearsal. */
bool caller__was_rehearsed_everywhere(const struct caller *caller, const struct report *report);
/* Whether the rehearsal left anything in it. */
bool caller__rehearsed(const struct caller *caller);
/* Its calls that carried the rehearsal's line. */
uint64_t caller__rehearsed_calls(const struct caller *caller);

/* Says that the report is one of a rehearsal of that scope, perhaps of others before. 0 or -ENOMEM.
 */
int report__set_rehearsal(struct report *report, const char *scope);
/* The same, of a report that counts one from now on. 0 or -ENOMEM. */
int report__begin_rehearsal(struct report *report, const char *scope);
/* Says how COMMAND failed. 0 or -ENOMEM. */
int report__set_command_end(struct report *report, const char *sentence);
/* The same of another report, but for its callers; before: report's own sums, as they were before
 * its windows were joined by other's. 0 or -ENOMEM. */
int report__add_rehearsal(
	struct report *report, const struct rehearsal_sums *before, const struct report *other);
void caller__add_rehearsal(struct caller *caller, const struct caller_rehearsal *more);
/* As if there had been none; what came back to its calls is not known then. */
void report__forget_rehearsal(struct report *report);

void report__rehearsal_sums(const struct report *report, struct rehearsal_sums *sums);
/* Whether all of its windows are rehearsals, which watch one scope alone. */
bool report__is_rehearsal(const struct report *report);

#endif
