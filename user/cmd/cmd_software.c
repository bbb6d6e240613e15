/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <getopt.h>
#include <stdio.h>

#include "cmd/commands.h"
#include "cmd/usage.h"
#include "lib/complain.h"
#include "lib/exit_status.h"
#include "render/render_software.h"

static int usage(void)
{
	puts("Usage: imdstrace software [--json] [NAME]\n"
	     "\n"
	     "Prints what is known about software that calls the metadata service: how it is\n"
	     "told, the first version that speaks IMDSv2, that survives the switch (a call\n"
	     "without a token first and one with a token after it is enough), that never falls\n"
	     "back to IMDSv1, the setting that does it without an upgrade, and the source.\n"
	     "NAME is a part of a product's name, in any letter case.\n"
	     "\n"
	     "      --json  as one JSON object\n"
	     "  -h, --help  show this\n"
	     "\n"
	     "Exit status: 0 done; 2 wrong usage, or nothing is known of that name.");
	return EXIT_DONE;
}

static bool anything__matches(const char *part)
{
	for (size_t i = 0; i < software_count; i++)
		if (software__matches(&software_table[i], part))
			return true;
	return false;
}

static int print(const char *part, bool json)
{
	if (!anything__matches(part)) {
		complain("nothing is known of software called \"%s\"; imdstrace software lists all",
			part);
		return EXIT_USAGE;
	}
	if (!json) {
		render_software__text(stdout, part);
	} else if (render_software__json(stdout, part)) {
		complain("the list could not be made: out of memory");
		return EXIT_USAGE;
	}
	return EXIT_DONE;
}

int cmd_software(int argc, char **argv)
{
	static const struct option options[] = {
		{"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	bool json = false;
	int option;

	optind = 0;
	opterr = 0;
	while ((option = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		if (option == 'h')
			return usage();
		if (option != 'j')
			return usage__refuse_option(option, argv);
		json = true;
	}
	if (optind + 1 < argc) {
		complain("software takes one name, and \"%s\" is another", argv[optind + 1]);
		return EXIT_USAGE;
	}
	return print(argv[optind], json);
}
