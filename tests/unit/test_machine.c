/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a person is told where a machine cannot be traced: a row for each reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "skipping.h"
#include "trace/machine.h"

#include "lib/array.h"

#define ENOTSUPP 524 /* the kernel's own */

/* What a machine that lacks nothing has. */
#define COMPLETE                                                                           \
	{                                                                                  \
		.sys = true, .proc = true, .btf = true, .host_pids = true, .kprobes = true \
	}

static const struct row {
	const char *name;
	struct tracer_failure failure;
	const char *says;
} ways[] = {
	{"arm64 before 6.4 loads fentry programs and attaches none",
		{TRACER_ATTACH, "fentry/tcp_sendmsg", ENOTSUPP, ""}, "has no BPF trampolines"},
	{"an architecture without trampolines refuses to load them",
		{TRACER_LOAD, "fexit/tcp_sendmsg", EOPNOTSUPP, ""}, "has no BPF trampolines"},
	{"the tracepoint came later", {TRACER_LOOK_UP, "tp_btf/tcp_sendmsg_locked", ENOENT, ""},
		"this kernel has no tracepoint tcp_sendmsg_locked"},
	{"a function is not there", {TRACER_LOOK_UP, "fentry/tcp_sendmsg", ENOENT, ""},
		"this kernel has no function tcp_sendmsg"},
	{"the ring buffer came later", {TRACER_LOOK_UP, "helper/bpf_ringbuf_reserve", ENOENT, ""},
		"this kernel is too old"},
	{"what describes the types is damaged", {TRACER_LOOK_UP, "", EINVAL, ""},
		"the kernel's types cannot be read: Invalid argument"},
	{"a sandbox", {TRACER_LOAD, "fentry/tcp_sendmsg", EPERM, ""},
		"although no capability is missing"},
	{"a verifier that learned something", {TRACER_LOAD, "kprobe/tcp_sendmsg", EACCES, ""},
		"refuses to load kprobe/tcp_sendmsg: Permission denied"},
	{"a verifier that says why",
		{TRACER_LOAD, "tp_btf/sock_send_length", EINVAL, "R0 has smin=0 smax=4294967295"},
		"verifier refuses tp_btf/sock_send_length: R0 has smin=0 smax=4294967295"},
	{"a verifier that says why of a program on a trampoline",
		{TRACER_LOAD, "fentry/tcp_sendmsg", EOPNOTSUPP, "R9 !read_ok"},
		"verifier refuses fentry/tcp_sendmsg: R9 !read_ok"},
	{"no memory", {TRACER_LOAD, "", ENOMEM, ""},
		"refuses to load the program: Cannot allocate memory"},
	{"the buffer cannot be mapped", {TRACER_READ, "", ENOMEM, ""},
		"the ring buffer cannot be mapped: Cannot allocate memory"},
};

static void assert_says(const char *name, const char *text, const char *says)
{
	if (!strstr(text, says))
		fail_msg("%s: \"%s\" does not say \"%s\"", name, text, says);
	if (strchr(text, '\n') || text[strlen(text) - 1] == '.')
		fail_msg("%s: \"%s\" is no clause", name, text);
}

static void test_ways(void **state)
{
	const struct machine machine = COMPLETE;
	char text[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		machine__explain_mode(&machine, &ways[i].failure, text, sizeof(text));
		assert_says(ways[i].name, text, ways[i].says);
	}
}

static void test_responses(void **state)
{
	static const struct {
		const char *name;
		bool net_admin;
		struct tracer_failure failure;
		const char *says;
	} rows[] = {
		{"no hierarchy", true, {TRACER_LOOK_UP, "", ENODEV, ""},
			"a cgroup2 hierarchy cannot be opened: No such device"},
		{"without the privilege", false, {TRACER_LOAD, "cgroup_skb/ingress", EPERM, ""},
			"that takes CAP_NET_ADMIN"},
		{"a sandbox", true, {TRACER_ATTACH, "cgroup_skb/ingress", EPERM, ""},
			"refuses to attach cgroup_skb/ingress, although no capability is missing"},
		{"a verifier", true, {TRACER_LOAD, "cgroup_skb/ingress", EACCES, "R9 !read_ok"},
			"verifier refuses cgroup_skb/ingress: R9 !read_ok"},
	};
	char text[MACHINE_REASON_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct machine machine = COMPLETE;

		machine.net_admin = rows[i].net_admin;
		machine__explain_responses(&machine, &rows[i].failure, text, sizeof(text));
		assert_says(rows[i].name, text, rows[i].says);
	}
}

static void test_kprobes(void **state)
{
	const struct tracer_failure failure = {TRACER_ATTACH, "kprobe/tcp_sendmsg", ENOENT, ""};
	struct machine machine = COMPLETE;
	char text[256];

	(void)state;
	machine.kprobes = false;
	machine__explain_mode(&machine, &failure, text, sizeof(text));
	assert_says("no kprobes", text, "this kernel has no kprobes");
}

