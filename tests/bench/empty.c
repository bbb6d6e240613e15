/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "empty.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct btf *kernel;

/* "return 1;", which lets packets pass */
static int load(enum bpf_prog_type type, enum bpf_attach_type attach, __u32 target)
{
	static const struct bpf_insn code[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 1},
		{.code = BPF_JMP | BPF_EXIT},
	};
	static const struct bpf_insn code_of_tracing[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = attach,
		.attach_btf_id = target);

	return bpf_prog_load(type, "empty", "GPL",
		type == BPF_PROG_TYPE_TRACING ? code_of_tracing : code, 2, &options);
}

static int attach_to_tracepoint(const char *name)
{
	char type[128];
	int program, link;

	snprintf(type, sizeof(type), "btf_trace_%s", name);
	program = load(BPF_PROG_TYPE_TRACING, BPF_TRACE_RAW_TP,
		btf__find_by_name_kind(kernel, type, BTF_KIND_TYPEDEF));
	link = program < 0 ? -1 : bpf_raw_tracepoint_open(NULL, program);
	close(program);
	return link;
}

static int attach_to_function(enum bpf_attach_type attach, __u32 target)
{
	int program = load(BPF_PROG_TYPE_TRACING, attach, target);
	int link = program < 0 ? -1 : bpf_raw_tracepoint_open(NULL, program);

	close(program);
	return link;
}

static int attach_to_cgroup(enum bpf_attach_type attach, int cgroup)
{
	int program = load(
		attach == BPF_CGROUP_SOCK_OPS ? BPF_PROG_TYPE_SOCK_OPS : BPF_PROG_TYPE_CGROUP_SKB,
		attach, 0);
	int link = program < 0 ? -1 : bpf_link_create(program, cgroup, attach, NULL);

	close(program);
	return link;
}

/* A twin of a link, by what the kernel tells of it. */
static int twin(int fd, int cgroup)
{
	char name[128] = "";
	struct bpf_link_info info = {.raw_tracepoint = {.tp_name = (__u64)(unsigned long)name,
					     .tp_name_len = sizeof(name)}};
	__u32 size = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		return -1;
	switch (info.type) {
	case BPF_LINK_TYPE_RAW_TRACEPOINT:
		return attach_to_tracepoint(name);
	case BPF_LINK_TYPE_TRACING:
		if (info.tracing.attach_type == BPF_TRACE_RAW_TP)
			return attach_to_tracepoint(name);
		return attach_to_function(info.tracing.attach_type, info.tracing.target_btf_id);
	case BPF_LINK_TYPE_CGROUP:
		return attach_to_cgroup(info.cgroup.attach_type, cgroup);
	}
	return -1;
}

/* The id behind key in a file of /proc/PID/fdinfo; 0: none. */
static unsigned int link_id(const char *path)
{
	FILE *file = fopen(path, "r");
	char line[256];
	unsigned int id = 0;

	while (file && fgets(line, sizeof(line), file))
		sscanf(line, "link_id: %u", &id);
	if (file)
		fclose(file);
	return id;
}

void empty_programs__attach(struct empty_programs *programs, pid_t tracer, int cgroup)
{
	char path[64], entry_path[512];
	struct dirent *entry;
	DIR *directory;

	*programs = (struct empty_programs){.count = 0};
	if (!kernel)
		kernel = btf__load_vmlinux_btf();
	snprintf(path, sizeof(path), "/proc/%d/fdinfo", tracer);
	directory = opendir(path);
	while (directory && (entry = readdir(directory)) && programs->count < EMPTY_MAX) {
		unsigned int id;
		int fd, link;

		snprintf(entry_path, sizeof(entry_path), "%s/%s", path, entry->d_name);
		id = link_id(entry_path);
		fd = id ? bpf_link_get_fd_by_id(id) : -1;
		if (fd < 0)
			continue;
		link = twin(fd, cgroup);
		if (link < 0)
			programs->left_out++;
		else
			programs->links[programs->count++] = link;
		close(fd);
	}
	if (directory)
		closedir(directory);
}

void empty_programs__detach(struct empty_programs *programs)
{
	while (programs->count > 0)
		close(programs->links[--programs->count]);
}
