/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Loops. 5.17 brought bpf_loop(), whose body the verifier looks at once; before, it follows a loop
 * round by round, which takes thirty times as long. Objects are built both ways (LOOP_BY_HELPER),
 * because a kernel without bpf_loop() refuses a program in which it so much as occurs; the loader
 * takes the one that fits the kernel.
 *
 * A body is given the number of the round and a context, and returns 1 to end the loop. What it
 * changes from round to round it keeps in a map's memory, where the verifier does not follow it, or
 * in a scalar of the context.
 */
#ifndef IMDSTRACE_LOOP_H
#define IMDSTRACE_LOOP_H

#include <bpf/bpf_helpers.h>

/* LOOP(rounds, most, body, context): at most so many rounds; most is a constant. */
#ifdef LOOP_BY_HELPER
#define LOOP_BODY                         static __noinline long
#define LOOP(rounds, most, body, context) bpf_loop(rounds, body, context, 0)
#else
#define LOOP_BODY static __always_inline long
#define LOOP(rounds, most, body, context)                                \
	do {                                                             \
		for (u32 round_ = 0; round_ < (most); round_++)          \
			if (round_ >= (rounds) || body(round_, context)) \
				break;                                   \
	} while (0)
#endif

#endif
