/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "lib/syscall_filter.h"

#include <endian.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef __x86_64__
#define MACHINE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define MACHINE AUDIT_ARCH_AARCH64
#else
#error "the filter knows amd64 and arm64"
#endif

_Static_assert(__BYTE_ORDER == __LITTLE_ENDIAN, "an argument's lower half comes first");

#define FRAME         5 /* instructions around the rules */
#define PER_RULE      5 /* instructions of one rule at most */
#define FIELD(member) offsetof(struct seccomp_data, member)

struct program {
	struct sock_filter code[FRAME + PER_RULE * SYSCALL_RULES_MAX];
	unsigned short size;
};

static void program__add(struct program *program, struct sock_filter instruction)
{
	program->code[program->size++] = instruction;
}

/* The call's number is in the accumulator where a rule begins, and where it ends without a match.
 */
static void program__add_rule(struct program *program, const struct syscall_rule *rule)
{
	static const struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	size_t argument = FIELD(args) + rule->argument * sizeof(uint64_t);

	if (rule->condition == SYSCALL_ANY) {
		program__add(program, (struct sock_filter)BPF_JUMP(
					      BPF_JMP | BPF_JEQ | BPF_K, rule->number, 0, 1));
		program__add(program, allow);
		return;
	}
	program__add(program,
		(struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, rule->number, 0, 4));
	program__add(program, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, argument));
	if (rule->condition == SYSCALL_EQUAL)
		program__add(program,
			(struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, rule->value, 0, 1));
	else
		program__add(program, (struct sock_filter)BPF_JUMP(
					      BPF_JMP | BPF_JSET | BPF_K, rule->value, 1, 0));
	program__add(program, allow);
	program__add(program, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, FIELD(nr)));
}

int syscall_filter__apply(const struct syscall_rule *rules, size_t count)
{
	static struct program program;
	const uint32_t kill = SECCOMP_RET_KILL_PROCESS;
	const uint32_t refuse = getenv("IMDSTRACE_FILTER_KILLS") ? kill : SECCOMP_RET_ERRNO | EPERM;
	struct sock_fprog filter = {.filter = program.code};

	if (count > SYSCALL_RULES_MAX)
		return -EINVAL;
	program.size = 0;
	/* The other tables of an x86-64 kernel (i386, x32) have other numbers: x32's have a bit of
	 * their own, so that no rule fits them. */
	program__add(&program, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, FIELD(arch)));
	program__add(
		&program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MACHINE, 1, 0));
	program__add(&program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, kill));
	program__add(&program, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, FIELD(nr)));
	for (size_t i = 0; i < count; i++)
		if (rules[i].number >= 0)
			program__add_rule(&program, &rules[i]);
	program__add(&program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, refuse));
	filter.len = program.size;
#ifdef __SANITIZE_ADDRESS__ /* which makes calls of its own at any time */
	return 0;
#endif
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) ? -errno : 0;
}
