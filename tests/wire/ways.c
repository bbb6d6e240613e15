/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The ways of sending that a libc offers, and the table of all. */
#include "ways.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/aio_abi.h>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "lib/array.h"
#include "lib/scope.h"
#include "wire.h"

#define PIECES_MAX 1024 /* UIO_MAXIOV */

int way__send(int fd, const char *bytes, size_t size)
{
	while (size) {
		ssize_t sent = send(fd, bytes, size, MSG_NOSIGNAL);

		if (sent < 0)
			return -errno;
		bytes += sent;
		size -= sent;
	}
	return 0;
}

/* What a call that may take less than size did: the rest goes out by send(2). */
static int way__rest(int fd, const char *bytes, size_t size, ssize_t sent)
{
	if (sent < 0)
		return -errno;
	return way__send(fd, bytes + sent, size - sent);
}

static int way__write(int fd, const char *bytes, size_t size)
{
	return way__rest(fd, bytes, size, write(fd, bytes, size));
}

static int way__sendto(int fd, const char *bytes, size_t size)
{
	struct sockaddr_storage peer;
	socklen_t peer_size = sizeof(peer);

	if (getpeername(fd, (struct sockaddr *)&peer, &peer_size))
		return -errno;
	return way__rest(fd, bytes, size,
		sendto(fd, bytes, size, MSG_NOSIGNAL, (struct sockaddr *)&peer, peer_size));
}

static int way__sendmsg(int fd, const char *bytes, size_t size)
{
	size_t third = size / 3;
	struct iovec pieces[] = {
		{(void *)bytes, third},
		{(void *)(bytes + third), third},
		{(void *)(bytes + 2 * third), size - 2 * third},
	};
	struct msghdr message = {.msg_iov = pieces, .msg_iovlen = ARRAY_SIZE(pieces)};

	return way__rest(fd, bytes, size, sendmsg(fd, &message, MSG_NOSIGNAL));
}

/* Eight messages of two pieces each in one call. */
static int way__sendmmsg(int fd, const char *bytes, size_t size)
{
	struct mmsghdr messages[8] = {0};
	struct iovec pieces[16];
	size_t part = size / ARRAY_SIZE(pieces), sent = 0;
	int count;

	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++)
		pieces[i] = (struct iovec){(void *)(bytes + i * part), part};
	pieces[ARRAY_SIZE(pieces) - 1].iov_len = size - (ARRAY_SIZE(pieces) - 1) * part;
	for (size_t i = 0; i < ARRAY_SIZE(messages); i++) {
		messages[i].msg_hdr.msg_iov = &pieces[2 * i];
		messages[i].msg_hdr.msg_iovlen = 2;
	}
	count = sendmmsg(fd, messages, ARRAY_SIZE(messages), MSG_NOSIGNAL);
	if (count < 0)
		return -errno;
	for (int i = 0; i < count; i++)
		sent += messages[i].msg_len;
	return way__rest(fd, bytes, size, sent);
}

static int way__writev(int fd, const char *bytes, size_t size)
{
	struct iovec pieces[] = {
		{(void *)bytes, size / 2},
		{(void *)(bytes + size / 2), size - size / 2},
	};

	return way__rest(fd, bytes, size, writev(fd, pieces, ARRAY_SIZE(pieces)));
}

/* As many pieces as the kernel takes, a byte each; the last one holds what is left over. */
static int way__writev_bytes(int fd, const char *bytes, size_t size)
{
	struct iovec pieces[PIECES_MAX];
	size_t count = size < PIECES_MAX ? size : PIECES_MAX;

	for (size_t i = 0; i < count; i++)
		pieces[i] = (struct iovec){(void *)(bytes + i), 1};
	pieces[count - 1].iov_len = size - (count - 1);
	return way__rest(fd, bytes, size, writev(fd, pieces, count));
}

/* Seven bytes a piece, with one to three empty pieces in front of each and at the end. */
static int way__writev_empties(int fd, const char *bytes, size_t size)
{
	struct iovec pieces[PIECES_MAX];
	size_t count = 0, at = 0;

	while (at < size && count < PIECES_MAX - 8) {
		size_t part = size - at < 7 ? size - at : 7;

		for (size_t i = 0; i <= at % 3; i++)
			pieces[count++] = (struct iovec){i ? (void *)(bytes + at) : NULL, 0};
		pieces[count++] = (struct iovec){(void *)(bytes + at), part};
		at += part;
	}
	pieces[count++] = (struct iovec){(void *)bytes, 0};
	return way__rest(fd, bytes, size, writev(fd, pieces, count));
}

