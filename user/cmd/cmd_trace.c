/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* `imdstrace trace`: options in, a trace out. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "lib/clock.h"
#include "cmd/commands.h"
#include "cmd/usage.h"
#include "lib/complain.h"
#include "lib/exit_status.h"
#include "lib/scope.h"
#include "lib/sentences.h"
#include "process/command.h"
#include "render/verdict_line.h"
#include "trace/top.h"
#include "trace/trace.h"
#include "trace/tracer.h"
#include "verdict/verdict.h"

enum {
	OPT_ALL = 256,
	OPT_JSON,
	OPT_TOP,
	OPT_INTERVAL,
	OPT_PROMETHEUS,
	OPT_MIN_WINDOW,
	OPT_HOOKS,
	OPT_USER,
	OPT_NO_RESPONSES,
	OPT_CHECK,
	OPT_STRICT,
	OPT_REQUIRE_CALLS
};

/* One command line. */
struct trace_command {
	struct trace_options trace;
	struct verdict_options verdict;
	bool check, min_window_given, verdict_options_given;
	char *const *argv; /* of COMMAND; NULL: none */
	struct command *running;
};

static const struct option options[] = {
	{"all", no_argument, NULL, OPT_ALL},
	{"json", no_argument, NULL, OPT_JSON},
	{"top", no_argument, NULL, OPT_TOP},
	{"quiet", no_argument, NULL, 'q'},
	{"output", required_argument, NULL, 'o'},
	{"prometheus", no_argument, NULL, OPT_PROMETHEUS},
	{"interval", required_argument, NULL, OPT_INTERVAL},
	{"duration", required_argument, NULL, 'd'},
	{"min-window", required_argument, NULL, OPT_MIN_WINDOW},
	{"user", required_argument, NULL, OPT_USER},
	{"hooks", required_argument, NULL, OPT_HOOKS},
	{"no-responses", no_argument, NULL, OPT_NO_RESPONSES},
	{"check", no_argument, NULL, OPT_CHECK},
	{"strict", no_argument, NULL, OPT_STRICT},
	{"require-calls", required_argument, NULL, OPT_REQUIRE_CALLS},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{NULL, 0, NULL, 0},
};

static int usage(void)
{
	puts("Usage: imdstrace [trace] [OPTION...] [-- COMMAND [ARG...]]\n"
	     "\n"
	     "Prints each call to the instance metadata service without a token (IMDSv1) as it\n"
	     "is sent, and at the end who made them and what to change. With COMMAND, it\n"
	     "traces the whole machine for as long as COMMAND runs, and prints on standard\n"
	     "error.\n"
	     "\n"
	     "  -d, --duration TIME    stop after TIME: 30s, 10m, 24h (default: at Ctrl-C)\n"
	     "  -o, --output FILE      keep a report in FILE; one that exists is continued\n"
	     "      --prometheus       and for node_exporter, as text in FILE.prom\n"
	     "      --interval TIME    replace FILE that often (default: 60s)\n"
	     "      --all              show every call, not those without a token alone\n"
	     "      --json             print each call as a line of JSON, and no summary\n"
	     "      --top              a table of the callers on the whole terminal, redrawn\n"
	     "                         in place: q quits, p pauses, up and down select, left\n"
	     "                         and right sort\n"
	     "  -q, --quiet            print nothing\n"
	     "      --min-window TIME  how long a machine must be watched before \"ready\"\n"
	     "                         (default: 24h, or with COMMAND 0s: any time is enough)\n"
	     "      --check            end with check's status, and its line on standard error\n"
	     "      --require-calls N  with --check: fewer calls than N are inconclusive\n"
	     "      --strict           with --check: calls of other clouds block, too\n"
	     "      --no-responses     do not look at what comes back\n"
	     "      --user NAME        go on as this user once the hooks are attached\n"
	     "      --hooks MODE       attach in this mode only:");
	for (const struct tracer_mode *mode = tracer_modes; mode->name; mode++)
		printf("      %-10s  %s\n", mode->name, mode->summary);
	puts("  -h, --help             show this\n"
	     "  -V, --version          show the version\n"
	     "\n"
	     "Exit status: 0 done, also after Ctrl-C; 2 wrong usage, or FILE cannot be kept,\n"
	     "or COMMAND cannot be run; 3 this machine cannot be traced. With --check: 0\n"
	     "ready, 1 blocked, 4 inconclusive, as where COMMAND failed and nothing blocks.");
	return EXIT_DONE;
}

static int parse_duration(const char *option, const char *text, int64_t *duration)
{
	int error = duration__parse(text, duration);

	if (error)
		complain("--%s takes a time like 30s, 10m or 24h, not \"%s\"", option, text);
	return error;
}

/* 0 or -1: what stands behind the options is COMMAND, or nothing. */
static int parse_command(int argc, char **argv, struct trace_command *command)
{
	bool marked = !strcmp(argv[optind - 1], "--");

	if (!marked && optind < argc)
		complain(
			"trace takes no argument \"%s\"; a command stands behind --, see imdstrace "
			"trace --help",
			argv[optind]);
	else if (marked && optind == argc)
		complain("there is no command behind --; see imdstrace trace --help");
	else if (marked)
		command->argv = argv + optind;
	return marked == (optind < argc) ? 0 : -1;
}

