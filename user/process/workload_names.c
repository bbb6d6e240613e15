/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "lib/array.h"
#include "process/workload_names.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/file.h"
#include "lib/scope.h"

#define CONFIG_MAX  (1 << 20)  /* bytes of one container's configuration */
#define STORE_MAX   (16 << 20) /* bytes of podman's list of all containers */
#define ENTRIES_MAX 16384      /* of a directory that is searched */

static void scope__closedir(DIR **directory)
{
	if (*directory)
		closedir(*directory);
}

#define _closedir_ __attribute__((cleanup(scope__closedir)))

/* --- JSON ---------------------------------------------------------------------------------- */

static json_t *json__read(const char *path, size_t limit)
{
	_free_ char *content = NULL;
	size_t size;

	if (file__read_regular(path, limit, &content, &size))
		return NULL;
	/* jansson itself bounds how deep it follows brackets (JSON_PARSER_MAX_DEPTH). */
	return json_loadb(content, size, 0, NULL);
}

static bool text__set(char **slot, const char *text, size_t size)
{
	if (*slot || !size)
		return true;
	*slot = strndup(text, size);
	return *slot != NULL;
}

/* Fills slot with the first of keys that object has. False: no memory. */
static bool slot__fill(char **slot, const json_t *object, const char *const *keys)
{
	for (; *keys && !*slot; keys++) {
		const char *text = json_string_value(json_object_get(object, *keys));

		if (text && !text__set(slot, text, strlen(text)))
			return false;
	}
	return true;
}

/* --- One file for each container ----------------------------------------------------------- */

/* Labels (docker) and annotations (OCI) in which orchestrators note their own names. */
static const char *const container_keys[] = {"io.kubernetes.container.name",
	"io.kubernetes.cri.container-name", "com.amazonaws.ecs.container-name", "nerdctl/name",
	NULL};
static const char *const pod_keys[] = {
	"io.kubernetes.pod.name", "io.kubernetes.cri.sandbox-name", NULL};
static const char *const image_keys[] = {
	"io.kubernetes.cri.image-name", "io.kubernetes.cri-o.ImageName", NULL};
static const char *const namespace_keys[] = {
	"io.kubernetes.pod.namespace", "io.kubernetes.cri.sandbox-namespace", NULL};

#define DOCKER_CONFIG "/var/lib/docker/containers/%s/config.v2.json"

static const struct config {
	const char *path;   /* %s is the container's id */
	const char *object; /* holds labels; NULL: the file's own object does */
	const char *labels;
	const char *name; /* of the file's own object: the name if no label has one; NULL: none */
} configs[] = {
	{DOCKER_CONFIG, "Config", "Labels", "Name"},
	{"/run/containerd/io.containerd.runtime.v2.task/k8s.io/%s/config.json", NULL, "annotations",
		NULL},
	{"/run/containerd/io.containerd.runtime.v2.task/default/%s/config.json", NULL,
		"annotations", NULL},
	{"/run/containers/storage/overlay-containers/%s/userdata/config.json", NULL, "annotations",
		NULL},
};

/* ECS numbers tasks and gives their containers the names that the task's definition has for them:
 * with the definition's own, "orders/web" says whose it is. False: no memory. */
static bool ecs__name(struct workload *workload, const json_t *labels)
{
	const char *family = json_string_value(
		json_object_get(labels, "com.amazonaws.ecs.task-definition-family"));
	const char *name =
		json_string_value(json_object_get(labels, "com.amazonaws.ecs.container-name"));

	if (strcmp(workload->container.runtime, "ecs") || workload->container.name || !family ||
		!*family || !name || !*name)
		return true;
	if (asprintf(&workload->container.name, "%s/%s", family, name) >= 0)
		return true;
	workload->container.name = NULL;
	return false;
}

/* Of docker's Config, beside its labels. */
static const char *const own_image_keys[] = {"Image", NULL};

