/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Cleanup at the end of a scope, so that a function can be judged leak-free on its own. */
#ifndef IMDSTRACE_SCOPE_H
#define IMDSTRACE_SCOPE_H

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void scope__free(void *pointer)
{
	free(*(void **)pointer);
}

static inline void scope__close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void scope__fclose(FILE **file)
{
	if (*file)
		fclose(*file);
}

static inline void scope__decref(json_t **value)
{
	json_decref(*value);
}

#define _free_   __attribute__((cleanup(scope__free)))
#define _close_  __attribute__((cleanup(scope__close)))
#define _fclose_ __attribute__((cleanup(scope__fclose)))
#define _decref_ __attribute__((cleanup(scope__decref)))

#endif
