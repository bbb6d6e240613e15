/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A skip that says why: tests/run adds the reasons up. */
#ifndef IMDSTRACE_SKIPPING_H
#define IMDSTRACE_SKIPPING_H

#define skip_because(reason)                              \
	do {                                              \
		print_message("# skipped: " reason "\n"); \
		skip();                                   \
	} while (0)

#endif
