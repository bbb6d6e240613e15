/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "trace/notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "lib/scope.h"

int notify__send(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	_close_ int socket_fd = -1;
	size_t size;

	if (!path || !*path)
		return 0;
	size = strlen(path);
	if (size >= sizeof(address.sun_path) || (*path != '/' && *path != '@'))
		return -EINVAL;
	memcpy(address.sun_path, path, size);
	if (*path == '@') /* the abstract namespace */
		address.sun_path[0] = '\0';
	socket_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (socket_fd < 0)
		return -errno;
	if (sendto(socket_fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&address,
		    offsetof(struct sockaddr_un, sun_path) + size) < 0)
		return -errno;
	return 0;
}
