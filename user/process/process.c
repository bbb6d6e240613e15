/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The kernel side is trusted, but its record may be torn: every size is checked against the text.
 */
#include "process/process.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "process/args.h"
#include "process/host.h"
#include "process/process_script.h"
#include "process/procfs.h"
#include "lib/scope.h"
#include "lib/text.h"

#define DELETED   " (deleted)"
#define IN_MEMORY "/memfd:"

/* --- Texts --------------------------------------------------------------------------------- */

/* What is left of identity.text. */
struct remainder {
	const char *bytes;
	size_t size;
};

/* Cuts the first size bytes off, or what there is. */
static struct remainder remainder__take(struct remainder *rest, size_t size)
{
	struct remainder taken = {rest->bytes, size < rest->size ? size : rest->size};

	rest->bytes += taken.size;
	rest->size -= taken.size;
	return taken;
}

/* A name in a fixed field, which may be cut inside a character. */
static char *comm__text(const char *comm, size_t size)
{
	size_t length = strnlen(comm, size);

	return text__utf8(comm, length + 1 >= size ? text__complete(comm, length) : length);
}

char *process__path(const char *components, size_t size, bool cut)
{
	_free_ char *bytes = NULL;
	char *start;
	size_t mark = strlen(DELETED);

	if (!size)
		return NULL;
	/* Filled from its end, because the leaf comes first: each component takes its own length
	 * and a slash in place of its NUL. */
	bytes = malloc(size + 1);
	if (!bytes)
		return NULL;
	start = bytes + size + 1;
	for (size_t at = 0; at < size;) {
		size_t length = strnlen(components + at, size - at);

		if (length) {
			start -= length;
			memcpy(start, components + at, length);
			*--start = '/';
		}
		at += length + 1;
	}
	size = bytes + size + 1 - start;
	if (!size)
		return text__utf8("/", 1);
	if (size > mark && !memcmp(start + size - mark, DELETED, mark))
		size -= mark;
	if (cut) {
		_free_ char *marked = malloc(size + 3);

		if (!marked)
			return NULL;
		memcpy(marked, "...", 3);
		memcpy(marked + 3, start, size);
		return text__utf8(marked, size + 3);
	}
	return text__utf8(start, size);
}

/* --- From the kernel side ------------------------------------------------------------------ */

static bool ancestor__fill(
	struct ancestor_process *shown, const struct ancestor *ancestor, struct remainder *text)
{
	struct remainder exe = remainder__take(text, ancestor->exe_size);

	shown->pid = ancestor->pid;
	shown->comm = comm__text(ancestor->comm, sizeof(ancestor->comm));
	shown->exe = process__path(exe.bytes, exe.size, false);
	if (!shown->comm || (exe.size && !shown->exe))
		return false;
	shown->script = process_script__of_ancestor(shown->exe, shown->pid, ancestor->start_ns);
	return true;
}

static bool ancestry__fill(
	struct process *process, const struct identity *identity, struct remainder *text)
{
	unsigned int count = identity->ancestor_count;

	if (count > ANCESTORS_MAX)
		count = ANCESTORS_MAX;
	for (unsigned int i = 0; i < count; i++) {
		process->ancestor_count = i + 1;
		if (!ancestor__fill(&process->ancestry[i], &identity->ancestors[i], text))
			return false;
	}
	return true;
}

static bool process__fill(struct process *process, const struct identity *identity)
{
	struct remainder text = {identity->text, sizeof(identity->text)}, exe, cgroup, args;

	if (identity->text_size < text.size)
		text.size = identity->text_size;
	exe = remainder__take(&text, identity->exe_size);
	cgroup = remainder__take(&text, identity->cgroup_size);
	args = remainder__take(&text, identity->args_size);

	process->key = identity->key;
	process->uid = identity->uid;
	process->network = identity->network < NETWORK_COUNT ? identity->network : NETWORK_UNKNOWN;
	process->args_cut = identity->args_total > args.size;
	process->comm = comm__text(identity->comm, sizeof(identity->comm));
	process->exe = process__path(exe.bytes, exe.size, identity->exe_cut);
	process->args = args__split(args.bytes, args.size, process->args_cut);
	process->cgroup = process__path(cgroup.bytes, cgroup.size, false);
	if (!process->comm || !process->args || (exe.size && !process->exe) ||
		(cgroup.size && !process->cgroup))
		return false;
	if (workload__find(&process->workload, process->cgroup, host__root()))
		return false;
	process->script = process_script__captured(
		process->exe, &process->key, args.bytes, args.size, process->args_cut);
	return ancestry__fill(process, identity, &text);
}

