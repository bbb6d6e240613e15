/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "trace/machine.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "lib/complain.h"
#include "lib/file.h"
#include "process/procfs.h"
#include "lib/scope.h"
#include "trace/kernel.h"

#define BTF_PATH "/sys/kernel/btf/vmlinux"

/* Since 5.8 CAP_BPF and CAP_PERFMON do what CAP_SYS_ADMIN did before and still does. */
static const struct capability {
	const char *name;
	int number; /* include/uapi/linux/capability.h */
} capabilities[] = {
	{"CAP_BPF", 39},
	{"CAP_PERFMON", 38},
	{NULL, 0},
};

#define CAP_NET_ADMIN    12
#define CAP_SYS_ADMIN    21
#define CAP_SYS_RESOURCE 24

#define MEMLOCK_MAX (64ULL << 20) /* a higher limit is none: the maps take less */
#define MEMLOCK_MIN (64ULL << 10) /* with a lower one, not even a small map may be had */
#define MAP_ENTRY   4096

static uint64_t effective_capabilities(void)
{
	_free_ char *status = NULL;
	uint64_t effective = 0;
	size_t size;
	char *line;

	if (file__read("/proc/self/status", 65536, &status, &size))
		return 0;
	line = strstr(status, "\nCapEff:");
	if (line)
		effective = strtoull(line + strlen("\nCapEff:"), NULL, 16);
	return effective;
}

static void read_capabilities(struct machine *machine, uint64_t effective)
{
	if (effective & 1ULL << CAP_SYS_ADMIN)
		return;
	for (size_t i = 0; capabilities[i].name; i++)
		if (!(effective & 1ULL << capabilities[i].number))
			machine->missing |= 1ULL << i;
}

/* "none [integrity] confidentiality": the one in brackets is in force. */
static void read_lockdown(struct machine *machine)
{
	_free_ char *text = NULL;
	char *from, *to;
	size_t size;

	if (file__read("/sys/kernel/security/lockdown", 256, &text, &size))
		return;
	from = strchr(text, '[');
	to = from ? strchr(from, ']') : NULL;
	if (to)
		snprintf(machine->lockdown, sizeof(machine->lockdown), "%.*s", (int)(to - from - 1),
			from + 1);
}

static bool map_is_allowed(uint64_t bytes)
{
	int map = bpf_map_create(
		BPF_MAP_TYPE_ARRAY, NULL, sizeof(uint32_t), MAP_ENTRY, bytes / MAP_ENTRY + 1, NULL);

	if (map < 0)
		return false;
	close(map);
	return true;
}

/* Before 5.11 a BPF map counts against RLIMIT_MEMLOCK: then one that is over it is refused. Whoever
 * is refused a small one, too, has another problem. */
static void read_memlock(struct machine *machine, uint64_t effective)
{
	struct rlimit limit;

	if (effective & 1ULL << CAP_SYS_RESOURCE || getrlimit(RLIMIT_MEMLOCK, &limit) ||
		limit.rlim_max > MEMLOCK_MAX || map_is_allowed(limit.rlim_max + MEMLOCK_MIN))
		return;
	if (limit.rlim_max < MEMLOCK_MIN || map_is_allowed(0))
		machine->memlock = limit.rlim_max ? limit.rlim_max : 1;
}

static void read_cgroups(struct machine *machine)
{
	_free_ char *mounts = NULL;
	bool v1, v2;
	size_t size;

	if (file__read("/proc/self/mounts", 1 << 20, &mounts, &size))
		return;
	v1 = strstr(mounts, " cgroup ");
	v2 = strstr(mounts, " cgroup2 ");
	snprintf(machine->cgroups, sizeof(machine->cgroups), "%s",
		v1 && v2 ? "hybrid"
		: v2     ? "v2"
		: v1     ? "v1"
			 : "none");
}

