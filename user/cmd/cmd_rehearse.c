/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* `imdstrace rehearse`: a scope in, its calls rejected, and what came of it out. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "cmd/commands.h"
#include "cmd/usage.h"
#include "lib/clock.h"
#include "lib/complain.h"
#include "lib/exit_status.h"
#include "lib/scope.h"
#include "process/command.h"
#include "process/process_scope.h"
#include "trace/trace.h"

#define DEFAULT_DURATION (10 * 60 * NSEC_PER_SEC)

enum { OPT_JSON = 256, OPT_HOOKS, OPT_SCOPE };

static const struct option options[] = {
	{"unit", required_argument, NULL, OPT_SCOPE + SCOPE_UNIT},
	{"container", required_argument, NULL, OPT_SCOPE + SCOPE_CONTAINER},
	{"pod", required_argument, NULL, OPT_SCOPE + SCOPE_POD},
	{"cgroup", required_argument, NULL, OPT_SCOPE + SCOPE_CGROUP},
	{"pid", required_argument, NULL, OPT_SCOPE + SCOPE_PID},
	{"all", no_argument, NULL, OPT_SCOPE + SCOPE_ALL},
	{"duration", required_argument, NULL, 'd'},
	{"output", required_argument, NULL, 'o'},
	{"json", no_argument, NULL, OPT_JSON},
	{"quiet", no_argument, NULL, 'q'},
	{"hooks", required_argument, NULL, OPT_HOOKS},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{NULL, 0, NULL, 0},
};

static int usage(void)
{
	puts("Usage: imdstrace rehearse SCOPE [OPTION...]\n"
	     "       imdstrace rehearse [OPTION...] -- COMMAND [ARGUMENT...]\n"
	     "\n"
	     "Lets one service live after the switch before the instance does: while it runs,\n"
	     "the metadata service rejects the calls that the scope makes without a token\n"
	     "(401), as it will once tokens are required. Everybody else is left alone, and\n"
	     "when it ends, however it ends, all is as before.\n"
	     "\n"
	     "The scope, exactly one:\n"
	     "      --unit NAME        a systemd unit\n"
	     "      --container NAME   a container, by its id or name\n"
	     "      --pod NAME         a pod, with or without its namespace (NAMESPACE/NAME)\n"
	     "      --cgroup PATH      a cgroup and those below it\n"
	     "      --pid PID          a process and its children\n"
	     "      --all              everybody on this machine; takes --duration\n"
	     "      -- COMMAND         a command, in a cgroup of its own, until it ends\n"
	     "\n"
	     "  -d, --duration TIME    stop after TIME: 30s, 10m, 24h (default: 10m; with\n"
	     "                         COMMAND, when it ends)\n"
	     "  -o, --output FILE      keep a report in FILE\n"
	     "      --json             print each call as a line of JSON, and no summary\n"
	     "  -q, --quiet            print nothing\n"
	     "  -h, --help             show this\n"
	     "  -V, --version          show the version\n"
	     "\n"
	     "Exit status: 0 the scope survives the switch: none of its calls was rejected, or\n"
	     "who had one rejected went on with a token; 1 it breaks; 2 wrong usage; 3 this\n"
	     "machine cannot rehearse; 4 inconclusive: it made no call, or not all of it was\n"
	     "covered.");
	return EXIT_DONE;
}

/* What was asked for. */
struct request_line {
	struct trace_options trace;
	enum scope_kind kind;
	const char *what;   /* of the scope; NULL: --all, or a command */
	unsigned int count; /* of scopes */
	char **command;     /* NULL: none */
};

