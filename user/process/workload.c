/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A cgroup path is read from the root to the leaf, one component after another. The innermost
 * container is the one that the process lives in. A unit is the first one behind the slices, as
 * systemd itself reads it: what is below belongs to the unit's owner, who can name it anything.
 */
#include "lib/array.h"
#include "process/workload.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "process/workload_names.h"

#define COMPONENTS_MAX 64 /* that are looked at; the kernel side captures half as many */
#define ID_SIZE        64 /* hex digits */

/* Where the walk stands. */
struct walk {
	struct workload *workload;
	const char *root;
	const char *parent, *child; /* the components before and behind, "" for none */
	bool in_ecs, in_kubepods;
	struct owner owner;
};

/* --- Text ---------------------------------------------------------------------------------- */

static bool text__starts(const char *text, const char *prefix)
{
	return !strncmp(text, prefix, strlen(prefix));
}

static bool text__ends(const char *text, const char *suffix)
{
	size_t size = strlen(text), length = strlen(suffix);

	return size > length && !strcmp(text + size - length, suffix);
}

/* How many of HEX stand at the start. */
static size_t hex__span(const char *text)
{
	return strspn(text, "0123456789abcdef");
}

static int hex__digit(char digit)
{
	static const char digits[] = "0123456789abcdef";
	const char *found = digit ? strchr(digits, digit) : NULL;

	return found ? (int)(found - digits) : -1;
}

/* systemd.unit(5), "String Escaping for Inclusion in Unit Names": "\x2d" is "-". In place. */
static void text__unescape(char *text)
{
	char *out = text;

	while (*text) {
		int high = text[0] == '\\' && text[1] == 'x' ? hex__digit(text[2]) : -1;
		int low = high >= 0 ? hex__digit(text[3]) : -1;

		/* \x00 would end the name, and a byte beyond ASCII may be half a character. */
		if (low >= 0 && high < 8 && (high || low)) {
			*out++ = (char)(high << 4 | low);
			text += 4;
		} else {
			*out++ = *text++;
		}
	}
	*out = '\0';
}

static int text__replace(char **slot, const char *text, size_t size)
{
	char *copy = strndup(text, size);

	if (!copy)
		return -ENOMEM;
	free(*slot);
	*slot = copy;
	return 0;
}

/* --- Containers ---------------------------------------------------------------------------- */

/* Enters a container: what surrounds it is no longer where the process lives. */
static int walk__enter(struct walk *walk, const char *runtime, const char *id, size_t size)
{
	struct workload *workload = walk->workload;
	int error = text__replace(&workload->container.runtime, runtime, strlen(runtime));

	if (!error)
		error = text__replace(&workload->container.id, id, size);
	free(workload->container.name);
	workload->container.name = NULL;
	free(workload->container.image);
	workload->container.image = NULL;
	free(workload->unit);
	workload->unit = NULL;
	return error;
}

/* The same where a container's id is its name. */
static int walk__enter_named(struct walk *walk, const char *runtime, const char *name, size_t size)
{
	int error = walk__enter(walk, runtime, name, size);

	if (error)
		return error;
	text__unescape(walk->workload->container.id);
	return text__replace(&walk->workload->container.name, walk->workload->container.id, size);
}

/* PREFIX, 64 hex digits, and ".scope" or nothing: systemd's and cgroupfs' way to say the same. The
 * monitors (crio-conmon-, libpod-conmon-) are outside of their containers and do not fit. */
static const struct {
	const char *prefix, *runtime;
} id_prefixes[] = {
	{"docker-", "docker"},
	{"cri-containerd-", "containerd"},
	{"nerdctl-", "containerd"},
	{"crio-", "cri-o"},
	{"libpod-payload-", "podman"},
	{"libpod-", "podman"},
	/* runc's SLICE:PREFIX:ID where the systemd driver was asked for and is not used */
	{"docker:", "docker"},
	{"cri-containerd:", "containerd"},
	{"nerdctl:", "containerd"},
	{"crio:", "cri-o"},
	{"libpod:", "podman"},
};

static bool id__is(const char *text, const char *end)
{
	return hex__span(text) == ID_SIZE && !strcmp(text + ID_SIZE, end);
}

static const char *id__of(const char *component, const char *prefix)
{
	const char *id = component + strlen(prefix);

	return text__starts(component, prefix) && (id__is(id, "") || id__is(id, ".scope")) ? id
											   : NULL;
}