void machine__read(struct machine *machine)
{
	struct utsname name;
	uint64_t effective;

	memset(machine, 0, sizeof(*machine));
	if (!uname(&name)) {
		snprintf(machine->kernel, sizeof(machine->kernel), "%s", name.release);
		snprintf(machine->architecture, sizeof(machine->architecture), "%.31s",
			name.machine);
	}
	machine->sys = !access("/sys/kernel", F_OK);
	machine->proc = !access("/proc/self", F_OK);
	machine->btf = !access(BTF_PATH, R_OK);
	machine->kprobes = kernel__has_kprobes();
	machine->host_pids = procfs__shows_all();
	effective = effective_capabilities();
	machine->net_admin = effective & (1ULL << CAP_NET_ADMIN | 1ULL << CAP_SYS_ADMIN);
	read_capabilities(machine, effective);
	read_memlock(machine, effective);
	read_lockdown(machine);
	read_cgroups(machine);
}

void machine__missing_capabilities(const struct machine *machine, char *out, size_t size)
{
	size_t used = 0;

	*out = '\0';
	for (size_t i = 0; capabilities[i].name && used < size; i++)
		if (machine->missing & 1ULL << i)
			used += snprintf(out + used, size - used, "%s%s", used ? ", " : "",
				capabilities[i].name);
}

static bool machine__is_locked_down(const struct machine *machine)
{
	return !strcmp(machine->lockdown, "confidentiality");
}

/* What keeps every attach mode from working, or "". */
static void machine__explain_all(const struct machine *machine, char *out, size_t size)
{
	char missing[128];

	machine__missing_capabilities(machine, missing, sizeof(missing));
	*out = '\0';
	if (!machine->sys)
		snprintf(out, size,
			"/sys is not mounted here, and with it " BTF_PATH
			", where the kernel describes its types");
	else if (!machine->btf)
		snprintf(out, size,
			"the kernel does not describe its types: " BTF_PATH
			" is missing (CONFIG_DEBUG_INFO_BTF)");
	else if (*missing)
		snprintf(out, size, "the privilege is missing: run it as root, or give it %s",
			missing);
	else if (machine__is_locked_down(machine))
		snprintf(out, size,
			"the kernel is locked down (lockdown=confidentiality) and lets no program read its memory");
	else if (machine->memlock)
		snprintf(out, size,
			"no more than %" PRIu64
			" KiB may be locked in memory, which this kernel counts BPF maps against: raise the limit (ulimit -l) or give it CAP_SYS_RESOURCE",
			machine->memlock / 1024);
}

/* ENOTSUPP is the kernel's own, and no libc knows it. */
#define ENOTSUPP 524

static const char *describe(int error)
{
	return error == ENOTSUPP ? "not supported" : strerror(error);
}

static bool begins(const char *text, const char *with)
{
	return !strncmp(text, with, strlen(with));
}

static const char *section__name(const char *section)
{
	const char *slash = strchr(section, '/');

	return slash ? slash + 1 : section;
}

/* The kernel lacks something. */
static void explain_missing(const struct tracer_failure *failure, char *out, size_t size)
{
	if (begins(failure->section, "helper/"))
		snprintf(out, size,
			"this kernel is too old: it has no BPF ring buffer (5.8 has it)");
	else if (*failure->section)
		snprintf(out, size, "this kernel has no %s %s",
			begins(failure->section, "tp_btf/") ? "tracepoint" : "function",
			section__name(failure->section));
	else
		snprintf(out, size, "the kernel's types cannot be read: %s",
			describe(failure->error));
}

/* The kernel was asked, and said no. */
static void explain_refusal(
	const struct machine *machine, const struct tracer_failure *failure, char *out, size_t size)
{
	bool kprobe = strstr(failure->section, "probe/");
	bool trampoline = begins(failure->section, "fentry/") || begins(failure->section, "fexit/");
	const char *verb = failure->step == TRACER_ATTACH ? "attach" : "load";

	if (*failure->verifier)
		snprintf(out, size, "the kernel's verifier refuses %s: %s", failure->section,
			failure->verifier);
	else if (trampoline && (failure->error == ENOTSUPP || failure->error == EOPNOTSUPP))
		snprintf(out, size,
			"this kernel has no BPF trampolines for functions (x86-64 has them from 5.5, arm64 from 6.4)");
	else if (kprobe && failure->step == TRACER_ATTACH && !machine->kprobes)
		snprintf(out, size, "this kernel has no kprobes (CONFIG_KPROBE_EVENTS)");
	else if (failure->error == EPERM)
		snprintf(out, size,
			"the kernel refuses to %s %s, although no capability is missing: a sandbox or a security policy forbids it",
			verb, failure->section);
	else
		snprintf(out, size, "the kernel refuses to %s %s: %s", verb,
			*failure->section ? failure->section : "the program",
			describe(failure->error));
}

