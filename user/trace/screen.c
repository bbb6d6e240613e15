/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "trace/screen.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "lib/file.h"
#include "lib/outlet.h"

#define ENTER_SCREEN "\033[?1049h\033[?25l"
#define LEAVE_SCREEN "\033[?25h\033[?1049l"
#define WRITE_WAIT   100 /* ms that a terminal may take for a frame before the rest is dropped */

static volatile sig_atomic_t resized, suspended;
static struct termios cooked;
static int screen = STDOUT_FILENO; /* opened once more, so that a write does not wait */

static void remember_resize(int signal)
{
	(void)signal;
	resized = 1;
}

static void remember_suspension(int signal)
{
	(void)signal;
	suspended = 1;
}

void screen__write(const char *text, size_t size)
{
	(void)file__write_in_time(screen, text, size, WRITE_WAIT);
}

static void screen__enter(void)
{
	struct termios raw = cooked;
	int again = fd__reopen_nonblocking(STDOUT_FILENO);

	screen = again < 0 ? STDOUT_FILENO : again;
	/* Ctrl-C and Ctrl-Z stay signals. */
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	raw.c_cc[VMIN] = 0;
	raw.c_cc[VTIME] = 0;
	tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
	screen__write(ENTER_SCREEN, strlen(ENTER_SCREEN));
}

static void screen__leave(void)
{
	screen__write(LEAVE_SCREEN, strlen(LEAVE_SCREEN));
	/* now: a terminal that was stopped (Ctrl-S) would never be drained */
	tcsetattr(STDIN_FILENO, TCSANOW, &cooked);
	if (screen != STDOUT_FILENO)
		close(screen);
	screen = STDOUT_FILENO;
}

int screen__start(void)
{
	struct sigaction resize = {.sa_handler = remember_resize};
	struct sigaction suspend = {.sa_handler = remember_suspension};

	if (tcgetattr(STDIN_FILENO, &cooked))
		return -errno;
	sigaction(SIGWINCH, &resize, NULL);
	sigaction(SIGTSTP, &suspend, NULL);
	screen__enter();
	return 0;
}

void screen__stop(void)
{
	screen__leave();
	signal(SIGWINCH, SIG_DFL);
	signal(SIGTSTP, SIG_DFL);
}

bool screen__changed(void)
{
	bool changed = resized || suspended;

	resized = 0;
	if (suspended) {
		suspended = 0;
		screen__leave();
		raise(SIGSTOP);
		screen__enter();
	}
	return changed;
}
