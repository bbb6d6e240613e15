/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "lib/array.h"
#include "process/host.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "lib/file.h"
#include "process/procfs.h"
#include "lib/scope.h"
#include "lib/text.h"

#define LINE_MAX_SIZE     4096
#define INSTANCE_DATA_MAX (4 << 20)
#define HEX               "0123456789abcdef"
#define ID_SIZE           32 /* hex digits of a machine's id: machine-id(5) */

/* The first line of a file, as text; NULL: there is none. The caller frees. */
static char *line__read(const char *root, const char *path)
{
	char full[PATH_MAX];
	_free_ char *content = NULL;
	size_t size;

	if (snprintf(full, sizeof(full), "%s%s", root, path) >= (int)sizeof(full) ||
		file__read_regular(full, LINE_MAX_SIZE, &content, &size))
		return NULL;
	size = strcspn(content, "\n");
	while (size && strchr(" \t\r", content[size - 1]))
		size--;
	return size ? text__utf8(content, size) : NULL;
}

/* A UUID or an id as 32 hex digits; NULL if it is neither, or says nothing (all digits the same, as
 * firmware that knows none gives). The caller frees. */
static char *id__from(const char *text)
{
	char id[ID_SIZE + 1];
	size_t size = 0;

	for (; text && *text; text++) {
		char digit = *text >= 'A' && *text <= 'F' ? *text - 'A' + 'a' : *text;

		if (digit == '-')
			continue;
		if (!strchr(HEX, digit) || size == ID_SIZE)
			return NULL;
		id[size++] = digit;
	}
	if (size != ID_SIZE)
		return NULL;
	id[size] = '\0';
	return strspn(id, (char[]){id[0], '\0'}) == ID_SIZE ? NULL : strdup(id);
}

/* In this order: the first that is there and well-formed is the machine's id. */
static const char *const id_files[] = {"/etc/machine-id", "/var/lib/dbus/machine-id",
	"/sys/devices/virtual/dmi/id/product_uuid", "/proc/sys/kernel/random/boot_id"};

static char *machine_id__read(const char *root)
{
	for (size_t i = 0; i < ARRAY_SIZE(id_files); i++) {
		_free_ char *line = line__read(root, id_files[i]);
		char *id = id__from(line);

		if (id)
			return id;
	}
	return strdup("unknown");
}

static bool instance_id__is(const char *text)
{
	size_t digits;

	if (!text || strncmp(text, "i-", 2))
		return false;
	digits = strspn(text + 2, HEX);
	return digits >= 8 && digits <= 17 && !text[2 + digits];
}

/* "us-east-1", "us-gov-west-1", "eusc-de-east-1". */
static bool region__is(const char *text)
{
	size_t size = text ? strlen(text) : 0;

	return size >= 5 && size < 64 &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == size;
}

static json_t *instance_data__read(const char *root)
{
	char path[PATH_MAX];
	_free_ char *content = NULL;
	size_t size;

	if (snprintf(path, sizeof(path), "%s/run/cloud-init/instance-data.json", root) >=
			(int)sizeof(path) ||
		file__read_regular(path, INSTANCE_DATA_MAX, &content, &size))
		return NULL;
	return json_loadb(content, size, 0, NULL);
}

#define ACCOUNT_DIGITS 12

static bool account_id__is(const char *text)
{
	return text && strlen(text) == ACCOUNT_DIGITS &&
	       strspn(text, "0123456789") == ACCOUNT_DIGITS;
}

/* The member of that name; cloud-init has written some with "-" and some with "_". */
static const json_t *member(const json_t *object, const char *name, const char *or_name)
{
	const json_t *value = json_object_get(object, name);

	return value ? value : json_object_get(object, or_name);
}

/* Whose the network interfaces are. */
static const char *instance_data__owner(const json_t *ds)
{
	const json_t *network = json_object_get(json_object_get(ds, "meta_data"), "network");
	json_t *macs = json_object_get(json_object_get(network, "interfaces"), "macs"), *interface;
	const char *mac;

	json_object_foreach (macs, mac, interface) {
		const char *owner = json_string_value(member(interface, "owner-id", "owner_id"));

		if (owner)
			return owner;
	}
	return NULL;
}