static int way__pwritev2(int fd, const char *bytes, size_t size)
{
	struct iovec piece = {(void *)bytes, size};

	return way__rest(fd, bytes, size, pwritev2(fd, &piece, 1, -1, 0));
}

static int way__more(int fd, const char *bytes, size_t size)
{
	while (size) {
		size_t part = size < 10 ? size : 10;
		ssize_t sent = send(fd, bytes, part, MSG_NOSIGNAL | (part < size ? MSG_MORE : 0));

		if (sent < 0)
			return -errno;
		bytes += sent;
		size -= sent;
	}
	return 0;
}

static int way__cork(int fd, const char *bytes, size_t size)
{
	int on = 1, off = 0, error = 0;

	setsockopt(fd, IPPROTO_TCP, TCP_CORK, &on, sizeof(on));
	for (size_t at = 0, part; !error && at < size; at += part) {
		part = size - at < 13 ? size - at : 13;
		error = way__send(fd, bytes + at, part);
	}
	setsockopt(fd, IPPROTO_TCP, TCP_CORK, &off, sizeof(off));
	return error;
}

static int way__nonblocking(int fd, const char *bytes, size_t size)
{
	while (size) {
		ssize_t sent = send(fd, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (sent < 0 && errno != EAGAIN)
			return -errno;
		if (sent < 0)
			poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, 1000);
		else
			bytes += sent, size -= sent;
	}
	return 0;
}

