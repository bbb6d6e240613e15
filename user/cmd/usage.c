/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "cmd/usage.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/complain.h"
#include "lib/exit_status.h"
#include "trace/tracer.h"

/* Whether it was a letter that getopt_long stopped at. It may be in the middle of its word, and
 * then the word is still the next one. */
static bool option__is_letter(char *const *argv)
{
	const char *last = argv[optind - 1], *next = argv[optind];

	if (!optopt)
		return false;
	return strncmp(last, "--", 2) ||
	       (next && next[0] == '-' && next[1] != '-' && strchr(next, optopt));
}

int usage__refuse(const char *sentence)
{
	complain("%s", sentence);
	return EXIT_USAGE;
}

int usage__refuse_option(int refusal, char *const *argv)
{
	const char letter[] = {'-', (char)optopt, '\0'};
	bool is_letter = option__is_letter(argv);
	const char *option = is_letter ? letter : argv[optind - 1];
	const char *problem = "is unknown";

	if (refusal == ':')
		problem = "needs an argument";
	else if (!is_letter && optopt)
		problem = "takes no argument";
	complain("%s: option %s %s; see imdstrace %s --help", argv[0], option, problem, argv[0]);
	return EXIT_USAGE;
}

int usage__check_hooks(const char *name)
{
	for (const struct tracer_mode *mode = tracer_modes; mode->name; mode++)
		if (!strcmp(mode->name, name))
			return 0;
	return complain_errno(
		EINVAL, "--hooks takes fentry, tracepoint or kprobe, not \"%s\"", name);
}

int usage__read_min_window(struct verdict_options *options, const char *text)
{
	int error = duration__parse(text, &options->min_window);

	if (!error && options->min_window < 0)
		error = -EINVAL;
	if (error)
		complain("\"%s\" is no duration for --min-window: use 30s, 10m, 24h, 7d or 0s",
			text);
	return error ? -EINVAL : 0;
}

int usage__read_since(int64_t *since, const char *text)
{
	int64_t now = clock__now();
	int error = clock__parse_moment(text, now, since);

	if (error)
		complain(
			"\"%s\" is no time for --since: use 2026-01-31, 2026-01-31T12:00:00Z, or a "
			"span back from now such as 7d",
			text);
	else if (*since > now)
		error = complain_errno(EINVAL, "--since %s is in the future", text);
	return error ? -EINVAL : 0;
}

int usage__read_require_calls(struct verdict_options *options, const char *text)
{
	char *end;
	unsigned long long calls;

	errno = 0;
	calls = strtoull(text, &end, 10);
	if (!isdigit((unsigned char)*text) || *end || errno || calls > REPORT_COUNT_MAX) {
		complain("\"%s\" is no number of calls for --require-calls", text);
		return -EINVAL;
	}
	options->require_calls = calls;
	return 0;
}

int usage__status_of(enum verdict verdict)
{
	static const enum exit_status statuses[] = {
		[VERDICT_READY] = EXIT_DONE,
		[VERDICT_BLOCKED] = EXIT_BLOCKED,
		[VERDICT_INCONCLUSIVE] = EXIT_INCONCLUSIVE,
	};

	return statuses[verdict];
}

int usage__refuse_set(int error)
{
	complain("the reports could not be merged: %s",
		error == -ENOSPC ? "they have more hosts and windows than one report may hold"
				 : strerror(-error));
	return EXIT_USAGE;
}

static bool stdout_is_closed;

void usage__note_closed_stdout(void)
{
	stdout_is_closed = true;
}

void usage__survive_writes(void)
{
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
}

/* error: of a write before, as errno. */
static int stdout__finish(int error)
{
	if (stdout_is_closed) {
		complain("standard output could not be written: it is closed");
		return EXIT_USAGE;
	}
	if (fflush(stdout) && !error)
		error = errno;
	if (!error && !ferror(stdout))
		return EXIT_DONE;
	complain("standard output could not be written: %s", strerror(error ? error : EIO));
	/* So that nobody complains about the same a second time. */
	clearerr(stdout);
	return EXIT_USAGE;
}

int usage__write_stdout(const char *text, size_t size)
{
	return stdout__finish(fwrite(text, 1, size, stdout) == size ? 0 : errno);
}

/* Where an earlier write failed, the flush fails as that did. */
int usage__finish_stdout(void)
{
	return stdout__finish(0);
}
