/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The terminal as one screen, which is left as it was found: also meanwhile, by Ctrl-Z. */
#ifndef IMDSTRACE_SCREEN_H
#define IMDSTRACE_SCREEN_H

#include <stdbool.h>
#include <stddef.h>

/* Of standard input and output. 0 or -errno. */
int screen__start(void);
void screen__stop(void);

/* Whole where the terminal takes it; a frame that a slow one does not take is redrawn anyway. */
void screen__write(const char *text, size_t size);

/* Whether its size changed, or it was left and entered again, since this was asked last: what stood
 * there is gone. Ctrl-Z is obeyed here. */
bool screen__changed(void);

#endif