void machine__explain_mode(
	const struct machine *machine, const struct tracer_failure *failure, char *out, size_t size)
{
	machine__explain_all(machine, out, size);
	if (*out)
		return;
	if (failure->step == TRACER_LOOK_UP)
		explain_missing(failure, out, size);
	else if (failure->step == TRACER_READ)
		snprintf(out, size, "the ring buffer cannot be mapped: %s",
			describe(failure->error));
	else
		explain_refusal(machine, failure, out, size);
}

void machine__explain_responses(
	const struct machine *machine, const struct tracer_failure *failure, char *out, size_t size)
{
	if (failure->step == TRACER_LOOK_UP)
		snprintf(out, size, "the root of a cgroup2 hierarchy cannot be opened: %s",
			describe(failure->error));
	else if (failure->error == EPERM && !machine->net_admin)
		snprintf(out, size, "that takes CAP_NET_ADMIN");
	else
		explain_refusal(machine, failure, out, size);
}

void machine__explain_witness(const struct machine *machine, const struct tracer *tracer,
	enum witness_kind kind, char *out, size_t size)
{
	static const char *const kinds[WITNESS_KINDS] = {
		[WITNESS_REDIRECTED] = "calls through address translation and from raw sockets",
		[WITNESS_FORWARDED] = "calls that this machine forwards",
	};
	const struct tracer_failure *failure = tracer__witness_failure(tracer, kind);
	char why[MACHINE_REASON_MAX];

	*out = '\0';
	if (!failure)
		return;
	if (failure->error == ENOENT && !strcmp(failure->section, "netfilter"))
		snprintf(why, sizeof(why),
			"netfilter takes no BPF programs here (6.4 and later do)");
	else if (failure->error == EXDEV)
		snprintf(why, sizeof(why),
			"the network namespace of the machine's first process cannot be entered");
	else
		machine__explain_responses(machine, failure, why, sizeof(why));
	snprintf(out, size, "%s are not seen: %s", kinds[kind], why);
}

/* Whether a failure is one of what all modes need. */
static bool failure__concerns_all(const struct tracer_failure *failure)
{
	return failure->error && failure->step == TRACER_LOOK_UP &&
	       (!*failure->section || begins(failure->section, "helper/"));
}

void machine__explain(const struct machine *machine, const struct tracer_failure *failures,
	char *out, size_t size)
{
	char mode[MACHINE_REASON_MAX];
	size_t used;

	machine__explain_all(machine, out, size);
	if (!*out && failure__concerns_all(&failures[0]))
		machine__explain_mode(machine, &failures[0], out, size);
	if (*out)
		return;
	used = snprintf(out, size, "no attach mode works");
	for (size_t i = 0; tracer_modes[i].name && used < size; i++) {
		if (!failures[i].error)
			continue;
		machine__explain_mode(machine, &failures[i], mode, sizeof(mode));
		used += snprintf(out + used, size - used, "; %s: %s", tracer_modes[i].name, mode);
	}
}

void machine__limits(const struct machine *machine, const char *limits[MACHINE_LIMITS_MAX])
{
	size_t count = 0;

	if (!machine->proc)
		limits[count++] =
			"/proc is not mounted here: the scripts of callers' parents stay unnamed";
	else if (!machine->host_pids)
		limits[count++] =
			"pids are a container's here, so the scripts of callers' parents stay unnamed: share the host's pid namespace (--pid=host)";
	limits[count] = NULL;
}

int machine__open_tracer(struct tracer **tracer, const struct tracer_options *options,
	const struct tracer_sink *sink)
{
	struct tracer_failure failures[ATTACH_MODES_MAX] = {};
	struct machine machine;
	char why[MACHINE_REASONS_MAX];
	int error = tracer__open(tracer, options, sink, failures);

	if (!error)
		return 0;
	machine__read(&machine);
	machine__explain(&machine, failures, why, sizeof(why));
	complain("this machine cannot be traced: %s", why);
	return error;
}
