/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * verify OBJECT...: loads the BPF objects of several compilers, each at once with all programs for
 * which this kernel has a place, and says what its verifier refuses and why. An object whose loops
 * are not the kernel's (bpf/loop.h) is passed over. The same has to hold for all of them.
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lib/scope.h"
#include "trace/kernel.h"
#include "trace/witness.h"

#define LOG_SIZE  (1 << 16)
#define LOG_STATS 4 /* BPF_LOG_STATS: the complaint and the sum alone */

/* What kernels may lack, by the prefix of a program's section. */
static const struct {
	const char *prefix, *type_prefix;
	__u32 kind;
} places[] = {
	{"tp_btf/", "btf_trace_", BTF_KIND_TYPEDEF},
	{"fentry/", "", BTF_KIND_FUNC},
	{"fexit/", "", BTF_KIND_FUNC},
	{"kprobe/", "", BTF_KIND_FUNC},
	{"kretprobe/", "", BTF_KIND_FUNC},
};

static char log_text[LOG_SIZE];
static struct kernel_types kernel;
static bool has_loop;

static int be_quiet(enum libbpf_print_level level, const char *format, va_list arguments)
{
	(void)level, (void)format, (void)arguments;
	return 0;
}

static void close_object(struct bpf_object **object)
{
	bpf_object__close(*object);
}

#define AUTO_CLOSE __attribute__((cleanup(close_object)))

/* What stands in for tcp_push() where that cannot be hooked, and is the same but for its place. */
static bool stands_in(const char *section)
{
	return !strcmp(section + strcspn(section, "/"), "/tcp_release_cb") &&
	       kernel__has(&kernel, "tcp_push");
}

/* A link of netfilter's, as the tracer's (6.4). */
static bool is_netfilter(const struct bpf_program *program)
{
	return !strcmp(bpf_program__section_name(program), "netfilter");
}

static bool has_place(const struct bpf_program *program)
{
	const char *section = bpf_program__section_name(program);
	char name[128];

	if (stands_in(section))
		return false;
	if (is_netfilter(program))
		return kernel__has(&kernel, "bpf_nf_link_attach");
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		size_t length = strlen(places[i].prefix);

		if (strncmp(section, places[i].prefix, length))
			continue;
		snprintf(name, sizeof(name), "%s%s", places[i].type_prefix, section + length);
		return kernel_types__find(&kernel, name, places[i].kind) > 0;
	}
	return true;
}

static bool calls_loop(struct bpf_object *object)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, object)
	{
		const struct bpf_insn *code = bpf_program__insns(program);

		for (size_t i = 0; i < bpf_program__insn_cnt(program); i++)
			if (code[i].code == (BPF_JMP | BPF_CALL) && !code[i].src_reg &&
				code[i].imm == BPF_FUNC_loop)
				return true;
	}
	return false;
}

/* What the tracer switches on before it loads (imdstrace.bpf.c, scope.h). A program of a rehearsal
 * is judged with all that any scope takes. */
static const char *const switches[] = {"scope_has_cgroups", "scope_has_pids", "disable_preemption"};

static bool is_switched_on(const char *variable, bool holding)
{
	for (size_t i = 0; i < sizeof(switches) / sizeof(*switches) - !holding; i++)
		if (!strcmp(variable, switches[i]))
			return true;
	return false;
}

/* Sets them, which only a skeleton could name. 0 or -errno. */
static int switch_on(struct bpf_object *object, bool holding)
{
	const struct btf *types = bpf_object__btf(object);
	int id = btf__find_by_name_kind(types, ".rodata", BTF_KIND_DATASEC);
	const struct btf_type *section = id < 0 ? NULL : btf__type_by_id(types, id);
	struct bpf_map *map = bpf_object__find_map_by_name(object, ".rodata");
	size_t size = 0, set = 0;
	const void *memory = map ? bpf_map__initial_value(map, &size) : NULL;
	_free_ char *changed = memory ? malloc(size) : NULL;

	if (changed)
		memcpy(changed, memory, size);
	for (int i = 0; changed && section && i < btf_vlen(section); i++) {
		const struct btf_var_secinfo *place = &btf_var_secinfos(section)[i];
		const struct btf_type *variable = btf__type_by_id(types, place->type);

		if (!is_switched_on(btf__name_by_offset(types, variable->name_off), holding))
			continue;
		changed[place->offset] = true;
		set++;
	}
	if (set != sizeof(switches) / sizeof(*switches) - !holding)
		return -ENOENT;
	return bpf_map__set_initial_value(map, changed, size);
}

