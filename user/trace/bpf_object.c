/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "trace/bpf_object.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "imdstrace_loops.skel.h"
#include "imdstrace_rounds.skel.h"
#include "lib/array.h"
#include "lib/embed.h"
#include "lib/gzip.h"
#include "lib/scope.h"
#include "trace/kernel.h"

/* BPF_LOG_STATS, include/linux/bpf_verifier.h (since 5.2): the verifier's complaint and its sum,
 * which cost it nothing, and no line for each instruction. */
#define LOG_STATS 4

static const struct hook common_hooks[] = {{"on_state", ALWAYS, NULL}, {"on_destroy", ALWAYS, NULL},
	{"on_end", ALWAYS, NULL}, {"look_up", ALWAYS, NULL}};

/* Those, and the two that hang on a cgroup. */
#define COMMON_MAX    (ARRAY_SIZE(common_hooks) + 2)
#define REHEARSAL_MAX 5
#define LOGS_MAX      (PROGRAMS_MAX + COMMON_MAX + REHEARSAL_MAX)

/* Whether someone looks for the reason why a kernel refuses. */
static bool debugging(void)
{
	const char *debug = getenv("IMDSTRACE_DEBUG");

	return debug && *debug;
}

/* libbpf prints a warning for every mode that a kernel refuses. */
static int hear_libbpf(enum libbpf_print_level level, const char *format, va_list arguments)
{
	(void)level;
	return debugging() ? vfprintf(stderr, format, arguments) : 0;
}

void bpf_object__hear_libbpf(void)
{
	libbpf_set_print(hear_libbpf);
}

int tracer_failure__set(
	struct tracer_failure *failure, enum tracer_step step, const char *section, int error)
{
	*failure = (struct tracer_failure){.step = step, .error = -error};
	snprintf(failure->section, sizeof(failure->section), "%s", section);
	return error;
}

void verifier_logs__open(struct verifier_logs *logs, bool measure)
{
	logs->each = calloc(LOGS_MAX, LOG_SIZE);
	logs->measured = measure && logs->each && !kernel__counts_verified();
}

void verifier_logs__close(struct verifier_logs *logs)
{
	free(logs->each);
	logs->each = NULL;
}

/* From its line "processed 1234 insns (limit 1000000) ...". */
unsigned int log__verified(const char *log)
{
	const char *line = strstr(log, "processed ");
	unsigned int verified = 0;

	if (line)
		sscanf(line, "processed %u insns", &verified);
	return verified;
}

/* The maps that a rehearsal's programs alone use, and the largest of them. */
static const char *const rehearsal_maps[] = {"connecting_in_scope", "rehearsed_sockets",
	"rehearsals", "rehearsed_processes", "rehearsal_scope", "scope_cgroups", "scope_pids"};

bool program__rehearses(const struct bpf_program *program)
{
	return !strncmp(bpf_program__name(program), "rehearse_", 9);
}

static void choose_rehearsal(
	struct imdstrace_bpf *skeleton, const struct tracer_addition *rehearsal)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, skeleton->obj) if (program__rehearses(program))
		bpf_program__set_autoload(program, rehearsal != NULL);
	for (size_t i = 0; i < ARRAY_SIZE(rehearsal_maps); i++)
		bpf_map__set_autocreate(
			bpf_object__find_map_by_name(skeleton->obj, rehearsal_maps[i]),
			rehearsal != NULL);
	if (!rehearsal)
		return;
	if (!rehearsal->pids)
		bpf_program__set_autoload(skeleton->progs.rehearse_fork, false);
	skeleton->rodata->scope_is_everything = rehearsal->everything;
	skeleton->rodata->scope_has_cgroups = rehearsal->cgroups;
	skeleton->rodata->scope_has_pids = rehearsal->pids;
}

static bool has_place(struct kernel_types *kernel, const struct hook *hook,
	const struct witness_programs *witness)
{
	if (hook->function && !kernel__has(kernel, hook->function))
		return false;
	switch (hook->need) {
	case FORWARDS:
		return witness->forwards;
	case CONNECTS:
		return witness->connects;
	case PREEMPTED:
		return kernel__preempts();
	case SECOND_CHANCE:
		return kernel__preempts() && kernel__has_kprobes();
	case ALWAYS:
		break;
	}
	return true;
}

