/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A command that runs while something watches it: in a cgroup of its own, by which it and all that
 * it starts are known, with its input, output and surroundings as they were.
 *
 *     command__start() ── waits in its cgroup ── command__go() ── runs ── command__ended()
 */
#ifndef IMDSTRACE_COMMAND_H
#define IMDSTRACE_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

struct command;

/* Makes its cgroup and a process in it, which waits before it becomes argv. To be called before
 * signals are caught or ignored, which it would inherit. 0, or -errno, and then *why is a sentence
 * for the caller to free (NULL: no memory), and *command untouched. */
int command__start(struct command **command, char *const *argv, char **why);

/* The path of its cgroup; NULL: none could be made, and it is known by its pid and its children. */
const char *command__cgroup(const struct command *command);
uint32_t command__pid(const struct command *command);

/* Lets it run. 0, or -errno with *why as above: there is no such program, or it is none. */
int command__go(struct command *command, char **why);

/* Whether it has ended, asked without waiting. */
bool command__ended(struct command *command);
/* "ended with status 3", "was killed by signal 9", "did not end"; NULL where it ended with 0, or
 * there is no memory. The caller frees. */
char *command__failure(const struct command *command);

/* Sends it a signal while it runs. May be called from a signal handler. */
void command__signal(const struct command *command, int signal);

/* Ends it only if it never ran. What it left running stays, where the cgroup was made, and the
 * cgroup goes. NULL is allowed. */
void command__free(struct command *command);

#endif
