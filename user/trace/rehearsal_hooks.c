/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "trace/rehearsal_hooks.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "cgroup_path.h"
#include "lib/array.h"
#include "lib/clock.h"
#include "lib/scope.h"
#include "process/procfs.h"
#include "trace/rehearsal_lock.h"

#ifndef SO_COOKIE
#define SO_COOKIE 57
#endif
#ifndef SO_ZEROCOPY
#define SO_ZEROCOPY 60
#endif
#ifndef TCP_ULP
#define TCP_ULP 31
#endif

#define LEFT_OUT_MAX 64

/* Its programs, in the order in which they are attached: who is in the scope first, and what sends
 * before what brings sockets to it. */
enum { FORK, EXIT, STATE, MESSAGE, ESTABLISHED, PROGRAMS };

struct rehearsal_hooks {
	const struct process_scope *scope;
	struct tracer_addition addition;
	struct bpf_program *programs[PROGRAMS];
	struct bpf_link *links[PROGRAMS];
	int sockets, processes, pids;    /* maps, which the object owns */
	bool messages;                   /* the program on sends is attached */
	const struct bpf_object *object; /* that is attached */
	int64_t began;                   /* boot clock */
	uint32_t *had;                   /* who was in the scope then */
	size_t had_count;
	uint64_t not_covered;
	uint32_t left_out[LEFT_OUT_MAX];
	size_t left_out_count;
};

/* --- Attaching -------------------------------------------------------------------------------- */

static bool scope__is_by_pid(const struct process_scope *scope)
{
	return scope->kind != SCOPE_ALL && !scope->cgroup_count;
}

static uint64_t cgroup_path__hash(const char *path)
{
	uint64_t hash = CGROUP_PATH_HASH_START;

	for (; *path; path++)
		hash = cgroup_path__hash_byte(hash, *path);
	return hash;
}

static int rehearsal_hooks__tell_cgroups(
	struct rehearsal_hooks *rehearsal, struct bpf_object *object)
{
	int map = bpf_object__find_map_fd_by_name(object, "scope_cgroups");
	uint8_t yes = 1;

	for (size_t i = 0; i < rehearsal->scope->cgroup_count; i++) {
		uint64_t hash = cgroup_path__hash(rehearsal->scope->cgroups[i]);

		if (bpf_map_update_elem(map, &hash, &yes, BPF_ANY))
			return -errno;
	}
	return 0;
}

/* Once forks are followed: who is there by now, also who came while this looked. */
static int rehearsal_hooks__tell_pids(struct rehearsal_hooks *rehearsal)
{
	uint8_t yes = 1;
	size_t before;

	do {
		_free_ uint32_t *pids = NULL;
		size_t count;
		int error = process_scope__pids(rehearsal->scope, "", &pids, &count);

		if (error)
			return error;
		before = rehearsal->had_count;
		for (size_t i = 0; scope__is_by_pid(rehearsal->scope) && i < count; i++)
			if (bpf_map_update_elem(rehearsal->pids, &pids[i], &yes, BPF_ANY))
				return -errno;
		free(rehearsal->had);
		rehearsal->had = pids;
		rehearsal->had_count = count;
		pids = NULL;
	} while (rehearsal->had_count > before && before);
	return 0;
}

static int64_t boot_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return now.tv_sec * NSEC_PER_SEC + now.tv_nsec;
}

/* 0, or -errno, and then *failed is the one that could not be attached. */
static int rehearsal_hooks__attach(struct rehearsal_hooks *rehearsal, int cgroup, int *failed)
{
	for (int i = 0; i < PROGRAMS; i++) {
		struct bpf_program *program = rehearsal->programs[i];

		*failed = i;
		if (!bpf_program__autoload(program))
			continue;
		if (i == MESSAGE) {
			/* a link could not be had before 6.10 */
			if (bpf_prog_attach(bpf_program__fd(program), rehearsal->sockets,
				    BPF_SK_MSG_VERDICT, 0))
				return -errno;
			rehearsal->messages = true;
			continue;
		}
		rehearsal->links[i] = i == ESTABLISHED ? bpf_program__attach_cgroup(program, cgroup)
						       : bpf_program__attach(program);
		if (!rehearsal->links[i])
			return -errno;
		if (i == EXIT && rehearsal_hooks__tell_pids(rehearsal))
			return -ENOMEM;
	}
	return 0;
}

