/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "lib/array.h"
#include "process/process_scope.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/file.h"
#include "lib/scope.h"
#include "lib/text.h"
#include "process/cgroups.h"
#include "process/command.h"
#include "process/procfs.h"
#include "process/scope_search.h"
#include "process/unit_files.h"

static int copy(char **to, const char *text)
{
	*to = strdup(text);
	return *to ? 0 : -ENOMEM;
}

void process_scope__clear(struct process_scope *scope)
{
	for (size_t i = 0; i < scope->cgroup_count; i++)
		free(scope->cgroups[i]);
	free(scope->cgroups);
	free(scope->pids);
	free(scope->name);
	*scope = (struct process_scope){0};
}

/* Takes the path. 0 or -ENOMEM. */
static int scope__add(struct process_scope *scope, char *path)
{
	char **grown = NULL;

	if (path)
		grown = reallocarray(scope->cgroups, scope->cgroup_count + 2, sizeof(*grown));
	if (!grown) {
		free(path);
		return -ENOMEM;
	}
	scope->cgroups = grown;
	grown[scope->cgroup_count++] = path;
	grown[scope->cgroup_count] = NULL;
	return 0;
}

static bool path__is_below(const char *path, const char *above)
{
	size_t size = strlen(above);

	return !strncmp(path, above, size) && (!path[size] || path[size] == '/');
}

bool process_scope__has_cgroup(const struct process_scope *scope, const char *cgroup)
{
	if (scope->kind == SCOPE_ALL)
		return true;
	for (size_t i = 0; cgroup && i < scope->cgroup_count; i++)
		if (path__is_below(cgroup, scope->cgroups[i]))
			return true;
	return false;
}

/* --- Units, containers and pods --------------------------------------------------------------- */

static const struct {
	const char *noun;   /* what a report calls it with its name behind */
	const char *advice; /* where several fit */
} kinds[] = {
	[SCOPE_UNIT] = {"unit", "choose one with --cgroup PATH"},
	[SCOPE_CONTAINER] = {"container", "give its whole id"},
	[SCOPE_POD] = {"pod", "give its NAMESPACE/NAME, or its uid"},
	[SCOPE_CGROUP] = {"cgroup", NULL},
	[SCOPE_PID] = {"pid", NULL},
	[SCOPE_ALL] = {"all", NULL},
	[SCOPE_COMMAND] = {"command", NULL},
};

static int scope__name(struct process_scope *scope, enum scope_kind kind, const char *name)
{
	scope->kind = kind;
	if (kind == SCOPE_ALL)
		return copy(&scope->name, kinds[kind].noun);
	return asprintf(&scope->name, "%s %s", kinds[kind].noun, name) < 0 ? -ENOMEM : 0;
}

/* What systemctl(1) makes of a name without a type. */
static char *unit__name(const char *what)
{
	static const char *const types[] = {".service", ".scope", ".slice", ".socket", ".mount",
		".swap", ".timer", ".path", ".target"};
	const char *dot = strrchr(what, '.');
	char *name;

	for (size_t i = 0; dot && i < ARRAY_SIZE(types); i++)
		if (!strcmp(dot, types[i]))
			return strdup(what);
	return asprintf(&name, "%s.service", what) < 0 ? NULL : name;
}

/* A unit that systemd would start: systemd puts "_" in front of names that the kernel has, too. */
static int scope__expect_unit(struct process_scope *scope, const char *unit, const char *root)
{
	_free_ char *path = NULL;
	char *escaped;
	int error = unit__cgroup(unit, root, &path);

	if (error)
		return error;
	scope->not_running = true;
	error = scope__name(scope, SCOPE_UNIT, unit);
	if (!error)
		error = scope__add(scope, strdup(path));
	if (error)
		return error;
	if (asprintf(&escaped, "%.*s_%s", (int)(strrchr(path, '/') + 1 - path), path, unit) < 0)
		return -ENOMEM;
	return scope__add(scope, escaped);
}

static int scope__take(
	struct process_scope *scope, enum scope_kind kind, const struct scope_search *search)
{
	int error = scope__name(scope, kind, search->matches[0].label);

	for (size_t i = 0; !error && i < search->match_count; i++)
		error = scope__add(scope, strdup(search->matches[i].path));
	return error;
}

