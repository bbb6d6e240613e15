/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The report: what was seen, by caller, which renderers read. Everything in it is bounded; what
 * falls past a bound is added to an entry that says so.
 */
#ifndef IMDSTRACE_REPORT_H
#define IMDSTRACE_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "abi.h"
#include "report/client.h"
#include "report/rehearsal.h"
#include "process/process.h"

#define REPORT_CALLERS_MAX          4096
#define REPORT_CONTAINERS_MAX       65536 /* of which is known whose caller lives there */
#define REPORT_PATHS_MAX            256   /* per caller */
#define REPORT_AGENTS_MAX           16    /* per caller */
#define REPORT_PIDS_MAX             16    /* samples per caller */
#define REPORT_FORWARDS_MAX         4     /* samples of whose calls a proxy forwards */
#define REPORT_HOSTS_PER_CALLER_MAX 8     /* samples of machine ids per caller */
#define REPORT_CONTAINERS_SEEN      64    /* per caller: by which the same one is told */
#define REPORT_COPIES_MAX           1023  /* of one window */
#define REPORT_TIMELINE_MAX         1440 /* buckets; when more are needed, the bucket's length grows */

/* What a report may weigh as JSON, in bytes (an estimate, on the safe side): callers, paths, hosts
 * and windows beyond it are treated as past their bounds, so that what was written can be read. */
#define REPORT_WEIGHT_MAX (48UL << 20)
/* Of that, what callers and their paths leave to hosts and windows: whoever calls in as many ways
 * as there are must not keep the next trace from going on with the file. */
#define REPORT_RESERVE  (64UL << 10)
#define REPORT_FILE_MAX (64UL << 20) /* the largest file that is read */
#define REPORT_COUNT_MAX \
	((1ULL << 53) - 1) /* the largest count that any JSON reader holds exactly */

#ifndef IMDSTRACE_VERSION
#define IMDSTRACE_VERSION "0.1.0"
#endif

/* The name of what falls past a bound. */
#define REPORT_REST "(others)"
/* The path of calls that were counted, but whose details were lost on the way. */
#define REPORT_NOT_RECORDED "(not recorded)"

/* Adds, and stays at REPORT_COUNT_MAX rather than wrap. */
static inline void count__add(uint64_t *count, uint64_t more)
{
	bool fits = *count <= REPORT_COUNT_MAX && more <= REPORT_COUNT_MAX - *count;

	*count = fits ? *count + more : REPORT_COUNT_MAX;
}

/* What did not fit the kernel side's tables. */
enum missed_kind { MISSED_CONNECTIONS, MISSED_PROCESSES, MISSED_KINDS };

/* A caller on one host of several: what of it the switch may break there. */
struct host_caller {
	struct caller *caller; /* the report's */
	uint64_t v1, foreign;
	int64_t last_v1, last_foreign; /* 0: not known */
};

/* What one of several hosts called: enough to rule it again after any number of merges. */
struct host_facts {
	uint64_t calls[CLASS_COUNT];
	int64_t last[CLASS_COUNT]; /* 0: not known */
	uint64_t unknown[UNKNOWN_REASONS];
	uint64_t lost, missed, missed_kinds[MISSED_KINDS];
	struct host_caller *callers;
	size_t caller_count;
	uint64_t foreign_served; /* as report__foreign_served() */
	bool needs_hop_limit;    /* of 2 */
	bool at_most;            /* as the report's */
};

struct report_host {
	char *hostname, *machine_id, *kernel, *instance_id /* NULL */, *region /* NULL */;
	char *account_id;         /* NULL: not known */
	struct host_facts *facts; /* NULL: the report's own where it has one host, else not known */
	bool cloned;              /* another host has its machine id; in no file */
};

/* What a host is known by: images are cloned with their machine id in them, instance ids are not.
 */
static inline const char *report_host__id(const struct report_host *host)
{
	return host->instance_id && *host->instance_id ? host->instance_id : host->machine_id;
}

