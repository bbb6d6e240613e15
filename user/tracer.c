/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "tracer.h"

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
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "imdstrace.skel.h"

#define PROGRAMS_MAX 8

struct tracer {
	const struct way *way;
	struct imdstrace_bpf *skeleton;
	struct ring_buffer *ring;
	struct tracer_sink sink;
	int cgroup; /* the root of cgroup2; -1: responses are not watched */
};

/* A program of a way, and the kernel function without which it has no place. */
struct hook {
	const char *program;
	const char *function; /* NULL: the way needs this program; else only where that function
				 exists */
};

/* In place of a function: only where tasks are preempted inside the kernel. */
#define PREEMPTIBLE "(preemption)"

struct way {
	struct hook hooks[PROGRAMS_MAX];
	bool may_hold_cpu; /* has a variant that keeps preemption off */
};

const struct tracer_way tracer_ways[] = {
	{"fentry", "function entry and exit through BPF trampolines"},
	{"tracepoint", "BTF tracepoints in tcp_sendmsg_locked and behind the send"},
	{"kprobe", "kprobes and kretprobes, for kernels without trampolines"},
	{NULL, NULL},
};

/* Rows as in tracer_ways. */
static const struct way ways[] = {
	{
		{
			{"tcp_sendmsg_enter", NULL},
			{"tcp_sendmsg_exit", NULL},
			{"tcp_sendmsg_exit_again", PREEMPTIBLE},
			{"mptcp_sendmsg_enter", "mptcp_sendmsg"},
			{"mptcp_sendmsg_exit", "mptcp_sendmsg"},
			{"tcp_sendpage_exit", "tcp_sendpage"},
		},
		true,
	},
	{
		{
			{"sendmsg_locked", NULL},
			{"send_length", NULL},
		},
		false,
	},
	{
		{
			{"tcp_sendmsg_probe", NULL},
			{"tcp_sendmsg_return", NULL},
			{"mptcp_sendmsg_probe", "mptcp_sendmsg"},
			{"mptcp_sendmsg_return", "mptcp_sendmsg"},
			{"tcp_sendpage_probe", "tcp_sendpage"},
			{"tcp_sendpage_return", "tcp_sendpage"},
		},
		false,
	},
};

static const struct hook common_hooks[] = {{"on_state", NULL}, {"on_destroy", NULL}};

/* libbpf complains of every way that a kernel refuses; only whoever looks for the reason hears it.
 */
static int hear_libbpf(enum libbpf_print_level level, const char *format, va_list arguments)
{
	(void)level;
	return getenv("IMDSTRACE_DEBUG") ? vfprintf(stderr, format, arguments) : 0;
}

static int fail(struct tracer_failure *failure, int error, const char *what)
{
	failure->error = -error;
	snprintf(failure->sentence, sizeof(failure->sentence), "%s: %s", what, strerror(-error));
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
	for (size_t i = 0; i < sizeof(cgroup_roots) / sizeof(*cgroup_roots); i++) {
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

static bool kernel_has(const struct btf *kernel, const char *function)
{
	return btf__find_by_name_kind(kernel, function, BTF_KIND_FUNC) > 0;
}

/* As the kernel's version line says it ("#1 SMP PREEMPT_DYNAMIC ..."), also where it is an option
 * of the boot and may be off. */
static bool kernel_preempts(void)
{
	struct utsname name;

	return uname(&name) || strstr(name.version, "PREEMPT");
}

static bool has_place(const struct btf *kernel, const char *function)
{
	return strcmp(function, PREEMPTIBLE) ? kernel_has(kernel, function) : kernel_preempts();
}

static void choose_programs(struct imdstrace_bpf *skeleton, const struct way *way,
	const struct btf *kernel, bool responses)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, skeleton->obj)
		bpf_program__set_autoload(program, false);
	for (size_t i = 0; i < sizeof(common_hooks) / sizeof(*common_hooks); i++) {
		program = bpf_object__find_program_by_name(skeleton->obj, common_hooks[i].program);
		bpf_program__set_autoload(program, true);
	}
	bpf_program__set_autoload(skeleton->progs.on_packet, responses);
	for (const struct hook *hook = way->hooks; hook->program; hook++) {
		program = bpf_object__find_program_by_name(skeleton->obj, hook->program);
		if (!hook->function || has_place(kernel, hook->function))
			bpf_program__set_autoload(program, true);
	}
}

