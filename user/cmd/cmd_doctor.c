/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* `imdstrace doctor`: whether this machine can be traced, which attach mode works, and why not the
 * others. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "cmd/commands.h"
#include "cmd/usage.h"
#include "lib/complain.h"
#include "lib/exit_status.h"
#include "render/json.h"
#include "trace/machine.h"
#include "report/report.h"
#include "lib/scope.h"
#include "trace/rehearsal_hooks.h"
#include "trace/tracer.h"

#define PROGRAMS_MAX 32

struct mode_diagnosis {
	bool attaches;
	char why_not[MACHINE_REASON_MAX]; /* where it does not */
	struct tracer_program programs[PROGRAMS_MAX];
	size_t program_count;
};

struct diagnosis {
	struct machine machine;
	struct mode_diagnosis modes[ATTACH_MODES_MAX];
	const char *used; /* NULL: none attaches */
	bool responses;   /* of the one that is used */
	char why_no_responses[MACHINE_REASON_MAX];
	bool rehearses;
	char why_no_rehearsal[MACHINE_REASON_MAX];
	struct tracer_program rehearsal_programs[PROGRAMS_MAX]; /* its own */
	size_t rehearsal_program_count;
	char unseen[WITNESS_KINDS]
		   [MACHINE_REASON_MAX]; /* what comes from no socket; "": it is seen */
	char why[MACHINE_REASONS_MAX];   /* where none does */
};

static void ignore_request(void *context, const struct request_record *record)
{
	(void)context, (void)record;
}

static void diagnose_responses(struct diagnosis *diagnosis, const struct tracer *tracer)
{
	const struct tracer_failure *failure = tracer__responses_failure(tracer);

	diagnosis->responses = tracer__responses(tracer);
	if (failure)
		machine__explain_responses(&diagnosis->machine, failure,
			diagnosis->why_no_responses, sizeof(diagnosis->why_no_responses));
}

/* Tries one way by really attaching it, and takes it down again at once. */
static void diagnose_mode(struct diagnosis *diagnosis, size_t index, struct tracer_failure *failure)
{
	static const struct tracer_sink sink = {ignore_request, NULL};
	struct tracer_options options = {.mode = tracer_modes[index].name, .measure = true};
	struct mode_diagnosis *mode = &diagnosis->modes[index];
	struct tracer_failure failures[ATTACH_MODES_MAX] = {};
	struct tracer *tracer;

	if (tracer__open(&tracer, &options, &sink, failures)) {
		/* what concerns all modes stands in front */
		*failure = failures[index].error ? failures[index] : failures[0];
		machine__explain_mode(
			&diagnosis->machine, failure, mode->why_not, sizeof(mode->why_not));
		return;
	}
	mode->attaches = true;
	mode->program_count = tracer__programs(tracer, mode->programs, PROGRAMS_MAX);
	if (!diagnosis->used) {
		diagnosis->used = tracer_modes[index].name;
		diagnose_responses(diagnosis, tracer);
		for (int kind = 0; kind < WITNESS_KINDS; kind++)
			machine__explain_witness(&diagnosis->machine, tracer, kind,
				diagnosis->unseen[kind], sizeof(diagnosis->unseen[kind]));
	}
	tracer__close(tracer);
}

/* The programs that are loaded for a rehearsal alone. */
static void diagnose_rehearsal_programs(struct diagnosis *diagnosis, const struct tracer *tracer)
{
	struct tracer_program all[PROGRAMS_MAX];
	size_t count = tracer__programs(tracer, all, PROGRAMS_MAX);

	for (size_t i = 0; i < count; i++)
		if (!strncmp(all[i].name, "rehearse_", 9))
			diagnosis->rehearsal_programs[diagnosis->rehearsal_program_count++] =
				all[i];
}