/* A span of time in which a tracer was attached. (host, boot_id, start, id) identifies it for good:
 * the same with a later end is a later state of the same window. */
struct window {
	char *host;       /* as report_host__id() */
	char *machine_id; /* NULL: host is it */
	char *id;         /* random, made when it was attached; NULL: not known */
	char *boot_id;
	int64_t start, end; /* ns since 1970 */
	int64_t attached;  /* when it really began, where report__since() moved the start; else 0 */
	int64_t booted;    /* when this boot began, ns since 1970; 0: not known */
	bool opened_known; /* without it opened_before says nothing */
	uint64_t opened_before; /* TCP connections that the machine's own network opened from boot
				   to start: the kernel's ActiveOpens (RFC 4022) */
	bool responses; /* what came back was watched too: without it, outcomes say nothing */
	bool rehearsal; /* it watched one scope, and changed how that fared */
	/* not 0: of another machine than the window that began as it did, because a snapshot of
	   the machine was resumed more than once */
	unsigned int copy;
	bool has_calls;              /* where there are copies */
	uint64_t calls[CLASS_COUNT]; /* the totals of the report that it came with */
	char *hooks;
};

/* When it was attached, whatever of it counts. */
static inline int64_t window__attached(const struct window *window)
{
	return window->attached ? window->attached : window->start;
}

struct report_path {
	char *method, *path; /* NULL for CLASS_UNKNOWN; REPORT_REST has no method */
	uint64_t hash;       /* of method, path and class */
	bool path_cut;
	enum request_class cls;
	uint64_t count;
	uint64_t fixed; /* of these: by hosts on which the caller has stopped to call v1 */
	bool at_most;   /* some of them may be from before the time that was asked for */
	int64_t first, last;
};

enum pattern {
	PATTERN_FALLBACK,
	PATTERN_MIXED,
	PATTERN_V1_ONLY,
	PATTERN_V2_ONLY,
	PATTERN_FOREIGN_ONLY,
	PATTERN_UNKNOWN,
	PATTERN_COUNT,
};

/* Why a fallback got no token. */
enum cause {
	CAUSE_NOT_WATCHED, /* nobody watched what came back */
	CAUSE_NO_ANSWER,   /* to its token requests, but to others */
	CAUSE_UNREACHABLE, /* no answer to anything */
	CAUSE_REFUSED,     /* its token requests */
	CAUSE_OFF,         /* everything was refused, and not for want of a token */
	CAUSE_COUNT,
};

enum advice {
	ADVICE_UPGRADE_CLIENT,
	ADVICE_UPGRADE_PROGRAM,
	ADVICE_CONFIGURE,
	ADVICE_SEND_TOKEN,
	ADVICE_RAISE_HOP_LIMIT,
	ADVICE_DISABLE_FALLBACK,
	ADVICE_INVESTIGATE,
	ADVICE_NONE,
	ADVICE_COUNT,
};

struct caller {
	/* the identity: callers with the same exe, script, workload, uid, network and parent are
	   one, whatever is drawn anew at each run; of a container without a name, the arguments
	   too */
	char *name, *comm, *exe, *script, *parent; /* all but name and comm may be NULL */
	uint32_t uid;
	enum network network; /* a token's answer may reach one of the two networks alone */
	struct workload workload;
	char *identity;      /* exe, script, parent and perhaps arguments, folded (fold.h) */
	uint64_t containers; /* how many it was in */
	uint64_t seen_containers[REPORT_CONTAINERS_SEEN]; /* hashes of the last ones */

