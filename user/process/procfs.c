/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "process/procfs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/clock.h"
#include "lib/scope.h"

#define DELETED           " (deleted)"
#define PROC_PID_INIT_INO 0xeffffffcU /* include/linux/proc_ns.h */

static uint64_t tick__ns(void)
{
	long ticks = sysconf(_SC_CLK_TCK);

	return NSEC_PER_SEC / (ticks > 0 ? ticks : 100);
}

uint64_t procfs__start_ns(const struct procfs_stat *stat)
{
	return stat->start_ticks * tick__ns();
}

int procfs__open_any(uint32_t pid)
{
	char path[sizeof("/proc/4294967295")];
	int fd;

	snprintf(path, sizeof(path), "/proc/%u", (unsigned int)pid);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	return fd;
}

static bool stat__started(const struct procfs_stat *stat, uint64_t start_ns)
{
	return stat->start_ticks == start_ns / tick__ns();
}

int procfs__open(uint32_t pid, uint64_t start_ns)
{
	int process = procfs__open_any(pid);
	struct procfs_stat stat;

	if (process < 0)
		return process;
	if (procfs__stat(process, &stat) || !stat__started(&stat, start_ns)) {
		close(process);
		return -ESRCH;
	}
	return process;
}

/* Whether pids are the host's. */
static bool pids__are_first(void)
{
	struct stat pids;

	if (!stat("/proc/self/ns/pid", &pids))
		return pids.st_ino == PROC_PID_INIT_INO;
	return !access("/proc/self/stat", F_OK); /* a kernel without namespaces of pids */
}

bool procfs__shows_all(void)
{
	struct stat first;

	/* hidepid= leaves out the processes of others */
	return pids__are_first() && !stat("/proc/1", &first);
}

/* A number of /proc/PID/net/snmp, where a line of names stands above a line of values. 0 or -errno.
 */
static int snmp__find(char *text, const char *prefix, const char *name, uint64_t *value)
{
	char *rest_of_names, *rest_of_values;
	char *names = strstr(text, prefix), *values = names ? strchr(names, '\n') : NULL;

	if (!values || strncmp(++values, prefix, strlen(prefix)))
		return -ENOENT;
	values[-1] = '\0';
	values[strcspn(values, "\n")] = '\0';
	names = strtok_r(names, " ", &rest_of_names);
	values = strtok_r(values, " ", &rest_of_values);
	while (names && values && strcmp(names, name)) {
		names = strtok_r(NULL, " ", &rest_of_names);
		values = strtok_r(NULL, " ", &rest_of_values);
	}
	if (!names || !values)
		return -ENOENT;
	*value = strtoull(values, NULL, 10);
	return 0;
}

int procfs__connections_opened(uint64_t *count)
{
	_close_ int first = procfs__shows_all() ? procfs__open_any(1) : -ENOENT;
	_free_ char *text = NULL;
	size_t size;
	bool cut;
	int error = first < 0 ? first : procfs__read(first, "net/snmp", 65536, &text, &size, &cut);

	return error ? error : snmp__find(text, "Tcp: ", "ActiveOpens", count);
}

bool procfs__is_gone(uint32_t pid, uint64_t start_ns)
{
	_close_ int process = procfs__open_any(pid);
	struct procfs_stat stat;
	int error = process < 0 ? process : procfs__stat(process, &stat);

	if (error && error != -ESRCH)
		return false;
	if (!error && !stat.dead && stat__started(&stat, start_ns))
		return false;
	if (procfs__shows_all())
		return true;
	/* a signal would find a process that is not shown */
	return pids__are_first() && kill((pid_t)pid, 0) && errno == ESRCH;
}

int procfs__read(
	int process, const char *name, size_t limit, char **content, size_t *size, bool *cut)
{
	_close_ int fd = openat(process, name, O_RDONLY | O_CLOEXEC);
	_free_ char *buffer = NULL;
	size_t used = 0;
	ssize_t got = 1;

	if (fd < 0)
		return -errno;
	buffer = malloc(limit + 1);
	if (!buffer)
		return -ENOMEM;
	/* One byte beyond the limit, where the NUL goes later, tells whether there is more. */
	while (got && used <= limit) {
		got = read(fd, buffer + used, limit + 1 - used);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		used += got;
	}
	*cut = used > limit;
	*size = used > limit ? limit : used;
	buffer[*size] = '\0';
	*content = buffer;
	buffer = NULL;
	return 0;
}

int procfs__stat(int process, struct procfs_stat *stat)
{
	_free_ char *content = NULL;
	char *name, *end;
	unsigned long long start;
	unsigned int parent;
	long threads;
	char state;
	size_t size;
	bool cut;
	int error = procfs__read(process, "stat", 4096, &content, &size, &cut);

	if (error)
		return error;
	/* A process chooses its name, blanks and parentheses included: the last one ends it. */
	name = strchr(content, '(');
	end = strrchr(content, ')');
	if (!name || !end || end < name)
		return -EINVAL;
	/* proc_pid_stat(5): ") state ppid ... num_threads itrealvalue starttime", the fields 3, 4
	 * and 20 to 22. */
	if (sscanf(end + 1,
		    " %c %u %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %ld %*s %llu",
		    &state, &parent, &threads, &start) != 4)
		return -EINVAL;
	*stat = (struct procfs_stat){.parent = parent, .start_ticks = start};
	/* A main thread that has ended is a zombie, too, while others of its process run. */
	stat->dead = strchr("ZXx", state) && threads <= 1;
	snprintf(stat->comm, sizeof(stat->comm), "%.*s", (int)(end - name - 1), name + 1);
	return 0;
}

char *procfs__link(int process, const char *name)
{
	char target[PATH_MAX];
	ssize_t size = readlinkat(process, name, target, sizeof(target));
	size_t mark = strlen(DELETED);

	/* A path that fills the buffer may be cut, and one that starts otherwise is outside of our
	 * root ("(unreachable)/..."). */
	if (size <= 0 || (size_t)size == sizeof(target) || target[0] != '/')
		return NULL;
	if ((size_t)size > mark && !memcmp(target + size - mark, DELETED, mark)) {
		if (strcmp(name, "exe"))
			return NULL;
		size -= mark;
	}
	return strndup(target, size);
}