static void rehearsal_hooks__detach(struct rehearsal_hooks *rehearsal)
{
	for (int i = PROGRAMS - 1; i >= 0; i--) {
		if (i == MESSAGE && rehearsal->messages)
			bpf_prog_detach2(bpf_program__fd(rehearsal->programs[i]),
				rehearsal->sockets, BPF_SK_MSG_VERDICT);
		bpf_link__destroy(rehearsal->links[i]);
		rehearsal->links[i] = NULL;
	}
	rehearsal->messages = false;
}

/* Makes this process the one with which the rehearsal ends. 0 or -errno. */
static int rehearsal_hooks__own(const struct bpf_object *object)
{
	struct bpf_program *program = bpf_object__find_program_by_name(object, "rehearse_begin");
	LIBBPF_OPTS(bpf_test_run_opts, options);

	return bpf_prog_test_run_opts(bpf_program__fd(program), &options) ? -errno : 0;
}

/* See struct tracer_addition. A mode that cannot be attached afterwards leaves another object. */
static int rehearsal_hooks__loaded(
	void *context, struct bpf_object *object, int cgroup, const char **section)
{
	static const char *const names[PROGRAMS] = {"rehearse_fork", "rehearse_exit",
		"rehearse_state", "rehearse_message", "rehearse_established"};
	struct rehearsal_hooks *rehearsal = context;
	int failed = 0, error;

	rehearsal_hooks__detach(rehearsal);
	for (int i = 0; i < PROGRAMS; i++)
		rehearsal->programs[i] = bpf_object__find_program_by_name(object, names[i]);
	rehearsal->sockets = bpf_object__find_map_fd_by_name(object, "rehearsed_sockets");
	rehearsal->processes = bpf_object__find_map_fd_by_name(object, "rehearsed_processes");
	rehearsal->pids = bpf_object__find_map_fd_by_name(object, "scope_pids");
	rehearsal->began = boot_clock();
	*section = "";
	rehearsal->object = object;
	error = cgroup < 0 ? -ENOENT : rehearsal_hooks__tell_cgroups(rehearsal, object);
	if (!error)
		error = rehearsal_lock__tell(rehearsal->scope, object);
	if (error)
		return error;
	error = rehearsal_hooks__attach(rehearsal, cgroup, &failed);
	if (!error)
		error = rehearsal_hooks__own(object);
	if (error) {
		*section = bpf_program__section_name(rehearsal->programs[failed]);
		rehearsal_hooks__detach(rehearsal);
	}
	return error;
}

/* --- Connections that are open ---------------------------------------------------------------- */

/* Whether a socket's peer is the endpoint. */
static bool socket__is_to_endpoint(int fd)
{
	static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
	union {
		struct sockaddr any;
		struct sockaddr_in ipv4;
		struct sockaddr_in6 ipv6;
	} peer = {};
	socklen_t size = sizeof(peer);
	uint64_t halves[2];
	uint32_t ipv4;

	if (getpeername(fd, &peer.any, &size))
		return false;
	if (peer.any.sa_family == AF_INET)
		return peer.ipv4.sin_port == htons(ENDPOINT_PORT) &&
		       peer.ipv4.sin_addr.s_addr == htonl(ENDPOINT_IPV4);
	if (peer.any.sa_family != AF_INET6 || peer.ipv6.sin6_port != htons(ENDPOINT_PORT))
		return false;
	memcpy(halves, &peer.ipv6.sin6_addr, sizeof(halves));
	memcpy(&ipv4, &peer.ipv6.sin6_addr.s6_addr[12], sizeof(ipv4));
	if (!memcmp(&peer.ipv6.sin6_addr, mapped, sizeof(mapped)))
		return ipv4 == htonl(ENDPOINT_IPV4);
	return be64toh(halves[0]) == ENDPOINT_IPV6_HI && be64toh(halves[1]) == ENDPOINT_IPV6_LO;
}