/* 1: it is a container's, 0: no, or -ENOMEM. So do all the functions of this shape. */
static int container__by_prefix(struct walk *walk, const char *component)
{
	const char *slice = strstr(component, ".slice:");
	const char *name = slice ? slice + strlen(".slice:") : component;

	for (size_t i = 0; i < ARRAY_SIZE(id_prefixes); i++) {
		const char *id = id__of(name, id_prefixes[i].prefix);
		int error;

		if (!id)
			continue;
		/* ECS starts its containers through docker; whoever looks for one looks in ECS. */
		error = walk__enter(
			walk, walk->in_ecs ? "ecs" : id_prefixes[i].runtime, id, ID_SIZE);
		return error ? error : 1;
	}
	return 0;
}

/*
 * A bare id names no runtime. Its surroundings do: docker's own docker/ID, ECS' /ecs. Elsewhere (a
 * pod with the cgroupfs driver, nerdctl's namespaces, docker's --cgroup-parent) docker and
 * containerd look alike: it is docker if dockerd has a container of that id on disk, otherwise
 * containerd. Below a user's manager it cannot be dockerd's.
 */
static const char *runtime__of_bare_id(const struct walk *walk, const char *id)
{
	if (walk->in_ecs)
		return "ecs";
	if (!strcmp(walk->parent, "docker"))
		return "docker";
	return !walk->owner.names_all && docker__has(id, walk->root) ? "docker" : "containerd";
}

static int container__by_bare_id(struct walk *walk, const char *component)
{
	int error;

	if (!id__is(component, ""))
		return 0;
	error = walk__enter(walk, runtime__of_bare_id(walk, component), component, ID_SIZE);
	return error ? error : 1;
}

/* Fargate: /ecs/TASK/TASK-NUMBER. */
static int container__of_ecs(struct walk *walk, const char *component)
{
	const char *number = component + hex__span(component);
	int error;

	if (!walk->in_ecs || number - component != 32 || number[0] != '-' || !number[1] ||
		number[1 + strspn(number + 1, "0123456789")])
		return 0;
	error = walk__enter(walk, "ecs", component, strlen(component));
	return error ? error : 1;
}

/* Names in front of and behind a container's own. A machine can be a virtual one (qemu): that is
 * no container, and the process is the emulator. */
static const struct {
	const char *parent; /* NULL: any */
	const char *prefix, *suffix, *runtime;
} named_containers[] = {
	{NULL, "lxc.payload.", "", "lxc"},
	{"lxc.payload", "", "", "lxc"},
	{"lxc", "", "", "lxc"},
	{NULL, "machine-lxc\\x2d", ".scope", "lxc"},
	{NULL, "machine-qemu\\x2d", ".scope", NULL},
	{"machine.slice", "systemd-nspawn@", ".service", "nspawn"},
	{"machine.slice", "machine-", ".scope", "nspawn"},
};

static int container__by_name(struct walk *walk, const char *component)
{
	for (size_t i = 0; i < ARRAY_SIZE(named_containers); i++) {
		const char *prefix = named_containers[i].prefix,
			   *suffix = named_containers[i].suffix;
		const char *parent = named_containers[i].parent;
		size_t size = strlen(component), around = strlen(prefix) + strlen(suffix);
		int error;

		if (size <= around || !text__starts(component, prefix) ||
			strcmp(component + size - strlen(suffix), suffix) ||
			(parent && strcmp(parent, walk->parent)))
			continue;
		/* systemd-nspawn itself waits beside the payload, outside of the container. */
		if (!named_containers[i].runtime || !strcmp(walk->child, "supervisor"))
			return 0;
		error = walk__enter_named(walk, named_containers[i].runtime,
			component + strlen(prefix), size - around);
		return error ? error : 1;
	}
	return 0;
}

/* --- Pods ---------------------------------------------------------------------------------- */

/* "kubepods-burstable-podUID.slice" with "_" for "-" in UID, or "podUID" below kubepods. */
static int pod__find(struct walk *walk, const char *component)
{
	const char *start = NULL;
	size_t size;
	char *uid;

	if (!walk->in_kubepods)
		return 0;
	if (text__starts(component, "pod")) {
		start = component + strlen("pod");
	} else if (strstr(component, ".slice")) {
		const char *kubepods = strstr(component, "kubepods"), *found = NULL;

		if (kubepods)
			found = strstr(kubepods, "-pod");
		if (found)
			start = found + strlen("-pod");
	}
	if (!start)
		return 0;
	/* A UUID, or for a static pod 32 digits of a hash. */
	size = strspn(start, "0123456789abcdefABCDEF-_");
	if (size < 32 || size > 36 || (start[size] && !text__starts(start + size, ".slice")))
		return 0;
	uid = strndup(start, size);
	if (!uid)
		return -ENOMEM;
	for (char *at = uid; *at; at++)
		if (*at == '_')
			*at = '-';
	free(walk->workload->pod.uid);
	walk->workload->pod.uid = uid;
	return 0;
}

