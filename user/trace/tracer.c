/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "trace/tracer.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "trace/attach_modes.h"
#include "trace/bpf_object.h"
#include "trace/cgroup_root.h"
#include "trace/kernel.h"
#include "trace/witness.h"

/* Records that are handed over at a time: more than the ring buffer holds. */
#define RECORDS_MAX 65536

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
	struct verifier_logs logs;
	unsigned int handed; /* records since the poll began */
	bool counts_skipped; /* the kernel counts the programs that it skips */
};

const struct tracer_mode tracer_modes[] = {
	{"fentry", "function entry through BPF trampolines"},
	{"tracepoint", "BTF tracepoints in tcp_sendmsg_locked and behind the send"},
	{"kprobe", "kprobes, for kernels without trampolines"},
	{NULL, NULL},
};

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
	tracer_failure__set(&failure, TRACER_ATTACH,
		bpf_program__section_name(skeleton->progs.on_packet), -errno);
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
	struct kernel_types *kernel, struct tracer_failure *failure)
{
	struct object_variant variant = {
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
		error = object__load(skeleton, &variant, kernel, &tracer->logs, failure);
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
		return tracer_failure__set(
			failure, TRACER_ATTACH, bpf_program__section_name(program), error);
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
	return error ? tracer_failure__set(failure, TRACER_ATTACH, section, error) : 0;
}

static int attach_hooks(struct tracer *tracer, const struct mode *mode, struct kernel_types *kernel,
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

static bool has_push(struct kernel_types *kernel)
{
	return kernel__has(kernel, "tcp_push") && !kernel__has_parts("tcp_push");
}

static int attach(struct tracer *tracer, const struct mode *mode, struct kernel_types *kernel,
	struct tracer_failure *failure)
{
	const struct mode *chosen = mode;
	int error = mode->entered ? kernel__refuses_fentry(kernel, mode->entered) : 0;
	char section[64];

	/* Or all of the object would be loaded to hear the same, once for each of its variants. */
	if (error) {
		snprintf(section, sizeof(section), "fentry/%s", mode->entered);
		return tracer_failure__set(failure, TRACER_LOAD, section, error);
	}
	if (mode->without_push && !has_push(kernel))
		chosen = mode->without_push;
	error = attach_hooks(tracer, chosen, kernel, failure);
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

	if (size >= REQUEST_RECORD_MIN &&
		size - REQUEST_RECORD_MIN >=
			(size_t)request->method_size + request->path_size + request->agent_size)
		tracer->sink.request(tracer->sink.context, request);
	/* libbpf goes on for as long as there are records: whoever sends fast enough would keep the
	 * tracer from everything else. */
	return ++tracer->handed < RECORDS_MAX ? 0 : -ECANCELED;
}

static int open_ring(struct tracer *tracer, struct tracer_failure *failure)
{
	tracer->ring = ring_buffer__new(
		bpf_map__fd(tracer->skeleton->maps.records), hand_over, tracer, NULL);
	return tracer->ring ? 0 : tracer_failure__set(failure, TRACER_READ, "", -errno);
}

int tracer__open(struct tracer **tracer, const struct tracer_options *options,
	const struct tracer_sink *sink, struct tracer_failure *failures)
{
	struct tracer *opened = calloc(1, sizeof(*opened));
	struct kernel_types types = {0}, *kernel = &types;
	int error = -ENOTSUP;

	if (!opened)
		return tracer_failure__set(&failures[0], TRACER_LOAD, "", -ENOMEM);
	verifier_logs__open(&opened->logs, options->measure);
	bpf_object__hear_libbpf();
	libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
	opened->sink = *sink;
	opened->rehearsal = options->rehearsal;
	opened->root = cgroup__open_root();
	if (opened->root < 0) {
		tracer_failure__set(&opened->responses_failure, TRACER_LOOK_UP, "", -errno);
		witness__give_up(&opened->witness, &opened->responses_failure);
	}
	opened->cgroup = -1;
	if (options->no_responses)
		opened->responses_failure = (struct tracer_failure){0};
	else if (opened->root >= 0)
		opened->cgroup = fcntl(opened->root, F_DUPFD_CLOEXEC, 0);
	if (!kernel_types__read(kernel)) {
		error = tracer_failure__set(&failures[0], TRACER_LOOK_UP, "", -errno);
		goto out;
	}
	if (!kernel__has_helper(kernel, "BPF_FUNC_ringbuf_reserve")) {
		error = tracer_failure__set(
			&failures[0], TRACER_LOOK_UP, "helper/bpf_ringbuf_reserve", -ENOENT);
		goto out;
	}
	opened->counts_skipped = kernel__counts_skipped(kernel);
	for (size_t i = 0; tracer_modes[i].name && error; i++)
		if (!options->mode || !strcmp(options->mode, tracer_modes[i].name))
			error = attach(opened, &modes[i], kernel, &failures[i]);
	if (!error)
		error = open_ring(opened, &failures[opened->mode - modes]);
	if (!opened->logs.measured)
		verifier_logs__close(&opened->logs);
out:
	kernel_types__drop(kernel);
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
	verifier_logs__close(&tracer->logs);
	free(tracer);
}

const char *tracer__mode(const struct tracer *tracer)
{
	return tracer_modes[tracer->mode - modes].name;
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
			.verified = tracer->logs.each ? log__verified(tracer->logs.each[count])
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