	char **args; /* a sample, NULL-terminated */
	bool args_cut;
	uint32_t pids[REPORT_PIDS_MAX];
	unsigned int pid_count;
	uint64_t processes;
	char *agents[REPORT_AGENTS_MAX];
	unsigned int agent_count;
	char *hosts[REPORT_HOSTS_PER_CALLER_MAX];
	unsigned int host_count;
	uint64_t hosts_total;
	bool hosts_exact;            /* false: at least hosts_total */
	uint64_t hosts_v1;           /* of hosts that were ruled one by one: those that it blocks */
	uint64_t only_blocker_on;    /* and those that nobody else does */
	uint64_t hosts_fixed;        /* hosts where it called v1, and now only with a token */
	uint64_t fixed[CLASS_COUNT]; /* of its calls, those on these hosts; likewise: */
	uint64_t fixed_unwatched[CLASS_COUNT];
	uint64_t fixed_answers[CLASS_COUNT][OUTCOME_COUNT];
	bool at_most;          /* calls may have some from before the time that was asked for */
	struct caller *into;   /* of another report, whom it was last added to; in no file */
	size_t place;          /* among the callers of a file that is written; else nothing */
	bool warned;           /* its first v1 call was noticed; in no file */
	bool rest;             /* no caller of its own: what fell past REPORT_CALLERS_MAX */
	int64_t fixed_since;   /* since when it has called IMDSv1 no more; 0: it does. In no file */
	enum pattern fixed_as; /* what it has done since */
	bool proxy;            /* software that forwards what others send; in no file */
	uint64_t forwarded;    /* of a proxy's v1 calls: those that were another caller's first */
	char *forwards[REPORT_FORWARDS_MAX]; /* names of these callers */
	unsigned int forwards_count;
	char *through; /* name of the proxy that forwards its calls; NULL: none is known */

	uint64_t calls[CLASS_COUNT];
	uint64_t unwatched[CLASS_COUNT]; /* of these calls: made while responses were not watched */
	/* OUTCOME_NONE is derived: calls less the answered, the unwatched and the rehearsed, never
	   negative. What a rehearsal's calls got is in rehearsal alone. */
	uint64_t answers[CLASS_COUNT][OUTCOME_COUNT];
	struct caller_rehearsal rehearsal;
	uint64_t unknown[UNKNOWN_REASONS]; /* from the requests' details, so it may sum to less than
					      calls */
	struct report_path *paths;
	size_t path_count;
	int64_t first, last;
};

struct timeline_bucket {
	int64_t start; /* a multiple of the report's timeline_seconds */
	uint64_t calls[CLASS_COUNT];
	uint64_t forwarded; /* of the v1 calls: those that were made twice (forwarding.h) */
	uint64_t rehearsed; /* of the v1 calls: for the service they carried a token */
};

struct software;

enum verdict { VERDICT_READY, VERDICT_BLOCKED, VERDICT_INCONCLUSIVE };

struct report {
	char *version;
	struct report_host *hosts;
	size_t host_count;
	struct window *windows;
	size_t window_count;
	unsigned int copies; /* the largest copy of a window */
	uint64_t totals[CLASS_COUNT];
	uint64_t unknown[UNKNOWN_REASONS];
	uint64_t lost; /* events that never reached user space; the counts hold them all the same */
	uint64_t missed; /* connections and processes past a bound of the kernel side, still in the
			    totals */
	uint64_t missed_kinds[MISSED_KINDS]; /* of these; may sum to less */
	struct caller **callers;             /* in no order; report__sort() */
	size_t caller_count;
	struct timeline_bucket *timeline; /* by time */
	size_t timeline_count;
	unsigned int timeline_seconds; /* 60, doubled until the buckets fit */
	struct report_rehearsal rehearsal;
	int64_t since;           /* what came before was left out, ns since 1970; 0: nothing was */
	bool at_most;            /* some counts may have calls from before it */
	uint64_t foreign_served; /* where no callers say so: as report__foreign_served() */
	struct report_index *index; /* opaque: finds callers, hosts and windows */
};

