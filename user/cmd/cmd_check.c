/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* `imdstrace check`: the verdict in one line and in the exit status. */
#include <errno.h>
#include <getopt.h>
#include <string.h>

#include "cmd/commands.h"
#include "lib/number.h"
#include "lib/complain.h"
#include "lib/exit_status.h"
#include "cmd/report_set.h"
#include "lib/scope.h"
#include "lib/text.h"
#include "render/verdict_line.h"
#include "cmd/usage.h"
#include "verdict/verdict.h"

struct check_command {
	struct verdict_options options;
	const char *list; /* the verdict of the hosts to list; NULL: none */
	int64_t since;    /* ns since 1970; 0: all */
	bool quiet, help;
};

static const char short_options[] = ":qh";
static const struct option long_options[] = {
	{"min-window", required_argument, NULL, 'w'},
	{"strict", no_argument, NULL, 's'},
	{"since", required_argument, NULL, 'S'},
	{"require-calls", required_argument, NULL, 'r'},
	{"list", required_argument, NULL, 'l'},
	{"quiet", no_argument, NULL, 'q'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static int help(void)
{
	puts("Usage: imdstrace check [OPTION...] FILE...\n"
	     "\n"
	     "Says in one line whether the switch to IMDSv2 only is safe, from one report or\n"
	     "many merged into one. FILE may be - for standard input.\n"
	     "\n"
	     "Options:\n"
	     "      --min-window TIME  How long each host must have been watched (24h); 0s\n"
	     "                         turns it off\n"
	     "      --since TIME       Leave out what was before: a date, an RFC 3339 time, or\n"
	     "                         a span back from now such as 7d\n"
	     "      --strict           Calls of other clouds' metadata services block, too\n"
	     "      --require-calls N  Fewer calls than N, of any class, are inconclusive\n"
	     "      --list VERDICT     Print the hosts that are ready, blocked or\n"
	     "                         inconclusive, one instance id (else hostname) a line,\n"
	     "                         in place of the line\n"
	     "  -q, --quiet            Print nothing: the exit status is the verdict\n"
	     "  -h, --help             Show this\n"
	     "\n"
	     "Exit status: 0 ready; 1 blocked; 4 inconclusive; 2 wrong usage, or a file that\n"
	     "is not a report or was left out.");
	return EXIT_DONE;
}

static int command__check_list(const char *name)
{
	for (int verdict = VERDICT_READY; verdict <= VERDICT_INCONCLUSIVE; verdict++)
		if (!strcmp(name, verdict__name(verdict)))
			return 0;
	complain("--list takes ready, blocked or inconclusive, not \"%s\"", name);
	return -EINVAL;
}

static int command__set(struct check_command *command, int option, char *const *argv)
{
	switch (option) {
	case 'w':
		return usage__read_min_window(&command->options, optarg);
	case 'S':
		return usage__read_since(&command->since, optarg);
	case 's':
		command->options.strict = true;
		return 0;
	case 'r':
		return usage__read_require_calls(&command->options, optarg);
	case 'l':
		command->list = optarg;
		return command__check_list(optarg);
	case 'q':
		command->quiet = true;
		return 0;
	case 'h':
		command->help = true;
		return 0;
	default:
		usage__refuse_option(option, argv);
		return -EINVAL;
	}
}

static int command__parse(struct check_command *command, int argc, char **argv)
{
	int option, error = 0;

	optind = 0;
	opterr = 0;
	while (!error && !command->help &&
		(option = getopt_long(argc, argv, short_options, long_options, NULL)) != -1)
		error = command__set(command, option, argv);
	if (error || command->help || optind < argc)
		return error;
	complain("check: it needs at least one report FILE; see imdstrace check --help");
	return -EINVAL;
}

static int command__print(
	const struct check_command *command, struct report *report, const struct ruling *ruling)
{
	_free_ char *line = NULL;
	size_t size;

	if (command->quiet)
		return EXIT_DONE;
	report__sort(report);
	line = verdict_line__of(ruling, report, &command->options, &size);
	if (line)
		return usage__write_stdout(line, size);
	complain("the verdict could not be printed: %s", strerror(ENOMEM));
	return EXIT_USAGE;
}

/* One host a line, by what the aws command takes where that is known. */
static int command__list(const struct check_command *command, const struct host_summaries *hosts)
{
	_free_ char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	for (size_t i = 0; out && i < hosts->count; i++) {
		const struct host_summary *host = &hosts->list[i];
		const char *name = host->instance_id ? host->instance_id
				   : host->hostname  ? host->hostname
						     : host->machine_id;
		_free_ char *shown = text__printable(name ? name : "?");

		if (!strcmp(verdict__name(host->verdict), command->list))
			fprintf(out, "%s\n", shown ? shown : "?");
	}
	if (!out || fclose(out)) {
		complain("the hosts could not be listed: %s", strerror(ENOMEM));
		return EXIT_USAGE;
	}
	if (hosts->unlisted)
		complain(
			"%zu host%s of merged reports cannot be listed: give the reports of the hosts themselves",
			hosts->unlisted, hosts->unlisted == 1 ? "" : "s");
	return usage__write_stdout(text, size);
}

static int command__rule(const struct check_command *command, const struct report_set *set)
{
	struct ruling ruling;
	int status, error = verdict__rule(&ruling, set->report, &command->options);

	if (error) {
		complain("there is no verdict: %s", strerror(-error));
		return EXIT_USAGE;
	}
	if (command->list && !command->quiet)
		status = command__list(command, &set->hosts);
	else
		status = command__print(command, set->report, &ruling);
	if (status == EXIT_DONE)
		status = usage__status_of(ruling.verdict);
	verdict__clear(&ruling);
	return status;
}

int cmd_check(int argc, char **argv)
{
	struct check_command command = {.options.min_window = DEFAULT_MIN_WINDOW};
	struct report_set_options wanted;
	struct report_set set;
	int error, status = EXIT_USAGE;

	number__separate(true);
	if (command__parse(&command, argc, argv))
		return EXIT_USAGE;
	if (command.help)
		return help();
	usage__survive_writes();
	wanted = (struct report_set_options){
		.verdict = command.list ? &command.options : NULL, .since = command.since};
	error = report_set__read(&set, argv + optind, (size_t)(argc - optind), &wanted);
	if (error)
		return usage__refuse_set(error);
	command.options.left_out = set.failed;
	if (set.report)
		status = command__rule(&command, &set);
	if (set.failed)
		status = EXIT_USAGE;
	report_set__clear(&set);
	return status;
}