/* Loads the object's programs, or the one of that name alone, whose complaint is then in log_text.
 * A log that is too small would fail a program whose loops are followed round by round. */
static int load(const char *path, bool holding, const char *alone, int *count)
{
	struct bpf_object *object AUTO_CLOSE = bpf_object__open_file(path, NULL);
	struct bpf_program *program;

	if (!object)
		return -errno;
	if (switch_on(object, holding))
		return -ENOENT;
	*count = 0;
	bpf_object__for_each_program(program, object)
	{
		bool chosen =
			alone ? !strcmp(bpf_program__name(program), alone) : has_place(program);

		if (is_netfilter(program))
			witness__set_type(program);
		bpf_program__set_autoload(program, chosen);
		*count += chosen;
		if (!chosen || !alone)
			continue;
		*log_text = '\0';
		bpf_program__set_log_level(program, LOG_STATS);
		bpf_program__set_log_buf(program, log_text, sizeof(log_text));
	}
	return bpf_object__load(object);
}

/* Which of the object's programs is refused, and what the verifier says of it. */
static void explain(const char *path)
{
	struct bpf_object *object AUTO_CLOSE = bpf_object__open_file(path, NULL);
	struct bpf_program *program;

	bpf_object__for_each_program(program, object)
	{
		const char *name = bpf_program__name(program);
		int count;

		if (has_place(program) && load(path, false, name, &count))
			printf("%s: %s\n", name, log_text);
	}
}

enum load_outcome { LOADED, LOADED_HOLDING, REFUSED, NOT_OURS };

static enum load_outcome verify(const char *path, bool may_hold)
{
	int count, error;

	{
		struct bpf_object *object AUTO_CLOSE = bpf_object__open_file(path, NULL);

		if (!object) {
			printf("FAILED: %s: %s\n", path, strerror(errno));
			return REFUSED;
		}
		if (calls_loop(object) != has_loop)
			return NOT_OURS;
	}
	if (may_hold && !load(path, true, NULL, &count)) {
		printf("ok: %s: %d programs, which hold the CPU\n", path, count);
		return LOADED_HOLDING;
	}
	error = load(path, false, NULL, &count);
	if (!error) {
		printf("ok: %s: %d programs\n", path, count);
		return LOADED;
	}
	printf("FAILED: %s: %s\n", path, strerror(-error));
	explain(path);
	return REFUSED;
}

int main(int argc, char **argv)
{
	int counts[NOT_OURS + 1] = {0};
	bool may_hold;

	libbpf_set_print(be_quiet);
	if (!kernel_types__read(&kernel)) {
		printf("FAILED: the kernel's types: %s\n0 passed, 1 failed, 0 skipped\n",
			strerror(errno));
		return 1;
	}
	has_loop = kernel__has_helper(&kernel, "BPF_FUNC_loop");
	may_hold = kernel__has(&kernel, "bpf_preempt_disable");
	for (int i = 1; i < argc; i++) {
		enum load_outcome outcome = verify(argv[i], may_hold);

		counts[outcome]++;
		/* where one is refused that way, the kernel cannot have it, and no other is asked
		 */
		if (outcome == LOADED)
			may_hold = false;
		fflush(stdout);
	}
	if (counts[LOADED] && counts[LOADED_HOLDING]) {
		printf("FAILED: some hold the CPU, and others do not\n");
		counts[REFUSED]++;
	}
	kernel_types__drop(&kernel);
	printf("%d passed, %d failed, 0 skipped\n", counts[LOADED] + counts[LOADED_HOLDING],
		counts[REFUSED]);
	return counts[REFUSED] || !(counts[LOADED] + counts[LOADED_HOLDING]);
}