/* Whether a socket is one that a sockmap can take without a change to what its owner sees: plain
 * TCP, with no layer on top, and no promise to tell when a page may be used again. */
static bool socket__is_plain(int fd)
{
	char layer[16] = "";
	socklen_t size = sizeof(int), layer_size = sizeof(layer);
	int protocol = 0, zerocopy = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) || protocol != IPPROTO_TCP)
		return false;
	size = sizeof(int);
	if (!getsockopt(fd, SOL_SOCKET, SO_ZEROCOPY, &zerocopy, &size) && zerocopy)
		return false;
	return getsockopt(fd, IPPROTO_TCP, TCP_ULP, layer, &layer_size) || !layer_size;
}

/* Puts a socket into the sockhash, where it may be already. */
static bool rehearsal_hooks__take_socket(struct rehearsal_hooks *rehearsal, int fd)
{
	socklen_t size = sizeof(uint64_t);
	uint64_t cookie = 0, socket = fd;

	if (!socket__is_plain(fd) || getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size))
		return false;
	return !bpf_map_update_elem(rehearsal->sockets, &cookie, &socket, BPF_NOEXIST) ||
	       errno == EEXIST;
}

static void rehearsal_hooks__leave_out(struct rehearsal_hooks *rehearsal, uint32_t pid)
{
	rehearsal->not_covered++;
	if (rehearsal->left_out_count < LEFT_OUT_MAX)
		rehearsal->left_out[rehearsal->left_out_count++] = pid;
}

/* Whether a process has connections to the endpoint at all: its network's table says so, and with
 * which inodes. How many, up to max. */
static size_t endpoint_inodes(uint32_t pid, uint64_t *inodes, size_t max)
{
	static const char *const tables[] = {"tcp", "tcp6"};
	size_t count = 0;

	for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
		char path[64], line[512], peer[40];
		_fclose_ FILE *table = NULL;
		unsigned long inode;
		unsigned int port, state;

		snprintf(path, sizeof(path), "/proc/%u/net/%s", pid, tables[i]);
		table = fopen(path, "re");
		while (table && count < max && fgets(line, sizeof(line), table))
			if (sscanf(line,
				    "%*d: %*39[0-9A-F]:%*x %39[0-9A-F]:%x %x %*s %*s %*s %*d "
				    "%*d %lu",
				    peer, &port, &state, &inode) == 4 &&
				port == ENDPOINT_PORT && (state == 1 || state == 8) && inode)
				inodes[count++] = inode;
	}
	return count;
}

static bool is_among(uint64_t number, const uint64_t *numbers, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (numbers[i] == number)
			return true;
	return false;
}

/* The descriptors of a process: each that is a connection to the endpoint is taken in. */
static void rehearsal_hooks__take_in_process(struct rehearsal_hooks *rehearsal, uint32_t pid)
{
	uint64_t inodes[256], left_out[256];
	size_t count = endpoint_inodes(pid, inodes, ARRAY_SIZE(inodes)), left_out_count = 0;
	char path[64];
	_close_ int process = count ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
	DIR *directory;
	struct dirent *entry;

	if (!count)
		return;
	snprintf(path, sizeof(path), "/proc/%u/fd", pid);
	directory = opendir(path);
	while (directory && (entry = readdir(directory))) {
		char link[64] = "";
		unsigned long inode;
		_close_ int fd = -1;

		if (readlinkat(dirfd(directory), entry->d_name, link, sizeof(link) - 1) < 0 ||
			sscanf(link, "socket:[%lu]", &inode) != 1 ||
			!is_among(inode, inodes, count) ||
			is_among(inode, left_out, left_out_count))
			continue;
		fd = syscall(SYS_pidfd_getfd, process, atoi(entry->d_name), 0);
		if (fd >= 0 && (!socket__is_to_endpoint(fd) ||
				       rehearsal_hooks__take_socket(rehearsal, fd)))
			continue;
		rehearsal_hooks__leave_out(rehearsal, pid);
		left_out[left_out_count++] = inode;
	}
	if (directory)
		closedir(directory);
}

