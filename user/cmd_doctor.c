/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* `imdstrace doctor`: whether this machine can be traced, which way in is open, and why not the
 * others. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "complain.h"
#include "exit_status.h"
#include "json.h"
#include "machine.h"
#include "report.h"
#include "scope.h"
#include "tracer.h"

struct diagnosis {
	struct machine machine;
	struct tracer_failure failures[MACHINE_WAYS_MAX]; /* error 0: this way attaches */
	const char *used;                                 /* NULL: none attaches */
	char why[1024];                                   /* where none does */
};

static void ignore_request(void *context, const struct request_record *record)
{
	(void)context, (void)record;
}

/* Each way is tried by really attaching it, and taken down again at once. */
static void diagnose(struct diagnosis *diagnosis)
{
	static const struct tracer_sink sink = {ignore_request, NULL};

	memset(diagnosis, 0, sizeof(*diagnosis));
	machine__read(&diagnosis->machine);
	for (size_t i = 0; tracer_ways[i].name; i++) {
		struct tracer_options options = {.way = tracer_ways[i].name};
		struct tracer_failure failures[MACHINE_WAYS_MAX] = {};
		struct tracer *tracer;
		int error = tracer__open(&tracer, &options, &sink, failures);

		if (!error) {
			tracer__close(tracer);
			if (!diagnosis->used)
				diagnosis->used = tracer_ways[i].name;
			continue;
		}
		diagnosis->failures[i] = failures[i].error ? failures[i] : failures[0];
		diagnosis->failures[i].error = -error;
	}
	if (!diagnosis->used)
		machine__explain(&diagnosis->machine, diagnosis->failures, diagnosis->why,
			sizeof(diagnosis->why));
}

static void print_text(const struct diagnosis *diagnosis)
{
	const struct machine *machine = &diagnosis->machine;
	char missing[128];

	machine__missing_capabilities(machine, missing, sizeof(missing));
	if (diagnosis->used)
		printf("This machine can be traced, with %s hooks.\n\n", diagnosis->used);
	else
		printf("This machine cannot be traced: %s.\n\n", diagnosis->why);
	printf("  %-13s %s, %s\n", "kernel", machine->kernel, machine->architecture);
	printf("  %-13s %s\n", "BTF", machine->btf ? "there" : "missing");
	printf("  %-13s %s%s\n", "capabilities", *missing ? "missing: " : "there", missing);
	printf("  %-13s %s\n", "lockdown",
		*machine->lockdown ? machine->lockdown : "not in this kernel");
	printf("  %-13s %s\n", "pids",
		machine->host_pids ? "the host's"
				   : "of a container: scripts of parents stay unnamed (share the "
				     "host's pid namespace)");
	printf("  %-13s %s\n", "cgroups", machine->cgroups);
	puts("\nWays in, in the order in which they are tried:");
	for (size_t i = 0; tracer_ways[i].name; i++)
		printf("  %-13s %s%s\n", tracer_ways[i].name,
			diagnosis->failures[i].error ? "no: " : "yes: ",
			diagnosis->failures[i].error ? diagnosis->failures[i].sentence
						     : tracer_ways[i].summary);
}

static json_t *ways_json(const struct diagnosis *diagnosis)
{
	_decref_ json_t *ways = json_array();

	for (size_t i = 0; tracer_ways[i].name; i++) {
		const struct tracer_failure *failure = &diagnosis->failures[i];

		if (json_array_append_new(
			    ways, json_pack("{ss,sb,so}", "name", tracer_ways[i].name, "attaches",
					  !failure->error, "why_not",
					  json__text(failure->error ? failure->sentence : NULL))))
			return NULL;
	}
	return json_incref(ways);
}

static int print_json(const struct diagnosis *diagnosis)
{
	const struct machine *machine = &diagnosis->machine;
	_decref_ json_t *object = NULL;
	char missing[128];

	machine__missing_capabilities(machine, missing, sizeof(missing));
	object = json_pack("{ss,sb,so,so,so,so,sb,so,so,sb,ss,so}", "version", IMDSTRACE_VERSION,
		"traceable", !!diagnosis->used, "hooks", json__text(diagnosis->used), "why_not",
		json__text(diagnosis->used ? NULL : diagnosis->why), "kernel",
		json__text(machine->kernel), "architecture", json__text(machine->architecture),
		"btf", machine->btf, "missing_capabilities", json__text(*missing ? missing : NULL),
		"lockdown", json__text(*machine->lockdown ? machine->lockdown : NULL), "host_pids",
		machine->host_pids, "cgroups", machine->cgroups, "ways", ways_json(diagnosis));
	if (!object || json_dumpf(object, stdout, JSON_INDENT(2)))
		return -ENOMEM;
	putchar('\n');
	return 0;
}

static int usage(void)
{
	puts("Usage: imdstrace doctor [--json]\n"
	     "\n"
	     "Says whether this machine can be traced: what the kernel offers, which hooks would "
	     "be\n"
	     "used and why not the others. Attaches each way for a moment, and traces nothing.\n"
	     "\n"
	     "      --json  as one JSON object\n"
	     "  -h, --help  show this\n"
	     "\n"
	     "Exit status: 0 it can be traced; 2 wrong usage; 3 it cannot.");
	return EXIT_DONE;
}

int cmd_doctor(int argc, char **argv)
{
	static const struct option options[] = {
		{"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	struct diagnosis diagnosis;
	bool json = false;
	int option;

	optind = 0;
	opterr = 0;
	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (option == 'h')
			return usage();
		if (option != 'j') {
			complain(
				"unknown option %s; see imdstrace doctor --help", argv[optind - 1]);
			return EXIT_USAGE;
		}
		json = true;
	}
	if (optind < argc) {
		complain("doctor takes no argument \"%s\"", argv[optind]);
		return EXIT_USAGE;
	}
	diagnose(&diagnosis);
	if (!json)
		print_text(&diagnosis);
	else if (print_json(&diagnosis))
		complain_errno(ENOMEM, "the diagnosis cannot be printed");
	errno = 0;
	if (fflush(stdout) || ferror(stdout)) {
		complain_errno(errno ? errno : EIO, "stdout cannot be written");
		return EXIT_USAGE;
	}
	return diagnosis.used ? EXIT_DONE : EXIT_UNTRACEABLE;
}