static void choose_programs(struct imdstrace_bpf *skeleton, const struct mode *mode,
	struct kernel_types *kernel, bool responses, const struct witness_programs *witness)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, skeleton->obj)
		bpf_program__set_autoload(program, false);
	for (size_t i = 0; i < ARRAY_SIZE(common_hooks); i++) {
		program = bpf_object__find_program_by_name(skeleton->obj, common_hooks[i].program);
		bpf_program__set_autoload(program, true);
	}
	bpf_program__set_autoload(skeleton->progs.on_packet, responses);
	bpf_program__set_autoload(skeleton->progs.on_egress, witness->sent);
	witness__set_type(skeleton->progs.on_forward);
	for (const struct hook *hook = mode->hooks; hook->program; hook++) {
		program = bpf_object__find_program_by_name(skeleton->obj, hook->program);
		if (has_place(kernel, hook, witness))
			bpf_program__set_autoload(program, true);
	}
}

/* The objects are of one source, so that the skeleton of one fits all (Makefile). */
#define PLACE(skeleton, member, field) offsetof(typeof(*((struct skeleton *)0)->member), field)
#define SAME_PLACE(member, field)                                                   \
	_Static_assert(PLACE(imdstrace_bpf, member, field) ==                       \
				       PLACE(imdstrace_loops_bpf, member, field) && \
			       PLACE(imdstrace_bpf, member, field) ==               \
				       PLACE(imdstrace_rounds_bpf, member, field),  \
		"the objects differ")
SAME_PLACE(rodata, disable_preemption);
SAME_PLACE(rodata, probes_are_second);
SAME_PLACE(rodata, scope_is_everything);
SAME_PLACE(rodata, scope_has_cgroups);
SAME_PLACE(rodata, scope_has_pids);
SAME_PLACE(bss, asked_stats);
SAME_PLACE(bss, asked_identity);
SAME_PLACE(bss, counters);
SAME_PLACE(bss, detached);
SAME_PLACE(bss, rehearsal_over);
SAME_PLACE(bss, witnessing);

EMBED(object_whole, "imdstrace.linked.o.gz");
EMBED(object_loops, "imdstrace_loops.linked.o.gz");
EMBED(object_rounds, "imdstrace_rounds.linked.o.gz");

/* The object that names no more than the kernel has. 0 or -errno. */
static int expand_object(struct kernel_types *kernel, void **object, size_t *size)
{
	if (!kernel__has_helper(kernel, "BPF_FUNC_loop"))
		return gzip__expand(object_rounds, object_rounds_end - object_rounds, object, size);
	if (!kernel__has(kernel, "bpf_preempt_disable"))
		return gzip__expand(object_loops, object_loops_end - object_loops, object, size);
	return gzip__expand(object_whole, object_whole_end - object_whole, object, size);
}

/* That, opened. NULL: errno says why. */
static struct imdstrace_bpf *open_object(struct kernel_types *kernel)
{
	struct imdstrace_bpf *object = calloc(1, sizeof(*object));
	int error = object ? imdstrace_bpf__create_skeleton(object) : -ENOMEM;
	_free_ void *bytes = NULL; /* libbpf keeps none of them */

	if (!error)
		error = expand_object(kernel, &bytes, &object->skeleton->data_sz);
	if (!error) {
		object->skeleton->data = bytes;
		error = bpf_object__open_skeleton(object->skeleton, NULL);
		object->skeleton->data = NULL;
	}
	if (!error)
		return object;
	imdstrace_bpf__destroy(object);
	errno = -error;
	return NULL;
}

/* What a program of that section hangs on, in the kernel's types; NULL: nothing that they list. */
static const char *section__target(const char *section, __u32 *kind, char *name, size_t size)
{
	static const struct {
		const char *prefix, *type_prefix;
		__u32 kind;
	} sections[] = {
		{"tp_btf/", "btf_trace_", BTF_KIND_TYPEDEF},
		{"fentry/", "", BTF_KIND_FUNC},
		{"fexit/", "", BTF_KIND_FUNC},
	};

	for (size_t i = 0; i < ARRAY_SIZE(sections); i++) {
		size_t length = strlen(sections[i].prefix);

		if (strncmp(section, sections[i].prefix, length))
			continue;
		snprintf(name, size, "%s%s", sections[i].type_prefix, section + length);
		*kind = sections[i].kind;
		return name;
	}
	return NULL;
}

/* Whether the kernel has what the chosen programs hang on. 0 or -ENOENT. */
static int find_targets(
	struct imdstrace_bpf *skeleton, struct kernel_types *kernel, struct tracer_failure *failure)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, skeleton->obj)
	{
		const char *section = bpf_program__section_name(program);
		char name[128];
		__u32 kind;

		if (bpf_program__autoload(program) &&
			section__target(section, &kind, name, sizeof(name)) &&
			kernel_types__find(kernel, name, kind) < 0)
			return tracer_failure__set(failure, TRACER_LOOK_UP, section, -ENOENT);
	}
	return 0;
}

