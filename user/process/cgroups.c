/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "lib/array.h"
#include "process/cgroups.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/file.h"
#include "lib/scope.h"

#define DEPTH_MAX   24 /* as the kernel side follows a path */
#define CGROUPS_MAX 65536
#define PROCS_MAX   (16UL << 20) /* bytes of a list of processes */
#define CGROUP_MAX  65536

#define PROC_CGROUP_INIT_INO 0xeffffffbU /* include/linux/proc_ns.h */

/* Seen from pid 1 first, which no container's cgroup namespace narrows where pids are the host's.
 */
static const char *const views[] = {"/proc/1/root", ""};

static const struct {
	const char *directory, *controller;
} places[] = {
	{"/sys/fs/cgroup", ""},
	{"/sys/fs/cgroup/unified", ""},
	{"/sys/fs/cgroup/systemd", "name=systemd"},
	{"/sys/fs/cgroup/pids", "pids"},
	{"/sys/fs/cgroup/memory", "memory"},
	{"/sys/fs/cgroup/cpu", "cpu"},
};

static bool directory__has(const char *directory, const char *name)
{
	char path[PATH_MAX];

	return snprintf(path, sizeof(path), "%s/%s", directory, name) < (int)sizeof(path) &&
	       file__may(path, F_OK);
}

static size_t hierarchies__of_view(
	struct cgroup_hierarchy *hierarchies, const char *root, const char *view)
{
	size_t count = 0;

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		struct cgroup_hierarchy *next = &hierarchies[count];
		bool version2 = !*places[i].controller;

		if (snprintf(next->directory, sizeof(next->directory), "%s%s%s", root, view,
			    places[i].directory) >= (int)sizeof(next->directory))
			continue;
		if (!directory__has(
			    next->directory, version2 ? "cgroup.controllers" : "cgroup.procs"))
			continue;
		next->controller = places[i].controller;
		count++;
		/* Where version 2 has that place, what is below are cgroups of it. */
		if (version2 && !i)
			break;
	}
	return count;
}

size_t cgroups__hierarchies(
	struct cgroup_hierarchy hierarchies[CGROUP_HIERARCHIES_MAX], const char *root)
{
	size_t count = 0;

	for (size_t i = 0; !count && i < ARRAY_SIZE(views); i++)
		count = hierarchies__of_view(hierarchies, root, views[i]);
	return count;
}

/* --- Every cgroup ----------------------------------------------------------------------------- */

struct visit {
	cgroup_visitor each;
	void *context;
	char path[PATH_MAX]; /* of the directory; what is behind base is the cgroup's path */
	size_t base;
	size_t left; /* cgroups that are still looked at */
	bool stopped;
};

static void scope__closedir(DIR **directory)
{
	if (*directory)
		closedir(*directory);
}

/* Whether an entry of a cgroup's directory is a cgroup. */
static bool entry__is_cgroup(DIR *directory, const struct dirent *entry)
{
	struct stat status;

	if (entry->d_name[0] == '.' && (!entry->d_name[1] || !strcmp(entry->d_name, "..")))
		return false;
	if (entry->d_type != DT_UNKNOWN)
		return entry->d_type == DT_DIR;
	return !fstatat(dirfd(directory), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) &&
	       S_ISDIR(status.st_mode);
}

static void visit__below(struct visit *visit, size_t size, unsigned int depth)
{
	__attribute__((cleanup(scope__closedir))) DIR *directory = opendir(visit->path);
	struct dirent *entry;

	while (directory && !visit->stopped && (entry = readdir(directory))) {
		size_t length = strlen(entry->d_name);
		enum cgroup_step step;

		if (!entry__is_cgroup(directory, entry) || size + 1 + length >= sizeof(visit->path))
			continue;
		visit->path[size] = '/';
		memcpy(visit->path + size + 1, entry->d_name, length + 1);
		step = visit->left-- ? visit->each(visit->context, visit->path + visit->base)
				     : CGROUP_STOP;
		visit->stopped = step == CGROUP_STOP;
		if (step == CGROUP_DESCEND && depth < DEPTH_MAX)
			visit__below(visit, size + 1 + length, depth + 1);
		visit->path[size] = '\0';
	}
}

void cgroups__visit(const char *root, cgroup_visitor each, void *context)
{
	struct cgroup_hierarchy hierarchies[CGROUP_HIERARCHIES_MAX];
	size_t count = cgroups__hierarchies(hierarchies, root);
	struct visit visit = {.each = each, .context = context, .left = CGROUPS_MAX};

	for (size_t i = 0; i < count && !visit.stopped; i++) {
		visit.base = strlen(hierarchies[i].directory);
		memcpy(visit.path, hierarchies[i].directory, visit.base + 1);
		visit__below(&visit, visit.base, 1);
	}
}

static bool hierarchy__has(const struct cgroup_hierarchy *hierarchy, const char *path)
{
	char full[2 * PATH_MAX];
	struct stat status;

	return snprintf(full, sizeof(full), "%s%s", hierarchy->directory, path) <
		       (int)sizeof(full) &&
	       !stat(full, &status) && S_ISDIR(status.st_mode);
}

bool cgroups__have(const char *path, const char *root)
{
	struct cgroup_hierarchy hierarchies[CGROUP_HIERARCHIES_MAX];
	size_t count = cgroups__hierarchies(hierarchies, root);

	for (size_t i = 0; i < count; i++)
		if (hierarchy__has(&hierarchies[i], path))
			return true;
	return false;
}

