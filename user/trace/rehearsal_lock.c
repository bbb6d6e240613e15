/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "trace/rehearsal_lock.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cgroup_path.h"
#include "lib/scope.h"
#include "process/cgroups.h"

/* The map's keys: hashes of paths, and one for everybody. */
enum kin { KIN_ABOVE, KIN_SELF };
#define EVERYBODY 0

#define FAMILY "rehearsal_scope"
#define PIDS   "scope_pids"

/* A busy kernel takes some time to free the maps of a rehearsal that has ended. */
#define LINGER_STEP_NS 50000000
#define LINGER_STEPS   20

/* Of one rehearsal that looks at another. */
struct lock {
	const struct process_scope *scope;
	uint32_t *pids; /* who is in the scope now */
	size_t pid_count;
};

/* Calls each with the hash of every cgroup from the root's child down to path. Stops with what is
 * not 0. */
typedef int (*path_visitor)(int map, uint64_t hash, enum kin kin);

static int path__visit(const char *path, int map, path_visitor each)
{
	uint64_t hash = CGROUP_PATH_HASH_START;
	int result = 0;

	for (; *path && !result; path++) {
		hash = cgroup_path__hash_byte(hash, *path);
		if (!path[1] || path[1] == '/')
			result = each(map, hash, path[1] ? KIN_ABOVE : KIN_SELF);
	}
	return result;
}

static int family__add(int map, uint64_t hash, enum kin kin)
{
	uint8_t value = kin;

	/* what is above one cgroup may be another that was chosen */
	if (!bpf_map_update_elem(map, &hash, &value, kin == KIN_SELF ? BPF_ANY : BPF_NOEXIST) ||
		errno == EEXIST)
		return 0;
	return -errno;
}

int rehearsal_lock__tell(const struct process_scope *scope, const struct bpf_object *object)
{
	int map = bpf_object__find_map_fd_by_name(object, FAMILY), error = 0;

	if (scope->kind == SCOPE_ALL)
		return family__add(map, EVERYBODY, KIN_SELF);
	for (size_t i = 0; i < scope->cgroup_count && !error; i++)
		error = path__visit(scope->cgroups[i], map, family__add);
	return error;
}

/* Whether one of two cgroups is the other, or below it. */
static int family__overlaps(int map, uint64_t hash, enum kin kin)
{
	uint8_t value;

	if (bpf_map_lookup_elem(map, &hash, &value))
		return 0;
	return kin == KIN_SELF || value == KIN_SELF;
}

/* Whether a process lives in a cgroup that was chosen, or below it. */
static int family__has(int map, uint64_t hash, enum kin kin)
{
	uint8_t value;

	(void)kin;
	return !bpf_map_lookup_elem(map, &hash, &value) && value == KIN_SELF;
}

static bool family__has_pids(int map, const struct lock *lock)
{
	struct cgroup_hierarchy hierarchies[CGROUP_HIERARCHIES_MAX];
	size_t count = cgroups__hierarchies(hierarchies, ""), hierarchy;
	char path[PATH_MAX];

	for (size_t i = 0; i < lock->pid_count; i++)
		if (!cgroups__of(lock->pids[i], hierarchies, count, "", path, &hierarchy) &&
			path__visit(path, map, family__has))
			return true;
	return false;
}

static bool lock__meets_family(const struct lock *lock, int map)
{
	uint64_t everybody = EVERYBODY;
	uint8_t value;

	if (lock->scope->kind == SCOPE_ALL || !bpf_map_lookup_elem(map, &everybody, &value))
		return true;
	for (size_t i = 0; i < lock->scope->cgroup_count; i++)
		if (path__visit(lock->scope->cgroups[i], map, family__overlaps))
			return true;
	/* the cgroups of a scope say it all */
	return !lock->scope->cgroup_count && family__has_pids(map, lock);
}

static bool lock__meets_pids(const struct lock *lock, int map)
{
	uint8_t value;

	for (size_t i = 0; i < lock->pid_count; i++)
		if (!bpf_map_lookup_elem(map, &lock->pids[i], &value))
			return true;
	return false;
}

/* Whether the map is of another rehearsal, and that one has somebody of the scope. */
static bool lock__meets(const struct lock *lock, int map, const struct bpf_map_info *info)
{
	if (!strcmp(info->name, FAMILY) && info->key_size == sizeof(uint64_t))
		return lock__meets_family(lock, map);
	if (!strcmp(info->name, PIDS) && info->key_size == sizeof(uint32_t))
		return lock__meets_pids(lock, map);
	return false;
}

static uint32_t map__id(const struct bpf_object *object, const char *name)
{
	struct bpf_map_info info = {};
	uint32_t size = sizeof(info);
	int map = object ? bpf_object__find_map_fd_by_name(object, name) : -1;

	return map < 0 || bpf_obj_get_info_by_fd(map, &info, &size) ? 0 : info.id;
}

static int look_for_another(const struct process_scope *scope, const struct bpf_object *object)
{
	const uint32_t own[] = {map__id(object, FAMILY), map__id(object, PIDS)};
	_free_ uint32_t *pids = NULL;
	struct lock lock = {.scope = scope};
	uint32_t id = 0;

	if (process_scope__pids(scope, "", &pids, &lock.pid_count))
		return -ENOMEM;
	lock.pids = pids;
	while (!bpf_map_get_next_id(id, &id)) {
		struct bpf_map_info info = {};
		uint32_t size = sizeof(info);
		_close_ int map = id == own[0] || id == own[1] ? -1 : bpf_map_get_fd_by_id(id);

		if (map >= 0 && !bpf_obj_get_info_by_fd(map, &info, &size) &&
			lock__meets(&lock, map, &info))
			return -EBUSY;
	}
	return 0;
}

int rehearsal_lock__check(const struct process_scope *scope, const struct bpf_object *object)
{
	const struct timespec pause = {.tv_nsec = LINGER_STEP_NS};
	int error = look_for_another(scope, object);

	for (int i = 0; error == -EBUSY && i < LINGER_STEPS; i++) {
		nanosleep(&pause, NULL);
		error = look_for_another(scope, object);
	}
	return error;
}
