/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Ways of sending that differ by where the bytes stand in memory: at the end of what is mapped, in
 * front of something misleading, or in a page that the process has not touched yet, so that the
 * kernel has to fault it in while it sends.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lib/scope.h"
#include "ways.h"
#include "wire.h"

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif

static const char misleading[] =
	"X-aws-ec2-metadata-token: stale\r\n\r\nPUT /latest/api/token HTTP/1.1\r\n\r\n";

static size_t page__size(void)
{
	return sysconf(_SC_PAGESIZE);
}

static size_t page__round(size_t size)
{
	return (size + page__size() - 1) / page__size() * page__size();
}

/* Fresh memory with size bytes that end where it does, and nothing behind it. */
int way__guard_page(int fd, const char *bytes, size_t size)
{
	size_t room = page__round(size);
	char *memory = mmap(NULL, room + page__size(), PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int error;

	if (memory == MAP_FAILED)
		return -errno;
	mprotect(memory + room, page__size(), PROT_NONE);
	memcpy(memory + room - size, bytes, size);
	error = way__send(fd, memory + room - size, size);
	munmap(memory, room + page__size());
	return error;
}

int way__stale_tail(int fd, const char *bytes, size_t size)
{
	_free_ char *memory = malloc(size + sizeof(misleading));

	if (!memory)
		return -ENOMEM;
	memcpy(memory, bytes, size);
	memcpy(memory + size, misleading, sizeof(misleading));
	return way__send(fd, memory, size);
}

/* A file with bytes at offset, mapped and not touched. */
static char *file__map(const char *bytes, size_t size, size_t offset, int flags)
{
	_close_ int file = memfd_create("wire", MFD_CLOEXEC);
	char *memory;

	if (file < 0 || ftruncate(file, page__round(size + offset)) ||
		pwrite(file, bytes, size, offset) != (ssize_t)size)
		return NULL;
	memory = mmap(NULL, page__round(size + offset), PROT_READ, flags, file, 0);
	return memory == MAP_FAILED ? NULL : memory;
}

static int way__mapped(int fd, const char *bytes, size_t size, int flags)
{
	char *memory = file__map(bytes, size, 0, flags);
	int error;

	if (!memory)
		return -errno;
	error = way__send(fd, memory, size);
	munmap(memory, page__round(size));
	return error;
}

int way__cold_page(int fd, const char *bytes, size_t size)
{
	return way__mapped(fd, bytes, size, MAP_SHARED);
}

int way__cold_private_page(int fd, const char *bytes, size_t size)
{
	return way__mapped(fd, bytes, size, MAP_PRIVATE);
}

/* The first half is read, so that its page is there; the second half stands in the next page,
 * and the kernel is kept from mapping it in together with the first. */
int way__cold_second_page(int fd, const char *bytes, size_t size)
{
	size_t page = page__size(), offset = page - size / 2 % page;
	char *memory = file__map(bytes, size, offset, MAP_SHARED);
	int error;

	if (!memory)
		return -errno;
	madvise(memory, page__round(size + offset), MADV_RANDOM);
	*(volatile char *)(memory + offset);
	madvise(memory + page, page__round(size + offset) - page, MADV_DONTNEED);
	error = way__send(fd, memory + offset, size);
	munmap(memory, page__round(size + offset));
	return error;
}

int way__cold_iovec(int fd, const char *bytes, size_t size)
{
	size_t half = size / 2;
	char *memory = file__map(bytes + half, size - half, 0, MAP_SHARED);
	struct iovec pieces[2] = {{(void *)bytes, half}, {memory, size - half}};
	ssize_t sent;

	if (!memory)
		return -errno;
	sent = writev(fd, pieces, 2);
	if (sent < 0)
		sent = -errno;
	munmap(memory, page__round(size - half));
	return sent < 0 ? sent : way__send(fd, bytes + sent, size - sent);
}

/* Touched once, and then given up by advice: a file's page stays in the page cache. */
static int way__advised(int fd, const char *bytes, size_t size, int advice)
{
	char *memory = file__map(bytes, size, 0, MAP_SHARED);
	int error;

	if (!memory)
		return -errno;
	for (size_t at = 0; at < size; at += page__size())
		*(volatile char *)(memory + at);
	error = madvise(memory, page__round(size), advice) ? -EOPNOTSUPP
							   : way__send(fd, memory, size);
	munmap(memory, page__round(size));
	return error;
}

int way__dropped_page(int fd, const char *bytes, size_t size)
{
	return way__advised(fd, bytes, size, MADV_DONTNEED);
}

int way__evicted_page(int fd, const char *bytes, size_t size)
{
	return way__advised(fd, bytes, size, MADV_PAGEOUT);
}

/* A file on disk whose pages the page cache has been asked to forget. */
int way__uncached_file(int fd, const char *bytes, size_t size)
{
	const char *directory = getenv("TMPDIR");
	_close_ int file =
		open(directory ? directory : "/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	char *memory;
	int error;

	if (file < 0)
		return -EOPNOTSUPP;
	if (pwrite(file, bytes, size, 0) != (ssize_t)size)
		return -EIO;
	fsync(file);
	posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
	memory = mmap(NULL, page__round(size), PROT_READ, MAP_PRIVATE, file, 0);
	if (memory == MAP_FAILED)
		return -errno;
	error = way__send(fd, memory, size);
	munmap(memory, page__round(size));
	return error;
}