static void collect_logs(const struct verifier_logs *logs, struct imdstrace_bpf *skeleton)
{
	struct bpf_program *program;
	size_t i = 0;

	bpf_object__for_each_program(program, skeleton->obj)
	{
		if (!logs->each || !bpf_program__autoload(program))
			continue;
		*logs->each[i] = '\0';
		bpf_program__set_log_level(program, LOG_STATS);
		bpf_program__set_log_buf(program, logs->each[i++], LOG_SIZE);
	}
}

/* A line that closes a verifier's log, whatever it found. */
static bool line__is_sum(const char *line)
{
	static const char *const sums[] = {"processed ", "verification time ", "stack depth "};

	for (size_t i = 0; i < ARRAY_SIZE(sums); i++)
		if (!strncmp(line, sums[i], strlen(sums[i])))
			return true;
	return false;
}

/* Where the last line of a log begins that says why the program was refused, and how long it is;
 * NULL: there is none. */
static const char *log__last_line(const char *log, int *size)
{
	const char *last = NULL;

	for (const char *line = log; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		if (*line == '\n' || line__is_sum(line))
			continue;
		last = line;
		*size = strcspn(line, "\n");
	}
	return last;
}

/* Notes which program the kernel refused to load, and what its verifier said of it: libbpf loads
 * one after the other, and only what has been loaded leaves a log without a complaint. */
static int fail_to_load(const struct verifier_logs *logs, const struct imdstrace_bpf *skeleton,
	struct tracer_failure *failure, int error)
{
	struct bpf_program *program;
	const char *line = NULL;
	size_t i = 0;
	int size = 0;

	bpf_object__for_each_program(program, skeleton->obj)
	{
		if (!logs->each || !bpf_program__autoload(program))
			continue;
		line = log__last_line(logs->each[i], &size);
		if (line || !*logs->each[i])
			break;
		i++;
	}
	tracer_failure__set(
		failure, TRACER_LOAD, program ? bpf_program__section_name(program) : "", error);
	if (line)
		snprintf(failure->verifier, sizeof(failure->verifier), "%.*s", size, line);
	return error;
}

static struct imdstrace_bpf *open_variant(
	const struct object_variant *variant, struct kernel_types *kernel)
{
	struct imdstrace_bpf *opened = open_object(kernel);

	if (!opened)
		return NULL;
	choose_programs(opened, variant->mode, kernel, variant->responses, &variant->witness);
	choose_rehearsal(opened, variant->rehearsal);
	opened->rodata->disable_preemption = variant->disable_preemption;
	opened->rodata->probes_are_second = !variant->mode->kprobes;
	return opened;
}

/*
 * Loads once more to hear what the verifier says. Not at once, because a log that is too small
 * fails a program that is not at fault (loops that are followed round by round fill one).
 */
static void explain_load(const struct verifier_logs *logs, const struct object_variant *variant,
	struct kernel_types *kernel, struct tracer_failure *failure, int error)
{
	struct imdstrace_bpf *opened = open_variant(variant, kernel);

	if (!opened) {
		tracer_failure__set(failure, TRACER_LOAD, "", error);
		return;
	}
	libbpf_set_print(NULL); /* has printed all of it */
	collect_logs(logs, opened);
	kernel_types__drop(kernel);
	imdstrace_bpf__load(opened);
	fail_to_load(logs, opened, failure, error);
	libbpf_set_print(hear_libbpf);
	imdstrace_bpf__destroy(opened);
}

int object__load(struct imdstrace_bpf **skeleton, const struct object_variant *variant,
	struct kernel_types *kernel, const struct verifier_logs *logs,
	struct tracer_failure *failure)
{
	struct imdstrace_bpf *opened = open_variant(variant, kernel);
	int error;

	if (!opened)
		return tracer_failure__set(failure, TRACER_LOAD, "", -errno);
	error = find_targets(opened, kernel, failure);
	if (!error) {
		if (logs->measured)
			collect_logs(logs, opened);
		kernel_types__drop(kernel); /* libbpf reads its own, twice over */
		error = imdstrace_bpf__load(opened);
		if (error)
			explain_load(logs, variant, kernel, failure, error);
	}
	if (error)
		imdstrace_bpf__destroy(opened);
	else
		*skeleton = opened;
	return error;
}
