/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "lib/outlet.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define QUEUE_MAX (4UL << 20)
#define PIECE_SIZE                                                                              \
	256           /* of a write that might wait: a terminal that can be written to takes it \
		       */
#define DRAIN_WAIT 50 /* ms between two questions whether to keep on */

enum outlet_kind {
	OUTLET_PLAIN,       /* a file: it takes all that is written, or fails */
	OUTLET_NONBLOCKING, /* opened once more */
	OUTLET_SOCKET,
	OUTLET_POLLED, /* a pipe or terminal that cannot be opened once more */
};

struct outlet {
	int fd, own; /* own: to be closed, or -1 */
	enum outlet_kind kind;
	int error;
	bool full; /* until half of the queue is read: what is refused is refused in one piece */
	char *queue;
	size_t start, size, room;
};

int fd__reopen_nonblocking(int fd)
{
	struct stat status;
	char path[64];
	int again;

	if (fstat(fd, &status))
		return -errno;
	if (!S_ISFIFO(status.st_mode) && !S_ISCHR(status.st_mode))
		return -EINVAL;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return again < 0 ? -errno : again;
}

static enum outlet_kind fd__kind(int fd)
{
	struct stat status;

	if (fstat(fd, &status))
		return OUTLET_PLAIN;
	if (S_ISSOCK(status.st_mode))
		return OUTLET_SOCKET;
	return S_ISFIFO(status.st_mode) || S_ISCHR(status.st_mode) ? OUTLET_POLLED : OUTLET_PLAIN;
}

struct outlet *outlet__new(int fd)
{
	struct outlet *outlet = calloc(1, sizeof(*outlet));

	if (!outlet)
		return NULL;
	outlet->own = fd__reopen_nonblocking(fd);
	outlet->fd = outlet->own >= 0 ? outlet->own : fd;
	outlet->kind = outlet->own >= 0 ? OUTLET_NONBLOCKING : fd__kind(fd);
	return outlet;
}

void outlet__free(struct outlet *outlet)
{
	if (!outlet)
		return;
	if (outlet->own >= 0)
		close(outlet->own);
	free(outlet->queue);
	free(outlet);
}

bool outlet__waits(const struct outlet *outlet)
{
	return outlet->size > outlet->start;
}

/* As many whole lines as a pipe takes all of or nothing (pipe(7)): a reader never sees half a line,
 * also if this is the last that it gets. */
static size_t lines__whole(const char *text, size_t size)
{
	const char *end;

	if (size > PIPE_BUF)
		size = PIPE_BUF;
	end = memrchr(text, '\n', size);
	return end ? (size_t)(end - text) + 1 : size;
}

/* Bytes that were taken, 0 where it would wait, or -errno. */
static ssize_t outlet__write(const struct outlet *outlet, const char *text, size_t size)
{
	struct pollfd ready = {.fd = outlet->fd, .events = POLLOUT};
	ssize_t written;

	if (outlet->kind == OUTLET_POLLED && poll(&ready, 1, 0) <= 0)
		return 0;
	if (outlet->kind == OUTLET_POLLED && size > PIECE_SIZE)
		size = PIECE_SIZE;
	if (outlet->kind == OUTLET_NONBLOCKING)
		size = lines__whole(text, size);
	do
		written = outlet->kind == OUTLET_SOCKET
				  ? send(outlet->fd, text, size, MSG_DONTWAIT | MSG_NOSIGNAL)
				  : write(outlet->fd, text, size);
	while (written < 0 && errno == EINTR);
	if (written < 0 && errno != EAGAIN && errno != EWOULDBLOCK)
		return -errno;
	return written < 0 ? 0 : written;
}

int outlet__flush(struct outlet *outlet)
{
	while (!outlet->error && outlet__waits(outlet)) {
		ssize_t written = outlet__write(
			outlet, outlet->queue + outlet->start, outlet->size - outlet->start);

		if (written < 0)
			outlet->error = (int)written;
		if (written <= 0)
			break;
		outlet->start += (size_t)written;
	}
	if (!outlet__waits(outlet))
		outlet->start = outlet->size = 0;
	return outlet->error;
}

static int outlet__append(struct outlet *outlet, const char *text, size_t size)
{
	size_t room = outlet->room ? outlet->room : 65536;
	char *grown;

	if (outlet->start)
		memmove(outlet->queue, outlet->queue + outlet->start, outlet->size - outlet->start);
	outlet->size -= outlet->start;
	outlet->start = 0;
	while (room - outlet->size < size)
		room *= 2;
	if (room != outlet->room) {
		grown = realloc(outlet->queue, room);
		if (!grown)
			return -ENOMEM;
		outlet->queue = grown;
		outlet->room = room;
	}
	memcpy(outlet->queue + outlet->size, text, size);
	outlet->size += size;
	return 0;
}

int outlet__put_all(struct outlet *outlet, const char *text, size_t size)
{
	int error = outlet__flush(outlet);

	/* the usual reader takes all at once, and nothing is copied */
	while (!error && size && !outlet__waits(outlet)) {
		ssize_t written = outlet__write(outlet, text, size);

		if (written < 0)
			error = outlet->error = (int)written;
		if (written <= 0)
			break;
		text += written;
		size -= (size_t)written;
	}
	if (error || !size)
		return error;
	return outlet__append(outlet, text, size);
}

int outlet__put(struct outlet *outlet, const char *text, size_t size)
{
	int error = outlet__flush(outlet);
	size_t queued = outlet->size - outlet->start;

	if (error)
		return error;
	if (queued <= QUEUE_MAX / 2)
		outlet->full = false;
	if (outlet->full || (queued && queued + size > QUEUE_MAX)) {
		outlet->full = true;
		return -EAGAIN;
	}
	return outlet__put_all(outlet, text, size);
}

int outlet__drain(struct outlet *outlet, bool (*keep_on)(void *context, size_t left), void *context)
{
	struct pollfd ready = {.fd = outlet->fd, .events = POLLOUT};

	while (!outlet__flush(outlet) && outlet__waits(outlet)) {
		if (!keep_on(context, outlet->size - outlet->start))
			return -ETIME;
		if (poll(&ready, 1, DRAIN_WAIT) < 0 && errno != EINTR)
			return -errno;
	}
	return outlet->error;
}