struct process *process__from_identity(const struct identity *identity)
{
	struct process *process = calloc(1, sizeof(*process));

	if (process && !process__fill(process, identity)) {
		process__free(process);
		process = NULL;
	}
	return process;
}

/* --- From /proc ---------------------------------------------------------------------------- */

static char *exe__shown(int process)
{
	_free_ char *link = procfs__link(process, "exe");

	return link ? text__utf8(link, strlen(link)) : NULL;
}

/* The user that the kernel side would have captured: the real one. */
static void uid__show(struct process *process, int shown)
{
	_free_ char *status = NULL;
	const char *line;
	unsigned int uid;
	size_t size;
	bool cut;

	if (procfs__read(shown, "status", 4096, &status, &size, &cut))
		return;
	line = strstr(status, "\nUid:");
	if (line && sscanf(line, "\nUid: %u", &uid) == 1)
		process->uid = uid;
}

/* Where the host's pids are shown, pid 2 is kthreadd, which never leaves the machine's first
 * network.
 */
static void network__show(struct process *process, int shown)
{
	struct stat own, first;

	if (!procfs__shows_all() || fstatat(shown, "ns/net", &own, 0) ||
		stat("/proc/2/ns/net", &first))
		return;
	process->network = own.st_dev == first.st_dev && own.st_ino == first.st_ino ? NETWORK_HOST
										    : NETWORK_OWN;
}

/* The path in a line of proc_pid_cgroup(5), "N:controllers:path", of that hierarchy. The caller
 * frees; NULL: no such line. */
static char *cgroup__of(const char *lines, const char *hierarchy)
{
	const char *line = strstr(lines, hierarchy), *path, *end;

	if (!line)
		return NULL;
	path = line + strlen(hierarchy);
	end = strchr(path, '\n');
	return end ? text__utf8(path, end - path) : NULL;
}

static bool workload__show(struct process *process, int shown)
{
	_free_ char *lines = NULL, *unified = NULL, *legacy = NULL;
	char **shown_one = &unified;
	size_t size;
	bool cut;

	if (procfs__read(shown, "cgroup", 16384, &lines, &size, &cut))
		return true;
	unified = cgroup__of(lines, "0::");
	legacy = cgroup__of(lines, ":name=systemd:");
	/* Where version 1 is in use, all processes may be in the root of version 2. */
	if (legacy && (!unified || !strcmp(unified, "/")))
		shown_one = &legacy;
	process->cgroup = *shown_one;
	*shown_one = NULL;
	return !workload__find(&process->workload, process->cgroup, host__root());
}

static bool args__show(struct process *process, int shown)
{
	_free_ char *cmdline = NULL;
	char **args;
	size_t size;
	bool cut;

	if (procfs__read(shown, "cmdline", ARGS_MAX, &cmdline, &size, &cut))
		return true;
	args = args__split(cmdline, size, cut);
	if (!args)
		return false;
	args__free(process->args);
	process->args = args;
	process->args_cut = cut;
	process->script = process_script__shown(process->exe, shown);
	return true;
}

/* The ancestors as they are now: the kernel side would have seen the same, unless one of them has
 * died and its child went to another. */
