/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The subcommands: one file cmd_NAME.c each, dispatched by the table in main.c. */
#ifndef IMDSTRACE_COMMANDS_H
#define IMDSTRACE_COMMANDS_H

/* Each gets its own name as argv[0] and returns an enum exit_status. Options by getopt_long. */
int cmd_trace(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_rehearse(int argc, char **argv);
int cmd_reconcile(int argc, char **argv);
int cmd_software(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_demo(int argc, char **argv);

#endif
