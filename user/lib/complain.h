/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One sentence for a person, on stderr, behind "imdstrace: ". */
#ifndef IMDSTRACE_COMPLAIN_H
#define IMDSTRACE_COMPLAIN_H

/* Prints "imdstrace: SENTENCE\n"; control bytes in it are shown, not sent, to the terminal. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same of what makes nothing fail: in the journal it is a warning, not an error. */
void complain_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* As complain(), and returns -error (error: a positive errno), so that a failure is one line. */
int complain_errno(int error, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
