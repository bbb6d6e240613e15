/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "trace/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "lib/array.h"
#include "lib/scope.h"
#include "process/command.h"

struct signalled signalled;

static const struct command *volatile running; /* signals are for it; NULL: there is none */
static bool has_terminal;                      /* that may hang up */

static void remember_signal(int signal)
{
	signalled.stop = signal;
}

/* Somebody asks for a new report file (kill -USR1, systemctl kill -s USR1). */
static void remember_anew(int signal)
{
	signalled.anew = signal;
}

/* The command is told first, and the trace ends with it; or at once where that is asked for again.
 * A terminal's signals are sent to both by the kernel. */
static void pass_signal(int signal, siginfo_t *how, void *context)
{
	static volatile sig_atomic_t before;
	int error = errno;

	(void)context;
	if (!running) {
		signalled.stop = signal;
		return;
	}
	if (how->si_code != SI_KERNEL)
		command__signal(running, signal);
	if (before)
		signalled.stop = signal;
	before = signal;
	errno = error;
}

static bool terminal__is_there(void)
{
	_close_ int fd = open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC);

	return fd >= 0;
}

/* Somebody asks for the report (kill -HUP, systemctl reload); but where the terminal has gone, the
 * trace goes, too. A shell that hears of it passes the signal on, so the kernel alone is no sign.
 */
static void remember_hangup(int signal, siginfo_t *how, void *context)
{
	int error = errno;

	(void)context;
	if (how->si_code == SI_KERNEL || (has_terminal && !terminal__is_there()))
		signalled.stop = signal;
	else
		signalled.hangup = signal;
	errno = error;
}

/* Whoever started it may have blocked them; the command keeps what it was given. */
static void unblock_signals(void)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGQUIT, SIGHUP, SIGUSR1};
	sigset_t caught;

	sigemptyset(&caught);
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		sigaddset(&caught, signals[i]);
	sigprocmask(SIG_UNBLOCK, &caught, NULL);
}

void signals__catch(const struct command *command)
{
	/* SA_RESTART: a reader that is slow gets whole lines all the same */
	struct sigaction action = {
		.sa_handler = remember_signal, .sa_flags = SA_RESETHAND | SA_RESTART};
	struct sigaction anew = {.sa_handler = remember_anew, .sa_flags = SA_RESTART};
	struct sigaction pass = {.sa_sigaction = pass_signal, .sa_flags = SA_SIGINFO | SA_RESTART};
	struct sigaction save = {
		.sa_sigaction = remember_hangup, .sa_flags = SA_SIGINFO | SA_RESTART};
	struct sigaction hangup;

	signalled.stop = signalled.hangup = signalled.anew = 0;
	has_terminal = terminal__is_there();
	running = command;
	sigaction(SIGINT, command ? &pass : &action, NULL);
	sigaction(SIGTERM, command ? &pass : &action, NULL);
	if (command)
		sigaction(SIGQUIT, &pass, NULL);
	sigaction(SIGUSR1, &anew, NULL);
	/* nohup(1) is to outlive the terminal */
	if (sigaction(SIGHUP, NULL, &hangup) || hangup.sa_handler != SIG_IGN)
		sigaction(SIGHUP, &save, NULL);
	/* a reader that has gone, or a file past its limit, is an error of write, with a name */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	unblock_signals();
}
