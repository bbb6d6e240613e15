/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * verify OBJECT...: loads each program of each BPF object, and says what the kernel's verifier
 * refuses and why. What this kernel has no function, tracepoint or helper for is passed over.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOG_SIZE  (1 << 16)
#define LOG_STATS 4 /* BPF_LOG_STATS: the complaint and the sum alone */

enum outcome { LOADED, NO_PLACE, REFUSED };

static char log_text[LOG_SIZE];

static int be_quiet(enum libbpf_print_level level, const char *format, va_list arguments)
{
	(void)level, (void)format, (void)arguments;
	return 0;
}

/* The object with that one program to load; aloud: with the verifier's complaint in log_text. A log
 * that is too small would fail a program whose loops are followed round by round. */
static int load_program(const char *path, const char *name, bool aloud)
{
	int error;
	struct bpf_object *object = bpf_object__open_file(path, NULL);
	struct bpf_program *program;

	if (!object)
		return -errno;
	bpf_object__for_each_program(program, object)
	{
		bool chosen = !strcmp(bpf_program__name(program), name);

		bpf_program__set_autoload(program, chosen);
		if (!chosen || !aloud)
			continue;
		*log_text = '\0';
		bpf_program__set_log_level(program, LOG_STATS);
		bpf_program__set_log_buf(program, log_text, sizeof(log_text));
	}
	error = bpf_object__load(object);
	bpf_object__close(object);
	return error;
}

/* An empty log means that no verifier was asked. */
static enum outcome load_alone(const char *path, const char *name, int *error)
{
	*error = load_program(path, name, false);
	if (!*error)
		return LOADED;
	load_program(path, name, true);
	return !*log_text && (*error == -ESRCH || *error == -ENOENT) ? NO_PLACE : REFUSED;
}

/* 0, or 1 after having said what was refused. */
static int verify(const char *path)
{
	struct bpf_object *object = bpf_object__open_file(path, NULL);
	struct bpf_program *program;
	int counts[3] = {0}, error;

	if (!object) {
		printf("FAILED  %s: cannot be opened: %s\n", path, strerror(errno));
		return 1;
	}
	bpf_object__for_each_program(program, object)
	{
		enum outcome outcome = load_alone(path, bpf_program__name(program), &error);

		counts[outcome]++;
		if (outcome == REFUSED)
			printf("FAILED  %s: %s: %s\n%s", path, bpf_program__name(program),
				strerror(-error), log_text);
	}
	bpf_object__close(object);
	if (!counts[REFUSED] && counts[LOADED])
		printf("ok      %s: %d programs, %d without a place here\n", path, counts[LOADED],
			counts[NO_PLACE]);
	return counts[REFUSED] || !counts[LOADED];
}

int main(int argc, char **argv)
{
	int failed = 0;

	libbpf_set_print(be_quiet);
	for (int i = 1; i < argc; i++)
		failed += verify(argv[i]);
	printf("%d passed, %d failed, 0 skipped\n", argc - 1 - failed, failed);
	return failed != 0;
}