/* --- Processes -------------------------------------------------------------------------------- */

int pid_list__add(struct pid_list *list, uint32_t pid)
{
	if (list->count == list->room) {
		size_t room = list->room ? 2 * list->room : 64;
		uint32_t *grown = reallocarray(list->pids, room, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		list->pids = grown;
		list->room = room;
	}
	list->pids[list->count++] = pid;
	return 0;
}

static int pid__compare(const void *left, const void *right)
{
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

	return a < b ? -1 : a > b;
}

void pid_list__settle(struct pid_list *list)
{
	size_t kept = 0;

	if (list->count)
		qsort(list->pids, list->count, sizeof(*list->pids), pid__compare);
	for (size_t i = 0; i < list->count; i++)
		if (!kept || list->pids[kept - 1] != list->pids[i])
			list->pids[kept++] = list->pids[i];
	list->count = kept;
}

struct members {
	const struct cgroup_hierarchy *hierarchies;
	size_t hierarchy_count, at; /* at: the one that is looked at */
	const char *root;
	struct pid_list *list;
	int error;
};

/* Where a process is in cgroups of several hierarchies, one of them says where it lives. */
static bool members__lives_there(const struct members *members, uint32_t pid)
{
	char path[PATH_MAX];
	size_t hierarchy;
	int error = cgroups__of(pid, members->hierarchies, members->hierarchy_count, members->root,
		path, &hierarchy);

	return error == -EXDEV || (!error && hierarchy == members->at);
}

static void members__add(struct members *members, const char *directory)
{
	_free_ char *content = NULL;
	char path[2 * PATH_MAX], *at, *end;
	size_t size;

	snprintf(path, sizeof(path), "%s/cgroup.procs", directory);
	/* A threaded cgroup has none to say (EOPNOTSUPP), and one may be gone. */
	if (file__read(path, PROCS_MAX, &content, &size))
		return;
	for (at = content; !members->error; at = end) {
		unsigned long pid = strtoul(at, &end, 10);

		if (end == at)
			return;
		if (pid && members__lives_there(members, (uint32_t)pid))
			members->error = pid_list__add(members->list, (uint32_t)pid);
	}
}

static enum cgroup_step members__visit(void *context, const char *path)
{
	struct members *members = context;

	members__add(members, path);
	return members->error ? CGROUP_STOP : CGROUP_DESCEND;
}

int cgroups__pids(const char *path, const char *root, struct pid_list *list)
{
	struct cgroup_hierarchy hierarchies[CGROUP_HIERARCHIES_MAX];
	size_t count = cgroups__hierarchies(hierarchies, root);
	struct members members = {hierarchies, count, 0, root, list, 0};

	for (; members.at < count && !members.error; members.at++) {
		struct visit visit = {
			.each = members__visit, .context = &members, .left = CGROUPS_MAX};
		int size = snprintf(visit.path, sizeof(visit.path), "%s%s",
			hierarchies[members.at].directory, path);

		if (size >= (int)sizeof(visit.path))
			continue;
		members__add(&members, visit.path);
		visit__below(&visit, (size_t)size, 1);
	}
	return members.error;
}

/* --- Where a process lives -------------------------------------------------------------------- */

static bool namespace__is_the_first(const char *root)
{
	struct stat status;

	return *root || stat("/proc/self/ns/cgroup", &status) ||
	       status.st_ino == PROC_CGROUP_INIT_INO;
}

/* "4:cpu,cpuacct:/a/b": the path where one of the controllers is that one. Ends the line. */
static char *line__path(char *line, const char *controller)
{
	char *controllers = strchr(line, ':');
	char *path = controllers ? strchr(++controllers, ':') : NULL, *place;

	if (!path)
		return NULL;
	*path++ = '\0';
	if (!*controllers && !*controller)
		return path;
	for (char *one = strtok_r(controllers, ",", &place); one; one = strtok_r(NULL, ",", &place))
		if (!strcmp(one, controller))
			return path;
	return NULL;
}

/* The path in the hierarchy of that controller, for the caller to free; NULL: none. */
static char *membership__path(const char *content, const char *controller)
{
	_free_ char *copy = strdup(content);
	char *place;

	for (char *line = copy ? strtok_r(copy, "\n", &place) : NULL; line;
		line = strtok_r(NULL, "\n", &place)) {
		char *path = line__path(line, controller);

		if (path)
			return strdup(path);
	}
	return NULL;
}

int cgroups__of(uint32_t pid, const struct cgroup_hierarchy *hierarchies, size_t count,
	const char *root, char *path, size_t *hierarchy)
{
	_free_ char *content = NULL;
	char name[PATH_MAX];
	size_t size;

	if (!namespace__is_the_first(root))
		return -EXDEV;
	if (pid)
		snprintf(name, sizeof(name), "%s/proc/%u/cgroup", root, (unsigned int)pid);
	else
		snprintf(name, sizeof(name), "%s/proc/self/cgroup", root);
	if (!count || file__read(name, CGROUP_MAX, &content, &size))
		return -ESRCH;
	for (size_t i = 0; i < count; i++) {
		_free_ char *found = membership__path(content, hierarchies[i].controller);

		if (!found || !strcmp(found, "/") || strlen(found) >= PATH_MAX)
			continue;
		strcpy(path, found);
		*hierarchy = i;
		return 0;
	}
	strcpy(path, "");
	*hierarchy = 0;
	return 0;
}
