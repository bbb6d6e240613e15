/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The traffic program: every way in which a client may put a request on the wire, as a
 * table of cases. Sends them to a metadata service in a private network, and writes a file that
 * says, case by case, what a tracer must have shown; `wire --compare` compares a tracer with it.
 */
#ifndef WIRE_H
#define WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "abi.h"
#include "demo/netns.h"

#define EVENTS_MAX      1024 /* of one case */
#define PROCESSES_MAX   8    /* of one case */
#define CASE_SECONDS    60   /* after which a case has failed */
#define ANY_TID         (-1)
#define CASE_EXPECT_MAX 8

/* An event that must be shown; a list ends with one that has no method and is not unknown. */
struct expected {
	enum request_class cls;
	const char *method, *path;
	const char *agent; /* NULL: none was sent */
	bool path_cut;
};

#define V1(verb, target)                                        \
	{                                                       \
		.cls = CLASS_V1, .method = verb, .path = target \
	}
#define V1_BY(verb, target, by)                                              \
	{                                                                    \
		.cls = CLASS_V1, .method = verb, .path = target, .agent = by \
	}
#define V2(verb, target)                                        \
	{                                                       \
		.cls = CLASS_V2, .method = verb, .path = target \
	}
#define V2_BY(verb, target, by)                                              \
	{                                                                    \
		.cls = CLASS_V2, .method = verb, .path = target, .agent = by \
	}
#define FOREIGN(verb, target)                                        \
	{                                                            \
		.cls = CLASS_FOREIGN, .method = verb, .path = target \
	}
#define FOREIGN_BY(verb, target, by)                                              \
	{                                                                         \
		.cls = CLASS_FOREIGN, .method = verb, .path = target, .agent = by \
	}
#define TOKEN(target)                                               \
	{                                                           \
		.cls = CLASS_TOKEN, .method = "PUT", .path = target \
	}
#define UNKNOWN                      \
	{                            \
		.cls = CLASS_UNKNOWN \
	}

bool expected__ends(const struct expected *expected);

struct run;

/* A way to hand bytes to the kernel. 0, or -errno; -ENOSYS and -EOPNOTSUPP mean that this kernel
 * does not have it, and then nothing has been sent. Sends all, in as many calls as it takes. */
struct way {
	const char *name;
	int (*send)(int fd, const char *bytes, size_t size);
	bool (*or_unknown)(void); /* whether not every hook can read it here; NULL: each can */
	bool other_thread;        /* the kernel may send from a thread of its own */
	bool slow;                /* the kernel takes milliseconds to clean up behind it */
};

extern const struct way ways[]; /* ended by one without a name */
const struct way *way__find(const char *name);

/* Where a text is cut into sends. */
enum cut {
	CUT_NOWHERE,
	CUT_HEADS,        /* behind each empty line */
	CUT_LINES,        /* behind each LF */
	CUT_LINE_ENDS,    /* between CR and LF */
	CUT_NAMES,        /* in the middle of each header's name */
	CUT_BYTES,        /* everywhere */
	CUT_PRIMES,       /* pieces of 2, 3, 5, 7, 11, 13, 17, ... bytes */
	CUT_LINES_SLOWLY, /* CUT_LINES, with a pause behind each */
};

/* The size of the first piece of text, at most size. step: 0 for the first, then counted up. */
size_t cut__next(enum cut cut, const char *text, size_t size, unsigned int step);

enum socket_kind { SOCKET_IPV4, SOCKET_IPV6, SOCKET_MAPPED, SOCKET_MPTCP, SOCKET_MPTCP_IPV6 };

/*
 * One case. With run, that does it all; else text is cut, sent by way over a socket of that kind,
 * and expect is what it means.
 */
struct wire_case {
	const char *name;
	int (*run)(struct run *run);
	const char *text;
	size_t size;
	struct expected expect[CASE_EXPECT_MAX];
	const char *way; /* NULL: send */
	enum cut cut;
	enum socket_kind socket;
	bool or_unknown; /* as an alternative, one unknown or more are right, and nothing wrong */
	bool mptcp;      /* the service must offer MPTCP */
	bool everything_twice; /* cut first, then whole, over the same connection */
};

#define TEXT(literal) .text = (literal), .size = sizeof(literal) - 1

/* A row of a case that does it all. */
#define RUN(by, code)                   \
	{                               \
		.name = by, .run = code \
	}

/* All tables of cases; ended by NULL. */
extern const struct wire_case *const wire_cases[];
extern const struct wire_case http_cases[], body_cases[], cut_cases[], way_cases[], send_cases[],
	split_cases[], socket_cases[], reuse_cases[], before_cases[], never_cases[];

/* What a case has to say, in memory that its processes share with the runner. */
struct event {
	enum request_class cls;
	enum endpoint_family family;
	pid_t pid, tid;
	bool path_cut, has_agent;
	char method[METHOD_SIZE], path[TARGET_SIZE], agent[AGENT_SIZE];
};

struct record {
	char name[64];
	char comm[COMM_SIZE]; /* of its processes */
	pid_t pids[PROCESSES_MAX];
	pid_t thread; /* the only one of pids[0] whose events count; 0: all */
	unsigned int pid_count, connections;
	bool or_unknown, held;
	char skip[128], error[192]; /* empty: none */
	unsigned int event_count;
	struct event events[EVENTS_MAX];
};

/* A case that is being run, as its own code sees it. */
struct run {
	const struct wire_case *self; /* NULL: a random one */
	struct record *record;
	enum endpoint_family family; /* of the connection that was opened last */
	struct endpoint_addresses held;
	pid_t server;
	int hold; /* fd to wait on once the first connection stands; -1: do not wait */
};

