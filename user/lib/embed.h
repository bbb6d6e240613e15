/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A file inside the program, as the array name; its end is name_end, where a 0 stands. The
 * assembler finds it where the compiler finds headers. */
#ifndef IMDSTRACE_EMBED_H
#define IMDSTRACE_EMBED_H

#define EMBED(name, file)                                               \
	__asm__(".pushsection .rodata\n" #name ":\n"                    \
		".incbin \"" file "\"\n" #name "_end:\n"                \
		".byte 0\n"                                             \
		".popsection\n");                                       \
	extern const char name[] __attribute__((visibility("hidden"))); \
	extern const char name##_end[] __attribute__((visibility("hidden")))

#endif