/* Tries a rehearsal of nobody, the same way, with all that any scope takes. */
static void diagnose_rehearsal(struct diagnosis *diagnosis)
{
	static const struct tracer_sink sink = {ignore_request, NULL};
	char name[] = "nobody";
	const struct process_scope nobody = {.kind = SCOPE_PID, .name = name};
	struct tracer_options options = {.mode = diagnosis->used, .measure = true};
	struct tracer_failure failures[ATTACH_MODES_MAX] = {};
	struct tracer_addition addition;
	struct rehearsal_hooks *hooks;
	struct tracer *tracer;
	int error = rehearsal_hooks__new(&hooks, &nobody);

	if (error) {
		snprintf(diagnosis->why_no_rehearsal, sizeof(diagnosis->why_no_rehearsal), "%s",
			error == -EBUSY ? "another rehearsal, of everybody, is running"
					: strerror(-error));
		return;
	}
	addition = *rehearsal_hooks__addition(hooks);
	addition.cgroups = addition.pids = true;
	options.rehearsal = &addition;
	diagnosis->rehearses = !tracer__open(&tracer, &options, &sink, failures);
	for (int i = 0; i < ATTACH_MODES_MAX && !diagnosis->rehearses; i++)
		if (failures[i].error && !*diagnosis->why_no_rehearsal)
			machine__explain_mode(&diagnosis->machine, &failures[i],
				diagnosis->why_no_rehearsal, sizeof(diagnosis->why_no_rehearsal));
	if (diagnosis->rehearses)
		diagnose_rehearsal_programs(diagnosis, tracer);
	rehearsal_hooks__free(hooks);
	if (diagnosis->rehearses)
		tracer__close(tracer);
}

static void diagnose(struct diagnosis *diagnosis)
{
	struct tracer_failure failures[ATTACH_MODES_MAX] = {};

	memset(diagnosis, 0, sizeof(*diagnosis));
	machine__read(&diagnosis->machine);
	for (size_t i = 0; tracer_modes[i].name; i++)
		diagnose_mode(diagnosis, i, &failures[i]);
	if (diagnosis->used)
		diagnose_rehearsal(diagnosis);
	else
		machine__explain(
			&diagnosis->machine, failures, diagnosis->why, sizeof(diagnosis->why));
}

static const char *pids__text(const struct machine *machine)
{
	if (!machine->proc)
		return "not known, because /proc is not mounted";
	return machine->host_pids ? "the host's" : "a container's";
}

/* What a trace will lack, each a sentence, ended by NULL. */
static void diagnosis__limits(
	const struct diagnosis *diagnosis, const char *limits[MACHINE_LIMITS_MAX + WITNESS_KINDS])
{
	size_t count = 0;

	machine__limits(&diagnosis->machine, limits);
	while (limits[count])
		count++;
	for (int kind = 0; kind < WITNESS_KINDS; kind++)
		if (*diagnosis->unseen[kind])
			limits[count++] = diagnosis->unseen[kind];
	limits[count] = NULL;
}

static void print_text(const struct diagnosis *diagnosis)
{
	const struct machine *machine = &diagnosis->machine;
	const char *limits[MACHINE_LIMITS_MAX + WITNESS_KINDS];
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
	printf("  %-13s %s\n", "pids", pids__text(machine));
	printf("  %-13s %s\n", "cgroups", machine->cgroups);
	if (diagnosis->used)
		printf("  %-13s %s%s\n", "responses",
			diagnosis->responses ? "watched" : "not watched: ",
			diagnosis->why_no_responses);
	if (diagnosis->used)
		printf("  %-13s %s%s\n", "rehearsal",
			diagnosis->rehearses ? "possible" : "not possible: ",
			diagnosis->why_no_rehearsal);
	puts("\nAttach modes, in the order in which they are tried:");
	for (size_t i = 0; tracer_modes[i].name; i++)
		printf("  %-13s %s%s\n", tracer_modes[i].name,
			diagnosis->modes[i].attaches ? "yes: " : "no: ",
			diagnosis->modes[i].attaches ? tracer_modes[i].summary
						     : diagnosis->modes[i].why_not);
	diagnosis__limits(diagnosis, limits);
	if (diagnosis->used && limits[0])
		puts("\nWhat a trace will lack here:");
	for (size_t i = 0; diagnosis->used && limits[i]; i++)
		printf("  %s\n", limits[i]);
}