/* 0; -1: an option that ends the command, with *status. */
static int parse(int argc, char **argv, struct request_line *line, int *status)
{
	int option, error = 0;

	*status = EXIT_USAGE;
	optind = 0; /* afresh, also for a second command line in one process */
	opterr = 0;
	while (!error && (option = getopt_long(argc, argv, "+:d:o:qhV", options, NULL)) != -1) {
		switch (option) {
		case OPT_JSON:
			line->trace.json = true;
			break;
		case 'q':
			line->trace.quiet = true;
			break;
		case 'o':
			line->trace.output = optarg;
			break;
		case 'd':
			error = duration__parse(optarg, &line->trace.duration);
			if (error)
				complain("--duration takes a time like 30s, 10m or 24h, not \"%s\"",
					optarg);
			break;
		case OPT_HOOKS:
			line->trace.hooks = optarg;
			error = usage__check_hooks(optarg);
			break;
		case 'h':
			*status = usage();
			return -1;
		case 'V':
			puts("imdstrace " IMDSTRACE_VERSION);
			*status = EXIT_DONE;
			return -1;
		case ':':
		case '?':
			usage__refuse_option(option, argv);
			return -1;
		default:
			line->kind = option - OPT_SCOPE;
			line->what = optarg;
			line->count++;
		}
	}
	if (error)
		return -1;
	if (optind < argc) {
		if (strcmp(argv[optind - 1], "--") != 0) {
			complain("rehearse takes a command behind \"--\", not \"%s\"; see "
				 "imdstrace rehearse --help",
				argv[optind]);
			return -1;
		}
		line->kind = SCOPE_COMMAND;
		line->command = argv + optind;
		line->count++;
	}
	return 0;
}

/* NULL, or why it cannot be done. */
static const char *refusal(const struct request_line *line)
{
	const struct trace_options *trace = &line->trace;

	if (!line->count)
		return "rehearse needs a scope: --unit, --container, --pod, --cgroup, --pid, --all, or -- COMMAND";
	if (line->count > 1)
		return "rehearse takes exactly one scope";
	if (line->kind == SCOPE_ALL && trace->duration < 0)
		return "--all rejects the calls of everybody on this machine: say for how long (--duration)";
	if (trace->duration == 0)
		return "--duration must be longer than 0s";
	if (trace->output && !*trace->output)
		return "--output needs the name of a file";
	if (trace->quiet && trace->json)
		return "--quiet and --json exclude each other";
	return NULL;
}

/* An enum exit_status after a complaint. */
static int refuse_scope(int error, const char *why)
{
	return usage__refuse(why ? why : strerror(error < 0 ? -error : error));
}

static int rehearse(struct request_line *line, struct process_scope *scope)
{
	line->trace.rehearse = scope;
	return trace__run(&line->trace);
}

/* The command waits in its cgroup until the hooks are attached. */
static int rehearse_command(struct request_line *line)
{
	struct process_scope scope = {};
	struct command *command = NULL;
	_free_ char *why = NULL;
	int status;

	if (command__start(&command, line->command, &why))
		return refuse_scope(ENOMEM, why);
	if (process_scope__of_command(&scope, command, line->command[0])) {
		status = refuse_scope(ENOMEM, NULL);
	} else {
		line->trace.command = command;
		status = rehearse(line, &scope);
	}
	process_scope__clear(&scope);
	command__free(command);
	return status;
}

int cmd_rehearse(int argc, char **argv)
{
	struct request_line line = {
		.trace = {.confined = true, .interval = 60 * NSEC_PER_SEC, .duration = -1},
	};
	struct process_scope scope = {};
	_free_ char *why = NULL;
	const char *sentence;
	int status, error;

	if (parse(argc, argv, &line, &status))
		return status;
	sentence = refusal(&line);
	if (sentence)
		return usage__refuse(sentence);
	line.trace.all = line.trace.json;
	if (line.trace.duration < 0)
		line.trace.duration = line.command ? 0 : DEFAULT_DURATION;
	if (line.command)
		return rehearse_command(&line);
	error = line.kind == SCOPE_ALL
			? process_scope__all(&scope)
			: process_scope__resolve(&scope, line.kind, line.what, "", &why);
	if (error)
		return refuse_scope(error, why);
	status = rehearse(&line, &scope);
	process_scope__clear(&scope);
	return status;
}