static int open_loaded(struct imdstrace_bpf **skeleton, const struct way *way,
	const struct btf *kernel, bool responses, bool hold_cpu, struct tracer_failure *failure)
{
	struct imdstrace_bpf *opened = imdstrace_bpf__open();
	int error;

	if (!opened)
		return fail(failure, -errno, "the BPF object cannot be opened");
	choose_programs(opened, way, kernel, responses);
	opened->rodata->hold_cpu = hold_cpu;
	error = imdstrace_bpf__load(opened);
	if (error) {
		imdstrace_bpf__destroy(opened);
		return fail(failure, error, "the kernel refuses to load the program");
	}
	*skeleton = opened;
	return 0;
}

static void tracer__leave_responses(struct tracer *tracer)
{
	close(tracer->cgroup);
	tracer->cgroup = -1;
}

/* Responses are worth having and not worth failing for. */
static void attach_responses(struct tracer *tracer)
{
	struct imdstrace_bpf *skeleton = tracer->skeleton;

	if (tracer->cgroup < 0)
		return;
	skeleton->links.on_packet =
		bpf_program__attach_cgroup(skeleton->progs.on_packet, tracer->cgroup);
	if (!skeleton->links.on_packet)
		tracer__leave_responses(tracer);
}

/*
 * Loads the variant that does most, and leaves out what the kernel refuses: first the hold on the
 * CPU, then responses. 0 or -errno of the last one.
 */
static int load(struct tracer *tracer, struct imdstrace_bpf **skeleton, const struct way *way,
	const struct btf *kernel, struct tracer_failure *failure)
{
	bool may_hold_cpu = way->may_hold_cpu && kernel_has(kernel, "bpf_preempt_disable");
	bool responses = tracer->cgroup >= 0;
	int error = -ENOTSUP;

	for (int hold_cpu = may_hold_cpu; error && hold_cpu >= 0; hold_cpu--)
		error = open_loaded(skeleton, way, kernel, responses, hold_cpu, failure);
	if (!error || !responses)
		return error;
	error = open_loaded(skeleton, way, kernel, false, false, failure);
	if (!error)
		tracer__leave_responses(tracer);
	return error;
}

static int attach(struct tracer *tracer, const struct way *way, const struct btf *kernel,
	struct tracer_failure *failure)
{
	struct imdstrace_bpf *skeleton;
	int error = load(tracer, &skeleton, way, kernel, failure);

	if (error)
		return error;
	error = imdstrace_bpf__attach(skeleton);
	if (error) {
		imdstrace_bpf__destroy(skeleton);
		return fail(failure, error, "the kernel refuses to attach the program");
	}
	memset(failure, 0, sizeof(*failure));
	tracer->skeleton = skeleton;
	tracer->way = way;
	attach_responses(tracer);
	return 0;
}

static int hand_over(void *context, void *bytes, size_t size)
{
	struct tracer *tracer = context;
	const struct request_record *request = bytes;

	if (size >= sizeof(*request))
		tracer->sink.request(tracer->sink.context, request);
	return 0;
}

static int open_ring(struct tracer *tracer)
{
	tracer->ring = ring_buffer__new(
		bpf_map__fd(tracer->skeleton->maps.records), hand_over, tracer, NULL);
	return tracer->ring ? 0 : -errno;
}