static int scope__search(struct process_scope *scope, enum scope_kind kind, const char *what,
	const char *root, char **why)
{
	__attribute__((cleanup(scope_search__clear))) struct scope_search search = {
		.kind = kind, .what = what, .root = root};
	_free_ char *list = NULL;
	size_t keys;
	int error = scope_search__run(&search);

	if (error)
		return error;
	keys = scope_search__keys(&search);
	if (keys == 1)
		return scope__take(scope, kind, &search);
	if (!keys && kind == SCOPE_UNIT) {
		error = scope__expect_unit(scope, what, root);
		if (error != -ENOENT)
			return error;
	}
	list = scope_search__list(&search);
	if (!list)
		return -ENOMEM;
	if (keys)
		return text__explain(why, -EEXIST, "\"%s\" fits %zu %ss: %s; %s", what, keys,
			kinds[kind].noun, list, kinds[kind].advice);
	if (!*list)
		return text__explain(why, -ENOENT,
			"there is no %s \"%s\": no cgroup here is a %s's", kinds[kind].noun, what,
			kinds[kind].noun);
	return text__explain(
		why, -ENOENT, "there is no %s \"%s\"; there are: %s", kinds[kind].noun, what, list);
}

static int scope__find_unit(
	struct process_scope *scope, const char *what, const char *root, char **why)
{
	_free_ char *unit = unit__name(what);

	return unit ? scope__search(scope, SCOPE_UNIT, unit, root, why) : -ENOMEM;
}

static int scope__find_container(
	struct process_scope *scope, const char *what, const char *root, char **why)
{
	return scope__search(scope, SCOPE_CONTAINER, what, root, why);
}

static int scope__find_pod(
	struct process_scope *scope, const char *what, const char *root, char **why)
{
	return scope__search(scope, SCOPE_POD, what, root, why);
}

/* --- Cgroups ---------------------------------------------------------------------------------- */

/* As the kernel has it: from the root of its hierarchy, with one slash between names and none at
 * the end. NULL: it has a "..", or no memory. The caller frees. */
static char *path__clean(const char *path)
{
	char *clean = malloc(strlen(path) + 2), *out = clean;

	while (clean && *path) {
		size_t size;

		path += strspn(path, "/");
		size = strcspn(path, "/");
		if (size == 2 && !strncmp(path, "..", 2)) {
			free(clean);
			return NULL;
		}
		if (size && !(size == 1 && *path == '.')) {
			*out++ = '/';
			memcpy(out, path, size);
			out += size;
		}
		path += size;
	}
	if (clean)
		*out = '\0';
	return clean;
}

/* Without the directory in which its hierarchy is mounted, where it begins with that. */
static const char *path__of_hierarchy(const char *path, const char *root)
{
	struct cgroup_hierarchy hierarchies[CGROUP_HIERARCHIES_MAX];
	size_t count = cgroups__hierarchies(hierarchies, root), longest = 0;

	for (size_t i = 0; i < count; i++) {
		const char *directory = strstr(hierarchies[i].directory, "/sys/fs/cgroup");

		if (directory && path__is_below(path, directory) && strlen(directory) > longest)
			longest = strlen(directory);
	}
	return path + longest;
}

static int scope__find_cgroup(
	struct process_scope *scope, const char *what, const char *root, char **why)
{
	_free_ char *clean = path__clean(what);
	const char *path = clean ? path__of_hierarchy(clean, root) : NULL;
	int error;

	if (!path)
		return text__explain(why, -EINVAL, "\"%s\" is no path of a cgroup", what);
	if (!*path)
		return text__explain(why, -EINVAL,
			"\"%s\" is the root, which is everybody: that is --all", what);
	if (!cgroups__have(path, root))
		return text__explain(
			why, -ENOENT, "there is no cgroup \"%s\" in any hierarchy", path);
	error = scope__name(scope, SCOPE_CGROUP, path);
	return error ? error : scope__add(scope, strdup(path));
}

/* --- Processes -------------------------------------------------------------------------------- */

struct process_parent {
	uint32_t pid, parent;
};