/* 0; -1: an option that ends the command, with *status. */
static int parse(int argc, char **argv, struct trace_command *command, int *status)
{
	struct trace_options *trace = &command->trace;
	int option, error = 0;

	*status = EXIT_USAGE;
	optind = 0; /* afresh, also for a second command line in one process */
	opterr = 0;
	while (!error && (option = getopt_long(argc, argv, "+:d:o:qhV", options, NULL)) != -1) {
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
		case OPT_PROMETHEUS:
			trace->prometheus = true;
			break;
		case OPT_INTERVAL:
			error = parse_duration("interval", optarg, &trace->interval);
			break;
		case 'd':
			error = parse_duration("duration", optarg, &trace->duration);
			break;
		case OPT_MIN_WINDOW:
			error = parse_duration("min-window", optarg, &trace->min_window);
			command->min_window_given = true;
			break;
		case OPT_CHECK:
			command->check = true;
			break;
		case OPT_STRICT:
			command->verdict.strict = command->verdict_options_given = true;
			break;
		case OPT_REQUIRE_CALLS:
			error = usage__read_require_calls(&command->verdict, optarg);
			command->verdict_options_given = true;
			break;
		case OPT_HOOKS:
			trace->hooks = optarg;
			error = usage__check_hooks(optarg);
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
		default:
			usage__refuse_option(option, argv);
			return -1;
		}
	}
	if (error)
		return -1;
	return parse_command(argc, argv, command);
}

/* A command that failed may not have done what it was to do. 0 or -ENOMEM. */
static int ruling__doubt(struct ruling *ruling, const struct command *running)
{
	_free_ char *failure = running ? command__failure(running) : NULL;
	struct sentences reasons = {0};

	if (!failure || ruling->verdict == VERDICT_BLOCKED)
		return 0;
	sentences__add(&reasons, "the command %s", failure);
	/* What made it ready counts no more. */
	for (size_t i = 0; ruling->reasons[i] && ruling->verdict != VERDICT_READY; i++)
		sentences__add(&reasons, "%s", ruling->reasons[i]);
	if (reasons.error) {
		sentences__free(reasons.list);
		return reasons.error;
	}
	sentences__free(ruling->reasons);
	ruling->reasons = reasons.list;
	ruling->verdict = VERDICT_INCONCLUSIVE;
	return 0;
}

/* An enum exit_status. */
static int trace_command__judge(void *context, const struct report *report)
{
	const struct trace_command *command = context;
	_free_ char *line = NULL;
	struct ruling ruling;
	size_t size;
	int status, error = verdict__rule(&ruling, report, &command->verdict);

	if (error) {
		complain("there is no verdict: %s", strerror(-error));
		return EXIT_USAGE;
	}
	error = ruling__doubt(&ruling, command->running);
	line = error ? NULL : verdict_line__of(&ruling, report, &command->verdict, &size);
	status = usage__status_of(ruling.verdict);
	verdict__clear(&ruling);
	if (!line) {
		complain("there is no verdict: %s", strerror(ENOMEM));
		return EXIT_USAGE;
	}
	if (!command->trace.quiet)
		fputs(line, stderr);
	return status;
}

/* The reports' verdict and that of the exit status are one. */
static void trace_command__settle(struct trace_command *command)
{
	if (command->argv && !command->min_window_given)
		command->trace.min_window = 0;
	command->verdict.min_window = command->trace.min_window;
	command->trace.strict = command->verdict.strict;
	command->trace.require_calls = command->verdict.require_calls;
	if (!command->check)
		return;
	command->trace.judge = trace_command__judge;
	command->trace.context = command;
}

static int trace_command__run(struct trace_command *command)
{
	_free_ char *why = NULL;
	int status;

	if (command->argv && command__start(&command->running, command->argv, &why)) {
		complain("%s", why ? why : "there is no memory to run the command");
		return EXIT_USAGE;
	}
	command->trace.command = command->running;
	status = trace__run(&command->trace);
	command__free(command->running);
	return status;
}

/* What excludes each other, or is out of range. NULL: nothing. */
static const char *trace_command__problem(const struct trace_command *command)
{
	const struct trace_options *trace = &command->trace;

	if (trace->duration == 0)
		return "--duration must be longer than 0s";
	if (trace->interval < NSEC_PER_SEC)
		return "--interval must be at least 1s";
	if (trace->output && !*trace->output)
		return "--output needs the name of a file";
	if (trace->prometheus && !trace->output)
		return "--prometheus writes beside --output FILE, which is missing";
	if (trace->quiet && trace->json)
		return "--quiet and --json exclude each other";
	if (trace->top && (trace->quiet || trace->json))
		return "--top excludes --quiet and --json";
	if (trace->top && command->argv)
		return "--top needs the terminal for itself, so no COMMAND can run on it";
	if (command->verdict_options_given && !command->check)
		return "--strict and --require-calls are for --check";
	return trace->top ? top__refusal() : NULL;
}

int cmd_trace(int argc, char **argv)
{
	struct trace_command command = {
		.trace =
			{
				.confined = true,
				.interval = 60 * NSEC_PER_SEC,
				.duration = -1,
				.min_window = DEFAULT_MIN_WINDOW,
			},
	};
	const char *problem;
	int status;

	if (parse(argc, argv, &command, &status))
		return status;
	problem = trace_command__problem(&command);
	if (problem)
		return usage__refuse(problem);
	if (command.trace.duration < 0)
		command.trace.duration = 0;
	trace_command__settle(&command);
	return trace_command__run(&command);
}