int tracer__open(struct tracer **tracer, const struct tracer_options *options,
	const struct tracer_sink *sink, struct tracer_failure *failures)
{
	struct tracer *opened = calloc(1, sizeof(*opened));
	struct btf *kernel;
	int error = -ENOTSUP;

	if (!opened)
		return -ENOMEM;
	libbpf_set_print(hear_libbpf);
	libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
	opened->sink = *sink;
	opened->cgroup = options->no_responses ? -1 : cgroup__open_root();
	kernel = btf__load_vmlinux_btf();
	if (!kernel) {
		error = fail(&failures[0], -errno, "the kernel's BTF cannot be read");
		goto out;
	}
	for (size_t i = 0; tracer_ways[i].name && error; i++)
		if (!options->way || !strcmp(options->way, tracer_ways[i].name))
			error = attach(opened, &ways[i], kernel, &failures[i]);
	if (!error)
		error = open_ring(opened);
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
	imdstrace_bpf__destroy(tracer->skeleton);
	if (tracer->cgroup >= 0)
		close(tracer->cgroup);
	free(tracer);
}

const char *tracer__way(const struct tracer *tracer)
{
	return tracer_ways[tracer->way - ways].name;
}

bool tracer__responses(const struct tracer *tracer)
{
	return tracer->cgroup >= 0;
}

void tracer__stop(struct tracer *tracer)
{
	imdstrace_bpf__detach(tracer->skeleton);
}

int tracer__poll(struct tracer *tracer, int timeout_ms)
{
	int handed = ring_buffer__poll(tracer->ring, timeout_ms);

	return handed < 0 ? handed : 0;
}

int tracer__drain(struct tracer *tracer)
{
	int handed = ring_buffer__consume(tracer->ring);

	return handed < 0 ? handed : 0;
}

void tracer__counters(const struct tracer *tracer, struct counters *counters)
{
	*counters = tracer->skeleton->bss->counters;
}

int tracer__take_identity(
	struct tracer *tracer, const struct process_key *key, struct identity *identity)
{
	int map = bpf_map__fd(tracer->skeleton->maps.identities);

	if (bpf_map_lookup_elem(map, key, identity) || !identity->ready)
		return -ENOENT;
	bpf_map_delete_elem(map, key);
	return 0;
}

int tracer__next_account(const struct tracer *tracer, const struct process_key *key,
	struct process_key *next, struct account *account)
{
	int map = bpf_map__fd(tracer->skeleton->maps.accounts);

	do {
		if (bpf_map_get_next_key(map, key, next))
			return -ENOENT;
		key = next;
	} while (bpf_map_lookup_elem(map, next, account));
	return 0;
}

int tracer__account(
	const struct tracer *tracer, const struct process_key *key, struct account *account)
{
	int map = bpf_map__fd(tracer->skeleton->maps.accounts);

	return bpf_map_lookup_elem(map, key, account) ? -ENOENT : 0;
}

void tracer__forget(struct tracer *tracer, const struct process_key *key)
{
	bpf_map_delete_elem(bpf_map__fd(tracer->skeleton->maps.accounts), key);
	bpf_map_delete_elem(bpf_map__fd(tracer->skeleton->maps.identities), key);
}

uint64_t tracer__skipped(const struct tracer *tracer, char *programs, size_t size)
{
	struct bpf_program *program;
	uint64_t skipped = 0;
	size_t used = 0;

	*programs = '\0';
	bpf_object__for_each_program(program, tracer->skeleton->obj)
	{
		struct bpf_prog_info info = {};
		__u32 info_size = sizeof(info);

		if (bpf_program__fd(program) < 0 ||
			bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &info_size) ||
			!info.recursion_misses)
			continue;
		skipped += info.recursion_misses;
		if (used < size)
			used += snprintf(programs + used, size - used, "%s%s %llu",
				used ? ", " : "", bpf_program__name(program),
				info.recursion_misses);
	}
	return skipped;
}
