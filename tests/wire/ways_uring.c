/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* io_uring by its system calls alone: one request at a time, waited for. */
#include <errno.h>
#include <linux/io_uring.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "ways.h"

#define ENTRIES 8

struct uring {
	int fd;
	bool polled; /* the kernel looks for requests by itself */
	void *submission, *completion;
	size_t submission_size, completion_size, entries_size;
	struct io_uring_sqe *entries;
	struct io_uring_params params;
};

static uint32_t *ring__field(void *ring, uint32_t offset)
{
	return (void *)((char *)ring + offset);
}

static void *uring__map(const struct uring *ring, size_t size, uint64_t offset)
{
	void *memory = mmap(
		NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring->fd, offset);

	return memory == MAP_FAILED ? NULL : memory;
}

static void uring__close(struct uring *ring)
{
	if (ring->entries)
		munmap(ring->entries, ring->entries_size);
	if (ring->completion)
		munmap(ring->completion, ring->completion_size);
	if (ring->submission)
		munmap(ring->submission, ring->submission_size);
	if (ring->fd >= 0)
		close(ring->fd);
}

/* 0, or -EOPNOTSUPP where there is no io_uring, or not for us. */
static int uring__open(struct uring *ring, uint32_t flags)
{
	*ring = (struct uring){.params = {.flags = flags, .sq_thread_idle = 50}};
	ring->polled = flags & IORING_SETUP_SQPOLL;
	ring->fd = syscall(SYS_io_uring_setup, ENTRIES, &ring->params);
	if (ring->fd < 0)
		return -EOPNOTSUPP;
	ring->submission_size = ring->params.sq_off.array + ring->params.sq_entries * 4;
	ring->completion_size =
		ring->params.cq_off.cqes + ring->params.cq_entries * sizeof(struct io_uring_cqe);
	ring->entries_size = ring->params.sq_entries * sizeof(struct io_uring_sqe);
	ring->submission = uring__map(ring, ring->submission_size, IORING_OFF_SQ_RING);
	ring->completion = uring__map(ring, ring->completion_size, IORING_OFF_CQ_RING);
	ring->entries = uring__map(ring, ring->entries_size, IORING_OFF_SQES);
	if (ring->submission && ring->completion && ring->entries)
		return 0;
	uring__close(ring);
	return -EOPNOTSUPP;
}

bool uring__borrows_threads(void)
{
	struct uring ring;
	bool native;

	if (uring__open(&ring, 0))
		return false;
	native = ring.params.features & IORING_FEAT_NATIVE_WORKERS;
	uring__close(&ring);
	return !native;
}