/* One request as the report needs it. method and path are NULL for CLASS_UNKNOWN. */
struct request {
	enum request_class cls;
	enum endpoint_family family;
	enum unknown_reason reason;
	int64_t time;
	uint32_t tid;
	const char *method, *path, *agent; /* agent NULL: none. All valid UTF-8 */
	bool path_cut;
	bool rehearsed; /* it left with a rehearsal's line */
};

/* Empty, of IMDSTRACE_VERSION. NULL: no memory. */
struct report *report__new(void);
/* Which version of the tool wrote it. 0 or -ENOMEM. */
int report__set_version(struct report *report, const char *version);
void report__free(struct report *report);

/* The entry of the host of that report_host__id(), made from host if it is new; what is not known
 * of a known one is filled in. 0, -ENOMEM, or -ENOSPC past REPORT_WEIGHT_MAX. */
int report__add_host(struct report *report, const struct report_host *host);

/* Adds a caller to a host's, or its calls to those it has there. 0 or -ENOMEM. */
int host_facts__add_caller(struct host_facts *facts, const struct host_caller *caller);

/* Whether it has hardly any room for hosts and windows left. */
bool report__is_full(const struct report *report);

/* Opens a window or moves the end of one that it holds. 0, -ENOMEM, or -ENOSPC past
 * REPORT_WEIGHT_MAX. */
int report__add_window(struct report *report, const struct window *window);

/* The host of that report_host__id(); NULL: not in the report. */
const struct report_host *report__find_host(const struct report *report, const char *id);

/* The id of the one host that has this machine id or instance id; name itself where none is in the
 * report, or where clones share it. */
const char *report__host_id(const struct report *report, const char *name);

/* The caller that process belongs to, made if it is new (or REPORT_REST past the bound). Counts
 * process as one of its processes when new_process. NULL: no memory. The report owns it. */
struct caller *report__caller(struct report *report, const struct process *process,
	bool new_process, const char *machine_id);

/* A request's detail: path, User-Agent, first and last, timeline. Not its counts: those come from
 * the kernel's own counters through report__add_calls(). 0 or -ENOMEM. */
int report__add_request(
	struct report *report, struct caller *caller, const struct request *request);

/* Counts calls whose details are lost into the timeline, at the time when they were missed, so that
 * it sums up to the totals. 0 or -ENOMEM. */
int report__add_untimed(struct report *report, int64_t time, const uint64_t calls[CLASS_COUNT]);
/* Takes back what was added at that time. */
void report__take_untimed(struct report *report, int64_t time, const uint64_t calls[CLASS_COUNT]);

/* Adds to a caller's exact counts. answers NULL: responses were not watched. OUTCOME_NONE in
 * answers: how many cannot be told, as in the kernel's counts. */
void report__add_calls(struct caller *caller, const uint64_t calls[CLASS_COUNT],
	const uint64_t answers[CLASS_COUNT][OUTCOME_COUNT]);

/*
 * Adds other to report: callers fold, windows join, counts add up. A report of which every window
 * is held already, with the same or a later end, and which says nothing new, is an older state of
 * what is there and adds nothing; one of which the same holds the other way round replaces it. Two
 * reports of one machine each of which neither says all that the other does are two, windows that
 * they share or not.
 * 0; -EEXIST when one of several machines shares only some windows, so that adding would count
 * twice; -ENOSPC past REPORT_WEIGHT_MAX; -ENOMEM. After the last two report is good only for
 * report__free(). For many reports of unknown overlap see report_set.h.
 */
int report__merge(struct report *report, const struct report *other);
/* Adds other as what is another machine's, whatever windows they share. As report__merge(). */
int report__add(struct report *report, const struct report *other);
/* Whether it is of one machine, and no snapshot's copy is merged into it. */
bool report__is_of_one(const struct report *report);
/* Whether part is whole, an older state of it or a part of it: it has no window, no call and no
 * name that whole does not have. */