static bool config__name(struct workload *workload, const struct config *config, const json_t *file)
{
	const json_t *holder = config->object ? json_object_get(file, config->object) : file;
	const json_t *labels = json_object_get(holder, config->labels);
	const char *name =
		config->name ? json_string_value(json_object_get(file, config->name)) : NULL;

	if (!ecs__name(workload, labels) ||
		!slot__fill(&workload->container.name, labels, container_keys) ||
		!slot__fill(&workload->container.image, labels, image_keys) ||
		(config->object && !slot__fill(&workload->container.image, holder, own_image_keys)))
		return false;
	if (name)
		name += *name == '/';
	if (name && !text__set(&workload->container.name, name, strlen(name)))
		return false;
	/* Anybody can label a container; that it is in a pod, the cgroup has to say. */
	return !workload->pod.uid ||
	       (slot__fill(&workload->pod.name, labels, pod_keys) &&
		       slot__fill(&workload->pod.namespace, labels, namespace_keys));
}

static bool path__of_config(
	char path[PATH_MAX], const char *root, const char *pattern, const char *id)
{
	const char *hole = strstr(pattern, "%s");

	return snprintf(path, PATH_MAX, "%s%.*s%s%s", root, (int)(hole - pattern), pattern, id,
		       hole + 2) < PATH_MAX;
}

static bool configs__name(struct workload *workload, const char *root)
{
	char path[PATH_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(configs); i++) {
		_decref_ json_t *file = NULL;

		if (!path__of_config(path, root, configs[i].path, workload->container.id))
			continue;
		file = json__read(path, CONFIG_MAX);
		if (file && !config__name(workload, &configs[i], file))
			return false;
	}
	return true;
}

bool docker__has(const char *id, const char *root)
{
	char path[PATH_MAX];

	return path__of_config(path, root, DOCKER_CONFIG, id) && file__may(path, F_OK);
}

/* --- podman: one file for all containers --------------------------------------------------- */

static const char *const stores[] = {
	"overlay-containers/containers.json",
	"overlay-containers/volatile-containers.json",
	"vfs-containers/containers.json",
	"vfs-containers/volatile-containers.json",
	"btrfs-containers/containers.json",
	"btrfs-containers/volatile-containers.json",
};

/* An entry's metadata is JSON in a string (containers/podman, libpod/storage.go). */
static bool store__image(struct workload *workload, const char *metadata)
{
	static const char *const keys[] = {"image-name", NULL};
	_decref_ json_t *object = metadata ? json_loads(metadata, 0, NULL) : NULL;

	return slot__fill(&workload->container.image, object, keys);
}

static bool store__name(struct workload *workload, const json_t *store)
{
	const json_t *entry, *id;
	size_t i;

	json_array_foreach (store, i, entry) {
		const char *name;

		id = json_object_get(entry, "id");
		if (!json_is_string(id) || strcmp(json_string_value(id), workload->container.id))
			continue;
		name = json_string_value(json_array_get(json_object_get(entry, "names"), 0));
		return (!name || text__set(&workload->container.name, name, strlen(name))) &&
		       store__image(
			       workload, json_string_value(json_object_get(entry, "metadata")));
	}
	return true;
}

/* storage: the directory of a user's containers. */
static bool storage__name(struct workload *workload, const char *storage)
{
	char path[PATH_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(stores) && !workload->container.name; i++) {
		_decref_ json_t *store = NULL;

		if (snprintf(path, sizeof(path), "%s/%s", storage, stores[i]) >= (int)sizeof(path))
			continue;
		store = json__read(path, STORE_MAX);
		if (store && !store__name(workload, store))
			return false;
	}
	return true;
}

/* Only homes directly in /home that belong to uid: nobody else is asked, so no automounter and
 * no other user's files come into it. */
static bool homes__name(struct workload *workload, uid_t uid, const char *root)
{
	char path[PATH_MAX];
	_closedir_ DIR *homes = NULL;
	struct dirent *entry;
	struct stat home;

	if (snprintf(path, sizeof(path), "%s/home", root) >= (int)sizeof(path))
		return true;
	homes = opendir(path);
	for (int seen = 0; homes && seen < ENTRIES_MAX && !workload->container.name; seen++) {
		entry = readdir(homes);
		if (!entry)
			break;
		if (entry->d_name[0] == '.' ||
			fstatat(dirfd(homes), entry->d_name, &home, AT_NO_AUTOMOUNT) ||
			!S_ISDIR(home.st_mode) || home.st_uid != uid)
			continue;
		if (snprintf(path, sizeof(path), "%s/home/%s/.local/share/containers/storage", root,
			    entry->d_name) < (int)sizeof(path) &&
			!storage__name(workload, path))
			return false;
	}
	return true;
}