/* A number, or null for one that is not known. */
static json_t *number_json(unsigned int number)
{
	return number ? json_integer(number) : json_null();
}

static json_t *programs_json(const struct tracer_program *all, size_t count)
{
	_decref_ json_t *programs = json_array();

	for (size_t i = 0; i < count; i++) {
		if (json_array_append_new(
			    programs, json_pack("{ss,so,so}", "name", all[i].name,
					      "verified_instructions", number_json(all[i].verified),
					      "jited_bytes", number_json(all[i].jited))))
			return NULL;
	}
	return json_incref(programs);
}

static json_t *ways_json(const struct diagnosis *diagnosis)
{
	_decref_ json_t *modes = json_array();

	for (size_t i = 0; tracer_modes[i].name; i++) {
		const struct mode_diagnosis *mode = &diagnosis->modes[i];

		if (json_array_append_new(modes,
			    json_pack("{ss,sb,so,so}", "name", tracer_modes[i].name, "attaches",
				    mode->attaches, "why_not",
				    json__text(mode->attaches ? NULL : mode->why_not), "programs",
				    programs_json(mode->programs, mode->program_count))))
			return NULL;
	}
	return json_incref(modes);
}

static json_t *limits_json(const struct diagnosis *diagnosis)
{
	const char *limits[MACHINE_LIMITS_MAX + WITNESS_KINDS];
	_decref_ json_t *list = json_array();

	diagnosis__limits(diagnosis, limits);
	for (size_t i = 0; limits[i]; i++)
		if (json_array_append_new(list, json_string(limits[i])))
			return NULL;
	return json_incref(list);
}

static int print_json(const struct diagnosis *diagnosis)
{
	const struct machine *machine = &diagnosis->machine;
	_decref_ json_t *object = NULL;
	char missing[128];

	machine__missing_capabilities(machine, missing, sizeof(missing));
	object = json_pack("{ss,sb,so,so,so,so,sb,so,so,sb,ss,sb,so,sb,so,so,so,so}", "version",
		IMDSTRACE_VERSION, "traceable", !!diagnosis->used, "hooks",
		json__text(diagnosis->used), "why_not",
		json__text(diagnosis->used ? NULL : diagnosis->why), "kernel",
		json__text(machine->kernel), "architecture", json__text(machine->architecture),
		"btf", machine->btf, "missing_capabilities", json__text(*missing ? missing : NULL),
		"lockdown", json__text(*machine->lockdown ? machine->lockdown : NULL), "host_pids",
		machine->host_pids, "cgroups", machine->cgroups, "responses", diagnosis->responses,
		"responses_why_not",
		json__text(*diagnosis->why_no_responses ? diagnosis->why_no_responses : NULL),
		"rehearsal", diagnosis->rehearses, "rehearsal_why_not",
		json__text(*diagnosis->why_no_rehearsal ? diagnosis->why_no_rehearsal : NULL),
		"rehearsal_programs",
		programs_json(diagnosis->rehearsal_programs, diagnosis->rehearsal_program_count),
		"limits", limits_json(diagnosis), "ways", ways_json(diagnosis));
	if (!object || json_dumpf(object, stdout, JSON_INDENT(2)))
		return -ENOMEM;
	putchar('\n');
	return 0;
}

static int usage(void)
{
	puts("Usage: imdstrace doctor [--json]\n"
	     "\n"
	     "Says whether this machine can be traced, and whether it can rehearse: what the\n"
	     "kernel offers, which hooks would be used and why not the others. Attaches each\n"
	     "mode for a moment, and traces nothing. With IMDSTRACE_DEBUG=1 the verifier's\n"
	     "whole log of what it refuses goes to stderr.\n"
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
	while ((option = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		if (option == 'h')
			return usage();
		if (option != 'j')
			return usage__refuse_option(option, argv);
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
		complain("the diagnosis cannot be printed");
	errno = 0;
	if (fflush(stdout) || ferror(stdout)) {
		complain_errno(errno ? errno : EIO, "stdout cannot be written");
		return EXIT_USAGE;
	}
	return diagnosis.used ? EXIT_DONE : EXIT_UNTRACEABLE;
}