bool report__covers(const struct report *whole, const struct report *part);
/* Whether everything that other counts and names is in report too, windows aside. */
bool report__says_all(const struct report *report, const struct report *other);

/* Leaves out what was before since (ns since 1970). A count that goes on across it is divided where
 * paths and timeline say how, and is else kept whole and marked at_most; what has no time is kept.
 * A host that was not watched since stays, in no window. Afterwards nothing more can be added to
 * the report: add it to another. */
void report__since(struct report *report, int64_t since);

/* Of a report of one host: finds out who is fixed, and notes it in numbers that add up. Before it
 * is merged with others, so that a caller's pattern follows from the hosts where it still calls v1.
 */
void report__note_fixed(struct report *report);

/* What a caller does on the hosts where it is not fixed, in *now; its texts and samples stay the
 * caller's. All that it does where it is fixed on all hosts or none. 0 or -ENOMEM;
 * caller__forget_now() frees. */
int caller__now(const struct caller *caller, struct caller *now);
void caller__forget_now(struct caller *now);

/* Finds out which callers of one host have stopped to call v1: the window in which they were seen
 * last has none, or the last day of a long one. Sets fixed_since and fixed_as of every caller. */
void report__find_fixed(struct report *report);

/* Finds out who is fixed, and puts callers in order, the worst first: hosts that it alone blocks,
 * hosts that it blocks, v1 calls, then unknown, then foreign, then all calls, then name. Each
 * caller's paths: the most called first. */
void report__sort(struct report *report);

/* Callers of two reports are the same one where they would be folded into one. The hash is of this
 * run of the program. */
uint64_t caller__identity_hash(const struct caller *caller);
bool caller__is_same(const void *caller, const void *other);

/* From the calls of now: a caller that is fixed is what it has been since. */
enum pattern caller__pattern(const struct caller *caller);
/* Of a caller whose pattern is PATTERN_FALLBACK. */
enum cause caller__cause(const struct caller *caller);
const char *cause__name(enum cause cause); /* "no-answer" */
/* The client that its User-Agents name; the one that matters most (too old, then any SDK) of
 * several. */
void caller__client(const struct caller *caller, struct client *client);
/* The program or proxy that it is or belongs to (software.h); NULL: not known. */
const struct software *caller__program(const struct caller *caller);
uint64_t caller__total(const struct caller *caller);
/* Calls of that class that are counted but in none of the caller's paths: their details were lost.
 * Renderers show them as one more path, REPORT_NOT_RECORDED, so that paths sum to the calls. */
uint64_t caller__unrecorded(const struct caller *caller, enum request_class cls);
const char *pattern__name(enum pattern pattern);
const char *class__name(enum request_class cls); /* "v1" */
const char *outcome__name(enum outcome outcome);
const char *unknown_reason__sentence(
	enum unknown_reason reason);                          /* "the bytes were no HTTP request" */
const char *unknown_reason__name(enum unknown_reason reason); /* "not_http" */
const char *missed_kind__name(enum missed_kind kind);         /* "connections" */

/* JSON: the contract. *report is the caller's to free and untouched on failure. */

/* 0, or -EINVAL with one sentence in why: not JSON, truncated, another schema, a field of the wrong
 * type, a count that is negative or does not fit. Unknown fields are ignored. */
int report__from_json(
	struct report **report, const char *text, size_t size, char *why, size_t why_size);
/* As one JSON text with a final newline; min_window as in verdict.h. NULL: no memory. The caller
 * frees. */
char *report__to_json(const struct report *report, int64_t min_window);
struct ruling;
struct host_summaries;
struct comparison;
/* The same into out, with a verdict that was ruled elsewhere, its hosts (NULL: not ruled one by
 * one), and a comparison with an earlier state (NULL: none). 0, -ENOMEM or -EIO. */
int report__write_json(FILE *out, const struct report *report, const struct ruling *ruling,
	const struct host_summaries *hosts, const struct comparison *comparison);

#endif