/* Every process with its parent, for the caller to free. 0 or -ENOMEM. */
static int processes__list(const char *root, struct process_parent **list, size_t *count)
{
	char path[PATH_MAX];
	DIR *directory;
	struct dirent *entry;
	size_t room = 0;

	*list = NULL;
	*count = 0;
	snprintf(path, sizeof(path), "%s/proc", root);
	directory = opendir(path);
	while (directory && (entry = readdir(directory))) {
		char *end;
		unsigned long pid = strtoul(entry->d_name, &end, 10);
		_close_ int process = *end || !pid ? -1
						   : openat(dirfd(directory), entry->d_name,
							     O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		struct procfs_stat stat;

		if (process < 0 || procfs__stat(process, &stat))
			continue;
		if (*count == room) {
			struct process_parent *grown;

			room = room ? 2 * room : 256;
			grown = reallocarray(*list, room, sizeof(*grown));
			if (!grown) {
				closedir(directory);
				return -ENOMEM;
			}
			*list = grown;
		}
		(*list)[(*count)++] = (struct process_parent){(uint32_t)pid, stat.parent};
	}
	if (directory)
		closedir(directory);
	return 0;
}

static bool pids__have(const struct pid_list *pids, uint32_t pid)
{
	for (size_t i = 0; i < pids->count; i++)
		if (pids->pids[i] == pid)
			return true;
	return false;
}

/* Adds the children of whom pids has, and theirs. 0 or -ENOMEM. */
static int pids__add_children(struct pid_list *pids, const char *root)
{
	_free_ struct process_parent *all = NULL;
	size_t count, before;
	int error = processes__list(root, &all, &count);

	do {
		before = pids->count;
		for (size_t i = 0; !error && i < count; i++)
			if (pids__have(pids, all[i].parent) && !pids__have(pids, all[i].pid))
				error = pid_list__add(pids, all[i].pid);
	} while (!error && pids->count > before);
	return error;
}

/* One process and its children, who are there by now. 0 or -ENOMEM. */
static int scope__take_processes(struct process_scope *scope, uint32_t pid, const char *root)
{
	struct pid_list list = {0};
	int error = pid_list__add(&list, pid);

	if (!error)
		error = pids__add_children(&list, root);
	pid_list__settle(&list);
	scope->pids = list.pids;
	scope->pid_count = list.count;
	return error;
}

static int scope__find_pid(
	struct process_scope *scope, const char *what, const char *root, char **why)
{
	char *end, path[PATH_MAX], number[16];
	unsigned long pid = strtoul(what, &end, 10);
	int error;

	if (*end || !*what || *what == '-' || *what == '+' || !pid || pid > INT32_MAX)
		return text__explain(why, -EINVAL, "\"%s\" is no process's number", what);
	if (!*root && !procfs__shows_all())
		return text__explain(why, -EINVAL,
			"the numbers of processes that are seen here are a container's own: run it where the host's are seen");
	snprintf(path, sizeof(path), "%s/proc/%lu", root, pid);
	if (!file__may(path, F_OK))
		return text__explain(why, -ENOENT, "there is no process %lu", pid);
	snprintf(number, sizeof(number), "%lu", pid);
	error = scope__name(scope, SCOPE_PID, number);
	return error ? error : scope__take_processes(scope, (uint32_t)pid, root);
}

/* --- Any -------------------------------------------------------------------------------------- */

typedef int (*scope_finder)(
	struct process_scope *scope, const char *what, const char *root, char **why);

static const scope_finder finders[] = {
	[SCOPE_UNIT] = scope__find_unit,
	[SCOPE_CONTAINER] = scope__find_container,
	[SCOPE_POD] = scope__find_pod,
	[SCOPE_CGROUP] = scope__find_cgroup,
	[SCOPE_PID] = scope__find_pid,
};

int process_scope__resolve(struct process_scope *scope, enum scope_kind kind, const char *what,
	const char *root, char **why)
{
	struct process_scope found = {0};
	int error;

	*why = NULL;
	if (!*what)
		return text__explain(why, -EINVAL, "the %s has no name", kinds[kind].noun);
	error = finders[kind](&found, what, root, why);
	if (error) {
		process_scope__clear(&found);
		return error;
	}
	*scope = found;
	return 0;
}

int process_scope__all(struct process_scope *scope)
{
	*scope = (struct process_scope){0};
	return scope__name(scope, SCOPE_ALL, "");
}

int process_scope__of_command(
	struct process_scope *scope, const struct command *command, const char *label)
{
	const char *cgroup = command__cgroup(command);
	struct process_scope found = {0};
	int error = scope__name(&found, SCOPE_COMMAND, label);

	if (!error && cgroup)
		error = scope__add(&found, strdup(cgroup));
	if (!error && !cgroup)
		error = scope__take_processes(&found, command__pid(command), "");
	if (error) {
		process_scope__clear(&found);
		return error;
	}
	*scope = found;
	return 0;
}

/* Of everybody: who is in /proc. 0 or -ENOMEM. */
static int pids__add_all(struct pid_list *list, const char *root)
{
	_free_ struct process_parent *all = NULL;
	size_t count;
	int error = processes__list(root, &all, &count);

	for (size_t i = 0; !error && i < count; i++)
		error = pid_list__add(list, all[i].pid);
	return error;
}

int process_scope__pids(
	const struct process_scope *scope, const char *root, uint32_t **pids, size_t *count)
{
	struct pid_list list = {0};
	int error = 0;

	if (scope->kind == SCOPE_ALL)
		error = pids__add_all(&list, root);
	for (size_t i = 0; !error && i < scope->cgroup_count; i++)
		error = cgroups__pids(scope->cgroups[i], root, &list);
	for (size_t i = 0; !error && i < scope->pid_count; i++)
		error = pid_list__add(&list, scope->pids[i]);
	if (!error && scope->pid_count)
		error = pids__add_children(&list, root);
	if (error) {
		free(list.pids);
		return error;
	}
	pid_list__settle(&list);
	*pids = list.pids;
	*count = list.count;
	return 0;
}