int rehearsal_hooks__take_in(struct rehearsal_hooks *rehearsal)
{
	/* two that began at the same time did not see each other before */
	int error = rehearsal_lock__check(rehearsal->scope, rehearsal->object);

	if (error)
		return error;
	for (size_t i = 0; i < rehearsal->had_count; i++)
		rehearsal_hooks__take_in_process(rehearsal, rehearsal->had[i]);
	return 0;
}

uint64_t rehearsal_hooks__not_covered(const struct rehearsal_hooks *rehearsal)
{
	return rehearsal->not_covered;
}

size_t rehearsal_hooks__left_out(
	const struct rehearsal_hooks *rehearsal, uint32_t *pids, size_t max)
{
	size_t count = rehearsal->left_out_count < max ? rehearsal->left_out_count : max;

	memcpy(pids, rehearsal->left_out, count * sizeof(*pids));
	return count;
}

/* --- The rest --------------------------------------------------------------------------------- */

bool rehearsal_hooks__had(const struct rehearsal_hooks *rehearsal, const struct process_key *key)
{
	if ((int64_t)key->start_ns > rehearsal->began)
		return false;
	for (size_t i = 0; i < rehearsal->had_count; i++)
		if (rehearsal->had[i] == key->pid)
			return true;
	return false;
}

static bool rehearsal_hooks__follows(const struct rehearsal_hooks *rehearsal, uint32_t pid)
{
	uint8_t yes;

	return !bpf_map_lookup_elem(rehearsal->pids, &pid, &yes);
}

bool rehearsal_hooks__has(const struct rehearsal_hooks *rehearsal, const struct process *process)
{
	if (!scope__is_by_pid(rehearsal->scope))
		return process_scope__has_cgroup(rehearsal->scope, process->cgroup);
	if (rehearsal_hooks__follows(rehearsal, process->key.pid))
		return true;
	/* who has ended is not followed any more, but its parent may be */
	for (unsigned int i = 0; i < process->ancestor_count; i++)
		if (rehearsal_hooks__follows(rehearsal, process->ancestry[i].pid))
			return true;
	return false;
}

int rehearsal_hooks__process(const struct rehearsal_hooks *rehearsal, const struct process_key *key,
	struct rehearsed_process *process)
{
	struct process_key same = {.start_ns = key->start_ns, .pid = key->pid};

	return bpf_map_lookup_elem(rehearsal->processes, &same, process) ? -ENOENT : 0;
}

const struct tracer_addition *rehearsal_hooks__addition(const struct rehearsal_hooks *rehearsal)
{
	return &rehearsal->addition;
}

int rehearsal_hooks__new(struct rehearsal_hooks **rehearsal, const struct process_scope *scope)
{
	struct rehearsal_hooks *created;
	int error = rehearsal_lock__check(scope, NULL);

	if (error)
		return error;
	created = calloc(1, sizeof(*created));
	if (!created)
		return -ENOMEM;
	created->scope = scope;
	created->addition = (struct tracer_addition){
		.everything = scope->kind == SCOPE_ALL,
		.cgroups = scope->cgroup_count > 0,
		.pids = scope__is_by_pid(scope),
		.loaded = rehearsal_hooks__loaded,
		.context = created,
	};
	*rehearsal = created;
	return 0;
}

/* Needs no privilege, which the program's detachment does. */
static void rehearsal_hooks__let_go(struct rehearsal_hooks *rehearsal)
{
	uint64_t cookie;

	for (int i = 0;
		i < REHEARSED_MAX && !bpf_map_get_next_key(rehearsal->sockets, NULL, &cookie); i++)
		bpf_map_delete_elem(rehearsal->sockets, &cookie);
}

void rehearsal_hooks__stop(struct rehearsal_hooks *rehearsal)
{
	bpf_link__destroy(rehearsal->links[ESTABLISHED]);
	rehearsal->links[ESTABLISHED] = NULL;
	rehearsal_hooks__let_go(rehearsal);
	rehearsal_hooks__detach(rehearsal);
}

void rehearsal_hooks__free(struct rehearsal_hooks *rehearsal)
{
	if (!rehearsal)
		return;
	rehearsal_hooks__detach(rehearsal);
	free(rehearsal->had);
	free(rehearsal);
}
