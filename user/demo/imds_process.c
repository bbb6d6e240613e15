/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "demo/imds_process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/complain.h"

#define FDS_MAX 4096

static void process__detach(pid_t parent, const int *kept, size_t count)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(0);
	prctl(PR_SET_NAME, "imds");
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	if (null >= 0) {
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
	}
	for (int fd = STDERR_FILENO + 1; fd < FDS_MAX; fd++) {
		bool keep = false;

		for (size_t i = 0; i < count; i++)
			keep |= fd == kept[i];
		if (!keep)
			close(fd);
	}
}

int imds__spawn(
	const int *kept, size_t count, void (*run)(void *context), void *context, pid_t *pid)
{
	pid_t parent = getpid(), child = fork();

	if (!child) {
		process__detach(parent, kept, count);
		run(context);
		_exit(1);
	}
	if (child < 0)
		return complain_errno(
			errno, "cannot start the private metadata service: %s", strerror(errno));
	*pid = child;
	return 0;
}

void imds__stop(pid_t pid)
{
	kill(pid, SIGTERM);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}