/* cloud-init keeps what it read of the metadata service at the boot: the identity document, and
 * where that was not asked for, the interfaces' owner. */
static const char *instance_data__account(const json_t *instance_data)
{
	const json_t *ds = json_object_get(instance_data, "ds");
	const json_t *identity =
		member(json_object_get(ds, "dynamic"), "instance-identity", "instance_identity");
	const char *account = json_string_value(
		json_object_get(json_object_get(identity, "document"), "accountId"));

	return account_id__is(account) ? account : instance_data__owner(ds);
}

/* Nitro's DMI and cloud-init both know the instance; only cloud-init knows the Region. */
static int instance__read(struct host *host, const char *root)
{
	_decref_ json_t *instance_data = instance_data__read(root);
	const json_t *v1 = json_object_get(instance_data, "v1");
	const char *cloud = json_string_value(json_object_get(v1, "cloud_name"));
	const char *id = json_string_value(json_object_get(v1, "instance_id"));
	const char *region = json_string_value(json_object_get(v1, "region"));
	const char *account = instance_data__account(instance_data);
	bool elsewhere = cloud && strcmp(cloud, "aws");
	_free_ char *tag = line__read(root, "/sys/devices/virtual/dmi/id/board_asset_tag");

	if (instance_id__is(tag)) {
		host->instance_id = tag;
		tag = NULL;
	} else if (!elsewhere && instance_id__is(id)) {
		host->instance_id = strdup(id);
		if (!host->instance_id)
			return -ENOMEM;
	}
	if (!elsewhere && region__is(region)) {
		host->region = strdup(region);
		if (!host->region)
			return -ENOMEM;
	}
	if (!elsewhere && account_id__is(account)) {
		host->account_id = strdup(account);
		if (!host->account_id)
			return -ENOMEM;
	}
	return 0;
}

#define FIRST_ROOT "/proc/1/root"

/* False also where one of them cannot be looked at. */
static bool are_different(const char *left, const char *right)
{
	struct stat a, b;

	return !stat(left, &a) && !stat(right, &b) &&
	       (a.st_dev != b.st_dev || a.st_ino != b.st_ino);
}

/* Where pids are the host's, its pid 1 has the host's files; that of a pid namespace has a
 * container's, which are no better than our own. */
const char *host__root(void)
{
	static const char *root;

	if (!root)
		root = procfs__shows_all() &&
				       are_different("/proc/self/ns/mnt", "/proc/1/ns/mnt") &&
				       file__may(FIRST_ROOT "/.", R_OK | X_OK)
			       ? FIRST_ROOT
			       : "";
	return root;
}

/* A container has a name of its own. A service has none, although it may have its own mounts: and
 * the kernel's name is what the host is called now, the file's what it was called at its boot. */
static char *hostname__read(const char *root, const char *own)
{
	bool contained = !strcmp(root, FIRST_ROOT) && are_different("/.", FIRST_ROOT "/.");
	char *name = contained ? line__read(root, "/etc/hostname") : NULL;

	return name ? name : text__utf8(own, strlen(own));
}

int host__read(struct host *host, const char *root)
{
	struct utsname system;
	int error;

	*host = (struct host){0};
	if (uname(&system))
		return -errno;
	host->hostname = hostname__read(root, system.nodename);
	host->kernel = text__utf8(system.release, strlen(system.release));
	host->machine_id = machine_id__read(root);
	host->boot_id = line__read(root, "/proc/sys/kernel/random/boot_id");
	if (!host->boot_id)
		host->boot_id = strdup("unknown");
	error = host->hostname && host->kernel && host->machine_id && host->boot_id ? 0 : -ENOMEM;
	if (!error)
		error = instance__read(host, root);
	if (error)
		host__clear(host);
	return error;
}

void host__clear(struct host *host)
{
	free(host->hostname);
	free(host->machine_id);
	free(host->kernel);
	free(host->boot_id);
	free(host->instance_id);
	free(host->region);
	free(host->account_id);
	*host = (struct host){0};
}
