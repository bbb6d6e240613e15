/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "machine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "complain.h"
#include "file.h"
#include "scope.h"

#define BTF_PATH          "/sys/kernel/btf/vmlinux"
#define PROC_PID_INIT_INO 0xeffffffcU /* include/linux/proc_ns.h */

/* Since 5.8 CAP_BPF and CAP_PERFMON do what CAP_SYS_ADMIN did before and still does. */
static const struct capability {
	const char *name;
	int number; /* include/uapi/linux/capability.h */
} capabilities[] = {
	{"CAP_BPF", 39},
	{"CAP_PERFMON", 38},
	{NULL, 0},
};

#define CAP_SYS_ADMIN 21

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

static void read_capabilities(struct machine *machine)
{
	uint64_t effective = effective_capabilities();

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
	struct stat pids;

	memset(machine, 0, sizeof(*machine));
	if (!uname(&name)) {
		snprintf(machine->kernel, sizeof(machine->kernel), "%s", name.release);
		snprintf(machine->architecture, sizeof(machine->architecture), "%.31s",
			name.machine);
	}
	machine->btf = !access(BTF_PATH, R_OK);
	machine->host_pids = !stat("/proc/self/ns/pid", &pids) && pids.st_ino == PROC_PID_INIT_INO;
	read_capabilities(machine);
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

void machine__explain(const struct machine *machine, const struct tracer_failure *failures,
	char *out, size_t size)
{
	char missing[128];
	size_t used;

	machine__missing_capabilities(machine, missing, sizeof(missing));
	if (!machine->btf) {
		snprintf(out, size,
			"the kernel does not describe its types: " BTF_PATH
			" is missing (CONFIG_DEBUG_INFO_BTF)");
	} else if (*missing) {
		snprintf(out, size, "the privilege is missing: run it as root, or give it %s",
			missing);
	} else if (!strcmp(machine->lockdown, "confidentiality")) {
		snprintf(out, size,
			"the kernel is locked down (lockdown=confidentiality) and lets no program "
			"read its memory");
	} else {
		used = snprintf(out, size, "no way in is open");
		for (size_t i = 0; tracer_ways[i].name && used < size; i++)
			if (failures[i].error)
				used += snprintf(out + used, size - used, "; %s: %s",
					tracer_ways[i].name, failures[i].sentence);
	}
}

int machine__open_tracer(struct tracer **tracer, const struct tracer_options *options,
	const struct tracer_sink *sink)
{
	struct tracer_failure failures[MACHINE_WAYS_MAX] = {};
	struct machine machine;
	char why[1024];
	int error = tracer__open(tracer, options, sink, failures);

	if (!error)
		return 0;
	machine__read(&machine);
	machine__explain(&machine, failures, why, sizeof(why));
	complain("this machine cannot be traced: %s", why);
	return error;
}
