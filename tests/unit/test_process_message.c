/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "process/process_message.h"

static char *args[] = {"python3", "", "/opt/a b.py", NULL};

static struct process whole = {
	.key = {.pid = 381, .start_ns = 7, .exec_count = 2},
	.uid = 1000,
	.network = NETWORK_OWN,
	.comm = "python3",
	.exe = "/usr/bin/python3.11",
	.args = args,
	.args_cut = true,
	.script = "/opt/a b.py",
	.ancestry = {{.pid = 12, .comm = "bash", .exe = "/bin/bash", .script = "/etc/x"},
		{.pid = 1, .comm = "systemd"}},
	.ancestor_count = 2,
	.workload = {.unit = "etl.service",
		.container = {.runtime = "docker", .id = "abc"},
		.pod = {.uid = "u", .name = "n", .namespace = "s"}},
	.cgroup = "/system.slice/etl.service",
};

static struct process least = {.comm = "?", .args = &args[3]};

static char *written(const struct process *process, size_t *size)
{
	char *bytes = NULL;
	FILE *out = open_memstream(&bytes, size);

	assert_non_null(out);
	process_message__write(out, process);
	assert_int_equal(fclose(out), 0);
	return bytes;
}

static void same_text(const char *a, const char *b)
{
	if (!a || !b)
		assert_ptr_equal(a, b);
	else
		assert_string_equal(a, b);
}

static void same(const struct process *a, const struct process *b)
{
	assert_memory_equal(&a->key, &b->key, sizeof(a->key));
	assert_int_equal(a->uid, b->uid);
	assert_int_equal(a->network, b->network);
	assert_int_equal(a->args_cut, b->args_cut);
	same_text(a->comm, b->comm);
	same_text(a->exe, b->exe);
	same_text(a->script, b->script);
	same_text(a->workload.unit, b->workload.unit);
	same_text(a->workload.slice, b->workload.slice);
	same_text(a->workload.container.runtime, b->workload.container.runtime);
	same_text(a->workload.container.id, b->workload.container.id);
	same_text(a->workload.container.name, b->workload.container.name);
	same_text(a->workload.pod.uid, b->workload.pod.uid);
	same_text(a->workload.pod.name, b->workload.pod.name);
	same_text(a->workload.pod.namespace, b->workload.pod.namespace);
	same_text(a->cgroup, b->cgroup);
	for (size_t i = 0; a->args[i] || b->args[i]; i++)
		same_text(a->args[i], b->args[i]);
	assert_int_equal(a->ancestor_count, b->ancestor_count);
	for (unsigned int i = 0; i < a->ancestor_count; i++) {
		assert_int_equal(a->ancestry[i].pid, b->ancestry[i].pid);
		same_text(a->ancestry[i].comm, b->ancestry[i].comm);
		same_text(a->ancestry[i].exe, b->ancestry[i].exe);
		same_text(a->ancestry[i].script, b->ancestry[i].script);
	}
}

static void a_process_comes_back_as_it_was(void **state)
{
	const struct process *const processes[] = {&whole, &least};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		size_t size;
		char *bytes = written(processes[i], &size);
		struct process *read = process_message__read(bytes, size);

		assert_non_null(read);
		same(processes[i], read);
		process__free(read);
		free(bytes);
	}
}

static void what_is_cut_or_longer_is_refused(void **state)
{
	size_t size;
	char *bytes = written(&whole, &size);

	(void)state;
	for (size_t cut = 0; cut < size; cut++) {
		char *exact = malloc(cut ? cut : 1);

		memcpy(exact, bytes, cut);
		assert_null(process_message__read(exact, cut));
		free(exact);
	}
	bytes = realloc(bytes, size + 1);
	bytes[size] = 0;
	assert_null(process_message__read(bytes, size + 1));
	free(bytes);
}

static void no_byte_of_it_can_do_harm(void **state)
{
	size_t size;
	char *bytes = written(&whole, &size);

	(void)state;
	for (size_t at = 0; at < size; at++)
		for (unsigned int value = 0; value < 256; value += 51) {
			char *changed = malloc(size);

			memcpy(changed, bytes, size);
			changed[at] = (char)value;
			process__free(process_message__read(changed, size));
			free(changed);
		}
	free(bytes);
}

static void a_host_comes_back_as_it_was(void **state)
{
	struct host host = {.hostname = "web",
		.machine_id = "0123",
		.kernel = "6.1",
		.boot_id = "b",
		.region = "us-east-1",
		.account_id = "111122223333"};
	struct host read;
	char *bytes = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&bytes, &size);

	(void)state;
	host_message__write(out, &host);
	fclose(out);
	assert_int_equal(host_message__read(&read, bytes, size), 0);
	assert_string_equal(read.hostname, "web");
	assert_string_equal(read.region, "us-east-1");
	assert_string_equal(read.account_id, "111122223333");
	assert_null(read.instance_id);
	host__clear(&read);
	for (size_t cut = 0; cut < size; cut++)
		assert_int_not_equal(host_message__read(&read, bytes, cut), 0);
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_process_comes_back_as_it_was),
		cmocka_unit_test(what_is_cut_or_longer_is_refused),
		cmocka_unit_test(no_byte_of_it_can_do_harm),
		cmocka_unit_test(a_host_comes_back_as_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
