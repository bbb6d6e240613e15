/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* `imdstrace report`: one report, or many merged into one, in any format. */
#include <errno.h>
#include <getopt.h>
#include <string.h>

#include "cmd/commands.h"
#include "lib/number.h"
#include "lib/complain.h"
#include "lib/exit_status.h"
#include "lib/file.h"
#include "lib/sentences.h"
#include "render/render.h"
#include "cmd/report_set.h"
#include "lib/scope.h"
#include "cmd/usage.h"

struct report_command {
	const struct renderer *renderer;
	const char *output; /* NULL: standard output */
	struct render_options options;
	int64_t since;       /* ns since 1970; 0: all */
	const char *compare; /* an earlier state: a report, or a directory of them; NULL: none */
	bool help;
};

static const char short_options[] = ":f:o:h";
static const struct option long_options[] = {
	{"format", required_argument, NULL, 'f'},
	{"output", required_argument, NULL, 'o'},
	{"min-window", required_argument, NULL, 'w'},
	{"strict", no_argument, NULL, 's'},
	{"since", required_argument, NULL, 'S'},
	{"compare", required_argument, NULL, 'c'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static int help(void)
{
	puts("Usage: imdstrace report [OPTION...] FILE...\n"
	     "\n"
	     "Renders one report, or many merged into one. The same report given twice, an\n"
	     "older state of it, and a part of a merged one count once. FILE may be - for\n"
	     "standard input.\n"
	     "\n"
	     "Options:\n"
	     "  -f, --format FORMAT    How to render it (text):");
	for (const struct renderer *renderer = renderers; renderer->name; renderer++)
		printf("      %-10s  %s\n", renderer->name, renderer->summary);
	puts("  -o, --output FILE      Write to FILE, replaced as a whole\n"
	     "      --min-window TIME  How long each host must have been watched for the\n"
	     "                         verdict (24h); 0s turns it off\n"
	     "      --since TIME       Leave out what was before: a date, an RFC 3339 time, or\n"
	     "                         a span back from now such as 7d\n"
	     "      --compare PATH     Say first what changed since an earlier state: a\n"
	     "                         report, or a directory of them\n"
	     "      --strict           Calls of other clouds' metadata services block, too\n"
	     "  -h, --help             Show this\n"
	     "\n"
	     "Exit status: 0 done; 2 wrong usage, or a file that is not a report or was left\n"
	     "out (the others are still rendered).");
	return EXIT_DONE;
}

static int refuse_format(const char *name)
{
	char known[256] = "";
	size_t used = 0;

	for (const struct renderer *renderer = renderers; renderer->name; renderer++)
		if (used < sizeof(known))
			used += (size_t)snprintf(known + used, sizeof(known) - used, "%s%s",
				used ? ", " : "", renderer->name);
	complain("report: there is no format \"%s\", only %s", name, known);
	return -EINVAL;
}

static int command__set(struct report_command *command, int option, char *const *argv)
{
	switch (option) {
	case 'f':
		command->renderer = render__find(optarg);
		return command->renderer ? 0 : refuse_format(optarg);
	case 'o':
		command->output = optarg;
		return 0;
	case 'w':
		return usage__read_min_window(&command->options.verdict, optarg);
	case 'c':
		command->compare = optarg;
		return 0;
	case 'S':
		return usage__read_since(&command->since, optarg);
	case 's':
		command->options.verdict.strict = true;
		return 0;
	case 'h':
		command->help = true;
		return 0;
	default:
		usage__refuse_option(option, argv);
		return -EINVAL;
	}
}

static int command__parse(struct report_command *command, int argc, char **argv)
{
	int option, error = 0;

	optind = 0;
	opterr = 0;
	while (!error && !command->help &&
		(option = getopt_long(argc, argv, short_options, long_options, NULL)) != -1)
		error = command__set(command, option, argv);
	if (error || command->help)
		return error;
	if (command->compare && !command->renderer->compares) {
		complain(
			"report: --format %s says nothing of changes: --compare goes with text, json, markdown and html",
			command->renderer->name);
		return -EINVAL;
	}
	if (optind < argc)
		return 0;
	complain("report: it needs at least one report FILE; see imdstrace report --help");
	return -EINVAL;
}

static int command__write(const struct report_command *command, const char *text, size_t size)
{
	bool is_report = command->renderer == render__find("json");
	int error;

	if (!command->output)
		return usage__write_stdout(text, size);
	error = file__replace(
		command->output, text, size, is_report ? FILE_PRIVATE : FILE_AS_IT_WAS);
	if (!error)
		return EXIT_DONE;
	complain("%s could not be written: %s", command->output, strerror(-error));
	return EXIT_USAGE;
}

/* Rendered in memory first, so that nothing is written of a report that cannot be rendered. */
static int command__render(const struct report_command *command, const struct report *report)
{
	_free_ char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	int error = out ? command->renderer->render(out, report, &command->options) : -ENOMEM;

	if (out && fclose(out) && !error)
		error = -ENOMEM;
	if (!error)
		return command__write(command, text, size);
	complain("the report could not be rendered: %s", strerror(-error));
	return EXIT_USAGE;
}

/* Of many reports, each as it comes: the sum of their rows may be larger than memory. */
struct rows {
	const struct report_command *command;
	FILE *kept; /* for --output; NULL: to standard output at once */
	int status;
};

static int rows__add(void *context, struct report *report)
{
	struct rows *rows = context;
	FILE *out = rows->kept ? rows->kept : stdout;
	int error = rows->command->renderer->render(out, report, &rows->command->options);

	if (error == -ENOMEM)
		return error;
	if (rows->kept)
		return error ? -ENOMEM : 0;
	rows->status = usage__finish_stdout();
	return rows->status == EXIT_DONE ? 0 : -EIO;
}

static int command__render_each(
	const struct report_command *command, char *const *paths, size_t count)
{
	_free_ char *text = NULL;
	size_t size = 0;
	struct rows rows = {.command = command, .status = EXIT_DONE};
	const struct report_set_options wanted = {.since = command->since};
	struct report_set set;
	int error;

	if (command->output && !(rows.kept = open_memstream(&text, &size)))
		return usage__refuse_set(-ENOMEM);
	error = report_set__visit(&set, paths, count, &wanted, rows__add, &rows);
	if (rows.kept && fclose(rows.kept) && !error)
		error = -ENOMEM;
	if (rows.status != EXIT_DONE)
		return rows.status;
	if (error)
		return usage__refuse_set(error);
	if (command->output && set.failed < count)
		rows.status = command__write(command, text, size);
	return set.failed ? EXIT_USAGE : rows.status;
}

/* The earlier state, with its hosts. 0, or -EINVAL after saying what is wrong. */
static int command__read_before(const struct report_command *command, struct report_set *before)
{
	const struct report_set_options wanted = {.verdict = &command->options.verdict};
	char **files = NULL, *path[] = {(char *)command->compare, NULL};
	size_t count = 0;
	int error = directory__list(command->compare, ".json", &files, &count);

	*before = (struct report_set){0};
	if (error == -ENOTDIR)
		error = report_set__read(before, path, 1, &wanted);
	else if (!error && count)
		error = report_set__read(before, files, count, &wanted);
	else if (!error)
		error = complain_errno(EINVAL, "%s has no report (FILE.json)", command->compare);
	else
		error = complain_errno(EINVAL, "%s: %s", command->compare, strerror(-error));
	sentences__free(files);
	if (error == -ENOMEM || error == -ENOSPC)
		usage__refuse_set(error);
	if (!error && !before->report)
		error = -EINVAL;
	return error ? -EINVAL : 0;
}

/* Renders with what changed since the earlier state. */
static int command__render_changes(struct report_command *command, const struct report_set *set)
{
	struct comparison comparison = {0};
	struct report_set before;
	int error, status = EXIT_USAGE;

	if (command__read_before(command, &before))
		return EXIT_USAGE;
	error = comparison__make(&comparison, &(struct state){before.report, &before.hosts},
		&(struct state){set->report, &set->hosts}, command->options.verdict.strict);
	command->options.comparison = &comparison;
	if (error)
		complain("the reports could not be compared: %s", strerror(-error));
	else
		status = command__render(command, set->report);
	if (before.failed)
		status = EXIT_USAGE;
	command->options.comparison = NULL;
	comparison__clear(&comparison);
	report_set__clear(&before);
	return status;
}

int cmd_report(int argc, char **argv)
{
	struct report_command command = {
		.renderer = &renderers[0], .options.verdict.min_window = DEFAULT_MIN_WINDOW};
	struct report_set_options wanted;
	struct report_set set;
	int error, status = EXIT_USAGE;

	if (command__parse(&command, argc, argv))
		return EXIT_USAGE;
	if (command.help)
		return help();
	usage__survive_writes();
	render__options_for(&command.options, command.output ? -1 : STDOUT_FILENO);
	if (command.renderer->each)
		return command__render_each(&command, argv + optind, (size_t)(argc - optind));
	number__separate(command.renderer->for_people);
	wanted = (struct report_set_options){
		.verdict = &command.options.verdict, .since = command.since};
	error = report_set__read(&set, argv + optind, (size_t)(argc - optind), &wanted);
	if (error)
		return usage__refuse_set(error);
	command.options.hosts = command.options.verdict.hosts = &set.hosts;
	/* A list that is short says nothing of what it lacks. */
	if (set.hosts.unlisted && command.renderer->of_hosts)
		complain(
			"%zu host%s of merged reports cannot be told apart: give the reports of the hosts themselves",
			set.hosts.unlisted, set.hosts.unlisted == 1 ? "" : "s");
	if (set.report)
		status = command.compare ? command__render_changes(&command, &set)
					 : command__render(&command, set.report);
	if (set.failed)
		status = EXIT_USAGE;
	report_set__clear(&set);
	return status;
}
