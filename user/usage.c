/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "usage.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "complain.h"
#include "exit_status.h"

int usage__refuse_option(int refusal, char *const *argv)
{
	const char *word = argv[optind - 1];
	char letter[] = {'-', (char)optopt, '\0'};
	/* optopt is a letter's, or what a long option's row returns, or 0 for an unknown long one.
	 */
	const char *option = !strncmp(word, "--", 2) || !optopt ? word : letter;

	if (refusal == ':')
		complain("%s: option %s needs an argument; see imdstrace %s --help", argv[0],
			option, argv[0]);
	else
		complain("%s: option %s is unknown, ambiguous or takes no argument; see imdstrace "
			 "%s "
			 "--help",
			argv[0], option, argv[0]);
	return EXIT_USAGE;
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

int usage__refuse_set(int error)
{
	complain("the reports could not be merged: %s",
		error == -ENOSPC ? "they have more hosts and windows than one report may hold"
				 : strerror(-error));
	return EXIT_USAGE;
}

int usage__write_stdout(const char *text, size_t size)
{
	if (fwrite(text, 1, size, stdout) == size && !fflush(stdout))
		return EXIT_DONE;
	complain("standard output could not be written: %s", strerror(errno));
	/* So that nobody complains about the same a second time. */
	clearerr(stdout);
	return EXIT_USAGE;
}
