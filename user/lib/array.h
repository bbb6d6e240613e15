/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef IMDSTRACE_ARRAY_H
#define IMDSTRACE_ARRAY_H

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#endif
