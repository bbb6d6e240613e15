/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "process/process_script.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "process/args.h"
#include "process/procfs.h"
#include "lib/scope.h"
#include "process/script.h"
#include "lib/text.h"

/* cwd is canonical (the kernel made it), so a leading ".." can be resolved without looking. */
static char *script__absolute(const char *cwd, const char *script)
{
	size_t kept = strlen(cwd);
	char *absolute;

	while (kept && cwd[kept - 1] == '/')
		kept--;
	for (;;) {
		if (!strncmp(script, "./", 2)) {
			script += 2;
		} else if (!strncmp(script, "../", 3)) {
			script += 3;
			while (kept && cwd[kept - 1] != '/')
				kept--;
			kept -= kept > 0;
		} else if (*script == '/') {
			script++;
		} else {
			break;
		}
	}
	absolute = malloc(kept + strlen(script) + 2);
	if (absolute)
		sprintf(absolute, "%.*s/%s", (int)kept, cwd, script);
	return absolute;
}

/* Whether the process sees a file there. Its working directory may not be the one that it was
 * started in; where nothing can be seen, it is taken for that. */
static bool script__exists(int process, const char *absolute)
{
	_free_ char *path = NULL;

	if (faccessat(process, "root/", F_OK, 0))
		return true;
	if (asprintf(&path, "root%s", absolute) < 0) {
		path = NULL;
		return true;
	}
	return !faccessat(process, path, F_OK, 0) || (errno != ENOENT && errno != ENOTDIR);
}

/* Makes *script absolute where the process still is and its working directory is known. */
static void script__resolve(char **script, const char *exe, int process)
{
	_free_ char *cwd = NULL, *text = NULL;
	char *absolute;

	if (!*script || **script == '/' || process < 0 || !script__is_file(exe, *script))
		return;
	cwd = procfs__link(process, "cwd");
	text = cwd ? text__utf8(cwd, strlen(cwd)) : NULL;
	absolute = text ? script__absolute(text, *script) : NULL;
	if (!absolute || !script__exists(process, absolute)) {
		free(absolute);
		return;
	}
	free(*script);
	*script = absolute;
}

/* The script in a captured argument area. An argument that was cut is no argument: half a name
 * would be another file's. */
static char *script__in(const char *exe, const char *bytes, size_t size, bool cut)
{
	char **args, *script;

	while (cut && size && bytes[size - 1])
		size--;
	args = args__split(bytes, size, false);
	script = args ? script__find(exe, args) : NULL;
	args__free(args);
	return script;
}

/* Whether shown, which /proc shows now, starts with what was captured (tokens are masked there). */
static bool args__continue(
	const char *captured, size_t captured_size, const char *shown, size_t size)
{
	if (size < captured_size)
		return false;
	for (size_t i = 0; i < captured_size; i++)
		if (captured[i] != shown[i] && captured[i] != '*')
			return false;
	return true;
}

/* The script as /proc shows it now, if the arguments there start with what was captured. */
static char *script__beyond(
	const char *exe, int process, const char *captured, size_t captured_size)
{
	_free_ char *cmdline = NULL;
	size_t size;
	bool cut;

	if (procfs__read(process, "cmdline", PROCFS_CMDLINE_MAX, &cmdline, &size, &cut) ||
		!args__continue(captured, captured_size, cmdline, size))
		return NULL;
	return script__in(exe, cmdline, size, cut);
}

char *process_script__shown(const char *exe, int process)
{
	char *script;

	if (!script__interprets(exe))
		return NULL;
	script = script__beyond(exe, process, "", 0);
	script__resolve(&script, exe, process);
	return script;
}

char *process_script__captured(
	const char *exe, const struct process_key *key, const char *args, size_t size, bool cut)
{
	_close_ int process = -1;
	char *script;

	if (!script__interprets(exe))
		return NULL;
	script = script__in(exe, args, size, cut);
	if ((!script && !cut) || (script && *script == '/'))
		return script;
	process = procfs__open(key->pid, key->start_ns);
	/* A long class path alone can fill what was captured. */
	if (!script && process >= 0)
		script = script__beyond(exe, process, args, size);
	script__resolve(&script, exe, process);
	return script;
}

static const char *path__base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Whether the process still runs the program that was captured: it may have called exec since.
 * The base names are compared, because a path is relative to a root that may not be ours. */
static bool exe__unchanged(int process, const char *exe)
{
	_free_ char *link = procfs__link(process, "exe");
	_free_ char *shown = link ? text__utf8(link, strlen(link)) : NULL;

	return shown && !strcmp(path__base(shown), path__base(exe));
}

char *process_script__of_ancestor(const char *exe, uint32_t pid, uint64_t start_ns)
{
	_close_ int process = -1;

	if (!script__interprets(exe))
		return NULL;
	process = procfs__open(pid, start_ns);
	if (process < 0 || !exe__unchanged(process, exe))
		return NULL;
	return process_script__shown(exe, process);
}