/* What the machine lacks outranks what each way was told. */
static void test_machines(void **state)
{
	static const struct {
		const char *name;
		struct machine machine;
		const char *says;
	} machines[] = {
		{"a container without /sys", {.proc = true}, "/sys is not mounted here"},
		{"a kernel without BTF", {.proc = true, .sys = true}, "CONFIG_DEBUG_INFO_BTF"},
		{"a user", {.proc = true, .sys = true, .btf = true, .missing = 3},
			"give it CAP_BPF, CAP_PERFMON"},
		{"lockdown",
			{.proc = true, .sys = true, .btf = true, .lockdown = "confidentiality"},
			"lockdown=confidentiality"},
		{"a limit on locked memory",
			{.proc = true, .sys = true, .btf = true, .memlock = 65536},
			"no more than 64 KiB may be locked"},
	};
	const struct tracer_failure failures[ATTACH_MODES_MAX] = {
		{TRACER_LOAD, "fentry/tcp_sendmsg", EPERM, ""},
		{TRACER_LOAD, "tp_btf/tcp_sendmsg_locked", EPERM, ""},
		{TRACER_LOAD, "kprobe/tcp_sendmsg", EPERM, ""},
	};
	char text[1024];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(machines); i++) {
		machine__explain(&machines[i].machine, failures, text, sizeof(text));
		assert_says(machines[i].name, text, machines[i].says);
	}
}

static void test_each_way_has_its_reason(void **state)
{
	const struct machine machine = COMPLETE;
	const struct tracer_failure failures[ATTACH_MODES_MAX] = {
		{TRACER_ATTACH, "fentry/tcp_sendmsg", ENOTSUPP, ""},
		{TRACER_LOOK_UP, "tp_btf/tcp_sendmsg_locked", ENOENT, ""},
		{TRACER_LOAD, "kprobe/tcp_sendmsg", EPERM, ""},
	};
	const struct tracer_failure old[ATTACH_MODES_MAX] = {
		{TRACER_LOOK_UP, "helper/bpf_ringbuf_reserve", ENOENT, ""},
	};
	char text[1024];

	(void)state;
	machine__explain(&machine, failures, text, sizeof(text));
	assert_says("fentry", text, "; fentry: this kernel has no BPF trampolines");
	assert_says("tracepoint", text, "; tracepoint: this kernel has no tracepoint");
	assert_says("kprobe", text, "; kprobe: the kernel refuses to load");
	machine__explain(&machine, old, text, sizeof(text));
	assert_true(!strncmp(text, "this kernel is too old", strlen("this kernel is too old")));
}

static void test_limits(void **state)
{
	struct machine machine = COMPLETE;
	const char *limits[MACHINE_LIMITS_MAX];

	(void)state;
	machine__limits(&machine, limits);
	assert_null(limits[0]);
	machine.host_pids = false;
	machine__limits(&machine, limits);
	assert_says("a pid namespace", limits[0], "share the host's pid namespace");
	machine.proc = false;
	machine__limits(&machine, limits);
	assert_says("no /proc", limits[0], "/proc is not mounted");
	assert_null(limits[1]);
}

/* As a container has it that may not raise its limits, in a sandbox that refuses BPF altogether. */
static bool enter_sandbox(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_bpf, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = {ARRAY_SIZE(filter), filter};
	const struct rlimit limit = {8 << 20, 8 << 20};
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[2] = {};

	return !setrlimit(RLIMIT_MEMLOCK, &limit) && !syscall(SYS_capset, &header, none) &&
	       !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
	       !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static void test_a_sandbox_is_no_limit(void **state)
{
	pid_t child = fork();
	int status;

	(void)state;
	if (!child) {
		struct machine machine;

		if (!enter_sandbox())
			_exit(2);
		machine__read(&machine);
		_exit(machine.memlock != 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (status == 2 << 8)
		skip_because("a container's limits cannot be taken on here");
	assert_int_equal(status, 0);
}

/* Clipped, never past its end. */
static void test_small_buffers(void **state)
{
	const struct machine machine = COMPLETE;
	const struct tracer_failure failures[ATTACH_MODES_MAX] = {
		{TRACER_ATTACH, "fentry/tcp_sendmsg", ENOTSUPP, ""},
		{TRACER_LOAD, "kprobe/tcp_sendmsg", EPERM, ""},
	};
	char text[64];

	(void)state;
	for (size_t size = 1; size < sizeof(text); size++) {
		memset(text, '#', sizeof(text));
		machine__explain(&machine, failures, text, size);
		assert_int_equal(text[size], '#');
		assert_true(strlen(text) < size);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ways),
		cmocka_unit_test(test_responses),
		cmocka_unit_test(test_kprobes),
		cmocka_unit_test(test_machines),
		cmocka_unit_test(test_each_way_has_its_reason),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_a_sandbox_is_no_limit),
		cmocka_unit_test(test_small_buffers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