static bool ancestry__show(struct process *process, uint32_t parent)
{
	struct procfs_stat stat;

	for (unsigned int i = 0; i < ANCESTORS_MAX && parent; i++) {
		struct ancestor_process *ancestor = &process->ancestry[i];
		_close_ int shown = procfs__open_any(parent);

		if (shown < 0 || procfs__stat(shown, &stat))
			return true;
		process->ancestor_count = i + 1;
		ancestor->pid = parent;
		ancestor->comm = comm__text(stat.comm, COMM_SIZE);
		ancestor->exe = exe__shown(shown);
		if (!ancestor->comm)
			return false;
		ancestor->script = process_script__of_ancestor(
			ancestor->exe, ancestor->pid, procfs__start_ns(&stat));
		parent = stat.parent;
	}
	return true;
}

static bool process__show(struct process *process)
{
	_close_ int shown = procfs__open(process->key.pid, process->key.start_ns);
	struct procfs_stat stat;
	char *comm;

	if (shown < 0 || procfs__stat(shown, &stat))
		return true;
	comm = comm__text(stat.comm, sizeof(stat.comm));
	if (!comm)
		return false;
	free(process->comm);
	process->comm = comm;
	process->exe = exe__shown(shown);
	uid__show(process, shown);
	network__show(process, shown);
	return args__show(process, shown) && workload__show(process, shown) &&
	       ancestry__show(process, stat.parent);
}

struct process *process__from_proc(const struct process_key *key)
{
	struct process *process = calloc(1, sizeof(*process));

	if (!process)
		return NULL;
	process->key = *key;
	process->comm = strdup("?");
	process->args = calloc(1, sizeof(*process->args));
	if (!process->comm || !process->args || !process__show(process)) {
		process__free(process);
		return NULL;
	}
	return process;
}

/* --- Names --------------------------------------------------------------------------------- */

static const char *path__base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Whether base is comm and a version behind it: python3.11 of python3, php8.2 of php. */
static bool name__versioned(const char *base, const char *comm)
{
	size_t length = strlen(comm);

	return length && !strncmp(base, comm, length) && strchr("0123456789.-", base[length]);
}

/* The name that it was called by. comm is the shorter of the two, but a process can change it. A
 * file of memfd_create(2) may have slashes in its name, which is no path. */
static const char *program__name(const char *exe, const char *comm)
{
	const char *base = exe ? path__base(exe) : "";

	if (exe && !strncmp(exe, IN_MEMORY, strlen(IN_MEMORY)))
		return exe + 1;
	return !*base || name__versioned(base, comm) ? comm : base;
}

/* The command that a program of many commands was called as; NULL: it is none. */
static const char *applet__name(const char *program, char *const *args)
{
	const char *called;

	if (strcmp(program, "busybox") && strcmp(program, "toybox"))
		return NULL;
	called = args && args[0] ? path__base(args[0]) : NULL;
	if (called && !strcmp(called, program))
		called = args[1];
	if (called && *called == '-')
		called++;
	return called && *called ? called : NULL;
}

const char *network__name(enum network network)
{
	static const char *const names[NETWORK_COUNT] = {
		[NETWORK_HOST] = "host",
		[NETWORK_OWN] = "own",
	};

	return names[network];
}

static char *name__join(const char *program, const char *second)
{
	char *name = malloc(strlen(program) + strlen(second) + 2);

	if (name)
		sprintf(name, "%s%s%s", program, *second ? " " : "", second);
	return name;
}

char *process__name(const struct process *process)
{
	const char *program = program__name(process->exe, process->comm);
	const char *applet = applet__name(program, process->args);

	return name__join(program, process->script ? process->script : (applet ? applet : ""));
}

char *process__parent_name(const struct process *process)
{
	const struct ancestor_process *parent = process->ancestry;

	if (!process->ancestor_count)
		return NULL;
	return name__join(
		program__name(parent->exe, parent->comm), parent->script ? parent->script : "");
}

void process__free(struct process *process)
{
	if (!process)
		return;
	free(process->comm);
	free(process->exe);
	free(process->script);
	args__free(process->args);
	for (unsigned int i = 0; i < ANCESTORS_MAX; i++) {
		free(process->ancestry[i].comm);
		free(process->ancestry[i].exe);
		free(process->ancestry[i].script);
	}
	free(process->cgroup);
	workload__clear(&process->workload);
	free(process);
}