/* What a case's code calls. */

/* Adds expected events, sent by the calling thread; expected is a list with its end. */
void run__expect(struct run *run, const struct expected *expected);
/* The same for one event, with a tid of its own (ANY_TID: not to be compared) and any process. */
void run__expect_from(struct run *run, const struct expected *expected, pid_t pid, pid_t tid);
/* The calling process belongs to the case. */
void run__join(struct run *run);
/* Why it cannot be run here. -EOPNOTSUPP. */
int run__skip(struct run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* What went wrong with the case itself. -EIO. */
int run__fail(struct run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The case may come out as unknown too. */
void run__allow_unknown(struct run *run);
/* Waits, in a held run, until the tracer stands; only the first call of a case does. */
void run__hold(struct run *run);
/* The case as its table row says. 0 or -errno after run__skip() or run__fail(). */
int run__row(struct run *run, const struct wire_case *row);
/* Sends size bytes by way. As run__row(). */
int run__send(struct run *run, const char *way, int fd, const char *bytes, size_t size);
/* Sends text cut by cut. As run__row(). */
int run__send_cut(
	struct run *run, const char *way, enum cut cut, int fd, const char *text, size_t size);
/* Sends the whole of a string with send(2). As run__row(). */
int run__say(struct run *run, int fd, const char *text);

/* A connection to the endpoint, after the namespace was checked: its fd, or -errno after
 * run__skip() or run__fail(). */
int endpoint__connect(struct run *run, enum socket_kind kind);
/* A socket that is not connected yet; the namespace was checked. */
int endpoint__socket(struct run *run, enum socket_kind kind);
/* The endpoint's address for a socket of that kind, with another port if port is not 0. Its size.
 */
socklen_t endpoint__address(struct sockaddr_storage *address, enum socket_kind kind, uint16_t port);
/* Says that no more is sent, reads what the service has to say, and closes. */
void endpoint__finish(int fd);
/* Closes it as a reset, so that its port is free at once and nothing is left of the connection. */
void endpoint__reset(int fd);

/* The rooms of the program. */

struct run_options {
	const char *name;     /* of a case, or "all" */
	const char *except;   /* cases that are left out of all, with commas; NULL: none */
	const char *file;     /* gets the expectations */
	const char *received; /* gets what the service received; NULL: nothing does */
	const char *bytes;    /* the same, as bytes */
	bool hold;
	uint64_t seed;
	unsigned int count; /* of random requests */
};

#define LOAD_THREADS_MAX 200 /* of each kind */
#define LOAD_CALLS_MAX   10000

/* Threads that send to elsewhere, and calls beside them. */
struct load_options {
	unsigned int blocked;  /* threads that wait inside a send, because nobody reads */
	unsigned int spinning; /* threads that send without a pause */
	unsigned int calls;    /* 0: no load was asked for */
};

/* Inside runner__serve(). 0, or 1 after a complaint. */
int load__run(const struct load_options *options);

#define NEIGHBOURS_MAX 200000

/* Neighbours of the calls that are to be seen. Inside runner__serve(). Each ends with 0, or 1 after
 * a complaint. */

/* Opens count connections, and resets each at once; or holds them all, as many as this machine lets
 * it, says how many and waits for a line on standard input. */
int neighbours__connect(unsigned int count, bool hold);
/* Sends so many heads that do not end, says how many and waits as above. */
int neighbours__endless(unsigned int count);
/* So many processes, each a program of its own in the current directory, call once without a token.
 */
int neighbours__swarm(unsigned int count);
/* Says "0" and waits as above, then has so many children, which live, and one more, which calls
 * once without a token; says how many and waits again. */
int neighbours__family(unsigned int count);

#define HOG_MAX 4096 /* MiB */

/* Threads that share connections, until the file state says "end". scope: "in" or "out" of the one
 * that is rehearsed while the file says "on N". Inside runner__serve(). 0, or 1 after a complaint.
 */
int stress__run(const char *scope, const char *state);

#define SOAK_RATE        1000 /* calls a second */
#define SOAK_RATE_MAX    10000
#define SOAK_SECONDS_MAX 86400

/* Calls of every class for so many seconds, printed by class as JSON. Inside runner__serve(). 0, or
 * 1 after a complaint. */
int soak__run(unsigned int rate, unsigned int seconds);

/* Takes limit bytes of memory and gives them back, until it is ended. 1: there is none. */
int hog__run(uint64_t limit);

/* A connection's first packets from source (an address) to the endpoint, not the kernel's: as
 * frames of device, or through a raw socket (NULL). Its exit status. */
int inject__run(const char *source, const char *device);

int runner__run(const struct run_options *options);
/* received gets what the service received; NULL: nothing does. The command's exit status. */
int runner__serve(const char *mode, const char *received, char **command);
int random__run(const struct run_options *options);
int compare__run(const char *events, const char *expectations);
/* Writes where a case begins into a file of bytes. */
void bytes__begin_case(int fd, const char *name);
/* Holds the bytes of a run beside a rehearsal to those of one without. An exit status. */
int bytes__compare(const char *before, const char *rehearsed);
/* For a process that was exec'ed with a connection: sends one request over it. */
int exec__send(const char *fd, const char *name);

/* Shared memory for a record. NULL: none. */
struct record *record__new(const char *name);
void record__free(struct record *record);
/* Writes the record as one line to file. 0 or -errno. */
int record__write(const struct record *record, FILE *file);

/* A short pause. */
void rest(unsigned int milliseconds);

#endif
