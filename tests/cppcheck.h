/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What cppcheck has to know of libbpf's headers, which it is not given for the time that they take, and
 * of cmocka's: that nothing goes on behind an assertion that is not so. */
#define LIBBPF_OPTS(type, name, ...) struct type name = {.sz = sizeof(struct type), __VA_ARGS__}
#define bpf_object__for_each_program(position, object)            \
	for ((position) = bpf_object__next_program(object, NULL); \
		(position); (position) = bpf_object__next_program(object, position))
#define assert_true(condition) do { if (!(condition)) abort(); } while (0)