/* Waits until the kernel has let go of the buffer. */
static int zerocopy__complete(int fd)
{
	char control[256];
	struct msghdr message = {.msg_control = control, .msg_controllen = sizeof(control)};

	if (poll(&(struct pollfd){.fd = fd}, 1, 5000) != 1) /* POLLERR comes unasked */
		return -ETIMEDOUT;
	return recvmsg(fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0 ? -errno : 0;
}

static int way__zerocopy(int fd, const char *bytes, size_t size)
{
	int on = 1;
	ssize_t sent;

	if (setsockopt(fd, SOL_SOCKET, SO_ZEROCOPY, &on, sizeof(on)))
		return -EOPNOTSUPP;
	while (size) {
		sent = send(fd, bytes, size, MSG_NOSIGNAL | MSG_ZEROCOPY);
		if (sent < 0)
			return -errno;
		bytes += sent;
		size -= sent;
		if (zerocopy__complete(fd))
			return -ETIMEDOUT;
	}
	return 0;
}

/* A memory file with bytes in it, standing at its start. */
static int memory_file(const char *bytes, size_t size)
{
	int file = memfd_create("wire", MFD_CLOEXEC);

	if (file < 0)
		return -errno;
	if (pwrite(file, bytes, size, 0) == (ssize_t)size)
		return file;
	close(file);
	return -EIO;
}

static int way__sendfile(int fd, const char *bytes, size_t size)
{
	_close_ int file = memory_file(bytes, size);

	if (file < 0)
		return file;
	while (size) {
		ssize_t sent = sendfile(fd, file, NULL, size);

		if (sent <= 0)
			return sent ? -errno : -EIO;
		size -= sent;
	}
	return 0;
}

/* Fills a pipe by fill and empties it into the socket, a page at a time. */
static int way__pipe(int fd, const char *bytes, size_t size,
	ssize_t (*fill)(int pipe, const char *bytes, size_t size))
{
	int error = 0, ends[2];
	ssize_t left, moved;

	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	for (; size && !error; size -= left, bytes += left) {
		left = fill(ends[1], bytes, size < 4096 ? size : 4096);
		if (left < 0) {
			error = -errno;
			break;
		}
		for (ssize_t pending = left; pending && !error; pending -= moved) {
			moved = splice(ends[0], NULL, fd, NULL, pending, 0);
			if (moved <= 0)
				error = moved ? -errno : -EIO;
		}
	}
	close(ends[0]);
	close(ends[1]);
	return error;
}

static ssize_t pipe__write(int pipe, const char *bytes, size_t size)
{
	return write(pipe, bytes, size);
}

/* Of pages that nobody writes to afterwards: the socket takes no copy of them, so what the caller
 * put into its own later would be sent. */
static ssize_t pipe__vmsplice(int pipe, const char *bytes, size_t size)
{
	void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ssize_t filled;

	if (pages == MAP_FAILED)
		return -1;
	memcpy(pages, bytes, size);
	filled = vmsplice(pipe, &(struct iovec){pages, size}, 1, 0);
	munmap(pages, size);
	return filled;
}

static int way__splice(int fd, const char *bytes, size_t size)
{
	return way__pipe(fd, bytes, size, pipe__write);
}

static int way__vmsplice(int fd, const char *bytes, size_t size)
{
	return way__pipe(fd, bytes, size, pipe__vmsplice);
}

/* io_submit(2), which executes a write to a socket at once. */
static int way__aio(int fd, const char *bytes, size_t size)
{
	struct iocb request = {.aio_lio_opcode = IOCB_CMD_PWRITE,
		.aio_fildes = fd,
		.aio_buf = (uintptr_t)bytes,
		.aio_nbytes = size};
	struct iocb *requests[] = {&request};
	aio_context_t context = 0;
	struct io_event done = {0};
	int error = 0;

	if (syscall(SYS_io_setup, 1, &context))
		return -EOPNOTSUPP;
	if (syscall(SYS_io_submit, context, 1, requests) != 1)
		error = -errno;
	else if (syscall(SYS_io_getevents, context, 1, 1, &done, NULL) != 1)
		error = -EIO;
	else if (done.res < 0)
		error = done.res;
	syscall(SYS_io_destroy, context);
	return error ? error : way__send(fd, bytes + done.res, size - done.res);
}

static int way__duplicate(int fd, const char *bytes, size_t size)
{
	_close_ int other = dup(fd);

	return other < 0 ? -errno : way__send(other, bytes, size);
}

/* Zero bytes, before and after: nothing on the wire. */
static int way__empty_sends(int fd, const char *bytes, size_t size)
{
	int error;

	if (send(fd, bytes, 0, MSG_NOSIGNAL) < 0)
		return -errno;
	error = way__send(fd, bytes, size);
	if (!error && send(fd, bytes, 0, MSG_NOSIGNAL) < 0)
		error = -errno;
	return error;
}

/* The bytes are in no memory of the sender's. */
static bool always(void)
{
	return true;
}

const struct way ways[] = {
	{.name = "send", .send = way__send},
	{.name = "write", .send = way__write},
	{.name = "sendto", .send = way__sendto},
	{.name = "sendmsg", .send = way__sendmsg},
	{.name = "sendmmsg", .send = way__sendmmsg},
	{.name = "writev", .send = way__writev},
	{.name = "writev-bytes", .send = way__writev_bytes},
	{.name = "writev-empties", .send = way__writev_empties},
	{.name = "pwritev2", .send = way__pwritev2},
	{.name = "more", .send = way__more},
	{.name = "cork", .send = way__cork},
	{.name = "nonblocking", .send = way__nonblocking},
	{.name = "zerocopy", .send = way__zerocopy},
	{.name = "aio", .send = way__aio, .slow = true},
	{.name = "duplicate", .send = way__duplicate},
	{.name = "empty-sends", .send = way__empty_sends},
	{.name = "sendfile", .send = way__sendfile, .or_unknown = always},
	{.name = "splice", .send = way__splice, .or_unknown = always},
	{.name = "vmsplice", .send = way__vmsplice, .or_unknown = always},
	{.name = "uring-send", .send = way__uring_send, .other_thread = true, .slow = true},
	{.name = "uring-write", .send = way__uring_write, .other_thread = true, .slow = true},
	{.name = "uring-writev", .send = way__uring_writev, .other_thread = true, .slow = true},
	{.name = "uring-sendmsg", .send = way__uring_sendmsg, .other_thread = true, .slow = true},
	{.name = "uring-fixed",
		.send = way__uring_fixed,
		.or_unknown = always,
		.other_thread = true,
		.slow = true},
	{.name = "uring-send-zc", .send = way__uring_send_zc, .other_thread = true, .slow = true},
	{.name = "uring-async",
		.send = way__uring_async,
		.or_unknown = uring__borrows_threads,
		.other_thread = true,
		.slow = true},
	{.name = "uring-sqpoll",
		.send = way__uring_sqpoll,
		.or_unknown = uring__borrows_threads,
		.other_thread = true,
		.slow = true},
	{.name = "guard-page", .send = way__guard_page},
	{.name = "stale-tail", .send = way__stale_tail},
	{.name = "cold-page", .send = way__cold_page},
	{.name = "cold-private-page", .send = way__cold_private_page},
	{.name = "cold-second-page", .send = way__cold_second_page},
	{.name = "cold-iovec", .send = way__cold_iovec},
	{.name = "dropped-page", .send = way__dropped_page},
	{.name = "evicted-page", .send = way__evicted_page},
	{.name = "uncached-file", .send = way__uncached_file},
	{.name = NULL},
};

const struct way *way__find(const char *name)
{
	for (const struct way *way = ways; way->name; way++)
		if (!strcmp(way->name, name))
			return way;
	return NULL;
}
