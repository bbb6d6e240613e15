/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The ways of sending, as in struct way; the table of them is in ways.c. */
#ifndef WIRE_WAYS_H
#define WIRE_WAYS_H

#include <stdbool.h>
#include <stddef.h>

/* send(2) until all is sent: what the others fall back to for a rest. 0 or -errno. */
int way__send(int fd, const char *bytes, size_t size);

int way__uring_send(int fd, const char *bytes, size_t size);
int way__uring_write(int fd, const char *bytes, size_t size);
int way__uring_writev(int fd, const char *bytes, size_t size);
int way__uring_sendmsg(int fd, const char *bytes, size_t size);
int way__uring_fixed(int fd, const char *bytes, size_t size);
int way__uring_send_zc(int fd, const char *bytes, size_t size);
int way__uring_async(int fd, const char *bytes, size_t size);
int way__uring_sqpoll(int fd, const char *bytes, size_t size);

/* Before 5.12 io_uring's work ran in threads of the kernel's, not in some of the process's. */
bool uring__borrows_threads(void);

int way__guard_page(int fd, const char *bytes, size_t size);
int way__stale_tail(int fd, const char *bytes, size_t size);
int way__cold_page(int fd, const char *bytes, size_t size);
int way__cold_private_page(int fd, const char *bytes, size_t size);
int way__cold_second_page(int fd, const char *bytes, size_t size);
int way__cold_iovec(int fd, const char *bytes, size_t size);
int way__dropped_page(int fd, const char *bytes, size_t size);
int way__evicted_page(int fd, const char *bytes, size_t size);
int way__uncached_file(int fd, const char *bytes, size_t size);

#endif
