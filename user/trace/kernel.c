/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "trace/kernel.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "lib/array.h"

static const struct bpf_insn nothing[] = {
	{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
	{.code = BPF_JMP | BPF_EXIT},
};

const struct btf *kernel_types__read(struct kernel_types *types)
{
	if (!types->read)
		types->read = btf__load_vmlinux_btf();
	return types->read;
}

void kernel_types__drop(struct kernel_types *types)
{
	btf__free(types->read);
	types->read = NULL;
}

int kernel_types__find(struct kernel_types *types, const char *name, __u32 kind)
{
	const struct btf *read = kernel_types__read(types);

	return read ? btf__find_by_name_kind(read, name, kind) : -ENOENT;
}

bool kernel__counts_verified(void)
{
	int program = bpf_prog_load(
		BPF_PROG_TYPE_SOCKET_FILTER, NULL, "GPL", nothing, ARRAY_SIZE(nothing), NULL);
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);
	bool counts = program >= 0 && !bpf_obj_get_info_by_fd(program, &info, &size) &&
		      info.verified_insns;

	if (program >= 0)
		close(program);
	return counts;
}

/* Loads a program that does nothing. 0 or -errno. */
static int try_tracing(enum bpf_attach_type attach, int target)
{
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = attach,
		.attach_btf_id = target);
	int program = target < 0 ? target
				 : bpf_prog_load(BPF_PROG_TYPE_TRACING, NULL, "GPL", nothing,
					   ARRAY_SIZE(nothing), &options);

	if (program < 0)
		return program;
	close(program);
	return 0;
}

int kernel__refuses_fentry(struct kernel_types *kernel, const char *function)
{
	int target = kernel_types__find(kernel, function, BTF_KIND_FUNC);
	int error = target < 0 ? 0 : try_tracing(BPF_TRACE_FENTRY, target);
	int tracepoint;

	if (!error)
		return 0;
	tracepoint = kernel_types__find(kernel, "btf_trace_inet_sock_set_state", BTF_KIND_TYPEDEF);
	return try_tracing(BPF_TRACE_RAW_TP, tracepoint) ? 0 : error;
}

bool kernel__has_helper(struct kernel_types *kernel, const char *name)
{
	int id = kernel_types__find(kernel, "bpf_func_id", BTF_KIND_ENUM);
	const struct btf *types = kernel_types__read(kernel);
	const struct btf_type *type = id < 0 ? NULL : btf__type_by_id(types, id);

	for (int i = 0; type && i < btf_vlen(type); i++)
		if (!strcmp(btf__name_by_offset(types, btf_enum(type)[i].name_off), name))
			return true;
	return false;
}

bool kernel__counts_skipped(struct kernel_types *kernel)
{
	int id = kernel_types__find(kernel, "bpf_prog_info", BTF_KIND_STRUCT);
	const struct btf *types = kernel_types__read(kernel);
	const struct btf_type *type = id < 0 ? NULL : btf__type_by_id(types, id);

	for (int i = 0; type && i < btf_vlen(type); i++)
		if (!strcmp(btf__name_by_offset(types, btf_members(type)[i].name_off),
			    "recursion_misses"))
			return true;
	return false;
}

bool kernel__has(struct kernel_types *kernel, const char *function)
{
	return kernel_types__find(kernel, function, BTF_KIND_FUNC) > 0;
}

/* debugfs, mounted for this descriptor alone. -1 where the kernel or a sandbox refuses. */
static int mount_debugfs(void)
{
	int context = fsopen("debugfs", FSOPEN_CLOEXEC);
	int mount = -1;

	if (context >= 0 && !fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		mount = fsmount(context, FSMOUNT_CLOEXEC, 0);
	if (context >= 0)
		close(context);
	return mount;
}

/* What the scheduler says of how it preempts: "none (voluntary) full". -1: it cannot be read. */
static int open_preemption(void)
{
	int file = open("/sys/kernel/debug/sched/preempt", O_RDONLY | O_CLOEXEC);
	int mount = file < 0 ? mount_debugfs() : -1;

	if (mount >= 0) {
		file = openat(mount, "sched/preempt", O_RDONLY | O_CLOEXEC);
		close(mount);
	}
	return file;
}

static bool look_whether_it_preempts(void)
{
	char model[64] = "";
	struct utsname name;
	int file;

	if (uname(&name))
		return true;
	if (!strstr(name.version, "PREEMPT_DYNAMIC"))
		return strstr(name.version, "PREEMPT");
	file = open_preemption();
	if (file < 0)
		return true;
	if (read(file, model, sizeof(model) - 1) < 0)
		model[0] = '\0';
	close(file);
	return !strstr(model, "(none)") && !strstr(model, "(voluntary)");
}

bool kernel__preempts(void)
{
	static enum { UNKNOWN, NO, YES } preempts;

	/* Each look may mount debugfs. */
	if (preempts == UNKNOWN)
		preempts = look_whether_it_preempts() ? YES : NO;
	return preempts == YES;
}

/* The kernel's symbols, also where a service's own /proc hides them behind an empty file. NULL:
 * they cannot be read. */
static FILE *open_symbols(void)
{
	static const char *const paths[] = {"/proc/kallsyms", "/proc/1/root/proc/kallsyms"};

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		FILE *symbols = fopen(paths[i], "re");
		int first = symbols ? getc(symbols) : EOF;

		if (first != EOF) {
			ungetc(first, symbols);
			return symbols;
		}
		if (symbols)
			fclose(symbols);
	}
	return NULL;
}

bool kernel__has_parts(const char *function)
{
	size_t length = strlen(function);
	FILE *symbols = open_symbols();
	bool parts = false;
	char line[512];

	while (symbols && !parts && fgets(line, sizeof(line), symbols)) {
		const char *type = strchr(line, ' '); /* "ffffffff8e17f9e0 T tcp_push.part.0" */
		const char *suffix = type ? type + 3 + length : line;

		parts = type && !strncmp(type + 3, function, length) && *suffix == '.' &&
			strncmp(suffix, ".cold", 5);
	}
	if (symbols)
		fclose(symbols);
	return parts;
}

bool kernel__has_kprobes(void)
{
	return !access("/sys/bus/event_source/devices/kprobe/type", F_OK);
}
