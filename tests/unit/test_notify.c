/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Readiness, as systemd hears it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "trace/notify.h"
#include "lib/scope.h"

/* A socket bound to path, "@" for the abstract namespace, and the path in the environment. */
static int listen_at(const char *path)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int listener = socket(AF_UNIX, SOCK_DGRAM, 0);
	size_t size = strlen(path);

	memcpy(name.sun_path, path, size);
	if (*path == '@')
		name.sun_path[0] = '\0';
	assert_int_equal(bind(listener, (struct sockaddr *)&name,
				 offsetof(struct sockaddr_un, sun_path) + size),
		0);
	setenv("NOTIFY_SOCKET", path, 1);
	return listener;
}

static void assert_hears(int listener, const char *state)
{
	char heard[64] = "";

	assert_int_equal(
		recv(listener, heard, sizeof(heard) - 1, MSG_DONTWAIT), (int)strlen(state));
	assert_string_equal(heard, state);
}

static void nobody_waits(void **state)
{
	(void)state;
	unsetenv("NOTIFY_SOCKET");
	assert_int_equal(notify__send("READY=1"), 0);
	setenv("NOTIFY_SOCKET", "", 1);
	assert_int_equal(notify__send("READY=1"), 0);
}

static void a_socket_in_the_file_system(void **state)
{
	char directory[] = "/tmp/imdstrace-notify-XXXXXX", path[64];
	_close_ int listener = -1;

	(void)state;
	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/socket", directory);
	listener = listen_at(path);
	assert_int_equal(notify__send("READY=1"), 0);
	assert_hears(listener, "READY=1");
	unlink(path);
	rmdir(directory);
}

static void an_abstract_socket(void **state)
{
	char path[64];
	_close_ int listener = -1;

	(void)state;
	snprintf(path, sizeof(path), "@imdstrace-notify-%d", (int)getpid());
	listener = listen_at(path);
	assert_int_equal(notify__send("READY=1"), 0);
	assert_hears(listener, "READY=1");
}

static void a_path_that_is_none(void **state)
{
	char path[300];

	(void)state;
	setenv("NOTIFY_SOCKET", "relative", 1);
	assert_int_equal(notify__send("READY=1"), -EINVAL);
	memset(path, 'x', sizeof(path));
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	setenv("NOTIFY_SOCKET", path, 1);
	assert_int_equal(notify__send("READY=1"), -EINVAL);
	setenv("NOTIFY_SOCKET", "/nowhere/at/all", 1);
	assert_int_equal(notify__send("READY=1"), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_waits),
		cmocka_unit_test(a_socket_in_the_file_system),
		cmocka_unit_test(an_abstract_socket),
		cmocka_unit_test(a_path_that_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
