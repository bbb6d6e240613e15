/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "trace/tracer.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "imdstrace.skel.h"
#include "imdstrace_loops.skel.h"
#include "imdstrace_rounds.skel.h"
#include "trace/attach_modes.h"
#include "trace/kernel.h"
#include "trace/witness.h"

#include "lib/array.h"

#define LOG_SIZE (1 << 20)
/* BPF_LOG_STATS, include/linux/bpf_verifier.h (since 5.2): the verifier's complaint and its sum,
 * which cost it nothing, and no line for each instruction. */
#define LOG_STATS 4
/* Records that are handed over at a time: more than the ring buffer holds. */
#define RECORDS_MAX 4096

struct tracer {
	const struct mode *mode;
	const struct tracer_addition *rehearsal; /* NULL: none */
	struct imdstrace_bpf *skeleton;
	struct ring_buffer *ring;
	struct tracer_sink sink;
	struct witness witness;
	int root;                                /* of cgroup2, or -1 */
	int cgroup;                              /* the same; -1: responses are not watched */
	struct tracer_failure responses_failure; /* why not; error 0: not asked for */
	char (*logs)[LOG_SIZE];                  /* the verifier's words on each program */
	bool measured;       /* only those tell how many instructions it looked at */
	unsigned int handed; /* records since the poll began */
	bool counts_skipped; /* the kernel counts the programs that it skips */
};

const struct tracer_mode tracer_modes[] = {
	{"fentry", "function entry through BPF trampolines"},
	{"tracepoint", "BTF tracepoints in tcp_sendmsg_locked and behind the send"},
	{"kprobe", "kprobes, for kernels without trampolines"},
	{NULL, NULL},
};

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

static int fail(
	struct tracer_failure *failure, enum tracer_step step, const char *section, int error)
{
	*failure = (struct tracer_failure){.step = step, .error = -error};
	snprintf(failure->section, sizeof(failure->section), "%s", section);
	return error;
}

/* Where the root of cgroup2 may be mounted: seen from pid 1 first, which no container's cgroup
 * namespace narrows where pids are the host's. */
static const char *const cgroup_roots[] = {
	"/proc/1/root/sys/fs/cgroup",
	"/proc/1/root/sys/fs/cgroup/unified",
	"/sys/fs/cgroup",
	"/sys/fs/cgroup/unified",
};

/* The hierarchy, mounted (5.2) for this descriptor alone; -1 where the kernel or a sandbox refuses.
 */
static int cgroup__mount_root(void)
{
	int context = fsopen("cgroup2", FSOPEN_CLOEXEC);
	int mount = -1;

	if (context < 0)
		return -1;
	if (!fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		mount = fsmount(context, FSMOUNT_CLOEXEC, 0);
	close(context);
	return mount;
}

static int cgroup__open_root(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(cgroup_roots); i++) {
		int root = open(cgroup_roots[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		struct statfs system;

		if (root < 0)
			continue;
		if (!fstatfs(root, &system) && system.f_type == CGROUP2_SUPER_MAGIC)
			return root;
		close(root);
	}
	return cgroup__mount_root();
}

/* The maps that a rehearsal's programs alone use, and the largest of them. */
static const char *const rehearsal_maps[] = {"connecting_in_scope", "rehearsed_sockets",
	"rehearsals", "rehearsed_processes", "rehearsal_scope", "scope_cgroups", "scope_pids"};

/* Whether the program is a rehearsal's, by its name. */
static bool program__rehearses(const struct bpf_program *program)
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

static bool has_place(
	const struct btf *kernel, const struct hook *hook, const struct witness_programs *witness)
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
	const struct btf *kernel, bool responses, const struct witness_programs *witness)
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

/* The object that names no more than the kernel has, opened. NULL: errno says why. */
static struct imdstrace_bpf *open_object(const struct btf *kernel)
{
	struct imdstrace_bpf *object = calloc(1, sizeof(*object));
	struct bpf_object_skeleton *skeleton;
	int error = object ? imdstrace_bpf__create_skeleton(object) : -ENOMEM;

	if (!error) {
		skeleton = object->skeleton;
		if (!kernel__has_helper(kernel, "BPF_FUNC_loop"))
			skeleton->data = imdstrace_rounds_bpf__elf_bytes(&skeleton->data_sz);
		else if (!kernel__has(kernel, "bpf_preempt_disable"))
			skeleton->data = imdstrace_loops_bpf__elf_bytes(&skeleton->data_sz);
		error = bpf_object__open_skeleton(skeleton, NULL);
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
	struct imdstrace_bpf *skeleton, const struct btf *kernel, struct tracer_failure *failure)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, skeleton->obj)
	{
		const char *section = bpf_program__section_name(program);
		char name[128];
		__u32 kind;

		if (bpf_program__autoload(program) &&
			section__target(section, &kind, name, sizeof(name)) &&
			btf__find_by_name_kind(kernel, name, kind) < 0)
			return fail(failure, TRACER_LOOK_UP, section, -ENOENT);
	}
	return 0;
}