static int uring__enter(const struct uring *ring, unsigned int submit)
{
	unsigned int flags = IORING_ENTER_GETEVENTS;

	if (ring->polled) {
		submit = 0;
		flags |= IORING_ENTER_SQ_WAKEUP;
	}
	while (syscall(SYS_io_uring_enter, ring->fd, submit, 1, flags, NULL, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

/* Takes the next completion, waiting for it. more: another one belongs to it. Its result. */
static int uring__reap(struct uring *ring, bool *more)
{
	uint32_t *head = ring__field(ring->completion, ring->params.cq_off.head);
	uint32_t *tail = ring__field(ring->completion, ring->params.cq_off.tail);
	struct io_uring_cqe *all = (void *)((char *)ring->completion + ring->params.cq_off.cqes);
	uint32_t mask = *ring__field(ring->completion, ring->params.cq_off.ring_mask);
	struct io_uring_cqe *done;
	int error = 0, result;

	while (!error && __atomic_load_n(tail, __ATOMIC_ACQUIRE) == *head)
		error = uring__enter(ring, 0);
	if (error)
		return error;
	done = &all[*head & mask];
	result = done->res;
	*more = done->flags & IORING_CQE_F_MORE;
	__atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
	return result;
}

/* Submits one request and waits until it and its buffer are done with. Its result. */
static int uring__do(struct uring *ring, const struct io_uring_sqe *request)
{
	uint32_t *tail = ring__field(ring->submission, ring->params.sq_off.tail);
	uint32_t *array = ring__field(ring->submission, ring->params.sq_off.array);
	uint32_t mask = *ring__field(ring->submission, ring->params.sq_off.ring_mask);
	bool more = false;
	int error, result;

	ring->entries[*tail & mask] = *request;
	array[*tail & mask] = *tail & mask;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_SEQ_CST);
	error = uring__enter(ring, 1);
	if (error)
		return error;
	result = uring__reap(ring, &more);
	while (more)
		uring__reap(ring, &more);
	return result;
}

/* Sends all by requests of that kind; prepare fills in where the bytes are. A kernel that has no
 * such request says -EINVAL to the first. */
static int uring__send_all(struct uring *ring, struct io_uring_sqe request,
	void (*prepare)(struct io_uring_sqe *request, const char *bytes, size_t size),
	const char *bytes, size_t size)
{
	int sent = 0;

	for (size_t at = 0; at < size; at += sent) {
		prepare(&request, bytes + at, size - at);
		sent = uring__do(ring, &request);
		if (sent == -EINVAL && !at)
			return -EOPNOTSUPP;
		if (sent <= 0)
			return sent ? sent : -EIO;
	}
	return 0;
}

static void prepare__buffer(struct io_uring_sqe *request, const char *bytes, size_t size)
{
	request->addr = (uintptr_t)bytes;
	request->len = size;
}

static void prepare__iovec(struct io_uring_sqe *request, const char *bytes, size_t size)
{
	static struct iovec pieces[2];

	pieces[0] = (struct iovec){(void *)bytes, size / 2};
	pieces[1] = (struct iovec){(void *)(bytes + size / 2), size - size / 2};
	request->addr = (uintptr_t)pieces;
	request->len = 2;
}

static void prepare__message(struct io_uring_sqe *request, const char *bytes, size_t size)
{
	static struct msghdr message;
	static struct iovec piece;

	piece = (struct iovec){(void *)bytes, size};
	message = (struct msghdr){.msg_iov = &piece, .msg_iovlen = 1};
	request->addr = (uintptr_t)&message;
	request->len = 1;
}

static int uring__run(uint32_t flags, struct io_uring_sqe request,
	void (*prepare)(struct io_uring_sqe *request, const char *bytes, size_t size),
	const char *bytes, size_t size)
{
	struct uring ring;
	int error = uring__open(&ring, flags);

	if (error)
		return error;
	error = uring__send_all(&ring, request, prepare, bytes, size);
	uring__close(&ring);
	return error;
}

int way__uring_send(int fd, const char *bytes, size_t size)
{
	struct io_uring_sqe request = {
		.opcode = IORING_OP_SEND, .fd = fd, .msg_flags = MSG_NOSIGNAL};

	return uring__run(0, request, prepare__buffer, bytes, size);
}

int way__uring_write(int fd, const char *bytes, size_t size)
{
	struct io_uring_sqe request = {.opcode = IORING_OP_WRITE, .fd = fd};

	return uring__run(0, request, prepare__buffer, bytes, size);
}

int way__uring_writev(int fd, const char *bytes, size_t size)
{
	struct io_uring_sqe request = {.opcode = IORING_OP_WRITEV, .fd = fd};

	return uring__run(0, request, prepare__iovec, bytes, size);
}

int way__uring_sendmsg(int fd, const char *bytes, size_t size)
{
	struct io_uring_sqe request = {
		.opcode = IORING_OP_SENDMSG, .fd = fd, .msg_flags = MSG_NOSIGNAL};

	return uring__run(0, request, prepare__message, bytes, size);
}

int way__uring_async(int fd, const char *bytes, size_t size)
{
	struct io_uring_sqe request = {.opcode = IORING_OP_SEND,
		.flags = IOSQE_ASYNC,
		.fd = fd,
		.msg_flags = MSG_NOSIGNAL};

	return uring__run(0, request, prepare__buffer, bytes, size);
}

int way__uring_send_zc(int fd, const char *bytes, size_t size)
{
	struct io_uring_sqe request = {
		.opcode = IORING_OP_SEND_ZC, .fd = fd, .msg_flags = MSG_NOSIGNAL};

	return uring__run(0, request, prepare__buffer, bytes, size);
}

/* Registered buffers: the kernel holds their pages, and no user address reaches the socket. */
int way__uring_fixed(int fd, const char *bytes, size_t size)
{
	struct io_uring_sqe request = {.opcode = IORING_OP_WRITE_FIXED, .fd = fd};
	struct iovec buffer = {(void *)bytes, size};
	struct uring ring;
	char *copy;
	int error = uring__open(&ring, 0);

	if (error)
		return error;
	copy = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (copy == MAP_FAILED) {
		error = -errno;
	} else {
		buffer.iov_base = memcpy(copy, bytes, size);
		if (syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_BUFFERS, &buffer, 1))
			error = -EOPNOTSUPP;
		else
			error = uring__send_all(&ring, request, prepare__buffer, copy, size);
	}
	uring__close(&ring);
	if (copy != MAP_FAILED)
		munmap(copy, size);
	return error;
}

/* The socket is registered: before 5.11 a polling thread took no other. */
int way__uring_sqpoll(int fd, const char *bytes, size_t size)
{
	struct io_uring_sqe request = {.opcode = IORING_OP_SEND,
		.flags = IOSQE_FIXED_FILE,
		.fd = 0,
		.msg_flags = MSG_NOSIGNAL};
	struct uring ring;
	int error = uring__open(&ring, IORING_SETUP_SQPOLL);

	if (error)
		return error;
	if (syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_FILES, &fd, 1))
		error = -EOPNOTSUPP;
	else
		error = uring__send_all(&ring, request, prepare__buffer, bytes, size);
	uring__close(&ring);
	return error;
}