static bool podman__name(struct workload *workload, const struct owner *owner, const char *root)
{
	char storage[PATH_MAX];

	if (!owner->names_all &&
		snprintf(storage, sizeof(storage), "%s/var/lib/containers/storage", root) <
			(int)sizeof(storage) &&
		!storage__name(workload, storage))
		return false;
	return owner->uid < 0 || workload->container.name ||
	       homes__name(workload, owner->uid, root);
}

/* --- Kubernetes: names of log files -------------------------------------------------------- */

/* The first entry of a directory that ends with suffix, copied into name. */
static bool directory__find(char name[NAME_MAX + 1], const char *path, const char *suffix)
{
	_closedir_ DIR *directory = opendir(path);
	size_t length = strlen(suffix);

	for (int seen = 0; directory && seen < ENTRIES_MAX; seen++) {
		const struct dirent *entry = readdir(directory);
		size_t size = entry ? strlen(entry->d_name) : 0;

		if (!entry)
			return false;
		if (size > length && size <= NAME_MAX &&
			!strcmp(entry->d_name + size - length, suffix)) {
			memcpy(name, entry->d_name, size + 1);
			name[size - length] = '\0';
			return true;
		}
	}
	return false;
}

/* /var/log/containers/POD_NAMESPACE_CONTAINER-ID.log. No Kubernetes name has an underscore. */
static bool container_log__name(struct workload *workload, const char *root)
{
	char path[PATH_MAX], suffix[NAME_MAX], name[NAME_MAX + 1], *namespace, *container;

	if (snprintf(path, sizeof(path), "%s/var/log/containers", root) >= (int)sizeof(path) ||
		snprintf(suffix, sizeof(suffix), "-%s.log", workload->container.id) >=
			(int)sizeof(suffix) ||
		!directory__find(name, path, suffix))
		return true;
	namespace = strchr(name, '_');
	container = namespace ? strchr(namespace + 1, '_') : NULL;
	if (!container)
		return true;
	return text__set(&workload->pod.name, name, namespace - name) &&
	       text__set(&workload->pod.namespace, namespace + 1, container - namespace - 1) &&
	       text__set(&workload->container.name, container + 1, strlen(container + 1));
}

/* /var/log/pods/NAMESPACE_POD_UID. */
static bool pod_log__name(struct workload *workload, const char *root)
{
	char path[PATH_MAX], suffix[NAME_MAX], name[NAME_MAX + 1], *pod;

	if (snprintf(path, sizeof(path), "%s/var/log/pods", root) >= (int)sizeof(path) ||
		snprintf(suffix, sizeof(suffix), "_%s", workload->pod.uid) >= (int)sizeof(suffix) ||
		!directory__find(name, path, suffix))
		return true;
	pod = strchr(name, '_');
	return !pod || (text__set(&workload->pod.namespace, name, pod - name) &&
			       text__set(&workload->pod.name, pod + 1, strlen(pod + 1)));
}

/* From the files of the system's runtimes. False: no memory. */
static bool system__name(struct workload *workload, const char *root)
{
	const struct container *container = &workload->container;
	bool known = true;

	if (container->id && workload->pod.uid)
		known = container_log__name(workload, root);
	if (known && container->id &&
		(!container->name || (workload->pod.uid && !workload->pod.name)))
		known = configs__name(workload, root);
	if (known && workload->pod.uid && !workload->pod.name)
		known = pod_log__name(workload, root);
	return known;
}

int workload__name(struct workload *workload, const struct owner *owner, const char *root)
{
	const struct container *container = &workload->container;
	bool known = owner->names_all || system__name(workload, root);

	if (known && container->id && !container->name && !strcmp(container->runtime, "podman"))
		known = podman__name(workload, owner, root);
	return known ? 0 : -ENOMEM;
}