static void collect_logs(struct tracer *tracer, struct imdstrace_bpf *skeleton)
{
	struct bpf_program *program;
	size_t i = 0;

	bpf_object__for_each_program(program, skeleton->obj)
	{
		if (!tracer->logs || !bpf_program__autoload(program))
			continue;
		*tracer->logs[i] = '\0';
		bpf_program__set_log_level(program, LOG_STATS);
		bpf_program__set_log_buf(program, tracer->logs[i++], LOG_SIZE);
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
static int fail_to_load(const struct tracer *tracer, const struct imdstrace_bpf *skeleton,
	struct tracer_failure *failure, int error)
{
	struct bpf_program *program;
	const char *line = NULL;
	size_t i = 0;
	int size = 0;

	bpf_object__for_each_program(program, skeleton->obj)
	{
		if (!tracer->logs || !bpf_program__autoload(program))
			continue;
		line = log__last_line(tracer->logs[i], &size);
		if (line || !*tracer->logs[i])
			break;
		i++;
	}
	fail(failure, TRACER_LOAD, program ? bpf_program__section_name(program) : "", error);
	if (line)
		snprintf(failure->verifier, sizeof(failure->verifier), "%.*s", size, line);
	return error;
}

/* The programs of an attach mode, as they are to be loaded. */
struct variant {
	const struct mode *mode;
	const struct tracer_addition *rehearsal;
	bool responses, disable_preemption;
	struct witness_programs witness;
};

static struct imdstrace_bpf *open_variant(const struct variant *variant, const struct btf *kernel)
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
static void explain_load(struct tracer *tracer, const struct variant *variant,
	const struct btf *kernel, struct tracer_failure *failure, int error)
{
	struct imdstrace_bpf *opened = open_variant(variant, kernel);

	if (!opened) {
		fail(failure, TRACER_LOAD, "", error);
		return;
	}
	libbpf_set_print(NULL); /* has printed all of it */
	collect_logs(tracer, opened);
	imdstrace_bpf__load(opened);
	fail_to_load(tracer, opened, failure, error);
	libbpf_set_print(hear_libbpf);
	imdstrace_bpf__destroy(opened);
}

static int open_loaded(struct tracer *tracer, struct imdstrace_bpf **skeleton,
	const struct variant *variant, const struct btf *kernel, struct tracer_failure *failure)
{
	struct imdstrace_bpf *opened = open_variant(variant, kernel);
	int error;

	if (!opened)
		return fail(failure, TRACER_LOAD, "", -errno);
	error = find_targets(opened, kernel, failure);
	if (!error) {
		if (tracer->measured)
			collect_logs(tracer, opened);
		error = imdstrace_bpf__load(opened);
		if (error)
			explain_load(tracer, variant, kernel, failure, error);
	}
	if (error)
		imdstrace_bpf__destroy(opened);
	else
		*skeleton = opened;
	return error;
}

static void tracer__leave_responses(struct tracer *tracer, const struct tracer_failure *why)
{
	tracer->responses_failure = *why;
	close(tracer->cgroup);
	tracer->cgroup = -1;
}

/* Responses are worth having and not worth failing for. */
static void attach_responses(struct tracer *tracer)
{
	struct imdstrace_bpf *skeleton = tracer->skeleton;
	struct tracer_failure failure;

	if (tracer->cgroup < 0)
		return;
	skeleton->links.on_packet =
		bpf_program__attach_cgroup(skeleton->progs.on_packet, tracer->cgroup);
	if (skeleton->links.on_packet)
		return;
	fail(&failure, TRACER_ATTACH, bpf_program__section_name(skeleton->progs.on_packet), -errno);
	tracer__leave_responses(tracer, &failure);
}

static bool failure__is_of_responses(const struct tracer_failure *failure)
{
	return failure->step == TRACER_LOAD && !strcmp(failure->section, "cgroup_skb/ingress");
}

/*
 * Loads the variant that does most, and leaves out what the kernel refuses: responses if it is
 * their program, else the hold on the CPU. 0 or -errno of the last one.
 */
static int load(struct tracer *tracer, struct imdstrace_bpf **skeleton, const struct mode *mode,
	const struct btf *kernel, struct tracer_failure *failure)
{
	struct variant variant = {
		.mode = mode,
		.rehearsal = tracer->rehearsal,
		.responses = tracer->cgroup >= 0,
		.witness = {.sent = tracer->root >= 0,
			.forwards = tracer->root >= 0,
			.connects = tracer->root >= 0},
		.disable_preemption =
			mode->may_hold_cpu && kernel__has(kernel, "bpf_preempt_disable"),
	};
	struct tracer_failure refused = {0};
	int error;

	for (;;) {
		error = open_loaded(tracer, skeleton, &variant, kernel, failure);
		if (!error || failure->step != TRACER_LOAD)
			break;
		if (variant.responses && failure__is_of_responses(failure)) {
			refused = *failure;
			variant.responses = false;
		} else if (witness__leave_out(&tracer->witness, &variant.witness, failure)) {
			continue;
		} else if (variant.disable_preemption) {
			variant.disable_preemption = false;
		} else {
			break;
		}
	}
	if (!error && refused.error)
		tracer__leave_responses(tracer, &refused);
	return error;
}

static bool mode__can_do_without(const struct mode *mode, const struct bpf_program *program)
{
	for (const struct hook *hook = mode->hooks; hook->program; hook++)
		if (!strcmp(hook->program, bpf_program__name(program)))
			return hook->need == SECOND_CHANCE || hook->need == FORWARDS ||
			       hook->need == CONNECTS;
	return false;
}

/* Programs that hang on something that only others know, as a cgroup. */
static bool is_attached_elsewhere(
	const struct imdstrace_bpf *skeleton, const struct bpf_program *program)
{
	return program == skeleton->progs.on_packet || program == skeleton->progs.on_end ||
	       program == skeleton->progs.on_egress || program == skeleton->progs.on_connect ||
	       program == skeleton->progs.on_forward || program == skeleton->progs.look_up;
}

/* As imdstrace_bpf__attach(), which does not say which program it was. Programs that hang on
 * something that only the caller knows, as a cgroup, are left to it. */
static int attach_programs(
	struct imdstrace_bpf *skeleton, const struct mode *mode, struct tracer_failure *failure)
{
	for (int i = 0; i < skeleton->skeleton->prog_cnt; i++) {
		struct bpf_prog_skeleton *each = &skeleton->skeleton->progs[i];
		struct bpf_program *program = *each->prog;
		int error;

		if (!bpf_program__autoload(program) || is_attached_elsewhere(skeleton, program) ||
			program__rehearses(program))
			continue;
		*each->link = bpf_program__attach(program);
		if (*each->link || mode__can_do_without(mode, program))
			continue;
		error = -errno;
		return fail(failure, TRACER_ATTACH, bpf_program__section_name(program), error);
	}
	return 0;
}

/* First, because what it does at a connection's end comes before the books are settled. */
static int attach_rehearsal(
	struct tracer *tracer, struct imdstrace_bpf *skeleton, struct tracer_failure *failure)
{
	const struct tracer_addition *rehearsal = tracer->rehearsal;
	const char *section = "";
	int error;

	if (!rehearsal)
		return 0;
	error = rehearsal->loaded(rehearsal->context, skeleton->obj, tracer->cgroup, &section);
	return error ? fail(failure, TRACER_ATTACH, section, error) : 0;
}

static int attach_hooks(struct tracer *tracer, const struct mode *mode, const struct btf *kernel,
	struct tracer_failure *failure)
{
	struct imdstrace_bpf *skeleton;
	int error = load(tracer, &skeleton, mode, kernel, failure);

	if (error)
		return error;
	error = attach_rehearsal(tracer, skeleton, failure);
	if (!error)
		error = attach_programs(skeleton, mode, failure);
	if (error)
		imdstrace_bpf__destroy(skeleton);
	else
		tracer->skeleton = skeleton;
	return error;
}

static bool has_push(const struct btf *kernel)
{
	return kernel__has(kernel, "tcp_push") && !kernel__has_parts("tcp_push");
}

static int attach(struct tracer *tracer, const struct mode *mode, const struct btf *kernel,
	struct tracer_failure *failure)
{
	const struct mode *chosen =
		mode->without_push && !has_push(kernel) ? mode->without_push : mode;
	int error = attach_hooks(tracer, chosen, kernel, failure);

	if (error)
		return error;
	*failure = (struct tracer_failure){0};
	tracer->mode = mode;
	attach_responses(tracer);
	witness__attach(&tracer->witness, tracer->skeleton, tracer->root);
	return 0;
}

static int hand_over(void *context, void *bytes, size_t size)
{
	struct tracer *tracer = context;
	const struct request_record *request = bytes;

	if (size >= sizeof(*request))
		tracer->sink.request(tracer->sink.context, request);
	/* libbpf goes on for as long as there are records: whoever sends fast enough would keep the
	 * tracer from everything else. */
	return ++tracer->handed < RECORDS_MAX ? 0 : -ECANCELED;
}

static int open_ring(struct tracer *tracer, struct tracer_failure *failure)
{
	tracer->ring = ring_buffer__new(
		bpf_map__fd(tracer->skeleton->maps.records), hand_over, tracer, NULL);
	return tracer->ring ? 0 : fail(failure, TRACER_READ, "", -errno);
}

int tracer__open(struct tracer **tracer, const struct tracer_options *options,
	const struct tracer_sink *sink, struct tracer_failure *failures)
{
	struct tracer *opened = calloc(1, sizeof(*opened));
	struct btf *kernel;
	int error = -ENOTSUP;

	if (!opened)
		return fail(&failures[0], TRACER_LOAD, "", -ENOMEM);
	opened->logs = calloc(LOGS_MAX, LOG_SIZE);
	opened->measured = options->measure && opened->logs && !kernel__counts_verified();
	libbpf_set_print(hear_libbpf);
	libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
	opened->sink = *sink;
	opened->rehearsal = options->rehearsal;
	opened->root = cgroup__open_root();
	if (opened->root < 0) {
		fail(&opened->responses_failure, TRACER_LOOK_UP, "", -errno);
		witness__give_up(&opened->witness, &opened->responses_failure);
	}
	opened->cgroup = -1;
	if (options->no_responses)
		opened->responses_failure = (struct tracer_failure){0};
	else if (opened->root >= 0)
		opened->cgroup = fcntl(opened->root, F_DUPFD_CLOEXEC, 0);
	kernel = btf__load_vmlinux_btf();
	if (!kernel) {
		error = fail(&failures[0], TRACER_LOOK_UP, "", -errno);
		goto out;
	}
	if (!kernel__has_helper(kernel, "BPF_FUNC_ringbuf_reserve")) {
		error = fail(&failures[0], TRACER_LOOK_UP, "helper/bpf_ringbuf_reserve", -ENOENT);
		goto out;
	}
	opened->counts_skipped = kernel__counts_skipped(kernel);
	for (size_t i = 0; tracer_modes[i].name && error; i++)
		if (!options->mode || !strcmp(options->mode, tracer_modes[i].name))
			error = attach(opened, &modes[i], kernel, &failures[i]);
	if (!error)
		error = open_ring(opened, &failures[opened->mode - modes]);
	if (!opened->measured) {
		free(opened->logs);
		opened->logs = NULL;
	}
out:
	btf__free(kernel);
	malloc_trim(0); /* what loading took: the kernel's types, several times over */
	if (error)
		tracer__close(opened);
	else
		*tracer = opened;
	return error;
}

void tracer__close(struct tracer *tracer)
{
	if (!tracer)
		return;
	ring_buffer__free(tracer->ring);
	witness__detach(&tracer->witness);
	imdstrace_bpf__destroy(tracer->skeleton);
	if (tracer->cgroup >= 0)
		close(tracer->cgroup);
	if (tracer->root >= 0)
		close(tracer->root);
	free(tracer->logs);
	free(tracer);
}

const char *tracer__mode(const struct tracer *tracer)
{
	return tracer_modes[tracer->mode - modes].name;
}

/* From the verifier's line "processed 1234 insns (limit 1000000) ...". */
static unsigned int log__verified(const char *log)
{
	const char *line = strstr(log, "processed ");
	unsigned int verified = 0;

	if (line)
		sscanf(line, "processed %u insns", &verified);
	return verified;
}

size_t tracer__programs(const struct tracer *tracer, struct tracer_program *programs, size_t max)
{
	struct bpf_program *program;
	size_t count = 0;

	bpf_object__for_each_program(program, tracer->skeleton->obj)
	{
		struct bpf_prog_info info = {};
		__u32 size = sizeof(info);

		if (bpf_program__fd(program) < 0 || count >= max)
			continue;
		bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size);
		programs[count] = (struct tracer_program){
			.verified = tracer->logs ? log__verified(tracer->logs[count])
						 : info.verified_insns,
			.jited = info.jited_prog_len,
		};
		snprintf(programs[count].name, sizeof(programs[count].name), "%s",
			bpf_program__name(program));
		count++;
	}
	return count;
}

bool tracer__responses(const struct tracer *tracer)
{
	return tracer->cgroup >= 0;
}

const struct tracer_failure *tracer__responses_failure(const struct tracer *tracer)
{
	return tracer->responses_failure.error ? &tracer->responses_failure : NULL;
}

void tracer__end_rehearsal(struct tracer *tracer)
{
	tracer->skeleton->bss->rehearsal_over = true;
}

const struct tracer_failure *tracer__witness_failure(
	const struct tracer *tracer, enum witness_kind kind)
{
	const struct tracer_failure *failure = &tracer->witness.failures[kind];

	return failure->error ? failure : NULL;
}

/* Runs on_end() for each connection that is open. 0 or -errno. */
static int tracer__visit_connections(const struct tracer *tracer)
{
	const struct bpf_map *map = tracer->skeleton->maps.connections;
	int program = bpf_program__fd(tracer->skeleton->progs.on_end);
	__u64 key = 0;
	LIBBPF_OPTS(bpf_test_run_opts, options, .ctx_in = &key, .ctx_size_in = sizeof(key));
	/* where an entry goes while they are looked at, the kernel begins anew */
	__u32 visits = 2 * bpf_map__max_entries(map);
	const __u64 *last = NULL;
	int error = 0;

	while (!error && visits-- && !bpf_map_get_next_key(bpf_map__fd(map), last, &key)) {
		last = &key;
		error = bpf_prog_test_run_opts(program, &options) ? -errno : 0;
	}
	return error;
}

int tracer__stop(struct tracer *tracer)
{
	int before = tracer__visit_connections(tracer), behind;

	imdstrace_bpf__detach(tracer->skeleton);
	witness__detach(&tracer->witness);
	tracer->skeleton->bss->detached = true;
	behind = tracer__visit_connections(tracer);
	return before ? before : behind;
}

int tracer__poll(struct tracer *tracer, int timeout_ms)
{
	int handed;

	tracer->handed = 0;
	handed = ring_buffer__poll(tracer->ring, timeout_ms);
	return handed < 0 && handed != -ECANCELED ? handed : 0;
}

int tracer__drain(struct tracer *tracer)
{
	int handed;

	do {
		tracer->handed = 0;
		handed = ring_buffer__consume(tracer->ring);
	} while (handed == -ECANCELED);
	return handed < 0 ? handed : 0;
}

void tracer__counters(const struct tracer *tracer, struct counters *counters)
{
	*counters = tracer->skeleton->bss->counters;
}

/* Runs look_up(), which says whether there was an answer. 0, or -ENOENT. */
static int tracer__ask(
	const struct tracer *tracer, enum asked question, const struct process_key *key)
{
	__u64 arguments[] = {key->start_ns, key->pid | (__u64)key->exec_count << 32, question};
	LIBBPF_OPTS(
		bpf_test_run_opts, options, .ctx_in = arguments, .ctx_size_in = sizeof(arguments));
	int error =
		bpf_prog_test_run_opts(bpf_program__fd(tracer->skeleton->progs.look_up), &options);

	return !error && options.retval ? 0 : -ENOENT;
}

int tracer__take_identity(
	struct tracer *tracer, const struct process_key *key, struct identity *identity)
{
	int error = tracer__ask(tracer, ASK_IDENTITY, key);

	if (!error)
		*identity = tracer->skeleton->bss->asked_identity;
	return error;
}

int tracer__stats(
	const struct tracer *tracer, const struct process_key *key, struct process_stats *stats)
{
	int error = tracer__ask(tracer, ASK_STATS, key);

	if (!error)
		*stats = tracer->skeleton->bss->asked_stats;
	return error;
}

int tracer__next_stats(const struct tracer *tracer, const struct process_key *key,
	struct process_key *next, struct process_stats *stats)
{
	const struct bpf_map *map = tracer->skeleton->maps.process_stats;

	do {
		if (bpf_map_get_next_key(bpf_map__fd(map), key, next))
			return -ENOENT;
		key = next;
	} while (tracer__stats(tracer, next, stats));
	return 0;
}

void tracer__forget(struct tracer *tracer, const struct process_key *key)
{
	tracer__ask(tracer, ASK_TO_FORGET, key);
}

bool tracer__needs_capability(const struct tracer *tracer)
{
	const struct bpf_map *map = tracer->skeleton->maps.process_stats;
	struct process_key key;

	return bpf_map_get_next_key(bpf_map__fd(map), NULL, &key) && errno == EPERM;
}

void tracer__skipped(const struct tracer *tracer, struct tracer_skipped *skipped)
{
	struct bpf_program *program;
	size_t used = 0;

	*skipped = (struct tracer_skipped){.counted = tracer->counts_skipped};
	bpf_object__for_each_program(program, tracer->skeleton->obj)
	{
		struct bpf_prog_info info = {};
		__u32 info_size = sizeof(info);

		if (bpf_program__fd(program) < 0 ||
			bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &info_size) ||
			!info.recursion_misses)
			continue;
		skipped->count += info.recursion_misses;
		if (used < sizeof(skipped->programs))
			used += snprintf(skipped->programs + used, sizeof(skipped->programs) - used,
				"%s%s %llu", used ? ", " : "", bpf_program__name(program),
				info.recursion_misses);
	}
}
