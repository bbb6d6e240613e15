/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What cppcheck has to know of libbpf's headers, which it is not given for the time that they take, or
 * because they are beyond it (bpf_tracing.h), and of cmocka's: that nothing goes on behind an assertion
 * that is not so. */
#define LIBBPF_OPTS(type, name, ...) struct type name = {.sz = sizeof(struct type), __VA_ARGS__}
#define bpf_object__for_each_program(position, object)            \
	for ((position) = bpf_object__next_program(object, NULL); \
		(position); (position) = bpf_object__next_program(object, position))
#define assert_true(condition) do { if (!(condition)) abort(); } while (0)

#ifdef __bpf__
#define SEC(name)
#define BPF_PROG(name, ...)      name(__VA_ARGS__)
#define BPF_KPROBE(name, ...)    name(__VA_ARGS__)
#define BPF_KRETPROBE(name, ...) name(__VA_ARGS__)
#define __uint(name, value)      int(*name)[value]
#define __type(name, value)      value *name
#define __always_inline          inline
#define __noinline
#define __weak
#define __ksym
#endif
