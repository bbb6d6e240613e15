/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which script an interpreter runs, from its arguments. */
#ifndef IMDSTRACE_SCRIPT_H
#define IMDSTRACE_SCRIPT_H

#include <stdbool.h>

/*
 * For exe (a path; NULL allowed: then args[0] decides) and its NULL-terminated args: the script as
 * it was given, "-m NAME" for a module of python, "-jar FILE" reduced to FILE and a main class for
 * java; NULL for -c/-e code, standard input, an interactive interpreter, or no interpreter at all.
 * Knows sh, bash, dash, zsh, ksh, busybox sh, python*, pypy*, perl*, ruby*, node, nodejs, php*,
 * java, lua*, tclsh*, and env(1) in front of them; versions in the name (python3.11) are part of
 * the pattern. The caller frees.
 */
char *script__find(const char *exe, char *const *args);

/* Whether exe is an interpreter that script__find() knows. NULL: no. */
bool script__interprets(const char *exe);

/* Whether script, as script__find() gave it for exe, is a file's name: no module, no main class. */
bool script__is_file(const char *exe, const char *script);

#endif
