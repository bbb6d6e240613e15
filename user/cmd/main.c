/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The table of commands, and nothing else. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/commands.h"
#include "lib/complain.h"
#include "demo/demo_clients.h"
#include "lib/exit_status.h"
#include "cmd/usage.h"

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary; /* NULL: not for people */
} commands[] = {
	{"trace", cmd_trace, "Watch this machine's calls to the instance metadata service"},
	{"report", cmd_report, "Render one report, or many merged into one"},
	{"check", cmd_check, "Say whether the switch to IMDSv2 only is safe"},
	{"rehearse", cmd_rehearse,
		"Reject one service's calls without a token, before the switch does"},
	{"reconcile", cmd_reconcile, "Compare a report with what CloudWatch counted"},
	{"software", cmd_software, "Print what is known about software and IMDSv2"},
	{"doctor", cmd_doctor, "Say whether this machine can be traced, and how"},
	{"demo", cmd_demo, "Trace sample clients in a private network of their own"},
	{"demo-client", cmd_demo_client, NULL},
	{NULL, NULL, NULL},
};

static int help(int argc, char **argv)
{
	(void)argc, (void)argv;
	puts("Usage: imdstrace [trace] [OPTION...]\n"
	     "       imdstrace COMMAND [OPTION...] [FILE...]\n"
	     "\n"
	     "Names every process, service and container that still calls the EC2 instance\n"
	     "metadata service without a token, says why, and what to change before\n"
	     "HttpTokens=required.\n"
	     "\n"
	     "Commands:");
	for (const struct command *command = commands; command->name; command++)
		if (command->summary)
			printf("  %-9s %s\n", command->name, command->summary);
	puts("\n"
	     "Options:\n"
	     "  -h, --help     Show this; after a command, its own options\n"
	     "  -V, --version  Show the version\n"
	     "\n"
	     "Environment:\n"
	     "  IMDSTRACE_DEBUG=1  Print what libbpf says, and the verifier's log of what it\n"
	     "                     refuses\n"
	     "  NO_COLOR=1         No colours\n"
	     "\n"
	     "Exit status: 0 done, or ready; 1 blocked; 2 wrong usage or an input file that is\n"
	     "not a report; 3 this machine cannot be traced; 4 inconclusive. 1 and 4 come from\n"
	     "check, trace --check, rehearse and reconcile.");
	return EXIT_DONE;
}

static int version(int argc, char **argv)
{
	(void)argc, (void)argv;
	puts("imdstrace " IMDSTRACE_VERSION);
	return EXIT_DONE;
}

static const struct command options[] = {
	{"-h", help, NULL},
	{"--help", help, NULL},
	{"-V", version, NULL},
	{"--version", version, NULL},
	{NULL, NULL, NULL},
};

static const struct command *find(const struct command *table, const char *name)
{
	for (; table->name; table++)
		if (strcmp(table->name, name) == 0)
			return table;
	return NULL;
}

static int dispatch(int argc, char **argv)
{
	static char trace[] = "trace";
	char *no_arguments[] = {trace, NULL};
	const struct command *command;

	if (argc < 2)
		return cmd_trace(1, no_arguments);
	command = find(options, argv[1]);
	if (command)
		return command->run(argc - 1, argv + 1);
	if (argv[1][0] == '-') {
		argv[0] = trace;
		return cmd_trace(argc, argv);
	}
	command = find(commands, argv[1]);
	if (command)
		return command->run(argc - 1, argv + 1);
	complain("there is no command \"%s\"; see imdstrace --help", argv[1]);
	return EXIT_USAGE;
}

/* A file opened in the place of a closed standard stream would receive what is printed. */
static void open_standard_streams(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
		if (fd == STDOUT_FILENO)
			usage__note_closed_stdout();
	} while (fd >= STDIN_FILENO && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}

int main(int argc, char **argv)
{
	int status;

	open_standard_streams();
	status = dispatch(argc, argv);
	if ((fflush(stdout) || ferror(stdout)) && status == EXIT_DONE) {
		complain("not everything could be written to standard output");
		status = EXIT_USAGE;
	}
	return status;
}
