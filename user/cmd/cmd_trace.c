/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* `imdstrace trace`: options in, a trace out. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "lib/clock.h"
#include "cmd/commands.h"
#include "lib/complain.h"
#include "lib/exit_status.h"
#include "trace/top.h"
#include "trace/trace.h"
#include "trace/tracer.h"
#include "verdict/verdict.h"

enum {
	OPT_ALL = 256,
	OPT_JSON,
	OPT_TOP,
	OPT_INTERVAL,
	OPT_MIN_WINDOW,
	OPT_HOOKS,
	OPT_USER,
	OPT_NO_RESPONSES
};

static const struct option options[] = {
	{"all", no_argument, NULL, OPT_ALL},
	{"json", no_argument, NULL, OPT_JSON},
	{"top", no_argument, NULL, OPT_TOP},
	{"quiet", no_argument, NULL, 'q'},
	{"output", required_argument, NULL, 'o'},
	{"interval", required_argument, NULL, OPT_INTERVAL},
	{"duration", required_argument, NULL, 'd'},
	{"min-window", required_argument, NULL, OPT_MIN_WINDOW},
	{"user", required_argument, NULL, OPT_USER},
	{"hooks", required_argument, NULL, OPT_HOOKS},
	{"no-responses", no_argument, NULL, OPT_NO_RESPONSES},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{NULL, 0, NULL, 0},
};

static int usage(void)
{
	puts("Usage: imdstrace [trace] [OPTION...]\n"
	     "\n"
	     "Prints each call to the instance metadata service without a token (IMDSv1) as it is\n"
	     "sent, and at the end who made them and what to change.\n"
	     "\n"
	     "  -d, --duration TIME    stop after TIME: 30s, 10m, 24h (default: at Ctrl-C)\n"
	     "  -o, --output FILE      keep a report in FILE; one that exists is continued\n"
	     "      --interval TIME    replace FILE that often (default: 60s)\n"
	     "      --all              show every call, not those without a token alone\n"
	     "      --json             print each call as a line of JSON, and no summary\n"
	     "      --top              a table of the callers on the whole terminal, redrawn in\n"
	     "                         place: q quits, p pauses, up and down select, left and\n"
	     "                         right sort\n"
	     "  -q, --quiet            print nothing\n"
	     "      --min-window TIME  how long a machine must be watched before \"ready\"\n"
	     "                         (default: 24h; 0s: any time is enough)\n"
	     "      --no-responses     do not look at what comes back\n"
	     "      --user NAME        go on as this user once the hooks are attached\n"
	     "      --hooks WAY        attach in this way only:");
	for (const struct tracer_way *way = tracer_ways; way->name; way++)
		printf("                           %-10s  %s\n", way->name, way->summary);
	puts("  -h, --help             show this\n"
	     "  -V, --version          show the version\n"
	     "\n"
	     "Exit status: 0 done, also after Ctrl-C; 2 wrong usage, or FILE cannot be kept;\n"
	     "3 this machine cannot be traced.");
	return EXIT_DONE;
}

static int parse_duration(const char *option, const char *text, int64_t *duration)
{
	int error = duration__parse(text, duration);

	if (error)
		complain("--%s takes a time like 30s, 10m or 24h, not \"%s\"", option, text);
	return error;
}

static bool is_way(const char *name)
{
	for (const struct tracer_way *way = tracer_ways; way->name; way++)
		if (!strcmp(way->name, name))
			return true;
	complain("--hooks takes fentry, tracepoint or kprobe, not \"%s\"", name);
	return false;
}

/* 0; -1: an option that ends the command, with *status. */
static int parse(int argc, char **argv, struct trace_options *trace, int *status)
{
	int option, error = 0;

	*status = EXIT_USAGE;
	optind = 0; /* afresh, also for a second command line in one process */
	opterr = 0;
	while (!error && (option = getopt_long(argc, argv, ":d:o:qhV", options, NULL)) != -1) {
		switch (option) {
		case OPT_ALL:
			trace->all = true;
			break;
		case OPT_JSON:
			trace->json = true;
			break;
		case OPT_TOP:
			trace->top = true;
			break;
		case 'q':
			trace->quiet = true;
			break;
		case 'o':
			trace->output = optarg;
			break;
		case OPT_INTERVAL:
			error = parse_duration("interval", optarg, &trace->interval);
			break;
		case 'd':
			error = parse_duration("duration", optarg, &trace->duration);
			break;
		case OPT_MIN_WINDOW:
			error = parse_duration("min-window", optarg, &trace->min_window);
			break;
		case OPT_HOOKS:
			trace->hooks = optarg;
			error = is_way(optarg) ? 0 : -EINVAL;
			break;
		case OPT_USER:
			trace->user = optarg;
			break;
		case OPT_NO_RESPONSES:
			trace->no_responses = true;
			break;
		case 'h':
			*status = usage();
			return -1;
		case 'V':
			puts("imdstrace " IMDSTRACE_VERSION);
			*status = EXIT_DONE;
			return -1;
		case ':':
			complain("%s needs a value; see imdstrace trace --help", argv[optind - 1]);
			return -1;
		default:
			complain("unknown option %s; see imdstrace trace --help", argv[optind - 1]);
			return -1;
		}
	}
	if (error)
		return -1;
	if (optind < argc) {
		complain(
			"trace takes no argument \"%s\"; see imdstrace trace --help", argv[optind]);
		return -1;
	}
	return 0;
}

static int refuse(const char *sentence)
{
	complain("%s", sentence);
	return EXIT_USAGE;
}

int cmd_trace(int argc, char **argv)
{
	struct trace_options trace = {
		.confined = true,
		.interval = 60 * NSEC_PER_SEC,
		.duration = -1,
		.min_window = DEFAULT_MIN_WINDOW,
	};
	int status;

	if (parse(argc, argv, &trace, &status))
		return status;
	if (trace.duration == 0)
		return refuse("--duration must be longer than 0s");
	if (trace.interval < NSEC_PER_SEC)
		return refuse("--interval must be at least 1s");
	if (trace.output && !*trace.output)
		return refuse("--output needs the name of a file");
	if (trace.quiet && trace.json)
		return refuse("--quiet and --json exclude each other");
	if (trace.top && (trace.quiet || trace.json))
		return refuse("--top excludes --quiet and --json");
	if (trace.top && top__refusal())
		return refuse(top__refusal());
	if (trace.duration < 0)
		trace.duration = 0;
	return trace__run(&trace);
}