/* --- Units --------------------------------------------------------------------------------- */

static const char *const unit_suffixes[] = {".service", ".scope", ".socket", ".mount", ".swap"};

static bool unit__is(const char *component)
{
	for (size_t i = 0; i < ARRAY_SIZE(unit_suffixes); i++)
		if (text__ends(component, unit_suffixes[i]))
			return true;
	return false;
}

/* A user's service manager: its units are units like the system's. */
static bool unit__is_manager(const char *unit)
{
	return text__starts(unit, "user@") && text__ends(unit, ".service");
}

static int unit__find(struct walk *walk, const char *component)
{
	struct workload *workload = walk->workload;

	/* systemd puts "_" in front of what would look like one of the kernel's own files. */
	if (*component == '_')
		component++;
	if (text__ends(component, ".slice") &&
		(!workload->unit || unit__is_manager(workload->unit)))
		return text__replace(&workload->slice, component, strlen(component));
	if (!unit__is(component))
		return 0;
	if (workload->unit && !unit__is_manager(workload->unit))
		return 0;
	/* The manager itself lives in an init.scope of its own. */
	if (workload->unit && !strcmp(component, "init.scope"))
		return 0;
	return text__replace(&workload->unit, component, strlen(component));
}

/* --- The walk ------------------------------------------------------------------------------ */

/* user-UID.slice, the outermost of them: below that one, its user can make others. */
static void walk__note_user(struct walk *walk, const char *component)
{
	unsigned long uid;
	char *end;

	if (walk->owner.uid >= 0 || !text__starts(component, "user-"))
		return;
	uid = strtoul(component + strlen("user-"), &end, 10);
	if (!strcmp(end, ".slice") && uid <= 0xffffffffUL)
		walk->owner.uid = (long)uid;
}

static void walk__note(struct walk *walk, const char *component)
{
	if (!strcmp(component, "ecs") || !strcmp(component, "ecstasks.slice"))
		walk->in_ecs = true;
	if (strstr(component, "kubepods"))
		walk->in_kubepods = true;
	walk__note_user(walk, component);
	if (walk->owner.uid > 0 && unit__is_manager(component))
		walk->owner.names_all = true;
}

static int (*const finders[])(struct walk *walk, const char *component) = {
	container__by_prefix, container__by_bare_id, container__of_ecs, container__by_name};

static int walk__step(struct walk *walk, const char *component)
{
	int error;

	walk__note(walk, component);
	error = pod__find(walk, component);
	for (size_t i = 0; !error && i < ARRAY_SIZE(finders); i++)
		error = finders[i](walk, component);
	if (error)
		return error < 0 ? error : 0;
	return unit__find(walk, component);
}

static int walk__path(struct walk *walk, char *path)
{
	char *components[COMPONENTS_MAX + 1], *place;
	size_t count = 0;

	for (char *component = strtok_r(path, "/", &place); component && count < COMPONENTS_MAX;
		component = strtok_r(NULL, "/", &place))
		components[count++] = component;
	components[count] = "";
	for (size_t i = 0; i < count; i++) {
		int error;

		walk->parent = i ? components[i - 1] : "";
		walk->child = components[i + 1];
		error = walk__step(walk, components[i]);
		if (error)
			return error;
	}
	return 0;
}

int workload__find(struct workload *workload, const char *cgroup, const char *root)
{
	struct walk walk = {.workload = workload, .root = root, .owner.uid = -1};
	char *path = cgroup ? strdup(cgroup) : NULL;
	int error;

	*workload = (struct workload){0};
	if (!path)
		return cgroup ? -ENOMEM : 0;
	error = walk__path(&walk, path);
	free(path);
	if (!error && (workload->container.id || workload->pod.uid))
		error = workload__name(workload, &walk.owner, root);
	if (error)
		workload__clear(workload);
	return error;
}

void workload__clear(struct workload *workload)
{
	free(workload->unit);
	free(workload->slice);
	free(workload->container.runtime);
	free(workload->container.id);
	free(workload->container.name);
	free(workload->container.image);
	free(workload->pod.uid);
	free(workload->pod.name);
	free(workload->pod.namespace);
	*workload = (struct workload){0};
}
